"""A whole person from a face: what hangs together in colour below a face belongs to who looks out of it.

The segmenter goes by colour and texture and misses unusual clothes. Where a face is sure, GrabCut (Rother, Kolmogorov and
Blake 2004) draws the rest of the person: the face and what is surely person are its seeds, the place of a body below the
face is where it may find more.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.faces import Face, ellipse
from models.segmentation import CLASSES, PERSON_PARTS, Segmentation

FloatImage = NDArray[np.float32]

#: Long edge at which it works, the least face (share of the long edge) worth it, and the least confidence of one.
EDGE: Final = 160
LEAST_FACE: Final = 0.07
LEAST_CONFIDENCE: Final = 0.7

#: What GrabCut's word alone is worth: below the half that makes a region.
RAISE: Final = 0.4


def body(shape: tuple[int, int], face: Face) -> FloatImage:
    """Where the body of a face may be, (h, w) in 0..1: shoulders about three heads wide, down to the edge of the photo."""
    x, y, w, h = face.box
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    down = np.clip((rows - (y + 0.85 * h)) / h, 0, 1)
    half = w * (0.45 + 1.15 * down)
    return np.asarray((np.abs(columns - (x + w / 2)) < half) & (rows > y + 0.85 * h), np.float32)


def complete(rgb: FloatImage, person: FloatImage, faces: tuple[Face, ...]) -> FloatImage:
    """The probability of a person (h, w), raised where GrabCut finds the rest of one below a sure face of `faces`."""
    long_edge = max(rgb.shape[:2])
    sure = [f for f in faces if f.confidence >= LEAST_CONFIDENCE and f.box[2] >= LEAST_FACE * long_edge]
    if not sure:
        return person
    scale = min(1.0, EDGE / long_edge)
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = (np.clip(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), 0, 1) * 255).astype(np.uint8)
    likely = cv2.resize(person, size, interpolation=cv2.INTER_AREA)
    shape = (rgb.shape[0], rgb.shape[1])
    place = np.zeros(shape, np.float32)
    heads = np.zeros(shape, np.float32)
    for face in sure:
        x, y, w, h = face.box
        place = np.maximum(place, body(shape, face))
        heads = np.maximum(heads, ellipse(shape, x + w / 2, y + h / 2, 0.38 * w, 0.46 * h))
    room = cv2.resize(place, size, interpolation=cv2.INTER_AREA) > 0.5
    labels = np.full(size[::-1], cv2.GC_PR_BGD, np.uint8)
    labels[(likely < 0.15) & ~room] = cv2.GC_BGD
    labels[(likely > 0.5) | (room & (likely > 0.2))] = cv2.GC_PR_FGD
    labels[(likely > 0.85) | (cv2.resize(heads, size, interpolation=cv2.INTER_AREA) > 0.8)] = cv2.GC_FGD
    if not (labels == cv2.GC_BGD).any() or not (labels == cv2.GC_FGD).any():
        return person
    # GrabCut starts its colour clusters from OpenCV's random numbers; the same photo must give the same mask.
    cv2.setRNGSeed(1)
    model = np.zeros((2, 65), np.float64)
    cv2.grabCut(small, labels, None, model[:1], model[1:], 2, cv2.GC_INIT_WITH_MASK)
    found = cv2.resize(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32), shape[::-1])
    # Where GrabCut agrees, half a suspicion becomes a person; a mere spill of colour does not.
    blur = 0.01 * long_edge
    agreed = cv2.GaussianBlur(found, (0, 0), 0.4 * blur) * cv2.GaussianBlur(place, (0, 0), blur)
    return np.asarray(np.maximum(person, np.minimum(agreed * (RAISE + (1 - RAISE) * person), 1)), np.float32)


def with_person(seen: Segmentation, person: FloatImage) -> Segmentation:
    """`seen` with the whole person at least as probable as `person` (h, w): what is added is worn, the rest gives way."""
    had = seen.of(*PERSON_PARTS)
    gain = np.maximum(person - had, 0)
    planes = seen.probabilities * np.where(had < 1, (1 - had - gain) / np.maximum(1 - had, 1e-6), 1)[None]
    for name in PERSON_PARTS:
        planes[CLASSES.index(name)] = seen.of(name)
    planes[CLASSES.index("clothing")] += gain
    return Segmentation(np.asarray(planes, np.float32), seen.features)
