"""Colourise: the luma stays to the last bit, hints are obeyed, a recipe renders again without what its hints came from."""

from collections.abc import AsyncIterator
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data

from agent.events import Event, Result
from agent.hints import told
from agent.history import merge
from agent.settings import Settings
from agent.studio import Studio
from models import chroma
from models.attributes import lab
from models.chroma import ChromaMap, fit, in_plane, luma_codes, paint
from models.colour_words import chroma_of
from models.errors import RecipeError
from models.mask import SoftMask, guide, smooth
from models.recipe import Hint, Look, Recipe
from tools.colourise import colourised, colours, hints_of
from tools.perceive import Seen, look, region
from tools.photo import Photo
from tools.reference import measured
from tools.restore import mended
from tools.retouch import render_full, retouch

Pixels = NDArray[np.generic]
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")


def grey(name: str, deep: bool = False) -> Pixels:
    """A photo of scikit-image's as black and white; `deep`: in 16 bits, with tones between those of 8."""
    luma = luma_codes(getattr(data, name)())
    if deep:
        luma = luma * 257 + np.random.default_rng(1).integers(-120, 120, luma.shape)
    pixels = np.repeat(luma[..., None], 3, axis=2)
    return np.clip(pixels, 0, 65535).astype(np.uint16) if deep else pixels.astype(np.uint8)


def photo_of(pixels: Pixels, name: str) -> Photo:
    return Photo(pixels, None, f"colourise {name}", name, "PNG", "srgb", None, {})


@lru_cache(maxsize=8)
def seen_in(name: str) -> Seen:
    return look(photo_of(grey(name), name))


def drawn(seed: int, size: tuple[int, int], reach: float) -> ChromaMap:
    """Colours far beyond what any screen shows, everywhere."""
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(0, reach, (*size, 2)).astype(np.float32) for _ in range(2))
    return ChromaMap(a, b, np.full(2, -reach, np.float32), np.full(2, reach, np.float32))


def mean_colour(pixels: Pixels, weight: NDArray[np.float32]) -> NDArray[np.float64]:
    rgb = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return np.asarray(np.tensordot(weight, lab(rgb)[..., 1:], axes=2) / weight.sum(), np.float64)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    deep=st.booleans(),
    strength=st.floats(0.01, 1.0),
    reach=st.sampled_from((0.02, 0.3, 3.0)),
)
def test_the_luma_is_the_same_bit_for_bit_whatever_the_colours(
    seed: int, deep: bool, strength: float, reach: float
) -> None:
    top = 65535 if deep else 255
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, top + 1, (13, 17, 3)).astype(np.uint16 if deep else np.uint8)
    pixels[:4] = pixels[:4, :, :1]  # grey
    pixels[4, :6] = [[0, 0, 0], [top, top, top], [1, 1, 1], [top, 0, 0], [0, 0, top], [top - 1, top, top]]
    out = paint(pixels, drawn(seed, (5, 4), reach), [(strength, None)])
    assert out.dtype == pixels.dtype
    assert np.array_equal(luma_codes(out), luma_codes(pixels))


