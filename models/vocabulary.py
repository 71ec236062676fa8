"""The closed vocabulary that plans, recipes, scenes and preferences share: regions, attributes, colours.

Attribute values live in [-1, 1] and 0 is *unchanged*; people see -100..100. What a value means as a measured change is
defined in `models.attributes`.
"""

import re
from typing import Final

#: Attributes of the parameter map, in the canonical order in which `develop` applies them.
MAP_ATTRIBUTES: Final = ("brightness", "contrast", "highlights", "shadows", "temperature", "tint", "saturation")

#: The eight colours of the mixer and their centre hue in CIELAB degrees. Names of `hue:<colour>` attributes.
MIXER_HUES: Final = {
    "red": 30.0, "orange": 60.0, "yellow": 95.0, "green": 140.0, "teal": 200.0, "blue": 270.0, "purple": 310.0,
    "magenta": 345.0,
}  # fmt: skip

MIXER_ATTRIBUTES: Final = tuple(f"hue:{colour}" for colour in MIXER_HUES)

#: What repairs a photo, in the canonical order in which it is applied: before everything else, on the photo as opened.
RESTORE_ATTRIBUTES: Final = ("denoise", "deblock", "deblur", "dehaze", "low_light", "colourise")

#: Attributes of a recipe that come after those of the map, in the canonical order in which they are applied.
FINISH_ATTRIBUTES: Final = (
    "whites", "blacks", *MIXER_ATTRIBUTES, "black_and_white", "clarity", "sharpness", "blur", "bokeh", "tilt_shift",
    "vignette", "grain",
)  # fmt: skip

#: Everything a recipe may set.
ATTRIBUTES: Final = MAP_ATTRIBUTES + FINISH_ATTRIBUTES + RESTORE_ATTRIBUTES

#: Regions found by meaning.
SEMANTIC_REGIONS: Final = (
    "sky", "water", "vegetation", "ground", "mountain", "building", "person", "face", "skin", "hair", "eyes", "teeth",
    "clothing", "animal", "vehicle", "food", "subject", "background", "foreground",
)  # fmt: skip

#: Regions found by tone or place; present in every photo.
TONAL_REGIONS: Final = ("shadows", "highlights")
SPATIAL_REGIONS: Final = ("left", "right", "top", "bottom", "center", "edges")

#: Canonical order of regions: wide before narrow, so that the narrow one has the last word.
REGIONS: Final = ("global", *SPATIAL_REGIONS, *TONAL_REGIONS, *SEMANTIC_REGIONS)

#: Prefix of an open-vocabulary region, as in `object:flower`.
OBJECT_PREFIX: Final = "object:"

_NUMBER = r"(?:1000|\d{1,3})"
_PAIR = rf"{_NUMBER},{_NUMBER}"
#: Regions that a person points at (`models.pick`): a click, a box, a painted stroke, in thousandths of the photo.
PICKED: Final = re.compile(rf"point:{_PAIR}|box:{_PAIR},{_PAIR}|stroke:{_NUMBER};{_PAIR}(?:;{_PAIR}){{0,63}}")


def is_region(name: str) -> bool:
    """True for a region of the vocabulary, for one pointed at, and for `object:<noun>` with a plain noun.

    >>> is_region("sky"), is_region("object:red areas"), is_region("object:../etc"), is_region("moon")
    (True, True, False, False)
    """
    if name in REGIONS or PICKED.fullmatch(name):
        return True
    noun = name.removeprefix(OBJECT_PREFIX)
    return name.startswith(OBJECT_PREFIX) and 0 < len(noun) <= 40 and all(c.isalpha() or c in " '-" for c in noun)


def sought(name: str) -> bool:
    """True for a region that is looked for when it is spoken of: a thing by its noun, or a place pointed at."""
    return name.startswith(OBJECT_PREFIX) or PICKED.fullmatch(name) is not None


def region_order(name: str) -> tuple[int, str]:
    """Sort key that puts regions in canonical order; objects last, by name.

    >>> sorted(["object:rose", "sky", "global"], key=region_order)
    ['global', 'sky', 'object:rose']
    """
    return (REGIONS.index(name) if name in REGIONS else len(REGIONS), name)


def spoken(region: str) -> str:
    """How a region is called in a sentence, without an article.

    >>> spoken("object:red car"), spoken("point:500,200"), spoken("global")
    ('red car', 'selection', 'photo')
    """
    if PICKED.fullmatch(region):
        return "selection"
    return "photo" if region == "global" else region.removeprefix(OBJECT_PREFIX)
