"""Finishing: the attributes of a recipe that need a pixel's neighbours. Applied after the grid, in canonical order.

Every operation takes and returns float32 (h, w, 3) in [0, 1], gamma encoded, with a value v in [-1, 1] whose 0 is the
identity, and sizes are shares of the photo's long edge, so a preview looks like the export. Photos are worked on in bands
of rows that overlap by what an operation needs to see, so memory stays bounded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import lens
from models.mask import SoftMask, full_scale, guide, harden
from models.vocabulary import FINISH_ATTRIBUTES, MIXER_ATTRIBUTES

Float = NDArray[np.float32]

#: The finishing attributes that `develop` already bakes into its pointwise transform.
POINTWISE: Final = ("whites", "blacks", "black_and_white", *MIXER_ATTRIBUTES)
SPATIAL: Final = tuple(name for name in FINISH_ATTRIBUTES if name not in POINTWISE)

BAND: Final = 1024


@dataclass(frozen=True, eq=False)
class Finish:
    """The spatial values of one region; `mask` None is everywhere."""

    values: Mapping[str, float]
    mask: SoftMask | None = None


@dataclass(frozen=True, eq=False)
class Band:
    """Rows `top`..`bottom` of a photo of (height, width), with what operations may ask of the whole photo."""

    top: int
    height: int
    width: int
    thumbnail: Float  # the photo before finishing, small

    @property
    def edge(self) -> int:
        """The photo's long edge."""
        return max(self.height, self.width)


def halo(values: Mapping[str, float], edge: int) -> int:
    """Rows beyond a band that its operations look at, for a photo whose long edge is `edge`."""
    reach = 0.0
    if values.get("blur", 0) > 0:
        reach = max(reach, 3 * _blur_sigma(values["blur"], edge))
    for name in ("bokeh", "tilt_shift"):
        if values.get(name, 0) > 0:
            reach = max(reach, lens.reach(_lens_radius(values[name], edge)))
    if values.get("sharpness"):
        reach = max(reach, 3 * _sharp_sigma(edge) * 3)
    return int(reach) + 2


def _blur_sigma(value: float, edge: int) -> float:
    return max(0.012 * edge * abs(value), 0.3)


def _lens_radius(value: float, edge: int) -> float:
    """Radius of the disc of a point out of focus, in pixels: at most 2.4 % of the long edge."""
    return 0.024 * edge * abs(value)


def _sharp_sigma(edge: int) -> float:
    return max(0.0005 * edge, 0.6)


