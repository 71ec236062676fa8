"""Lessons varied by exchange: a request says the same of another noun, another attribute, or the other way round.

A model that has seen a word beside one region most answers with that region whatever is written. Where any noun may stand in a
sentence that a person wrote, it has to read the noun.
"""

import functools
import random
import re
from typing import Final

from agent.plan import Plan
from agent.planner.phrases import saying
from agent.planner.protect import region_of
from models.vocabulary import MAP_ATTRIBUTES, SEMANTIC_REGIONS

#: Nouns that stand for a region and say more than where, or that no article goes with.
_NOT_EXCHANGED: Final = frozenset(
    (
        "me", "us", "her", "him", "myself", "someone", "everyone", "everybody", "body", "back", "behind", "fur", "rest",
        "smile", "surroundings", "figure", "model", "heaven", "heavens", "dude", "fellow", "beard", "hairline", "facial",
        "iris", "bg", "rv", "insect", "facade",
    )
)  # fmt: skip

#: Regions that a wish may be about as a whole, so that their nouns are no example of others.
_NEVER: Final = frozenset(("background", "foreground", "subject"))

_WORD: Final = re.compile(r"[a-z]+(?:'s)?")

#: Operators that turn a change round, each with its opposite.
_TURNS: Final = {
    "increase": "decrease", "raise": "lower", "more": "less", "brighten": "darken", "lighten": "darken",
    "brighter": "darker", "lighter": "darker", "boost": "reduce", "add": "reduce", "warmer": "cooler", "up": "down",
}  # fmt: skip
_TURNED: Final = _TURNS | {other: one for one, other in _TURNS.items()}

#: Names of attributes that can stand for each other in a sentence.
_NAMES: Final = {
    "brightness": ("brightness", "exposure", "lightness"), "contrast": ("contrast",), "saturation": ("saturation", "vibrance"),
    "temperature": ("warmth", "temperature"), "sharpness": ("sharpness",), "clarity": ("clarity",),
    "highlights": ("highlights",), "shadows": ("shadows",),
}  # fmt: skip


@functools.cache
def _nouns() -> dict[str, tuple[str, ...]]:
    """Region → its nouns of one word that can be exchanged; things are under their own name."""
    regions = {
        region: tuple(
            noun for noun in saying("region", region, "region")
            if noun.isalpha() and len(noun) > 2 and noun not in _NOT_EXCHANGED and region_of(noun) == region
        )
        for region in SEMANTIC_REGIONS if region not in _NEVER
    }  # fmt: skip
    things = (noun for noun in saying("region", "", "object") if noun.isalpha() and len(noun) > 2)
    return {region: nouns for region, nouns in regions.items() if nouns} | {
        f"object:{noun}": (noun,) for noun in things if region_of(noun) == f"object:{noun}"
    }


@functools.cache
def _named() -> dict[str, str]:
    """Noun → its region."""
    return {noun: region for region, nouns in _nouns().items() for noun in nouns}


def placed(text: str, plan: Plan, rng: random.Random) -> tuple[str, Plan]:
    """The request about other nouns, in the text and in the plan; as it is where none can be exchanged.

    A noun that no edit is about ("remove the car") is exchanged in the text alone.

    >>> from agent.plan import Edit
    >>> plan = Plan(kind="strong", edits=[Edit(region="sky", attribute="brightness")])
    >>> said, other = placed("brighten the sky", plan, random.Random(1))
    >>> region_of(said.split()[-1]) == other.edits[0].region
    True
    """
    low = text.lower()
    if plan.kind not in ("strong", "none", "weak") or len(low) != len(text):
        return text, plan
    known = _named()
    places = {e.region for e in plan.edits} | set(plan.protect)
    spans: dict[str, list[re.Match[str]]] = {}
    for match in _WORD.finditer(low):
        word = match[0]
        place = known.get(word) or (f"object:{word}" if f"object:{word}" in places else None)
        if place is not None:
            spans.setdefault(place, []).append(match)
    moves: dict[str, tuple[str, str]] = {}
    for place, found in spans.items():
        names = {m[0] for m in found}
        joined = any(
            re.match(r" ?(?:'s\b|of\b)", low[m.end() :]) or re.search(r"'s $", low[: m.start()]) for m in found
        )
        if len(names) != 1 or joined or rng.random() < 0.25:
            continue
        noun = _other(place, next(iter(names)), rng)
        region = region_of(noun)
        if region is None or region in places or region in spans or region in (m[1] for m in moves.values()):
            continue
        moves[place] = noun, region
    if not moves:
        return text, plan
    for place, match in sorted(((p, m) for p in moves for m in spans[p]), key=lambda row: -row[1].start()):
        text = text[: match.start()] + moves[place][0] + text[match.end() :]
    edits = tuple(e.model_copy(update={"region": moves[e.region][1]}) if e.region in moves else e for e in plan.edits)
    protect = tuple(moves[r][1] if r in moves else r for r in plan.protect)
    return text, plan.model_copy(update={"edits": edits, "protect": protect})


def _other(place: str, noun: str, rng: random.Random) -> str:
    """Another noun, of the same number more often than not; regions of the vocabulary and things alike."""
    table = _nouns()
    things = rng.random() < 0.5
    places = [r for r in table if r != place and r.startswith("object:") == things]
    plural = noun.endswith("s")
    for _ in range(8):
        drawn = rng.choice(table[rng.choice(places)])
        if drawn.endswith("s") == plural or rng.random() < 0.2:
            break
    return drawn


def turned(text: str, plan: Plan, rng: random.Random) -> str:
    """The text with one operator turned round or the name of one attribute exchanged; what it means is read anew.

    >>> turned("increase the brightness", Plan(kind="strong"), random.Random(2)) != "increase the brightness"
    True
    """
    low = text.lower()
    if plan.kind not in ("strong", "followup") or len(low) != len(text):
        return text
    names = {name: attribute for attribute, group in _NAMES.items() for name in group}
    found = [m for m in _WORD.finditer(low) if m[0] in _TURNED or m[0] in names]
    if not found:
        return text
    match = rng.choice(found)
    if match[0] in _TURNED:
        new = _TURNED[match[0]]
    else:
        tonal = [a for a in _NAMES if (a in MAP_ATTRIBUTES) and a != names[match[0]]]
        new = rng.choice(_NAMES[rng.choice(tonal)])
    return text[: match.start()] + new + text[match.end() :]
