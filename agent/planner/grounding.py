"""A served plan's regions, held against the message: a thing that nobody named is not what was meant.

Small models answer with the region that they saw beside a word most. Where the message names none such, and code reads the same
change on a place that it does name, that place is taken.
"""

from agent.plan import Edit, Plan
from agent.planner.chunks import chunk
from agent.planner.elements import GLOBAL
from agent.planner.lexicon import lexicon
from agent.planner.text import plain, words
from models.vocabulary import OBJECT_PREFIX, PICKED, REGIONS


def grounded(edits: tuple[Edit, ...], own: Plan, text: str) -> tuple[Edit, ...]:
    """`edits` with regions that the text does not name exchanged for those that `own`, the plan of code, has for the same.

    >>> own = Plan(kind="strong", edits=[Edit(region="object:device", attribute="hue:yellow")])
    >>> grounded((Edit(region="object:area", attribute="hue:yellow"),), own, "turn the device yellow")[0].region
    'object:device'
    """
    if all(e.region == GLOBAL for e in edits):
        return edits
    said = _named(plain(text))
    here = {(e.region, e.attribute) for e in edits}
    out: dict[tuple[str, str], Edit] = {}
    for edit in edits:
        if not names(said, edit.region):
            thing = edit.region.startswith(OBJECT_PREFIX)
            for other in own.edits:
                same = (other.attribute, other.direction) == (edit.attribute, edit.direction)
                known = other.region in REGIONS and other.region != GLOBAL
                if same and (thing or known) and (other.region, other.attribute) not in here:
                    edit = edit.model_copy(update={"region": other.region})
                    here.add((other.region, other.attribute))
                    break
        out.setdefault((edit.region, edit.attribute), edit)
    return tuple(out.values())


def _named(text: str) -> frozenset[str]:
    """The regions that words of a plain text name, and the stems of all its words."""
    tokens = words(text)
    found = {sense.value for c in chunk(tokens, lexicon()) for sense in c.senses if sense.kind == "region"}
    return frozenset(found | {_stem(token) for token in tokens})


def names(said: frozenset[str], region: str) -> bool:
    """True where a text of which `said` is known names the region: by a word for it, or the thing by its noun."""
    if region in (GLOBAL, "shadows", "highlights") or region in said or PICKED.fullmatch(region):
        return True
    nouns = region.removeprefix(OBJECT_PREFIX).removesuffix(" areas").split()
    return region.startswith(OBJECT_PREFIX) and bool(nouns) and _stem(nouns[-1]) in said


def _stem(word: str) -> str:
    return word.lower().rstrip("s")
