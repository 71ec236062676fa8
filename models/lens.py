"""Depth of field: the blur of a lens that is focused on the subject, and that of one which is tilted.

A point out of focus becomes a disc, the image of the lens's opening, in linear light: so lights stay bright and round where a
Gaussian would smear them. The background is blurred by a normalised convolution that takes its light from the background
alone (Knutsson and Westin 1993), so that the subject leaves no glow around itself. Wide discs are drawn on a grid of blocks,
which lies still whatever band of rows is asked for.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Blocks never get larger; bands begin and end at multiples of it.
BLOCK: Final = 16
#: Radius in blocks at which a disc is still round.
ROUND: Final = 5.0
#: What is as good as white was brighter than the file could say: that much.
BURNT: Final = 2.5
_GAMMA: Final = 2.2


def disc(radius: float) -> Float:
    """A disc of unit sum with a smooth border, (2n + 1, 2n + 1) float32.

    >>> kernel = disc(2.0)
    >>> kernel.shape, round(float(kernel.sum()), 4)
    ((5, 5), 1.0)
    """
    n = int(np.ceil(radius))
    y, x = np.ogrid[-n : n + 1, -n : n + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(y, x), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def block(radius: float) -> int:
    """Side of the blocks on which a disc of this radius is drawn: 1, 2, 4, 8 or 16 pixels."""
    side = 1
    while side < BLOCK and radius / (2 * side) >= ROUND:
        side *= 2
    return side


def reach(radius: float) -> int:
    """Pixels beyond a place that its blur looks at."""
    return int(np.ceil(radius)) + 3 * block(radius)


def lens_blur(x: Float, radius: float, weight: Float | None = None) -> Float:
    """Blur (h, w, 3) gamma-encoded values in [0, 1] by a disc of `radius` pixels; below half a pixel nothing happens.

    `weight` (h, w) in [0, 1]: where the light comes from; what is outside gives none. The caller blends.
    """
    if radius < 0.5:
        return x
    light = np.power(np.clip(x, 0, 1), np.float32(_GAMMA))
    peak = x.max(axis=2)
    light *= (1 + np.float32(BURNT) * np.clip((peak - np.float32(0.94)) / np.float32(0.06), 0, 1) ** 2)[..., None]
    side = block(radius)
    kernel = disc(radius / side)
    if weight is None:
        soft = cv2.filter2D(_blocks(light, side), -1, kernel, borderType=cv2.BORDER_REFLECT)
    else:
        # A pixel that is half subject has its colour: only what is surely outside gives light.
        source = np.clip(2 * weight - 1, 0, 1)
        share = cv2.filter2D(_blocks(source, side), -1, kernel, borderType=cv2.BORDER_REFLECT)
        soft = cv2.filter2D(_blocks(light * source[..., None], side), -1, kernel, borderType=cv2.BORDER_REFLECT)
        # Far inside the subject no light comes in; whatever stands there is not shown.
        soft = np.maximum(soft, 0) / np.maximum(share, 1e-3)[..., None]
    height, width = x.shape[:2]
    if side > 1:
        size = (soft.shape[1] * side, soft.shape[0] * side)
        soft = cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return np.power(np.clip(soft, 0, 1), np.float32(1 / _GAMMA))


def _blocks(x: Float, side: int) -> Float:
    """Means over blocks of `side` pixels; the border is repeated to fill the last ones."""
    if side == 1:
        return x
    height, width = x.shape[:2]
    padded = cv2.copyMakeBorder(x, 0, -height % side, 0, -width % side, cv2.BORDER_REPLICATE)
    size = (padded.shape[1] // side, padded.shape[0] // side)
    return np.asarray(cv2.resize(padded, size, interpolation=cv2.INTER_AREA), np.float32)


def out_of_focus(rows: NDArray[np.float32]) -> Float:
    """How far a tilted lens is out of focus at these heights (0 top, 1 bottom of the photo): 0 in the band in focus, up to 1.

    >>> out_of_focus(np.array([0.0, 0.5, 1.0], np.float32)).tolist()
    [1.0, 0.0, 1.0]
    """
    away = np.clip((np.abs(rows - np.float32(0.5)) - np.float32(0.1)) / np.float32(0.3), 0, 1)
    return np.asarray(away * away * (3 - 2 * away), np.float32)


def tilted(x: Float, radius: float, away: Float) -> Float:
    """A photo's rows (h, w, 3) seen by a tilted lens; `away` (h,) in [0, 1] as of `out_of_focus`.

    Between the three that are drawn, of no, half and full radius, it goes from one to the next.
    """
    half, full = lens_blur(x, radius / 2), lens_blur(x, radius)
    near = np.clip(2 * away, 0, 1)[:, None, None]
    far = np.clip(2 * away - 1, 0, 1)[:, None, None]
    soft = x + near * (half - x)
    return np.asarray(soft + far * (full - soft), np.float32)
