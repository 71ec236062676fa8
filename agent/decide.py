"""From what was asked to what will be done: Plan, current Recipe, taste and Scene in, Recipe out.

Pure and deterministic: the same arguments give the same decision, and nothing here looks at pixels, clocks or files.
The rules, in the order in which they are applied:

1. An edit on a region that is not in the photo is not done; the nearest region that is there is named instead.
2. An edit that the region cannot show (brighten what is white, desaturate what is grey) is not done, and said.
3. Amounts become values (`agent.amounts`) and add to those of the current version, within [-1, 1].
4. A weak request frees the look: the automatic one, moved by the person's taste; so does a plan that leaves the rest
   `free` beside its edits. A strong one never adds a look, so that what lies outside the asked regions is not touched at
   all. A style says some of the look; what it leaves open, and nobody has set before, follows the taste.
5. Protected regions come out as they are now: kept exactly where nothing has touched them yet, and shielded from this
   turn's edits by the opposite change where something has.
6. Colours that somebody tells of a photo without, or that a reference lends it, are hints (`agent.hints`), no edits.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from agent.amounts import size
from agent.hints import told
from agent.plan import Amount, Edit, Plan
from models.attributes import lab
from models.recipe import Hint, Look, Recipe
from models.vocabulary import (
    MAP_ATTRIBUTES,
    MIXER_ATTRIBUTES,
    MIXER_HUES,
    SPATIAL_REGIONS,
    TONAL_REGIONS,
    region_order,
    spoken,
)

if TYPE_CHECKING:
    from tools.perceive import Scene

#: region → attribute → value
Values = Mapping[str, Mapping[str, float]]

#: Changes below this cannot be seen; they are dropped rather than kept as noise.
NOTHING: Final = 0.005
#: A learned difference of a region from the whole that is worth a setting of its own.
WORTH_A_SETTING: Final = 0.04
#: Smallest share of the frame at which a region counts as there.
SMALLEST: Final = 0.0005

#: What cannot go below zero, and what a person means who asks for less of it than there is.
ONE_SIDED: Final[Mapping[str, str | None]] = {
    "black_and_white": "saturation", "blur": "sharpness", "bokeh": "sharpness", "tilt_shift": "sharpness", "grain": "denoise",
    "denoise": "grain", "deblock": "grain", "deblur": "blur", "colourise": "black_and_white", "low_light": None,
}  # fmt: skip

#: Attributes whose effect the opposite value takes back.
REVERSIBLE: Final = (*MAP_ATTRIBUTES, *MIXER_ATTRIBUTES, "whites", "blacks")

#: Where to look next when a region is not in the photo; what has no entry falls back to the subject.
NEAREST: Final = {
    "face": ("person", "animal"), "skin": ("face", "person"), "eyes": ("face", "person"), "teeth": ("face", "person"),
    "hair": ("person", "face"), "clothing": ("person",), "person": ("subject",), "sky": ("background", "top"),
    "mountain": ("background", "ground"), "water": ("ground", "bottom"), "ground": ("foreground", "bottom"),
    "vegetation": ("ground", "background"), "building": ("background",), "foreground": ("bottom",),
    "background": ("edges",),
}  # fmt: skip

#: Regions for which a learned taste may have settings of their own, and the wider ones that already carry part of it, the
#: nearest first. Wider and looser ones (subject, foreground, left …) would say the same thing about the same pixels again.
TASTED: Final = {
    **dict.fromkeys(("sky", "water", "vegetation", "ground", "mountain", "building"), ("background", "global")),
    **dict.fromkeys(("background", "person", "animal", "vehicle", "food"), ("global",)),
    **dict.fromkeys(("hair", "clothing", "skin"), ("person", "global")), "face": ("skin", "person", "global"),
}  # fmt: skip

#: What lies inside what, for protection.
PARTS: Final = {
    "person": ("face", "skin", "hair", "eyes", "teeth", "clothing"),
    "face": ("skin", "eyes", "teeth"),
    "subject": ("person", "face", "skin", "hair", "eyes", "teeth", "clothing", "animal", "food", "vehicle"),
    "background": ("sky", "water", "vegetation", "ground", "mountain", "building"),
    "foreground": ("ground", "water", "vegetation"),
}


class Asked(BaseModel):
    """One change of this turn: how much was wanted on top of the current version, and the value it comes to."""

    model_config = ConfigDict(frozen=True)

    region: str
    attribute: str
    wanted: float
    value: float


class Taste(BaseModel):
    """What memory expects of this person on this scene. Identity: no values."""

    model_config = ConfigDict(frozen=True)

    values: dict[str, dict[str, float]] = {}
    """Region → attribute → deviation from the neutral look."""
    style: tuple[float, ...] = ()
    sentence: str = ""
    names: tuple[str, ...] = ()
    """The remembered photos, in words."""
    records: tuple[str, ...] = ()
    """Ids of the remembered photos, the weightiest first."""
    whose: str = ""
    """Whose taste it is when it is borrowed; empty: the person's own."""
    learning: bool = False
    """True when too few of the photos that were liked are of this kind."""
    likes: int = 0
    """How many liked photos of this kind it rests on."""
    others: int = 0
    """How many liked photos are of other kinds."""

    @property
    def known(self) -> bool:
        """True when there is something to go by."""
        return bool(self.values)


