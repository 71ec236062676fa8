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
        ("its to dark n grainy", ["brightness+", "denoise+"]),
        ("underexposed and noisy", ["brightness+", "denoise+"]),
        ("photo is dark, blurry and yellow", ["brightness+", "sharpness+", "temperature-"]),
        ("my face is so red", ["face.hue:red-"]),
        ("the camera made the skin green", ["skin.hue:green-"]),
        ("the old photo turned red over the years", ["tint-"]),
        ("it's darker than I wanted", ["brightness+"]),
        ("the face is darker than the background", ["face.brightness+"]),
        ("subject is dark while the background is bright", ["subject.brightness+", "background.brightness-"]),
        ("I don't like how yellow it is", ["temperature-"]),
        ("the yellow needs to go", ["temperature-"]),
        ("shadows are noisy", ["shadows.denoise+"]),
        ("the flash blew out her face", ["face.highlights-"]),
        ("her face is in shadow", ["face.shadows+"]),
        ("there's no contrast", ["contrast+"]),
        ("no detail in the sky", ["sky.clarity+"]),
        ("the food looks grey", ["food.saturation+"]),
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


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("don't sharpen, just brighten", ["brightness+"]),
        ("no need to brighten, just warm it up", ["temperature+"]),
        ("not brighter, just more contrast", ["contrast+"]),
        ("brighten it but don't touch the contrast", ["brightness+"]),
        ("I don't want more contrast", []),
        ("I don't want it so dark", ["brightness+"]),
        ("not so bright", ["brightness-"]),
        ("stop making it yellow", ["temperature-"]),
        ("it's bright enough but lacks contrast", ["contrast+"]),
        ("love the warm tones, but it's too soft", ["sharpness+"]),
        ("I like the dark mood, just lift her face a little", ["face.brightness+"]),
    ],
)
def test_what_is_not_wanted_is_not_done(text: str, edits: list[str]) -> None:
    assert said(text) == edits


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("+10 contrast, -5 saturation", ["contrast+", "saturation-"]),
        ("exposure down contrast up saturation up", ["brightness-", "contrast+", "saturation+"]),
        ("highlights: -30", ["highlights-"]),
        ("lower brightness increase contrast", ["brightness-", "contrast+"]),
        ("bring back the contrast and the colour", ["contrast+", "saturation+"]),
        ("recover the detail in the dress", ["clothing.clarity+"]),
        ("lift her face, drop the background", ["face.brightness+", "background.brightness-"]),
        ("bring down the sky, bring up the land", ["sky.brightness-", "ground.brightness+"]),
        ("warm up the highlights and cool the shadows", ["highlights.temperature+", "shadows.temperature-"]),
        ("grass is brown, make it green", ["vegetation.hue:green+"]),
        ("the shirt is pink but should be white", ["clothing.whites+"]),
        ("the background is distracting", ["background.blur+"]),
        ("desaturate everything but the flowers", ["background.black_and_white+"]),
    ],
)
def test_up_and_down_and_back(text: str, edits: list[str]) -> None:
    assert said(text) == edits


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("this was scanned from an old print and has gone all magenta over the years. Please fix", ["tint-"]),
        ("took this in Venice with my Canon, super blurry. Can you fix it?", ["sharpness+"]),
        ("photo from my prom, too dark", ["brightness+"]),
        ("we all look orange like Oompa Loompas", ["person.hue:orange-"]),
        ("the bottom line is that it's too dark", ["brightness+"]),
        ("saturation is over the top", ["saturation-"]),
        ("statue brighter and the background out of focus", ["object:statue.brightness+", "background.blur+"]),
        ("dodge the subject, burn the background", ["subject.brightness+", "background.brightness-"]),
        ("not warmer, cooler", ["temperature-"]),
        ("instead of cooling it, warm it up", ["temperature+"]),
        ("neither brighter nor darker, just more punch", ["contrast+"]),
        ("bring the highlights down and lift the shadows", ["highlights-", "shadows+"]),
        ("brighten her up and blur the background a bit", ["person.brightness+", "background.blur+"]),
        ("everything but the sky needs to be brighter", ["brightness+"]),
        ("never mind the background, brighten the faces", ["face.brightness+"]),
        ("I'm not a fan of the vignette, can you get rid of it", ["vignette-"]),
        ("brighten the corners a bit instead of darkening them", ["edges.brightness+"]),
        ("brighten it, make it very warm", ["brightness+", "temperature+"]),
        ("can you make the colors really bright, very saturated", ["saturation+"]),
    ],
)
def test_stories_idioms_and_jargon(text: str, edits: list[str]) -> None:
    assert said(text) == edits


@pytest.mark.parametrize("text", ["beautify this picture please", "edit it so it looks cool", "lighting and color"])
def test_better_somehow(text: str) -> None:
    assert plan_text(text).kind == "weak"
