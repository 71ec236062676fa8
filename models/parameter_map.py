"""The three-state parameter map that conditions the denoiser.

Shape (CHANNELS, 64, 64), float32: seven values in [-1, 1] (0 where an attribute has no target), seven flags that say where
an attribute is a *target*, and one flag that says where the photo is *kept*. Where neither flag stands the model is *free*.
All zeros is *free everywhere*, the automatic look. Regions paint in canonical order; soft edges mix linearly.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from models.vocabulary import MAP_ATTRIBUTES, region_order

Float = NDArray[np.float32]

SIZE = 64
CHANNELS = 2 * len(MAP_ATTRIBUTES) + 1


def parameter_map(
    targets: Mapping[str, Mapping[str, float]], masks: Mapping[str, Float], keep: Float | None = None, size: int = SIZE
) -> Float:
    """Paint a map.

    `targets`: region → attribute → value; `masks`: region → mask of any size in [0, 1] (a region without one covers all);
    `keep`: mask of what must stay.

    >>> m = parameter_map({"global": {"brightness": 0.5}}, {})
    >>> m.shape, float(m[0].max()), float(m[7].min()), float(m[8].max())
    ((15, 64, 64), 0.5, 1.0, 0.0)
    """
    out = np.zeros((CHANNELS, size, size), np.float32)
    count = len(MAP_ATTRIBUTES)
    for region in sorted(targets, key=region_order):
        mask = masks.get(region)
        weight = np.ones((size, size), np.float32) if mask is None else _fit(mask, size)
        for channel, name in enumerate(MAP_ATTRIBUTES):
            if name in targets[region]:
                value = np.float32(np.clip(targets[region][name], -1, 1))
                out[channel] += weight * (value - out[channel])
                out[count + channel] = np.maximum(out[count + channel], weight)
    if keep is not None:
        held = _fit(keep, size)
        out *= 1 - held
        out[-1] = held
    return out


def _fit(mask: Float, size: int) -> Float:
    return np.asarray(cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA), np.float32)
