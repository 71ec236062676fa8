"""Training pairs on the fly: one good photograph → (input, target, parameter map, style), without end and by seed.

* The *neutral rendition* is the photo moved towards a well-exposed, clean one (`neutral`), so that a moody photo does not
  teach the model to darken.
* *Expert-like renditions* vary it by a style (`rendition`): the same small bias on every photo of that style, plus jitter,
  so that one input has many right targets. *Moods* are strong styles, asked for by their vector, never the automatic look.
* The *input* is the photo through a bad camera, a flat raw conversion or a careless edit (`degrade`): exposure, white
  balance, veil, vignette and noise in linear light, tone and colour after it, JPEG last.
* *Semantic replacement* (PerTouch) takes one region of the target from another rendition, so that edits become local.
* The map then tells the model a random part of what changed, region by region; the rest is free, and some regions are kept.
* Another photo in the same style, and in another one, teach a style vector.

`python -m models.training.contact PHOTOS --out SHEET.png` draws them.
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
    free: float = 0.5  # share of samples whose map is free everywhere: dropout for classifier-free use
    replacement: float = 0.25  # probability of semantic replacement
    perturbation: bool = True  # blur and shift the map against the picture
    keep: float = 0.15  # probability that a map with regions keeps one
    styles: int = 64  # distinct styles, and as many moods
    moods: float = 0.3  # share of targets in a mood
    style_spread: float = 1.0  # 0: the neutral rendition alone
    clean: float = 0.3  # share of inputs that are hardly degraded
    flat: float = 0.35  # share of inputs that look like an unprocessed raw file
    edge: int = 64  # pixels at which the result is compared; the network always sees 64


@dataclass(frozen=True, eq=False)
class Pair:
    """One sample: `photo`, `developed`, `target`, `opposed` (edge, edge, 3) in [0, 1]; `maps` (15, 64, 64).

    `opposed` is the photo developed with every told value reversed. `alike` and `stranger` (64, 64, 3) are another photo, in
    the style of the target and in a different one; `mood`: that style is a strong one.
    """

    photo: Float
    developed: Float
    target: Float
    opposed: Float
    maps: Float
    alike: Float
    stranger: Float
    mood: bool = False


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


def _towards(now: float, low: float, high: float) -> float:
    """The nearest value within low..high."""
    return min(max(now, low), high)


def neutral(x: Float) -> Float:
    """The neutral rendition of a finished photo: what lies outside the usual comes most of the way to it.

    The usual: mean L* 39..60, standard deviation of L* 16..24, mean chroma 10..24, and a black and a white point not far from
    the ends. Three quarters of what lies beyond is taken back; a photo inside the bands passes as it is. Narrower bands teach
    the model to give every photo the same brightness, which is not what people do.
    """
    luma = x @ LUMA
    low, high = np.percentile(luma, (0.3, 99.7))
    dark, bright = 0.8 * min(max(float(low) - 0.03, 0), 0.12), 0.8 * min(max(0.93 - float(high), 0), 0.2)
    if dark or bright:
        x = np.clip((x - np.float32(dark)) / np.float32(1 - dark - bright), 0, 1)
    by = ruler(x, np.ones(x.shape[:2], np.float32))
    assert by is not None  # the weight is one everywhere
    now = read(x, by)
    values: dict[str, float] = {}
    lightness = _towards(now.lightness, 39, 60)
    if lightness != now.lightness:
        shift = np.log(lightness / (100 - lightness)) - np.log(max(now.lightness, 3) / (100 - min(now.lightness, 97)))
        values["brightness"] = float(np.clip(0.75 * shift / 1.5, -0.7, 0.9))
    spread = _towards(now.spread, 16, 24)
    if spread != now.spread:
        values["contrast"] = float(np.clip(0.75 * np.log2(spread / max(now.spread, 5)), -0.5, 0.6))
    chroma = _towards(now.chroma, 10, 24)
    if chroma != now.chroma and now.chroma > 2:  # black and white stays so
        values["saturation"] = float(np.clip(0.75 * (chroma / now.chroma - 1), -0.5, 0.7))
    return _apply(x, values) if values else x


#: How much stronger moods are than styles.
MOOD = 2.5

#: Spread of styles about the neutral rendition, in attribute units.
_STYLE_SD = {
    "brightness": 0.10, "contrast": 0.13, "highlights": 0.12, "shadows": 0.15, "temperature": 0.07, "tint": 0.03,
    "saturation": 0.16,
}  # fmt: skip


def style_values(style: int, spread: float = 1.0) -> dict[str, float]:
    """The bias of style number `style`, by seed; style 0 is neutral, negative numbers are moods.

    >>> style_values(0)
    {}
    """
    if style == 0:
        return {}
    rng = np.random.default_rng((7919, abs(style), style < 0))
    spread = MOOD * spread if style < 0 else spread
    return {name: float(spread * sd * rng.standard_normal()) for name, sd in _STYLE_SD.items()}


def rendition(base: Float, style: int, rng: np.random.Generator, spread: float = 1.0) -> Float:
    """An expert-like rendition of the neutral photo `base` in a style, with a person's small inconsistency."""
    values = style_values(style, spread)
    for name, sd in _STYLE_SD.items():
        values[name] = float(np.clip(values.get(name, 0) + 0.25 * spread * sd * rng.standard_normal(), -0.6, 0.6))
    return _apply(base, values)


