"""The photo in the app: its regions, its tones, 100 %, the original while a key is held, and pointing at things."""

import re
from typing import Any

import numpy as np

from tests.visiting import NEEDS_CHROMIUM, Visit, expect

pytestmark = NEEDS_CHROMIUM


def drag(page: Any, canvas: Any, *places: tuple[float, float]) -> None:
    """Press at the first of some shares of the canvas, draw through the others, let go."""
    box = canvas.bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def test_a_click_a_box_and_a_stroke_are_what_this_means(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Launch")
    page.locator("#choose").click()
    canvas = page.locator("#picker canvas")
    expect(canvas).to_be_visible()
    expect(page.locator("#hint")).to_contain_text("Click on what you mean")
    expect(page.locator("#brush")).to_be_hidden()
    drag(page, canvas, (0.25, 0.2))
    expect(page.locator("#hint")).to_contain_text("Selected")
    expect(page.locator(".chip", has_text="Selection")).to_have_attribute("aria-pressed", "true")
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
    expect(page.locator("#hint")).to_contain_text("Draw a box")
    drag(page, canvas, (0.44, 0.25), (0.56, 0.85))
    expect(page.locator("#hint")).to_contain_text("Selected")
    page.locator("#clear").click()
    expect(page.locator("#hint")).to_contain_text("Nothing is selected")

    page.locator("#how label", has_text="Brush").click()
    expect(page.locator("#brush")).to_be_visible()
    expect(page.locator("#hint")).to_contain_text("Paint over")
    drag(page, canvas, (0.2, 0.12), (0.35, 0.2), (0.3, 0.3))
    expect(page.locator("#hint")).to_contain_text("Selected")
    visit.say("make this warmer")
    visit.answered(re.compile("selection.* warmer", re.I))
    visit.versions(3)
    warmed = visit.pictures()[1]
    moved = (warmed - after)[sky].mean(axis=(0, 1))
    assert moved[0] - moved[2] > 0.5  # more red than blue; the sky is dark
    assert abs(warmed[corner].mean() - after[corner].mean()) < 1


def test_regions_light_up_where_they_are_and_tones_say_what_is_lost(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Launch")
    chip = page.locator(".chip", has_text="Sky")
    overlay = page.locator("#slider .region-overlay")
    expect(chip).to_have_attribute("aria-pressed", "false")
    chip.hover()
    expect(overlay).to_have_class(re.compile("shown"))
    page.wait_for_function("() => document.querySelector('.region-overlay').naturalWidth > 100")
    # It lies just where the photo does.
    photo, plane = (
        page.locator(f"#slider {what}").first.bounding_box() for what in (".content img", ".region-overlay")
    )
    assert all(abs(photo[side] - plane[side]) < 1.5 for side in ("x", "y", "width", "height"))
    page.locator("#title").hover()
    expect(overlay).not_to_have_class(re.compile("shown"))
    # By keyboard, too.
    page.locator("#hold").focus()
    chip.focus()
    page.keyboard.press("Tab")
    expect(overlay).to_have_class(re.compile("shown"))
    page.evaluate("document.activeElement.blur()")
    expect(overlay).not_to_have_class(re.compile("shown"))

    tones = page.locator("#tones")
    expect(tones.locator("svg")).to_have_attribute("aria-label", re.compile("plain black"))
    visit.say("much brighter")
    visit.versions(2)
    expect(tones.locator(".white")).to_have_class(re.compile("lit"))
    expect(tones.locator(".white")).to_contain_text("was")


def test_one_to_one_and_the_original_while_it_is_held(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Portrait")
    visit.say("black and white")
    visit.versions(2)
    page.locator("#title").click()
    stage = page.locator("#stage")
    held = re.compile("original")
    page.keyboard.down("o")
    expect(stage).to_have_class(held)
    expect(page.locator("#slider .content img").nth(1)).to_be_hidden()
    page.keyboard.up("o")
    expect(stage).not_to_have_class(held)
    page.locator("#hold").hover()
    page.mouse.down()
    expect(stage).to_have_class(held)
    page.mouse.up()
    expect(stage).not_to_have_class(held)

    page.keyboard.press("z")
    after = page.locator("#loupe img.after")
    page.wait_for_function("() => document.querySelector('#loupe img.after')?.src.includes('full-1')")
    page.wait_for_function("() => document.querySelector('#loupe img.after').naturalWidth === 512")
    assert after.bounding_box()["width"] == 512
    page.keyboard.down("o")
    expect(page.locator("#loupe img.before")).to_be_visible()
    page.keyboard.up("o")
    expect(page.locator("#loupe img.before")).to_be_hidden()
    # It stays while one goes through the versions, and goes with the same key.
    page.keyboard.press("Control+z")
    visit.at(0)
    expect(after).to_have_attribute("src", re.compile("full-0"))
    page.keyboard.press("z")
    expect(page.locator("#slider img").first).to_be_visible()
    expect(page.locator("#loupe .view")).to_be_hidden()


def test_a_double_click_shows_that_place(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 900, "height": 600})
    visit.open_example("Portrait")
    photo = page.locator("#slider .content img").first.bounding_box()
    page.mouse.dblclick(photo["x"] + photo["width"] / 2 - 60, photo["y"] + 40)
    page.wait_for_function("() => document.querySelector('#loupe img.after')?.src.includes('full-0')")
    view = page.evaluate("(v => [v.scrollTop, v.clientHeight])(document.querySelector('#loupe .view'))")
    assert view[0] < (512 - view[1]) / 2
    # Moved by dragging and by the arrow keys.
    box = page.locator("#loupe .view").bounding_box()
    drag(page, page.locator("#loupe .view"), (0.5, 0.7), (0.5, 0.4))
    moved = page.evaluate("document.querySelector('#loupe .view').scrollTop")
    assert moved > view[0] + box["height"] / 8
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"() => document.querySelector('#loupe .view').scrollTop < {moved}")
    page.keyboard.press("Escape")
    expect(page.locator("#slider img").first).to_be_visible()


def test_a_phone(browser: Any, address: str) -> None:
    tab = Visit(browser, address, (390, 844), touch=True)
    page = tab.page
    tab.open_example("Portrait")
    # Within reach of a finger, not only somewhere on the page.
    for reached in ("#box textarea", "#send", "#reference-open", "#home"):
        tab.page.locator(reached).click(trial=True)
    tab.say("warmer")
    tab.versions(2)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    slider = page.locator("#slider").bounding_box()
    assert slider["width"] > 300
    # A tap keeps a region lit until the next one.
    chip = page.locator(".chip", has_text="Hair")
    chip.tap()
    overlay = page.locator("#slider .region-overlay")
    expect(overlay).to_have_class(re.compile("shown"))
    expect(chip).to_have_attribute("aria-pressed", "true")
    page.locator("#side label", has_text="Adjust").tap()
    expect(page.locator("#set-brightness input[type=range]")).to_be_visible()
    expect(page.locator("#adjust-region input")).to_have_value("Hair")
    page.locator("#choose").tap()
    page.locator("#how label", has_text="Brush").tap()
    canvas = page.locator("#picker canvas")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.75)
    expect(page.locator("#hint")).to_contain_text("Selected")
    tab.close()


