"""The app as a person meets it: the real server and the real rooms, driven through Chromium."""

import json
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.serving import ROOT
from tests.visiting import NEEDS_CHROMIUM, PATIENCE, SKIMAGE, Visit, expect

pytestmark = NEEDS_CHROMIUM


def test_the_first_minute(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    visit.open_example("Launch")
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
    page.locator("#manage").click()
    page.locator("#reset").click()
    visit.at(0)
    page.locator("#strip button").nth(1).click()
    visit.at(1)
    visit.shows(after)

    for name, suffix in (("JPEG", ".jpg"), ("TIFF", ".tif")):
        page.get_by_role("radio", name="Export").check(force=True)
        page.locator("#export-format label", has_text=name).click()
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


def test_a_new_user_from_pop_to_my_usual(visit: Visit) -> None:
    page = visit.page
    page.locator("#profile input").fill("Newcomer")
    visit.open_example("Coffee")
    visit.say("make it pop")
    visit.versions(2)
    visit.answered(re.compile("brighter|darker|colou?r|contrast|warmer|look", re.I))
    page.locator("#like").click()
    expect(page.locator("#strip button").nth(1)).to_contain_text("♥")
    expect(page.locator("#send")).to_be_visible()
    page.locator("#home").click()
    expect(page.locator("#recent button")).to_have_count(1)
    visit.open_example("Cat")
    visit.say("my usual")
    visit.versions(2)
    visit.answered(re.compile("taste", re.I))
    visit.say("a bit less of that")
    visit.versions(3)
    visit.at(2)


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
    # The way back is open: choose another file. And back home, one more.
    visit.page.locator("#drop input[type=file]").set_input_files(photo)
    expect(visit.page.locator("#title")).to_contain_text("my cat.png")
    visit.page.locator("#home").click()
    shutil.copy(SKIMAGE / "coffee.png", tmp_path / "my coffee.png")
    visit.page.locator("#drop input[type=file]").set_input_files(tmp_path / "my coffee.png")
    expect(visit.page.locator("#title")).to_contain_text("my coffee.png")


def test_a_reload_takes_the_conversation_up_again(visit: Visit) -> None:
    visit.open_example("Cat")
    expect(visit.page.locator("#chat .option").first).to_be_visible()  # what the critic suggests for this photo
    visit.say("a bit warmer")
    visit.versions(2)
    visit.answered("warmer")
    visit.reload()
    visit.versions(2)
    visit.at(1)
    expect(visit.page.locator("#chat")).to_contain_text("a bit warmer")


def test_a_reload_in_the_middle_of_a_turn_loses_nothing(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Cat")
    visit.say("fix it")  # looks again after every step, so it takes its time
    expect(page.locator("#stop")).to_be_visible()
    visit.reload()
    expect(page.locator("#slider img").first).to_be_visible()
    # The turn has ended one way or the other, and the next one is answered.
    expect(page.locator("#chat")).to_contain_text("fix it")
    visit.say("a bit warmer")
    visit.answered("warmer")
    expect(page.locator("#strip button").last).to_contain_text("a bit warmer")


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
    visit.say("fix it")
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
