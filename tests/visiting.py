"""A visit to the app: a real Chromium tab that notices every complaint and every request to the outside."""

import io
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

SKIMAGE = Path(skimage.data.__file__).parent
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
#: For the modules whose tests need one.
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; install the package `chromium`"
)

#: Patience in milliseconds: a busy machine is slow, not broken.
PATIENCE = 240_000

expect.set_options(timeout=PATIENCE)

#: What Gradio writes to the console when a page is left while an event is under way: it hangs up itself, notes that, and may
#: still read a step of an answer whose beginning it has let go of.
HANGS_UP = re.compile(
    r"AbortError: (?:signal is aborted without reason|BodyStreamBuffer was aborted)\n.*\.close "
    r"|Unexpected error Connection errored out\. $"
    r"|Unexpected client exception TypeError: Cannot read properties of undefined",
    re.S,
)

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Visit:
    """A tab, and everything it complained about or asked of the outside."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = (1280, 720), touch: bool = False) -> None:
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, accept_downloads=True, has_touch=touch
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.outside: list[str] = []
        self._leaving = False
        self.page.on("console", lambda m: self._noted(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self._noted(str(e)))
        self.page.on("request", lambda r: self._asked(r.url, address))
        self.page.goto(address)
        self.enters()
        expect(self.page.locator("#examples button").first).to_be_visible(timeout=PATIENCE)

    def enters(self) -> None:
        """What stands before the page: nothing, unless a login is asked for."""

    def _asked(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.outside.append(url)

    def _noted(self, text: str) -> None:
        if not (self._leaving and HANGS_UP.match(text)):
            self.complaints.append(text)

    def reload(self) -> None:
        """Load the page anew; what the old one says of its own hanging up is no complaint.

        Its last words may arrive after the new page has begun to load, on a busy machine, and no event has begun there yet.
        """
        self._leaving = True
        self.page.reload()
        self._leaving = False

    def open_example(self, name: str) -> None:
        self.page.locator("#examples button", has_text=name).click()
        expect(self.page.locator("#slider img").first).to_be_visible(timeout=PATIENCE)

    def say(self, text: str) -> None:
        self.page.locator("#box textarea").fill(text)
        self.page.keyboard.press("Enter")

    def answered(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("#chat .bot-row").last).to_contain_text(text)
        expect(self.page.locator("#send")).to_be_visible(timeout=PATIENCE)

    def versions(self, count: int) -> None:
        expect(self.page.locator("#strip button")).to_have_count(count)

    def at(self, index: int) -> None:
        """The strip marks this version as the one on the page."""
        expect(self.page.locator("#strip button").nth(index)).to_have_class(re.compile("selected"))

    def pictures(self) -> list[np.ndarray]:
        """Before and after, as the browser got them."""
        out = []
        for image in self.page.locator("#slider .content img").all():
            response = self.page.request.get(image.get_attribute("src"))
            assert response.ok
            with Image.open(io.BytesIO(response.body())) as picture:
                out.append(np.asarray(picture.convert("RGB")).astype(int))
        return out

    def shows(self, picture: np.ndarray) -> None:
        """The picture on the right becomes this one."""
        for _ in range(PATIENCE // 250):
            now = self.pictures()[1]
            if now.shape == picture.shape and (now == picture).all():
                return
            self.page.wait_for_timeout(250)
        pytest.fail("the page does not show the picture")

    def close(self) -> None:
        self.context.close()
        assert self.complaints == []
        assert self.outside == []
