"""Repairs without a network, one function a fault: what `models.restorer` is measured against, and what stands in for it.

Every function takes and returns float32 (h, w, 3) in [0, 1], gamma encoded, and a strength v in [-1, 1]; 0 is the identity.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mask import guide

Float = NDArray[np.float32]


def denoise(x: Float, v: float) -> Float:
    """Bilateral filter (Tomasi and Manduchi 1998), stronger on colour than on luma. v < 0 does nothing."""
    if v <= 0:
        return x
    ycc = cv2.cvtColor(x, cv2.COLOR_RGB2YCrCb)
    luma = cv2.bilateralFilter(np.ascontiguousarray(ycc[..., 0]), 7, 0.02 + 0.08 * v, 2.0)
    colour = cv2.blur(ycc[..., 1:], (9, 9))
    ycc[..., 0] += v * (luma - ycc[..., 0])
    ycc[..., 1:] += min(1.0, 1.5 * v) * (colour - ycc[..., 1:])
    return np.asarray(np.clip(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB), 0, 1), np.float32)


def deblock(x: Float, v: float) -> Float:
    """Smoothing of what a codec leaves in flat places: a narrow bilateral filter. v < 0 does nothing."""
    if v <= 0:
        return x
    smooth = cv2.bilateralFilter(x, 5, 0.06, 1.5)
    return np.asarray(x + np.float32(v) * (smooth - x), np.float32)


def deblur(x: Float, v: float) -> Float:
    """Unsharp mask on luma. v < 0 does nothing."""
    if v <= 0:
        return x
    luma = guide(x)
    sharper = luma + np.float32(v) * (luma - cv2.GaussianBlur(luma, (0, 0), 1.5))
    ratio = np.maximum(sharper, 0) / np.maximum(luma, 1e-3)
    return np.asarray(np.clip(x * ratio[..., None], 0, 1), np.float32)


def veil_of(thumbnail: Float) -> tuple[float, Float]:
    """The light of the haze, and its share at every place of a thumbnail (h, w): the dark channel (He, Sun and Tang 2009)."""
    size = max(3, round(0.03 * max(thumbnail.shape[:2])))
    dark = cv2.erode(thumbnail.min(axis=2), np.ones((size, size), np.uint8))
    light = float(np.clip(np.percentile(dark, 99), 0.5, 0.98))
    return light, np.asarray(cv2.GaussianBlur(dark / light, (0, 0), size), np.float32)


def dehaze(x: Float, v: float, light: float, veil: Float) -> Float:
    """Take the share `veil` (h, w) of the haze `light` out of a photo; v < 0 adds haze."""
    if v < 0:
        return np.asarray(x + np.float32(-0.5 * v) * (np.float32(0.85 * light + 0.1) - x), np.float32)
    through = np.maximum(1 - 0.85 * v * veil, 0.25)[..., None]
    return np.asarray(np.clip((x - light) / through + light, 0, 1), np.float32)


def low_light(x: Float, v: float, thumbnail: Float) -> Float:
    """A gamma that brings the mean luma of `thumbnail`, the whole photo small, to the middle; never darker."""
    mean = float(np.clip(guide(thumbnail).mean(), 1e-3, 0.999))
    power = min(1.0, float(np.log(0.45) / np.log(mean)))
    return np.asarray(x + np.float32(max(v, 0.0)) * (np.power(np.clip(x, 0, 1), np.float32(power)) - x), np.float32)
