"""Where the sky and people end: GrabCut draws the border that the segmenter, on its coarse grid, only roughly knows.

GrabCut (Rother, Kolmogorov and Blake 2004) cuts along the colours of the photo, with what the segmenter is sure of as its
seeds. Its word is averaged with the segmenter's, and not heard where it has run away: a crowd or a scattered sky has no
colours of its own.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.segmentation import CLASSES, PERSON_PARTS, Segmentation

FloatImage = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Long edge at which it cuts; above SURE and below 1 - SURE the segmenter is not asked again.
EDGE: Final = 320
SURE: Final = 0.9
#: GrabCut's share in the answer, and the least overlap (intersection over union) with the segmenter that it must have.
SHARE, AGREED = 0.5, 0.7


def cut(rgb: FloatImage, labels: NDArray[np.uint8]) -> Mask:
    """What GrabCut finds in (h, w, 3) from `labels` (h, w) of OpenCV's `GC_` values; the start where it has no seeds."""
    start = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if not (labels == cv2.GC_BGD).any() or not start.any():
        return np.asarray(start, np.bool_)
    # GrabCut starts its colour clusters from OpenCV's random numbers; the same photo must give the same mask.
    cv2.setRNGSeed(1)
    model = np.zeros((2, 65), np.float64)
    found = labels.copy()
    small = (np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    cv2.grabCut(small, found, None, model[:1], model[1:], 2, cv2.GC_INIT_WITH_MASK)
    return np.isin(found, (cv2.GC_FGD, cv2.GC_PR_FGD))


def drawn(rgb: FloatImage, probability: FloatImage) -> FloatImage:
    """`probability` (h, w) of one thing, with its border drawn along the colours of the photo (h, w, 3)."""
    inside = probability > 0.5
    if not inside.any() or inside.all():
        return probability
    scale = min(1.0, EDGE / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    rough = cv2.resize(probability, size, interpolation=cv2.INTER_AREA)
    labels = np.where(rough > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[rough > SURE], labels[rough < 1 - SURE] = cv2.GC_FGD, cv2.GC_BGD
    if not (labels == cv2.GC_FGD).any():
        return probability
    found = cut(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), labels).astype(np.float32)
    found = cv2.resize(found, probability.shape[::-1])
    shared, either = (inside & (found > 0.5)).sum(), (inside | (found > 0.5)).sum()
    if shared < AGREED * either:
        return probability
    return np.asarray((1 - SHARE) * probability + SHARE * found, np.float32)


def with_total(seen: Segmentation, names: tuple[str, ...], total: FloatImage) -> Segmentation:
    """`seen` with the classes `names` making up `total` (h, w) in proportion; the other classes share the rest.

    What is added where none of `names` was seen is the last of them.
    """
    rows = [CLASSES.index(name) for name in names]
    had = seen.probabilities[rows].sum(axis=0)
    planes = seen.probabilities * ((1 - total) / np.maximum(1 - had, 1e-6))[None]
    shares = seen.probabilities[rows] + np.array([0.0] * (len(rows) - 1) + [1e-6], np.float32)[:, None, None]
    planes[rows] = shares / shares.sum(axis=0) * total
    return Segmentation(np.asarray(planes / np.maximum(planes.sum(axis=0), 1e-6), np.float32), seen.features)


def refine(rgb: FloatImage, seen: Segmentation) -> Segmentation:
    """`seen` in a thumbnail (h, w, 3), with the borders of the people and of the sky drawn."""
    seen = with_total(seen, PERSON_PARTS, drawn(rgb, seen.of(*PERSON_PARTS)))
    if float((seen.against("sky") > 0.5).mean()) < 0.01:
        return seen
    return with_total(seen, ("sky",), drawn(rgb, seen.of("sky")))
