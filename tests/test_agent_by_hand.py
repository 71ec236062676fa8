"""What is done on sliders: exact values, another strength of the last step, another sample of the same request."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent import picking
from agent.histogram import histogram
from agent.studio import Studio
from models.errors import ConversationError
from tests.test_agent_studio import LOOK, events, pixels, portrait, press, say, studio

__all__ = ["portrait", "studio"]


async def test_the_last_step_in_another_strength_is_a_version_beside_it(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "a bit more contrast")
    full = await say(studio, thread, "much warmer")
    value = full.recipe.values("global")["temperature"]
    half = await studio.set_strength(thread, 0.5)
    assert half.recipe.values("global")["temperature"] == pytest.approx(value / 2, abs=1e-4)
    assert half.recipe.values("global")["contrast"] == full.recipe.values("global")["contrast"]
    # Always of the step as it was made, never of the strength before.
    double = await studio.set_strength(thread, 1.5)
    assert double.recipe.values("global")["temperature"] == pytest.approx(value * 1.5, abs=1e-3)
    again = await studio.set_strength(thread, 1.0)
    assert again.recipe == full.recipe
    assert (pixels(again.preview) == pixels(full.preview)).all()
    views = await studio.versions(thread)
    assert [v.parent for v in views] == [None, 0, 1, 1, 1, 1]
    assert [v.strength for v in views] == [1, 1, 1, 0.5, 1.5, 1]
    assert (await studio.command(thread, "undo")).recipe == double.recipe
    none = await studio.set_strength(thread, 0.0)
    assert "temperature" not in none.recipe.values("global")


async def test_a_strength_of_nothing_or_beyond_its_range_is_refused(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    with pytest.raises(ConversationError, match="as opened"):
        await studio.set_strength(thread, 0.5)
    await studio.set_values(thread, "global", {"tint": 0.2})
    for share in (-0.1, 2.1, float("nan")):
        with pytest.raises(ConversationError, match="200 percent"):
            await studio.set_strength(thread, share)


async def test_a_follow_up_speaks_of_the_step_in_its_new_strength(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    full = await say(studio, thread, "warmer")
    half = await studio.set_strength(thread, 0.5)
    more = await say(studio, thread, "a bit more")
    temperature = more.recipe.values("global")["temperature"]
    assert half.recipe.values("global")["temperature"] < temperature < full.recipe.values("global")["temperature"] * 1.5


async def test_a_slider_moves_what_was_kept_as_opened(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    kept = await say(studio, thread, "warmer, but leave the person alone")
    assert "person" in kept.recipe.keep
    moved = await studio.set_values(thread, "person", {"brightness": 0.3})
    assert "person" not in moved.recipe.keep
    assert (await studio.versions(thread))[-1].label == "person brightness +30"
    assert (pixels(moved.preview) != pixels(kept.preview)).any()


@LOOK
async def test_asking_again_for_a_look_gives_another_sample(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    first = await say(studio, thread, "make it look good")
    seeds = {first.recipe.look.seed if first.recipe.look else None}
    for _ in range(2):
        await studio.command(thread, "goto:0")
        *_, end = await events(studio.turn(thread, "make it look good", retry=True))
        seeds.add(end.recipe.look.seed)  # type: ignore[union-attr]
    assert len(seeds) == 3
    # A retry that was liked is not a retry any more: the thumb goes to it as to any other.
    assert (await press(studio, thread, "like")).version == 3


async def test_regions_of_the_photo_as_overlays(studio: Studio, portrait: Path, tmp_path: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    seen = (await studio.rooms.opened(thread)).seen
    names = picking.shown_regions(seen)
    assert names[0] == "person"
    holders = [name in ("subject", "background", "foreground") for name in names]
    assert "background" in names
    assert holders == sorted(holders)
    out = picking.save_overlay(seen, "person", tmp_path)
    assert out is not None
    plane = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert plane.shape == (320, 320, 4)
    assert plane[200, 150, 3] > 100
    assert plane[5, 60, 3] == 0
    assert picking.save_overlay(seen, "water", tmp_path) is None


async def test_a_histogram_tells_what_ran_into_white(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    before = histogram(studio.original(thread))
    after = histogram((await studio.set_values(thread, "global", {"brightness": 0.8})).preview)
    assert sum(after.luma) == pytest.approx(1, abs=1e-4)
    assert after.white > before.white
    assert np.argmax(np.cumsum(after.luma) > 0.5) > np.argmax(np.cumsum(before.luma) > 0.5)
