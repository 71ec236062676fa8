"""Words that point: "make *this* warmer", "brighten the selection", "darker here" mean what was clicked, boxed or painted."""

import re
from typing import Final

from agent.plan import Edit, Plan

#: The region that the grammar hears in "the selection".
HEARD: Final = "object:selection"

#: What is said of the whole photo, of a version or of time, and points at nothing in the picture.
_NOT_A_PLACE: Final = (
    r"(?: (?:whole|entire|same|original))?"
    r" (?:photo\w*|picture|pic|image|shot|one|version|edit|look|style|time|way|much|more|less|is it|day|moment|mood|kind"
    r"|sort|better|best|result)\b"
)
_PART: Final = r"(?:part|area|region|bit|spot|place|section|thing|object|corner|patch)"
_SELECTED: Final = re.compile(
    rf"\b(?:the |my |this |that )?(?:selected|marked|painted|clicked|circled|boxed|highlighted)(?: {_PART}| pixels)\b"
    rf"|\b(?:what|where|the {_PART}(?: that)?|{_PART}) (?:i|i've|i have|i just) (?:selected|marked|painted|clicked"
    r"|circled|boxed|pointed(?: at)?|drew|drawn|brushed)(?: on| at| around)?\b"
    r"|\b(?:inside|within|in) (?:the|my|this) box\b|\bunder (?:the|my) (?:brush|stroke|click|cursor)\b"
    r"|\b(?:my|this|that) selection\b",
    re.I,
)
_THIS: Final = re.compile(
    r"(?<!like )(?<!love )(?<!hate )(?<!than )(?<!undo )(?<!keep )(?<!save )(?<!call )(?<!of )(?<!about )"
    rf"\b(?:this|that|these|those)(?! (?:than|too))(?:(?: (?:whole|entire))? {_PART})?\b(?!{_NOT_A_PLACE})",
    re.I,
)
_HERE: Final = re.compile(r"\b(?:(?:over|right|just) )?(?:here|there)\b(?! (?:is|are|was|should|were))", re.I)


def rewrite(text: str) -> str:
    """The text with "the selection" for whatever points at something. Only sensible while something is selected.

    >>> rewrite("make this warmer"), rewrite("a bit darker here"), rewrite("make this photo warmer")
    ('make the selection warmer', 'a bit darker in the selection', 'make this photo warmer')
    """
    text = _SELECTED.sub("the selection", text)
    if "the selection" in text.lower():
        return text
    text = _THIS.sub("the selection", text)
    return text if "the selection" in text else _HERE.sub("in the selection", text, count=1)


def placed(plan: Plan, picked: str) -> Plan:
    """The plan with the selection's own region (`models.pick`) where it speaks of the selection.

    Without one the plan asks for it. Regions of earlier selections, in follow-ups, stay what they are.
    """
    speaks = HEARD in plan.protect or any(edit.region == HEARD for edit in plan.edits)
    if not speaks:
        return plan
    if not picked:
        ask = "What do you mean? Click on it in the photo, draw a box around it or paint over it, and say it again."
        return Plan(kind="none", question=ask, lang=plan.lang)
    edits: list[Edit] = [e.model_copy(update={"region": picked}) if e.region == HEARD else e for e in plan.edits]
    protect = tuple(picked if name == HEARD else name for name in plan.protect)
    return plan.model_copy(update={"edits": tuple(edits), "protect": protect})
