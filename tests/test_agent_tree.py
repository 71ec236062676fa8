"""Versions compared, named and merged; a dislike shows something else; several samples and the critic."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent import again
from agent.decide import REVERSIBLE, said
from agent.plan import PlanContext
from agent.planner import plan_text
from agent.planner.tree import find
from agent.settings import Settings
from agent.studio import Studio
from agent.tree import graft
from models.errors import ConversationError
from models.mask import guide
from models.recipe import Look, Recipe
from tests.test_agent_studio import LOOK, photo, pixels, press, say

VERSIONS = PlanContext(versions=5, names={"golden": 3})


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    return photo(tmp_path / "portrait.png")


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    async with await Studio.open(Settings(home=tmp_path / "home", preview_edge=320)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("compare 2 and 4", (2, 4)),
        ("what is different between version 2 and 4?", (2, 4)),
        ("How does version 2 differ from the original", (2, 0)),
        ("compare this with version 2", (None, 2)),
        ("compare golden and 4", (3, 4)),
        ("compare version 2", (2, None)),
    ],
)
def test_comparisons_are_read(text: str, versions: tuple[int | None, ...]) -> None:
    plan = plan_text(text, VERSIONS)
    assert plan.command == "compare"
    assert plan.tree is not None
    assert plan.tree.versions == versions


@pytest.mark.parametrize(
    ("text", "rest", "parts"),
    [
        ("keep the sky of version 2 and the rest of 4", 4, [(("sky",), 2)]),
        ("use the sky from version 2", None, [(("sky",), 2)]),
        ("everything from 4 except the sky from 2", 4, [(("sky",), 2)]),
        ("version 4 but with the sky and the water of version 2", 4, [(("sky", "water"), 2)]),
        ("the sky of 2, the face of 3 and the rest of 4", 4, [(("sky",), 2), (("face",), 3)]),
        ("merge 2 and 4", 4, [((), 2)]),
    ],
)
def test_merges_are_read(text: str, rest: int | None, parts: list[tuple[tuple[str, ...], int | None]]) -> None:
    plan = plan_text(text, VERSIONS)
    assert plan.tree is not None
    assert (plan.tree.act, plan.tree.versions) == ("merge", (rest,))
    assert [(p.regions, p.version) for p in plan.tree.parts] == parts


@pytest.mark.parametrize(
    ("text", "number", "name"),
    [
        ("call this one golden", None, "golden"),
        ("Please name version 2 “Golden Hour”.", 2, "Golden Hour"),
        ("rename the second one to evening", 2, "evening"),
    ],
)
def test_names_are_read_as_they_were_written(text: str, number: int | None, name: str) -> None:
    tree = plan_text(text, VERSIONS).tree
    assert tree is not None
    assert (tree.act, tree.versions, tree.label) == ("rename", (number,), name)


@pytest.mark.parametrize(
    "text",
    ["make the sky of version 2 brighter", "keep the sky but undo the rest", "compare before and after", "call it a day",
     "brighten the sky in this photo", "keep it like this", "use version 2", "brighten the sky by 20 and the rest by 10",
     "compare", "mix in more blue", "undo", "a bit less of the second"],
)  # fmt: skip
def test_everything_else_is_left_to_the_planner(text: str) -> None:
    assert find(text, VERSIONS) is None


def test_reasons_are_heard_only_after_a_dislike() -> None:
    assert plan_text("too strong", PlanContext(disliked=True)).complaint == "too strong"
    assert plan_text("too strong", PlanContext()).complaint is None
    for text in again.COMPLAINTS:
        assert plan_text(text, PlanContext(disliked=True)).complaint == text


values = st.floats(-0.3, 0.3).map(lambda v: round(v, 2)).filter(lambda v: abs(v) >= 0.01)
attributes = st.dictionaries(st.sampled_from(["brightness", "tint", "hue:blue"]), values, max_size=3)
recipes = st.builds(
    lambda whole, back, sky, face: (
        Recipe().with_values("global", whole).with_values("background", back).with_values("sky", sky).with_values("face", face)
    ),
    attributes, attributes, attributes, attributes,
)  # fmt: skip


def total(recipe: Recipe, region: str, name: str) -> float:
    around = {"sky": ("global", "background", "sky"), "face": ("global", "face")}[region]
    return sum(recipe.values(r).get(name, 0.0) for r in around)


def only(**values: float) -> Recipe:
    recipe = Recipe()
    for region, value in values.items():
        recipe = recipe.with_values("global" if region == "whole" else region, {"brightness": value})
    return recipe


@given(recipes, recipes)
@example(only(whole=0.3, background=0.3), only(whole=-0.3, background=-0.3, sky=-0.3))
@example(only(whole=0.3, background=-0.3), only(whole=-0.3, background=0.3, sky=-0.5))
def test_a_merged_region_adds_up_to_what_it_was_and_the_rest_stays(base: Recipe, other: Recipe) -> None:
    out, notes = graft(base, other, ["sky"])
    assert out.values("global") == base.values("global")
    assert out.values("face") == base.values("face")
    if "sky" in out.keep:
        assert all(not other.values(region) for region in ("global", "background", "sky"))
        return
    for name in REVERSIBLE:
        around = sum(base.values(region).get(name, 0.0) for region in ("global", "background"))
        needed = total(other, "sky", name) - around
        # What would take more than a value can be goes as far as it can, and is told.
        assert out.values("sky").get(name, 0.0) == pytest.approx(np.clip(needed, -1, 1), abs=0.02)
        told = any(n.startswith(said(name, "sky")) for n in notes)
        assert told == (abs(needed) > 1) or abs(abs(needed) - 1) < 0.02


@given(recipes, recipes, st.floats(0, 1))
def test_scaling_lies_between_and_its_ends_are_exact(base: Recipe, recipe: Recipe, share: float) -> None:
    assert again.same(again.scaled(recipe, base, 1.0), recipe)
    assert again.same(again.scaled(recipe, base, 0.0), base)
    between = again.scaled(recipe, base, share)
    for region in ("global", "sky"):
        for name in ("brightness", "tint"):
            ends = sorted(r.values(region).get(name, 0.0) for r in (base, recipe))
            assert ends[0] - 0.006 <= between.values(region).get(name, 0.0) <= ends[1] + 0.006


async def test_a_merge_has_the_pixels_of_both(studio: Studio, portrait: Path, tmp_path: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    await say(studio, thread, "much more saturation in the face")
    await say(studio, thread, "make the background cooler")
    result = await say(studio, thread, "keep the face of version 1 and the rest of version 3")
    assert result.version == 4
    assert {s.region for s in result.recipe.settings} == {"global", "background"}
    assert (await studio.versions(thread))[4].parent == 3
    here = await studio.rooms.opened(thread)
    shape = here.seen.masks["face"].render(guide(here.photo.pixels))
    background = here.seen.masks["background"].render(guide(here.photo.pixels))
    inside = (shape == 1) & (background == 0)
    assert inside.any()
    one, three, four = [pixels(await studio.export(thread, tmp_path / f"{n}.png", version=n)) for n in (1, 3, 4)]
    assert np.array_equal(four[inside], one[inside])
    assert np.array_equal(four[shape == 0], three[shape == 0])
    assert not np.array_equal(four, three)
    undone = await say(studio, thread, "undo")
    assert undone.version == 3
    redone = await studio.command(thread, "redo")
    assert redone.preview.read_bytes() == result.preview.read_bytes()


async def test_a_region_as_opened_is_kept_bit_for_bit(studio: Studio, portrait: Path, tmp_path: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter and warmer")
    result = await studio.merge(thread, {"face": 0})
    assert result.recipe.keep == ("face",)
    here = await studio.rooms.opened(thread)
    inside = here.seen.masks["face"].render(guide(here.photo.pixels)) == 1
    out = pixels(await studio.export(thread, tmp_path / "out.png"))
    assert np.array_equal(out[inside], pixels(portrait)[inside])
    with pytest.raises(ConversationError, match="sky"):
        await studio.merge(thread, {"sky": 0})
    with pytest.raises(ConversationError, match="no version 9"):
        await studio.merge(thread, {"face": 9})


async def test_versions_are_compared_in_words_and_numbers(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    await say(studio, thread, "make the face warmer")
    result = await say(studio, thread, "compare 1 and 2")
    assert result.compared == (1, 2)
    assert result.version == 2
    assert "face is warmer (+28)" in result.answer
    seen = await studio.compare(thread, 2, 1)
    assert seen.differences == {"face": {"temperature": -0.28}}
    assert "no version 9" in (await say(studio, thread, "what is different between version 1 and 9")).answer
    assert len(await studio.versions(thread)) == 3


async def test_a_named_version_is_found_by_its_name(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    assert "Golden Hour" in (await say(studio, thread, "call this one Golden Hour")).answer
    await say(studio, thread, "much warmer")
    assert [v.label for v in await studio.versions(thread)][1] == "Golden Hour"
    assert (await say(studio, thread, "go back to golden hour")).version == 1
    assert (await say(studio, thread, "compare golden hour with 2")).compared == (1, 2)
    assert (await studio.rename(thread, 2, " warm  one ")).label == "warm one"
    with pytest.raises(ConversationError, match="name"):
        await studio.rename(thread, 2, "  ")


async def test_merge_without_a_part_asks_for_one(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "make the face brighter")
    await say(studio, thread, "make the hair darker")
    asked = await say(studio, thread, "merge 1 and 2")
    assert asked.options == ("keep the hair of version 1 and the rest of version 2",)
    assert (await say(studio, thread, asked.options[0])).recipe.values("hair") == {}
    assert "any sky" in (await say(studio, thread, "keep the sky of version 1 and the rest of version 2")).answer


@LOOK
async def test_a_dislike_alone_shows_a_gentler_then_a_stronger_one_and_asks(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    await say(studio, thread, "much warmer")
    result = await press(studio, thread, "dislike")
    assert (result.version, result.options) == (3, again.COMPLAINTS)
    assert result.answer.endswith(again.QUESTION)
    assert result.recipe.values("global") == {"brightness": 0.28, "temperature": 0.33}
    views = await studio.versions(thread)
    assert [(v.parent, v.feedback) for v in views[2:]] == [(1, "dislike"), (1, None)]
    stronger = await press(studio, thread, "dislike")
    assert stronger.recipe.values("global")["temperature"] == pytest.approx(0.825)
    last = await press(studio, thread, "dislike")
    assert (last.version, last.options) == (stronger.version, again.COMPLAINTS)
    assert len(await studio.versions(thread)) == 5
    assert (await studio.command(thread, "undo")).version == 3


@LOOK
@pytest.mark.parametrize(
    ("reason", "temperature"),
    [("too strong", 0.1925), ("too weak", 0.88), ("wrong colour", 0.0), ("too artificial", 0.385)],
)
async def test_each_reason_changes_what_was_disliked(
    studio: Studio, portrait: Path, reason: str, temperature: float
) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "much warmer and brighter")
    await press(studio, thread, "dislike")
    result = await say(studio, thread, reason)
    assert result.recipe.values("global").get("temperature", 0.0) == pytest.approx(temperature, abs=0.001)
    assert result.recipe.values("global")["brightness"] > 0
    assert (await studio.versions(thread))[3].parent == 0


@LOOK
async def test_the_wrong_place_goes_back_and_asks_where(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "make the hair brighter")
    await press(studio, thread, "dislike")
    asked = await say(studio, thread, "wrong place")
    assert asked.version == 1
    assert "I meant the face" in asked.options
    moved = await say(studio, thread, "I meant the face")
    assert {s.region: s.values for s in moved.recipe.settings} == {"face": {"brightness": 0.28}}


@LOOK
async def test_a_disliked_look_is_followed_by_another_sample(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    first = await say(studio, thread, "make it look good")
    assert "best of 3" in first.answer
    second = await press(studio, thread, "dislike")
    assert second.recipe.look is not None
    assert first.recipe.look is not None
    assert second.recipe.look.seed > first.recipe.look.seed
    assert [v.parent for v in await studio.versions(thread)] == [None, 0, 0]
    assert [v.facts.get("instead_of") for v in studio.rooms.history.versions(thread)] == [None, None, 1]


@LOOK
async def test_a_dislike_in_words_is_one_too_and_a_reason_is_heard(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "much warmer")
    assert (await say(studio, thread, "I don't like it")).version == 2
    assert [r.feedback for r in studio.memory.list("anna")] == ["dislike"]
    reason = await press(studio, thread, "dislike", "too strong")
    assert reason.recipe.values("global")["temperature"] == pytest.approx(0.1925)


async def test_of_several_samples_the_critic_picks_the_soundest(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    here = await studio.rooms.opened(thread)
    dark, same, bright = (Recipe().with_values("global", {"brightness": v} if v else {}) for v in (-1.0, 0.0, 1.0))
    chosen, found = await studio.rooms.darkroom.best(here, [dark, same, bright])
    assert chosen == 1
    assert found[1].flaws == pytest.approx(0, abs=0.05)
    assert min(found[0].flaws, found[2].flaws) > 0.2


@LOOK
async def test_a_style_that_would_lose_detail_comes_weaker(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    plain = await say(studio, thread, "give it a film noir look")
    assert plain.plan is not None
    assert plain.plan.kind == "style"
    assert plain.recipe.values("global")["black_and_white"] == 1
    assert "full strength" in plain.answer
    assert plain.recipe.values("global")["contrast"] < 0.55
    assert plain.review["clipped"] < 0.05


def test_a_look_is_not_carried_by_a_region() -> None:
    looked = Recipe(look=Look()).with_values("sky", {"tint": 0.1})
    out, notes = graft(Recipe(), looked, ["sky"])
    assert out.values("sky") == {"tint": 0.1}
    assert "look" in notes[0]
