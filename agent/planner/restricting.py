"""Where the last edits should have been: "I meant the water", "everywhere except the sky", "just the top", "on everything"."""

import re
from typing import Final

from agent.plan import Edit
from agent.planner.lexicon import patterns
from agent.planner.naming import attributes_in, covers, regions_alone, regions_in
from agent.planner.portions import inverse

_SAYS: Final = patterns("followup")

#: Where an attribute is named and more is said of it.
_BESIDE: Final = re.compile(r"\b(?:less|more|much|was|is|are|did|or|bit|little|touch|too|enough|make|add)\b|\d")

#: What was done, without a name.
_DONE: Final = re.compile(r"(?:it|that|this|them|those)\b|the (?:effect|edit|change|rest)")

#: Edits to make on top of the last ones, and the regions that keep what they have.
Placed = tuple[list[Edit], tuple[str, ...]]


def meant(text: str, last: tuple[Edit, ...], present: tuple[str, ...], *, own: bool) -> list[Edit]:
    """The edits that move the last ones to where they were meant to be; none where the text says nothing of the kind.

    >>> edits = meant("i meant the water not the sky", (Edit(region="sky", attribute="contrast"),), (), own=False)
    >>> [(e.region, e.direction) for e in edits]
    [('sky', -1), ('water', 1)]
    """
    says = next(
        (
            m
            for name in ("meant_not", "not_but", "this_not", "swapped", "wrong_place")
            if (m := _found(name, text, own))
        ),
        None,
    )
    if says is not None:
        wanted = regions_in(says["a"], present)
        wrong = regions_in(says.groupdict().get("b") or "", present)
    elif not own and (says := _SAYS["elsewhere"].search(text)):
        wanted, wrong = regions_alone(next(said for said in says.groups() if said), present), []
        if all(any(e.region == region for e in last) for region in wanted):
            return []
    else:
        return []
    old = [e for e in last if e.region in wrong] or [e for e in last if e.region not in wanted]
    if not wanted or not old:
        return []
    return [*(inverse(e) for e in old), *(e.model_copy(update={"region": r}) for r in wanted for e in old)]


def _found(name: str, text: str, own: bool) -> re.Match[str] | None:
    says = None if own and name in ("not_but", "this_not") else _SAYS[name].search(text)
    # "The snow should not be yellow" names no two places.
    return None if says and name == "this_not" and not (regions_alone(says["a"]) and regions_alone(says["b"])) else says


def _place(text: str) -> str:
    """A text without what says nothing of the place: "no, apply it ..."."""
    return _SAYS["opening"].sub("", text, count=1)


def spread(text: str, last: tuple[Edit, ...]) -> list[Edit]:
    """The last edits on the whole photo: "on everything", "not just the sky, the whole picture"."""
    if not _SAYS["everywhere"].search(_place(text)) or all(e.region == "global" for e in last):
        return []
    return [e.model_copy(update={"region": "global"}) for e in last]


def spared(text: str, last: tuple[Edit, ...], present: tuple[str, ...]) -> Placed | None:
    """The last edits taken back in a region that they should have spared: "but not the clouds", "leave the sky out of it".

    >>> edits, kept = spared("everywhere except the sky", (Edit(attribute="contrast"),), ())
    >>> [(e.region, e.direction) for e in edits], kept
    ([('sky', -1)], ())
    >>> edits, kept = spared("everywhere except the sky", (Edit(region="water", attribute="contrast"),), ())
    >>> [(e.region, e.direction) for e in edits], kept
    ([('global', 1)], ('sky',))
    """
    says = _SAYS["spared"].search(_place(text))
    if says is None:
        return None
    what = says["k"] or says["out"] or says["gone"]
    if named := _attributes(what, last):
        return [inverse(e) for e in named], ()
    regions = regions_alone(what, present)
    back = [inverse(e).model_copy(update={"region": r}) for r in regions for e in last if covers(e.region, r)]
    if back:
        return back, ()
    if regions and says["all"]:
        return [e.model_copy(update={"region": "global"}) for e in last], tuple(regions)
    return None


def only(text: str, last: tuple[Edit, ...], present: tuple[str, ...]) -> Placed | None:
    """The last edits taken back everywhere but in the regions named, or but for the attributes named: "just the top"."""
    says = _SAYS["only_there"].search(_place(text))
    what = next((said for said in says.groups() if said), "") if says else ""
    if named := _attributes(what, last):
        return [inverse(e) for e in last if e not in named], ()
    regions = regions_alone(what, present)
    if not regions:
        return None
    outside = [e for e in last if e.region not in regions]
    if not outside:
        return None
    moved = [e for e in outside if not any(covers(e.region, r) for r in regions)] if len(outside) == len(last) else []
    there = [e.model_copy(update={"region": r}) for r in regions for e in moved]
    return [*(inverse(e) for e in outside), *there], () if there else tuple(regions)


def returned(text: str, last: tuple[Edit, ...], present: tuple[str, ...]) -> list[Edit]:
    """The last edits taken back in a region that they reach as a part: "put the sky back", "undo it on the face".

    >>> [e.region for e in returned("put the sky back", (Edit(attribute="contrast"),), ())]
    ['sky']
    """
    says = _SAYS["returned"].search(text)
    if says is None:
        return []
    regions = regions_alone(next(said for name, said in says.groupdict().items() if said and name != "it"), present)
    what = says["it"] or "it"
    meant = _attributes(what, last) or list(last)
    if not _DONE.match(what) and not any(e.attribute.split(":")[0] in attributes_in(what) for e in meant):
        return []  # "undo the damage from the sun"
    out: list[Edit] = []
    for region in regions:
        there = [e for e in meant if e.region == region] or [e for e in meant if covers(e.region, region)]
        out += [inverse(e).model_copy(update={"region": region}) for e in there]
    return out


def _attributes(text: str, last: tuple[Edit, ...]) -> list[Edit]:
    """Those of several last edits whose attribute a text names, where it names no region; an empty list for all of them."""
    if len(last) < 2 or len(text.split()) > 5 or _BESIDE.search(text) or regions_in(text):
        return []
    attributes = attributes_in(text)
    named = [e for e in last if e.attribute.split(":")[0] in attributes]
    return named if len(named) < len(last) else []
