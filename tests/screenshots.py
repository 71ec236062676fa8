"""`make screenshots`: every page and state of the app, at three sizes, light and some dark; three of them for the README.

    python -m tests.screenshots docs/screenshots

The photos are those of scikit-image that ship inside its package, by NASA, SpaceX and others, in the public domain or CC0.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

from models.training.faults import darkened, noisy
from tests.serving import served
from tests.visiting import CHROMIUM, FLAGS, PATIENCE, Visit, expect, playwright
from ui.accounts import account, change

SIZES = ((1280, 720), (1920, 1080), (390, 844))
#: States of the README, as they are called there.
BEST = {"answered-1280x720": "app", "adjust-dark-1920x1080": "adjust", "taste-1280x720": "taste"}
#: Longest file of the README, in bytes.
MOST = 400_000


class Sitting(Visit):
    """A visit that is photographed."""

    out: Path

    def shot(self, name: str, *, dark: bool = False, sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
        """The page as it stands, at every size; with `dark` once more in the dark."""
        for width, height in sizes:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_timeout(700)
            self.page.screenshot(path=self.out / f"{name}-{width}x{height}.png", full_page=width < 800)
            if dark:
                self.page.evaluate("document.body.classList.add('dark')")
                self.page.wait_for_timeout(400)
                self.page.screenshot(path=self.out / f"{name}-dark-{width}x{height}.png")
                self.page.evaluate("document.body.classList.remove('dark')")
        self.page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
        self.page.wait_for_timeout(300)

    def side(self, name: str) -> None:
        self.page.locator("#side label", has_text=name).click()

    def click(self, what: str, then: str) -> None:
        self.page.locator(what).click()
        expect(self.page.locator(then).first).to_be_visible(timeout=PATIENCE)

    def open_file(self, photo: Path) -> None:
        self.page.locator("#drop input[type=file]").set_input_files(photo)
        expect(self.page.locator("#slider img").first).to_be_visible()

    def liked(self) -> None:
        self.page.locator("#like").click()
        expect(self.page.locator("#strip button.selected")).to_contain_text("♥")
        expect(self.page.locator("#send")).to_be_visible()


class Door(Sitting):
    """The page of the login, which is as far as it goes."""

    def enters(self) -> None:
        expect(self.page.get_by_role("button", name="Login")).to_be_visible()
        self.shot("login")
        self.page.locator("input").nth(0).fill("anna")
        self.page.locator("input[type=password]").fill("not the password")
        self.page.get_by_role("button", name="Login").click()
        expect(self.page.get_by_text("Incorrect")).to_be_visible()
        self.shot("login-wrong")
        self.page.locator("input").nth(0).fill("anna")
        self.page.locator("input[type=password]").fill("correct horse")
        self.page.get_by_role("button", name="Login").click()


@contextmanager
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def photographed(at: Sitting, letter: Path) -> None:
    """One visit through every state."""
    page = at.page
    at.shot("welcome", dark=True)
    page.locator("#drop input[type=file]").set_input_files(letter)
    expect(page.locator(".toast-body").first).to_be_visible()
    at.shot("error", sizes=SIZES[::2])
    page.locator(".toast-body").first.click()
    at.open_example("Launch")
    expect(page.locator("#chat .option").first).to_be_visible()
    at.shot("opened")
    at.say("make the sky a bit bluer and add some contrast")
    expect(page.locator("#stop")).to_be_visible()
    page.screenshot(path=at.out / "working-1280x720.png")
    at.versions(2)
    at.answered(re.compile("contrast"))
    at.liked()
    at.shot("answered", dark=True)
    at.side("Adjust")
    at.shot("adjust", dark=True)
    at.side("Export")
    at.shot("export")
    page.locator("#export-size label", has_text="Smaller").click()
    with page.expect_download():
        page.locator("#export-save").click()
    expect(page.locator("#export-status")).to_contain_text("Saved")
    at.shot("exported")
    at.side("Chat")
    page.locator(".chips .chip").nth(1).hover()
    at.shot("region", sizes=SIZES[:2])
    at.click("#zoom", "#loupe img")
    at.shot("zoom")
    page.locator("#zoom").click()
    at.click("#choose", "#picker img")
    at.shot("select")
    page.locator("#choose").click()
    at.click("#manage", "#version-name")
    at.shot("versions")
    page.locator("#manage").click()
    at.click("#vary", "#grid button")
    expect(page.locator("#send")).to_be_visible()
    at.shot("variations", dark=True)
    page.locator("#grid button").first.click()
    page.locator("#home").click()
    expect(page.locator("#recent button").first).to_be_visible()
    at.shot("recent", sizes=SIZES[:1])
    for photo, text in (
        ("Coffee", "a bit warmer and softer contrast"),
        ("Portrait", "brighten the face, less saturation"),
    ):
        at.open_example(photo)
        at.say(text)
        at.versions(2)
        at.answered(re.compile("now", re.I))
        at.liked()
        page.locator("#home").click()
        expect(page.locator("#examples button").first).to_be_visible()
    page.get_by_role("tab", name="My taste").click()
    expect(page.locator("#taste .memory")).to_have_count(3)
    page.wait_for_function("() => [...document.querySelectorAll('#taste img')].every(i => i.naturalWidth)")
    at.shot("taste", dark=True)
    page.locator("#taste .memory").first.get_by_label("Keep").uncheck()
    at.shot("taste-forget", sizes=SIZES[:1])
    page.get_by_role("tab", name="Settings").click()
    page.locator("#planner label", has_text="A server").click()
    page.locator("#llm-url textarea, #llm-url input").fill("http://127.0.0.1:9/v1")
    page.locator("#llm-test").click()
    expect(page.locator("#llm-told")).to_contain_text("reached")
    at.shot("settings", dark=True)


def repaired(at: Sitting, place: Path) -> None:
    """What is wrong with a photo mended, a picture to look like, and colours for a grey photo."""
    page, chance = at.page, np.random.default_rng(0)
    whole = data.coffee().astype(np.float32) / np.float32(255)
    spoilt = noisy(darkened(whole, 1.5, 0.004, chance), 12 / 255, chance)
    at.open_file(saved(spoilt, place / "in-the-dark.png"))
    at.side("Adjust")
    page.locator("#side-adjust button", has_text="Repair").click()
    at.shot("repair", dark=True)
    page.locator("#fix").click()
    at.side("Chat")
    at.versions(2)
    expect(page.locator("#send")).to_be_visible(timeout=PATIENCE)
    at.shot("fixed")
    page.locator("#home").click()
    at.open_example("Launch")
    page.locator("#reference-open").click()
    page.locator("#reference-drop input[type=file]").set_input_files(saved(whole, place / "coffee.png"))
    page.wait_for_function("() => document.querySelector('#reference-shown img')?.naturalWidth > 50")
    at.shot("reference", dark=True)
    at.say("make it look like this")
    at.versions(2)
    at.answered(re.compile("reference"))
    at.shot("reference-answered")
    page.locator("#home").click()
    grey = np.repeat(data.astronaut().mean(axis=2, keepdims=True), 3, axis=2) / 255
    at.open_file(saved(grey, place / "grey.png"))
    at.say("colourise it, her suit is orange")
    at.versions(2)
    at.answered(re.compile("colour"))
    at.shot("colourised")


def saved(picture: Any, out: Path) -> Path:
    """A picture with values in [0, 1] as a file."""
    Image.fromarray(np.asarray(np.clip(picture, 0, 1) * 255 + 0.5, np.uint8)).save(out)
    return out


def best(out: Path, docs: Path) -> None:
    """The pictures of the README, as small as they have to be."""
    for state, name in BEST.items():
        with Image.open(out / f"{state}.png") as picture:
            small = picture.convert("RGB")
            small.thumbnail((1280, 1280), Image.Resampling.LANCZOS)
            for quality in (92, 88, 84, 78):
                small.save(docs / f"{name}.jpg", quality=quality, optimize=True)
                if (docs / f"{name}.jpg").stat().st_size <= MOST:
                    break


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("out", type=Path)
    reader.add_argument("--best", type=Path, metavar="DOCS", help="also write the three of the README there")
    wanted = reader.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    Sitting.out = wanted.out
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        place = Path(folder)
        users, letter = place / "users.json", place / "letter.jpg"
        letter.write_text("Dear photo,")
        change(users, "anna", account("correct horse"))
        for name in ("open", "spoilt", "guarded"):
            (place / name).mkdir()
        with served(place / "open") as address:
            photographed(Sitting(browser, address), letter)
        with served(place / "spoilt") as address:
            repaired(Sitting(browser, address), place)
        with served(place / "guarded", "--auth", str(users)) as address:
            Door(browser, address)
    if wanted.best:
        best(wanted.out, wanted.best)
    print(f"{len(list(wanted.out.glob('*.png')))} pictures in {wanted.out}")


if __name__ == "__main__":
    main()
