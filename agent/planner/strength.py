"""The last step in another strength: "a bit less of that" after an automatic look, a reference or a slider, "the last step
at half strength" after anything.

Such steps have no edits that a follow-up could speak of; what can be said of them is how much of them there should be.
"""

import re
from typing import Final

from agent.plan import Plan, PlanContext
from agent.planner import portions
from agent.planner.lexicon import patterns, word_set
from agent.planner.understand import Heard

#: Share of the step as it is now for each way to speak of it; `slight` and `much` where the message says so.
LESS, SLIGHTLY_LESS, MUCH_LESS = 0.7, 0.8, 0.4
MORE, SLIGHTLY_MORE, MUCH_MORE = 1.3, 1.2, 1.6
TOO_MUCH, WAY_TOO_MUCH = 0.6, 0.4
#: The strongest that a step is made at once.
MOST: Final = 2.0

#: The step itself as a message names it, beside last edits of its own.
_STEP: Final = re.compile(
    r"\b(?:the |that |this |your )?(?:last|whole|entire|previous|latest) (?:step|edit|look|effect|change|retouch|version)\b"
    r"|\b(?:step|effect|look|edit)(?: as a)? whole\b|\b(?:all|everything) of (?:that|it|this)\b"
)
_TOO_MUCH: Final = re.compile(
    r"\b(?:too (?:much|strong|heavy|intense|extreme|far|aggressive|hard|obvious|over the top)|too$|over ?done|over ?cooked"
    r"|over ?did|overdoing|over the top|overkill|a bit much|way too)\b"
)
_PERCENT: Final = r"(?P<n>\d{1,3}(?:\.\d+)?) ?(?:%|percent)"
_BY: Final = re.compile(rf"{_PERCENT} (?P<way>less|weaker|more|stronger)\b")
_WAY_BY: Final = re.compile(
    rf"\b(?P<way>reduce|weaken|lower|increase|strengthen|raise) (?:it|that|this|the effect|the look) by {_PERCENT}"
)
_ALONE: Final = re.compile(rf"{_PERCENT}$")


def answer(text: str, context: PlanContext | None, own: tuple[Heard, ...]) -> Plan | None:
    """The plan of a message that asks for more or less of the last step; None for every other.

    `text`: plain; `own`: what the grammar read by itself, which is asked for in its own right.

    >>> answer("half of that", PlanContext(step=True), ()).share, answer("less green", PlanContext(step=True), ())
    (0.5, None)
    """
    if context is None or not context.step or own or len(text.split()) > 14:
        return None
    if context.last_edits and not _STEP.search(text):
        return None
    found = _share(text)
    if found is None:
        return None
    share, said = found
    # Whatever else is said is about something: "less people", "more of the sky".
    rest = re.findall(r"[^\W\d_]+", _STEP.sub(" ", said))
    if not set(rest) <= word_set("strength_filler"):
        return None
    return Plan(kind="followup", share=round(min(share, MOST), 4))


def _share(text: str) -> tuple[float, str] | None:
    """The share that a text asks for, and the text without the words that say it."""
    if match := _BY.search(text) or _WAY_BY.search(text):
        number = float(match["n"]) / 100
        change = number if match["way"] in ("more", "stronger", "increase", "strengthen", "raise") else -number
        return (1 + change, _without(text, match)) if change >= -1 else None
    if portion := portions.find(text):
        return portion.share, _without(text, portion.match)
    if match := _ALONE.search(text):
        return float(match["n"]) / 100, _without(text, match)
    says = patterns("followup")
    slight, much = says["slight"].search(text), says["much"].search(text)
    if match := _TOO_MUCH.search(text):
        return WAY_TOO_MUCH if says["way"].search(text) else TOO_MUCH, _without(text, match)
    if match := says["less"].search(text):
        return SLIGHTLY_LESS if slight else MUCH_LESS if much else LESS, _without(text, match)
    if match := next((m for m in says["more"].finditer(text) if m[0] != "still"), None):
        return SLIGHTLY_MORE if slight else MUCH_MORE if much else MORE, _without(text, match)
    return None


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