@pytest.mark.parametrize("deep", [False, True], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("name", PHOTOS)
def test_photos_get_colours_and_keep_their_luma(name: str, deep: bool) -> None:
    pixels = grey(name, deep)
    out = colourised(pixels, seen_in(name))
    assert np.array_equal(luma_codes(out), luma_codes(pixels))
    small = chroma.of(out.astype(np.float32) / np.iinfo(out.dtype).max)
    assert np.hypot(small[..., 0], small[..., 1]).mean() > 3, "it is still grey"
    if not deep:
        assert np.array_equal(out, colourised(pixels, seen_in(name)))
        assert colourised(pixels, seen_in(name), 0.0) is pixels


def test_half_the_strength_is_half_the_colour() -> None:
    pixels, seen = grey("coffee"), seen_in("coffee")
    luma = luma_codes(pixels)[..., None]
    full, half = (colourised(pixels, seen, v).astype(np.int64) - luma for v in (1.0, 0.5))
    inside = ((full + luma > 0) & (full + luma < 255)).all(axis=2)  # where the gamut has not cut it short
    assert inside.mean() > 0.5
    assert np.abs(full - 2 * half)[inside].max() <= 3


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, seen = grey("astronaut"), seen_in("astronaut")
    masks: list[tuple[float, SoftMask | None]] = [(0.4, None), (0.9, seen.masks["person"])]
    whole = [paint(pixels, colours(seen)), paint(pixels, colours(seen), masks, [seen.masks["skin"]])]
    monkeypatch.setattr("models.chroma.BAND", 37)
    assert np.array_equal(paint(pixels, colours(seen)), whole[0])
    assert np.array_equal(paint(pixels, colours(seen), masks, [seen.masks["skin"]]), whole[1])


def test_a_region_alone_and_what_is_kept() -> None:
    pixels = np.repeat(np.random.default_rng(0).integers(20, 230, (40, 60, 1)), 3, axis=2).astype(np.uint8)
    half = np.zeros((40, 60), np.float32)
    half[:, :30] = 1
    left, right = smooth(half), smooth(1 - half)
    flat = np.broadcast_to(np.array([30, 10], np.float32), (40, 60, 2))
    red = fit(guide(pixels), in_plane(guide(pixels), flat))
    one = paint(pixels, red, [(1.0, left)])
    assert np.array_equal(one[:, 31:], pixels[:, 31:])
    assert (one[:, :29] != pixels[:, :29]).any(axis=2).mean() > 0.9
    assert np.array_equal(paint(pixels, red, [(1.0, None)], [right])[:, 31:], pixels[:, 31:])


def test_the_plane_gives_back_the_colours_of_a_photo() -> None:
    rgb = np.asarray(data.coffee(), np.float32) / np.float32(255)
    truth = rgb[..., ::2] - guide(rgb)[..., None]
    assert np.abs(in_plane(guide(rgb), chroma.of(rgb)) - truth).max() < 0.01


@pytest.mark.parametrize("words", ["red", "pale blue", "green"])
def test_hints_are_obeyed(words: str) -> None:
    pixels, seen = grey("astronaut"), seen_in("astronaut")
    ab = chroma_of(words)
    assert ab is not None
    mask = region(seen, "clothing")
    assert mask is not None
    weight = mask.render(guide(pixels))
    before = mean_colour(colourised(pixels, seen), weight)
    out = colourised(pixels, seen, hints=[Hint(region="clothing", a=ab[0], b=ab[1])])
    after = mean_colour(out, weight)
    assert np.linalg.norm(after - ab) < 0.5 * np.linalg.norm(before - ab)
    turn = np.degrees(np.arctan2(after[1], after[0]) - np.arctan2(ab[1], ab[0]))
    assert abs((turn + 180) % 360 - 180) < 12
    assert np.array_equal(luma_codes(out), luma_codes(pixels))


def test_a_hint_says_little_about_the_rest() -> None:
    pixels, seen = grey("astronaut"), seen_in("astronaut")
    skin = seen.masks["skin"].render(guide(pixels)) * (1 - seen.masks["clothing"].render(guide(pixels)))
    before = mean_colour(colourised(pixels, seen), skin)
    after = mean_colour(colourised(pixels, seen, hints=[Hint(region="clothing", a=-20, b=-40)]), skin)
    assert np.linalg.norm(after - before) < 12


def test_a_reference_colours_what_both_show() -> None:
    pixels, seen = grey("astronaut"), seen_in("astronaut")
    rgb = data.astronaut()
    green = np.clip(rgb.astype(np.float32) * (0.75, 1.15, 0.7), 0, 255).astype(np.uint8)
    hints = hints_of(measured(photo_of(green, "green"), style=False), seen)
    assert {h.region for h in hints} <= set(seen.masks)
    assert hints, "nothing was matched"
    for hint in hints:
        weight = seen.masks[hint.region].render(guide(pixels))
        got = mean_colour(colourised(pixels, seen, hints=hints), weight)
        assert np.linalg.norm(got - (hint.a, hint.b)) < 0.3 * np.hypot(hint.a, hint.b)
    assert hints_of(measured(photo_of(pixels, "grey reference"), style=False), seen) == ()


def test_what_is_left_of_a_faded_photo_is_heard() -> None:
    """The same luma with a quarter of its colour left comes nearer to the truth than with none."""
    rgb = np.asarray(data.coffee())
    luma = luma_codes(rgb)[..., None]
    old = np.round(luma + 0.35 * (rgb - luma)).clip(0, 255).astype(np.uint8)
    plain = np.repeat(luma_codes(old)[..., None], 3, axis=2).astype(np.uint8)
    truth = lab(np.asarray(rgb, np.float32) / np.float32(255))[..., 1:]
    away = [
        np.linalg.norm(chroma.of(colourised(x, look(photo_of(x, n))).astype(np.float32) / 255) - truth, axis=2).mean()
        for x, n in ((old, "old"), (plain, "plain"))
    ]
    assert away[0] < away[1]


def test_a_recipe_with_hints_renders_again_from_its_json() -> None:
    photo, seen = photo_of(grey("astronaut"), "astronaut"), seen_in("astronaut")
    recipe = Recipe().with_values("global", {"colourise": 0.8}).with_hints(Hint(region="clothing", a=40, b=20))
    out = render_full(photo, seen, recipe)
    assert np.array_equal(luma_codes(out), luma_codes(photo.pixels))
    assert np.array_equal(out, render_full(photo, seen, Recipe.from_json(recipe.to_json())))
    assert (out != render_full(photo, seen, recipe.but(hints=()))).any()
    again = recipe.with_values("global", {}).with_values("global", {"colourise": 0.8})
    assert again == recipe, "the hints have been lost"
    small = cv2.resize(np.asarray(out, np.uint8), (256, 256), interpolation=cv2.INTER_AREA)
    shown = cv2.resize(retouch(photo, seen, recipe).preview, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - shown).mean() < 1
    assert np.array_equal(guide(mended(seen, recipe).thumbnail).round(2), guide(seen.thumbnail).round(2))


def test_colours_may_be_graded_afterwards_and_what_is_kept_stays_grey() -> None:
    photo, seen = photo_of(grey("astronaut"), "astronaut"), seen_in("astronaut")
    recipe = Recipe(keep=("hair",)).with_values("global", {"colourise": 1.0})
    out = render_full(photo, seen, recipe)
    inside = seen.masks["hair"].render(guide(photo.pixels)) == 1
    assert inside.any()
    assert np.array_equal(out[inside], photo.pixels[inside])
    warm = retouch(photo, seen, Recipe().with_values("global", {"colourise": 1.0, "saturation": 0.3}))
    assert warm.achieved["global"]["saturation"] > 0.15


def test_hints_in_recipes() -> None:
    red, blue = Hint(region="sky", a=50, b=30), Hint(region="sky", a=0, b=-40)
    assert Recipe(hints=(red,)).with_hints(blue).hints == (blue,)
    assert Recipe(hints=(red,)).is_identity
    assert merge(Recipe(), Recipe(hints=(red,)), ("sky",)).hints == (red,)
    assert merge(Recipe(hints=(red,)), Recipe(), ("sky",)).hints == ()
    assert Recipe(hints=(red,), keep=("sky",)).but(look=Look()).hints == (red,)
    assert Recipe.from_json('{"schema_version": 2, "keep": ["sky"]}').hints == ()
    for bad in ('[{"region": "moon", "a": 1, "b": 1}]', '[{"region": "sky", "a": 1e9, "b": 1}]',
                '[{"region": "sky", "a": 1, "b": 1}, {"region": "sky", "a": 2, "b": 1}]'):  # fmt: skip
        with pytest.raises(RecipeError):
            Recipe.from_json(f'{{"schema_version": 3, "hints": {bad}}}')


def test_what_colours_were_is_told() -> None:
    there = {"global", "clothing", "sky", "point:500,500"}
    said = [("object:dress", "pale red"), ("sky", "blue"), ("point:500,500", "yellow"), ("vegetation", "green")]
    recipe, notes = told(Recipe(keep=("hair",)), said, there)
    assert {h.region for h in recipe.hints} == {"clothing", "sky", "point:500,500"}
    assert recipe.values("global") == {"colourise": 1.0}
    assert recipe.keep == ("hair",)
    assert len(notes) == 1
    assert "vegetation" in notes[0]
    softer = recipe.with_values("global", {"colourise": 0.4})
    again, _ = told(softer, [("sky", "orange")], there)
    assert again.values("global") == {"colourise": 0.4}
    assert len(again.hints) == 3


def test_colour_words() -> None:
    red, pale, blue = chroma_of("red"), chroma_of("pale red"), chroma_of("blueish")
    assert red is not None
    assert pale is not None
    assert blue is not None
    assert red[0] > 0
    assert np.hypot(*pale) < np.hypot(*red)
    assert blue[1] < 0
    assert chroma_of("white") == (0, 0)
    assert chroma_of("big") is None


async def said(stream: AsyncIterator[Event]) -> Result:
    last = [event async for event in stream][-1]
    assert isinstance(last, Result), last
    return last


def stored(path: Path, pixels: Pixels) -> Path:
    cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]))
    return path


