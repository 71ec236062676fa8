"""A region that a person points at: a click, a box or a painted stroke, grown to the thing that lies there.

A pick's name says all of it in thousandths of the photo's width and height, so that a recipe renders the same for ever:
``point:412,633``, ``box:100,200,480,900``, ``stroke:12;100,200;140,260`` (first the brush's radius, in thousandths of the
long edge). Growing follows what the segmenter saw, the colour and the texture: what is alike, hangs together with the pick
and is not cut off by an edge belongs to it. GrabCut draws the border (`models.contour`).
"""

import re
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.attributes import lab
from models.contour import cut
from models.vocabulary import PICKED

FloatImage = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Long edge at which a pick is grown.
EDGE: Final = 224
#: How much of the segmenter's certainty counts against the colour.
TRUST: Final = 0.85
#: A cut that leaves less than this share of what looked alike, or as many times more, has run away and is not used.
RUN_AWAY: Final = 0.4
#: How likely a pixel must be part of the pick to be where GrabCut starts, to be sure, and below what it is surely not.
LIKELY, SURE, UNLIKELY = 0.5, 0.75, 0.12
#: Most points of a stroke, and radius of a click's own disc, in thousandths of the long edge.
MOST_POINTS: Final = 64
CLICK_RADIUS: Final = 10


@dataclass(frozen=True)
class Pick:
    """What was pointed at: `kind` is point, box or stroke; `points` (x, y) and `radius` in thousandths."""

    kind: str
    points: tuple[tuple[int, int], ...]
    radius: int = CLICK_RADIUS

    @property
    def name(self) -> str:
        """The region's name.

        >>> point(0.5, 0.25).name, box(0.9, 0.1, 0.2, 0.6).name
        ('point:500,250', 'box:200,100,900,600')
        """
        pairs = [f"{x},{y}" for x, y in self.points]
        if self.kind == "stroke":
            return f"stroke:{self.radius};" + ";".join(pairs)
        return f"{self.kind}:" + ",".join(pairs)


def thousandths(value: float) -> int:
    """A share of the photo in whole thousandths, 0..1000."""
    return round(min(max(value, 0.0), 1.0) * 1000)


def point(x: float, y: float) -> Pick:
    """A click at shares `x` of the width and `y` of the height."""
    return Pick("point", ((thousandths(x), thousandths(y)),))


def box(x0: float, y0: float, x1: float, y1: float) -> Pick:
    """A box between two opposite corners, in any order."""
    left, right = sorted((thousandths(x0), thousandths(x1)))
    top, bottom = sorted((thousandths(y0), thousandths(y1)))
    return Pick("box", ((left, top), (right, bottom)))


def stroke(points: list[tuple[float, float]], radius: float) -> Pick:
    """A painted stroke through `points` with a brush of `radius` (share of the long edge); long ones are thinned out."""
    if not points:
        raise ValueError("A stroke needs at least one point.")
    kept = [points[round(i)] for i in np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS))]
    return Pick("stroke", tuple((thousandths(x), thousandths(y)) for x, y in kept), max(1, thousandths(radius)))


def parse(name: str) -> Pick | None:
    """The pick that a region's name says; None for any other name.

    >>> parse("point:500,250").points, parse("point:5000,1"), parse("sky")
    (((500, 250),), None, None)
    """
    if not PICKED.fullmatch(name):
        return None
    kind, _, rest = name.partition(":")
    numbers = [int(n) for n in re.findall(r"\d+", rest)]
    radius = numbers.pop(0) if kind == "stroke" else CLICK_RADIUS
    return Pick(kind, tuple(zip(numbers[::2], numbers[1::2], strict=True)), radius)


def painted(pick: Pick, shape: tuple[int, int]) -> Mask:
    """What of (h, w) was pointed at itself: the click's disc, the stroke, the inside of the box. Never empty."""
    height, width = shape
    canvas = np.zeros(shape, np.uint8)
    at = [
        (min(round(x * (width - 1) / 1000), width - 1), min(round(y * (height - 1) / 1000), height - 1))
        for x, y in pick.points
    ]
    if pick.kind == "box":
        cv2.rectangle(canvas, at[0], at[1], 1, cv2.FILLED)
        return canvas > 0
    radius = max(1, round(pick.radius * max(shape) / 1000))
    cv2.polylines(canvas, [np.array(at, np.int32)], False, 1, 2 * radius)
    for centre in at:
        cv2.circle(canvas, centre, radius, 1, cv2.FILLED)
    return canvas > 0


