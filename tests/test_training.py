"""The retouch model's training: seeded pairs, what each switch does, the losses, the style vector."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from models.attributes import Reading, read, ruler
from models.denoiser import GridDenoiser
from models.parameter_map import CHANNELS
from models.pipeline import RetouchPipeline, load_pipeline, make_scheduler
from models.style import STYLE_DIM, StyleEncoder, tone_statistics
from models.training.losses import LossOptions, loss_of, opposite, scores
from models.training.pairs import CACHE_EDGE, Pair, PairOptions, degrade, make_pair, neutral, rendition, segments

IMAGES = ("photo", "developed", "target", "opposed", "alike", "stranger")


def cached(name: str) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(getattr(data, name)(), (CACHE_EDGE, CACHE_EDGE), interpolation=cv2.INTER_AREA))


def eight(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(x, 0, 1) * 255 + 0.5, np.uint8)


def reading(x: NDArray[np.float32]) -> Reading:
    by = ruler(x, np.ones(x.shape[:2], np.float32))
    assert by is not None
    return read(x, by)


def sample(seed: int, options: PairOptions) -> Pair:
    photo, other = cached("coffee"), cached("astronaut")
    clean, model = (eight(neutral(p / np.float32(255))) for p in (photo, other))
    return make_pair(photo, clean, segments(photo, 24), model, np.random.default_rng(seed), options)


@pytest.mark.parametrize("edge", [64, 128])
def test_pairs_are_seeded_and_in_range(edge: int) -> None:
    options = PairOptions(edge=edge, free=0.0)
    one, two, three = (sample(s, options) for s in (1, 1, 2))
    for name in IMAGES:
        picture = getattr(one, name)
        assert picture.dtype == np.float32
        assert picture.shape == ((64, 64, 3) if name in ("alike", "stranger") else (edge, edge, 3))
        assert 0 <= picture.min() <= picture.max() <= 1
        assert np.array_equal(picture, getattr(two, name))
    assert one.maps.shape == (CHANNELS, 64, 64)
    assert not np.array_equal(one.photo, three.photo)


def test_switches_of_the_pairs() -> None:
    assert not any(sample(s, PairOptions(targets=False)).maps.any() for s in range(4))
    assert not any(sample(s, PairOptions(free=1.0)).maps.any() for s in range(4))
    assert any(sample(s, PairOptions(free=0.0)).maps[:-1].any() for s in range(4))
    assert any(sample(s, PairOptions(free=0.0, keep=1.0)).maps[-1].any() for s in range(8))
    assert not any(sample(s, PairOptions(free=0.0, keep=0.0)).maps[-1].any() for s in range(8))


def test_developing_by_the_map_brings_the_photo_nearer_and_its_opposite_further() -> None:
    nearer, further = [], []
    for seed in range(12):
        pair = sample(seed, PairOptions(free=0.0, keep=0.0, replacement=0.0, perturbation=False))
        if pair.maps.any():
            before, after, against = (
                float(np.abs(p - pair.target).mean()) for p in (pair.photo, pair.developed, pair.opposed)
            )
            nearer.append(after - before)
            further.append(against - before)
    assert np.mean(nearer) < 0 < np.mean(further)


@pytest.mark.parametrize("light", [0.25, 0.5, 1.0])
def test_the_neutral_rendition_brings_the_unusual_to_the_usual(light: float) -> None:
    photo = np.asarray(cached("astronaut") / np.float32(255), np.float32)
    dark = np.asarray((photo**2.2 * light) ** (1 / 2.2), np.float32)
    found, made = reading(dark), reading(neutral(dark))
    if found.lightness < 39:
        assert found.lightness < made.lightness < 45
    again = reading(neutral(neutral(dark)))
    assert abs(again.lightness - made.lightness) <= abs(made.lightness - found.lightness) + 1


def test_degradation_goes_both_ways_and_leaves_a_share_clean() -> None:
    photo = np.asarray(cached("coffee") / np.float32(255), np.float32)
    rng = np.random.default_rng(3)
    change = np.array([degrade(photo, rng).mean() - photo.mean() for _ in range(60)])
    assert (change < -0.03).any()
    assert (change > 0.02).any()
    assert 0.1 < (np.abs(change) < 0.02).mean() < 0.7


def test_a_style_is_the_same_bias_on_every_photo() -> None:
    shifts = {
        style: [
            reading(rendition(base, style, np.random.default_rng(k))).lightness - reading(base).lightness
            for k, base in enumerate(neutral(cached(n) / np.float32(255)) for n in ("coffee", "astronaut", "chelsea"))
        ]
        for style in range(1, 7)
    }
    between = np.std([np.mean(v) for v in shifts.values()])
    within = np.mean([np.std(v) for v in shifts.values()])
    assert between > within


def test_scores_follow_what_they_are_called() -> None:
    x = torch.from_numpy(cached("coffee").astype(np.float32) / 255).permute(2, 0, 1)[None]
    base = scores(x)[0]
    assert scores((x * 1.15).clamp(0, 1))[0, 0] > base[0]
    assert scores(0.5 + 0.7 * (x - 0.5))[0, 1] < base[1]
    assert scores((x * torch.tensor([1.1, 1, 0.9]).view(1, 3, 1, 1)).clamp(0, 1))[0, 2] > base[2]
    grey = x.mean(1, keepdim=True).expand_as(x)
    assert scores(0.5 * x + 0.5 * grey)[0, 4] < base[4]


def test_the_opposite_map_keeps_its_flags() -> None:
    maps = torch.from_numpy(sample(1, PairOptions(free=0.0)).maps)[None]
    assert torch.equal(opposite(opposite(maps)), maps)
    assert torch.equal(opposite(maps)[:, 7:], maps[:, 7:])


def batch(edge: int = 64) -> dict[str, torch.Tensor]:
    pairs = [sample(s, PairOptions(free=0.3, keep=0.5, edge=edge)) for s in range(4)]
    images = {
        n: torch.from_numpy(np.stack([getattr(p, n) for p in pairs]).transpose(0, 3, 1, 2).copy()) for n in IMAGES
    }
    moods = torch.tensor([p.mood for p in pairs])
    return {**images, "maps": torch.from_numpy(np.stack([p.maps for p in pairs])), "mood": moods}


@pytest.mark.parametrize(
    "changed",
    [{}, {"contrast": 0.5}, {"style": 0.0}, {"through_grid": False}, {"style_dropout": 0.0}],
    ids=lambda c: next(iter(c), "all"),
)
@pytest.mark.parametrize("edge", [64, 128])
def test_every_loss_teaches_the_denoiser(changed: dict[str, float], edge: int) -> None:
    torch.manual_seed(0)
    options = replace(LossOptions(), **changed)  # type: ignore[arg-type]
    model = GridDenoiser(widths=(16, 32, 32), style_dim=STYLE_DIM if options.style else 0)
    encoder = StyleEncoder() if options.style else None
    loss = loss_of(
        model, encoder, batch(edge), make_scheduler().alphas_cumprod, options, torch.Generator().manual_seed(1)
    )
    loss.backward()
    assert torch.isfinite(loss)
    assert model.local.weight.grad is not None
    assert float(model.local.weight.grad.abs().sum()) > 0
    if encoder is not None:
        assert sum(float(p.grad.abs().sum()) for p in encoder.parameters() if p.grad is not None) > 0


def test_the_shipped_style_vector_tells_styles_apart_on_photos_it_never_saw() -> None:
    pipeline = load_pipeline()
    names = ("coffee", "astronaut", "chelsea")
    bases = [neutral(cached(n) / np.float32(255)) for n in names]
    rng = np.random.default_rng(5)
    right = []
    for style in range(1, 41):
        one, two = rng.permutation(len(bases))[:2]
        pictures = [
            rendition(bases[one], -style, rng), rendition(bases[two], -style, rng),
            rendition(bases[two], -((style + 7) % 64), rng),
        ]  # fmt: skip
        small = np.stack([cv2.resize(p, (64, 64), interpolation=cv2.INTER_AREA) for p in pictures])
        anchor, alike, stranger = pipeline.style_of(torch.from_numpy(small.transpose(0, 3, 1, 2).copy()))
        right.append(float(anchor @ alike) > float(anchor @ stranger))
    assert np.mean(right) > 0.65


def test_a_style_steers_the_look_and_none_is_none() -> None:
    pipeline = load_pipeline()
    photo = torch.from_numpy(cv2.resize(data.coffee(), (64, 64), interpolation=cv2.INTER_AREA) / np.float32(255))
    photo = photo.permute(2, 0, 1)[None]
    bright, dark = (photo.clamp(0.02, 1) ** g for g in (0.6, 1.6))
    made = {n: pipeline(photo, style=pipeline.style_of(s), num_inference_steps=1).samples for n, s in
            (("bright", bright), ("dark", dark))}  # fmt: skip
    assert float(made["bright"].mean()) > float(made["dark"].mean()) + 0.02
    none = pipeline(photo, num_inference_steps=1).samples
    assert torch.equal(none, pipeline(photo, style=torch.zeros(1, STYLE_DIM), num_inference_steps=1).samples)


def test_confidence_holds_the_look_back() -> None:
    shipped = load_pipeline()
    photo = torch.from_numpy(cv2.resize(data.coffee(), (64, 64), interpolation=cv2.INTER_AREA) / np.float32(255))
    photo = photo.permute(2, 0, 1)[None]
    parts = (shipped.denoiser, shipped.style_encoder, shipped.scheduler)
    full, half, none = (RetouchPipeline(*parts, c)(photo, num_inference_steps=1) for c in (1.0, 0.5, 0.0))
    assert torch.allclose(none.samples, photo, atol=1e-6)
    assert torch.allclose(half.grids - none.grids, (full.grids - none.grids) / 2, atol=1e-5)
    assert 0.5 < shipped.config.confidence < 1


def test_statistics_do_not_depend_on_where_things_are() -> None:
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(tone_statistics(x), tone_statistics(x.flip(2)), atol=1e-5)
