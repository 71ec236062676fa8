"""The compiled renderer: develop, bilateral grid and keep in one pass over the photo, at any size, 8 or 16 bit.

Rows are independent, so memory is bounded by the output plus a few row buffers per thread, and the result does not depend
on the number of threads. The arithmetic follows `models.develop` and `models.grid`; `models.twin` is its torch twin.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.develop import KNOTS, RegionOps, mixer_directions
from models.mask import HIGH, LOW, LUMA, SoftMask, full_scale

Float = NDArray[np.float32]

_R, _G, _B = (float(v) for v in LUMA)
_LOW, _SPAN = LOW, HIGH - LOW
_LAST = KNOTS - 1
#: Pixels below which threads are not worth it.
_SMALL = 60_000
#: Pixels a row is worked on at a time: small enough for the first-level cache.
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Layer:
    """One region's transform and where it applies; `mask` None is everywhere."""

    ops: RegionOps
    mask: SoftMask | None = None


def _stack(masks: Sequence[SoftMask | None]) -> tuple[Float, Float, NDArray[np.bool_]]:
    """Coefficients (n, h, w) of the masks, at one size, and which of them are everywhere."""
    import cv2

    sized = [m for m in masks if m is not None and m.a.size > 1]
    height, width = max((m.a.shape for m in sized), default=(1, 1))
    a = np.zeros((len(masks), height, width), np.float32)
    b = np.ones((len(masks), height, width), np.float32)
    everywhere = np.zeros(len(masks), np.bool_)
    for i, mask in enumerate(masks):
        if mask is None or (mask.a.size == 1 and mask.a[0, 0] == 0 and mask.b[0, 0] >= 1):
            everywhere[i] = True
        elif mask.a.shape == (height, width):
            a[i], b[i] = mask.a, mask.b
        else:
            a[i] = cv2.resize(mask.a, (width, height), interpolation=cv2.INTER_LINEAR)
            b[i] = cv2.resize(mask.b, (width, height), interpolation=cv2.INTER_LINEAR)
    return a, b, everywhere


def _taps(size: int, cells: int) -> tuple[NDArray[np.int32], Float]:
    """For each of `size` pixels the left of two neighbouring cells and the weight of the right one (half-pixel centres)."""
    place = np.clip((np.arange(size) + 0.5) / size * cells - 0.5, 0, cells - 1)
    left = np.minimum(np.floor(place), max(cells - 2, 0)).astype(np.int32)
    return left, (place - left).astype(np.float32)


