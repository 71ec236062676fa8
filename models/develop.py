"""Develop: the analytic part of a retouch, a pointwise colour transform per region, right before anything is learned.

A region's settings become one tone curve on luma, one gain per channel (temperature, tint), one saturation and eight
colour-mixer weights. Luma is ``LUMA · rgb`` on gamma-encoded values, and the tone curve is applied as a ratio to all
three channels, so hue stays put; what would leave the gamut moves towards its own luma, so nothing clips to a false hue.

The curves never clip and always rise. Brightness and contrast are affine in the log odds of luma (a logistic shift, and a
power of the odds about the region's middle); highlights and shadows bend one side of the middle by integrating a positive
slope. `ToneZones` carries where the region's tones lie, so that a value means the same on a dark and on a bright region.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.attributes import LOGITS_PER_UNIT, OPPONENT_PER_UNIT, Float, Ruler, lab
from models.mask import LUMA
from models.vocabulary import MAP_ATTRIBUTES, MIXER_ATTRIBUTES, MIXER_HUES

#: Knots of a tone curve over luma 0..1.
KNOTS: Final = 1025
#: Strongest slope a tonal zone may take: e^2.3 = 10, beyond which noise and banding show.
SLOPE_LIMIT: Final = 2.3

#: Directions of the mixer's colours in the plane (r - (g + b) / 2, sqrt(3) / 2 (g - b)), from their CIELAB hues.
_AB = np.array([[np.cos(np.radians(h)), np.sin(np.radians(h))] for h in MIXER_HUES.values()])


@dataclass(frozen=True)
class ToneZones:
    """Mean luma, in [0, 1], of a region's dark, middle and bright zones and of the whole, before the edit."""

    dark: float = 0.2
    middle: float = 0.5
    bright: float = 0.8
    mean: float = 0.5


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
    dark, middle, bright, mean = (float(w @ luma) for w in (by.dark, by.middle, by.bright, by.whole))
    middle = min(max(middle, 0.06), 0.94)
    return ToneZones(min(dark, middle - 0.02), middle, max(bright, middle + 0.02), min(max(mean, 0.01), 0.99))


def _odds_curve(y: NDArray[np.float64], shift: float, power: float, pivot: float) -> NDArray[np.float64]:
    """Affine map of log odds: ``logit' = logit(pivot) + power (logit - logit(pivot)) + shift``; 0 → 0 and 1 → 1."""
    p = np.log(pivot / (1 - pivot))
    inside = np.clip(y, 1e-6, 1 - 1e-6)
    out = 1 / (1 + np.exp(-(p + power * (np.log(inside / (1 - inside)) - p) + shift)))
    out = np.where(y <= 1e-6, 0.0, np.where(y >= 1 - 1e-6, 1.0, out))
    return np.asarray(out)


def _bend(u: NDArray[np.float64], strength: float, end_drop: float = 0.0) -> NDArray[np.float64]:
    """Bend [0, 1] (0 = the middle tone, 1 = the extreme): strength > 0 pulls tones towards the middle, < 0 pushes away.

    The slope is 1 at u = 0, so the curve meets the untouched side without a kink, and positive everywhere. The extreme
    stays where it is, or drops by `end_drop` where tones are pulled.
    """
    grid = np.linspace(0, 1, 257)
    near = np.sin(np.pi * np.clip(grid / 0.6, 0, 1)) ** 2
    far = np.sin(np.pi / 2 * np.clip((grid - 0.3) / 0.7, 0, 1)) ** 2
    target = 1 - max(end_drop, 0.0)

    def integral(q: float) -> NDArray[np.float64]:
        slope = np.exp(-strength * near + q * far)
        return np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2) / 256])

    low, high = -8.0, 8.0
    for _ in range(40):
        q = (low + high) / 2
        low, high = (q, high) if integral(q)[-1] < target else (low, q)
    return np.interp(u, grid, integral((low + high) / 2))


