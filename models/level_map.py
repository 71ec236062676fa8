"""The four-channel map of levels that a Stable Diffusion ControlNet is steered by, as PerTouch steers its own.

Shape (4, h, w), float32 in [-1, 1]: saturation, contrast, temperature, brightness, in the order of Chang et al. ("PerTouch",
2026). Unlike `models.parameter_map`, whose 0 is *unchanged*, a level says where a region is to *arrive*: 0 is as in an ordinary
photo, ±1 further out than nearly all. Theirs are ranks of measures of their own among the photos they learned from, and
those ranks are not published; here they are ranks of our readings under a normal distribution, with `ORDINARY` measured on
90 training photos, regions weighted by area. Every region is filled with its level and nothing is blurred.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.attributes import LOGITS_PER_UNIT, OPPONENT_PER_UNIT

Float = NDArray[np.float32]

#: The channels, and the median and spread (half of what lies between the 16th and the 84th percentile) of each reading.
ORDINARY: Final = {
    "saturation": (40.0, 28.0), "contrast": (22.0, 6.0), "temperature": (22.0, 26.0), "brightness": (49.0, 14.0),
}  # fmt: skip
CHANNELS: Final = tuple(ORDINARY)


def level(name: str, reading: float) -> float:
    """A reading of `models.attributes.Reading.attributes` as a level.

    >>> level("brightness", ORDINARY["brightness"][0]), level("brightness", 100) > 0.9
    (0.0, True)
    """
    middle, spread = ORDINARY[name]
    return math.erf((reading - middle) / spread / math.sqrt(2))


def arrived(name: str, reading: float, change: float) -> float:
    """The reading after a change in the units of `models.attributes`.

    >>> arrived("saturation", 20.0, 0.5), round(arrived("brightness", 50.0, 1.0))
    (30.0, 82)
    """
    if name == "brightness":
        share = min(max(reading / 100, 1e-3), 1 - 1e-3)
        return 100 / (1 + (1 - share) / share * math.exp(-LOGITS_PER_UNIT * change))
    if name == "contrast":
        return float(reading * 2.0**change)
    return reading + 100 * OPPONENT_PER_UNIT * change if name == "temperature" else reading * (1 + change)


def level_map(
    regions: Sequence[tuple[Float | None, Mapping[str, float], Mapping[str, float]]],
    size: tuple[int, int],
    ease: float = 0.0,
) -> Float:
    """Paint a map (4, height, width) of `size` (height, width).

    `regions`, wide before narrow: where each is ((h, w) in [0, 1], None for everywhere), what is read there, and the changes
    that are asked of it. A level nobody asked for is the present one, by `ease` (0..1) nearer to the ordinary.

    >>> level_map([(None, {"brightness": ORDINARY["brightness"][0]}, {"brightness": 0.5})], (8, 8))[3, 0, 0] > 0
    np.True_
    """
    out = np.zeros((len(CHANNELS), *size), np.float32)
    for mask, readings, changes in regions:
        inside = np.ones(size, bool)
        if mask is not None:
            inside = cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) > 0.5
        for channel, name in enumerate(CHANNELS):
            if name in readings:
                asked = name in changes
                reading = arrived(name, readings[name], changes[name]) if asked else readings[name]
                out[channel][inside] = level(name, reading) * (1.0 if asked else 1 - ease)
    return out
