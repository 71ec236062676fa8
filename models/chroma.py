"""Colour laid over a photo without touching its luma, to the last bit, at any size.

*Luma* is here the integer that a photo's grey channel would be: the Rec. 709 weights on gamma-encoded code values,
``(2126 R + 7152 G + 722 B + 5000) // 10000``. For a grey pixel it is the grey itself. Colours move in the plane in which it
stays: their *chroma* is the pair (R − luma, B − luma), as a share of white, and G follows. Where the gamut ends chroma is
shortened, hue kept. R and B are rounded, then G is the code value nearest to what the luma asks: it is off by at most half of
7152, which is less than the 5000 at which the luma would become another one. So the luma of what comes out is that of what
went in, always.

Between a thumbnail on which the colours are known and the full size stands a guided filter (He, Sun and Tang 2013; its fast
form 2015): at every place chroma is affine in the photo's own luma, so colours end where the photo's edges are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.attributes import lab
from models.finish import Band, stretch
from models.mask import LUMA, SoftMask, full_scale, guide, harden

Float = NDArray[np.float32]

#: Radius of the guided filter, in pixels at a long edge of 512, and the variance of luma below which it only smooths.
RADIUS: Final = 6
EPS: Final = 4e-4
#: Rows that are painted at a time.
BAND: Final = 512

_RED, _GREEN, _BLUE, _ALL = 2126, 7152, 722, 10000


def luma_codes(pixels: NDArray[np.generic]) -> NDArray[np.int64]:
    """The luma (H, W) of uint8 or uint16 pixels (H, W, 3), in their code values.

    >>> luma_codes(np.array([[[90, 90, 90], [255, 0, 0]]], np.uint8)).tolist()
    [[90, 54]]
    """
    r, g, b = (pixels[..., i].astype(np.int64) for i in range(3))
    return np.asarray((_RED * r + _GREEN * g + _BLUE * b + _ALL // 2) // _ALL, np.int64)


def in_plane(luma: Float, ab: Float) -> Float:
    """Chroma (h, w, 2), shares of white, of colours of CIELAB `ab` (h, w, 2) whose luma is `luma` (h, w) in [0, 1].

    The lightness that has this luma is found by halving. What no screen can show comes out at the border of what it can.
    """
    low, high = np.zeros_like(luma), np.full_like(luma, 100)
    rgb = np.zeros((*luma.shape, 3), np.float32)
    for _ in range(14):
        middle = (low + high) / 2
        rgb = cv2.cvtColor(np.dstack([middle, ab]).astype(np.float32), cv2.COLOR_Lab2RGB)
        below = np.clip(rgb, 0, 1) @ LUMA < luma
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    rgb = np.clip(rgb, 0, 1)
    return np.asarray(rgb[..., ::2] - (rgb @ LUMA)[..., None], np.float32)


def of(rgb: Float) -> Float:
    """CIELAB a and b (h, w, 2) of gamma-encoded sRGB (h, w, 3) in [0, 1]."""
    return np.ascontiguousarray(lab(rgb)[..., 1:])


@dataclass(frozen=True, eq=False)
class ChromaMap:
    """Chroma at any size: ``a * luma + b`` at every place, both (h, w, 2) float32, interpolated bilinearly.

    `low` and `high` (2,) are the extremes of the colours it was fitted to: it never goes beyond them.
    """

    a: Float
    b: Float
    low: Float
    high: Float


def fit(luma: Float, chroma: Float) -> ChromaMap:
    """The map of a thumbnail's chroma (h, w, 2) over its luma (h, w) in [0, 1]."""
    radius = max(1, round(RADIUS * max(luma.shape) / 512))
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(x: NDArray[np.floating]) -> Float:
        return np.asarray(cv2.boxFilter(x, cv2.CV_32F, size, borderType=cv2.BORDER_REFLECT), np.float32)

    middle = mean(luma)
    spread = mean(luma * luma) - middle * middle + np.float32(EPS)
    slopes, offsets = [], []
    for plane in np.moveaxis(chroma, -1, 0):
        level = mean(np.ascontiguousarray(plane))
        slope = np.asarray((mean(luma * plane) - middle * level) / spread, np.float32)
        slopes.append(mean(slope))
        offsets.append(mean(level - slope * middle))
    flat = chroma.reshape(-1, 2)
    return ChromaMap(np.dstack(slopes), np.dstack(offsets), flat.min(axis=0), flat.max(axis=0))


