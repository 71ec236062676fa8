"""What was seen by eye in training photos that come without tags or labels: `by_eye.txt`.

For each photo, by the name of its file without the ending: its tags, the main one first, in the words of
`models.scene_encoder.TAGS` and more; and for some all the classes that can be seen anywhere in it. A whole photo is looked
at in two seconds where a label map takes minutes, and what a photo does not show is worth knowing.
"""

from functools import lru_cache
from pathlib import Path

from models.segmentation import CLASSES

Words = tuple[str, ...]


@lru_cache(maxsize=1)
def _notes() -> dict[str, tuple[Words, Words]]:
    notes: dict[str, tuple[Words, Words]] = {}
    for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, _, said = line.partition(": ")
            words, _, classes = said.partition("|")
            notes[name] = tuple(words.split()), tuple(classes.split())
    return notes


def tags() -> dict[str, Words]:
    """Photo -> its tags, the main one first."""
    return {name: words for name, (words, _) in _notes().items()}


def shows() -> dict[str, Words]:
    """Photo -> every class that it shows; `person` stands for all parts of one. Photos without such a note are left out."""
    found = {name: classes for name, (_, classes) in _notes().items() if classes}
    assert all(set(classes) <= set(CLASSES) for classes in found.values())
    return found