async def test_a_reference_lends_its_colours_to_a_photo_without_and_nothing_else(tmp_path: Path) -> None:
    plain, shown = stored(tmp_path / "plain.png", grey("rocket")), stored(tmp_path / "shown.png", data.rocket())
    pale = stored(tmp_path / "pale.png", grey("coffee"))
    async with await Studio.open(Settings(home=tmp_path / "home", preview_edge=256)) as studio:
        thread = (await studio.start(plain, "ana")).thread
        first = await said(studio.turn(thread, "colourise it like this, and call it Dawn", reference=[shown]))
        assert "sky" in {h.region for h in first.recipe.hints}
        assert [(s.region, s.values) for s in first.recipe.settings] == [("global", {"colourise": 1.0})]
        assert first.recipe.look is None
        assert first.answer.count("the reference") == 1
        assert "nothing else was carried over" in first.answer
        assert "“Dawn”" in first.answer
        # The file renders again without the reference, and its luma is the photo's.
        shown.unlink()
        made = cv2.imread(str(await studio.export(thread, tmp_path / "out.png")))
        assert made is not None
        assert np.array_equal(luma_codes(made[..., ::-1]), luma_codes(grey("rocket")))
        mean = mean_colour(made[..., ::-1], seen_in("rocket").masks["sky"].render(guide(grey("rocket"))))
        truth = mean_colour(data.rocket(), seen_in("rocket").masks["sky"].render(guide(grey("rocket"))))
        guess = colourised(grey("rocket"), seen_in("rocket"))
        own = mean_colour(guess, seen_in("rocket").masks["sky"].render(guide(grey("rocket"))))
        assert np.linalg.norm(mean - truth) < np.linalg.norm(own - truth)

        again = await said(studio.turn(thread, "colourise it in my Dawn look"))
        assert again.version == first.version, "the same colours are nothing new"
        nothing = await said(studio.turn(thread, "colourise it", reference=[pale]))
        assert nothing.version == first.version
        assert nothing.answer.startswith("I found no colour in the reference")
        other = await said(studio.turn((await studio.start(plain, "ana")).thread, "colourise it in my Dawn look"))
        assert other.recipe.hints == first.recipe.hints