def grow(pick: Pick, rgb: FloatImage, planes: FloatImage) -> FloatImage:
    """What lies where `pick` points, (h, w) in {0, 1} at a long edge of `EDGE` or less.

    `rgb` (H, W, 3) in [0, 1]; `planes` (14, h', w'): the segmenter's class probabilities at any size.
    """
    scale = min(1.0, EDGE / max(rgb.shape[:2]))
    size = (max(4, round(rgb.shape[1] * scale)), max(4, round(rgb.shape[0] * scale)))
    small = np.ascontiguousarray(np.clip(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), 0, 1), np.float32)
    classes = np.stack([cv2.resize(plane, size) for plane in planes], -1)
    seed = painted(pick, (size[1], size[0]))
    likely = inside_box(classes, seed) if pick.kind == "box" else alike(small, classes, seed)
    labels = np.where(likely > LIKELY, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[likely < UNLIKELY] = cv2.GC_BGD
    labels[likely > (0.85 if pick.kind == "box" else SURE)] = cv2.GC_FGD
    if pick.kind == "box":
        labels[seed & (labels == cv2.GC_BGD)] = cv2.GC_PR_BGD
        if not np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).any():
            labels[seed] = cv2.GC_PR_FGD
    else:
        labels[seed] = cv2.GC_FGD
    found = held(small, labels)
    if pick.kind == "box":
        return found.astype(np.float32)
    # What does not hang together with the pick is another thing that looks alike.
    _, pieces = cv2.connectedComponents(found.astype(np.uint8))
    return np.isin(pieces, np.setdiff1d(pieces[seed], [0])).astype(np.float32)


def alike(rgb: FloatImage, classes: FloatImage, seed: Mask) -> FloatImage:
    """How likely each pixel (h, w) belongs to the thing under `seed`: alike in colour, texture and class, and near.

    Near is geodesic: the cheapest way there, where edges and unlike pixels cost. The surer the segmenter is of what lies
    under the seed, the more its word counts against the colour's.
    """
    from skimage.graph import MCP_Geometric

    colours = lab(cv2.bilateralFilter(rgb, 5, 0.1, 3))
    grey = colours[..., 0]
    detail = cv2.GaussianBlur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 2)), (0, 0), 2.5)
    # Lightness counts half as much as colour: a thing is lit unevenly.
    features = np.concatenate(
        [colours * np.array([0.05, 0.1, 0.1], np.float32), 2 * np.sqrt(classes), np.log1p(detail)[..., None]], -1
    )
    apart = ((features - np.median(features[seed], axis=0)) ** 2).sum(-1)
    similar = np.exp(-0.175 * apart)
    down, right = (np.diff(features, axis=i, prepend=np.take(features, [0], axis=i)) for i in (0, 1))
    edges = np.linalg.norm(down, axis=-1) + np.linalg.norm(right, axis=-1)
    ways, _ = MCP_Geometric(0.02 + edges + 0.5 * (1 - similar)).find_costs(np.argwhere(seed))
    far = 10 * ways / max(seed.shape)
    mean = classes[seed].mean(axis=0)
    same_class = np.sqrt(classes * mean).sum(-1) ** 2
    # "Other" is no thing, and even a sure class may hold several: colour keeps a say.
    sure = TRUST * float(mean[:-1].max())
    return np.asarray(
        (similar * np.exp(-0.6 * far)) ** (1 - sure) * (same_class * np.exp(-0.3 * far)) ** sure, np.float32
    )


def inside_box(classes: FloatImage, seed: Mask) -> FloatImage:
    """How likely each pixel (h, w) of a box belongs to what the box was drawn around: classes rarer around it than in it."""
    reach = np.ones((2 * (max(seed.shape) // 11) + 1,) * 2, np.uint8)
    around = (cv2.dilate(seed.astype(np.uint8), reach) > 0) & ~seed
    within = classes[seed].mean(axis=0)
    outside = classes[around].mean(axis=0) if around.any() else np.zeros_like(within)
    return np.asarray((classes @ ((within + 0.02) / (within + outside + 0.04))) * seed, np.float32)


def held(rgb: FloatImage, labels: NDArray[np.uint8]) -> Mask:
    """What GrabCut draws from `labels`; what they say themselves where it has run away."""
    start = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    found = cut(rgb, labels)
    near = RUN_AWAY * start.sum() < found.sum() < start.sum() / RUN_AWAY
    return np.asarray(found if near else start, np.bool_)
