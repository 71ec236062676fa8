"""Commissions: where an artist is configured (`tools.artist`), looks and styles are drawn by it.

What it is told is written here, of what was decided: the plan's closed vocabulary, the name of a look in our own table, the
noun of a thing in letters alone. What a person typed, a path or an address never reach it. An artist that fails costs a
visible note and Burnish's own look, not the turn.
"""

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from agent import answer
from agent.decide import Asked, Decision, step
from agent.plan import Plan
from models.errors import WeightsError
from models.recipe import Look
from models.vocabulary import MAP_ATTRIBUTES, spoken

if TYPE_CHECKING:
    from agent.darkroom import Opened
    from agent.rooms import Rooms, Say
    from agent.state import State
    from tools.artist import Commission

#: Changes below and above these are said to be small or large.
SLIGHT: Final = 0.15
STRONG: Final = 0.45


def wanted(plan: Plan, decision: Decision) -> bool:
    """True for a turn whose look an artist draws: one that leaves it free, or asks for a style."""
    if decision.likeness or decision.solved or decision.merged:
        return False
    return decision.look or bool(told(plan, decision))


def told(plan: Plan, decision: Decision) -> tuple[Asked, ...]:
    """What an artist is asked to draw of a style: its colours and tones. All else stays a setting of ours."""
    if plan.kind != "style":
        return ()
    return tuple(a for a in decision.asked if a.attribute in MAP_ATTRIBUTES or a.attribute.startswith("hue:"))


def phrase(asked: Asked) -> str:
    """One change in words.

    >>> phrase(Asked(region="sky", attribute="brightness", wanted=-0.6, value=-0.6))
    'the sky much darker'
    >>> phrase(Asked(region="object:http://x", attribute="temperature", wanted=0.1, value=0.1))
    'the http x slightly warmer'
    """
    amount = "slightly " if abs(asked.wanted) < SLIGHT else "much " if abs(asked.wanted) > STRONG else ""
    where = re.sub(r"[^\w' -]+", " ", spoken(asked.region)).strip()
    place = "" if asked.region == "global" else f"the {where} "
    return f"{place}{amount}{answer.wording(asked.attribute, asked.wanted)}"


def written(plan: Plan, decision: Decision, seed: int) -> "Commission":
    """The commission of a turn."""
    from agent.planner.styles import known
    from tools.artist import Commission

    asked = told(plan, decision)
    style = (f"{plan.style} look",) if asked and plan.style and known(plan.style) else ()
    changes: dict[str, dict[str, float]] = {}
    for one in asked:
        changes.setdefault(one.region, {})[one.attribute] = one.wanted
    return Commission(
        words=(*style, *(phrase(a) for a in asked)),
        changes=changes,
        free=not asked,
        keep=decision.recipe.keep,
        seed=seed,
    )


async def drawn(
    state: "State", rooms: "Rooms", here: "Opened", plan: Plan, decision: Decision, say: "Say"
) -> tuple[Decision, bool]:
    """The decision with a look that the artist drew, and True; as it was and False where there is none to draw or no artist.

    What the artist was told of a style is no setting any more: it is in the drawing. One that fails leaves a note.
    """
    settings = rooms.settings
    if not settings.artist or not wanted(plan, decision):
        return decision, False
    before = rooms.history.version(state["thread"], state["base"]).recipe
    look = decision.recipe.look if decision.look else None
    if look is None:
        look = Look().with_seed(before.look.seed + 1 if before.look else 0)
    name = PurePath(settings.artist).name
    say(f"{name} draws the look.")
    try:
        grid = await rooms.darkroom.drawn(here, written(plan, decision, look.seed), settings)
    except WeightsError as error:
        note = f"{error} You see Burnish's own look instead."
        say(note)
        return decision.model_copy(update={"notes": (*decision.notes, note)}), False
    recipe, asked = decision.recipe, told(plan, decision)
    for one in asked:
        recipe = step(recipe, one.region, one.attribute, -one.wanted)[0]
    return decision.model_copy(
        update={
            "recipe": recipe.model_copy(update={"look": look.model_copy(update={"drawn": grid})}),
            "asked": tuple(a for a in decision.asked if a not in asked),
            "notes": (*decision.notes, f"It was drawn by {name}."),
            "look": True,
        }
    ), True
