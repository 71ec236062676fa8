"""Hands on in the app: sliders, strength, variations, the tree of versions, a message said again or otherwise."""

import re

from agent.decide import ONE_SIDED
from models.vocabulary import ATTRIBUTES
from tests.visiting import NEEDS_CHROMIUM, Visit, expect
from ui.adjust import FROM_ZERO, GROUPS

pytestmark = NEEDS_CHROMIUM


def test_every_attribute_has_a_slider_with_its_range() -> None:
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(ATTRIBUTES)
    assert set(ONE_SIDED) == FROM_ZERO


def test_sliders_show_and_set_the_numbers_of_the_recipe(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Portrait")
    visit.say("warmer by 20 and brighten the face by 15")
    visit.versions(2)
    page.locator("#side label", has_text="Adjust").click()
    temperature, brightness = (
        page.locator(f"#set-{name} input[type=number]") for name in ("temperature", "brightness")
    )
    expect(temperature).to_have_value("20")
    expect(brightness).to_have_value("0")
    page.locator(".chip", has_text="Face").click()
    expect(brightness).to_have_value("15")
    expect(temperature).to_have_value("0")

    # With the keys: one version for as long as they are pressed.
    before = visit.pictures()[1]
    thumb = page.locator("#set-brightness input[type=range]")
    thumb.focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    visit.versions(3)
    expect(page.locator("#strip button").nth(2)).to_contain_text("face brightness")
    after = visit.pictures()[1]
    face = (slice(180, 260), slice(380, 460)) if before.shape[0] > 600 else (slice(90, 130), slice(190, 230))
    assert after[face].mean() > before[face].mean() + 2
    assert abs(after[-20:, -20:] - before[-20:, -20:]).max() <= 1

    # With the mouse, and by the number; each is a version that undo takes back.
    box = thumb.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.65, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    visit.versions(4)
    page.locator("#adjust-region input").click()
    page.get_by_role("option", name="Whole photo").click()
    expect(temperature).to_have_value("20")
    temperature.fill("-30")
    temperature.press("Tab")
    visit.versions(5)
    expect(page.locator("#strip button").nth(4)).to_contain_text("temperature −50")
    page.locator("#set-temperature .reset-button").click()
    visit.versions(6)
    expect(temperature).to_have_value("0")
    page.locator("#undo").click()
    visit.at(4)
    expect(temperature).to_have_value("-30")


def test_the_last_step_weaker_and_stronger(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Coffee")
    page.locator("#side label", has_text="Adjust").click()
    strength = page.locator("#strength input[type=range]")
    expect(strength).to_be_disabled()
    page.locator("#side label", has_text="Chat").click()
    visit.say("warmer by 40")
    visit.versions(2)
    page.locator("#side label", has_text="Adjust").click()
    expect(strength).to_be_enabled()
    strength.focus()
    for _ in range(3):
        page.keyboard.press("PageDown")
    visit.versions(3)
    expect(page.locator("#strip button").nth(2)).to_contain_text("%")
    value = int(page.locator("#strength input[type=number]").input_value())
    assert value < 100
    expect(page.locator("#set-temperature input[type=number]")).to_have_value(str(round(40 * value / 100)))
    expect(page.locator("#strip button").nth(2)).to_contain_text("↰0")


def test_variations_are_shown_and_one_is_picked(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Coffee")
    page.locator("#vary").click()
    samples = page.locator("#grid .thumbnail-item")
    expect(samples).to_have_count(4)
    expect(page.locator("#send")).to_be_visible()
    visit.versions(5)
    samples.nth(2).click()
    visit.at(3)
    expect(page.locator("#slider img").first).to_be_visible()
    expect(page.locator("#grid")).to_be_hidden()


def test_versions_branch_have_names_and_can_be_compared(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Cat")
    visit.say("warmer")
    visit.versions(2)
    visit.answered("warmer")
    page.locator("#title").click()
    page.keyboard.press("Control+z")
    visit.at(0)
    page.keyboard.press("Control+Shift+z")
    visit.at(1)
    page.keyboard.press("Control+z")
    visit.at(0)
    visit.say("darker")
    visit.versions(3)
    visit.at(2)
    expect(page.locator("#strip button").nth(2)).to_contain_text("2 ↰0")
    # What is typed is undone as text, not as a step.
    page.locator("#box textarea").fill("brighter")
    page.keyboard.press("Control+z")
    visit.at(2)
    page.locator("#box textarea").fill("")

    page.locator("#manage").click()
    name = page.locator("#version-name textarea, #version-name input").first
    name.fill("Night cat")
    name.press("Enter")
    expect(page.locator("#strip button").nth(2)).to_contain_text("Night cat")
    page.locator("#compare input").click()
    page.get_by_role("option", name=re.compile("^1 · warmer")).click()
    expect(page.locator("#compared")).to_contain_text("From version 1 to version 2")
    expect(page.locator("#slider")).to_have_class(re.compile("comparing"))
    left, right = visit.pictures()
    assert left[..., 0].mean() > right[..., 0].mean() + 2
    visit.say("go to night cat")
    visit.answered("version 2")
    expect(page.locator("#slider")).not_to_have_class(re.compile("comparing"))

    page.locator("#reset").click()
    visit.at(0)
    page.locator("#delete").click()
    page.locator("#delete-sure").click()
    expect(page.locator("#examples button").first).to_be_visible()
    assert page.locator("#recent", has_text="Night cat").count() == 0


def test_a_message_is_said_again_or_otherwise(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Coffee")
    visit.say("make it look good")
    visit.versions(2)
    expect(page.locator("#send")).to_be_visible()
    first = visit.pictures()[1]
    page.locator("#chat").get_by_role("button", name="Retry").last.click()
    visit.versions(3)
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator("#chat .user-row")).to_have_count(1)
    visit.at(2)
    assert (visit.pictures()[1] != first).any()

    page.locator("#chat .user-row").hover()
    page.locator("#chat").get_by_role("button", name="Edit").last.click()
    field = page.locator("#chat textarea").last
    field.fill("warmer by 30 & a_b*c")
    page.locator("#chat").get_by_role("button", name="Submit").last.click()
    visit.versions(4)
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator("#chat .user-row")).to_have_count(1)
    expect(page.locator("#chat .user-row")).to_contain_text("warmer by 30 & a_b*c")
    # It was said of the photo as opened, and is done to that.
    expect(page.locator("#strip button").nth(3)).to_contain_text("3 ↰0")
