"""Train the colouriser: ``python -m models.training.colouriser PHOTOS --out FOLDER`` (about 20 minutes on two cores; resumes).

PHOTOS is a folder of colour photographs; those that are nearly grey teach nothing and are left out. Each is taken apart once:
its luma, the segmenter's word on the grey picture, and its segments, whose mean colours are what hints reveal. The grey side is
then aged by tone curves of films and papers, and for "faded" a little of the colour is left under a cast.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from models.attributes import lab
from models.colouriser import STRIDE, UNIT, WIDTHS, Colouriser, annealed, palette, places, planes
from models.mask import LUMA, guide
from models.pinned import pin
from models.segmenter import segment

Float = NDArray[np.float32]

#: Long edge of a photo in the cache, of its class probabilities, and side of the square that is trained on.
EDGE: Final = 176
CLASSES_AT: Final = 88
CROP: Final = 96
#: Mean CIELAB chroma and 95th percentile below which a photo is nearly grey.
GREY: Final = (5.0, 14.0)
#: Size at which the segmenter reads while the cache is made: the smallest of its three, at a quarter of the cost.
READ_AT: Final = (256,)
#: Width of the soft quantisation; share of an even distribution in the weights of colours, and the largest weight.
SOFT: Final = 5.0
EVEN: Final = 0.85
#: How many places of any kind stand behind the usual colours of a cell before it is counted.
DOUBT: Final = 0.05
RAREST: Final = 6.0
#: How much of the favour for rare colours is taken back when it has learned from it: nearer to the truth, less colourful.
BACK: Final = 0.4
RATE: Final = 2e-3


@dataclass(frozen=True, eq=False)
class Example:
    """One photo: `rgb` (h, w, 3) uint8, `classes` (14, h', w') uint8 of 255, `segments` (h, w) uint8."""

    rgb: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    segments: NDArray[np.uint8]


def example(path: Path) -> Example | None:
    """A photo taken apart; None for a file that is no photo, or one that is nearly grey."""
    from skimage.segmentation import felzenszwalb

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or min(image.shape[:2]) < 64:
        return None
    large = resized(image[..., ::-1].astype(np.float32) / np.float32(255), 512)
    rgb = resized(large, EDGE)
    chroma = np.hypot(*np.moveaxis(lab(rgb)[..., 1:], -1, 0))
    if chroma.mean() < GREY[0] or np.percentile(chroma, 95) < GREY[1]:
        return None
    grey = np.repeat(guide(large)[..., None], 3, axis=2)
    seen = segment(grey, READ_AT).probabilities
    small = np.stack([resized(plane, CLASSES_AT) for plane in seen])
    parts = felzenszwalb(lab(rgb) / 100, scale=60, sigma=0.8, min_size=60)
    return Example(np.round(rgb * 255).astype(np.uint8), np.round(small * 255).astype(np.uint8),
                   (parts % 256).astype(np.uint8))  # fmt: skip


def resized(image: Float, edge: int) -> Float:
    """An image at `edge` or less, area averaged."""
    scale = min(1.0, edge / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image, np.float32)


def prepare(files: list[Path], cache: Path) -> list[Example]:
    """The examples of `files`, from `cache` (.npz) if it is there, else made and kept there."""
    if not cache.exists():
        made: dict[str, NDArray[np.uint8]] = {}
        for i, path in enumerate(files):
            one = example(path)
            if one is not None:
                made |= {f"{i}.rgb": one.rgb, f"{i}.classes": one.classes, f"{i}.segments": one.segments}
            if i % 50 == 49:
                print(f"{i + 1}/{len(files)} photos taken apart, {len(made) // 3} kept", flush=True)
        np.savez(cache, **made)  # type: ignore[arg-type]
    with np.load(cache, allow_pickle=False) as found:
        keys = sorted({int(name.split(".")[0]) for name in found.files})
        return [Example(found[f"{k}.rgb"], found[f"{k}.classes"], found[f"{k}.segments"]) for k in keys]


def film(rng: np.random.Generator) -> Float:
    """A tone curve (256,) of a film or of paper that has aged: gamma, an S, blacks that are grey, whites that are yellow."""
    x = np.linspace(0, 1, 256) ** math.exp(rng.normal(0, 0.25))
    bend = rng.normal(0.1, 0.25)
    x = x + bend * x * (1 - x) * (2 * x - 1)
    black, white = (0.0, 1.0) if rng.random() < 0.4 else (rng.uniform(0, 0.3), rng.uniform(0.7, 1))
    return np.asarray(np.clip(black + (white - black) * x, 0, 1), np.float32)


def tinge(luma: Float, rng: np.random.Generator, most: float) -> Float:
    """The colour (h, w, 2) that age or a toning bath has given everything: mostly brown, stronger in some tones."""
    angle = math.radians(rng.normal(70, 45))
    size = rng.uniform(0, most) * (1 + rng.uniform(-0.8, 0.8) * (luma - 0.5))
    return np.asarray(size[..., None] * np.array([math.cos(angle), math.sin(angle)]), np.float32)


def hinted(ab: Float, segments: NDArray[np.uint8], classes: Float, rng: np.random.Generator) -> tuple[Float, Float]:
    """Colours (h, w, 2), a few of whose segments may have been given other ones, and hints (h, w, 3) that tell of some.

    A segment is one of the photo, or all that is most likely of one class, or a piece of it.
    """
    ab = ab.copy()
    hint = np.zeros((*ab.shape[:2], 3), np.float32)
    winner = cv2.resize(classes.argmax(0).astype(np.uint8), ab.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    for _ in range(int(rng.integers(1, 5))):
        parts = segments if rng.random() < 0.4 else winner
        y, x = (int(rng.integers(n)) for n in parts.shape)
        inside = parts == parts[y, x]
        if inside.sum() < 30:
            continue
        if rng.random() < 0.3:
            # Another colour than the one it had: a hint is to be obeyed, not to be guessed.
            angle = rng.uniform(0, 2 * math.pi)
            turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], np.float32)
            ab[inside] = ab[inside] @ (turn * np.float32(rng.uniform(0.8, 1.6)))
        told = ab[inside].mean(0) + rng.normal(0, 2, 2)
        if rng.random() < 0.3:
            inside &= np.hypot(*np.ogrid[-y : parts.shape[0] - y, -x : parts.shape[1] - x]) < rng.uniform(4, 40)
        hint[inside, :2], hint[inside, 2] = told, 1
    return ab, hint


def sample(one: Example, rng: np.random.Generator) -> tuple[Float, Float]:
    """What the network sees (PLANES, CROP, CROP) and the truth (2, CROP/4, CROP/4) in CIELAB units."""
    height, width = one.rgb.shape[:2]
    side = min(height, width, round(rng.uniform(CROP, 1.6 * CROP)))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    rgb = one.rgb[top : top + side, left : left + side].astype(np.float32) / np.float32(255)
    segments = one.segments[top : top + side, left : left + side]
    scale = one.classes.shape[1] / height
    y0, x0, n = (round(v * scale) for v in (top, left, side))
    classes = one.classes[:, y0 : y0 + n, x0 : x0 + n].astype(np.float32) / np.float32(255)
    size = (CROP, CROP)
    rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if side > CROP else cv2.INTER_LINEAR)
    segments = cv2.resize(segments, size, interpolation=cv2.INTER_NEAREST)
    classes = np.stack([cv2.resize(np.ascontiguousarray(p), size) for p in classes])
    ab = np.ascontiguousarray(lab(rgb)[..., 1:])
    # Films see colours each in their own way, and age.
    weights = rng.dirichlet(40 * LUMA.astype(np.float64)) if rng.random() < 0.5 else LUMA
    luma = film(rng)[np.round(rgb @ np.asarray(weights, np.float32) * 255).astype(np.uint8)]
    if rng.random() < 0.3:
        luma = luma + rng.normal(0, rng.uniform(0, 0.05), luma.shape).astype(np.float32)
    if rng.random() < 0.2:
        luma = cv2.GaussianBlur(luma, (0, 0), rng.uniform(0.3, 1.2))
    hint = np.zeros((CROP, CROP, 3), np.float32)
    if rng.random() < 0.4:
        ab, hint = hinted(ab, segments, classes, rng)
    kind = rng.random()
    if kind < 0.55:
        rest = np.zeros((CROP, CROP, 2), np.float32)
    elif kind < 0.7:
        rest = tinge(luma, rng, 22)
    else:
        rest = np.float32(rng.uniform(0.05, 0.9)) * ab + tinge(luma, rng, 14)
    if rng.random() < 0.15:
        classes = np.zeros_like(classes)
    x = planes(np.asarray(luma, np.float32), classes, hint, rest)
    y = cv2.resize(ab, (CROP // STRIDE, CROP // STRIDE), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    if rng.random() < 0.5:
        x, y = x[:, :, ::-1], y[:, :, ::-1]
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


def counted(examples: list[Example]) -> NDArray[np.float64]:
    """How many photos' worth (cells, Q) of each quantised colour lie in the cells of `models.colouriser.places`."""
    colours = palette()
    counts = 0.0
    for one in examples:
        rgb = resized(one.rgb.astype(np.float32) / np.float32(255), EDGE // STRIDE)
        classes = one.classes.astype(np.float32) / np.float32(255)
        x = planes(guide(rgb), classes, np.zeros_like(rgb), np.zeros_like(rgb[..., :2]))
        cells = places(torch.from_numpy(x)[None])[0].flatten(1).numpy()
        near = ((lab(rgb)[..., 1:].reshape(-1, 1, 2) - colours[None]) ** 2).sum(-1).argmin(1)
        counts = counts + cells @ np.eye(len(colours))[near] / len(near)
    return np.asarray(counts, np.float64)


def weighed(counts: NDArray[np.float64]) -> tuple[Float, Float]:
    """Usual colours (cells, Q) and weights (Q,) of colours by how rare they are (Zhang et al. 2016, eq. 4), from counts."""
    share = counts.sum(0) / counts.sum()
    weights = 1 / ((1 - EVEN) * share + EVEN / len(share))
    weights = np.clip(weights / (weights * share).sum(), 0, RAREST)
    usual = (counts + DOUBT * share) * weights
    return np.asarray(usual / usual.sum(1, keepdims=True), np.float32), np.asarray(weights, np.float32)


def losses(net: Colouriser, guess: nn.Module, x: Tensor, y: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy against softly quantised truth, and the smooth error of a regression beside it; rare colours weigh more."""
    colours = torch.from_numpy(palette())
    apart = (y[:, None] - colours[None, :, :, None, None]).square().sum(2)
    soft = (-apart / (2 * SOFT**2)).softmax(1)
    weight = weights[apart.argmin(1)]
    found = net.features(x)
    log = (net.head(found).float() + net.prior(x)).log_softmax(1)
    error = functional.smooth_l1_loss(guess(found).float(), y / UNIT, beta=0.1, reduction="none").sum(1)
    return (-(soft * log).sum(1) * weight).mean(), (error * weight).mean()


@torch.inference_mode()
def held_out(net: Colouriser, guess: nn.Module, examples: list[Example]) -> dict[str, float]:
    """Mean ΔE2000 to the truth and mean chroma relative to it, for several temperatures and for the regression."""
    from skimage.color import deltaE_ciede2000

    rows: dict[str, list[tuple[float, ...]]] = {}
    for one in examples:
        rgb = one.rgb.astype(np.float32) / np.float32(255)
        h, w = (n // 16 * 16 for n in rgb.shape[:2])
        truth = lab(rgb[:h, :w])
        classes = one.classes.astype(np.float32) / np.float32(255)
        x = planes(guide(rgb), classes, np.zeros_like(rgb), np.zeros_like(rgb[..., :2]))[:, :h, :w]
        seen = torch.from_numpy(x)[None]
        found = net.features(seen)
        logits = net.head(found).float() + net.prior(seen)
        said = {f"T {t}": annealed(logits, t) for t in (0.2, 0.38, 0.6, 1.0)} | {
            "regression": UNIT * guess(found).float()
        }
        said["usual"] = annealed(net.prior(seen))
        said["grey"] = torch.zeros_like(said["regression"])
        small = cv2.resize(truth, (w // STRIDE, h // STRIDE), interpolation=cv2.INTER_AREA)
        for name, ab in said.items():
            shown = np.dstack([small[..., 0], ab[0].permute(1, 2, 0).numpy()])
            apart = float(np.mean(deltaE_ciede2000(small, shown)))
            rows.setdefault(name, []).append(
                (apart, *(float(np.hypot(v[..., 1], v[..., 2]).mean()) for v in (shown, small)))
            )
    out: dict[str, float] = {}
    for name, values in rows.items():
        apart, chroma, true = np.mean(values, axis=0)
        out |= {f"{name} dE": round(float(apart), 2), f"{name} chroma": round(float(chroma / true), 2)}
    return out


def train(examples: list[Example], out: Path, minutes: float, batch: int, seed: int = 0) -> None:
    """Train for `minutes` of wall time in all, going on from the checkpoint in `out` if there is one."""
    torch.manual_seed(seed)
    # A step is small: on a machine with other work, threads wait for each other longer than they help.
    torch.set_num_threads(1)
    held, used = examples[::14], [e for i, e in enumerate(examples) if i % 14]
    net, guess = Colouriser(), nn.Conv2d(WIDTHS[0], 2, 1)
    known = out / "counts.npy"
    counts = np.load(known, allow_pickle=False) if known.exists() else counted(used)
    np.save(known, counts)
    usual, weights = (torch.from_numpy(x) for x in weighed(counts))
    net.usual.copy_(usual)
    both = nn.ModuleList([net, guess])
    both.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean = torch.optim.swa_utils.AveragedModel(both, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995),
                                               use_buffers=True)  # fmt: skip
    shipped, plainly = cast("nn.ModuleList", mean.module)
    optimizer = torch.optim.AdamW(both.parameters(), RATE, weight_decay=0.02)
    step, spent = 0, 0.0
    kept = out / "checkpoint.pt"
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        both.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    began = last = time.monotonic() - spent
    while (spent := time.monotonic() - began) < 60 * minutes:
        rng = np.random.default_rng([seed, step])
        rows = [sample(used[int(i)], rng) for i in rng.integers(len(used), size=batch)]
        x, y = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
        x = x.contiguous(memory_format=torch.channels_last)
        rate = RATE * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, spent / (60 * minutes))))
        for group in optimizer.param_groups:
            group["lr"] = rate
        both.train()
        with torch.autocast("cpu", torch.bfloat16):
            kinds, plain = losses(net, guess, x, y, weights)
        optimizer.zero_grad()
        (kinds + 2 * plain).backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        mean.update_parameters(both)
        step += 1
        if step % 20 == 0:
            print(f"step {step}, {spent / 60:.1f} min, loss {float(kinds):.3f} {float(plain):.3f}", flush=True)
        if time.monotonic() - last > 240:
            last = time.monotonic()
            keep(kept, both, mean, optimizer, step, spent)
            print(step, json.dumps(held_out(cast("Colouriser", shipped.eval()), plainly, held[:24])), flush=True)
    keep(kept, both, mean, optimizer, step, spent)
    with torch.no_grad():
        cast("Tensor", cast("Colouriser", shipped).head.bias).sub_(BACK * weights.log())
    print(step, json.dumps(held_out(cast("Colouriser", shipped.eval()), plainly, held)), flush=True)
    place = out / "colouriser"
    place.mkdir(exist_ok=True)
    halves = {n: t.half() if t.is_floating_point() else t for n, t in shipped.state_dict().items()}
    save_file({n: t.contiguous() for n, t in halves.items()}, place / "model.safetensors")
    pin("colouriser", out)


def keep(
    path: Path, both: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer, step: int, spent: float
) -> None:
    """Write a checkpoint, whole or not at all."""
    state = {"net": both.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**state, "step": step, "spent": spent}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.colouriser", description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument(
        "--out", type=Path, required=True, help="the folder that gets the cache, checkpoints and weights"
    )
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch", type=int, default=16)
    args = parser.parse_args()
    names = set(args.names.read_text().split("\n")) if args.names else None
    files = [p for p in sorted(args.photos.iterdir()) if names is None or p.name in names]
    args.out.mkdir(parents=True, exist_ok=True)
    examples = prepare(files, args.out / "cache.npz")
    print(f"{len(examples)} photos", flush=True)
    train(examples, args.out, args.minutes, args.batch)


if __name__ == "__main__":
    main()
