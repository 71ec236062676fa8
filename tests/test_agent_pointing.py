"""Words that point: "this" means what was selected, and nothing that was not."""

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data as pictures

from agent import picking
from agent.events import Failed, Result
from agent.plan import PlanContext
from agent.planner.embedded import plan_text
from agent.settings import Settings
from agent.studio import Studio
from models import mask
from tools.perceive import region

HERE = "point:500,700"


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("make this warmer", "temperature"),
        ("brighten that part", "brightness"),
        ("a bit darker here", "brightness"),
        ("the selected area needs more contrast", "contrast"),
        ("desaturate what I clicked", "saturation"),
        ("this is too dark", "brightness"),
    ],
)
def test_a_pointing_word_means_the_selection(text: str, attribute: str) -> None:
    (edit,) = plan_text(text, PlanContext(picked=HERE)).edits
    assert (edit.region, edit.attribute) == (HERE, attribute)


@pytest.mark.parametrize(
    "text", ["make this photo warmer", "undo that", "brighten the sky", "I love this picture", "warmer"]
)
def test_words_that_point_at_nothing_do_not_mean_it(text: str) -> None:
    plan = plan_text(text, PlanContext(picked=HERE))
    assert HERE not in {e.region for e in plan.edits}
    assert plan == plan_text(text)


def test_the_selection_can_be_protected() -> None:
    plan = plan_text("brighten the photo but leave this alone", PlanContext(picked=HERE))
    assert plan.protect == (HERE,)
    assert [e.region for e in plan.edits] == ["global"]


def test_without_a_selection_it_asks_for_one() -> None:
    plan = plan_text("make the selection warmer", PlanContext())
    assert not plan.edits
    assert plan.question
    assert "Click" in plan.question


@given(st.text(max_size=60))
def test_a_selection_never_breaks_a_plan(text: str) -> None:
    plan = plan_text(text, PlanContext(picked=HERE))
    assert all(edit.region != "object:selection" for edit in plan.edits)


async def test_a_turn_changes_what_was_boxed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), pictures.astronaut()[..., ::-1])
    suit = picking.box(0.05, 0.42, 0.7, 1.0).name
    async with await Studio.open(Settings(home=tmp_path / "home")) as studio:
        opened = await studio.start(path, "anna")
        events = [event async for event in studio.turn(opened.thread, "make this darker", suit)]
        result = events[-1]
        assert isinstance(result, Result)
        assert "selection" in result.answer
        assert result.recipe.values(suit)["brightness"] < 0
        out = await studio.export(opened.thread, tmp_path / "out.png")
        after = await asyncio.to_thread(cv2.imread, str(out))
        here = await studio.rooms.opened(opened.thread)
        found = region(here.seen, suit)
        assert found is not None
        weight = found.render(mask.guide(pictures.astronaut()))
        before = pictures.astronaut()[..., ::-1]
        assert np.array_equal(after[weight == 0], before[weight == 0])
        assert after[weight > 0.99].mean() < before[weight > 0.99].mean() - 5
        # "Warmer still" and the like speak of the same place without its being selected again.
        last = [event async for event in studio.turn(opened.thread, "a bit more")][-1]
        assert isinstance(last, Result)
        assert last.recipe.values(suit)["brightness"] < result.recipe.values(suit)["brightness"]
        refused = [event async for event in studio.turn(opened.thread, "brighten this", "../../etc")][-1]
        assert isinstance(refused, Failed)
