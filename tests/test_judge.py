"""The judge: faults made on purpose are seen and named; a picture of nothing has a score too."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from models.judge import FACETS, features, scores, severities
from models.training.judge import Head, fit, spoil

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")


def photo(name: str) -> NDArray[np.float32]:
    return np.asarray(getattr(data, name)() / np.float32(255), np.float32)


def test_strong_faults_lower_the_score_and_most_are_named() -> None:
    lower, named = [], []
    for seed, name in enumerate(PHOTOS):
        good = photo(name)
        before = scores(good)
        for facet in FACETS:
            bad = spoil(good, facet, 2, np.random.default_rng(seed))
            after = scores(bad)
            lower.append(after["overall"] < before["overall"])
            named.append(FACETS[int(severities(features(bad, bad)).argmax())] == facet)
    assert np.mean(lower) > 0.85
    assert np.mean(named) > 0.7


@pytest.mark.parametrize("facet", FACETS)
def test_a_stronger_fault_is_more_severe(facet: str) -> None:
    index = FACETS.index(facet)
    mean = []
    for strength in range(3):
        found = []
        for name in PHOTOS:
            bad = spoil(photo(name), facet, strength, np.random.default_rng(7))
            found.append(severities(features(bad, bad))[index])
        mean.append(float(np.mean(found)))
    assert mean[2] > mean[0]


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (40, 40, 3)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_pictures_of_nothing_have_scores(shape: tuple[int, ...], value: float) -> None:
    found = scores(np.full(shape, value, np.float32))
    assert set(found) == {"overall", *FACETS}
    assert all(0 <= v <= 100 for v in found.values())


def test_scores_are_the_same_twice_and_use_the_photos_own_pixels() -> None:
    good = photo("astronaut")
    noisy = spoil(good, "noise", 2, np.random.default_rng(1))
    assert scores(good) == scores(good)
    assert scores(good, noisy)["noise"] < scores(good)["noise"]


def test_an_unknown_facet_is_refused() -> None:
    with pytest.raises(ValueError, match="facet"):
        spoil(photo("coffee"), "composition", 1, np.random.default_rng(0))


def test_fitting_is_seeded_and_learns() -> None:
    import torch

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 22, 56)).astype(np.float32) * 0.3
    for k in range(7):
        rows[:, 1 + 3 * k : 4 + 3 * k, k] += np.array([1.0, 2.0, 3.0])
    table = torch.from_numpy(rows)
    one, two = fit(table, 150), fit(table, 150)
    assert isinstance(one, Head)
    with torch.no_grad():
        a, b = one(table), two(table)
    assert torch.equal(a, b)
    named = (a[:, 1:].argmax(-1) == torch.arange(7).repeat_interleave(3)).float().mean()
    assert float(named) > 0.8
