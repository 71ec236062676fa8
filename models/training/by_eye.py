"""What was seen by eye in training photos that come without tags or labels: `by_eye.txt` and `by_eye.zip`.

The text has for each photo, by the name of its file without the ending: its tags, the main one first, in the words of
`models.scene_encoder.TAGS` and more; and for some all the classes that can be seen anywhere in it. The archive has index
maps (0 unlabelled, then `models.segmentation.CLASSES`), 320 pixels long, as PNG: photos were cut into about thirty pieces of
one colour, texture and guess of the segmenter, and each piece that shows one thing was named by eye. For photos whose
people are labelled already (CCP) they have what lies behind them.
"""

import io
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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


@lru_cache(maxsize=1)
def maps() -> dict[str, NDArray[np.uint8]]:
    """Photo -> its index map (h, w), 0 where nothing was said."""
    found: dict[str, NDArray[np.uint8]] = {}
    with zipfile.ZipFile(Path(__file__).with_suffix(".zip")) as archive:
        for name in archive.namelist():
            index = np.asarray(Image.open(io.BytesIO(archive.read(name))), np.uint8)
            assert index.max() <= len(CLASSES)
            found[name.removesuffix(".png")] = index
    return found
