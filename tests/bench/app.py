"""How soon the app answers, in a real Chromium: first paint after start, the first visible step, the preview.

usage: python -m tests.bench.app [--repeat N] [--megapixels M]

The photo is an example enlarged to M megapixels. "Enter" is the key in the message box; a step is visible when the frame
that holds it has been painted, a preview when its picture has been decoded in the slider. Run it on a quiet machine.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
from skimage import data

from tests.bench.table import finish, show
from tests.serving import served
from tests.visiting import CHROMIUM, FLAGS, expect, playwright

#: Requests that each make a version of their own.
SAID = ("a bit warmer", "brighten the face", "more contrast", "less saturation", "darken the background")

#: Notes when Enter was pressed, when the first step was painted, and when the next preview stood in the slider.
WATCH = """() => {
  const seen = window.burnishTimes = {};
  const after = () => document.querySelectorAll('#slider .content img')[1];
  const old = after().src;
  document.addEventListener('keydown', (event) => { if (event.key === 'Enter') seen.enter ??= performance.now(); }, true);
  const painted = (name) => requestAnimationFrame(() => setTimeout(() => { seen[name] ??= performance.now(); }));
  const steps = document.querySelectorAll('#chat .thought-group').length;
  const look = () => {
    if (!seen.step && document.querySelectorAll('#chat .thought-group').length > steps) painted('step');
    const now = after();
    if (!seen.preview && now && now.src !== old && now.complete && now.naturalWidth) painted('preview');
    if (!seen.preview) requestAnimationFrame(look);
  };
  look();
}"""


def enlarged(megapixels: float, folder: Path) -> Path:
    """An example photo of that many megapixels, as a JPEG."""
    picture = data.astronaut()
    side = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    large = cv2.resize(picture[:384], (side, round(side * 3 / 4)), interpolation=cv2.INTER_CUBIC)
    out = folder / "photo.jpg"
    cv2.imwrite(str(out), large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return out


def turn(page: Any, text: str, versions: int) -> dict[str, float]:
    """Milliseconds from Enter to the first step and to the preview of one turn."""
    page.evaluate(WATCH)
    page.locator("#box textarea").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("#strip button")).to_have_count(versions)
    expect(page.locator("#send")).to_be_visible()
    page.wait_for_function("() => window.burnishTimes.preview")
    times = page.evaluate("window.burnishTimes")
    return {name: times[name] - times["enter"] for name in ("step", "preview")}


def main() -> None:
    """Run it and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=len(SAID))
    parser.add_argument("--megapixels", type=float, default=12.0)
    given = parser.parse_args()
    with playwright.sync_playwright() as started, tempfile.TemporaryDirectory() as place:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        home = Path(place) / "home"
        home.mkdir()
        began = time.perf_counter()
        with served(home) as address:
            up = time.perf_counter() - began
            page.goto(address)
            expect(page.locator("#examples button").first).to_be_visible()
            usable = time.perf_counter() - began
            paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
            photo = enlarged(given.megapixels, Path(place))
            began = time.perf_counter()
            page.locator("#drop input[type=file]").set_input_files(photo)
            expect(page.locator("#slider img").first).to_be_visible()
            opened = time.perf_counter() - began
            turn(page, "a bit cooler", 2)  # the first one imports what it needs
            made = [turn(page, SAID[i % len(SAID)], i + 3) for i in range(given.repeat)]
            page.close()
        browser.close()
    step, preview = ([each[name] for each in made] for name in ("step", "preview"))
    rows = [
        ["start to the page served", up, "s"],
        ["start to the page usable, with the browser open", usable, "s"],
        ["request to first contentful paint", (paint or 0.0) / 1000, "s"],
        [f"a photo of {given.megapixels:g} megapixels chosen to seen", opened, "s"],
        ["Enter to the first visible step, median", statistics.median(step), "ms"],
        ["Enter to the first visible step, worst", max(step), "ms"],
        ["Enter to the preview, median", statistics.median(preview) / 1000, "s"],
        ["Enter to the preview, worst", max(preview) / 1000, "s"],
    ]
    show(f"The app, {given.repeat} turns on {given.megapixels:g} megapixels", ("what", "measured", "unit"), rows)
    finish(
        "app",
        {
            "first_paint_s": up + (paint or 0.0) / 1000,
            "usable_s": usable,
            "open_s": opened,
            "enter_to_step_ms": statistics.median(step),
            "enter_to_preview_s": statistics.median(preview) / 1000,
        },
    )


if __name__ == "__main__":
    main()
