"""Ways of saying it that are put otherwise before the grammar reads them (`agent/planner/plainer.toml`)."""

import pytest

from agent.plan import Edit
from agent.planner import plan_text


def said(text: str) -> list[str]:
    """`sky.saturation+`, in reading order."""
    return [_short(e) for e in plan_text(text).edits]


def _short(edit: Edit) -> str:
    region = "" if edit.region == "global" else f"{edit.region}."
    return f"{region}{edit.attribute}{'+' if edit.direction > 0 else '-'}"


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("it looks a bit green", ["tint+"]),
        ("the photo came out pretty yellow", ["temperature-"]),
        ("her skin looks orange", ["skin.hue:orange-"]),
        ("snow looks blue, fix it", ["object:snow.hue:blue-"]),
        ("the room looks orange because of the lamps", ["object:room.hue:orange-"]),
        ("the colors are way too strong", ["saturation-"]),
        ("the greens are too strong", ["object:green areas.saturation-"]),
        ("the contrast is a bit too high", ["contrast-"]),
        ("the highlights are blown out", ["highlights-"]),
        ("it's underexposed by about a stop", ["brightness+"]),
        ("there is a bright spot top left, darken it", ["left.brightness-"]),
    ],
)
def test_a_complaint_asks_for_less_of_it(text: str, edits: list[str]) -> None:
    assert said(text) == edits


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("make the water look blue", ["water.hue:blue+"]),
        ("I want the sky to look blue", ["sky.hue:blue+"]),
        ("darken it so the sky looks blue", ["brightness-"]),
        ("more contrast and stronger colors", ["contrast+", "saturation+"]),
    ],
)
def test_a_wish_that_sounds_like_a_complaint_is_still_a_wish(text: str, edits: list[str]) -> None:
    assert set(edits) <= set(said(text))
    assert not any(e.endswith("-") for e in said(text) if e not in edits)


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("make the shadows teal", ["shadows.hue:teal+"]),
        ("teal shadows and orange highlights", ["shadows.hue:teal+", "highlights.hue:orange+"]),
        ("take some magenta out of the shadows", ["shadows.hue:magenta-"]),
        ("increase exposure 1 f-stop for shadows only", ["shadows+"]),
        ("deeper blacks", ["blacks-"]),
        ("brighter whites", ["whites+"]),
        ("golden sand and blue water", ["ground.hue:gold+", "water.hue:blue+"]),
        ("blue eyes please", ["eyes.hue:blue+"]),
        ("give the man red hair", ["hair.hue:red+"]),
        ("turn the blue car into a yellow car", ["vehicle.hue:yellow+"]),
        ("bring out the clouds", ["sky.contrast+"]),
        ("more dramatic sky", ["sky.contrast+"]),
        ("make her eyes stand out", ["eyes.saturation+"]),
        ("give her a nice tan", ["skin.temperature+"]),
        ("lower left is too dark", ["left.brightness+"]),
        ("blur everything but the subject", ["background.blur+"]),
        ("greyscale everything except the berry", ["background.black_and_white+"]),
        ("brighten the photo, keep the cool tones dominant", ["brightness+"]),
        ("remove the cup, including the shadow", []),
        ("can I get the bag removed and the sky brightened", ["sky.brightness+"]),
    ],
)
def test_what_is_meant(text: str, edits: list[str]) -> None:
    assert said(text) == edits


@pytest.mark.parametrize("text", ["beautify this picture please", "edit it so it looks cool", "lighting and color"])
def test_better_somehow(text: str) -> None:
    assert plan_text(text).kind == "weak"
