"""Develop: the analytic part of a retouch, a pointwise colour transform per region, right before anything is learned.

A region's settings become one tone curve on luma, one gain per channel (temperature, tint), one saturation and eight
colour-mixer weights. Luma is ``LUMA · rgb`` on gamma-encoded values, and the tone curve is applied as a ratio to all
three channels, so hue stays put; what would leave the gamut moves towards its own luma, so nothing clips to a false hue.

The curves never clip and always rise. Brightness and contrast are affine in the log odds of luma (a logistic shift, and a
power of the odds about the region's middle); highlights and shadows bend one side of the middle by integrating a positive
slope. `ToneZones` carries where the region's tones lie, so that a value means the same on a dark and on a bright region.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.attributes import LOGITS_PER_UNIT, OPPONENT_PER_UNIT, Float, Reading, Ruler, change, lab, zone_weights
from models.mask import LUMA
from models.solve import descend
from models.vocabulary import MAP_ATTRIBUTES, MIXER_ATTRIBUTES, MIXER_HUES

#: Knots of a tone curve over luma 0..1.
KNOTS: Final = 1025
#: Strongest slope a tonal zone may take: e^2.3 = 10, beyond which noise and banding show.
SLOPE_LIMIT: Final = 2.3

#: Ranks at which a region's tones are summed up, and the tonal zones over them (the same as in `attributes.ruler`).
RANKS: Final = 64
_RANK = (np.arange(RANKS) + 0.5) / RANKS
_ZONES = np.stack([w / w.sum() for w in zone_weights(_RANK)])

#: Bounds of the tonal develop parameters.
TONAL: Final = {"brightness": 2.2, "contrast": 1.4, "highlights": SLOPE_LIMIT, "shadows": SLOPE_LIMIT}

#: Directions of the mixer's colours in the plane (r - (g + b) / 2, sqrt(3) / 2 (g - b)), from their CIELAB hues.
_AB = np.array([[np.cos(np.radians(h)), np.sin(np.radians(h))] for h in MIXER_HUES.values()])


@dataclass(frozen=True)
class ToneZones:
    """Where a region's tones lie before the edit: luma in [0, 1] at RANKS evenly spaced weighted ranks, rising."""

    levels: tuple[float, ...] = tuple(np.linspace(0.1, 0.9, RANKS).tolist())

    @property
    def middle(self) -> float:
        """Luma of the middle tones, kept off the ends so that both sides exist."""
        return min(max(float(np.mean(self.levels[RANKS * 3 // 8 : RANKS * 5 // 8])), 0.06), 0.94)


@dataclass(frozen=True, eq=False)
class RegionOps:
    """One region's pointwise transform. Identity: `curve` = linspace(0, 1), `gains` = 1, `saturation` = 1, `mix` = 0."""

    curve: Float  # (KNOTS,) luma → luma, rising
    gains: Float  # (3,) multiplies r, g, b; luma is restored after it
    saturation: float  # 0 grey, 1 unchanged
    mix: Float  # (8,) relative change of chroma near each mixer colour


def tone_zones(rgb: Float, by: Ruler | None) -> ToneZones:
    """Where the tones of a region lie on the thumbnail `rgb` (h, w, 3)."""
    if by is None:
        return ToneZones()
    luma = (rgb.reshape(-1, 3)[by.index] @ LUMA).astype(np.float64)
    order = np.argsort(luma, kind="stable")
    whole = by.weights[0][order].astype(np.float64)
    rank = np.cumsum(whole)
    levels = np.interp(_RANK, (rank - whole / 2) / rank[-1], luma[order])
    return ToneZones(tuple(np.clip(levels, 0, 1).tolist()))


def _odds_curve(y: NDArray[np.float64], shift: float, power: float, pivot: float) -> NDArray[np.float64]:
    """Affine map of log odds: ``logit' = logit(pivot) + power (logit - logit(pivot)) + shift``; 0 → 0 and 1 → 1."""
    p = np.log(pivot / (1 - pivot))
    inside = np.clip(y, 1e-6, 1 - 1e-6)
    out = 1 / (1 + np.exp(-(p + power * (np.log(inside / (1 - inside)) - p) + shift)))
    out = np.where(y <= 1e-6, 0.0, np.where(y >= 1 - 1e-6, 1.0, out))
    return np.asarray(out)


@cache
def _bends(give: float) -> Float:
    """Table (101, 257) of bends of [0, 1] for strengths -SLOPE_LIMIT..SLOPE_LIMIT; see `_bend`."""
    grid = np.linspace(0, 1, 257)
    near = np.sin(np.pi * np.clip(grid / 0.6, 0, 1)) ** 2
    far = np.sin(np.pi / 2 * np.clip((grid - 0.3) / 0.7, 0, 1)) ** 2
    rows = []
    for strength in np.linspace(-SLOPE_LIMIT, SLOPE_LIMIT, 101):
        # A pulled extreme gives way a little: a fixed white point would tear bright skies.
        target = 1 - give * max(strength, 0.0)
        low, high = -8.0, 8.0
        for _ in range(40):
            q = (low + high) / 2
            slope = np.exp(-strength * near + q * far)
            curve = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2) / 256])
            low, high = (q, high) if curve[-1] < target else (low, q)
        rows.append(curve * (target / curve[-1]))
    return np.asarray(rows, np.float32)


def _bend(u: NDArray[np.float64], strength: float, give: float) -> NDArray[np.float64]:
    """Bend [0, 1] (0 = the middle tone, 1 = the extreme): strength > 0 pulls tones towards the middle, < 0 pushes away.

    The slope is 1 at u = 0, so the curve meets the untouched side without a kink, and positive everywhere. The extreme
    stays where it is, or comes along by `give` where tones are pulled.
    """
    if not strength:
        return u
    place = (min(max(strength, -SLOPE_LIMIT), SLOPE_LIMIT) / SLOPE_LIMIT + 1) * 50
    row = min(int(place), 99)
    table = _bends(give)
    curve = table[row] + (table[row + 1] - table[row]) * (place - row)
    return np.interp(u, np.linspace(0, 1, 257), curve)


def tone_curve(y: NDArray[np.float64], parameters: Mapping[str, float], zones: ToneZones) -> NDArray[np.float64]:
    """Luma `y` after the tonal develop parameters (brightness, contrast, highlights, shadows); rising in y.

    >>> y = np.linspace(0, 1, 5)
    >>> np.allclose(tone_curve(y, {}, ToneZones()), y)
    True
    """
    m = zones.middle
    out = y
    if parameters.get("shadows") or parameters.get("highlights"):
        out = y.copy()
        below, above = y < m, y > m
        out[below] = m - m * _bend((m - y[below]) / m, parameters.get("shadows", 0.0), 0.02)
        out[above] = m + (1 - m) * _bend((y[above] - m) / (1 - m), -parameters.get("highlights", 0.0), 0.06)
    shift, power = parameters.get("brightness", 0.0), 2.0 ** parameters.get("contrast", 0.0)
    return _odds_curve(out, shift, power, m) if shift or power != 1 else out


def _opponent_gains(a: float, b: float) -> Float:
    """Channel gains that shift mid-grey by (a, b) in CIELAB, with luma held. Solved once by finite differences."""
    step = 0.05
    grey = np.full(3, 0.5)

    def shifted(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        rgb = grey * np.exp(logs)
        rgb *= float(LUMA @ grey) / float(LUMA @ rgb)
        return np.asarray(lab(rgb.astype(np.float32)[None, None])[0, 0, 1:], np.float64)

    columns = np.stack([shifted(np.array([step, 0, 0])), shifted(np.array([0, 0, step]))], axis=1) / step
    red, blue = np.linalg.solve(columns, np.array([a, b], np.float64))
    return np.asarray([red, 0.0, blue], np.float32)


#: Log gains for a shift of one unit (Δ 0.5·L*) along each axis. Warm leans a little to red, as daylight does.
_WARM = _opponent_gains(0.22 * 50 * OPPONENT_PER_UNIT, 50 * OPPONENT_PER_UNIT)
_MAGENTA = _opponent_gains(50 * OPPONENT_PER_UNIT, 0.0)
_MIXER_GAINS = np.stack([_opponent_gains(*(50 * OPPONENT_PER_UNIT * d)) for d in _AB])


def direct(values: Mapping[str, float]) -> dict[str, float]:
    """Develop parameters of about the right size, without looking at any tones."""
    # The colour factors make up for what restoring luma and mixed colours take away, on average photos.
    scale = {
        "brightness": LOGITS_PER_UNIT, "contrast": 1.2, "highlights": 1.2, "shadows": 1.2, "temperature": 1.22,
        "tint": 1.1,
    }  # fmt: skip
    limit = {**TONAL}
    return {
        name: min(max(values[name] * scale.get(name, 1.0), -limit.get(name, 8.0)), limit.get(name, 8.0))
        for name in MAP_ATTRIBUTES
        if values.get(name)
    }


def _tonal_reading(levels: NDArray[np.float64]) -> Reading:
    """What a ruler would read of greys at these luma levels."""
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    lightness = np.where(linear <= 216 / 24389, linear * 24389 / 27, 116 * np.cbrt(linear) - 16)
    dark, low, middle, high, bright = (_ZONES @ lightness).tolist()
    return Reading(float(lightness.mean()), float(lightness.std()), dark, low, middle, high, bright, 0.0, 0.0, 0.0)


def open_loop(values: Mapping[str, float], zones: ToneZones) -> dict[str, float]:
    """Develop parameters expected to give the wanted measured changes together; nothing is rendered.

    The tonal ones are found jointly on the region's tone levels (`models.solve`); colour parameters are the
    values themselves. What cannot all be had comes out as the least-squares compromise within the parameters' bounds.
    """
    out = direct(values)
    names = [n for n in TONAL if values.get(n)]
    if not names:
        return out
    levels = np.array(zones.levels)
    before = _tonal_reading(levels)
    goal = np.array([values[n] for n in names])
    bound = np.array([TONAL[n] for n in names])

    def error(p: NDArray[np.float64]) -> NDArray[np.float64]:
        after = change(before, _tonal_reading(tone_curve(levels, dict(zip(names, p.tolist(), strict=True)), zones)))
        return np.array([after[n] for n in names]) - goal

    p = descend(error, np.array([out[n] for n in names]), bound)
    return {**out, **{n: float(v) for n, v in zip(names, p, strict=True)}}


def region_ops(values: Mapping[str, float], parameters: Mapping[str, float], zones: ToneZones) -> RegionOps:
    """The transform of one region.

    `parameters`: develop parameters of the map's attributes (from `open_loop`, or solved); `values`: the recipe's values,
    of which only the pointwise finishing ones (whites, blacks, black_and_white, hue:*) are read here.
    """
    curve = tone_curve(np.linspace(0, 1, KNOTS), parameters, zones)
    if whites := values.get("whites"):
        curve = curve + 0.25 * whites * curve**3
    if blacks := values.get("blacks"):
        curve = curve + 0.22 * blacks * (1 - np.clip(curve, 0, 1)) ** 4
    curve = np.maximum.accumulate(np.clip(curve, 0, 1))

    logs = parameters.get("temperature", 0.0) * _WARM + parameters.get("tint", 0.0) * _MAGENTA
    mix = np.array([values.get(name, 0.0) for name in MIXER_ATTRIBUTES], np.float32)
    logs = logs + 0.5 * np.maximum(mix, 0) @ _MIXER_GAINS.astype(np.float32)
    saturation = max(1 + parameters.get("saturation", 0.0), 0.0) * (
        1 - min(max(values.get("black_and_white", 0.0), 0), 1)
    )
    return RegionOps(
        curve.astype(np.float32), np.exp(logs).astype(np.float32), float(saturation), (0.9 * mix).astype(np.float32)
    )


def mixer_directions() -> Float:
    """(8, 2) unit vectors of the mixer's colours in the plane (r - (g + b)/2, sqrt(3)/2 (g - b)) of gamma-encoded RGB.

    >>> mixer_directions().shape
    (8, 2)
    """
    out = []
    for gains in _MIXER_GAINS:
        r, g, b = np.exp(gains.astype(np.float64))
        vector = np.array([r - (g + b) / 2, np.sqrt(3) / 2 * (g - b)])
        out.append(vector / np.linalg.norm(vector))
    return np.asarray(out, np.float32)
