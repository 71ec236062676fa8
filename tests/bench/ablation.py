"""What each ingredient of the retouch model's training is worth: one short training run with it and one without.

usage: python -m tests.bench.ablation PAIRS --photos PHOTOS [--names FILE] [--steps 400] [--only ROW ...] [--out FILE]

PAIRS: folder of `*_in.png`, `*_gt.png`, only measured on; PHOTOS: photographs to train on. Every run has the same seed, steps
and small network, and differs from the first in one switch. Four figures: gain in PSNR on the pairs, blind, one step; error of
the told attributes (median of |reached - told| on seeded held-out samples made of the experts' photos); how far apart looks of
different seeds lie (mean ΔE2000, four steps); gain in PSNR by the style vector of another photo in the target's style.
"""

import argparse
import json
import math
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from skimage.color import deltaE_ciede2000

from models.attributes import change, lab, read, ruler
from models.denoiser import GridDenoiser
from models.parameter_map import CHANNELS
from models.pipeline import RetouchPipeline, make_scheduler
from models.style import StyleEncoder
from models.training.losses import LossOptions
from models.training.pairs import Pair, PairOptions, load_photos, make_pair, neutral, segments
from models.training.retouch import TrainOptions, run
from models.vocabulary import MAP_ATTRIBUTES
from tests.bench.table import finish, interval, show

Row = tuple[dict[str, object], dict[str, object], dict[str, object]]

#: Row → changed train, loss and pair options.
ROWS: dict[str, Row] = {
    "all": ({}, {}, {}),
    "no targets in the map": ({}, {"contrast": 0.0}, {"targets": False}),
    "no kept regions": ({}, {}, {"keep": 0.0}),
    "no semantic replacement": ({}, {}, {"replacement": 0.0}),
    "no parameter perturbation": ({}, {}, {"perturbation": False}),
    "no contrastive loss": ({}, {"contrast": 0.0}, {}),
    "no dropout of the map": ({}, {}, {"free": 0.0}),
    "no dropout of the style": ({}, {"style_dropout": 0.0}, {}),
    "no style vector, no moods": ({}, {"style": 0.0}, {"moods": 0.0}),
    "weighted as noise, not x0": ({}, {"through_grid": False}, {}),
    "pixel loss at 128": ({}, {}, {"edge": 128}),
    "no averaged weights": ({"ema": 0.0}, {}, {}),
    "no raw-like inputs": ({}, {}, {"flat": 0.0}),
    "one style only": ({}, {"style": 0.0}, {"style_spread": 0.0, "moods": 0.0}),
}


def pipeline_of(folder: Path) -> RetouchPipeline:
    """The pipeline of a run's averaged weights."""
    denoiser = GridDenoiser.from_pretrained(folder / "denoiser", low_cpu_mem_usage=False).eval()
    styled = (folder / "style_encoder").exists()
    encoder = (
        StyleEncoder.from_pretrained(folder / "style_encoder", low_cpu_mem_usage=False) if styled else StyleEncoder()
    )
    return RetouchPipeline(denoiser, encoder.eval(), make_scheduler())


def batch_of(pictures: list[np.ndarray]) -> torch.Tensor:
    """Pictures (64, 64, 3) as one tensor (B, 3, 64, 64)."""
    return torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy())


def samples(photos: list[np.ndarray], options: PairOptions, count: int) -> list[Pair]:
    """Seeded held-out samples."""
    rng = np.random.default_rng(20_26)
    clean = [(neutral(p / np.float32(255)) * 255 + 0.5).astype(np.uint8) for p in photos]
    parts = [segments(p, 24) for p in photos]
    picks = rng.integers(len(photos), size=(count, 2))
    return [make_pair(photos[i], clean[i], parts[i], clean[j], rng, options) for i, j in picks]


def psnr(a: torch.Tensor, b: torch.Tensor) -> list[float]:
    """PSNR in dB of every picture of two batches."""
    return (-10 * (a - b).square().mean((1, 2, 3)).clamp_min(1e-9).log10()).tolist()


