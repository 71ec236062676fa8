"""The critic: what is measurably wrong with a photo, in words with the number behind them, and what to ask for.

Every remark states a measurement; a remark whose measurement can be meant that way (a dark night, a warm sunset) is
held back. Suggestions are short requests, phrased as a person would type them.
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.attributes import lab

FloatImage = NDArray[np.float32]

#: Side of the squares, at the photo's own resolution, on which noise and sharpness are measured.
PATCH: Final = 384


@dataclass(frozen=True)
class Statistics:
    """Measured on the whole photo. Lightness and chroma in CIELAB units; shares in 0..1.

    `low`, `high`: 1st and 99th percentile of L*. `clipped`: share with a channel at its top; `crushed`: share of L* <
    2. `veil`: the darkest local channel value that nearly every patch exceeds (He, Sun and Tang 2009), 0 in clear air.
    `cast_a`, `cast_b`: see `cast_of`. `noise`: standard deviation in 8-bit steps (Immerkær 1996).
    `sharpness`: strongest edges relative to their local contrast, about 1 for a crisp photo.
    """

    lightness: float
    low: float
    high: float
    spread: float
    clipped: float
    crushed: float
    chroma: float
    cast_a: float
    cast_b: float
    veil: float
    noise: float
    sharpness: float


@dataclass(frozen=True)
class Remark:
    """One finding: its facet, how severe it is (0..1), the sentence, the request that would help, and where it is."""

    facet: str
    severity: float
    sentence: str
    request: str
    region: str = "global"


def patches(pixels: NDArray[Any]) -> list[FloatImage]:
    """Up to five luma squares of the photo at its own resolution, in 8-bit steps: the centre and the four thirds."""
    height, width = pixels.shape[:2]
    side = min(PATCH, height, width)
    top = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    places = (
        [(0.5, 0.5), (0.2, 0.2), (0.2, 0.8), (0.8, 0.2), (0.8, 0.8)] if min(height, width) > 2 * side else [(0.5, 0.5)]
    )
    found = []
    for fy, fx in places:
        y, x = int((height - side) * fy), int((width - side) * fx)
        square = pixels[y : y + side, x : x + side].astype(np.float32) * np.float32(255 / top)
        found.append(np.asarray(square @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32))
    return found


def noise_of(luma: FloatImage) -> float:
    """Noise (standard deviation) from the double Laplacian in the flattest part of a square."""
    if min(luma.shape) < 24:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(luma, cv2.CV_32F, kernel))[1:-1, 1:-1]
    blocks = cv2.resize(response, (luma.shape[1] // 12, luma.shape[0] // 12), interpolation=cv2.INTER_AREA)
    level = cv2.resize(luma, blocks.shape[::-1], interpolation=cv2.INTER_AREA)
    usable = blocks[(level > 12) & (level < 243)]
    return float(np.percentile(usable, 15)) * float(np.sqrt(np.pi / 2)) / 6 if usable.size >= 8 else 0.0


def sharpness_of(luma: FloatImage) -> float:
    """How much of the strongest local contrast lies between neighbouring pixels; 0 where there is no edge."""
    if min(luma.shape) < 24:
        return 0.0
    smooth = cv2.GaussianBlur(luma, (0, 0), 0.6)
    step = np.maximum(np.abs(np.diff(smooth, axis=1))[:-1], np.abs(np.diff(smooth, axis=0))[:, :-1])
    span = cv2.dilate(smooth, np.ones((9, 9), np.uint8)) - cv2.erode(smooth, np.ones((9, 9), np.uint8))
    strong = span[:-1, :-1] > max(24.0, float(np.percentile(span, 80)))
    if int(strong.sum()) < 50:
        return 0.0
    local = cv2.dilate(np.ascontiguousarray(step), np.ones((9, 9), np.uint8))
    return float(np.median((local / np.maximum(span[:-1, :-1], 1))[strong])) * 2.2


def cast_of(rgb: FloatImage, values: FloatImage) -> tuple[float, float]:
    """The colour (a*, b*) that the light lends to grey: (0, 0) for neutral light, or where nothing tells.

    Three weak witnesses are averaged: the nearly grey pixels, the brightest ones, and the edges, whose mean strength in
    each channel is grey under white light (van de Weijer, Gevers and Gijsenij, "Edge-Based Color Constancy", 2007).
    """
    lightness, a, b = values[..., 0], values[..., 1], values[..., 2]
    chroma = np.hypot(a, b)
    usable = (lightness > 12) & (lightness < 97)
    nearly_grey = usable * np.exp(-((chroma / 22) ** 2))
    if float(nearly_grey.sum()) < 0.04 * nearly_grey.size or min(rgb.shape[:2]) < 3:
        return 0.0, 0.0
    below = lightness[lightness < 99]
    bright = ((lightness >= np.percentile(below, 90)) & (lightness < 99)) * np.exp(-((chroma / 25) ** 2)) + 1e-9
    steps = np.abs(np.diff(rgb, axis=1))[:-1] + np.abs(np.diff(rgb, axis=0))[:, :-1]
    edges = (steps.astype(np.float64) ** 4).mean(axis=(0, 1)) ** 0.25 + 1e-4
    grey = np.clip(edges / edges.mean(), 0.5, 1.5) * 0.6
    _, edge_a, edge_b = lab(grey[None, None].astype(np.float32))[0, 0]
    found = []
    for plane, edge in ((a, edge_a), (b, edge_b)):
        by_grey = float((plane * nearly_grey).sum() / nearly_grey.sum())
        by_bright = float((plane * bright).sum() / bright.sum())
        found.append((by_grey + by_bright + 0.6 * float(edge)) / 2.6)
    return found[0], found[1]


def measure_statistics(rgb: FloatImage, pixels: NDArray[Any]) -> Statistics:
    """Statistics of a photo: `rgb` its thumbnail (h, w, 3) in [0, 1]; `pixels` (H, W, 3) for noise and sharpness."""
    values = lab(rgb)
    lightness = values[..., 0]
    chroma = np.hypot(values[..., 1], values[..., 2])
    low, high = (float(v) for v in np.percentile(lightness, (1, 99)))
    cast = cast_of(rgb, values)
    darkest = cv2.erode(np.ascontiguousarray(rgb.min(axis=2)), np.ones((9, 9), np.uint8))
    squares = patches(pixels)
    return Statistics(
        lightness=float(lightness.mean()),
        low=low,
        high=high,
        spread=float(lightness.std()),
        clipped=float((rgb.max(axis=2) > 0.994).mean()),
        crushed=float((lightness < 2).mean()),
        chroma=float(chroma.mean()),
        cast_a=cast[0],
        cast_b=cast[1],
        veil=float(np.percentile(darkest, 10)),
        noise=float(np.median([noise_of(s) for s in squares])),
        sharpness=max((sharpness_of(s) for s in squares), default=0.0),
    )


def mostly_in(bad: FloatImage, masks: dict[str, FloatImage]) -> str:
    """The region, of `masks` (h, w), that holds at least 60 % of what is `bad` (h, w); `global` where none does.

    The smallest such region tells the most.
    """
    total = float(bad.sum())
    holding = [name for name, mask in masks.items() if total > 0 and float((bad * mask).sum()) >= 0.6 * total]
    return min(holding, key=lambda name: float(masks[name].sum()), default="global")


def extremes(rgb: FloatImage, masks: dict[str, FloatImage]) -> dict[str, str]:
    """Where the clipped and the nearly black pixels of a thumbnail lie: `highlights` and `shadows` to their region."""
    return {
        "highlights": mostly_in((rgb.max(axis=2) > 0.994).astype(np.float32), masks),
        "shadows": mostly_in((lab(rgb)[..., 0] < 2).astype(np.float32), masks),
    }


def criticise_regions(areas: dict[str, float], readings: dict[str, dict[str, float]]) -> tuple[Remark, ...]:
    """What is wrong with a part against the rest: a person against the light, a sky without colour.

    `areas`: region to its share; `readings`: region to the attributes that `models.attributes.measure` gives.
    """
    found: list[Remark] = []
    # Clothes may well be dark; skin tells how the light falls.
    name = "face" if "face" in readings else "skin"
    skin, behind = readings.get(name), readings.get("background")
    if skin is not None and behind is not None and areas.get("person", 0) > 0.03:
        level, gap = skin["brightness"], behind["brightness"] - skin["brightness"]
        if level < 40 and gap > 15:
            sentence = f"The {name} lies in the dark: brightness {level:.0f}, {behind['brightness']:.0f} behind."
            found.append(Remark("exposure", min(1.0, 0.3 + (gap - 15) / 40), sentence, f"brighten the {name}", name))
    sky = readings.get("sky")
    if sky is not None and areas["sky"] > 0.08 and sky["brightness"] > 90 and sky["saturation"] < 6:
        sentence = f"The sky is nearly white: brightness {sky['brightness']:.0f}, saturation {sky['saturation']:.0f}."
        found.append(Remark("highlights", 0.3, sentence, "darken the sky a little", "sky"))
    return tuple(found)


def criticise(s: Statistics, tags: dict[str, float], where: dict[str, str] | None = None) -> tuple[Remark, ...]:
    """The remarks on a photo with these statistics and tags, the most severe first. `where`: what `extremes` says."""
    found: list[Remark] = []

    def remark(facet: str, excess: float, scale: float, sentence: str, request: str) -> None:
        if excess > 0:
            place = (where or {}).get(facet, "global")
            if place != "global":
                sentence = f"{sentence.removesuffix('.')}, most of that in the {place}."
            found.append(Remark(facet, min(1.0, 0.2 + excess / scale), sentence, request, place))

    meant_dark = tags.get("night", 0) > 0.5 or tags.get("sunset", 0) > 0.5
    meant_warm = tags.get("sunset", 0) > 0.5 or tags.get("food", 0) > 0.6
    dark, bright = (20 if meant_dark else 36), (92 if tags.get("snow", 0) > 0.5 else 76)
    remark(
        "exposure", dark - s.lightness, 25, f"It is dark: mean lightness {s.lightness:.0f} of 100.", "brighten it a bit"
    )
    remark(
        "exposure",
        s.lightness - bright,
        20,
        f"It is very bright: mean lightness {s.lightness:.0f} of 100.",
        "darken it a bit",
    )
    remark(
        "highlights",
        s.clipped - 0.03,
        0.2,
        f"{s.clipped:.0%} of it is clipped to the brightest value.",
        "bring the highlights down",
    )
    if not meant_dark:
        remark("shadows", s.crushed - 0.06, 0.3, f"{s.crushed:.0%} of it is nearly black.", "lift the shadows a little")
    veiled = s.veil > 0.22 and s.spread < 21
    if veiled:
        remark(
            "haze",
            s.veil - 0.2,
            0.3,
            f"It looks hazy: even its darkest parts are {s.veil:.0%} bright.",
            "remove the haze",
        )
    span = s.high - s.low
    if not veiled:
        remark("contrast", 62 - span, 40, f"It is flat: its tones span {span:.0f} of 100.", "add some contrast")
    limit = 15.0 if meant_warm or meant_dark else 9.5
    strength = float(np.hypot(s.cast_a, s.cast_b))
    if abs(s.cast_b) >= abs(s.cast_a):
        name, request = ("yellow", "make it a little cooler") if s.cast_b > 0 else ("blue", "make it a little warmer")
    else:
        name, request = ("magenta", "less magenta tint") if s.cast_a > 0 else ("green", "less green tint")
    remark("white balance", strength - limit, 10, f"Its greys lean {name}, by {strength:.0f} units of colour.", request)
    if s.chroma > 0.8:
        # Below that it is a black-and-white photo, and meant to be.
        remark(
            "colour",
            7 - s.chroma,
            8,
            f"Its colours are pale: mean chroma {s.chroma:.0f}.",
            "make the colours more vivid",
        )
    remark(
        "colour", s.chroma - 48, 20, f"Its colours are loud: mean chroma {s.chroma:.0f}.", "tone the colours down a bit"
    )
    remark("noise", s.noise - 4.5, 10, f"It is noisy: {s.noise:.0f} of 255 steps in flat areas.", "reduce the noise")
    if s.sharpness > 0:
        remark(
            "sharpness",
            0.42 - s.sharpness,
            0.3,
            f"It is soft: edge acuity {s.sharpness:.2f}, a crisp photo has 1.",
            "sharpen it a little",
        )
    return tuple(sorted(found, key=lambda r: -r.severity))
