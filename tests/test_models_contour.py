"""Borders drawn along the photo's colours, and not where the colours say nothing."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models import contour
from models.segmentation import CLASSES, PERSON_PARTS, classical


def two_colours() -> tuple[np.ndarray, np.ndarray]:
    """A red block on a green ground, slightly noisy, and where the block is."""
    rng = np.random.default_rng(1)
    inside = np.zeros((160, 200), bool)
    inside[40:130, 60:140] = True
    rgb = np.where(inside[..., None], np.float32([0.8, 0.2, 0.2]), np.float32([0.2, 0.6, 0.3]))
    return (rgb + rng.normal(0, 0.02, rgb.shape)).astype(np.float32), inside


def overlap(one: np.ndarray, two: np.ndarray) -> float:
    return float((one & two).sum() / (one | two).sum())


def test_a_rough_border_becomes_the_border_of_the_colours() -> None:
    rgb, inside = two_colours()
    rough = cv2.GaussianBlur(np.roll(inside, (5, -5), (0, 1)).astype(np.float32), (0, 0), 5)
    before, after = overlap(rough > 0.5, inside), overlap(contour.drawn(rgb, rough) > 0.5, inside)
    assert before < 0.85
    assert after > 0.95


def test_colours_that_say_nothing_change_nothing() -> None:
    rng = np.random.default_rng(2)
    noise = rng.random((120, 160, 3)).astype(np.float32)
    blob = cv2.GaussianBlur(np.pad(np.ones((40, 40), np.float32), 40)[:, :160], (0, 0), 6)
    blob = np.pad(blob, ((0, 0), (0, 160 - blob.shape[1])))
    assert overlap(contour.drawn(noise, blob) > 0.5, blob > 0.5) > contour.AGREED


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 99))
def test_probabilities_stay_probabilities(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rgb = rng.random((height, width, 3)).astype(np.float32)
    seen = contour.refine(rgb, classical(rgb))
    np.testing.assert_allclose(seen.probabilities.sum(axis=0), 1, atol=1e-3)
    assert seen.probabilities.min() >= 0
    total = rng.random((height, width)).astype(np.float32)
    np.testing.assert_allclose(contour.with_total(seen, PERSON_PARTS, total).of(*PERSON_PARTS), total, atol=1e-3)


def test_the_others_keep_their_proportions() -> None:
    planes = np.full((len(CLASSES), 1, 1), 0.05, np.float32)
    planes[CLASSES.index("sky")], planes[CLASSES.index("water")] = 0.3, 0.1
    seen = classical(np.zeros((1, 1, 3), np.float32))
    seen = type(seen)(planes, seen.features)
    more = contour.with_total(seen, PERSON_PARTS, np.full((1, 1), 0.6, np.float32))
    assert abs(float(more.of("sky")[0, 0] / more.of("water")[0, 0]) - 3) < 1e-3
