"""Repair: what is wrong with a photo is mended before anything else is done to it. Full size, in bands, by region.

Fine faults first (noise, codec blocks, blur), each a residual that is added by its strength, then faults of the whole tone
(haze, low light). What the network would add above the photo's own fine structure is bounded (`limited`): it may bring out
what is there, never invent it. Between the stages the photo has 16 bits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import classical, restorer
from models.finish import Band, stretch
from models.mask import SoftMask, full_scale, guide, harden
from models.render import render

Float = NDArray[np.float32]
Pixels = NDArray[np.generic]

#: A picture (h, w, 3) in [0, 1] to the same, with all its fine faults repaired.
Whole = Callable[[Float], Float]

#: Faults that lie between neighbouring pixels, and those of the tone, in canonical order.
FINE: Final = ("denoise", "deblock", "deblur")
TONE: Final = ("dehaze", "low_light")
#: Rows worked on at a time, a multiple of `restorer.STRIDE`.
BAND: Final = 512


@dataclass(frozen=True, eq=False)
class Repair:
    """The strengths of one region, in [-1, 1]; `mask` None is everywhere."""

    values: Mapping[str, float]
    mask: SoftMask | None = None

    def has(self, names: Sequence[str]) -> bool:
        """True if any of these is asked for."""
        return any(self.values.get(name) for name in names)


def repair(
    pixels: Pixels,
    repairs: Sequence[Repair],
    keep: Sequence[SoftMask] = (),
    told: Callable[[float], None] | None = None,
    larger: Whole | None = None,
) -> Pixels:
    """Mend a photo (H, W, 3) uint8 or uint16; the result has 16 bits. Without repairs `pixels` itself is returned.

    `keep`: regions whose pixels stay as they are. `told` hears the share that is done, and may raise to stop. `larger`: what
    repairs fine faults instead of Burnish's own network, all of them as strongly as the strongest that is asked for.
    """
    fine = [r for r in repairs if r.has(FINE)]
    toned = [r for r in repairs if r.has(TONE)]
    if not fine and not toned:
        return pixels
    out = render(pixels, bits=16)
    if fine:
        out = _banded(out, pixels, restorer.MARGIN, lambda x, band, luma: _fine(x, fine, band, luma, larger), told)
    for name in TONE:
        asked = [r for r in toned if r.values.get(name)]
        if asked:
            out = _toned(out, pixels, name, asked)
    return held(out, pixels, keep)


def held(out: Pixels, pixels: Pixels, keep: Sequence[SoftMask]) -> Pixels:
    """`out` (16 bits) with the regions `keep` as they are in `pixels`."""
    if not keep:
        return out

    def back(x: Float, band: Band, luma: Float) -> Float:
        original = pixels[band.top : band.top + x.shape[0]].astype(np.float32) / np.float32(full_scale(pixels))
        for mask in keep:
            weight = _weight(mask, band, luma)
            x = x + weight[..., None] * (original - x)
        return x

    return _banded(out, pixels, 0, back, None)


def _banded(
    deep: Pixels,
    original: Pixels,
    margin: int,
    work: Callable[[Float, Band, Float], Float],
    told: Callable[[float], None] | None,
) -> Pixels:
    """`work` on bands of rows that overlap by `margin`; `original` is the guide of the masks."""
    height, width = deep.shape[:2]
    out = np.empty_like(deep)
    thumbnail = np.zeros((1, 1, 3), np.float32)
    for start in range(0, height, BAND):
        stop = min(start + BAND, height)
        first, last = max(0, start - margin), min(height, stop + margin)
        band = Band(first, height, width, thumbnail)
        x = deep[first:last].astype(np.float32) / np.float32(65535)
        inner = work(x, band, guide(original[first:last]))[start - first : stop - first]
        out[start:stop] = np.clip(inner * np.float32(65535) + np.float32(0.5), 0, 65535).astype(np.uint16)
        if told is not None:
            told(stop / height)
    return out


def _weight(mask: SoftMask, band: Band, luma: Float) -> Float:
    return harden(stretch(mask.a, band, luma.shape[0]) * luma + stretch(mask.b, band, luma.shape[0]))


def _fine(x: Float, repairs: Sequence[Repair], band: Band, luma: Float, larger: Whole | None) -> Float:
    """Fine faults of a band: residuals of the network, or the classical methods where it is not installed."""
    weights = [None if r.mask is None else _weight(r.mask, band, luma) for r in repairs]
    if all(w is not None and not w.any() for w in weights):
        return x
    whole = larger(x) - x if larger is not None else None
    found = restorer.residuals(x) if whole is None and restorer.installed() else None
    out = x
    for r, weight in zip(repairs, weights, strict=True):
        change = np.zeros_like(x)
        if whole is not None:
            change = np.float32(max(max(r.values.get(name, 0.0) for name in FINE), 0.0)) * whole
        for k, name in enumerate(FINE if whole is None else ()):
            if (value := r.values.get(name, 0.0)) > 0:
                change += (np.float32(value) * found[k]) if found is not None else _OLD[name](x, value) - x
        change = limited(x, change)
        out = out + (change if weight is None else weight[..., None] * change)
    return np.asarray(np.clip(out, 0, 1), np.float32)


_OLD: Final[Mapping[str, Callable[[Float, float], Float]]] = {
    "denoise": classical.denoise,
    "deblock": classical.deblock,
    "deblur": classical.deblur,
}

#: Fine structure that is added may be this many times what is there, and so much beside, in shares of white.
GAIN: Final = 3.0
FLOOR: Final = 0.01
#: What is finer than this many pixels (standard deviation of a Gaussian) is fine structure.
FINEST: Final = 1.5


def limited(x: Float, change: Float) -> Float:
    """`change` (h, w, 3) without the fine structure that it would add beyond `GAIN` times that of `x` around the place.

    What takes fine structure away, as denoising does, is never bounded.
    """
    high = x - cv2.GaussianBlur(x, (0, 0), FINEST)
    size = (9, 9)
    there = np.sqrt(np.maximum(cv2.blur((high * high).mean(axis=2), size), 0))
    more = change - cv2.GaussianBlur(change, (0, 0), FINEST)
    # What the photo has already is never cut.
    bound = np.maximum((np.float32(GAIN) * there + np.float32(FLOOR))[..., None], np.abs(high))
    after = high + more
    # Of the fine structure as it would be, what is over the bound is cut off.
    return np.asarray(change + np.clip(after, -bound, bound) - after, np.float32)


def structure(before: Pixels, after: Pixels) -> float:
    """Strength of the fine structure of a photo after its repairs, as a share of what it was before; 1 is as much.

    Both (H, W, 3), uint8 or uint16. Noise that is taken away brings it below 1, blur that is taken away above.
    """
    found = []
    for pixels in (before, after):
        luma = guide(pixels)
        found.append(float(np.std(luma - cv2.GaussianBlur(luma, (0, 0), FINEST))))
    return found[1] / max(found[0], 1e-6)


def _toned(deep: Pixels, original: Pixels, name: str, repairs: Sequence[Repair]) -> Pixels:
    height, width = deep.shape[:2]
    scale = min(1.0, restorer.TONED_AT / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(deep, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(65535)
    grids = restorer.grids(small, name) if restorer.installed() else []
    light, veil = classical.veil_of(small)

    def work(x: Float, band: Band, luma: Float) -> Float:
        drawn: Float | None = None
        for r in repairs:
            value = r.values.get(name, 0.0)
            if grids and value > 0:
                if drawn is None:
                    drawn = done[band.top : band.top + x.shape[0]].astype(np.float32) / np.float32(65535)
                change = np.float32(value) * (drawn - x)
            elif name == "dehaze":
                change = classical.dehaze(x, value, light, stretch(veil, band, x.shape[0])) - x
            else:
                change = classical.low_light(x, value, small) - x
            x = x + (change if r.mask is None else _weight(r.mask, band, luma)[..., None] * change)
        return x

    done = deep
    for grid in grids:
        done = render(done, grid=grid)
    return _banded(deep, original, 0, work, None)