def test_half_of_a_reference_lies_between_its_colours_and_a_guess() -> None:
    seen = seen_in("rocket")
    reference = measured(photo_of(data.rocket()[..., ::-1].copy(), "other rocket"), style=False)
    half, whole = (
        next(np.array([h.a, h.b]) for h in hints_of(reference, seen, s) if h.region == "sky") for s in (0.5, 1.0)
    )
    mask = seen.masks["sky"].render(guide(seen.thumbnail))
    small = np.asarray(np.rint(seen.thumbnail * 255), np.uint8)
    own = mean_colour(colourised(small, seen), mask)
    assert np.abs(half - (whole + own) / 2).max() < 0.5
    assert hints_of(reference, seen, 0.0) == ()


async def test_what_colour_a_thing_was_is_answered_once(tmp_path: Path) -> None:
    plain, coloured = stored(tmp_path / "plain.png", grey("astronaut")), stored(tmp_path / "it.png", data.astronaut())
    async with await Studio.open(Settings(home=tmp_path / "home", preview_edge=256)) as studio:
        thread = (await studio.start(plain, "ana")).thread
        lost = await said(studio.turn(thread, "the flag was red"))
        assert lost.version == 0
        assert lost.answer == "I see no flag here that could be red; click on it and say so again."
        both = await said(studio.turn(thread, "colourise it, the flag was red"))
        assert both.recipe.values("global") == {"colourise": 1.0}
        assert both.answer.count("flag") == 1
        told_ = await said(studio.turn(thread, "the dress was dark red"))
        assert [h.region for h in told_.recipe.hints] == ["clothing"]
        assert [s.region for s in told_.recipe.settings] == ["global"], "the hue would be applied twice"
        assert told_.answer == "The clothing has the colour you told me."
        same = await said(studio.turn(thread, "the dress was dark red"))
        assert same.version == told_.version
        # Skin that has got its colour does not count as changed by an edit of something else.
        later = await said(studio.turn(thread, "make the background darker"))
        assert later.recipe.values("background") == {"brightness": pytest.approx(-0.28)}

        only = await said(
            studio.turn((await studio.start(plain, "bo")).thread, "colourise only the hair, her hair was red")
        )
        assert [(s.region, [*s.values]) for s in only.recipe.settings] == [("hair", ["colourise"])]

        # On a photo in colour the same words ask for more of that hue.
        thread = (await studio.start(coloured, "ana")).thread
        redder = await said(studio.turn(thread, "the dress was red"))
        assert redder.recipe.hints == ()
        assert "hue:red" in redder.recipe.values("clothing")
        # Nor does what an earlier version did to skin count against this one.
        await said(studio.turn(thread, "much brighter"))
        bluer = await said(studio.turn(thread, "make the background bluer"))
        assert bluer.recipe.values("background").get("hue:blue", 0) > 0
