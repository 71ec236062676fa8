"""The automatic look against an expert's: PSNR, SSIM, ΔE2000 over a folder of `*_in.png`, `*_gt.png`.

usage: python -m tests.bench.pairs DIR [--steps 1 2 4 8]. Methods: doing nothing, autocontrast, gray-world with auto-level,
CLAHE, the model blind (no instruction, one sample; and the best of four by the judge), the model's values measured on the
expert (oracle, developed region by region), and the best an affine bilateral grid could do.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from skimage.color import deltaE_ciede2000
from skimage.metrics import structural_similarity

from models.attributes import change, lab, read, ruler
from models.judge import scores
from models.mask import guide
from models.recipe import Look, Recipe, Setting
from models.vocabulary import MAP_ATTRIBUTES
from tests.bench.table import finish, interval, show
from tools.perceive import perceive, shrink
from tools.photo import Photo, open_photo
from tools.retouch import render_full, solve

Pixels = NDArray[np.uint8]


def gray_world(x: Pixels) -> Pixels:
    """Gray-world white balance, then auto-level."""
    y = x.astype(np.float64) * (x.mean() / np.maximum(x.mean(axis=(0, 1)), 1))
    low, high = np.percentile(y, (0.5, 99.5))
    return np.clip((y - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)


def clahe(x: Pixels) -> Pixels:
    """CLAHE on lightness."""
    values = cv2.cvtColor(x, cv2.COLOR_RGB2Lab)
    values[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(values[..., 0])
    return np.asarray(cv2.cvtColor(values, cv2.COLOR_Lab2RGB), np.uint8)


def blind(photo: Photo, steps: int) -> Pixels:
    """The automatic look."""
    return np.asarray(render_full(photo, perceive(photo), Recipe(look=Look(steps=steps))), np.uint8)


def best_of_four(photo: Photo) -> Pixels:
    """The expected look and three samples; the judge picks."""
    seen = perceive(photo)
    made = [np.asarray(render_full(photo, seen, Recipe(look=Look().with_seed(i))), np.uint8) for i in range(4)]
    return max(made, key=lambda x: scores(shrink(x, 512))["overall"])


def oracle(photo: Photo, truth: Pixels) -> Pixels:
    """Values measured on the expert's photo, per region present and globally, developed in closed loop."""
    seen = perceive(photo)
    x, y = shrink(photo.pixels, 256), shrink(truth, 256)
    luma = guide(x)
    recipe = Recipe()
    names = ["global"] + [
        r.name for r in seen.scene.regions if r.name in ("sky", "person", "vegetation", "building", "ground", "water")
    ]
    for name in names:
        base = shrink(render_full(photo, seen, recipe), 256)
        by = ruler(base, seen.masks[name].render(luma))
        if by is None:
            continue
        values = {
            n: float(np.clip(v, -1, 1)) for n, v in change(read(base, by), read(y, by)).items() if n in MAP_ATTRIBUTES
        }
        recipe = solve(seen, Recipe(settings=(*recipe.settings, Setting(region=name, values=values))))
    return np.asarray(render_full(photo, seen, recipe), np.uint8)


def grid_bound(x: Pixels, y: Pixels) -> Pixels:
    """Least-squares affine bilateral grid from input to truth, by gradient descent on the torch twin."""
    import torch

    from models.grid import identity_grid, slice_grid

    source, goal = (torch.from_numpy(i.transpose(2, 0, 1).astype(np.float32) / 255)[None] for i in (x, y))
    grid = identity_grid().clone().requires_grad_()
    optimizer = torch.optim.Adam([grid], lr=0.03)
    for _ in range(120):
        optimizer.zero_grad()
        (slice_grid(grid, source) - goal).square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        out = slice_grid(grid, source)[0].clamp(0, 1).numpy().transpose(1, 2, 0)
    return np.asarray(out * 255 + 0.5, np.uint8)


def psnr(a: Pixels, b: Pixels) -> float:
    """Peak signal-to-noise ratio in dB."""
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(np.float64) - b) ** 2), 1e-9)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pairs", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--no-bound", action="store_true", help="skip the slow upper bound")
    args = parser.parse_args()
    files = sorted(args.folder.glob("*_in.png"))
    if not files:
        raise SystemExit(f"No *_in.png in {args.folder}.")
    scores: dict[str, list[tuple[float, float, float]]] = {}
    for path in files:
        photo = open_photo(path)
        x = np.asarray(photo.pixels, np.uint8)
        y = np.asarray(open_photo(path.with_name(path.name.replace("_in", "_gt"))).pixels, np.uint8)
        methods: dict[str, Callable[[], Pixels]] = {
            "doing nothing": lambda x=x: x,
            "autocontrast": lambda x=x: np.asarray(ImageOps.autocontrast(Image.fromarray(x), cutoff=0.5)),
            "gray-world + auto-level": lambda x=x: gray_world(x),
            "CLAHE": lambda x=x: clahe(x),
            **{f"model, blind, {n} steps": (lambda p=photo, n=n: blind(p, n)) for n in args.steps},
            "model, blind, best of 4 by the judge": lambda p=photo: best_of_four(p),
            "model, oracle values": lambda p=photo, y=y: oracle(p, y),
        }
        if not args.no_bound:
            methods["affine grid, upper bound"] = lambda x=x, y=y: grid_bound(x, y)
        for name, method in methods.items():
            out = method()
            ssim = float(structural_similarity(out, y, channel_axis=2))
            de = float(deltaE_ciede2000(lab(out.astype(np.float32) / 255), lab(y.astype(np.float32) / 255)).mean())
            scores.setdefault(name, []).append((psnr(out, y), ssim, de))
    base = np.array(scores["doing nothing"])
    rows, figures = [], {}
    for name, values in scores.items():
        table = np.array(values)
        gain = table[:, 0] - base[:, 0]
        low, high = interval(gain.tolist())
        mean = table.mean(axis=0)
        improved = float((gain > 0).mean())
        rows.append(
            [
                name,
                f"{mean[0]:.2f}",
                f"{mean[1]:.3f}",
                f"{mean[2]:.2f}",
                f"{gain.mean():+.2f} [{low:+.2f}, {high:+.2f}]",
                f"{improved:.0%}",
            ]
        )
        figures[name] = {
            "psnr": mean[0],
            "ssim": mean[1],
            "de2000": mean[2],
            "gain": gain.mean(),
            "interval": [low, high],
            "improved": improved,
        }
    show(f"{len(files)} pairs", ["method", "PSNR", "SSIM", "ΔE2000", "gain, dB [95 %]", "improved"], rows)
    finish("pairs", {"pairs": len(files), "methods": figures})


if __name__ == "__main__":
    main()
