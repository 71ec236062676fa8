"""Spelling: unknown words become the lexicon's nearest word; known English words are left alone.

Damerau's edits (one letter missing, added, wrong, or two swapped) cover most slips of the keyboard: Damerau, "A technique
for computer detection and correction of spelling errors", CACM 1964.
"""

import functools

from agent.planner.lexicon import HERE, lexicon

_LETTERS = "abcdefghijklmnopqrstuvwxyz"

#: Words that people misspell most; between equally near candidates the earlier one wins.
_FREQUENT = [
    "brightness",
    "brighten",
    "brighter",
    "contrast",
    "saturation",
    "image",
    "remove",
    "background",
    "increase",
    "decrease",
    "sharpen",
    "sharpness",
    "slightly",
    "lighten",
    "darken",
    "enhance",
    "colors",
    "color",
    "darker",
    "lighter",
    "photo",
    "picture",
    "vibrant",
    "vibrance",
    "exposure",
    "little",
    "people",
    "clear",
    "clearer",
    "lighting",
    "light",
    "sharper",
    "reduce",
    "lower",
    "raise",
    "bright",
    "dark",
    "warmth",
    "shadows",
    "highlights",
    "temperature",
    "more",
    "less",
    "yellow",
    "green",
    "white",
    "black",
    "visible",
    "hue",
    "warmer",
    "cooler",
    "blurry",
    "blur",
    "noise",
    "crop",
    "rotate",
    "saturate",
    "focus",
    "lightness",
]

#: At most this many unknown words a message are looked up, so that time stays bounded.
MAX_LOOKUPS = 80


@functools.cache
def english() -> frozenset[str]:
    """Common English words that mean nothing to the lexicon, and must not be "corrected" into it."""
    return frozenset((HERE / "english.txt").read_text(encoding="utf-8").split())


@functools.cache
def known() -> frozenset[str]:
    """Every word that is English or in the lexicon."""
    return english() | frozenset(w for phrase in lexicon().senses for w in phrase)


def correct(tokens: list[str]) -> list[str]:
    """Tokens with slips of the keyboard put right, and two words that ran together parted.

    >>> correct(["decrese", "backgroun", "ligtness"]), correct(["slightlylighten", "my", "house"])
    (['decrease', 'background', 'lightness'], ['slightly', 'lighten', 'my', 'house'])
    """
    out: list[str] = []
    lookups = 0
    for token in tokens:
        if token in known() or len(token) < 4 or not (token.isascii() and token.isalpha()) or lookups >= MAX_LOOKUPS:
            out.append(token)
            continue
        lookups += 1
        out += _correction(token)
    return out


@functools.lru_cache(maxsize=4096)
def _correction(word: str) -> tuple[str, ...]:
    squeezed = "".join(c for i, c in enumerate(word) if not (i > 1 and word[i - 1] == c == word[i - 2]))
    for candidate in (squeezed, _single(squeezed)):
        if candidate in known():
            return (candidate,)
    words = lexicon().words
    near = [w for w in _edits(squeezed) if w in words and (len(word) > 4 or w in _FREQUENT)]
    if near:
        return (min(near, key=lambda w: _cost(squeezed, w)),)
    if len(squeezed) >= 6:
        for cut in range(3, len(squeezed) - 2):
            left, right = squeezed[:cut], squeezed[cut:]
            if left in words | {"and", "the"} and right in words and len(right) >= 4:
                return (left, right)
    if len(squeezed) >= 6:
        far = [w for w in words if w[0] == squeezed[0] and abs(len(w) - len(squeezed)) <= 2 and len(w) >= 6]
        far = [w for w in far if _distance(squeezed, w) == 2 and (w in _FREQUENT or len(squeezed) >= 8)]
        if far:
            return (min(far, key=lambda w: _cost(squeezed, w)),)
    return (word,)


def _single(word: str) -> str:
    """No doubled letters at all ("brrright")."""
    return "".join(c for i, c in enumerate(word) if i == 0 or word[i - 1] != c)


def _edits(word: str) -> set[str]:
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    return (
        {a + b[1:] for a, b in cuts if b}
        | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
        | {a + c + b[1:] for a, b in cuts if b for c in _LETTERS}
        | {a + c + b for a, b in cuts for c in _LETTERS}
    )


def _cost(word: str, candidate: str) -> tuple[int, int, int, str]:
    """Smaller is likelier: same letters (a swap), same first letter, often misspelt, then the alphabet."""
    rank = _FREQUENT.index(candidate) if candidate in _FREQUENT else len(_FREQUENT)
    return (0 if word[0] == candidate[0] else 1, 0 if sorted(word) == sorted(candidate) else 1, rank, candidate)


def _distance(a: str, b: str, most: int = 3) -> int:
    """Optimal string alignment distance, cut off at `most`."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, last[j - 2] + 1)
            row.append(best)
        if min(row) >= most:
            return most
    return row[-1]
