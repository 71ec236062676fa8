"""Somebody else's taste: "retouch like Anna", "in Anna's style", "Anna's usual".

Names are a closed vocabulary, the people of this installation. Any other name in such a sentence is answered, not guessed at.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.plan import Plan, PlanContext
from agent.planner import commands, styles
from agent.planner.spelling import known
from agent.planner.text import plain

_THINGS: Final = r"(?:usual|tastes?|style|look|way|edits?|editing|preferences?|profile|treatment|thing)"
_BEFORE: Final = (
    r"(?:(?:please|now|and|then|just|do|use|apply|give it|give me|make it|with|in|to|by|after|follow|try) )*"
)
_DOES: Final = (
    r"(?:would(?: (?:do|like|have|want|edit|make)(?: (?:it|this|them))?)?|does(?: it)?|did(?: it)?|likes?(?: (?:it|them))?"
    r"|wants it|usually \w+(?: it)?|always \w+(?: it)?)"
)
_LIKE: Final = r"(?:like|wie|comme|como|come)"
_VERB: Final = r"(?:retouch|edit|do|develop|process|treat|bearbeite|retuschiere)"
_FILLER: Final = r"(?: (?:it|this|that|the|my|photo|picture|image|please))*"
#: Words that no person is called when they stand in such a sentence.
_NOBODY: Final = frozenset(
    re.findall(
        r"\w+",
        "me i you he she it we they us them him her his my mine your yours this that these those one a an the last before"
        " usual always ever everyone everybody someone somebody anyone people pro pros",
    )
)
_SOMEBODY: Final = r"(?P<name>[^\W\d_][\w-]+)"
_UNKNOWN: Final = (
    re.compile(rf"\b{_VERB}\b{_FILLER} (?:just )?{_LIKE} {_SOMEBODY}(?: {_DOES})?[ .!?]*$"),
    re.compile(rf"\b(?:like|the way|as|how) {_SOMEBODY} (?:would|usually|always) [\w ]{{2,20}}[ .!?]*$"),
    re.compile(rf"\b{_SOMEBODY}'s (?:own )?(?:usual|taste|profile)\b"),
    re.compile(rf"\b(?:in|use|apply) {_SOMEBODY}'s (?:own )?(?:style|look|preferences)\b"),
)


@dataclass(frozen=True)
class Lent:
    """A person who was named, and the message without that. `name` is spelled as on the installation."""

    name: str
    rest: str
    there: bool
    """False for a name that nobody here has."""


def find(text: str, context: PlanContext | None) -> Lent | None:
    """Whose taste a message asks for; None when it asks for nobody's.

    >>> here = PlanContext(people={"Anna": True, "me": True}, user="me")
    >>> find("retouch it like Anna, but warmer", here)
    Lent(name='Anna', rest='retouch it , but warmer', there=True)
    >>> find("Bob's usual please", here).there, find("make the sky like honey", here), find("like Anna", None)
    (False, None, None)
    """
    if context is None or not context.people:
        return None
    asked, attacked = commands.without_machinery(plain(text))
    if attacked or not asked or commands.is_question(asked) or commands.asks(asked):
        return None
    for name in sorted(context.people, key=lambda n: (-len(n), n)):
        said = plain(name)
        if said and (match := _named(said, asked)):
            return Lent(name, " ".join(f"{asked[: match.start()]} {asked[match.end() :]}".split()), True)
    for pattern in _UNKNOWN:
        match = pattern.search(asked)
        if match and match["name"] not in _NOBODY and match["name"] not in known() and styles.find(asked) is None:
            return Lent(match["name"][:40], "", False)
    return None


def _named(said: str, asked: str) -> re.Match[str] | None:
    """Where a name stands as that of somebody whose taste is wanted."""
    n = rf"(?<!\w){re.escape(said)}"
    own = rf"{_BEFORE}{n}(?:'s|s'|')\s+(?:own )?{_THINGS}\b"
    does = rf"\b(?:just )?(?:{_LIKE}|the way|as|how) {n}(?: {_DOES})(?!\w)"
    alike = rf"\b(?:just )?{_LIKE} {n}(?!\w)(?!'s)"
    # A name that is also a word must be said so that nothing else can be meant.
    sure = (own, does) if said in known() or said in _NOBODY else (own, does, alike)
    return next((m for pattern in sure if (m := re.search(pattern, asked))), None)


def answer(text: str, context: PlanContext | None, plan: Callable[[str], Plan]) -> Plan | None:
    """The plan for a message that asks for somebody's taste; `plan` reads the rest of it. None for any other message."""
    lent = find(text, context)
    if lent is None or context is None:
        return None
    options = ("my usual", "make it look good")
    if not lent.there:
        return Plan(
            kind="none", question=f"I do not know a person called {lent.name.capitalize()} here.", options=options
        )
    if not context.people[lent.name] and lent.name != context.user:
        text = f"{lent.name[:60]} has not shared a taste here; only {lent.name[:60]} can allow it to be borrowed."
        return Plan(kind="none", question=text, options=options)
    rest = plan(lent.rest)
    if lent.name == context.user:
        return Plan(kind="command", command="use_my_style", edits=rest.edits, protect=rest.protect)
    kind = rest.kind if rest.edits and rest.kind in ("strong", "style") else "weak"
    return rest.model_copy(
        update={"like": lent.name, "free": True, "kind": kind, "command": None, "question": None, "options": ()}
    )
