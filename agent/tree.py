"""Acts on the edit tree beyond undo: compare two versions, and take parts of some with the rest of another.

A merge is per region. Where a region's version and the rest's differ in a setting of something wider (the whole photo, the
background), the region gets the difference as a setting of its own, so that it looks as it did; where its version leaves
it as opened it is kept, bit for bit.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from agent.answer import capital, listed, place, points, wording
from agent.decide import NOTHING, PARTS, REVERSIBLE, SMALLEST, nearest, said, step, touched
from agent.history import History, Version, difference, merge
from agent.plan import Tree
from models.recipe import Recipe
from models.vocabulary import MAP_ATTRIBUTES, SPATIAL_REGIONS, TONAL_REGIONS, region_order, spoken

#: Measured differences below this are not worth a word.
WORTH_A_WORD = 0.02


@dataclass(frozen=True)
class Merged:
    """A merge: what the rest comes from, the recipe, what to say of it, and whether its parameters are all solved."""

    base: Version
    recipe: Recipe
    text: str
    notes: tuple[str, ...]
    solved: bool


def named(version: Version) -> str:
    """A version in a sentence."""
    return "the photo as opened" if version.number == 0 else f"version {version.number}"


def wider(region: str, *recipes: Recipe) -> list[str]:
    """The regions with settings that lie around `region`, the widest first.

    >>> wider("sky", Recipe().with_values("global", {"tint": 0.1}).with_values("face", {"tint": 0.1}))
    ['global']
    """
    names = {s.region for r in recipes for s in r.settings}
    around = (n for n in names if n != region and (n == "global" or region in PARTS.get(n, ())))
    return sorted(around, key=region_order)


def graft(base: Recipe, other: Recipe, regions: Collection[str]) -> tuple[Recipe, tuple[str, ...]]:
    """`base` in which `regions` look as in `other`; and what could not be carried over, in sentences.

    A value ends at ±1. Where a region would need more to make up for what lies around it, it gets as near as that, and a note.

    >>> bright = Recipe().with_values("global", {"brightness": 0.2})
    >>> graft(Recipe(), bright, ["sky"])[0].values("sky")
    {'brightness': 0.2}
    >>> graft(bright, Recipe(), ["sky"])[0].keep
    ('sky',)
    """
    taken = {part for region in regions for part in (region, *PARTS.get(region, ()))}
    out = merge(base, other, tuple(taken))
    notes: list[str] = []
    for region in sorted(regions, key=region_order):
        if region in other.keep:
            continue
        if not touched(other, region):
            out = out.but(keep=(*out.keep, region))
            continue
        # Added up first: a limit that is met on the way is none.
        beside: dict[str, float] = {}
        for wide in wider(region, base, other):
            if wide in taken:
                continue
            before, after = base.values(wide), other.values(wide)
            for name in {**before, **after}:
                change = after.get(name, 0.0) - before.get(name, 0.0)
                if abs(change) < NOTHING:
                    continue
                if name in REVERSIBLE:
                    beside[name] = beside.get(name, 0.0) + change
                else:
                    notes.append(f"The {name.replace('_', ' ')} belongs to {place(wide)}, so it stays with the rest.")
        for name, change in beside.items():
            goal = out.values(region).get(name, 0.0) + change
            out, got = step(out, region, name, change)
            if abs(goal - got) > NOTHING:
                notes.append(f"{said(name, region)} is at its limit, and comes as near as that allows.")
        if base.look != other.look:
            notes.append(f"The automatic look is one for the whole photo; {place(region)} has that of the rest.")
    return out, tuple(dict.fromkeys(notes))


def solved(recipe: Recipe) -> bool:
    """True when every setting has the develop parameters of its values, so that nothing is left to solve."""
    return all({n for n in s.values if n in MAP_ATTRIBUTES} <= s.solved.keys() for s in recipe.settings)


def merged(history: History, thread: str, tree: Tree, there: Collection[str]) -> Merged:
    """Carry out a merge on paper. `there`: regions that are in the photo. Raises `ConversationError` for no such version."""
    base = history.version(thread, tree.versions[0])
    recipe, notes, parts = base.recipe, [], []
    for part in tree.parts:
        source = history.version(thread, part.version)
        regions = [r for r in part.regions if r in there]
        for region in part.regions:
            if region not in there:
                near = place(nearest(region, there))
                absent = place(region).replace("the ", "any ", 1)
                notes.append(f"I can't find {absent} in this photo; the nearest is {near}.")
        if regions:
            recipe, more = graft(recipe, source.recipe, regions)
            notes += more
            parts.append(f"{listed(place(r) for r in regions)} as in {named(source)}")
    text = f"{capital(', '.join(parts))}, the rest as in {named(base)}." if parts else ""
    return Merged(base, recipe, text, tuple(dict.fromkeys(notes)), solved(recipe))


def regions_there(regions: Iterable[tuple[str, float]], found: Collection[str] = ()) -> set[str]:
    """Everything that can be named in a photo with these (region, area) and objects that were `found`."""
    return {"global", *SPATIAL_REGIONS, *TONAL_REGIONS, *found, *(n for n, area in regions if area >= SMALLEST)}


def which(one: Version, two: Version, limit: int = 5) -> tuple[str, tuple[str, ...]]:
    """The question after "merge 2 and 4", with its answers to click."""
    regions = [r for r in difference(one.recipe, two.recipe) if r != "global"][:limit]
    rest = "the original" if two.number == 0 else f"version {two.number}"
    source = "the original" if one.number == 0 else f"version {one.number}"
    options = tuple(f"keep the {spoken(r)} of {source} and the rest of {rest}" for r in regions)
    if not options:
        return f"{capital(named(one))} and {named(two)} differ in no single part; say which part you want of which.", ()
    return f"Which part should come from {named(one)}?", options


def compared(one: Version, two: Version) -> str:
    """What changes from one version to another: the settings, then what is measured on the whole photo."""
    if one.recipe == two.recipe:
        return f"{capital(named(one))} and {named(two)} are the same."
    by_region = difference(one.recipe, two.recipe)
    looks = by_region.get("global", {}).pop("look", None)
    parts = []
    for region, steps in by_region.items():
        if steps:
            texts = [f"{wording(n, v)} ({points(v)})" for n, v in steps.items()]
            parts.append(f"{place(region)} {'are' if region == 'person' else 'is'} {listed(texts)}")
    if looks is not None:
        before, after = one.recipe.look, two.recipe.look
        if not before or not after:
            parts.append(f"the automatic look is {'added' if after else 'gone'}")
        else:
            weaker = f"{abs(looks):.0%}".replace("%", " %")
            parts.append(
                f"the look is {weaker} {'stronger' if looks > 0 else 'weaker'}" if looks else "the look is another"
            )
    for names, way in ((set(two.recipe.keep) - set(one.recipe.keep), "kept as opened"),
                       (set(one.recipe.keep) - set(two.recipe.keep), "no longer kept as opened")):  # fmt: skip
        if names:
            parts.append(f"{listed(place(n) for n in sorted(names, key=region_order))} {way}")
    text = f"From {named(one)} to {named(two)}: {'; '.join(parts)}."
    moved = measured(one, two)
    largest = sorted(moved.items(), key=lambda nv: -abs(nv[1]))[:3]
    if largest:
        text += f" Measured, the whole photo is {listed(f'{wording(n, v)} ({points(v)})' for n, v in largest)}."
    return text


def measured(one: Version, two: Version) -> dict[str, float]:
    """Measured difference of the whole photo between two versions, in values; what is too small to see left out."""
    before, after = (v.facts.get("changes", {}).get("global", {}) for v in (one, two))
    moved = {n: round(after.get(n, 0.0) - before.get(n, 0.0), 4) for n in MAP_ATTRIBUTES}
    return {n: v for n, v in moved.items() if abs(v) >= WORTH_A_WORD}
