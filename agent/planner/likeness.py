"""A reference's look in words: "make it look like this, but less green", "in my Friday look", "call it Friday".

"This" is a picture that came with the message; a look goes by its name, and names are a closed vocabulary: those that the
person has given. What else the message asks is read as any other.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.plan import Likeness, Plan, PlanContext
from agent.planner import commands
from agent.planner.text import MAX_CHARACTERS, plain

_FILLER: Final = r"(?:(?:please|can you|could you|would you|now|and|then|just|i want|i would like|to|let us) )*"
_MAKE: Final = (
    r"(?:(?:make|get|have|give|turn|retouch|edit|grade|colou?r[- ]?grade|do|style|render|bring|develop) )?"
    r"(?:(?:it|this|mine|my (?:photo|picture|image)|(?:the|this) (?:photo|picture|image|shot)) )?(?:to )?(?:look |feel |be )?"
)
_DEGREE: Final = (
    r"(?P<degree>(?:a (?:little )?bit|a little|slightly|somewhat|subtly|half|roughly|exactly|just|very much|more"
    r"|\d{1,3} ?%) )?"
)
_LIKE: Final = (
    r"(?:like|as in|similar to|in the (?:style|look|mood|colou?rs) of"
    r"|with the (?:style|look|mood|colou?rs?|palette) of)"
)
_PICTURE: Final = (
    r"(?:photo|picture|image|one|reference|painting|drawing|poster|illustration|frame|screenshot|still|artwork|anime)s?"
)
_KIND: Final = r"(?:other|second|attached|reference|sample|example|anime|film|movie|old)"
_THIS: Final = rf"(?:this|that|these|those|the|my)(?: {_KIND})*(?: {_PICTURE})?"
_LOOK: Final = r"(?:look|style|mood|colou?rs?|palette|grade|grading|tones?|feel)"
_TAKE: Final = r"(?:use|copy|apply|take|transfer|carry over|match|borrow|follow|steal)"
#: How a message speaks of a picture that came with it.
_GIVEN: Final = tuple(
    re.compile(rf"{_FILLER}{pattern}")
    for pattern in (
        rf"{_MAKE}{_DEGREE}{_LIKE} {_THIS}(?![\w'])",
        rf"{_TAKE} {_DEGREE}(?:the |this |that |its )?(?:same )?{_LOOK}?(?: (?:of|from|in) {_THIS})?(?![\w'])",
        rf"{_MAKE}{_DEGREE}(?:with |in )?(?:this|that|the same) {_LOOK}(?: as {_THIS})?",
        rf"match(?: it)?(?: to)? {_THIS}(?![\w'])",
    )
)
_THING: Final = r"(?:look|style|preset|grade|mood|colou?rs?)"
_CALL: Final = re.compile(
    r"\b(?:and |then |please )*(?:(?:call|name) (?:the look|(?:this|that) (?:look|style|one)|it|this|that)"
    rf"|(?:save|keep|remember|store) (?:it|this|that|(?:this|that|the) {_THING}) (?:as|under(?: the name)?))\s+"
    r"(?:my |the )?[\"'“‘]?(?P<name>[^\"'“”’,.;!?]{1,40}?)[\"'”’]?(?: look| style)?\s*[.!?]*$",
    re.IGNORECASE,
)
_WEAKER: Final = re.compile(r"\b(?:bit|little|slightly|somewhat|subtly|half|roughly)\b")


@dataclass(frozen=True)
class _Said:
    """What was found, and the message without it."""

    likeness: Likeness
    rest: str


def find(text: str, context: PlanContext | None) -> _Said | None:
    """What a message says of a reference or of a named look; None when it speaks of neither and nothing was given.

    >>> here = PlanContext(reference=True)
    >>> find("Make it look a bit like this, but less green", here)
    _Said(likeness=Likeness(given=True, look='', call='', forget='', strength=0.5), rest='but less green')
    >>> find("in my friday look, warmer", PlanContext(looks=("Friday",))).likeness.look
    'Friday'
    >>> find("make it look like this", PlanContext()) is None
    True
    """
    if context is None or not (context.reference or context.looks or context.referred):
        return None
    asked, attacked = commands.without_machinery(plain(text))
    if attacked:
        return None if not context.reference else _Said(Likeness(given=True), "")
    call = ""
    # The name is kept as it was written.
    raw = " ".join(unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).split())
    if (context.reference or context.referred) and (named := _CALL.search(raw)):
        call = named["name"].strip()
        asked = plain(raw[: named.start()])
    for name in sorted(context.looks, key=lambda n: (-len(n), n)):
        n = rf"(?<!\w){re.escape(plain(name))}(?:'s)?"
        if re.search(
            rf"\b(?:forget|delete|remove) (?:my |the )?(?:{_THING} )?(?:called )?{n}(?: {_THING})?[ .!?]*$", asked
        ):
            return _Said(Likeness(forget=name), "")
        ways = (
            rf"\b(?:make|get) (?:it|this) {_DEGREE}(?:look )?like {n}(?=[ .,!?]*$|,)",
            rf"{_FILLER}{_MAKE}{_DEGREE}(?:(?:use|apply|with|in|like) )?(?:(?:my|the|our) )?"
            rf"(?:{n} {_THING}|{_THING} {n}(?!\w)|(?<=my ){n}(?!\w))",
        )
        recalled = next((found for way in ways if (found := re.search(way, asked))), None)
        if recalled:
            return _Said(
                Likeness(look=name, call=call, strength=_strength(recalled["degree"])), _without(asked, recalled)
            )
    if context.reference:
        for pattern in _GIVEN:
            if (match := pattern.search(asked)) and match.group().strip():
                return _Said(
                    Likeness(given=True, call=call, strength=_strength(match.groupdict().get("degree"))),
                    _without(asked, match),
                )
        return _Said(Likeness(given=True, call=call), asked)
    return _Said(Likeness(call=call), asked) if call and not asked.strip(" ,.!?") else None


def _strength(degree: str | None) -> float:
    """How much of a look is wanted, 0..1.

    >>> _strength("a bit "), _strength("30 % "), _strength(None)
    (0.5, 0.3, 1.0)
    """
    if degree and (number := re.match(r"\d+", degree)):
        return min(int(number.group()), 100) / 100
    return 0.5 if degree and _WEAKER.search(degree) else 1.0


def _without(asked: str, match: re.Match[str]) -> str:
    return re.sub(r"^[\s,.;!?]+|(?:\s|[,;])+$", "", f"{asked[: match.start()]} {asked[match.end() :]}".strip())


def answer(text: str, context: PlanContext | None, plan: Callable[[str], Plan]) -> Plan | None:
    """The plan for a message about a look of somebody's own; `plan` reads the rest of it. None for any other message.

    "Colourise it like this" is no style: the picture lends its colours to a photo without, and its look is left alone.
    """
    said = find(text, context)
    if said is None:
        return None
    like = said.likeness
    if like.forget or not (like.given or like.look):
        return Plan(kind="command", likeness=like)
    rest = plan(said.rest) if re.search(r"\w", said.rest) else Plan(kind="none")
    # What the picture shows has a say on the whole: another look, a question or a command has none beside it.
    kept = rest if rest.kind in ("strong", "weak", "followup", "none") else Plan(kind="none")
    update = {
        "kind": "strong" if kept.colourises else "style",
        "likeness": like,
        "free": kept.free or kept.kind == "weak",
        "question": None,
        "options": (),
    }
    return kept.model_copy(update=update)
