"""A message that asks for more or less of the last step makes a version beside it, as the slider does."""

from pathlib import Path

import pytest

from agent.studio import Studio
from tests.test_agent_studio import LOOK, pixels, portrait, press, say, studio

__all__ = ["portrait", "studio"]


async def test_a_slider_can_be_spoken_of(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "a bit more contrast")
    moved = await studio.set_values(thread, "global", {"temperature": 0.4, "contrast": 0.12})
    half = await say(studio, thread, "half of that")
    assert half.recipe.values("global")["temperature"] == pytest.approx(0.2, abs=1e-3)
    assert half.recipe.values("global")["contrast"] == moved.recipe.values("global")["contrast"]
    assert "50 %" in half.answer
    # What is said next speaks of the step as it is now, and is a version beside the others.
    more = await say(studio, thread, "a bit more")
    assert 0.2 < more.recipe.values("global")["temperature"] < 0.4
    views = await studio.versions(thread)
    assert [v.parent for v in views] == [None, 0, 1, 1, 1]
    assert views[3].strength == 0.5
    assert 0.5 < views[4].strength < 1
    assert (await studio.command(thread, "undo")).recipe == half.recipe
    double = await say(studio, thread, "double it")
    assert double.recipe == moved.recipe
    assert (pixels(double.preview) == pixels(moved.preview)).all()


async def test_a_step_that_is_as_strong_as_it_goes_says_so(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await studio.set_values(thread, "global", {"temperature": 0.2})
    await say(studio, thread, "twice as strong")
    again = await say(studio, thread, "double it")
    assert len(await studio.versions(thread)) == 3
    assert "200 %" in again.answer


async def test_the_photo_as_opened_has_no_strength(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    said = await say(studio, thread, "a bit less of that")
    assert said.version == 0
    assert said.answer == "Less of what?"


@LOOK
async def test_a_bit_less_of_an_automatic_look(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    first = await say(studio, thread, "make it look good")
    less = await say(studio, thread, "a bit less of that")
    assert first.recipe.look
    assert less.recipe.look
    assert less.recipe.look.seed == first.recipe.look.seed
    assert less.recipe.look.strength < first.recipe.look.strength
    assert (pixels(less.preview) != pixels(first.preview)).any()
    assert [v.parent for v in await studio.versions(thread)] == [None, 0, 0]
    assert (await press(studio, thread, "like")).version == less.version
