"""Learning from rewards: what a look is worth, what the update does, and that a stopped run goes on as if it had not been."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from models.denoiser import GridDenoiser
from models.develop import direct, region_ops, tone_zones
from models.parameter_map import parameter_map
from models.pipeline import RetouchPipeline, make_scheduler, save_pipeline
from models.render import Layer, render
from models.style import STYLE_DIM, StyleEncoder
from models.training.forward import follow, forward_loss, worth
from models.training.judge import spoil
from models.training.looks import Draws, Looks, StageOptions, sample_looks
from models.training.losses import LossOptions
from models.training.pairs import PairOptions, segments
from models.training.reward import Stage, run
from models.training.unpaired import Request, RequestOptions, make_request
from models.training.verdict import RewardOptions, Verdict, compliance, judge_looks, reward, structure, told

Float = NDArray[np.float32]

SIDE = 96
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")


def cached(name: str) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(getattr(data, name)(), (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def photo(name: str, side: int = SIDE) -> Float:
    return np.asarray(
        cv2.resize(getattr(data, name)(), (side, side), interpolation=cv2.INTER_AREA) / np.float32(255), np.float32
    )


def developed(x: Float, values: dict[str, float]) -> Float:
    deep = np.asarray(x * 65535 + 0.5, np.uint16)
    return np.asarray(
        render(deep, [Layer(region_ops(values, direct(values), tone_zones(x, None)))]) / 65535, np.float32
    )


def left_half() -> Float:
    mask = np.zeros((64, 64), np.float32)
    mask[:, :32] = 1
    return mask


# What a look is worth.


def test_targets_are_read_from_the_map_with_where_they_are() -> None:
    maps = parameter_map(
        {"object:a": {"brightness": 0.3}, "object:b": {"brightness": -0.2, "tint": 0.1}},
        {"object:a": left_half(), "object:b": 1 - left_half()},
    )
    found = {(name, round(value, 2), round(float(where.mean()), 2)) for name, value, where in told(maps)}
    assert found == {("brightness", 0.3, 0.5), ("brightness", -0.2, 0.5), ("tint", 0.1, 0.5)}


def test_the_gate_is_open_where_nothing_is_asked() -> None:
    x = photo("coffee", 64)
    empty = parameter_map({}, {})
    assert compliance(x, x, empty, RewardOptions()) == 1
    assert compliance(x, 1 - x, empty, RewardOptions()) == 1


def test_the_gate_closes_the_further_a_target_is_missed() -> None:
    x = photo("coffee", 64)
    maps = parameter_map({"global": {"brightness": 0.4}}, {})
    gates = [
        compliance(x, developed(x, {"brightness": v}), maps, RewardOptions()) for v in (0.4, 0.25, 0.0, -0.4)
    ]  # fmt: skip
    assert gates[0] > 0.9
    assert gates[0] > gates[1] > gates[2] > gates[3]
    assert gates[3] < 0.1


def test_the_gate_closes_when_a_kept_region_is_touched_and_only_then() -> None:
    x = photo("coffee", 64)
    maps = parameter_map({}, {}, keep=left_half())
    bright = developed(x, {"brightness": 0.3})
    left = left_half()[..., None]
    inside, outside = x + left * (bright - x), x + (1 - left) * (bright - x)
    assert compliance(x, outside, maps, RewardOptions()) == 1
    assert compliance(x, inside, maps, RewardOptions()) < 0.2


def test_structure_is_blind_to_light_and_sees_what_is_lost() -> None:
    x = torch.from_numpy(photo("astronaut").transpose(2, 0, 1).copy())[None]
    blurred = torch.nn.functional.avg_pool2d(x, 9, 1, 4)
    pairs = {
        "same": x, "light": 0.2 + 0.6 * x, "clipped": (3 * x - 0.5).clamp(0, 1), "blurred": blurred, "negative": 1 - x,
    }  # fmt: skip
    found = {name: float(structure(x, y)) for name, y in pairs.items()}
    assert found["same"] == pytest.approx(1, abs=1e-4)
    assert found["light"] > 0.97
    assert found["light"] > max(found["clipped"], found["blurred"]) > found["negative"]
    assert found["negative"] == 0


@pytest.mark.parametrize("gain", [-3.0, -0.1, 0.0, 0.5, 4.0])
@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9])
def test_a_reward_lies_in_range_and_never_rises_by_disobeying(gain: float, weight: float) -> None:
    options = RewardOptions(structure=weight)
    by_gate = [reward(gain, g, 0.8, options) for g in (0.0, 0.3, 1.0)]
    by_kept = [reward(gain, 0.7, k, options) for k in (0.0, 0.5, 1.0)]
    assert by_gate == sorted(by_gate)
    assert by_kept == sorted(by_kept)
    assert all(0 <= v <= 1 for v in by_gate + by_kept)
    assert reward(gain + 0.1, 0.7, 0.8, options) > reward(gain, 0.7, 0.8, options)


def test_mending_a_fault_is_worth_more_than_leaving_it_and_that_more_than_making_it_worse() -> None:
    ordered = []
    for seed, name in enumerate(PHOTOS):
        good = photo(name)
        for facet in ("exposure", "white balance", "haze"):
            bad, worse = (spoil(good, facet, s, np.random.default_rng(seed)) for s in (1, 2))
            mended, left, spoilt = judge_looks(
                bad, np.stack([good, bad, worse]), parameter_map({}, {}), RewardOptions()
            )  # fmt: skip
            assert left.gain == pytest.approx(0, abs=1e-5)
            ordered.append(mended.reward > left.reward > spoilt.reward)
    assert np.mean(ordered) > 0.6  # one in six by chance


def test_the_critic_sees_a_kept_region_as_the_product_shows_it() -> None:
    bad = spoil(photo("coffee"), "exposure", 2, np.random.default_rng(0))
    everything = parameter_map({}, {}, keep=np.ones((64, 64), np.float32))
    (verdict,) = judge_looks(bad, photo("coffee")[None], everything, RewardOptions())
    assert verdict.gain == pytest.approx(0, abs=1e-3)
    assert verdict.gate < 0.1


# Requests.


def test_requests_are_seeded_and_ask_what_they_develop() -> None:
    x = cached("coffee")
    parts = segments(x, 24)
    options = RequestOptions(told=1.0, found=1.0)
    one, two, other = (make_request(x, parts, np.random.default_rng(s), options) for s in (3, 3, 4))
    for name in ("photo", "developed", "maps"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.maps, other.maps)
    better = []
    for seed in range(8):
        request = make_request(x, parts, np.random.default_rng(seed), options)
        small, made = (
            cv2.resize(p, (64, 64), interpolation=cv2.INTER_AREA) for p in (request.photo, request.developed)
        )
        if told(request.maps):
            gates = [compliance(small, p, request.maps, RewardOptions()) for p in (made, small)]
            better.append(gates[0] - gates[1])
    assert np.mean(better) > 0.1
    free = make_request(x, parts, np.random.default_rng(3), RequestOptions(told=0.0))
    assert not free.maps.any()


# The update.


def test_worth_is_relative_to_the_siblings() -> None:
    rewards = torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.9, 0.9]])
    r = worth(rewards)
    assert r[0, 0] < r[0, 1] < r[0, 2]
    assert torch.allclose(r[0].mean(), torch.tensor(0.5))
    assert torch.allclose(r[1], torch.full((3,), 0.5))
    assert torch.allclose(r, worth(rewards + 5), atol=1e-4)
    assert 0 <= float(r.min()) <= float(r.max()) <= 1


def test_the_minimum_lies_towards_the_better_looks_and_away_from_the_worse() -> None:
    old = torch.zeros(2, 3, 4, 4)
    looks = torch.cat([torch.full((1, 3, 4, 4), 0.2), torch.full((1, 3, 4, 4), -0.1)])
    for r, signs in (((1.0, 0.5), (1, 0)), ((0.0, 0.5), (-1, 0)), ((0.5, 0.0), (0, 1))):
        new = old.clone().requires_grad_()
        forward_loss(new, old, looks, torch.tensor(r), beta=0.5).backward()
        assert new.grad is not None
        down = -new.grad.mean((1, 2, 3))
        assert [int(torch.sign(d.round(decimals=7))) for d in down] == list(signs)


def test_a_policy_that_keeps_nothing_is_the_new_one() -> None:
    a, b = torch.zeros(3), torch.ones(3)
    follow([a], [b], 0.75)
    assert torch.allclose(a, torch.full((3,), 0.25))
    follow([a], [b], 0.0)
    assert torch.equal(a, b)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pipeline whose looks differ by their noise."""
    torch.manual_seed(0)
    denoiser = GridDenoiser(widths=(16, 32, 32), style_dim=STYLE_DIM)
    torch.nn.init.normal_(denoiser.local.weight, std=0.02)
    torch.nn.init.normal_(denoiser.whole.weight, std=0.05)
    folder = tmp_path_factory.mktemp("start")
    save_pipeline(RetouchPipeline(denoiser, StyleEncoder(), make_scheduler(), 0.9), folder)
    notes = {"step": 7, "losses": asdict(LossOptions(contrast=0.0)), "pairs": asdict(PairOptions())}
    (folder / "training.json").write_text(json.dumps(notes))
    return folder