def degrade(x: Float, rng: np.random.Generator, clean: float = 0.3, flat: float = 0.35) -> Float:
    """A bad camera or careless edit of `x` (h, w, 3) in [0, 1].

    With probability `clean` hardly any; with probability `flat` the look of an unprocessed raw file (darker, soft in tone,
    pale); else anything.
    """
    kind = rng.random()
    raw = clean <= kind < clean + flat
    k = 0.15 if kind < clean else 1.0
    light = to_linear(x)
    # Cameras and raw converters err to the dark, but not only.
    stops = rng.normal(-0.5, 0.5) if raw else rng.triangular(-1.8, -0.15, 1.3)
    light = light * np.float32(2.0 ** (k * stops))
    if rng.random() < 0.6:
        cast = np.exp(
            k * np.array([1.0, 0.0, -1.0]) * rng.normal(0, 0.16) + k * np.array([0.5, -1, 0.5]) * rng.normal(0, 0.05)
        )
        light = light * cast.astype(np.float32)
    if rng.random() < 0.15:
        veil = k * rng.uniform(0.02, 0.2)
        light = light * np.float32(1 - veil) + np.float32(veil) * np.array(rng.uniform(0.5, 0.8), np.float32)
    if rng.random() < 0.2:
        h, w = x.shape[:2]
        yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        light = light * (1 - k * rng.uniform(0.1, 0.5) * (xx**2 + yy**2)[..., None] / 2).astype(np.float32)
    if rng.random() < 0.4:  # shot noise and read noise
        deviation = k * rng.uniform(0.002, 0.02) * np.sqrt(np.maximum(light, 0) + 0.01)
        light = light + (deviation * rng.standard_normal(light.shape)).astype(np.float32)
    out = to_gamma(light)  # a sensor clips here
    values: dict[str, float] = {}
    if raw:
        values |= {"contrast": rng.normal(-0.45, 0.22), "saturation": rng.normal(-0.33, 0.18)}
    else:
        if rng.random() < 0.7:
            values["contrast"] = k * rng.normal(-0.08, 0.3)
        if rng.random() < 0.7:
            values["saturation"] = k * rng.normal(-0.05, 0.3)
    if rng.random() < 0.3:
        values["shadows"] = k * rng.normal(-0.1, 0.3)
    if rng.random() < 0.3:
        values["highlights"] = k * rng.normal(0.1, 0.3)
    if values:
        out = _apply(out, {name: float(np.clip(v, -0.8, 0.8)) for name, v in values.items()})
    if rng.random() < 0.25:
        ok, code = cv2.imencode(
            ".jpg", (out * 255 + 0.5).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))]
        )
        if ok:
            out = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.float32) / np.float32(255)
    return np.asarray(np.clip(out, 0, 1), np.float32)