def test_light_and_dark_can_be_read(visit: Visit) -> None:
    page = visit.page
    visit.open_example("Coffee")
    visit.say("a bit warmer")
    visit.versions(2)
    for _ in ("light", "dark"):
        ratios = page.evaluate(CONTRASTS)
        assert len(ratios) > 12
        assert not {text: ratio for text, ratio in ratios.items() if ratio < 4.5}
        page.locator("#dark").click()
        page.wait_for_timeout(600)  # colours change gently
    unnamed = page.evaluate(UNNAMED)
    assert unnamed == []


#: Contrast of the text of everything that is plain text on a plain ground: words → ratio, as WCAG counts it.
CONTRASTS = r"""() => {
  const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const linear = (v) => (v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
  const light = (c) => .2126 * linear(c[0]) + .7152 * linear(c[1]) + .0722 * linear(c[2]);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const out = {};
  for (const e of document.querySelectorAll('#header *, #stage *, #talk *')) {
    const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join('');
    const style = getComputedStyle(e);
    if (!/[\p{L}\d]/u.test(text) || !e.offsetParent || style.fontSize === '0px' || style.visibility === 'hidden') continue;
    if (e.disabled || e.closest('.thumbnail-item, #slider, #picker, #loupe, [disabled]')) continue;
    const [a, b] = [light(rgb(style.color)), light(ground(e))];
    out[text.slice(0, 40)] = Math.round(100 * (Math.max(a, b) + .05) / (Math.min(a, b) + .05)) / 100;
  }
  return out;
}"""

#: Controls that nothing names.
UNNAMED = """() => [...document.querySelectorAll('button, input, textarea, canvas, [tabindex="0"]')]
  .filter((e) => e.offsetParent && !e.closest('[aria-hidden=true]'))
  .filter((e) => !(e.getAttribute('aria-label') || e.title || e.innerText?.trim() || e.labels?.length || e.closest('label')
    || e.querySelector('[aria-label], title, img[alt]:not([alt=""])')))
  .map((e) => e.outerHTML.slice(0, 200))"""


def test_shapes_of_pictures_do_not_matter(visit: Visit, tmp_path: Any) -> None:
    from PIL import Image

    rng = np.random.default_rng(3)
    tall = tmp_path / "tall.png"
    Image.fromarray(np.repeat(np.repeat(rng.integers(0, 255, (60, 12, 3), np.uint8), 20, 0), 20, 1)).save(tall)
    page = visit.page
    page.locator("#drop input[type=file]").set_input_files(tall)
    expect(page.locator("#title")).to_contain_text("240 × 1200")
    for width, height in ((1280, 720), (1920, 1080), (2560, 1440), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        box = page.locator("#slider").bounding_box()
        assert box["height"] >= 220
        assert box["width"] > 0.4 * min(width, 1600)
