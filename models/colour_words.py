"""What colour a word means, as chroma: for hints of what a photo without colour showed ("the dress was red")."""

import math
from typing import Final

from models.regions import COLOUR_WORDS

#: CIELAB chroma of a colour word, where it is not the usual one.
VIVID: Final = 42.0
OWN: Final = {
    "pink": 28.0, "beige": 14.0, "brown": 24.0, "golden": 38.0, "gold": 38.0, "turquoise": 34.0, "cyan": 34.0,
    "teal": 30.0, "red": 52.0, "yellow": 56.0, "orange": 54.0,
}  # fmt: skip
#: Colours without chroma.
NEUTRAL: Final = frozenset({"white", "black", "grey", "gray", "silver"})
#: Words before a colour, as factors of its chroma.
STRENGTHS: Final = {"pale": 0.5, "pastel": 0.5, "light": 0.65, "dark": 0.8, "deep": 1.1, "bright": 1.25, "vivid": 1.35}


def chroma_of(words: str) -> tuple[float, float] | None:
    """CIELAB a, b that a colour in words means; None when no colour is named. The last one named holds.

    >>> chroma_of("grey"), chroma_of("tall"), chroma_of("pale blue")
    ((0.0, 0.0), None, (0.0, -21.0))
    """
    found: tuple[float, float] | None = None
    factor = 1.0
    for word in words.lower().replace("-", " ").split():
        factor *= STRENGTHS.get(word, 1.0)
        stems = (word, word.removesuffix("ish"), word.removesuffix("dish"))
        stem = next((s for s in stems if s in COLOUR_WORDS), None)
        if word in NEUTRAL:
            found = (0.0, 0.0)
        elif stem is not None:
            hue, size = math.radians(COLOUR_WORDS[stem]), OWN.get(stem, VIVID)
            found = (size * math.cos(hue), size * math.sin(hue))
    # Adding zero turns -0.0 into 0.0.
    return None if found is None else (round(factor * found[0], 1) + 0.0, round(factor * found[1], 1) + 0.0)