def _cut(picture: NDArray[np.uint8], crop: tuple[slice, slice], flip: int, edge: int) -> Float:
    cut = np.ascontiguousarray(picture[crop][:, ::flip])
    return np.asarray(cv2.resize(cut, (edge, edge), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)


def make_pair(
    photo: NDArray[np.uint8],
    clean: NDArray[np.uint8],
    labels: NDArray[np.int32],
    other: NDArray[np.uint8],
    rng: np.random.Generator,
    options: PairOptions,
) -> Pair:
    """One sample of a cached photo, its neutral rendition (`neutral`, 8 bit), its superpixels, and `other`, a neutral photo."""
    size, edge = photo.shape[0], options.edge
    side_y, side_x = (int(size * rng.uniform(0.6, 1.0)) for _ in range(2))
    top, left = (int(rng.integers(0, size - side + 1)) for side in (side_y, side_x))
    flip = -1 if rng.random() < 0.5 else 1
    crop = np.s_[top : top + side_y, left : left + side_x]
    x, base = _cut(photo, crop, flip, edge), _cut(clean, crop, flip, edge)
    parts = cv2.resize(np.ascontiguousarray(labels[crop][:, ::flip]), (edge, edge), interpolation=cv2.INTER_NEAREST)
    spread = options.style_spread
    mood = bool(spread and rng.random() < options.moods)
    sign = -1 if mood else 1
    style = int(rng.integers(1 if mood else 0, options.styles)) if spread else 0
    target = rendition(base, sign * style, rng, spread)
    model = cv2.resize(other, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    alike = rendition(model, sign * style, rng, spread)
    stranger = rendition(model, sign * ((style + int(rng.integers(1, options.styles))) % options.styles), rng, spread)
    present = [int(v) for v in np.unique(parts)]
    if rng.random() < options.replacement and len(present) > 1:
        another = rendition(base, int(rng.integers(1, options.styles)), rng, 2 * max(spread, 0.5))
        chosen = rng.choice(present, size=max(1, len(present) // 4), replace=False)
        swap = cv2.GaussianBlur(np.isin(parts, chosen).astype(np.float32), (0, 0), 0.7 * edge / SIZE)[..., None]
        target = target + swap * (another - target)
    # The input is degraded from the photo as found or from its neutral rendition: both directions of exposure occur.
    photo_in = degrade(base if rng.random() < 0.6 else x, rng, options.clean, options.flat)

    if not options.targets or rng.random() < options.free:
        return Pair(photo_in, photo_in, target, photo_in, parameter_map({}, {}), alike, stranger, mood)
    # Regions the map speaks of: the whole, or a grouping of superpixels.
    regions: dict[str, Float] = {"global": np.ones((edge, edge), np.float32)}
    if rng.random() > 0.24 and len(present) > 1:
        groups = rng.integers(0, int(rng.integers(2, 6)), size=int(labels.max()) + 1)[parts]
        regions = {f"object:{chr(97 + int(g))}": (groups == g).astype(np.float32) for g in np.unique(groups)}
    kept: Float | None = None
    told: dict[str, dict[str, float]] = {}
    layers: list[tuple[Float, Layer, Layer]] = []
    everything = rng.random() < 0.5
    keep_one = len(regions) > 1 and rng.random() < options.keep
    for name, mask in regions.items():
        if keep_one and kept is None:
            kept = mask
            continue
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
        layer, against = (
            Layer(region_ops(v, open_loop(v, zones), zones)) for v in (values, {n: -v for n, v in values.items()})
        )
        layers.append((mask, layer, against))
    deep = np.asarray(photo_in * 65535 + 0.5, np.uint16)
    developed, opposed = photo_in, photo_in
    for mask, layer, against in layers:
        soft = cv2.GaussianBlur(mask, (0, 0), 0.6 * edge / SIZE)[..., None]
        one, two = (render(deep, [step]).astype(np.float32) / 65535 for step in (layer, against))
        developed, opposed = developed + soft * (one - developed), opposed + soft * (two - opposed)
    masks = regions
    if options.perturbation and told:
        shift = np.array([[1, 0, rng.integers(-2, 3)], [0, 1, rng.integers(-2, 3)]], np.float32)
        masks = {
            n: cv2.GaussianBlur(
                cv2.warpAffine(m, shift, (edge, edge), borderMode=cv2.BORDER_REPLICATE),
                (0, 0),
                float(rng.uniform(0.3, 1.2)),
            )
            for n, m in regions.items()
        }
    maps = parameter_map(told, masks, kept)
    developed, target, opposed = (np.asarray(np.clip(p, 0, 1), np.float32) for p in (developed, target, opposed))
    return Pair(photo_in, developed, target, opposed, maps, alike, stranger, mood)
