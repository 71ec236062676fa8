"""What a lens does, in words: "bokeh", "shallow depth of field", "f/1.8", "tilt-shift", "like a miniature"."""

import re
from collections.abc import Callable
from typing import Final, Literal

from agent.plan import Amount, Edit, Plan, PlanContext, Word
from agent.planner import commands
from agent.planner.text import plain

#: A lens at f/1 blurs as far as the blur of a lens goes here; the disc of a point is as wide as the opening.
WIDE_OPEN: Final = 1.12

_LESS: Final = r"(?P<less>less|no|without|remove|reduce|too much|weaker|(?:greater|deeper|larger) (?=depth))"
_FOCUS: Final = (
    r"(?:(?:an? )?(?P<how>very |really |extremely |super |slightly |a bit of |a little |some |more |strong |subtle |soft )?"
    r"(?:bokeh(?: effect)?|(?:shallow|shallower|narrow|small|thin) (?:depth of field|dof|focus)"
    r"|depth of field|dof))"
)
_STOP: Final = r"f ?/? ?(?P<number>\d{1,2}(?:[.,]\d)?)(?: (?:aperture|look|lens|blur|bokeh))?"
_TILT: Final = (
    r"(?:(?:an? )?(?P<much>strong |slight |subtle )?(?:tilt[ -]?shift(?:ed)?|miniature|toy (?:town|model)"
    r"|diorama|model railway)"
    r"(?: (?:effect|look|style|lens|photo|blur|faking))?)"
)
_ASK: Final = (
    r"(?:(?:please|can you|could you|now|and|then|just) )*"
    r"(?:(?:add|give(?: (?:it|me|this))?|make(?: (?:it|this))?(?: look)?(?: like)?|use|apply"
    r"|with|create|simulate|shot at|as at|at|like|do|want) )?"
    r"(?:(?:it|this|the photo|the picture) )?(?:at |with |like |as (?:if )?(?:shot )?(?:at |with )?)?"
)
_MEANT: Final = (
    (re.compile(rf"{_ASK}(?:{_LESS} )?(?:of )?{_FOCUS}(?: (?:at|of|like) {_STOP})?(?![\w-])"), "bokeh"),
    (re.compile(rf"{_ASK}(?<![\w.]){_STOP}(?![\w.]|/)"), "bokeh"),
    (re.compile(rf"{_ASK}(?:{_LESS} )?{_TILT}(?![\w-])"), "tilt_shift"),
)
#: Where a lens blurs goes without saying.
_WHERE: Final = r"(?:in|on|of|to|behind) (?:the )?(?:background|photo|picture|image|it|her|him|them)\b"
_SIZES: Final[dict[str, Word]] = {
    "very": "strong", "really": "strong", "extremely": "strong", "super": "strong", "strong": "strong", "slightly": "slight",
    "a bit of": "slight", "a little": "slight", "subtle": "slight", "soft": "slight", "slight": "slight",
}  # fmt: skip


def aperture(number: float) -> float:
    """The value of an f-number, 0..100.

    >>> aperture(1.8), aperture(8), aperture(1)
    (62, 14, 100)
    """
    return min(round(100 * WIDE_OPEN / max(number, 0.7)), 100)


def answer(text: str, context: PlanContext | None, plan: Callable[[str], Plan]) -> Plan | None:
    """The plan for a message that speaks of a lens; `plan` reads the rest of it. None for any other message."""
    asked, attacked = commands.without_machinery(plain(text))
    if attacked or commands.asks(asked) or re.search(r"\bwhat (?:is|does|are)\b", asked):
        return None
    for pattern, attribute in _MEANT:
        match = pattern.search(asked)
        if match is None:
            continue
        said = match.groupdict()
        amount: Word | Amount = _SIZES.get((said.get("how") or said.get("much") or "").strip(), "strong")
        if said.get("number"):
            value = aperture(float(said["number"].replace(",", ".")))
            amount = Amount(value=value, unit="unit", absolute=True)
        less: Literal[-1, 1] = -1 if said.get("less") else 1
        amount = "medium" if less < 0 else amount
        region = "background" if attribute == "bokeh" else "global"
        edit = Edit(region=region, attribute=attribute, direction=less, amount=amount)
        rest = f"{asked[: match.start()]} , {asked[match.end() :]}".strip(" ,.;!?")
        rest = re.sub(rf"^(?:and |but |then )?(?:{_WHERE}[\s,.;]*)?(?:and |but |then )?", "", rest)
        other = plan(rest) if re.search(r"\w", rest) else Plan(kind="strong")
        # What stands beside it may be another edit, a look or a protection, never a command on versions.
        edits = (edit, *(e for e in other.edits if e.attribute not in ("blur", attribute)))
        kind = "strong" if other.kind in ("none", "question", "command", "weak") else other.kind
        kept = (
            other
            if other.kind in ("strong", "style", "followup", "weak")
            else Plan(kind="strong", protect=other.protect)
        )
        update = {
            "kind": kind,
            "edits": edits,
            "free": kept.free or kept.kind == "weak",
            "question": None,
            "options": (),
        }
        return kept.model_copy(update=update)
    return None
