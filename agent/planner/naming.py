"""What a short text names beside the last edits: regions, attributes, and looks as (attribute, direction)."""

from typing import Final

from agent.planner.chunks import Chunk, chunk
from agent.planner.complaints import WORDS, Key
from agent.planner.lexicon import colour_axis, lexicon
from agent.planner.text import words

#: What lies inside what: an edit of the whole reaches the part.
_INSIDE: Final = {
    "person": frozenset(("face", "skin", "hair", "eyes", "teeth", "clothing")),
    "face": frozenset(("skin", "eyes", "teeth")),
    "subject": frozenset(("person", "face", "skin", "hair", "eyes", "teeth", "clothing", "animal", "food", "vehicle")),
    "background": frozenset(
        ("sky", "water", "vegetation", "ground", "building", "object:mountain", "object:mountains")
    ),
}

#: Words for a region only where an article or a preposition stands before them.
_PLACED: Final = frozenset(("back", "right", "left", "top", "bottom", "her", "him", "me"))

_AXES: Final[dict[str, Key]] = {
    "warm": ("temperature", 1),
    "cold": ("temperature", -1),
    "green": ("tint", -1),
    "magenta": ("tint", 1),
    "red": ("hue:red", 1),
}


def covers(region: str, part: str) -> bool:
    """True when an edit of `region` changes `part`.

    >>> covers("global", "sky"), covers("person", "face"), covers("sky", "water")
    (True, True, False)
    """
    return region in ("global", part) or part in _INSIDE.get(region, ())


def regions_in(text: str, present: tuple[str, ...] = ()) -> list[str]:
    """The regions that a plain text names, in reading order. `present`: those in the picture.

    >>> regions_in("the sky and her hair"), regions_in("all right, go back")
    (['sky', 'hair'], [])
    """
    out: list[str] = []
    chunks = chunk(words(text), lexicon())
    for i in range(len(chunks)):
        region = _region(chunks, i, present)
        if region and region not in out:
            out.append(region)
    return out


def regions_alone(text: str, present: tuple[str, ...] = ()) -> list[str]:
    """The regions of a text that says nothing else, or an empty list.

    >>> regions_alone("the sky and the water"), regions_alone("the water, brighter")
    (['sky', 'water'], [])
    """
    chunks = chunk(words(text), lexicon())
    out: list[str] = []
    for i, c in enumerate(chunks):
        if region := _region(chunks, i, present):
            out.append(region)
        elif not (
            c.is_joint or c.sense("the") or c.sense("at") or c.sense("of") or c.text in ("'s", "part", "area", "bit")
        ):
            return []
    return out


def _region(chunks: list[Chunk], i: int, present: tuple[str, ...]) -> str:
    c = chunks[i]
    region = ""
    if (s := c.sense("region")) and s.value != "global":
        region = s.value
    elif (s := c.sense("object")) or f"object:{c.text}" in present:
        region = f"object:{c.text}"
    if region == "object:mountain" and "object:mountains" in present:
        region = "object:mountains"
    if (c.text in _PLACED and not _placed(chunks, i)) or c.text in ("man", "dude", "back"):
        return ""
    return region


def _placed(chunks: list[Chunk], i: int) -> bool:
    before = chunks[i - 1] if i else None
    after = chunks[i + 1] if i + 1 < len(chunks) else None
    if chunks[i].text == "right" and after is not None and after.text in ("?", "now", ","):
        return False
    if before is None or not (before.sense("the") or before.sense("at") or before.text.endswith((" the", "the"))):
        return False
    return chunks[i].text not in ("her", "him", "me") or after is None or not after.sense("region")


def attributes_in(text: str) -> set[str]:
    """The attributes that a plain text names, whatever of them it says."""
    found = {key[0] for _, key in keys_in(text)}
    for c in chunk(words(text), lexicon()):
        if (s := c.attr()) and not (c.sense("region") and not c.attr("noun")):
            found.add(s.value)
        if c.text in ("colors", "colours", "color", "colour"):
            found |= {"saturation"}
        if c.text in ("grain",):
            found.add("denoise")
    return found


def keys_in(text: str) -> list[tuple[str, Key]]:
    """Words of a text that describe a look, as (word, (attribute, direction)).

    >>> keys_in("muddy and green")
    [('muddy', ('contrast', -1)), ('green', ('tint', -1))]
    """
    out: list[tuple[str, Key]] = []
    for c in chunk(words(text), lexicon()):
        if c.text in WORDS:
            out.append((c.text, WORDS[c.text]))
        elif (s := c.sense("colour")) and not c.sense("region"):
            out.append((c.text, _AXES[colour_axis(s.value)]))
        elif s := c.attr("adj", "fault", "over", "verb"):
            out.append((c.text, (s.value, s.sign)))
        elif (s := c.attr("noun")) and c.text not in ("shadows", "highlights"):
            out.append((c.text, (s.value, 1)))
    return out
