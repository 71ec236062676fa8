"""Soft region masks that exist at any resolution.

A mask is kept as the coefficients of a guided filter (He, Sun and Tang, "Guided Image Filtering", TPAMI 2013; its fast
form, He and Sun 2015): at every pixel ``m = a * L + b`` with `L` the photo's own lightness guide and `a`, `b` small maps
that are interpolated bilinearly. Its edges follow the photo at full resolution, and no full-size mask is stored.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]

#: Below LOW a mask is exactly 0, above HIGH exactly 1: what lies outside a region is not touched at all.
LOW, HIGH = 0.06, 0.94

#: Rec. 709 luma weights on gamma-encoded values: the guide that both thumbnail and full-size photo share.
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def full_scale(pixels: NDArray[np.generic]) -> float:
    """The code value of white: 255, 65535, or 1.0 for float pixels."""
    return float((1 << 8 * pixels.dtype.itemsize) - 1) if pixels.dtype.kind == "u" else 1.0


def guide(rgb: NDArray[np.generic]) -> FloatImage:
    """Luma in [0, 1] of (H, W, 3) pixels: uint8, uint16 or float in [0, 1].

    >>> float(guide(np.full((1, 1, 3), 255, np.uint8))[0, 0])
    1.0
    """
    return np.asarray(rgb.astype(np.float32) @ LUMA / np.float32(full_scale(rgb)), np.float32)


@dataclass(frozen=True, eq=False)
class SoftMask:
    """A region: guided-filter coefficients of shape (h, w), float32; the raw mask is ``a * guide + b``, clipped to 0..1.

    The identity is ``everything()`` (a = 0, b = 1).
    """

    a: FloatImage
    b: FloatImage

    def render(self, luma: FloatImage) -> FloatImage:
        """The mask over a guide of shape (H, W) at any resolution: float32 in [0, 1], exactly 0 outside."""
        height, width = luma.shape
        a = cv2.resize(self.a, (width, height), interpolation=cv2.INTER_LINEAR)
        b = cv2.resize(self.b, (width, height), interpolation=cv2.INTER_LINEAR)
        return harden(a * luma + b)


def harden(raw: FloatImage) -> FloatImage:
    """Stretch LOW..HIGH to 0..1 and clip, so that outside is exactly 0 and inside exactly 1."""
    return np.clip((raw - np.float32(LOW)) / np.float32(HIGH - LOW), 0, 1)


def everything() -> SoftMask:
    """The mask of `global`: 1 everywhere."""
    return SoftMask(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32))


def fit(luma: FloatImage, coarse: FloatImage, radius: int, eps: float = 1e-3) -> SoftMask:
    """Fit a mask to a rough one over the same thumbnail, so that its edges snap to those of the photo.

    `luma`: (h, w) guide in [0, 1]; `coarse`: (h, w) in [0, 1]; `radius` in thumbnail pixels; `eps`: guide variance below
    which the mask is only smoothed (larger is softer).
    """
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(x: FloatImage) -> FloatImage:
        return np.asarray(cv2.boxFilter(x, cv2.CV_32F, size, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_i, mean_m = mean(luma), mean(coarse)
    variance = mean(luma * luma) - mean_i * mean_i
    a = np.asarray((mean(luma * coarse) - mean_i * mean_m) / (variance + np.float32(eps)), np.float32)
    return SoftMask(mean(a), mean(mean_m - a * mean_i))


def smooth(coarse: FloatImage) -> SoftMask:
    """A mask that ignores the photo's edges, for regions of place (left, center …)."""
    return SoftMask(np.zeros_like(coarse, np.float32), np.asarray(coarse, np.float32))
