"""The restorer: one small blind network against noise, codec blocks and blur, and one against haze and low light."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import pinned

Float = NDArray[np.float32]

#: Pixels beyond a place that its residuals look at; tiles begin at multiples of STRIDE.
MARGIN: Final = 64
STRIDE: Final = 8
#: Long edge on which the tone is looked at.
TONED_AT: Final = 256


def installed() -> bool:
    """True if the weights are there."""
    return pinned.available("restorer")


def residuals(x: Float) -> Float:
    """What to add to (h, w, 3) in [0, 1] against noise, blocks and blur: (3, h, w, 3)."""
    raise NotImplementedError


def grid(thumbnail: Float, name: str) -> Float:
    """The grid (12, 8, 16, 16) against `dehaze` or `low_light` for a photo with this thumbnail (h, w, 3) in [0, 1]."""
    raise NotImplementedError
