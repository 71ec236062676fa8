"""Colours: casts of the whole picture, hues of a region, "light blue", "make the wall white"."""

from agent.plan import Word
from agent.planner.around import Around
from agent.planner.elements import GLOBAL, Element
from agent.planner.placing import Mention

#: Colours without a hue, as targets: "make the wall white".
_ACHROMATIC: dict[str, tuple[str, int, Word | None]] = {
    "white": ("whites", 1, None),
    "black": ("brightness", -1, "strong"),
    "gray": ("saturation", -1, "strong"),
    "grey": ("saturation", -1, "strong"),
}

#: "light blue", "bright red" on a region: the colour and this.
_SHADES = {
    "light": ("brightness", 1),
    "lighter": ("brightness", 1),
    "pale": ("saturation", -1),
    "dark": ("brightness", -1),
    "darker": ("brightness", -1),
    "bright": ("saturation", 1),
    "brighter": ("saturation", 1),
    "vivid": ("saturation", 1),
    "vibrant": ("saturation", 1),
    "deeper": ("saturation", 1),
    "rich": ("saturation", 1),
    "richer": ("saturation", 1),
}


def colour(at: Around, e: Element, position: int) -> Mention | None:
    """A colour as a cast or target; None where it only describes something ("the red car")."""
    c = e.chunk
    colour = c.sense("colour")
    assert colour is not None
    modifier, too, negated, be = (
        at.modifier(position),
        at.flag("too", position),
        at.flag("neg", position),
        at.complains(position),
    )
    after = at.after(position)
    comparative = c.text.endswith(("er", "est", "ish", "ness")) and c.text not in ("lavender", "amber")
    describes = after is not None and after.index == e.index + 1 and after.kind == "region"
    if describes and after is not None and after.region != GLOBAL and not comparative and not modifier:
        return None  # attributive: "the red car"
    if any(p.text == "from" for p in at.parts[max(0, e.index - 3) : e.index]) and any(
        p.text == "to" for p in at.parts[e.index + 1 :]
    ):
        return None
    if (
        after is not None
        and after.kind == "attr"
        and after.index == e.index + 1
        and (tone := after.chunk.attr("noun"))
        and tone.value == "saturation"
    ):
        return None  # "the red saturation": the noun says it
    if negated and at.make and any(x.kind == "attr" and x.chunk.sense("colour") for x in at.elements[:position]):
        return None  # "make it blue and not green"
    if at.changes_to(e.index + 1):
        return None  # "change the yellow parts to red": the first colour is what changes
    source = next(
        (
            x
            for x in at.elements[:position]
            if x.kind == "attr" and x.chunk.sense("colour") and at.changes_to(x.index + 1)
        ),
        None,
    )
    places = [x for x in at.elements if x.kind == "region" and x.region != GLOBAL]
    if source is not None and not places:
        area = [f"object:{source.chunk.sense('colour').value} areas"]  # type: ignore[union-attr]
        return Mention(f"colour:{colour.value}", 1, area, None, {c.start}, form="colour", text=c.text)
    cast = any(x.kind == "cast" for x in at.elements[position : position + 2])
    sign = 1
    if too or modifier < 0 or at.direction < 0 or (be and (comparative or cast) and not c.text.endswith("er")):
        sign = -1
    if negated:
        sign = -1 if not be else 1
    if "fix" in at.ops and not at.make and modifier <= 0:
        sign = -1
    if (
        sign > 0
        and any(p.text.startswith(("enhanc", "intensif", "accentuat")) for p in at.head_chunks)
        and not any(x.kind == "region" and x.region != GLOBAL for x in at.elements)
    ):
        return Mention("saturation", 1, [f"object:{colour.value} areas"], None, {c.start}, form="noun", text=c.text)
    content = [p for p in at.parts if not (p.is_joint or p.sense("the") or p.is_stop)]
    if not (at.ops or modifier or too or be or comparative or len(content) <= 4):
        return None
    return Mention(f"colour:{colour.value}", sign, [], None, {c.start}, form="colour", text=c.text)


def is_shade(at: Around, e: Element, position: int) -> bool:
    """True for "light" in "make it light blue"."""
    after = at.after(position)
    return (
        e.chunk.text in _SHADES
        and after is not None
        and after.index == e.index + 1
        and after.kind == "attr"
        and after.chunk.sense("colour") is not None
        and at.make
    )


def shade(at: Around, e: Element) -> Mention | None:
    """ "Light blue": on a region lightness comes with the colour; on the whole picture it is only the colour."""
    if not any(x.kind == "region" and x.region != GLOBAL for x in at.elements):
        return None
    attribute, sign = _SHADES[e.chunk.text]
    return Mention(attribute, sign, [], None, {e.chunk.start}, form="adj", text=e.chunk.text)


def achromatic(at: Around, e: Element, position: int) -> Mention | None:
    """ "Make the wall white": a target without a hue, on a region other than the background."""
    after = at.after(position)
    less = at.modifier(position) < 0 or at.direction < 0
    if less and e.chunk.text != "black" and not at.belongs_to_removed(position):
        attribute, sign = ("highlights", -1) if e.chunk.text == "white" else ("dehaze", 1)
        return Mention(attribute, sign, [], None, {e.chunk.start}, form="adj", text=e.chunk.text)
    if (
        not at.make
        or at.direction < 0
        or (after is not None and after.kind == "region" and (not after.preposition or after.index == e.index + 1))
    ):
        return None
    more = at.modifier(position) > 0
    places = [x.region for x in at.elements if x.kind == "region" and (more or x.region != "background")]
    attribute, sign, amount = _ACHROMATIC[e.chunk.text]
    gray = e.chunk.text in ("gray", "grey")
    if not any(p != GLOBAL for p in places):
        if gray and places:
            return Mention("black_and_white", 1, [], None, {e.chunk.start}, form="adj", text=e.chunk.text)
        return None
    if at.flag("neg", position) or at.flag("too", position):
        return None
    return Mention(attribute, sign, [], amount, {e.chunk.start}, form="adj", text=e.chunk.text)