@torch.no_grad()
def measure(
    folder: Path, sources: torch.Tensor, truths: torch.Tensor, told: list[Pair], styled: list[Pair]
) -> dict[str, object]:
    """The four figures of one run."""
    pipe = pipeline_of(folder)
    base = psnr(sources, truths)
    blind = pipe(sources, num_inference_steps=1).samples
    gains = [a - b for a, b in zip(psnr(blind, truths), base, strict=True)]
    errors = []
    maps = torch.from_numpy(np.stack([p.maps for p in told]))
    made = pipe(
        batch_of([p.photo for p in told]), batch_of([p.developed for p in told]), maps, num_inference_steps=1
    ).samples
    count = len(MAP_ATTRIBUTES)
    for pair, picture in zip(told, made.numpy().transpose(0, 2, 3, 1), strict=True):
        for k, name in enumerate(MAP_ATTRIBUTES):
            where = (pair.maps[count + k] > 0.9).astype(np.float32)
            by = ruler(pair.photo, where) if where.mean() > 0.1 else None
            if by is not None:
                asked = float(pair.maps[k][where > 0].mean())
                reached = change(read(pair.photo, by), read(np.ascontiguousarray(picture), by))[name]
                errors.append(abs(reached - asked))
    looks = [
        pipe(sources, num_inference_steps=4, generator=torch.Generator().manual_seed(s))
        .samples.numpy()
        .transpose(0, 2, 3, 1)
        for s in range(3)
    ]
    apart = [
        float(deltaE_ciede2000(lab(a), lab(b)).mean())
        for i, one in enumerate(looks) for two in looks[:i] for a, b in zip(one, two, strict=True)
    ]  # fmt: skip
    photo, target = batch_of([p.photo for p in styled]), batch_of([p.target for p in styled])
    help_ = 0.0
    if pipe.denoiser.style is not None:
        style = pipe.style_of(batch_of([p.alike for p in styled]))
        with_style, without = (psnr(pipe(photo, style=s, num_inference_steps=1).samples, target) for s in (style, None))
        help_ = float(np.mean(with_style) - np.mean(without))
    return {
        "gain_db": float(np.mean(gains)), "interval": interval(gains), "gains": gains, "told_error": float(np.median(errors)),
        "variety_de2000": float(np.mean(apart)), "style_db": help_,
    }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ablation", description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--widths", default="32,64,128")
    parser.add_argument("--only", nargs="+", default=list(ROWS), choices=list(ROWS))
    args = parser.parse_args()
    experts, inputs = (load_photos(args.pairs, [p.name for p in args.pairs.glob(f"*_{k}.png")]) for k in ("gt", "in"))
    if not experts:
        raise SystemExit(f"No *_gt.png in {args.pairs}.")
    import cv2

    truths, sources = (
        batch_of([cv2.resize(p, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32) / 255 for p in side])
        for side in (experts, inputs)
    )
    told = [
        p for p in samples(experts, PairOptions(free=0.0, keep=0.0, perturbation=False, moods=0.0), 160) if p.maps.any()
    ]
    styled = samples(experts, PairOptions(targets=False, replacement=0.0, moods=1.0), 160)
    train = TrainOptions(steps=args.steps, batch=16, warmup=args.steps // 10, widths=args.widths, ema=0.99)
    found: dict[str, dict[str, object]] = {}
    for name in args.only:
        changes = ROWS[name]
        options = [replace(o, **c) for o, c in zip((train, LossOptions(), PairOptions()), changes, strict=True)]
        with tempfile.TemporaryDirectory() as folder:
            run(args.photos, args.names, Path(folder), None, "cpu", 1, math.inf, *options)  # type: ignore[arg-type]
            found[name] = measure(Path(folder) / "weights", sources, truths, told, styled)
        print(json.dumps({name: found[name]}), flush=True)
    rows = []
    first = np.array(found[args.only[0]]["gains"])
    for name, f in found.items():
        low, high = interval((np.array(f["gains"]) - first).tolist())
        rows.append(
            [name, f"{f['gain_db']:+.2f}", f"[{low:+.2f}, {high:+.2f}]", f"{f['told_error']:.3f}", f"{f['variety_de2000']:.2f}",
             f"{f['style_db']:+.2f}"]
        )  # fmt: skip
    head = ["run", "gain, dB", f"against {args.only[0]!r} [95 %]", "told error", "variety ΔE", "style, dB"]
    show(f"{args.steps} steps, {asdict(train)['widths']} channels", head, rows)
    finish("ablation", {"steps": args.steps, "map_channels": CHANNELS, "rows": found})


if __name__ == "__main__":
    main()