def brightness(stage: Stage, requests: list[Request]) -> float:
    """Mean of the expected looks."""
    return float(sample_looks(stage.policy, requests, 1, 1, 0).shown.mean())


@pytest.mark.parametrize("sign", [1, -1], ids=["brighter", "darker"])
def test_a_few_steps_go_where_the_reward_lies(start: Path, sign: int) -> None:
    options = StageOptions(requests=2, looks=8, solver=2, rate=1e-3, anchor=0.0, follow=0.5)
    stage = Stage(start, options, LossOptions())
    photos = [cached(n) for n in PHOTOS]
    draws = iter(Draws(photos, options, RequestOptions(told=0.0, found=1.0), PairOptions(), 0))
    watched = [Request(photo(n, 64), photo(n, 64), parameter_map({}, {})) for n in PHOTOS]

    def judge(requests: list[Request], shown: Float) -> list[list[Verdict]]:
        return [[Verdict(0.0, 1.0, 1.0, sign * float(look.mean())) for look in looks] for looks in shown]

    before = brightness(stage, watched)
    for step in range(15):
        stage.learn(step, next(draws), judge)
    assert sign * (brightness(stage, watched) - before) > 0.004


def test_looks_of_one_request_differ_and_are_held_back_by_the_confidence(start: Path) -> None:
    stage = Stage(start, StageOptions(), LossOptions())
    x = photo("coffee", 64)
    looks: Looks = sample_looks(stage.policy, [Request(x, x, parameter_map({}, {}))], 2, 2, 0)
    assert not np.allclose(looks.shown[0, 0], looks.shown[0, 1], atol=1e-3)
    drawn = (looks.clean.numpy().transpose(0, 2, 3, 1) + 1) / 2
    inside = (drawn > 0.02) & (drawn < 0.98)
    assert np.allclose((looks.shown[0] - x)[inside], 0.9 * (drawn - x)[inside], atol=1e-4)


