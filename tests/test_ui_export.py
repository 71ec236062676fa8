"""Export and My taste in the real app: what is downloaded is looked at with another program."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.recipe import Recipe
from tests.test_photo import camera_exif
from tests.test_photo_export import PACKET, packet_in
from tests.visiting import NEEDS_CHROMIUM, SKIMAGE, Visit, expect
from tools.colour import profile_of
from tools.photo import open_photo

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def beach(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo as a phone makes it: Display P3, camera, place and caption."""
    file = tmp_path_factory.mktemp("photos") / "my beach.jpg"
    with Image.open(SKIMAGE / "coffee.png") as image:
        image.convert("RGB").save(
            file, "JPEG", quality=95, icc_profile=profile_of("p3"), exif=camera_exif(), xmp=PACKET
        )
    return file


def saved(visit: Visit, button: str, to: Path) -> Path:
    with visit.page.expect_download() as waiting:
        visit.page.locator(button).click()
    file = to / waiting.value.suggested_filename
    waiting.value.save_as(file)
    return file


def pick(visit: Visit, what: str, which: str) -> None:
    visit.page.locator(f"#export-{what} label", has_text=re.compile(rf"^\s*{re.escape(which)}\s*$")).click()


def test_the_file_that_comes_is_the_one_that_was_asked_for(visit: Visit, beach: Path, tmp_path: Path) -> None:
    page = visit.page
    page.locator("#drop input[type=file]").set_input_files(beach)
    expect(page.locator("#title")).to_contain_text("my beach.jpg")
    visit.say("warmer")
    visit.versions(2)
    visit.at(1)
    shown = visit.pictures()[1]
    page.locator("#side label", has_text="Export").click()

    # At once, as it is: profile, camera and caption stay.
    plain = saved(visit, "#save", tmp_path)
    assert plain.name == "my beach-burnished.jpg"
    with Image.open(plain) as picture:
        assert (picture.format, picture.size) == ("JPEG", (600, 400))
        assert picture.info["icc_profile"] == profile_of("p3")
        exif = picture.getexif()
        assert exif[0x0110] == "Canon EOS R5"
        assert exif.get_ifd(0x8825)
    assert b"Rating" in packet_in(plain)
    expect(page.locator("#export-status")).to_contain_text("600 × 400 pixels")

    # For the web: small, sRGB, and nobody's business where it was.
    pick(visit, "size", "Smaller")
    page.locator("#export-edge input").fill("300")
    pick(visit, "profile", "sRGB")
    pick(visit, "metadata", "Without the place")
    small = saved(visit, "#export-save", tmp_path)
    with Image.open(small) as picture:
        assert picture.size == (300, 200)
        assert picture.info["icc_profile"] == profile_of("srgb")
        assert picture.getexif()[0x0110] == "Canon EOS R5"
        assert not picture.getexif().get_ifd(0x8825)
    assert b"GPS" not in small.read_bytes()

    # For print: 16 bits that are really there, and the picture of the page.
    pick(visit, "format", "TIFF 16 bit")
    expect(page.locator("#export-quality")).not_to_be_visible()
    pick(visit, "size", "Full size")
    pick(visit, "profile", "As the photo")
    deep = saved(visit, "#export-save", tmp_path)
    assert deep.name == "my beach-burnished.tif"
    photo = open_photo(deep)
    assert photo.bits == 16
    assert (photo.pixels % 257 != 0).mean() > 0.5
    assert abs((photo.pixels / 257).mean(axis=(0, 1)) - shown.mean(axis=(0, 1))).max() < 1
    for name, suffix, format_ in (("PNG", ".png", "PNG"), ("WebP", ".webp", "WEBP")):
        pick(visit, "format", name)
        pick(visit, "metadata", "None")
        file = saved(visit, "#export-save", tmp_path)
        assert file.suffix == suffix
        with Image.open(file) as picture:
            assert (picture.format, picture.size) == (format_, (600, 400))
            assert not picture.getexif()

    recipe = saved(visit, "#export-recipe", tmp_path)
    assert recipe.name == "my beach-burnished.recipe.json"
    assert Recipe.from_json(recipe.read_text()).values("global")["temperature"] > 0

    # What cannot be made is said, and nothing is lost.
    pick(visit, "size", "Smaller")
    page.locator("#export-edge input").fill("3")
    page.locator("#export-save").click()
    expect(page.locator(".toast-body").last).to_contain_text("long edge of 3 pixels cannot be made")
    expect(page.locator("#export-save")).to_be_visible()


def test_my_taste_is_shown_kept_moved_and_forgotten(visit: Visit, home: Path, tmp_path: Path) -> None:
    page = visit.page
    page.get_by_role("tab", name="My taste").click()
    page.locator("#taste-profile input").fill("Cleo")
    page.locator("#taste-profile input").press("Enter")
    expect(page.locator("#taste h3")).to_contain_text("from Cleo")
    expect(page.locator("#profile input")).to_have_value("Cleo")
    page.get_by_role("tab", name="Retouch").click()
    for count, (photo, text) in enumerate((("Coffee", "much warmer"), ("Cat", "darker"))):
        if count:
            page.locator("#home").click()
        visit.open_example(photo)
        visit.say(text)
        visit.versions(2)
        page.locator("#like").click()
        expect(page.locator("#strip button").nth(1)).to_contain_text("♥")
        expect(page.locator("#send")).to_be_visible()

    page.get_by_role("tab", name="My taste").click()
    cards = page.locator("#taste .memory")
    expect(cards).to_have_count(2)
    table = page.locator("#taste-summary")
    expect(table).to_contain_text("warmer pictures")
    expect(table).to_contain_text("still learning")
    page.wait_for_function("() => document.querySelector('#taste-summary img')?.naturalWidth > 50")
    page.locator("#use-taste input").uncheck()
    expect(table).to_contain_text("turned off")
    page.locator("#use-taste input").check()
    expect(table).not_to_contain_text("turned off")

    export = saved(visit, "#taste-export", tmp_path)
    assert len(json.loads(export.read_text())["records"]) == 2
    cards.filter(has_text="warmer").get_by_label("Keep").uncheck()
    page.locator("#forget-unkept").click()
    expect(cards).to_have_count(1)
    expect(table).not_to_contain_text("warmer")
    assert not list((home / "memory").glob("pictures/*"))
    page.locator("#taste-import ~ input[type=file], #taste input[type=file]").first.set_input_files(export)
    expect(cards).to_have_count(2)
    page.locator("#forget-all").click()
    page.locator("#sure").click()
    expect(page.locator("#nothing")).to_be_visible()
    letter = tmp_path / "letter.json"
    letter.write_text("Dear memory,")
    page.locator("#taste-import ~ input[type=file], #taste input[type=file]").first.set_input_files(letter)
    expect(page.locator(".toast-body").last).to_contain_text("not an export of Burnish preferences")


def test_an_upload_that_is_too_large_is_refused_in_a_sentence(visit: Visit, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate((200 << 20) + 1)  # sparse
    visit.page.locator("#drop input[type=file]").set_input_files(large)
    expect(visit.page.locator(".toast-body").last).to_contain_text(re.compile("200|large|exceed", re.I))
    # Gradio notes it in the console as well; nothing else may be there.
    assert all(re.search("413|size|large|exceed", complaint, re.I) for complaint in visit.complaints), visit.complaints
    visit.complaints.clear()
    visit.open_example("Coffee")
    before, _ = visit.pictures()
    with Image.open(io.BytesIO((SKIMAGE / "coffee.png").read_bytes())) as picture:
        assert np.asarray(picture.convert("RGB")).shape == before.shape
