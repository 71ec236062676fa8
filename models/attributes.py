"""The seven attributes of the parameter map: how each is measured, and what a value in [-1, 1] means.

All are read in CIELAB (CIE 15:2018, D65) on a thumbnail, weighted by a region's soft mask; none uses correlated colour
temperature, which is undefined for saturated colour. Tonal zones (dark, low, middle, high, bright: weighted ranks of L*)
are fixed on the photo *before* the edit, so that the same pixels are compared. ``t = logit(L/100)`` is tone; the *middle
contrast* is ``t(high) - t(low)``; the *dark tail* is ``t(middle) - t(dark)`` as a multiple of ``t(high) - t(middle)``, the
*bright tail* ``t(bright) - t(middle)`` as a multiple of ``t(middle) - t(low)``; ``C = hypot(a, b)``:

===========  ==========================================  ===========================================================
attribute    reading of a region                         value of a change, v in [-1, 1]
===========  ==========================================  ===========================================================
brightness   mean L                                      difference of t(mean L), 1 = 1.5 (L* 50 → 82, or → 18)
contrast     middle contrast                             log2 of the ratio, 1 = doubled
highlights   bright tail                                 log2 of the ratio, 1 = doubled (highlights stand out more)
shadows      dark tail                                   −log2 of the ratio, 1 = halved (shadows are lifted)
temperature  mean b / mean L (warm is +)                 difference, 1 = 0.5 (Δb* 25 at L* 50)
tint         mean a / mean L (magenta is +)              difference, 1 = 0.5
saturation   mean C / mean L                             ratio − 1: −1 grey, 1 doubled (of at least C 3)
===========  ==========================================  ===========================================================

In tone, brightening is a shift and contrast a factor, so the four tonal attributes are independent of each other, every
value can be had without clipping, 0 is *unchanged*, and larger is always more of what the name says.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.vocabulary import MAP_ATTRIBUTES

Float = NDArray[np.float32]

LOGITS_PER_UNIT = 1.5
OPPONENT_PER_UNIT = 0.5
#: Saturation is relative to at least this mean chroma, so that a hint of colour is not blown up.
GREY_CHROMA = 3.0
#: A mean chroma below this is black and white: saturation has nothing to act on.
NO_CHROMA = 1.0
#: A difference of tone below this is flat: contrast has nothing to act on.
FLAT = 0.02


def lab(rgb: Float) -> Float:
    """CIELAB of gamma-encoded sRGB in [0, 1], shape (h, w, 3).

    >>> [round(float(x)) for x in lab(np.ones((1, 1, 3), np.float32))[0, 0]]
    [100, 0, 0]
    """
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb, np.float32), cv2.COLOR_RGB2Lab), np.float32)


def zone_weights(rank: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Weights of the dark, low, middle, high and bright zone at weighted ranks in 0..1; each an array like `rank`."""
    return (
        np.clip((0.45 - rank) / 0.35, 0, 1),
        np.clip(1 - np.abs(rank - 0.32) / 0.15, 0, 1),
        np.clip(1 - np.abs(rank - 0.5) / 0.15, 0, 1),
        np.clip(1 - np.abs(rank - 0.68) / 0.15, 0, 1),
        np.clip((rank - 0.55) / 0.35, 0, 1),
    )


@dataclass(frozen=True, eq=False)
class Ruler:
    """Weights over a thumbnail's pixels with which a region is read, fixed on the photo before the edit.

    `index`: flat positions (n,) of the region's pixels; `weights`: (6, n), rows whole, dark, low, middle, high, bright, each
    of sum 1.
    """

    index: NDArray[np.intp]
    weights: Float


@dataclass(frozen=True)
class Reading:
    """What a `Ruler` reads: mean L* of the region and of its zones, standard deviation of L*, and opponent colour."""

    lightness: float
    spread: float
    dark: float
    low: float
    middle: float
    high: float
    bright: float
    a: float
    b: float
    chroma: float

    def attributes(self) -> dict[str, float]:
        """The seven attributes as people may see them: L* units, and ratios ×100 for colour."""
        level = max(self.lightness, 1.0)
        return {
            "brightness": self.lightness,
            "contrast": self.spread,
            "highlights": self.bright,
            "shadows": self.dark,
            "temperature": 100 * self.b / level,
            "tint": 100 * self.a / level,
            "saturation": 100 * self.chroma / level,
        }

    def tails(self) -> tuple[float, float, float]:
        """Middle contrast, dark tail and bright tail, kept above what is noise.

        Each tail is measured against the other side of the middle, which lifting it does not move.
        """
        dark, low, middle, high, bright = (tone(v) for v in (self.dark, self.low, self.middle, self.high, self.bright))
        return (
            max(high - low, FLAT),
            max(middle - dark, FLAT) / max(high - middle, FLAT),
            max(bright - middle, FLAT) / max(middle - low, FLAT),
        )