def test_a_run_that_was_stopped_writes_the_bytes_of_one_that_was_not(start: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in PHOTOS:
        Image.fromarray(getattr(data, name)()).save(photos / f"{name}.png")
    found = []
    for name, stops in (("whole", (3,)), ("stopped", (1, 3))):
        out = tmp_path / name
        for steps in stops:
            options = StageOptions(steps=steps, requests=2, looks=2, solver=1, pairs=2)
            run(photos, None, out, start, None, "cpu", 0, 1e9, options, RewardOptions(), RequestOptions(told=0.5))
        weights = out / "weights" / "denoiser" / "diffusion_pytorch_model.safetensors"
        with (out / "curves.csv").open() as file:
            rows = list(csv.DictReader(file))
        found.append((weights.read_bytes(), (out / "latest" / "model.safetensors").read_bytes(), rows))
    (weights, latest, rows), (weights2, latest2, rows2) = found
    assert weights == weights2
    assert latest == latest2
    assert weights != (start / "denoiser" / "diffusion_pytorch_model.safetensors").read_bytes()
    assert [int(r["step"]) for r in rows] == [0, 1, 2, 3] == [int(r["step"]) for r in rows2]
    learned = ("loss", "anchor", "reward", "gain", "gate", "structure")
    assert [[r[c] for c in learned] for r in rows] == [[r[c] for c in learned] for r in rows2]
