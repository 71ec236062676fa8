"""How good a photo is technically: a score of 0..100 for every facet and overall, from measured statistics alone.

A small learned head: 56 numbers of the photo go in, the severity of seven faults comes out. It has been trained by ranking
photographs above their own degradations of graded strength (`models.training.judge`), as SmartPhotoCrafter's critic was, and
says nothing of content or composition.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.attributes import lab
from models.critic import cast_of, noise_of, patches, sharpness_of
from models.pinned import available, load_safetensors

Float = NDArray[np.float32]

FACETS: Final = ("exposure", "contrast", "colour", "white balance", "sharpness", "noise", "haze")

#: Long edge of the thumbnail that is measured.
EDGE: Final = 256

#: Severities are divided by this in a score: a severity of 1 is a strong fault, and scores 37.
SCALE: Final = 1.0


def features(rgb: Float, pixels: NDArray[Any]) -> Float:
    """The statistics (56,) of a thumbnail `rgb` (h, w, 3) in [0, 1] and of the photo's own `pixels`, each about -2..2."""
    scale = min(1.0, EDGE / max(rgb.shape[:2]))
    if scale < 1:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
    values = lab(rgb)
    lightness, a, b = (np.ascontiguousarray(values[..., i]) for i in range(3))
    chroma = np.hypot(a, b)
    tones = np.percentile(lightness, (0.5, 5, 15, 30, 50, 70, 85, 95, 99.5)) / 50 - 1
    mean = float(np.clip(lightness.mean() / 100, 0.02, 0.98))
    local = [float(np.abs(lightness - cv2.GaussianBlur(lightness, (0, 0), s)).mean()) for s in (2, 8, 24)]
    thirds = np.percentile(lightness, (33, 67))
    zone = np.digitize(lightness, thirds)
    zones = [
        float(plane[zone == i].mean()) if (zone == i).any() else 0.0
        for plane in (a / 10, b / 10, chroma / 20)
        for i in range(3)
    ]
    cast = np.array(cast_of(rgb, values)) / 8
    squares = [_middle(s) for s in patches(pixels)]
    bands = np.log(np.mean([_bands(s) for s in squares], axis=0) + 0.05)
    noise = float(np.median([noise_of(s) for s in squares]))
    sharp = max((sharpness_of(s) for s in squares), default=0.0)
    brightest, darkest = (op(op(rgb[..., 0], rgb[..., 1]), rgb[..., 2]) for op in (np.maximum, np.minimum))
    dark = cv2.erode(darkest, np.ones((7, 7), np.uint8))
    saturation = (brightest - darkest) / (brightest + 0.02)
    found = [
        *tones, np.log(mean / (1 - mean)), lightness.std() / 20 - 1, *np.log1p(local), tones[7] - tones[1], tones[5] - tones[3],
        *np.percentile(chroma, (10, 50, 90, 99)) / 30, *zones, *cast, *np.abs(cast), np.hypot(*cast),
        *np.percentile(dark, (5, 50, 90)) * 3, np.sqrt((brightest > 0.994).mean()), np.sqrt((brightest < 0.01).mean()),
        np.sqrt((darkest < 0.004).mean()), *np.percentile(saturation, (10, 50, 90)),
        *bands, *np.diff(bands), np.log(noise + 0.3), sharp * 2 - 1, sharp == 0, a.std() / 15, b.std() / 15,
        np.corrcoef(a.ravel(), b.ravel())[0, 1] if a.std() > 0.1 and b.std() > 0.1 else 0.0,
    ]  # fmt: skip
    return np.clip(np.nan_to_num(np.asarray(found, np.float32)), -6, 6)


def _middle(square: Float, side: int = 256) -> Float:
    y, x = (max(0, (n - side) // 2) for n in square.shape)
    return np.ascontiguousarray(square[y : y + side, x : x + side])


def _bands(luma: Float) -> NDArray[np.float64]:
    """Mean strength of four octaves of detail of a luma square, finest first."""
    if min(luma.shape) < 24:
        return np.zeros(4)
    levels = [luma, *(cv2.GaussianBlur(luma, (0, 0), s) for s in (0.7, 1.4, 2.8, 5.6))]
    return np.array([float(np.abs(x - y).mean()) for x, y in pairwise(levels)])


@lru_cache(maxsize=1)
def _head() -> dict[str, Float]:
    return {name: tensor.float().numpy() for name, tensor in load_safetensors("judge").items()}


def severities(x: Float, head: dict[str, Float] | None = None) -> Float:
    """How severe each fault of FACETS is (..., 7), 0 for none and about 1 for a strong one, from `features` (..., 56)."""
    w = head or _head()
    h = (x - w["mean"]) / w["deviation"]
    for i in (0, 1):
        h = h @ w[f"{i}.weight"].T + w[f"{i}.bias"]
        h = h / (1 + np.exp(-h))
    out = h @ w["2.weight"].T + w["2.bias"]
    return np.asarray(np.logaddexp(0, out), np.float32)


def scores(rgb: Float, pixels: NDArray[Any] | None = None) -> dict[str, float]:
    """Scores of 0..100, one a facet and `overall`, higher is better; empty where the weights are not installed.

    `rgb`: the photo or a thumbnail (h, w, 3) in [0, 1]; `pixels`: the photo itself, for noise and sharpness.
    """
    if not available("judge"):
        return {}
    found = severities(features(rgb, rgb if pixels is None else pixels))
    each = {name: round(float(100 * np.exp(-s / SCALE)), 1) for name, s in zip(FACETS, found, strict=True)}
    return {"overall": round(float(100 * np.exp(-found.sum() / SCALE)), 1), **each}
