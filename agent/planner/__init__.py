"""Planners: a message becomes a `Plan` in the closed vocabulary. One protocol, an embedded and a served implementation.

`plan_text` and `explain` are the embedded planner; `choose` gives the planner that the settings ask for; `batch` plans rows.
"""

from collections.abc import Iterable
from typing import Any, Literal

from agent.plan import PlanContext
from agent.planner.embedded import EmbeddedPlanner, explain, plan_text
from agent.planner.protocol import Planner

__all__ = ["EmbeddedPlanner", "Planner", "batch", "choose", "explain", "plan_text"]


def batch(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Plan rows `{id, text, context?}` with the embedded planner; one row of label fields each, `id` kept.

    >>> batch([{"id": 7, "text": "warmer"}])[0]["edits"][0]["attribute"]
    'temperature'
    """
    answers = []
    for row in rows:
        context = row.get("context")
        plan = plan_text(str(row.get("text") or ""), PlanContext.model_validate(context) if context else None)
        answers.append({"id": row.get("id"), **plan.label()})
    return answers


def choose(
    url: str | None = None,
    model: str | None = None,
    timeout: float = 30.0,
    key: str = "none",
    inside: Literal["grammar", "model", "both"] = "grammar",
) -> Planner:
    """The served planner where a server is configured, else the one in this process that `inside` names.

    Raises `WeightsError` where its model is missing.
    """
    if url:
        from agent.planner.served import ServedPlanner

        return ServedPlanner(url, model, timeout, key)
    if inside != "grammar":
        from agent.planner.inside import InsidePlanner

        return InsidePlanner(beside=inside == "both")
    return EmbeddedPlanner()
