"""The witness: a served model that sees is shown what a retouch was made from, and the retouch.

It is asked only about what measures well. Its doubt makes a candidate count for less and can start a round, so it decides
between candidates that the numbers find equal; nothing that it says makes good a measurement that failed. Without a served
model, or when that is down, slow or blind, review is what it is without one.
"""

import asyncio
from typing import Final

from agent import again
from agent.darkroom import Print, as_jpeg
from agent.decide import Asked, Decision
from agent.events import Measures
from agent.history import Version
from agent.plan import Edit, Plan
from agent.planner.embedded import plan_text
from agent.planner.opinions import Opinion, review
from agent.planner.served import INSTEAD, ServedPlanner
from agent.review import TOLERANCE, Verdict
from agent.rooms import Rooms
from agent.state import State
from models.recipe import Recipe

#: Candidates of a turn that are shown, and seconds for each answer.
ASKED: Final = 2
SECONDS: Final = 15.0
#: Shares, of 100, from which the model is content.
MET: Final = 50
NATURAL: Final = 50
SPILLED: Final = 50
#: How much a wish for more or less moves what a person asked for: it must still be what they asked for.
NUDGE: Final = 0.7 * TOLERANCE
#: How much it moves a style, whose amounts are ours.
STYLED: Final = 0.25


async def heard(state: State, rooms: Rooms, verdict: Verdict, base: Version, made: Print) -> Verdict:
    """`verdict` with the model's opinion, and its doubt in the score. Opinions are had of what measures well alone."""
    before = state["best"]["verdict"].get("opinion") if state["best"] else None
    planner, plan = rooms.planner, Plan.model_validate(state["plan"])
    if not verdict.ok or not isinstance(planner, ServedPlanner) or not planner.server.sees:
        return verdict
    if state.get("opinions", 0) >= ASKED or INSTEAD in (plan.note or ""):
        return verdict
    pictures = [await asyncio.to_thread(as_jpeg, rooms.store.path(sha)) for sha in (base.preview, made.preview)]
    opinion: Opinion | None = None
    async with rooms.line.aside(state["thread"]):
        try:
            async with asyncio.timeout(min(SECONDS, rooms.settings.llm_timeout)):
                opinion = await review(planner.server, state.get("text", ""), *pictures)
        except TimeoutError:
            pass
    if opinion is None:
        # Unheard, it is no better than what was doubted.
        return verdict.model_copy(update={"score": round(verdict.score + _doubt(before), 4)}) if before else verdict
    said = opinion.model_dump(mode="json")
    return verdict.model_copy(update={"opinion": said, "score": round(verdict.score + _doubt(said), 4)})


def doubted(verdict: Verdict) -> bool:
    """True when the numbers are right and the model is not content."""
    return verdict.ok and _doubt(verdict.opinion) > 0


def _doubt(said: dict[str, object] | None) -> float:
    """How far the model is from being content, 0..0.51; 0 without an opinion.

    >>> _doubt({"met": 80, "spill": 5, "natural": 90}), _doubt({"met": 80, "spill": 5, "natural": 20})
    (0.0, 0.31)
    """
    if not said:
        return 0.0
    opinion = Opinion.model_validate(said)
    short = max(MET - opinion.met, NATURAL - opinion.natural, opinion.spill - SPILLED)
    return (short + 1) / 100 if short > 0 else 0.0


async def another(
    state: State, rooms: Rooms, decision: Decision, base: Version, made: Print, verdict: Verdict
) -> tuple[Decision, Recipe, str] | None:
    """What to render because the model doubts: what is asked of it, its recipe, a sentence. None: nothing it could change."""
    opinion = Opinion.model_validate(verdict.opinion)
    harsh = opinion.natural < NATURAL or opinion.spill > SPILLED
    fix = plan_text(opinion.fix or "").edits
    here = await rooms.opened(state["thread"])
    if decision.look:
        return _look(decision, made.recipe, harsh)
    if Plan.model_validate(state["plan"]).kind == "style":
        share = 1 - STYLED if harsh or _wished(fix, decision.asked) < 0 else 1 + STYLED
        recipe = again.scaled(made.recipe, base.recipe, share)
        asked = tuple(again.asked_now(a, recipe, base.recipe) for a in decision.asked)
        recipe = await rooms.darkroom.aimed(here, recipe, {})
        how = "gentler" if share < 1 else "stronger"
        return (
            decision.model_copy(update={"asked": asked}),
            recipe,
            f"Seen side by side it should be {how}; trying that.",
        )
    aims: Measures = {}
    way = 0
    for finding, asked_ in zip(verdict.findings, decision.asked, strict=True):
        shown = made.achieved.get(finding.region, {}).get(finding.attribute)
        if finding.achieved is None or shown is None:
            continue
        wish = _wished([e for e in fix if (e.region, e.attribute) == (finding.region, finding.attribute)], (asked_,))
        wish = -1 if harsh and not wish else wish
        way = way or wish
        aims.setdefault(finding.region, {})[finding.attribute] = round(shown + wish * NUDGE * asked_.wanted, 4)
    if not way:
        return None
    recipe = await rooms.darkroom.aimed(here, made.recipe, aims)
    how = "a touch more" if way > 0 else "a touch less"
    return decision, recipe, f"Seen side by side it could be {how}; trying that."


def _look(decision: Decision, recipe: Recipe, harsh: bool) -> tuple[Decision, Recipe, str] | None:
    look = recipe.look
    if look is None:
        return None
    if harsh:
        softer = look.model_copy(update={"strength": round(look.strength * 0.7, 3)})
        return decision, recipe.model_copy(update={"look": softer}), "Seen side by side it goes too far; softening it."
    other = look.with_seed(look.seed + 1)
    return (
        decision,
        recipe.model_copy(update={"look": other}),
        "Seen side by side it is not it yet; trying another sample.",
    )


def _wished(fix: tuple[Edit, ...] | list[Edit], asked: tuple[Asked, ...]) -> int:
    """+1 when a wish is for more of what was asked, -1 for less, 0 for neither."""
    way = {(a.region, a.attribute): 1 if a.wanted > 0 else -1 for a in asked}
    return next((e.direction * way[k] for e in fix if (k := (e.region, e.attribute)) in way), 0)
