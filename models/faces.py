"""Faces and eyes: OpenCV's boosted cascades (Viola and Jones 2001), confirmed by the skin the segmenter sees."""

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]
Box = tuple[float, float, float, float]

_one_at_a_time = threading.Lock()

#: A detection with less skin than this in its middle is not a face.
LEAST_SKIN: Final = 0.35


@dataclass(frozen=True)
class Face:
    """A face: its box (x, y, width, height) in pixels, its eyes as (x, y, radius), and how sure that is (0..1)."""

    box: Box
    eyes: tuple[tuple[float, float, float], ...]
    confidence: float


@lru_cache(maxsize=4)
def cascade(name: str) -> Any:
    """One of the cascades that come with OpenCV; None where this OpenCV has none."""
    try:
        loaded = cv2.CascadeClassifier(f"{vars(cv2)['data'].haarcascades}haarcascade_{name}.xml")
    except (AttributeError, KeyError, cv2.error):
        return None
    return None if loaded.empty() else loaded


def overlap(one: Box, two: Box) -> float:
    """The shared area of two boxes as a share of the smaller one.

    >>> overlap((0, 0, 10, 10), (5, 0, 10, 10))
    0.5
    """
    w = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    h = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    return max(w, 0) * max(h, 0) / max(min(one[2] * one[3], two[2] * two[3]), 1e-6)


def detect(grey: NDArray[np.uint8], name: str, least: int, neighbours: int = 4) -> list[Box]:
    """The boxes a cascade finds on a grey picture."""
    finder = cascade(name)
    if finder is None or min(grey.shape) < least:
        return []
    # A cascade keeps state while it runs: used from two threads at once it crashes the process.
    with _one_at_a_time:
        found = finder.detectMultiScale(grey, scaleFactor=1.16, minNeighbors=neighbours, minSize=(least, least))
    return [(float(x), float(y), float(w), float(h)) for x, y, w, h in found]


def find_faces(rgb: FloatImage, skin: FloatImage) -> tuple[Face, ...]:
    """The faces of a thumbnail (h, w, 3) in [0, 1], largest first; `skin` is the probability of skin (h, w)."""
    if min(rgb.shape[:2]) < 24 or float(skin.max()) < LEAST_SKIN:
        return ()
    luma = (np.clip(rgb, 0, 1) @ np.array([0.299, 0.587, 0.114], np.float32) * 255).astype(np.uint8)
    grey = np.asarray(cv2.createCLAHE(2.0, (4, 4)).apply(luma), np.uint8)
    boxes = detect(grey, "frontalface_alt2", 20) + detect(grey, "profileface", 32, 5)
    width = grey.shape[1]
    boxes += [(width - x - w, y, w, h) for x, y, w, h in detect(cv2.flip(grey, 1), "profileface", 32, 5)]
    faces: list[Face] = []
    for box in sorted(boxes, key=lambda b: -b[2] * b[3]):
        x, y, w, h = (int(v) for v in box)
        middle = skin[y + h // 5 : y + h - h // 8, x + w // 5 : x + w - w // 5]
        share = float(middle.mean()) if middle.size else 0.0
        if share >= LEAST_SKIN and all(overlap(box, face.box) < 0.4 for face in faces):
            faces.append(Face(box, find_eyes(grey, box), min(1.0, 0.4 + 0.7 * share)))
    return tuple(faces[:32])


def find_eyes(grey: NDArray[np.uint8], box: Box) -> tuple[tuple[float, float, float], ...]:
    """The eyes in the upper half of a face box: at most one on each side, none in a face too small to tell."""
    x, y, w, h = (int(v) for v in box)
    if w < 40:
        return ()
    upper = grey[y + h // 6 : y + int(h * 0.6), x : x + w]
    scale = max(1.0, 120 / w)
    upper = np.asarray(cv2.resize(upper, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    sides: dict[bool, tuple[float, float, float]] = {}
    for ex, ey, ew, eh in detect(upper, "eye", max(8, int(0.12 * w * scale)), 3):
        cx, cy, size = x + (ex + ew / 2) / scale, y + h // 6 + (ey + eh / 2) / scale, ew / scale
        if 0.1 < size / w < 0.45:
            sides.setdefault(cx > x + w / 2, (cx, cy, size * 0.36))
    return tuple(sides.values())


def ellipse(shape: tuple[int, int], x: float, y: float, rx: float, ry: float) -> FloatImage:
    """A soft ellipse: 1 at its centre, falling to 0 at 1.15 of its radii."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance = np.sqrt(((columns - x) / max(rx, 1.0)) ** 2 + ((rows - y) / max(ry, 1.0)) ** 2)
    return np.asarray(np.clip((1.15 - distance) / 0.3, 0, 1), np.float32)