def _zone_curve(y: NDArray[np.float64], zones: ToneZones, shadows: float, highlights: float) -> NDArray[np.float64]:
    """Bend the dark side (shadows > 0 lifts) and the bright side (highlights > 0 brightens) of the middle."""
    m = zones.middle
    out = y.copy()
    if shadows:
        below = y < m
        out[below] = m - m * _bend((m - y[below]) / m, float(np.clip(shadows, -SLOPE_LIMIT, SLOPE_LIMIT)))
    if highlights:
        strength = float(np.clip(-highlights, -SLOPE_LIMIT, SLOPE_LIMIT))
        above = y > m
        # Recovering highlights also lowers the white point a little: a fixed one would tear bright skies.
        drop = 0.06 * max(strength, 0.0)
        out[above] = m + (1 - m) * _bend((y[above] - m) / (1 - m), strength, drop)
    return out


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


def open_loop(values: dict[str, float], zones: ToneZones) -> dict[str, float]:
    """Develop parameters expected to give the wanted measured change, from the zones alone; no rendering.

    Tonal parameters are found by bisection on the zone means; colour parameters are the values themselves.
    """
    out: dict[str, float] = {}
    for name in MAP_ATTRIBUTES:
        value = values.get(name, 0.0)
        if not value:
            continue
        if name == "brightness":
            out[name] = value * LOGITS_PER_UNIT
        elif name == "contrast":
            points = np.array([zones.dark, zones.bright])
            goal = 2.0**value * (zones.bright - zones.dark)
            out[name] = _bisect(lambda p, pts=points: float(np.ptp(_odds_curve(pts, 0, 2.0**p, zones.middle))), goal, 2)
        elif name == "shadows":
            gap = zones.middle - zones.dark
            goal = zones.dark + (value * gap if value > 0 else value * zones.dark)
            point = np.array([zones.dark])
            out[name] = _bisect(lambda p, pt=point: float(_zone_curve(pt, zones, p, 0)[0]), goal, SLOPE_LIMIT)
        elif name == "highlights":
            room = 1 - zones.bright if value > 0 else zones.bright - zones.middle
            point = np.array([zones.bright])
            goal = zones.bright + value * room
            out[name] = _bisect(lambda p, pt=point: float(_zone_curve(pt, zones, 0, p)[0]), goal, SLOPE_LIMIT)
        else:
            out[name] = value
    return out


def _bisect(rising: "object", goal: float, limit: float) -> float:
    """The argument in [-limit, limit] where a rising function meets `goal`, or the nearer end."""
    low, high = -limit, limit
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < goal else (low, middle)  # type: ignore[operator]
    return (low + high) / 2


def region_ops(values: dict[str, float], parameters: dict[str, float], zones: ToneZones) -> RegionOps:
    """The transform of one region.

    `parameters`: develop parameters of the map's attributes (from `open_loop`, or solved); `values`: the recipe's values,
    of which only the pointwise finishing ones (whites, blacks, black_and_white, hue:*) are read here.
    """
    y = np.linspace(0, 1, KNOTS)
    curve = _odds_curve(y, parameters.get("brightness", 0.0), 1.0, zones.mean)
    if parameters.get("contrast"):
        pivot = float(np.interp(zones.middle, y, curve))
        curve = _odds_curve(curve, 0.0, 2.0 ** parameters["contrast"], min(max(pivot, 0.02), 0.98))
    if parameters.get("shadows") or parameters.get("highlights"):
        # The bend lies on the original tones, so it composes with brightness without moving its zone.
        bent = _zone_curve(y, zones, parameters.get("shadows", 0.0), parameters.get("highlights", 0.0))
        curve = np.interp(bent, y, curve)
    if whites := values.get("whites"):
        curve = curve + 0.25 * whites * curve**3
    if blacks := values.get("blacks"):
        curve = curve + 0.22 * blacks * (1 - np.clip(curve, 0, 1)) ** 4
    curve = np.maximum.accumulate(np.clip(curve, 0, 1))

    logs = parameters.get("temperature", 0.0) * _WARM + parameters.get("tint", 0.0) * _MAGENTA
    mix = np.array([values.get(name, 0.0) for name in MIXER_ATTRIBUTES], np.float32)
    logs = logs + 0.5 * np.maximum(mix, 0) @ _MIXER_GAINS.astype(np.float32)
    saturation = max(1 + parameters.get("saturation", 0.0), 0.0) * (1 - min(max(values.get("black_and_white", 0.0), 0), 1))
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
