"""What a kind of place does not show is taken back, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from models import context, places
from models.segmentation import CLASSES
from models.training import context as training
from models.training.segmenter import ANY, BIT, shown_bits

PLACE = places.features(data.coffee().astype(np.float32) / 255)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 30))
def test_what_remains_are_probabilities_and_only_the_unlikely_lose(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random((len(CLASSES), 3, 4), np.float32) ** 4
    p /= p.sum(axis=0)
    place = np.abs(rng.normal(1, spread, places.FEATURES)).astype(np.float32)
    settled, odds = context.settle(p, place), context.odds(place)
    np.testing.assert_allclose(settled.sum(axis=0), 1, atol=1e-4)
    for i, name in enumerate(CLASSES):
        # Against what is left over, a class loses by its odds and never gains.
        before = p[i] / np.maximum(p[-1], 1e-9)
        after = settled[i] / np.maximum(settled[-1], 1e-30)
        if settled[-1].min() > 1e-6:
            assert (after <= before * 1.001 + 1e-6).all()
        if odds[name] >= 1 and settled[-1].min() > 1e-6:
            np.testing.assert_allclose(after, before, rtol=1e-2, atol=1e-5)


def test_a_pixel_that_is_surely_something_stays_so() -> None:
    for i in range(len(CLASSES)):
        p = np.zeros((len(CLASSES), 1, 1), np.float32)
        p[i] = 1
        assert context.settle(p, PLACE)[i, 0, 0] == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(CLASSES), st.floats(0.92, 1))
def test_what_the_segmenter_is_sure_of_wins_in_any_place(seed: int, name: str, sure: float) -> None:
    rng = np.random.default_rng(seed)
    p = np.zeros((len(CLASSES), 1, 1), np.float32)
    rest = rng.random(len(CLASSES)).astype(np.float32) ** 3
    i = CLASSES.index(name)
    rest[i] = 0
    p[:, 0, 0] = (1 - sure) * rest / rest.sum()
    p[i] = sure
    place = rng.gamma(1, 2, places.FEATURES).astype(np.float32)
    assert context.settle(p, place).argmax() == i


def test_a_cup_of_coffee_shows_food_and_neither_sky_nor_sea() -> None:
    odds = context.odds(PLACE)
    assert odds["food"] > 1 > max(odds["sky"], odds["water"], odds["mountain"])


def test_only_what_is_known_of_a_photo_is_taught() -> None:
    sky, sea = CLASSES.index("sky"), CLASSES.index("water")
    bits = np.full((10, 10), ANY, np.uint16)
    bits[:3] = BIT["sky"]
    half = training.shown(bits, ANY)
    assert half[sky] == 1
    assert half[sea] == -1  # most of the photo is unlabelled
    assert training.shown(bits, shown_bits(("sky", "building")))[sea] == 0  # but somebody has looked
    bits[3:] = BIT["building"]
    assert training.shown(bits, ANY)[sea] == 0
    bits[3:] = BIT["building"] | BIT["water"]  # a set that does not tell these apart
    assert training.shown(bits, ANY)[sea] == -1