def stretch(small: Float, band: Band, rows: int) -> Float:
    """A map over the whole photo, bilinearly sampled on a band's rows."""
    h, w = small.shape[:2]
    ys = (np.arange(band.top, band.top + rows, dtype=np.float32) + 0.5) / band.height * h - 0.5
    xs = (np.arange(band.width, dtype=np.float32) + 0.5) / band.width * w - 0.5
    grid_x, grid_y = np.meshgrid(xs, ys)
    return np.asarray(cv2.remap(small, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _relight(x: Float, luma: Float, wanted: Float) -> Float:
    """Give `x` the luma `wanted`, hue and saturation kept where they fit."""
    ratio = (np.maximum(wanted, 0) / np.maximum(luma, 1e-3))[..., None]
    return np.clip(x * ratio, 0, 1)


def _clarity(x: Float, v: float, band: Band) -> Float:
    """Local contrast against an edge-aware large-scale luma; strongest in the middle tones."""
    small = guide(band.thumbnail)
    radius = max(2, round(0.03 * max(small.shape)))
    size = (2 * radius + 1, 2 * radius + 1)
    mean = cv2.boxFilter(small, cv2.CV_32F, size)
    variance = cv2.boxFilter(small * small, cv2.CV_32F, size) - mean * mean
    gain = variance / (variance + np.float32(0.012))
    a, b = cv2.boxFilter(gain, cv2.CV_32F, size), cv2.boxFilter(mean - gain * mean, cv2.CV_32F, size)
    luma = guide(x)
    base = stretch(a, band, x.shape[0]) * luma + stretch(b, band, x.shape[0])
    tent = 4 * luma * (1 - luma)
    return _relight(x, luma, np.clip(luma + np.float32(1.1 * v) * tent * (luma - base), 0, 1))


def _sharpness(x: Float, v: float, band: Band) -> Float:
    """Unsharp mask on luma with a small threshold against noise; v < 0 softens."""
    sigma = _sharp_sigma(band.edge)
    luma = guide(x)
    if v < 0:
        soft = cv2.GaussianBlur(x, (0, 0), 3 * sigma)
        return x + np.float32(-v) * (soft - x)
    detail = luma - cv2.GaussianBlur(luma, (0, 0), sigma)
    firm = detail * (np.abs(detail) / (np.abs(detail) + np.float32(0.006)))
    return _relight(x, luma, np.clip(luma + np.float32(2.2 * v) * firm, 0, 1))


def _blur(x: Float, v: float, band: Band) -> Float:
    """Gaussian blur in near-linear light, so that lights stay bright. v < 0 does nothing."""
    if v <= 0:
        return x
    blurred = cv2.GaussianBlur(x * x, (0, 0), _blur_sigma(v, band.edge))
    return np.sqrt(np.maximum(blurred, 0))


def _bokeh(x: Float, v: float, band: Band, weight: Float | None = None) -> Float:
    """The blur of a lens, by what is out of focus alone (`models.lens`). v < 0 does nothing."""
    return lens.lens_blur(x, _lens_radius(v, band.edge), weight) if v > 0 else x


def _tilt_shift(x: Float, v: float, band: Band) -> Float:
    """A tilted lens: sharp in a level band across the middle, as photos of miniatures are. v < 0 does nothing."""
    if v <= 0:
        return x
    rows = (np.arange(band.top, band.top + x.shape[0], dtype=np.float32) + 0.5) / band.height
    return lens.tilted(x, _lens_radius(v, band.edge), lens.out_of_focus(np.asarray(rows, np.float32)))


def _vignette(x: Float, v: float, band: Band) -> Float:
    """Darken the corners, v < 0 brightens them: cos⁴-like fall-off from the middle."""
    ys = (np.arange(band.top, band.top + x.shape[0], dtype=np.float32) + 0.5) / band.height * 2 - 1
    xs = (np.arange(band.width, dtype=np.float32) + 0.5) / band.width * 2 - 1
    away = np.clip((ys[:, None] ** 2 + xs[None, :] ** 2) / 2, 0, 1)
    fall = np.float32(1) - np.float32(0.75 * v) * away**1.2
    return np.clip(x * fall[..., None], 0, 1)


def _grain(x: Float, v: float, band: Band) -> Float:
    """Film-like grain on luma, fixed by place; its size follows the photo's. v < 0 does nothing."""
    if v <= 0:
        return x
    side = 1536
    noise = np.random.default_rng(20).standard_normal((side, side)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.7)
    noise /= noise.std()
    scale = side / max(band.edge, side)
    rows = ((np.arange(band.top, band.top + x.shape[0]) * scale).astype(np.int64) % side)[:, None]
    columns = ((np.arange(band.width) * scale).astype(np.int64) % side)[None]
    luma = guide(x)
    tent = np.sqrt(np.clip(luma * (1 - luma), 0, 0.25)) * 2
    return np.clip(x + (np.float32(0.07 * v) * tent * noise[rows, columns])[..., None], 0, 1)


_OPERATIONS: dict[str, Callable[[Float, float, Band], Float]] = {
    "clarity": _clarity, "sharpness": _sharpness, "blur": _blur, "bokeh": _bokeh, "tilt_shift": _tilt_shift,
    "vignette": _vignette, "grain": _grain,
}  # fmt: skip


def finish(
    pixels: NDArray[np.generic],
    original: NDArray[np.generic],
    finishes: Sequence[Finish],
    keep: Sequence[SoftMask] = (),
) -> NDArray[np.generic]:
    """Finish a rendered photo.

    `pixels`: (H, W, 3) uint8 or uint16 after develop and grid; `original`: the same photo before, same shape and type: the
    guide of the masks, and what `keep` regions come out as. Pixels where no mask reaches equal `pixels` exactly.
    """
    active = [f for f in finishes if any(f.values.get(name) for name in SPATIAL)]
    if not active:
        return pixels
    height, width = pixels.shape[:2]
    top_value = np.float32(full_scale(pixels))
    long_edge = max(height, width)
    scale = min(1.0, 384 / long_edge)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    thumbnail = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32) / top_value
    margin = sum(halo(f.values, long_edge) for f in active)
    out = np.empty_like(pixels)
    for start in range(0, height, BAND):
        stop = min(start + BAND, height)
        # Whole blocks of `models.lens`, so that they lie where they would without bands.
        first = max(0, start - margin) // lens.BLOCK * lens.BLOCK
        last = min(height, -(-(stop + margin) // lens.BLOCK) * lens.BLOCK)
        band = Band(first, height, width, thumbnail)
        x = pixels[first:last].astype(np.float32) / top_value
        luma = guide(original[first:last])
        for one in active:
            if one.mask is None:
                weight = None
            else:
                weight = harden(
                    stretch(one.mask.a, band, last - first) * luma + stretch(one.mask.b, band, last - first)
                )
                if not weight.any():
                    continue
            for name in SPATIAL:
                if value := one.values.get(name):
                    masked = _MASKED.get(name)
                    done = masked(x, value, band, weight) if masked else _OPERATIONS[name](x, value, band)
                    x = done if weight is None else x + weight[..., None] * (done - x)
        for mask in keep:
            held = harden(stretch(mask.a, band, last - first) * luma + stretch(mask.b, band, last - first))[..., None]
            x = x + held * (original[first:last].astype(np.float32) / top_value - x)
        inner = x[start - first : stop - first]
        out[start:stop] = np.clip(inner * top_value + np.float32(0.5), 0, top_value).astype(pixels.dtype)
    return out


def _masked_blur(x: Float, v: float, band: Band, weight: Float | None) -> Float:
    """Blur that takes its light from inside the region only, so a sharp subject does not bleed into its background."""
    if weight is None or v <= 0:
        return _blur(x, v, band)
    sigma = _blur_sigma(v, band.edge)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    light = cv2.GaussianBlur(x * x * weight[..., None], (0, 0), sigma)
    return np.sqrt(np.maximum(light / np.maximum(share, 1e-3)[..., None], 0))


#: Operations that ask where their light may come from.
_MASKED: Final[Mapping[str, Callable[[Float, float, Band, Float | None], Float]]] = {
    "blur": _masked_blur,
    "bokeh": _bokeh,
}
