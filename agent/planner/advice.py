"""Taking advice: "do what you suggest" and "the second one" mean the critic's own requests, planned as if typed."""

import re
from collections.abc import Callable
from typing import Final

from agent.plan import Edit, Plan, PlanContext

#: At most this many suggestions are followed at once.
MOST: Final = 3

_ASKED: Final = re.compile(
    r"\b(?:do|apply|follow|use|try|take|make|go (?:ahead )?with|run)\b[^.?!]{0,30}"
    r"\b(?:you(?:'d| would| just)? (?:suggest|propose|recommend|advis)\w*|(?:your|the|these|those|all|that|this|its|\w+)"
    r" (?:suggest(?:ion)?s?|advice|proposals?|recommendations?|tips?))\b",
    re.I,
)
_QUESTION: Final = re.compile(r"^\W*(?:what|which|why|how|who|do you)\b", re.I)
_WHICH: Final = re.compile(r"\b(?:(first|1st)|(second|2nd)|(third|3rd|last))\b", re.I)


def answer(text: str, context: PlanContext | None, plan: Callable[[str], Plan]) -> Plan | None:
    """The plan of a message that asks for what was suggested; None for any other. `plan` plans one suggestion.

    >>> from agent.planner.embedded import plan_text
    >>> taken = plan_text("do what you suggest", PlanContext(suggestions=("brighten it a bit", "remove the haze")))
    >>> [edit.attribute for edit in taken.edits]
    ['brightness', 'dehaze']
    """
    if not _ASKED.search(text) or _QUESTION.search(text):
        return None
    offered = context.suggestions if context else ()
    if not offered:
        return Plan(kind="none", question="I have nothing to suggest for this photo; what would you like to change?")
    which = _WHICH.search(text)
    if which is not None:
        place = next(i for i, found in enumerate(which.groups()) if found)
        offered = offered[place : place + 1] or offered[-1:]
    edits: dict[tuple[str, str], Edit] = {}
    for one in offered[:MOST]:
        for edit in plan(one).edits:
            edits.setdefault((edit.region, edit.attribute), edit)
    return Plan(kind="strong", edits=tuple(edits.values()), note="Taking up: " + "; ".join(offered[:MOST]) + ".")