def ruler(rgb: Float, weight: Float) -> Ruler | None:
    """A ruler for the region with soft mask `weight` (h, w) on the photo `rgb` (h, w, 3); None for an empty region."""
    flat = np.ascontiguousarray(weight, np.float32).ravel()
    index = np.flatnonzero(flat > 0.02)
    if index.size == 0 or float(flat[index].sum()) < 1e-3:
        return None
    whole = flat[index].astype(np.float64)
    lightness = lab(rgb)[..., 0].ravel()[index].astype(np.float64)
    order = np.argsort(lightness, kind="stable")
    rank = np.empty(index.size)
    cumulative = np.cumsum(whole[order])
    rank[order] = (cumulative - whole[order] / 2) / cumulative[-1]

    def normal(w: NDArray[np.float64]) -> NDArray[np.float64]:
        total = w.sum()
        return w / total if total > 1e-9 else whole / whole.sum()

    rows = [normal(whole), *(normal(whole * zone) for zone in zone_weights(rank))]
    return Ruler(index, np.stack(rows).astype(np.float32))


def read(rgb: Float, by: Ruler) -> Reading:
    """Read a region of `rgb` (h, w, 3), gamma-encoded sRGB in [0, 1], same size as the ruler's photo."""
    values = lab(rgb.reshape(-1, 3)[by.index][None])[0]
    lightness, a, b = values.T
    # One product for all the means; lightness about 50, so that single precision keeps the variance.
    columns = np.stack([lightness - 50, (lightness - 50) ** 2, a, b, np.hypot(a, b)], axis=1)
    means = (by.weights @ columns).astype(np.float64)
    dark, low, middle, high, bright = (means[1:, 0] + 50).tolist()
    spread = float(np.sqrt(max(means[0, 1] - means[0, 0] ** 2, 0.0)))
    a_mean, b_mean, chroma = means[0, 2:].tolist()
    return Reading(float(means[0, 0] + 50), spread, dark, low, middle, high, bright, a_mean, b_mean, chroma)


def tone(lightness: float) -> float:
    """Log odds of L*/100, limited to L* 0.2..99.8.

    >>> tone(50.0)
    0.0
    """
    share = min(max(lightness / 100, 0.002), 0.998)
    return float(np.log(share / (1 - share)))


def change(before: Reading, after: Reading) -> dict[str, float]:
    """The measured change of each attribute in its unit; 0 for an unchanged photo, not clipped to [-1, 1].

    >>> r = Reading(50, 20, 20, 40, 50, 60, 80, 0, 0, 10)
    >>> set(change(r, r).values())
    {0.0}
    """
    level0, level1 = max(before.lightness, 1.0), max(after.lightness, 1.0)
    middle0, dark0, bright0 = before.tails()
    middle1, dark1, bright1 = after.tails()
    grey = max(before.chroma, GREY_CHROMA) / level0
    return {
        "brightness": (tone(after.lightness) - tone(before.lightness)) / LOGITS_PER_UNIT,
        "contrast": float(np.log2(middle1 / middle0)),
        "highlights": float(np.log2(bright1 / bright0)),
        "shadows": float(np.log2(dark0 / dark1)),
        "temperature": (after.b / level1 - before.b / level0) / OPPONENT_PER_UNIT,
        "tint": (after.a / level1 - before.a / level0) / OPPONENT_PER_UNIT,
        "saturation": (after.chroma / level1 - before.chroma / level0) / grey if before.chroma >= NO_CHROMA else 0.0,
    }


def measure(rgb: Float, weight: Float) -> dict[str, float]:
    """The seven attributes of a region as it stands; zeros for an empty region.

    >>> grey = np.full((8, 8, 3), 0.5, np.float32)
    >>> round(measure(grey, np.ones((8, 8), np.float32))["brightness"])
    53
    """
    by = ruler(rgb, weight)
    return read(rgb, by).attributes() if by else dict.fromkeys(MAP_ATTRIBUTES, 0.0)