class Decision(BaseModel):
    """The recipe to render and what the answer has to say about it."""

    model_config = ConfigDict(frozen=True)

    recipe: Recipe
    asked: tuple[Asked, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    """Regions that are not in the photo, with the nearest that is."""
    notes: tuple[str, ...] = ()
    """Why an edit was not or not wholly done, one sentence each."""
    protected: tuple[str, ...] = ()
    look: bool = False
    """True when this turn freed the look."""
    taste: bool = False
    """True when the look follows the person's taste."""
    given: dict[str, dict[str, float]] = {}
    """The values in the recipe that the taste gave, not the person."""
    lead: str = ""
    """What the answer begins with, of a merge or of another try."""
    solved: bool = False
    """True when the recipe's develop parameters are meant as they are."""
    merged: bool = False
    """True when the recipe is put together from versions."""
    instead_of: int | None = None
    """The disliked version that this is another try of."""
    share: float | None = None
    """In what strength a step is shown, 0..2 of how it was made, when that is all that was asked."""
    step: int = 0
    """The version that made that step."""
    likeness: str = ""
    """Whose look was carried over: the reference's or a named one, as a sentence calls it."""
    lender: str = ""
    """Whose colours a photo that is colourised was to get: as `likeness`, whose look is then not carried over."""
    lent: tuple[str, ...] = ()
    """The regions that got them."""
    told: tuple[str, ...] = ()
    """Regions that got the colour which the person says they had."""
    samples: int = 0
    """Samples that the critic chose from."""


def decide(
    plan: Plan,
    base: Recipe,
    scene: "Scene",
    taste: Taste | None = None,
    found: Collection[str] = (),
    seed: int = 0,
    given: Values | None = None,
    likeness: Recipe | None = None,
    lent: Sequence[Hint] = (),
) -> Decision:
    """Turn a plan into a recipe.

    `base`: the recipe of the current version, of which an earlier taste gave `given`; `found`: `object:<noun>` regions that
    can be found in this photo; `seed`: of a look that this turn frees; `likeness`: the recipe that carries a reference over;
    `lent`: the colours that a reference lends to a photo which is colourised.
    Values of the result lie in [-1, 1]; a plan without edits gives `base`.
    """
    here = {r.name: r.attributes for r in scene.regions if r.area >= SMALLEST}
    there = {"global", *SPATIAL_REGIONS, *TONAL_REGIONS, *here, *found}
    recipe, missing, notes = base, [], []

    alike = likeness is not None
    freed = plan.kind == "weak" or plan.command == "use_my_style" or plan.free
    styled = plan.kind == "style" and not freed and not alike and any(e.region == "global" for e in plan.edits)
    learned = taste if taste and taste.known and plan.command != "ignore_my_style" else None
    if likeness is not None:
        recipe, given = alike_to(recipe, given or {}, likeness)
        learned = None
    elif freed:
        recipe, given = free_look(recipe, given or {}, learned, there, seed)
    elif styled and learned and not learned.learning and not given:
        recipe, given = filled(recipe, learned, there, {mixer(e.attribute) or e.attribute for e in plan.edits})
        learned = learned if given else None
    else:
        learned = None

    wanted: dict[tuple[str, str], float] = {}
    for edit in plan.edits:
        if edit.region not in there:
            missing.append((edit.region, nearest(edit.region, there)))
            continue
        attribute = mixer(edit.attribute)
        if attribute is None:
            word = edit.attribute.removeprefix("hue:").capitalize()
            notes.append(f"{word} is no colour that I can turn up or down.")
            continue
        if attribute == "blur" and edit.region == "background":
            attribute = "bokeh"  # what is behind is blurred as a lens does it
        if reason := cannot_show(edit, here.get(edit.region, {})):
            notes.append(reason)
            continue
        now = recipe.values(edit.region).get(attribute, 0.0) + wanted.get((edit.region, attribute), 0.0)
        change = size(edit, here.get(edit.region, {}).get("brightness", 50.0))
        if isinstance(edit.amount, Amount) and edit.amount.absolute:
            change -= now
        attribute, change = one_sided(attribute, now, change)
        wanted[edit.region, attribute] = wanted.get((edit.region, attribute), 0.0) + change

    for region in {region for region, _ in wanted} & set(recipe.keep):
        recipe = release(recipe, region)
    asked = []
    for (region, attribute), change in wanted.items():
        recipe, value = step(recipe, region, attribute, change)
        if attribute == "colourise" and change > 0 and value == base.values(region).get(attribute, 0.0):
            continue  # it is in colour already; which colours may still be another matter
        asked.append(Asked(region=region, attribute=attribute, wanted=round(change, 4), value=value))
        if abs(change) >= NOTHING and value == base.values(region).get(attribute, 0.0):
            notes.append(f"{said(attribute, region)} is already at its limit.")

    # What a person says outranks what a picture shows. Both come last: only now is it known where colours are to go.
    lent = tuple(
        h for h in lent if any(covers(s.region, h.region) for s in recipe.settings if s.values.get("colourise"))
    )
    shown = recipe.with_hints(*lent)
    recipe, unknown = told(shown, [(h.region, h.colour) for h in plan.hints], there)
    notes += unknown
    if recipe.values("global").get("colourise") != shown.values("global").get("colourise"):
        asked.append(Asked(region="global", attribute="colourise", wanted=1.0, value=1.0))

    protected = tuple(name for name in plan.protect if name in there)
    missing += [(name, "") for name in plan.protect if name not in there]
    for name in protected:
        if unshielded(recipe, base, name):
            notes.append(f"I could not hold the {name} quite still: an earlier step had already changed it.")
        recipe = protect(recipe, base, name)
    return Decision(
        recipe=recipe,
        asked=tuple(asked),
        missing=tuple(dict.fromkeys(missing)),
        notes=tuple(dict.fromkeys(notes)),
        protected=protected,
        look=freed or alike,
        taste=learned is not None,
        given={region: dict(values) for region, values in (given or {}).items()},
        lent=tuple(h.region for h in lent if h in recipe.hints) if recipe != base else (),
        told=tuple(h.region for h in recipe.hints if h not in shown.hints),
    )


def step(recipe: Recipe, region: str, attribute: str, change: float) -> tuple[Recipe, float]:
    """Add `change` to a value, within [-1, 1]; returns the recipe and the new value.

    >>> step(Recipe().with_values("sky", {"tint": 0.9}), "sky", "tint", 0.3)[1]
    1.0
    """
    values = recipe.values(region)
    value = round(min(max(values.get(attribute, 0.0) + change, -1.0), 1.0), 4)
    value = 0.0 if abs(value) < NOTHING else value
    # Solved parameters belong to the values they were solved for.
    return recipe.with_values(region, {**values, attribute: value}), value


def free_look(
    recipe: Recipe, given: Values, taste: Taste | None, there: Collection[str], seed: int
) -> tuple[Recipe, Values]:
    """`recipe` with the automatic look, moved by a taste where there is one; and the values that the taste gave.

    A taste is a deviation from the neutral look, so it becomes settings on top of that look: of the whole, and of a region
    what it wants beyond the whole. What an earlier look was `given` is taken back first, so that nothing adds up.
    """
    freed = recipe.but(look=Look(style=taste.style if taste else ()).with_seed(seed))
    for region, values in given.items():
        for name, value in values.items():
            freed = step(freed, region, name, -value)[0]
    now: dict[str, dict[str, float]] = {}
    wanted = {r: v for r, v in (taste.values if taste else {}).items() if r in there and (r == "global" or r in TASTED)}
    for region in sorted(wanted, key=region_order):
        around: Mapping[str, float] = next((wanted[r] for r in TASTED.get(region, ()) if r in wanted), {})
        for name, value in wanted[region].items():
            beyond = value - around.get(name, 0.0) if name in MAP_ATTRIBUTES else value
            if abs(beyond) >= (NOTHING if region == "global" else WORTH_A_SETTING):
                before = freed.values(region).get(name, 0.0)
                freed, after = step(freed, region, name, beyond)
                now.setdefault(region, {})[name] = round(after - before, 4)
    return freed, now


def alike_to(recipe: Recipe, given: Values, likeness: Recipe) -> tuple[Recipe, Values]:
    """`recipe` with a reference's values instead of what an earlier look, taste or reference had `given`; and those values."""
    made = recipe.but(look=likeness.look)
    for region, values in given.items():
        for name, value in values.items():
            made = step(made, region, name, -value)[0]
    now: dict[str, dict[str, float]] = {}
    for setting in likeness.settings:
        for name, value in setting.values.items():
            before = made.values(setting.region).get(name, 0.0)
            made, after = step(made, setting.region, name, value)
            now.setdefault(setting.region, {})[name] = round(after - before, 4)
    return made, now


def filled(recipe: Recipe, taste: Taste, there: Collection[str], said: Collection[str]) -> tuple[Recipe, Values]:
    """`recipe` with what the taste wants of attributes that are neither `said` by a style nor set already."""
    taken = {*said, *(n for s in recipe.settings for n in s.values)}
    if "black_and_white" in taken:
        taken |= {"temperature", "tint", "saturation"}
    open_ = {r: v for r, of in taste.values.items() if (v := {n: x for n, x in of.items() if n not in taken})}
    found, now = free_look(recipe, {}, taste.model_copy(update={"values": open_}), there, 0)
    return found.but(keep=recipe.keep, look=recipe.look), now


def nearest(region: str, there: Collection[str]) -> str:
    """The region that is there and comes closest to one that is not.

    >>> nearest("teeth", {"global", "person", "center"}), nearest("object:kite", {"global", "center"})
    ('person', 'center')
    """
    close = NEAREST.get(region, ())
    wider = tuple(name for c in close for name in NEAREST.get(c, ()))
    return next((name for name in (*close, *wider, "subject", "center") if name in there), "global")


def mixer(attribute: str) -> str | None:
    """`hue:<any colour word>` as one of the mixer's eight, by hue; None for a colour without hue or an unknown word.

    >>> mixer("hue:pink"), mixer("hue:brown"), mixer("hue:cyan"), mixer("hue:grey"), mixer("tint")
    ('hue:magenta', 'hue:orange', 'hue:teal', None, 'tint')
    """
    if not attribute.startswith("hue:") or attribute in MIXER_ATTRIBUTES:
        return attribute
    from PIL import ImageColor

    word = attribute.removeprefix("hue:")
    # Hue alone would call these red: pink by its name's common use, brown because it is dark orange.
    if word in ("pink", "brown"):
        return {"pink": "hue:magenta", "brown": "hue:orange"}[word]
    try:
        rgb = np.array(ImageColor.getrgb(word)[:3], np.float32)[None, None] / np.float32(255)
    except ValueError:
        return None
    _, a, b = (float(x) for x in lab(rgb)[0, 0])
    if np.hypot(a, b) < 12:
        return None
    hue = np.degrees(np.arctan2(b, a)) % 360
    return f"hue:{min(MIXER_HUES, key=lambda name: abs((MIXER_HUES[name] - hue + 180) % 360 - 180))}"


def cannot_show(edit: Edit, reading: Mapping[str, float]) -> str:
    """Why the frame cannot show an edit on a region with these measured attributes; empty when it can."""
    level = reading.get("brightness")
    if level is None:
        return ""
    chroma = reading.get("saturation", 0.0) * level / 100
    name = f"the {spoken(edit.region)}"
    if edit.attribute == "brightness" and edit.direction > 0 and level > 96:
        return f"{name.capitalize()} is already as good as white; brightening it would only lose detail."
    if edit.attribute == "brightness" and edit.direction < 0 and level < 3:
        return f"{name.capitalize()} is already as good as black."
    if edit.attribute == "saturation" and chroma < 1.5:
        return f"There is no colour in {name} to {'strengthen' if edit.direction > 0 else 'take away'}."
    return ""


def one_sided(attribute: str, now: float, change: float) -> tuple[str, float]:
    """What less of something that cannot go below zero means: less of what is there, else more of its opposite.

    >>> one_sided("blur", 0.0, -0.3), one_sided("blur", 0.5, -0.3), one_sided("blur", 0.1, -0.3)
    (('sharpness', 0.3), ('blur', -0.3), ('blur', -0.1))
    """
    if attribute not in ONE_SIDED or change >= 0 or now + change >= 0:
        return attribute, change
    instead = ONE_SIDED[attribute]
    return (attribute, -now) if now > NOTHING or instead is None else (instead, min(-change, 0.55))


def covers(region: str, part: str) -> bool:
    """True when `region` may lie over `part` of the photo.

    >>> covers("global", "sky"), covers("person", "skin"), covers("sky", "person"), covers("object:hat", "hair")
    (True, True, False, True)
    """
    if region == part or region == "global" or part == "global" or region.startswith("object:"):
        return True
    loose = (*SPATIAL_REGIONS, *TONAL_REGIONS)
    if region in loose or part in loose or part.startswith("object:"):
        return True
    return part in PARTS.get(region, ()) or region in PARTS.get(part, ())


def touched(recipe: Recipe, region: str) -> bool:
    """True when `recipe` changes something in `region`."""
    if region in recipe.keep:
        return False
    looked = recipe.look is not None and recipe.look.strength > 0
    return looked or any(covers(s.region, region) for s in recipe.settings)


def protect(recipe: Recipe, base: Recipe, region: str) -> Recipe:
    """`recipe` in which `region` comes out as in `base`: kept where `base` leaves it alone, else shielded."""
    if not touched(base, region):
        return recipe.but(keep=(*recipe.keep, region))
    for wide in sorted({s.region for r in (base, recipe) for s in r.settings}, key=region_order):
        # Over a wider region the opposite change on this one cancels; an edit on a part of it is taken as meant.
        if wide != region and (wide == "global" or region in PARTS.get(wide, ())):
            before, after = base.values(wide), recipe.values(wide)
            for name in REVERSIBLE:
                change = after.get(name, 0.0) - before.get(name, 0.0)
                if abs(change) >= NOTHING:
                    recipe = step(recipe, region, name, -change)[0]
    return recipe


def unshielded(recipe: Recipe, base: Recipe, region: str) -> bool:
    """True when `protect` cannot hold a region that `base` has touched: a new look, or a change without an opposite."""
    if not touched(base, region):
        return False
    wide = [s for s in recipe.settings if s.region == "global" or region in PARTS.get(s.region, ())]
    changed = {n for s in wide for n, v in s.values.items() if v != base.values(s.region).get(n, 0.0)}
    return recipe.look != base.look or not changed <= set(REVERSIBLE)


def release(recipe: Recipe, region: str) -> Recipe:
    """`recipe` in which `region` is no longer kept but, so far, still looks as it did."""
    freed = recipe.but(keep=tuple(r for r in recipe.keep if r != region))
    for setting in recipe.settings:
        if setting.region == "global":
            for name in REVERSIBLE:
                if abs(value := setting.values.get(name, 0.0)) >= NOTHING:
                    freed = step(freed, region, name, -value)[0]
    return freed


def said(attribute: str, region: str) -> str:
    """An attribute of a region in words, as the beginning of a sentence.

    >>> said("brightness", "sky"), said("hue:blue", "global")
    ('The brightness of the sky', 'The blue of the photo')
    """
    what = attribute.removeprefix("hue:").replace("_", " and " if attribute == "black_and_white" else " ")
    return f"The {what} of the {spoken(region)}"