def render(
    pixels: NDArray[np.generic],
    layers: Sequence[Layer] = (),
    grid: Float | None = None,
    strength: float = 1.0,
    keep: Sequence[SoftMask] = (),
    bits: int | None = None,
) -> NDArray[np.generic]:
    """Render a photo.

    `pixels`: (H, W, 3) uint8 or uint16, gamma encoded. `layers` apply in order. `grid`: (12, 8, 16, 16) float32, blended by
    `strength` (0 is no grid). `keep`: regions whose pixels come out as they went in. `bits`: depth of the result, 8 or 16;
    by default that of `pixels`. Without layers and grid the result equals the input exactly.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"expected (H, W, 3) uint8 or uint16 pixels, not {pixels.shape} {pixels.dtype}")
    height, width = pixels.shape[:2]
    count = len(layers)
    a, b, everywhere = _stack([layer.mask for layer in layers] + list(keep))
    curves = np.ones((max(count, 1), KNOTS), np.float32)
    gains = np.ones((max(count, 1), 3), np.float32)
    saturation = np.ones(max(count, 1), np.float32)
    mix = np.zeros((max(count, 1), 8), np.float32)
    for i, layer in enumerate(layers):
        curves[i], gains[i], saturation[i] = layer.ops.curve, layer.ops.gains, layer.ops.saturation
        mix[i] = layer.ops.mix
    has_grid = grid is not None and strength != 0
    cells = np.zeros((16, 16, 8, 12), np.float32)
    if has_grid:
        # Blending with the identity grid is blending of the result: the slice is linear in the grid.
        eye = np.eye(3, 4, dtype=np.float32).reshape(12, 1, 1, 1)
        blended = eye + np.float32(strength) * (np.asarray(grid, np.float32) - eye)
        cells = np.ascontiguousarray(blended.transpose(2, 3, 1, 0))
    deep = (bits or 8 * pixels.dtype.itemsize) == 16
    out = np.empty(pixels.shape, np.uint16 if deep else np.uint8)
    mask_rows, mask_cols = _taps(height, a.shape[1]), _taps(width, a.shape[2])
    cell_rows, cell_cols = _taps(height, 16), _taps(width, 16)
    arguments = (
        np.ascontiguousarray(pixels), out, count, curves, gains, saturation, mix, np.any(mix != 0, axis=1), a, b,
        everywhere, has_grid, cells, *mask_rows, *mask_cols, *cell_rows, *cell_cols, mixer_directions(),
        np.float32(full_scale(pixels)), np.float32(65535 if deep else 255),
    )  # fmt: skip
    if height * width < _SMALL:
        _kernel(0, height, *arguments)
    else:
        # The kernel lets go of the interpreter, so plain threads share the rows; any number of renders may run at once.
        edges = np.linspace(0, height, 4 * _threads() + 1).astype(int).tolist()
        for done in [_pool().submit(_kernel, *rows, *arguments) for rows in pairwise(edges)]:
            done.result()
    return out


def _threads() -> int:
    return min(os.cpu_count() or 1, 16)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_threads(), thread_name_prefix="render")


@njit(nogil=True, fastmath={"contract", "nsz", "arcp", "nnan", "ninf"}, cache=True, error_model="numpy")
def _kernel(  # type: ignore[no-untyped-def]
    first, last, pixels, out, count, curves, gains, saturation, mix, mixed, mask_a, mask_b, everywhere, has_grid, cells,
    mask_top, mask_down, mask_left, mask_right, cell_top, cell_down, cell_left, cell_right, directions, scale_in, scale_out,
) -> None:  # fmt: skip
    width = pixels.shape[1]
    rows_a, masks = mask_a.shape[1], mask_a.shape[0]
    columns = mask_a.shape[2]
    one, zero = np.float32(1), np.float32(0)
    inverse = one / scale_in
    r = np.empty(_CHUNK, np.float32)
    g = np.empty(_CHUNK, np.float32)
    b = np.empty(_CHUNK, np.float32)
    luma0 = np.empty(_CHUNK, np.float32)
    m = np.empty(_CHUNK, np.float32)
    z = np.empty(_CHUNK, np.float32)
    held = np.empty(_CHUNK, np.float32)
    ar = np.empty(_CHUNK, np.float32)
    ag = np.empty(_CHUNK, np.float32)
    ab = np.empty(_CHUNK, np.float32)
    line_a = np.empty((masks, columns), np.float32)
    line_b = np.empty((masks, columns), np.float32)
    line = np.empty((16, 8, 12), np.float32)
    for row in range(first, last):
        top, down = mask_top[row], mask_down[row]
        below = min(top + 1, rows_a - 1)
        for k in range(masks):
            for x in range(columns):
                line_a[k, x] = mask_a[k, top, x] * (one - down) + mask_a[k, below, x] * down
                line_b[k, x] = mask_b[k, top, x] * (one - down) + mask_b[k, below, x] * down
        if has_grid:
            top, down = cell_top[row], cell_down[row]
            for x in range(16):
                for level in range(8):
                    for c in range(12):
                        line[x, level, c] = cells[top, x, level, c] * (one - down) + cells[top + 1, x, level, c] * down

        start = 0
        while start < width:
            stop = min(start + _CHUNK, width)
            if has_grid:
                # A chunk stays between two neighbouring cells, so their coefficients are constants of the inner loop.
                left = cell_left[start]
                while cell_left[stop - 1] != left:
                    stop -= (stop - start + 1) // 2 if cell_left[(start + stop) // 2] != left else 1
            n = stop - start
            for i in range(n):
                r[i] = pixels[row, start + i, 0] * inverse
                g[i] = pixels[row, start + i, 1] * inverse
                b[i] = pixels[row, start + i, 2] * inverse
            for i in range(n):
                luma0[i] = np.float32(_R) * r[i] + np.float32(_G) * g[i] + np.float32(_B) * b[i]
            touched = has_grid

            for k in range(count):
                if everywhere[k]:
                    for i in range(n):
                        m[i] = one
                    inside = one
                else:
                    inside = zero
                    for i in range(n):
                        x = mask_left[start + i]
                        t = mask_right[start + i]
                        x1 = min(x + 1, columns - 1)
                        raw = (line_a[k, x] * (one - t) + line_a[k, x1] * t) * luma0[i]
                        raw += line_b[k, x] * (one - t) + line_b[k, x1] * t
                        m[i] = min(max((raw - np.float32(_LOW)) / np.float32(_SPAN), zero), one)
                        inside = max(inside, m[i])
                if inside == zero:
                    continue
                touched = True
                gr, gg, gb, s = gains[k, 0], gains[k, 1], gains[k, 2], saturation[k]
                for i in range(n):
                    y = np.float32(_R) * r[i] + np.float32(_G) * g[i] + np.float32(_B) * b[i]
                    place = min(max(y, zero), one) * np.float32(_LAST)
                    knot = min(np.int32(place), np.int32(_LAST - 1))
                    t = place - np.float32(knot)
                    wanted = curves[k, knot] * (one - t) + curves[k, knot + 1] * t
                    pr, pg, pb = r[i] * gr, g[i] * gg, b[i] * gb
                    have = np.float32(_R) * pr + np.float32(_G) * pg + np.float32(_B) * pb
                    ratio = wanted / max(have, np.float32(1e-4))
                    lifted = max(wanted - have * ratio, zero)  # what a black pixel cannot get by a ratio
                    pr, pg, pb = pr * ratio + lifted, pg * ratio + lifted, pb * ratio + lifted
                    amount = s
                    if mixed[k]:
                        alpha = pr - np.float32(0.5) * (pg + pb)
                        beta = np.float32(0.8660254) * (pg - pb)
                        length = max(np.sqrt(alpha * alpha + beta * beta), np.float32(1e-5))
                        for j in range(8):
                            near = max((alpha * directions[j, 0] + beta * directions[j, 1]) / length, zero)
                            amount += s * mix[k, j] * near * near * near * near
                        amount = max(amount, zero)
                    dr, dg, db = (pr - wanted) * amount, (pg - wanted) * amount, (pb - wanted) * amount
                    high = max(max(dr, dg), db)
                    low = -min(min(dr, dg), db)
                    fit = min(
                        one, min((one - wanted) / max(high, np.float32(1e-6)), wanted / max(low, np.float32(1e-6)))
                    )
                    r[i] += m[i] * (wanted + dr * fit - r[i])
                    g[i] += m[i] * (wanted + dg * fit - g[i])
                    b[i] += m[i] * (wanted + db * fit - b[i])

            if has_grid:
                left = cell_left[start]
                lowest, highest = np.float32(7), zero
                for i in range(n):
                    y = np.float32(_R) * r[i] + np.float32(_G) * g[i] + np.float32(_B) * b[i]
                    z[i] = min(max(y, zero), one) * np.float32(7)
                    lowest, highest = min(lowest, z[i]), max(highest, z[i])
                    ar[i] = zero
                    ag[i] = zero
                    ab[i] = zero
                for level in range(int(lowest), min(int(highest) + 2, 8)):
                    c = line[left, level]
                    d = line[left + 1, level] - c
                    c0, c1, c2, c3, c4, c5 = c[0], c[1], c[2], c[3], c[4], c[5]
                    c6, c7, c8, c9, c10, c11 = c[6], c[7], c[8], c[9], c[10], c[11]
                    d0, d1, d2, d3, d4, d5 = d[0], d[1], d[2], d[3], d[4], d[5]
                    d6, d7, d8, d9, d10, d11 = d[6], d[7], d[8], d[9], d[10], d[11]
                    here = np.float32(level)
                    for i in range(n):
                        t = cell_right[start + i]
                        w = max(one - abs(z[i] - here), zero)
                        u, v, q = r[i], g[i], b[i]
                        ar[i] += w * ((c0 + t * d0) * u + (c1 + t * d1) * v + (c2 + t * d2) * q + (c3 + t * d3))
                        ag[i] += w * ((c4 + t * d4) * u + (c5 + t * d5) * v + (c6 + t * d6) * q + (c7 + t * d7))
                        ab[i] += w * ((c8 + t * d8) * u + (c9 + t * d9) * v + (c10 + t * d10) * q + (c11 + t * d11))
                for i in range(n):
                    r[i], g[i], b[i] = ar[i], ag[i], ab[i]

            if not touched:
                factor = scale_out * inverse
                for i in range(n):
                    for c in range(3):
                        out[row, start + i, c] = np.uint32(pixels[row, start + i, c] * factor + np.float32(0.5))
                start = stop
                continue
            for i in range(n):
                held[i] = zero
            for k in range(count, masks):
                for i in range(n):
                    x = mask_left[start + i]
                    t = mask_right[start + i]
                    x1 = min(x + 1, columns - 1)
                    raw = (line_a[k, x] * (one - t) + line_a[k, x1] * t) * luma0[i]
                    raw += line_b[k, x] * (one - t) + line_b[k, x1] * t
                    level_k = min(max((raw - np.float32(_LOW)) / np.float32(_SPAN), zero), one)
                    held[i] = max(held[i], one if everywhere[k] else level_k)
            if masks > count:
                for i in range(n):
                    r[i] += held[i] * (pixels[row, start + i, 0] * inverse - r[i])
                    g[i] += held[i] * (pixels[row, start + i, 1] * inverse - g[i])
                    b[i] += held[i] * (pixels[row, start + i, 2] * inverse - b[i])
            for i in range(n):
                out[row, start + i, 0] = np.uint32(min(max(r[i], zero), one) * scale_out + np.float32(0.5))
                out[row, start + i, 1] = np.uint32(min(max(g[i], zero), one) * scale_out + np.float32(0.5))
                out[row, start + i, 2] = np.uint32(min(max(b[i], zero), one) * scale_out + np.float32(0.5))
            start = stop
