"""How the tones of a picture are spread, and how much of it has run into plain black or white: what a histogram draws."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ConversationError

#: Columns of a histogram.
BINS: Final = 64
#: Levels, of 255, from which a channel holds no detail any more.
BLACK, WHITE = 1, 254


@dataclass(frozen=True)
class Histogram:
    """Shares of the pixels, summing to 1 a curve: `red`, `green`, `blue`, `luma` in `BINS` columns from dark to light.

    `black`, `white`: shares of the pixels of which a channel lies at its very end.
    """

    red: tuple[float, ...]
    green: tuple[float, ...]
    blue: tuple[float, ...]
    luma: tuple[float, ...]
    black: float
    white: float


def of_pixels(rgb: NDArray[np.uint8]) -> Histogram:
    """The histogram of (h, w, 3) uint8.

    >>> of_pixels(np.full((2, 2, 3), 255, np.uint8)).white
    1.0
    """
    red, green, blue = (_curve(np.ascontiguousarray(rgb[..., channel])) for channel in range(3))
    luma = _curve(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY))
    black, white = (rgb <= BLACK).any(-1), (rgb >= WHITE).any(-1)
    return Histogram(red, green, blue, luma, round(float(black.mean()), 5), round(float(white.mean()), 5))


@lru_cache(maxsize=256)
def histogram(picture: Path) -> Histogram:
    """The histogram of a stored preview, whose name is the hash of what it holds. Raises `ConversationError`."""
    pixels = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ConversationError("The picture of this version is gone; open the photo again.")
    return of_pixels(np.asarray(pixels[..., ::-1], np.uint8))


def _curve(plane: NDArray[np.generic]) -> tuple[float, ...]:
    counts = cv2.calcHist([np.asarray(plane, np.uint8)], [0], None, [BINS], [0, 256])[:, 0]
    return tuple(round(float(n), 6) for n in counts / counts.sum())
