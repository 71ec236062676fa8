"""A region that a person points at: names, growing, and the same answer every time."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data as pictures

from models import pick
from models.recipe import Recipe
from models.segmentation import classical
from models.vocabulary import is_region

SHARE = st.floats(-0.5, 1.5, allow_nan=False)


def disc_picture() -> tuple[np.ndarray, np.ndarray]:
    """An orange disc on a blue ground with a soft gradient, and where the disc is."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float32)
    inside = np.hypot(x - 200, y - 120) < 60
    ground = np.stack([0.15 + x / 3000, 0.3 + y / 2000, 0.7 - x / 3000], -1)
    return np.where(inside[..., None], np.float32([0.9, 0.5, 0.1]), ground).astype(np.float32), inside


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    large = cv2.resize(found, truth.shape[::-1]) > 0.5
    return float((large & truth).sum() / (large | truth).sum())


@given(SHARE, SHARE, SHARE, SHARE)
def test_a_pick_is_its_name(x0: float, y0: float, x1: float, y1: float) -> None:
    for made in (pick.point(x0, y0), pick.box(x0, y0, x1, y1), pick.stroke([(x0, y0), (x1, y1)], abs(x1) / 10)):
        assert pick.parse(made.name) == made
        assert is_region(made.name)
        assert Recipe().with_values(made.name, {"brightness": 0.2}).values(made.name) == {"brightness": 0.2}


@pytest.mark.parametrize(
    "name", ["point:1,2,3", "point:1001,5", "box:1,2", "stroke:5", "point:../etc", "point:1,2\n", "Point:1,2"]
)
def test_other_names_are_no_picks(name: str) -> None:
    assert pick.parse(name) is None
    assert not is_region(name)


def test_a_long_stroke_is_thinned_out_but_keeps_its_ends() -> None:
    made = pick.stroke([(i / 999, 0.5) for i in range(1000)], 0.02)
    assert len(made.points) == pick.MOST_POINTS
    assert made.points[0] == (0, 500)
    assert made.points[-1] == (1000, 500)
    with pytest.raises(ValueError, match="point"):
        pick.stroke([], 0.02)


@pytest.mark.parametrize(
    "made",
    [pick.point(0.62, 0.5), pick.box(0.4, 0.2, 0.85, 0.8), pick.stroke([(0.55, 0.4), (0.65, 0.6)], 0.02)],
    ids=lambda p: p.kind,
)
def test_what_is_pointed_at_is_found_to_its_border(made: pick.Pick) -> None:
    rgb, inside = disc_picture()
    planes = classical(rgb).probabilities
    found = pick.grow(made, rgb, planes)
    assert overlap(found, inside) > 0.9
    assert np.array_equal(found, pick.grow(made, rgb, planes))


def test_a_click_beside_the_thing_finds_what_is_beside_it() -> None:
    rgb, inside = disc_picture()
    found = cv2.resize(pick.grow(pick.point(0.15, 0.5), rgb, classical(rgb).probabilities), inside.shape[::-1]) > 0.5
    assert not (found & inside).any()
    assert (found & ~inside).sum() > 0.5 * (~inside).sum()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 3), SHARE, SHARE, st.sampled_from(["point", "box", "stroke"])
)
def test_any_picture_and_any_pick_give_a_mask(
    height: int, width: int, seed: int, x: float, y: float, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    rgb = np.asarray(rng.random((height, width, 3)) if seed else np.zeros((height, width, 3)), np.float32)
    made = {"point": pick.point(x, y), "box": pick.box(x, y, y, x), "stroke": pick.stroke([(x, y), (y, x)], 0.05)}[kind]
    found = pick.grow(made, rgb, classical(rgb).probabilities)
    assert found.ndim == 2
    assert set(np.unique(found)) <= {0.0, 1.0}


def test_the_sky_of_a_real_photo_from_one_click() -> None:
    rgb = pictures.rocket().astype(np.float32) / 255
    found = pick.grow(pick.point(0.15, 0.15), rgb, classical(rgb).probabilities)
    rows = found.shape[0]
    assert found[: rows // 4].mean() > 0.6
    # The ground with its lights is not the sky.
    assert found[-rows // 8 :].mean() < 0.2
