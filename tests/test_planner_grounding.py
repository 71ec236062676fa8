"""A served plan's regions are held against the message."""

import pytest

from agent.plan import Edit, Plan
from agent.planner import plan_text
from agent.planner.grounding import grounded
from agent.planner.served import checked


@pytest.mark.parametrize(
    ("text", "served", "meant"),
    [
        ("change the color of the device to yellow", ("object:area", "hue:yellow"), "object:device"),
        ("brighten the meadow", ("sky", "brightness"), "vegetation"),
        ("more contrast on the lamps", ("object:window", "contrast"), "object:lamps"),
    ],
)
def test_a_thing_that_nobody_named_gives_way_to_one_that_was(text: str, served: tuple[str, str], meant: str) -> None:
    plan = Plan(kind="strong", edits=(Edit(region=served[0], attribute=served[1]),))
    assert [e.region for e in checked(plan, plan_text(text), text).edits] == [meant]


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("brighten the pines", "vegetation"), ("brighten Grandpa Joe", "person"), ("lighten her lamp", "object:lamp"),
        ("brighten it", "global"), ("brighten the dog", "animal"),
    ],
)  # fmt: skip
def test_a_place_that_a_model_understood_stays(text: str, region: str) -> None:
    edit = Edit(region=region, attribute="brightness")
    assert grounded((edit,), plan_text(text), text)[0].region == region


def test_two_edits_never_end_in_one_place_twice() -> None:
    text = "brighten the lamp"
    served = (Edit(region="object:door", attribute="brightness"), Edit(region="object:lamp", attribute="brightness"))
    assert [e.region for e in grounded(served, plan_text(text), text)] == ["object:door", "object:lamp"]
