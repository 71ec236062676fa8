"""Decide: what was asked becomes a recipe by rules that a person can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.amounts import kelvin, size, stops
from agent.decide import Decision, Taste, decide
from agent.plan import WORD_SIZES, Amount, Edit, Plan
from models.recipe import Look, Recipe
from models.vocabulary import ATTRIBUTES, MAP_ATTRIBUTES, REGIONS, SEMANTIC_REGIONS
from tools.perceive import RegionSeen, Scene

PLAIN = {"brightness": 50.0, "contrast": 15.0, "saturation": 30.0, "temperature": 5.0, "tint": 0.0}


def scene(*names: str, **readings: dict[str, float]) -> Scene:
    regions = [
        RegionSeen(name=n, area=0.2, confidence=1.0, attributes=readings.get(n, PLAIN)) for n in ("global", *names)
    ]
    return Scene(
        photo="0" * 64, width=600, height=400, regions=tuple(regions), tags={}, embedding=(1.0, 0.0), facts={},
        summary="A photo.", critique=(), suggestions=(),
    )  # fmt: skip


def strong(*edits: Edit, **rest: object) -> Plan:
    return Plan.model_validate({"kind": "strong", "edits": edits, **rest})


BEACH = scene("sky", "water", "person", "face", "skin", "background")


def test_words_become_values_and_add_to_the_current_version() -> None:
    first = decide(strong(Edit(region="sky", attribute="brightness", amount="slight")), Recipe(), BEACH)
    assert first.recipe.values("sky") == {"brightness": WORD_SIZES["slight"]}
    again = decide(strong(Edit(region="sky", attribute="brightness", direction=-1)), first.recipe, BEACH)
    assert again.recipe.values("sky")["brightness"] == pytest.approx(WORD_SIZES["slight"] - WORD_SIZES["medium"])


@pytest.mark.parametrize(
    ("amount", "value"),
    [
        (20.0, 0.20),
        (Amount(value=20), 0.20),
        (Amount(value=20, unit="unit"), 0.20),
        (Amount(value=0.3, unit="stop"), 0.127),
    ],
)
def test_explicit_amounts(amount: float | Amount, value: float) -> None:
    decision = decide(strong(Edit(attribute="brightness", amount=amount)), Recipe(), BEACH)
    assert decision.recipe.values("global")["brightness"] == pytest.approx(value, abs=0.01)


def test_an_absolute_amount_is_a_target_not_a_change() -> None:
    now = Recipe().with_values("global", {"contrast": 0.7})
    plan = strong(Edit(attribute="contrast", amount=Amount(value=40, unit="unit", absolute=True)))
    assert decide(plan, now, BEACH).recipe.values("global") == {"contrast": 0.4}
    wb = strong(Edit(attribute="temperature", amount=Amount(value=5600, unit="kelvin", absolute=True)))
    assert decide(wb, Recipe(), BEACH).recipe.values("global")["temperature"] == pytest.approx(kelvin(5600), abs=1e-4)


def test_the_same_stop_is_less_brightness_value_where_there_is_less_room() -> None:
    assert stops(1, 85) > stops(1, 50) > 0 > stops(-1, 50)
    assert size(Edit(attribute="brightness", direction=-1, amount=Amount(value=1, unit="stop")), 50) == stops(-1, 50)


@given(st.floats(1700, 24_000), st.floats(1700, 24_000))
def test_a_higher_kelvin_setting_is_warmer(one: float, two: float) -> None:
    assert (kelvin(one) <= kelvin(two)) == (one <= two) or kelvin(one) == pytest.approx(kelvin(two), abs=1e-3)


def test_a_strong_request_never_adds_a_look_and_a_weak_one_does() -> None:
    assert decide(strong(Edit(attribute="tint")), Recipe(), BEACH).recipe.look is None
    assert decide(Plan(kind="weak"), Recipe(), BEACH).recipe.look == Look()
    mixed = decide(
        Plan(kind="weak", edits=(Edit(region="face", attribute="brightness", amount=30.0),)), Recipe(), BEACH
    )
    assert mixed.recipe.look == Look()
    assert mixed.recipe.values("face") == {"brightness": 0.3}


def test_what_is_not_in_the_photo_is_named_with_the_nearest_and_the_rest_is_done() -> None:
    plan = strong(Edit(region="teeth", attribute="whites"), Edit(region="sky", attribute="tint"))
    decision = decide(plan, Recipe(), BEACH)
    assert decision.missing == (("teeth", "face"),)
    assert [s.region for s in decision.recipe.settings] == ["sky"]


def test_objects_are_there_when_perception_finds_them() -> None:
    plan = strong(Edit(region="object:boat", attribute="saturation"))
    assert decide(plan, Recipe(), BEACH).missing == (("object:boat", "center"),)
    assert decide(plan, Recipe(), BEACH, found=["object:boat"]).recipe.values("object:boat") == {"saturation": 0.28}


def test_what_the_frame_cannot_show_is_said_and_not_done() -> None:
    white = scene("sky", sky={**PLAIN, "brightness": 98.0, "saturation": 0.5})
    decision = decide(
        strong(Edit(region="sky", attribute="brightness"), Edit(region="sky", attribute="saturation", direction=-1)),
        Recipe(), white,
    )  # fmt: skip
    assert decision.recipe.is_identity
    assert len(decision.notes) == 2
    assert all("sky" in note for note in decision.notes)


def test_at_the_limit_it_says_so() -> None:
    full = Recipe().with_values("global", {"temperature": 1.0})
    decision = decide(strong(Edit(attribute="temperature")), full, BEACH)
    assert decision.recipe == full
    assert "limit" in decision.notes[0]


def test_colours_outside_the_mixer_go_to_the_nearest_and_greys_are_refused() -> None:
    pink = decide(strong(Edit(region="sky", attribute="hue:turquoise")), Recipe(), BEACH)
    assert pink.recipe.values("sky") == {"hue:teal": 0.28}
    grey = decide(strong(Edit(region="sky", attribute="hue:grey")), Recipe(), BEACH)
    assert grey.recipe.is_identity
    assert grey.notes


def test_protect_keeps_exactly_what_nothing_has_touched() -> None:
    decision = decide(strong(Edit(attribute="brightness"), protect=("sky",)), Recipe(), BEACH)
    assert decision.recipe.keep == ("sky",)


def test_protect_shields_what_an_earlier_step_has_touched() -> None:
    """ "Only on the person please": the whole goes back, the person stays as bright as it was."""
    bright = Recipe().with_values("global", {"brightness": 0.28})
    plan = Plan(kind="followup", edits=(Edit(attribute="brightness", direction=-1),), protect=("person",))
    decision = decide(plan, bright, BEACH)
    assert decision.recipe.values("global") == {}
    assert decision.recipe.values("person") == {"brightness": 0.28}
    assert decision.recipe.keep == ()


def test_asking_for_a_kept_region_releases_it_as_it_was() -> None:
    kept = Recipe(keep=("sky",)).with_values("global", {"brightness": 0.2})
    decision = decide(strong(Edit(region="sky", attribute="saturation", amount=30.0)), kept, BEACH)
    assert decision.recipe.keep == ()
    assert decision.recipe.values("sky") == {"brightness": -0.2, "saturation": 0.3}


def test_protecting_what_is_not_there_is_said() -> None:
    assert ("animal", "") in decide(strong(Edit(attribute="tint"), protect=("animal",)), Recipe(), BEACH).missing


def test_a_taste_moves_the_look_and_does_not_add_up() -> None:
    taste = Taste(
        values={"global": {"temperature": 0.2}, "sky": {"temperature": 0.4, "contrast": 0.01}}, sentence="warmer"
    )
    usual = Plan(kind="command", command="use_my_style")
    first = decide(usual, Recipe(), BEACH, taste)
    assert first.taste
    assert first.recipe.look is not None
    assert first.recipe.values("global") == {"temperature": 0.2}
    assert first.recipe.values("sky") == {"temperature": 0.2}
    second = decide(usual, first.recipe, BEACH, taste, seed=1, given=first.given)
    assert second.recipe.settings == first.recipe.settings
    plain = decide(Plan(kind="weak"), first.recipe, BEACH, None, given=first.given)
    assert plain.recipe.settings == ()
    assert not plain.taste


def test_a_persons_own_values_survive_a_change_of_taste() -> None:
    taste = Taste(values={"global": {"temperature": 0.2}})
    own = Recipe().with_values("global", {"temperature": 0.1, "tint": 0.3})
    first = decide(Plan(kind="weak"), own, BEACH, taste)
    assert first.recipe.values("global") == {"temperature": 0.3, "tint": 0.3}
    assert decide(Plan(kind="weak"), first.recipe, BEACH, None, given=first.given).recipe.values(
        "global"
    ) == own.values("global")


def test_black_and_white_is_all_of_it_and_less_of_it_brings_colour_back() -> None:
    grey = decide(strong(Edit(attribute="black_and_white", amount="slight")), Recipe(), BEACH)
    assert grey.recipe.values("global") == {"black_and_white": 1.0}
    back = decide(strong(Edit(attribute="black_and_white", direction=-1)), grey.recipe, BEACH)
    assert back.recipe.is_identity


amounts = (
    st.sampled_from(["slight", "medium", "strong"])
    | st.floats(0, 1000)
    | st.builds(
        Amount,
        value=st.floats(-8, 9000),
        unit=st.sampled_from(["stop", "kelvin", "percent", "unit"]),
        absolute=st.booleans(),
    )
)
edits = st.builds(
    Edit,
    region=st.sampled_from([*REGIONS, "object:kite"]),
    attribute=st.sampled_from([*ATTRIBUTES, "hue:pink", "hue:nonsense"]),
    direction=st.sampled_from([-1, 1]),
    amount=amounts,
)
plans = st.builds(
    Plan,
    kind=st.sampled_from(["strong", "weak", "style", "followup"]),
    edits=st.lists(edits, max_size=6).map(tuple),
    protect=st.lists(st.sampled_from(SEMANTIC_REGIONS), max_size=2).map(tuple),
)
scenes = st.builds(
    lambda names, level, colour: scene(
        *names, **{n: {**PLAIN, "brightness": level, "saturation": colour} for n in ("global", *names)}
    ),
    st.lists(st.sampled_from(SEMANTIC_REGIONS), unique=True, max_size=6),
    st.floats(0, 100),
    st.floats(0, 150),
)


@given(st.lists(plans, min_size=1, max_size=5), scenes)
def test_whatever_is_asked_the_recipe_is_valid_and_the_same_again(asked: list[Plan], at: Scene) -> None:
    recipe, history = Recipe(), []
    for plan in asked:
        decision = decide(plan, recipe, at)
        assert decide(plan, recipe, at) == decision
        assert Decision.model_validate_json(decision.model_dump_json()) == decision
        recipe = decision.recipe
        assert Recipe.from_json(recipe.to_json()) == recipe
        assert all(-1 <= v <= 1 for s in recipe.settings for v in s.values.values())
        there = {r.name for r in at.regions}
        absent = {e.region for e in plan.edits if e.region in SEMANTIC_REGIONS} - there
        assert absent <= {name for name, _ in decision.missing}
        assert not absent & {s.region for s in recipe.settings}
        history.append(plan)
        if all(p.kind != "weak" for p in history):
            assert recipe.look is None


@given(st.sampled_from(MAP_ATTRIBUTES), st.sampled_from([-1, 1]), st.integers(1, 30))
def test_asking_again_and_again_ends_at_the_limit(attribute: str, direction: int, times: int) -> None:
    recipe = Recipe()
    for _ in range(times):
        recipe = decide(strong(Edit(attribute=attribute, direction=direction, amount="strong")), recipe, BEACH).recipe
    assert abs(recipe.values("global")[attribute]) <= 1
    assert recipe.values("global")[attribute] == pytest.approx(direction * min(0.55 * times, 1))
