"""Training pairs on the fly: one good photograph → (input, target, parameter map), without end and by seed.

* The *neutral rendition* is the photo moved towards a well-exposed, clean one (`neutral`), so that a moody photo does not
  teach the model to darken.
* *Expert-like renditions* vary it by a style (`rendition`): the same small bias on every photo of that style, plus jitter,
  so that one input has many right targets.
* The *input* is the photo through a bad camera or a careless edit (`degrade`): exposure, white balance, tone, colour, veil
  and vignette, in linear light where a camera would.
* *Semantic replacement* (PerTouch) takes one region of the target from another rendition, so that edits become local.
* The map then tells the model a random part of what changed, region by region; the rest is free.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import slic

from models.attributes import change, read, ruler
from models.develop import direct, open_loop, region_ops, tone_zones
from models.mask import LUMA
from models.parameter_map import SIZE, parameter_map
from models.render import Layer, render
from models.vocabulary import MAP_ATTRIBUTES

Float = NDArray[np.float32]

CACHE_EDGE = 160


@dataclass(frozen=True)
class PairOptions:
    """Switches of the pair maker; each is a row of an ablation."""

    targets: bool = True  # tell part of the change in the map; off: always free
    replacement: float = 0.25  # probability of semantic replacement
    perturbation: bool = True  # blur and shift the map against the picture
    styles: int = 64  # distinct styles
    style_spread: float = 1.0  # 0: the neutral rendition alone
    clean: float = 0.3  # share of inputs that are hardly degraded


@dataclass(frozen=True, eq=False)
class Pair:
    """One sample: `photo`, `developed`, `target` (64, 64, 3) in [0, 1]; `maps` (15, 64, 64)."""

    photo: Float
    developed: Float
    target: Float
    maps: Float


def load_photos(folder: Path, names: list[str] | None = None) -> list[NDArray[np.uint8]]:
    """All photos under `folder` (or just `names`), squashed to a square of CACHE_EDGE pixels, uint8 RGB."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    if names is not None:
        wanted = set(names)
        files = [p for p in files if p.name in wanted]
    photos = []
    for path in files:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is not None and min(image.shape[:2]) >= SIZE:
            photos.append(cv2.resize(image, (CACHE_EDGE, CACHE_EDGE), interpolation=cv2.INTER_AREA)[..., ::-1].copy())
    return photos


def segments(photo: NDArray[np.uint8], count: int) -> NDArray[np.int32]:
    """Superpixels of a cached photo, (CACHE_EDGE, CACHE_EDGE): stand-ins for regions of any shape."""
    return np.asarray(slic(photo, n_segments=count, compactness=12, start_label=0, channel_axis=-1), np.int32)


