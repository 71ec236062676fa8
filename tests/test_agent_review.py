"""Review: a rendition that is not what was asked is caught, and a correction brings it nearer."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from agent.darkroom import Darkroom, Opened, Print
from agent.decide import Asked
from agent.review import NO_CHANGE, Finding, Verdict, advance, aims, corrected, judge, sentence, trial, worth_it
from agent.settings import Settings
from agent.store import Store
from models.recipe import Look, Recipe, Setting
from tests.bench import injected
from tests.test_agent_studio import photo

ASKED = [
    ("global", "brightness", 0.28),
    ("global", "contrast", -0.12),
    ("face", "saturation", 0.28),
    ("background", "temperature", 0.28),
]


@pytest.fixture(scope="module")
def darkroom(tmp_path_factory: pytest.TempPathFactory) -> Darkroom:
    home = tmp_path_factory.mktemp("home")
    return Darkroom(Settings(home=home, preview_edge=320), Store(home / "blobs"))


@pytest.fixture(scope="module")
def portrait(darkroom: Darkroom, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    path: Path = photo(tmp_path_factory.mktemp("photo") / "portrait.png")
    return asyncio.run(_fresh(darkroom).take_in(path))


def _fresh(darkroom: Darkroom) -> Darkroom:
    # Its semaphore belongs to one event loop, and every asyncio.run here is another.
    return Darkroom(darkroom.settings, darkroom.store)


def render(darkroom: Darkroom, opened: Opened, recipe: Recipe, solved: bool = False) -> Print:
    return asyncio.run(_fresh(darkroom).render(opened, recipe, solved=solved))


def asked(region: str, attribute: str, value: float) -> tuple[Asked, ...]:
    return (Asked(region=region, attribute=attribute, wanted=value, value=value),)


@pytest.mark.parametrize(("region", "attribute", "value"), ASKED)
def test_a_right_rendition_is_accepted_and_broken_ones_are_not(
    darkroom: Darkroom, portrait: Opened, region: str, attribute: str, value: float
) -> None:
    wanted = asked(region, attribute, value)
    good = render(darkroom, portrait, Recipe().with_values(region, {attribute: value}))
    assert judge(wanted, False, good, {}).ok
    broken = {
        "wrong sign": (region, -value),
        "doubled": (region, 2 * value),
        "nothing": (region, 0.0),
        "wrong region": ("hair" if region != "hair" else "clothing", value),
    }
    for how, (where, amount) in broken.items():
        made = render(darkroom, portrait, Recipe().with_values(where, {attribute: amount}))
        # The picture is another one than the recipe says: its own measurements still claim success.
        lying = made.model_copy(update={"asked": good.asked, "achieved": good.achieved, "recipe": good.recipe})
        verdict = judge(wanted, False, lying, {})
        assert not verdict.ok, how
        assert verdict.sentences, how


@pytest.mark.parametrize(("region", "attribute", "value"), ASKED)
def test_injected_faults_are_caught_and_the_good_render_is_not_doubted(
    darkroom: Darkroom, portrait: Opened, region: str, attribute: str, value: float
) -> None:
    wanted = Asked(region=region, attribute=attribute, wanted=value, value=value)
    good = render(darkroom, portrait, Recipe().with_values(region, {attribute: value}))
    honest = injected.lying(portrait, good, injected.picture(darkroom, good))
    assert judge((wanted,), False, honest, {}).ok
    made = dict(asyncio.run(injected.broken(_fresh(darkroom), portrait, wanted, good)))
    assert {"wrong sign", "doubled", "clipped"} <= made.keys()
    for kind, lie in made.items():
        assert not judge((wanted,), False, lie, {}).ok, kind


def test_a_bad_parameter_is_corrected_within_three_rounds(darkroom: Darkroom, portrait: Opened) -> None:
    wanted = asked("face", "brightness", 0.28)
    recipe = Recipe(settings=(Setting(region="face", values={"brightness": 0.28}, solved={"brightness": 0.1}),))
    trials = []
    scores = []
    for _ in range(4):
        made = render(darkroom, portrait, recipe, solved=True)
        verdict = judge(wanted, False, made, {})
        scores.append(verdict.score)
        if verdict.ok:
            break
        trials.append(trial(made.recipe, verdict))
        corrected_recipe = corrected(made.recipe, verdict, trials)
        assert corrected_recipe is not None
        recipe = corrected_recipe
    assert scores[-1] == 0
    assert scores[0] > 0


def test_a_photo_full_of_texture_shows_what_was_asked_after_a_round(tmp_path: Path) -> None:
    """Averaging undoes part of a contrast: the thumbnail is solved exactly, the picture falls short, and is mended."""
    grain = np.random.default_rng(1).normal(0, 34, (1024, 1024, 1))
    large = np.clip(np.kron(data.astronaut(), np.ones((2, 2, 1))) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(large).save(tmp_path / "grainy.png")
    darkroom = Darkroom(Settings(home=tmp_path, preview_edge=1024), Store(tmp_path / "blobs"))
    opened = asyncio.run(_fresh(darkroom).take_in(tmp_path / "grainy.png"))
    values = {"contrast": 0.28, "temperature": 0.2}
    wanted = tuple(Asked(region="global", attribute=n, wanted=v, value=v) for n, v in values.items())
    recipe, misses = Recipe().with_values("global", values), []
    made = render(_fresh(darkroom), opened, recipe)
    for _ in range(2):
        shown = asyncio.run(_fresh(darkroom).shown(opened, made.preview, {"global"}))
        misses.append(max(abs(shown["global"][n] - v) / v for n, v in values.items()))
        verdict = judge(wanted, False, made.model_copy(update={"changes": {**made.changes, **shown}}), {})
        aimed = asyncio.run(_fresh(darkroom).aimed(opened, made.recipe, aims(made, verdict)))
        assert aimed.values("global") == recipe.values("global")
        made = render(_fresh(darkroom), opened, aimed, solved=True)
    assert misses[0] > 0.1
    assert misses[1] < 0.6 * misses[0]


def test_a_look_that_loses_detail_is_softened() -> None:
    made = Print(recipe=Recipe(look=Look()), preview="", thumbnail="", clipped=0.2)
    verdict = judge((), True, made)
    assert verdict.soften
    softer = corrected(made.recipe, verdict, [])
    assert softer is not None
    assert softer.look is not None
    assert softer.look.strength < 1


def test_spill_makes_a_candidate_worse_than_one_that_did_not_spill() -> None:
    wanted = asked("sky", "tint", 0.2)
    made = Print(
        recipe=Recipe(), preview="", thumbnail="", asked={"sky": {"tint": 0.2}}, achieved={"sky": {"tint": 0.2}}
    )
    assert judge(wanted, False, made).score < judge(wanted, False, made.model_copy(update={"spill": 3.0})).score


def test_what_is_as_good_as_nothing_is_not_kept_for_a_strong_request() -> None:
    assert worth_it(0.4, strong=True)
    assert not worth_it(NO_CHANGE, strong=True)


@given(st.floats(-1, 1), st.floats(0.2, 3), st.floats(-0.5, 0.5))
def test_a_secant_step_is_exact_on_a_line(goal: float, slope: float, offset: float) -> None:
    points = [(p, slope * p + offset) for p in (0.0, 0.5)]
    p = advance(points, goal)
    expected = (goal - offset) / slope
    assert p == pytest.approx(expected, abs=1e-4) or abs(p - 0.5) == pytest.approx(1.0, abs=1e-4)


def test_the_sentences_say_what_a_person_would() -> None:
    finding = Finding(region="sky", attribute="tint", asked=0.2, achieved=-0.1, share=-0.5, met=False)
    assert "wrong way" in sentence(finding)
    assert "lowering" in sentence(finding.model_copy(update={"share": 1.6}))
    assert Verdict(ok=True, score=0.0).sentences == ()
