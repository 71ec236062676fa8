"""The app as a person meets it: the real server and the real rooms, driven through Chromium."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

SKIMAGE = Path(skimage.data.__file__).parent
ROOT = Path(__file__).parents[1]
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; install the package `chromium`")

#: Patience in milliseconds: a busy machine is slow, not broken.
PATIENCE = 120_000

expect.set_options(timeout=PATIENCE)

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """A server of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "BURNISH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment.pop("BURNISH_LLM_URL", None)
    log = home / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "ui.cli", "serve", "--port", str(port)], env=environment, stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            if server.poll() is not None:
                pytest.fail(f"the server ended: {log.read_text()}")
            try:
                urllib.request.urlopen(url, timeout=5).read()
                break
            except (OSError, urllib.error.URLError):
                time.sleep(0.2)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    assert "Traceback" not in log.read_text(), log.read_text()[-4000:]
    assert not list((home / "cache").glob("app-*")), "the private cache is removed at the end"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """A tab, and everything it complained about or asked of the outside."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = (1280, 720)) -> None:
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, accept_downloads=True)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.outside: list[str] = []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self._asked(r.url, address))
        self.page.goto(address)
        expect(self.page.locator("#examples button").first).to_be_visible(timeout=PATIENCE)

    def _asked(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.outside.append(url)

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
        for image in self.page.locator("#slider img").all():
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
        assert not self.complaints
        assert not self.outside


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    tab = Visit(browser, address)
    yield tab
    tab.close()


def test_the_first_minute(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    visit.open_example("Launch")
    expect(page.locator("#chat .option").first).to_be_visible()
    visit.say("make the sky a bit bluer and brighten the people")
    visit.answered(re.compile("sky", re.I))
    visit.versions(2)
    visit.at(1)
    before, after = visit.pictures()
    assert before.shape == after.shape
    assert (before != after).any()
    sky = (slice(20, 60), slice(300, 340))
    assert (
        after[sky][..., 2].mean() - after[sky][..., 0].mean() > before[sky][..., 2].mean() - before[sky][..., 0].mean()
    )

    # The steps folded away; a click shows them.
    steps = page.locator("#chat .thought-group .title").last
    expect(steps).to_contain_text("How I did it")
    steps.click()
    expect(page.locator("#chat .thought-group").last).to_contain_text("Understanding")

    page.locator("#undo").click()
    visit.at(0)
    visit.shows(before)
    page.locator("#redo").click()
    visit.at(1)
    page.locator("#reset").click()
    visit.at(0)
    page.locator("#strip button").nth(1).click()
    visit.at(1)
    visit.shows(after)

    for name, suffix in (("JPEG", ".jpg"), ("TIFF", ".tif")):
        page.get_by_role("radio", name="Export").check(force=True)
        page.locator("#format label", has_text=name).click()
        with page.expect_download() as waiting:
            page.locator("#save").click()
        assert waiting.value.suggested_filename == f"rocket-burnished{suffix}"
        saved = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(saved)
        with Image.open(saved) as picture, Image.open(SKIMAGE / "rocket.jpg") as original:
            assert picture.size == original.size
            assert picture.format == name
            full = np.asarray(picture.convert("RGB")).astype(int)
        assert abs(full.mean(axis=(0, 1)) - after.mean(axis=(0, 1))).max() < 3  # the file is what the page showed


def test_like_is_kept_and_can_be_forgotten(visit: Visit, home: Path) -> None:
    page = visit.page
    page.locator("#profile input").fill("Anna")
    visit.open_example("Coffee")
    visit.say("much warmer and more contrast")
    visit.versions(2)
    page.locator("#like").click()
    expect(page.locator("#strip button").nth(1)).to_contain_text("♥")
    visit.say("undo")
    visit.at(0)
    visit.say("my usual")
    visit.versions(3)
    expect(page.locator("#chat")).to_contain_text("♥")
    picture = page.locator("#chat .message-content img")
    expect(picture).to_have_count(1)
    page.wait_for_function("() => document.querySelector('#chat .message-content img').naturalWidth > 50")
    shown = list((home / "cache").glob("app-*/c-*/taste-*"))
    assert shown
    page.get_by_role("tab", name="My taste").click()
    expect(page.locator("#taste h3")).to_contain_text("from Anna")
    cards = page.locator("#taste .memory")
    expect(cards).to_have_count(1)
    expect(cards.first).to_contain_text("Liked")
    expect(page.locator("#taste-here")).to_contain_text("still learning")
    expect(page.locator("#forget-kind")).to_be_visible()
    cards.first.get_by_label("Keep").uncheck()
    page.locator("#forget-unkept").click()
    expect(page.locator("#nothing")).to_be_visible()
    assert not any(path.exists() for path in (home / "cache").glob("app-*/c-*/taste-*"))
    assert not list((home / "memory").glob("pictures/*"))


def test_a_thumb_at_an_earlier_answer_is_about_its_version(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Portrait")
    for count, text in ((2, "brighten the face"), (3, "less saturation")):
        visit.say(text)
        visit.versions(count)
        visit.at(count - 1)
    answers = page.locator("#chat .bot-row")
    expect(answers).to_have_count(3)
    page.locator("#chat .message-buttons-left").nth(1).get_by_role("button", name="Like", exact=True).click()
    expect(page.locator("#strip button").nth(1)).to_contain_text("♥")
    visit.at(1)
    assert "♥" not in page.locator("#strip button").nth(2).inner_text()
    expect(page.locator("#send")).to_be_visible(timeout=PATIENCE)
    flag = page.locator("#chat .message-buttons-left").last
    flag.get_by_role("button", name="Feedback").hover()
    flag.get_by_text("Too weak").click()
    visit.versions(4)
    expect(page.locator("#send")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#chat .user-row", has_text="Too weak")).to_have_count(1)
    visit.versions(4)


def test_follow_up_by_a_click_and_a_message_nobody_understands(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Portrait")
    visit.say("brighten the face")
    visit.versions(2)
    page.locator("#chat .option", has_text="A bit more").click()
    visit.versions(3)
    visit.say("qwxz blorp fnord")
    visit.answered("make out")
    visit.versions(3)
    visit.say("<img src=x onerror=alert(1)> ![](http://127.0.0.1:9/x.png) warmer")
    expect(page.locator("#chat .user-row").last).to_contain_text("warmer")
    expect(page.locator("#send")).to_be_visible()
    assert page.locator("#chat img").count() == 0


def test_files_that_are_no_photos_are_refused_in_a_sentence(visit: Visit, tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear photo,")
    visit.page.locator("#drop input[type=file]").set_input_files(letter)
    expect(visit.page.locator(".toast-body")).to_contain_text("letter.jpg is not a photo")
    photo = tmp_path / "my cat.png"
    shutil.copy(SKIMAGE / "chelsea.png", photo)
    # The way back is open: choose another file.
    visit.page.reload()
    visit.page.locator("#drop input[type=file]").set_input_files(photo)
    expect(visit.page.locator("#title")).to_contain_text("my cat.png")


def test_a_click_and_a_box_on_the_photo_are_what_this_means(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Launch")
    page.locator("#choose").click()
    picture = page.locator("#selector img")
    expect(picture).to_be_visible()
    expect(page.locator("#hint")).to_contain_text("Click on what you mean")
    place = picture.bounding_box()
    picture.click(position={"x": place["width"] * 0.12, "y": place["height"] * 0.15})
    expect(page.locator("#hint")).to_contain_text("Selected")
    visit.say("make this darker")
    visit.answered(re.compile("selection", re.I))
    visit.versions(2)
    # The answer is looked at, not selected on.
    expect(page.locator("#slider img").first).to_be_visible()
    before, after = visit.pictures()
    height, width = before.shape[:2]
    sky = (slice(height // 10, height // 5), slice(width // 12, width // 6))
    corner = (slice(-height // 12, None), slice(0, width // 12))
    assert after[sky].mean() < before[sky].mean() - 3
    assert abs(after[corner].mean() - before[corner].mean()) < 1

    page.locator("#choose").click()
    page.locator("#how label", has_text="Box").click()
    expect(picture).to_be_visible()
    for x, y in ((0.42, 0.1), (0.6, 0.8)):
        place = picture.bounding_box()
        picture.click(position={"x": place["width"] * x, "y": place["height"] * y})
        expect(page.locator("#hint")).to_contain_text("opposite corner" if x < 0.5 else "Selected")
    page.locator("#clear").click()
    expect(page.locator("#hint")).to_contain_text("Nothing is selected")
    page.locator("#choose").click()
    expect(picture).not_to_be_visible()


def test_a_reload_takes_the_conversation_up_again(visit: Visit) -> None:
    visit.open_example("Cat")
    visit.say("a bit warmer")
    visit.versions(2)
    visit.answered("warmer")
    visit.page.reload()
    visit.versions(2)
    visit.at(1)
    expect(visit.page.locator("#chat")).to_contain_text("a bit warmer")


def test_two_tabs_do_not_mix(browser: Any, address: str) -> None:
    one, two = Visit(browser, address), Visit(browser, address)
    one.open_example("Cat")
    two.open_example("Coffee")
    one.say("darker")
    two.say("less saturation")
    one.versions(2)
    two.versions(2)
    one.answered("darker")
    two.answered("colour")
    assert one.pictures()[0].shape != two.pictures()[0].shape
    one.close()
    two.close()


def test_a_phone(browser: Any, address: str) -> None:
    tab = Visit(browser, address, (390, 844))
    tab.open_example("Portrait")
    tab.say("warmer")
    tab.versions(2)
    wide = tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    slider = tab.page.locator("#slider").bounding_box()
    assert slider["width"] > 300
    tab.close()


def test_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.locator("#examples button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#slider img").first).to_be_visible(timeout=PATIENCE)
    page.locator("#box textarea").focus()
    page.keyboard.type("warmer")
    page.keyboard.press("Enter")
    visit.versions(2)
    page.locator("#undo").focus()
    page.keyboard.press("Enter")
    visit.at(0)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "{home}/history.sqlite3", "{home}/server.log", "../history.sqlite3", "{root}/pyproject.toml"],
)
@pytest.mark.parametrize(
    "route", ["/gradio_api/file={}", "/file={}", "/gradio_api/file=%2e%2e/{}", "/gradio_api/file=./../{}"]
)
def test_no_other_file_is_served(address: str, home: Path, route: str, path: str) -> None:
    url = address + route.format(path.format(home=home, root=ROOT))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=30)
    assert refused.value.code in (403, 404)


def test_photos_of_the_store_are_not_served(visit: Visit, address: str, home: Path) -> None:
    visit.open_example("Coffee")
    blobs = [p for p in (home / "blobs").rglob("*") if p.is_file()]
    assert blobs
    for blob in blobs[:5]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/gradio_api/file={blob}", timeout=30)
        assert refused.value.code == 403


def test_stop_leaves_the_photo_and_the_conversation_usable(visit: Visit) -> None:
    visit.open_example("Portrait")
    visit.say("make it look good")
    visit.page.locator("#stop").click()
    expect(visit.page.locator("#send")).to_be_visible(timeout=PATIENCE)
    expect(visit.page.locator("#chat")).to_contain_text("Stopped")
    visit.versions(1)
    visit.say("warmer")
    visit.versions(2)
    visit.answered("warmer")


def test_no_event_is_an_open_door(address: str) -> None:
    with urllib.request.urlopen(f"{address}/gradio_api/info", timeout=30) as answer:
        assert json.loads(answer.read()) == {"named_endpoints": {}, "unnamed_endpoints": {}}