def to_linear(x: Float) -> Float:
    """Gamma-encoded sRGB to linear light (IEC 61966-2-1)."""
    return np.where(x <= 0.04045, x / 12.92, ((np.maximum(x, 0) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_gamma(x: Float) -> Float:
    """Linear light to gamma-encoded sRGB; clips to [0, 1]."""
    x = np.clip(x, 0, 1)
    return np.asarray(np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055), np.float32)


def _apply(x: Float, values: dict[str, float]) -> Float:
    """Develop a whole thumbnail by about `values`, at 16 bits."""
    zones = tone_zones(x, ruler(x, np.ones(x.shape[:2], np.float32)))
    deep = np.asarray(np.clip(x, 0, 1) * 65535 + 0.5, np.uint16)
    out = render(deep, [Layer(region_ops(values, direct(values), zones))])
    return np.asarray(out, np.float32) / np.float32(65535)


def neutral(x: Float) -> Float:
    """The neutral rendition of a finished photo: levels set, exposure and colour moved towards the usual, not all the way.

    Mean L* is pulled by four fifths of its distance to the band 48..62, chroma likewise towards 10..30, and the tonal range
    is stretched so that 0.3 % of luma lie at black and white. What already is in the bands passes with levels alone.
    """
    luma = x @ LUMA
    low, high = np.percentile(luma, (0.3, 99.7))
    low, high = min(float(low), 0.10), max(float(high), 0.80)
    x = np.clip((x - 0.8 * low) / max(0.8 * (high - low) + 0.2 * (1 - 0.8 * low), 0.2), 0, 1).astype(np.float32)
    by = ruler(x, np.ones(x.shape[:2], np.float32))
    assert by is not None  # the weight is one everywhere
    now = read(x, by)
    values: dict[str, float] = {}
    goal = min(max(now.lightness, 48.0), 62.0)
    if goal != now.lightness:
        full = np.log(goal / (100 - goal)) - np.log(max(now.lightness, 3) / (100 - min(now.lightness, 97)))
        values["brightness"] = float(np.clip(0.8 * full / 1.5, -0.6, 0.9))
    if now.spread < 17:
        values["contrast"] = float(np.clip(np.log2(17 / max(now.spread, 6)), 0, 0.4))
    if 2 < now.chroma < 10:
        values["saturation"] = float(0.5 * (10 / now.chroma - 1) * 0.5)
    elif now.chroma > 30:
        values["saturation"] = float(0.6 * (30 / now.chroma - 1))
    return _apply(x, {k: float(np.clip(v, -0.9, 0.9)) for k, v in values.items()}) if values else x


#: Spread of styles about the neutral rendition, in attribute units.
_STYLE_SD = {
    "brightness": 0.10, "contrast": 0.13, "highlights": 0.12, "shadows": 0.15, "temperature": 0.07, "tint": 0.03,
    "saturation": 0.16,
}  # fmt: skip


def style_values(style: int, spread: float = 1.0) -> dict[str, float]:
    """The bias of style number `style`, by seed; style 0 is neutral.

    >>> style_values(0)
    {}
    """
    if style == 0:
        return {}
    rng = np.random.default_rng(7919 + style)
    return {name: float(spread * sd * rng.standard_normal()) for name, sd in _STYLE_SD.items()}


def rendition(base: Float, style: int, rng: np.random.Generator, spread: float = 1.0) -> Float:
    """An expert-like rendition of the neutral photo `base` in a style, with a person's small inconsistency."""
    values = style_values(style, spread)
    for name, sd in _STYLE_SD.items():
        values[name] = float(np.clip(values.get(name, 0) + 0.25 * spread * sd * rng.standard_normal(), -0.6, 0.6))
    return _apply(base, values)


def degrade(x: Float, rng: np.random.Generator, clean: float = 0.3) -> Float:
    """A bad camera or careless edit of `x` (h, w, 3) in [0, 1]; with probability `clean` hardly any."""
    weak = rng.random() < clean
    k = 0.2 if weak else 1.0
    light = to_linear(x)
    # Exposure: amateurs and raw converters err to the dark, but not only.
    stops = rng.triangular(-2.6, -0.5, 1.1)
    light = light * np.float32(2.0 ** (k * stops))
    if rng.random() < 0.6:
        cast = np.exp(
            k * np.array([1.0, 0.0, -1.0]) * rng.normal(0, 0.16) + k * np.array([0.5, -1, 0.5]) * rng.normal(0, 0.05)
        )
        light = light * cast.astype(np.float32)
    if rng.random() < 0.2:
        veil = k * rng.uniform(0.02, 0.22)
        light = light * np.float32(1 - veil) + np.float32(veil) * np.array(rng.uniform(0.5, 0.8), np.float32)
    if rng.random() < 0.2:
        h, w = x.shape[:2]
        yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        light = light * (1 - k * rng.uniform(0.1, 0.5) * (xx**2 + yy**2)[..., None] / 2).astype(np.float32)
    if stops > 0:  # a sensor clips
        light = np.minimum(light, 1)
    out = to_gamma(light)
    values: dict[str, float] = {}
    if rng.random() < 0.7:
        values["contrast"] = float(k * rng.normal(-0.12, 0.28))
    if rng.random() < 0.7:
        values["saturation"] = float(k * rng.normal(-0.12, 0.25))
    if rng.random() < 0.3:
        values["shadows"] = float(k * rng.normal(-0.1, 0.3))
    if rng.random() < 0.3:
        values["highlights"] = float(k * rng.normal(0.1, 0.3))
    if values:
        out = _apply(out, {name: float(np.clip(v, -0.8, 0.8)) for name, v in values.items()})
    if rng.random() < 0.5:
        out = out + rng.normal(0, k * 0.01, out.shape).astype(np.float32)
    return np.clip(out, 0, 1)


def make_pair(
    photo: NDArray[np.uint8],
    clean: NDArray[np.uint8],
    labels: NDArray[np.int32],
    rng: np.random.Generator,
    options: PairOptions,
) -> Pair:
    """One training sample of a cached photo, its neutral rendition (`neutral`, 8 bit) and its superpixels."""
    edge = photo.shape[0]
    side_y, side_x = (int(edge * rng.uniform(0.6, 1.0)) for _ in range(2))
    top, left = rng.integers(0, edge - side_y + 1), rng.integers(0, edge - side_x + 1)
    flip = -1 if rng.random() < 0.5 else 1
    crop = np.s_[top : top + side_y, left : left + side_x]
    x, base = (
        cv2.resize(np.ascontiguousarray(p[crop][:, ::flip]), (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(
            np.float32
        )
        / 255
        for p in (photo, clean)
    )
    parts = cv2.resize(np.ascontiguousarray(labels[crop][:, ::flip]), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
    style = int(rng.integers(0, options.styles)) if options.style_spread else 0
    target = rendition(base, style, rng, options.style_spread)
    present = [int(v) for v in np.unique(parts)]
    if rng.random() < options.replacement and len(present) > 1:
        other = rendition(base, int(rng.integers(1, options.styles)), rng, 2 * max(options.style_spread, 0.5))
        chosen = rng.choice(present, size=max(1, len(present) // 4), replace=False)
        swap = cv2.GaussianBlur(np.isin(parts, chosen).astype(np.float32), (0, 0), 0.7)[..., None]
        target = target + swap * (other - target)
    # The input is degraded from the photo as found or from its neutral rendition: both directions of exposure occur.
    photo_in = degrade(base if rng.random() < 0.6 else x, rng, options.clean)

    draw = rng.random()
    if not options.targets or draw < 0.5:
        return Pair(photo_in, photo_in, target, parameter_map({}, {}))
    # Regions the map speaks of: the whole, or a grouping of superpixels.
    if draw < 0.62 or len(present) < 2:
        regions: dict[str, Float] = {"global": np.ones((SIZE, SIZE), np.float32)}
    else:
        groups = rng.integers(0, int(rng.integers(2, 6)), size=int(labels.max()) + 1)[parts]
        regions = {f"object:{chr(97 + int(g))}": (groups == g).astype(np.float32) for g in np.unique(groups)}
    told: dict[str, dict[str, float]] = {}
    layers = []
    deep = np.asarray(photo_in * 65535 + 0.5, np.uint16)
    developed = photo_in
    everything = rng.random() < 0.5
    for name, mask in regions.items():
        if name != "global" and rng.random() < 0.15:
            continue  # a free region beside told ones
        by = ruler(photo_in, mask)
        if by is None:
            continue
        full = change(read(photo_in, by), read(target, by))
        values = {n: float(np.clip(full[n], -1, 1)) for n in MAP_ATTRIBUTES if everything or rng.random() < 0.4}
        if not values:
            continue
        told[name] = values
        zones = tone_zones(photo_in, by)
        layers.append((mask, Layer(region_ops(values, open_loop(values, zones), zones))))
    for mask, layer in layers:
        step = render(deep, [layer]).astype(np.float32) / 65535
        developed = developed + cv2.GaussianBlur(mask, (0, 0), 0.6)[..., None] * (step - developed)
    masks = regions
    if options.perturbation and told:
        shift = np.array([[1, 0, rng.integers(-2, 3)], [0, 1, rng.integers(-2, 3)]], np.float32)
        masks = {
            n: cv2.GaussianBlur(
                cv2.warpAffine(m, shift, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE),
                (0, 0),
                float(rng.uniform(0.3, 1.2)),
            )
            for n, m in regions.items()
        }
    return Pair(photo_in, np.clip(developed, 0, 1).astype(np.float32), target, parameter_map(told, masks))