def paint(
    pixels: NDArray[np.generic],
    colours: ChromaMap,
    strengths: Sequence[tuple[float, SoftMask | None]] = ((1.0, None),),
    keep: Sequence[SoftMask] = (),
) -> NDArray[np.generic]:
    """`pixels` (H, W, 3), uint8 or uint16, with the chroma of a map in place of their own; luma stays bit for bit.

    `strengths`: how far towards it, 0..1, in which region; None is everywhere, and the stronger one holds. With 0 pixels stay,
    and so do those of the regions `keep`. In bands of rows, so what is needed besides the result is small; bands do not show.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"expected (H, W, 3) uint8 or uint16 pixels, not {pixels.shape} {pixels.dtype}")
    height, width = pixels.shape[:2]
    out = np.empty_like(pixels)
    white = np.float32(full_scale(pixels))
    everywhere = max((v for v, mask in strengths if mask is None), default=0.0)
    masked = [(v, mask) for v, mask in strengths if mask is not None and v > everywhere]
    h, w = colours.a.shape[:2]
    columns = ((np.arange(width, dtype=np.float64) + 0.5) / width * w - 0.5).clip(0, w - 1)
    planes = np.ascontiguousarray(np.concatenate([colours.a, colours.b], axis=2), np.float32)
    for top in range(0, height, BAND):
        rows = np.arange(top, min(top + BAND, height), dtype=np.float64)
        here = np.ascontiguousarray(pixels[top : top + BAND])
        strength = np.full((len(rows), width) if masked or keep else (1, 1), everywhere, np.float32)
        for value, mask in masked:
            strength = np.maximum(strength, np.float32(value) * _weight(mask, here, top, height))
        for mask in keep:
            strength *= 1 - _weight(mask, here, top, height)
        at = ((rows + 0.5) / height * h - 0.5).clip(0, h - 1)
        _paint(here, out[top : top + BAND], planes, at, columns, colours.low, colours.high, strength, white)
    return out


def _weight(mask: SoftMask, rows: NDArray[np.generic], top: int, height: int) -> Float:
    """A mask over a band of rows that begins at row `top` of a photo of `height`."""
    band = Band(top, height, rows.shape[1], np.zeros((1, 1, 3), np.float32))
    luma = guide(rows)
    return harden(stretch(mask.a, band, len(rows)) * luma + stretch(mask.b, band, len(rows)))


# No fast arithmetic: what comes out must not depend on where a band begins or how wide a machine's registers are.
@njit(nogil=True, cache=True, error_model="numpy")
def _paint(pixels, out, planes, rows, columns, low, high, strength, white) -> None:  # type: ignore[no-untyped-def]
    h, w = planes.shape[0], planes.shape[1]
    line = np.empty((w, 4), np.float32)
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    wr, wb, wg = np.float32(0.2126), np.float32(0.0722), np.float32(0.7152)
    for y in range(pixels.shape[0]):
        above = min(int(rows[y]), max(h - 2, 0))
        below = min(above + 1, h - 1)
        down = np.float32(rows[y] - above)
        for x in range(w):
            for c in range(4):
                line[x, c] = planes[above, x, c] * (one - down) + planes[below, x, c] * down
        for x in range(pixels.shape[1]):
            left = min(int(columns[x]), max(w - 2, 0))
            right = min(left + 1, w - 1)
            t = np.float32(columns[x] - left)
            r, g, b = np.int64(pixels[y, x, 0]), np.int64(pixels[y, x, 1]), np.int64(pixels[y, x, 2])
            luma = (2126 * r + 7152 * g + 722 * b + 5000) // 10000
            level = np.float32(luma) / white
            red = (
                (line[left, 0] * (one - t) + line[right, 0] * t) * level
                + line[left, 2] * (one - t)
                + line[right, 2] * t
            )
            blue = (
                (line[left, 1] * (one - t) + line[right, 1] * t) * level
                + line[left, 3] * (one - t)
                + line[right, 3] * t
            )
            red, blue = min(max(red, low[0]), high[0]), min(max(blue, low[1]), high[1])
            amount = strength[min(y, strength.shape[0] - 1), min(x, strength.shape[1] - 1)]
            if amount <= zero:
                for c in range(3):
                    out[y, x, c] = pixels[y, x, c]
                continue
            own_red, own_blue = np.float32(r - luma) / white, np.float32(b - luma) / white
            red, blue = own_red + amount * (red - own_red), own_blue + amount * (blue - own_blue)
            green = -(wr * red + wb * blue) / wg
            most, least = max(max(red, green), blue), -min(min(red, green), blue)
            fits = one
            if most > one - level:
                fits = (one - level) / most
            if least > level:
                fits = min(fits, level / least)
            r = np.int64(
                np.float32(luma) + max(min(red * fits * white, white - np.float32(luma)), -np.float32(luma)) + half
            )
            b = np.int64(
                np.float32(luma) + max(min(blue * fits * white, white - np.float32(luma)), -np.float32(luma)) + half
            )
            rest = luma * 10000 - 2126 * r - 722 * b
            out[y, x, 0] = r
            out[y, x, 1] = min(max((2 * rest + 7152) // 14304, 0), np.int64(white))
            out[y, x, 2] = b
