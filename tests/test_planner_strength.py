"""More or less of the last step as a whole, where it has no edits that a follow-up could speak of."""

import pytest

from agent.plan import Edit, PlanContext
from agent.planner import plan_text
from agent.planner.served import by_code

STEP = PlanContext(step=True, versions=1)
EDITED = PlanContext(step=True, versions=1, last_edits=(Edit(attribute="temperature"),))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("a bit less of that", 0.6, 0.95), ("less", 0.5, 0.9), ("much less", 0.2, 0.6), ("half of that", 0.5, 0.5),
        ("Half as strong, please!", 0.5, 0.5), ("a bit more", 1.05, 1.4), ("stronger", 1.1, 1.5), ("much more", 1.4, 1.9),
        ("double it", 2, 2), ("twice as strong", 2, 2), ("too much", 0.4, 0.8), ("way too much", 0.2, 0.6),
        ("that's overdone", 0.4, 0.8), ("tone it down", 0.5, 0.9), ("30% less", 0.7, 0.7), ("20 % more", 1.2, 1.2),
        ("a third of that", 0.33, 0.34), ("a quarter less", 0.75, 0.75), ("not strong enough", 1.1, 1.5),
        ("etwas weniger davon", 0.6, 0.95), ("un peu plus", 1.05, 1.4), ("demasiado", 0.4, 0.8), ("조금 덜", 0.6, 0.95),
        ("弱一点", 0.6, 0.95), ("もう少し弱く", 0.6, 0.95),
    ],
)  # fmt: skip
def test_a_step_without_edits_is_asked_for_in_another_strength(text: str, low: float, high: float) -> None:
    plan = plan_text(text, STEP)
    assert plan.kind == "followup"
    assert not plan.edits
    assert plan.share is not None
    assert low - 1e-6 <= plan.share <= high + 1e-6
    # Without a step there is nothing to have more or less of, and with edits they are what is spoken of.
    assert plan_text(text).share is None
    assert plan_text(text, EDITED).share is None


@pytest.mark.parametrize("text", ["the last step at half strength", "less of the whole look", "60 % of the last edit"])
def test_the_step_can_be_named_beside_its_edits(text: str) -> None:
    plan = plan_text(text, EDITED)
    assert plan.share is not None
    assert 0 < plan.share < 1


@pytest.mark.parametrize(
    "text",
    ["less yellow", "less people", "more of the sky", "a bit brighter", "too dark", "more contrast", "undo", "i still like it",
     "too many trees", "make it look good", "how much is that?", "export", "more noise reduction", "again", "save it"],
)  # fmt: skip
def test_what_is_about_something_else_is_no_strength(text: str) -> None:
    assert plan_text(text, STEP).share is None


def test_no_model_is_asked_for_a_strength() -> None:
    assert by_code(plan_text("half of that", STEP), "half of that", STEP)
    assert "share" not in plan_text("half of that", STEP).label()
