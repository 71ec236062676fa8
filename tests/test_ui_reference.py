"""Pictures to look like in the app: given, seen, as strong as wanted, taken out, and their look under a name of its own."""

import re
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from tests.visiting import NEEDS_CHROMIUM, Visit, expect

pytestmark = NEEDS_CHROMIUM


def cold(out: Path, picture: np.ndarray) -> Path:
    """A picture with a blue cast."""
    Image.fromarray(np.clip(picture * np.array([0.7, 0.95, 1.25]), 0, 255).astype(np.uint8)).save(out)
    return out


def blueness(picture: np.ndarray) -> float:
    return float(picture[..., 2].mean() - picture[..., 0].mean())


def test_a_look_is_carried_over_as_strongly_as_wanted_and_gets_a_name(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    page.locator("#profile input").fill("Looker")
    visit.open_example("Coffee")
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear photo,")
    files = [cold(tmp_path / "cat.png", data.cat()), cold(tmp_path / "launch.tif", data.rocket())]

    # Opened, filled, emptied, filled again; what is no picture is refused, the others stay.
    page.locator("#reference-open").click()
    page.locator("#reference-drop input[type=file]").set_input_files([files[0], letter])
    expect(page.locator(".toast-body")).to_contain_text("letter.jpg is not a photo")
    thumbs = page.locator("#reference-shown img")
    expect(thumbs).to_have_count(1)
    page.locator("#reference-remove").click()
    expect(thumbs).to_have_count(0)
    page.locator("#reference-drop input[type=file]").set_input_files(files)
    expect(thumbs).to_have_count(2)
    page.wait_for_function(
        "() => [...document.querySelectorAll('#reference-shown img')].every((image) => image.naturalWidth > 50)"
    )
    page.locator("#box textarea").press("Enter")
    visit.versions(2)
    visit.answered(re.compile("look of the 2 references"))
    expect(page.locator("#reference")).not_to_be_visible()
    expect(page.locator("#chat .user-row img")).to_have_count(2)
    before, whole = visit.pictures()
    assert blueness(whole) > blueness(before) + 5

    # A part of it, from the photo as opened.
    page.locator("#strip button").first.click()
    visit.at(0)
    page.locator("#reference-open").click()
    page.locator("#reference-drop input[type=file]").set_input_files(files)
    expect(thumbs).to_have_count(2)
    share = page.locator("#reference-share input[type=number]")
    share.fill("40")
    share.press("Tab")
    visit.say("make it look like this, and call it Polar")
    visit.versions(3)
    visit.answered(re.compile("Polar"))
    part = visit.pictures()[1]
    assert blueness(before) + 2 < blueness(part) < blueness(whole) - 2

    # The name is offered from now on, on any photo.
    page.locator("#home").click()
    visit.open_example("Cat")
    page.locator("#reference-open").click()
    page.locator("#looks input").click()
    page.get_by_role("option", name="Polar").click()
    visit.versions(2)
    visit.answered(re.compile("Polar"))
    expect(page.locator("#chat .user-row").last).to_contain_text("In my Polar look")
    before, after = visit.pictures()
    assert blueness(after) > blueness(before)
