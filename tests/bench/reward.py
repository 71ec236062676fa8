"""Two sets of retouch weights against each other, before and after learning from rewards.

usage: python -m tests.bench.reward DIR --weights BEFORE AFTER [--photos 40] [--seeds 3] [--sheet OUT.png]. DIR holds
`dev_pairs/` (`*_in.png`, `*_gt.png`) and `dev_photos/`. Every figure is taken of both on the same pictures with the same
noise; the last column is the mean of the differences, after minus before, with its paired 95 % interval. `--sheet` writes
rows of photo, look before, look after, and the same for the photo spoilt.

A second table asks the reward itself: among looks of one photo (the weights before), how its rank goes with nearness to the
expert's photo, and what picking the look of the highest reward gains over a look at random.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from models.attributes import lab
from models.judge import scores
from models.parameter_map import parameter_map
from models.pipeline import RetouchPipeline, load_pipeline, thumbnail_tensor
from models.recipe import VARIED_STEPS
from models.render import render
from models.training.looks import sample_looks
from models.training.pairs import degrade, segments
from models.training.unpaired import Request, RequestOptions, make_request
from models.training.verdict import RewardOptions, judge_looks, structure
from tests.bench.pairs import Pixels, psnr
from tests.bench.table import finish, interval, show
from tools.perceive import shrink
from tools.photo import open_photo

Float = NDArray[np.float32]

#: Figure → whether more of it is better; None where neither is.
BETTER = {
    "pairs: PSNR gain, dB, 1 step": True, "pairs: PSNR gain, dB, 4 steps": True, "pairs: ΔE2000 to the expert": False,
    "spoilt photos: PSNR gain, dB": True, "spoilt photos: critic, points": True, "good photos: critic, points": True,
    "good photos: ΔE2000 from the photo": False, "good photos: |shift of L*|": False, "good photos: structure": True,
    "variety: ΔE2000 between seeds": None, "told maps: gate": True, "told maps: reward": True,
}  # fmt: skip


def look(pipe: RetouchPipeline, pixels: Pixels, steps: int = 1, seed: int = 0) -> Pixels:
    """The automatic look at full size."""
    thumbnail = thumbnail_tensor(pixels.astype(np.float32) / 255)
    grid = pipe(thumbnail, num_inference_steps=steps, generator=torch.Generator().manual_seed(seed)).grids
    return np.asarray(render(pixels, grid=grid[0].numpy()), np.uint8)


def apart(a: Pixels, b: Pixels) -> float:
    """Mean ΔE2000."""
    return float(deltaE_ciede2000(*(lab(x.astype(np.float32) / 255) for x in (a, b))).mean())


def points(before: Pixels, after: Pixels) -> float:
    """What the judge's overall score gains, at 512 px."""
    return scores(shrink(after, 512), after)["overall"] - scores(shrink(before, 512), before)["overall"]


def eight(x: Float) -> Pixels:
    return np.asarray(np.clip(x, 0, 1) * 255 + 0.5, np.uint8)


def on_pair(pipe: RetouchPipeline, x: Pixels, y: Pixels) -> dict[str, float]:
    """Figures on one expert pair."""
    one, four = (look(pipe, x, n) for n in (1, 4))
    base = psnr(x, y)
    return {
        "pairs: PSNR gain, dB, 1 step": psnr(one, y) - base, "pairs: PSNR gain, dB, 4 steps": psnr(four, y) - base,
        "pairs: ΔE2000 to the expert": apart(one, y),
    }  # fmt: skip


def on_photo(pipe: RetouchPipeline, x: Pixels, spoilt: Pixels, seeds: int) -> dict[str, float]:
    """Figures on one good photo and its spoilt copy."""
    made, mended = look(pipe, x), look(pipe, spoilt)
    varied = [look(pipe, x, VARIED_STEPS, s) for s in range(seeds)]
    source, result = (torch.from_numpy(p.transpose(2, 0, 1).copy())[None].float() / 255 for p in (x, made))
    shift = float((lab(made.astype(np.float32) / 255) - lab(x.astype(np.float32) / 255))[..., 0].mean())
    return {
        "spoilt photos: PSNR gain, dB": psnr(mended, x) - psnr(spoilt, x),
        "spoilt photos: critic, points": points(spoilt, mended), "good photos: critic, points": points(x, made),
        "good photos: ΔE2000 from the photo": apart(x, made), "good photos: |shift of L*|": abs(shift),
        "good photos: structure": float(structure(source, result)),
        "variety: ΔE2000 between seeds": float(np.mean([apart(varied[0], v) for v in varied[1:]])),
    }  # fmt: skip


def on_request(pipe: RetouchPipeline, small: Pixels, seed: int) -> dict[str, float]:
    """Figures on a request whose map asks for something."""
    rng = np.random.default_rng((seed, 17))
    request = make_request(small, segments(small, 24), rng, RequestOptions(told=1.0))
    shown = sample_looks(pipe, [request], 2, 4, seed).shown[0]
    verdicts = judge_looks(request.photo, shown, request.maps, RewardOptions())
    return {
        "told maps: gate": float(np.mean([v.gate for v in verdicts])),
        "told maps: reward": float(np.mean([v.reward for v in verdicts])),
    }  # fmt: skip


def on_reward(pipe: RetouchPipeline, x: Float, y: Float, seed: int, looks: int = 6) -> tuple[Float, Float]:
    """Rewards (looks,) of looks of `x` (160, 160, 3), and their PSNR to the expert's `y`, each less its mean."""
    request = Request(x, x, parameter_map({}, {}))
    shown = sample_looks(pipe, [request], looks, VARIED_STEPS, seed).shown[0]
    rewards = np.array([v.reward for v in judge_looks(x, shown, request.maps, RewardOptions())])
    near = -10 * np.log10(np.square(shown - y).mean((1, 2, 3)))
    return rewards - rewards.mean(), near - near.mean()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reward", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, nargs=2, required=True, metavar=("BEFORE", "AFTER"))
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    both = [load_pipeline(folder) for folder in args.weights]
    pairs = sorted((args.folder / "dev_pairs").glob("*_in.png"))
    photos = sorted(
        p for p in (args.folder / "dev_photos").iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}
    )
    photos = photos[:: max(1, len(photos) // args.photos)][: args.photos]
    found: dict[str, list[tuple[float, float]]] = {}

    def take(figures: Callable[[RetouchPipeline], dict[str, float]]) -> None:
        one, two = (figures(pipe) for pipe in both)
        for name, value in one.items():
            found.setdefault(name, []).append((value, two[name]))

    for path in pairs:
        x, y = (
            np.asarray(open_photo(p).pixels, np.uint8) for p in (path, path.with_name(path.name.replace("_in", "_gt")))
        )
        take(lambda pipe, x=x, y=y: on_pair(pipe, x, y))  # type: ignore[misc]
    asked = []
    for number, path in enumerate(pairs):
        sides = [
            np.asarray(cv2.resize(np.asarray(open_photo(p).pixels, np.uint8), (160, 160), interpolation=cv2.INTER_AREA))
            for p in (path, path.with_name(path.name.replace("_in", "_gt")))
        ]
        asked.append(on_reward(both[0], *(p / np.float32(255) for p in sides), seed=number))
    sheet = []
    for number, path in enumerate(photos):
        x = eight(shrink(np.asarray(open_photo(path).pixels, np.uint8), 512))
        spoilt = eight(degrade(x / np.float32(255), np.random.default_rng((number, 11)), clean=0.0))
        take(lambda pipe, x=x, s=spoilt: on_photo(pipe, x, s, args.seeds))  # type: ignore[misc]
        small = np.asarray(cv2.resize(x, (160, 160), interpolation=cv2.INTER_AREA))
        take(lambda pipe, s=small, n=number: on_request(pipe, s, n))  # type: ignore[misc]
        if args.sheet:
            tiles = [p for source in (x, spoilt) for p in (source, *(look(pipe, source) for pipe in both))]
            sheet.append(np.hstack([cv2.resize(t, (224, 224), interpolation=cv2.INTER_AREA) for t in tiles]))
    rows, figures = [], {}
    for name, values in found.items():
        a, b = np.array(values).T
        low, high = interval((b - a).tolist())
        sure = low > 0 or high < 0
        good = BETTER[name]
        word = "" if not sure or good is None else "better" if (b.mean() > a.mean()) == good else "worse"
        difference = f"{(b - a).mean():+.3f} [{low:+.3f}, {high:+.3f}]"
        rows.append([name, len(values), f"{a.mean():+.3f}", f"{b.mean():+.3f}", difference, word])
        figures[name] = {"before": a.mean(), "after": b.mean(), "difference": (b - a).mean(), "interval": [low, high]}
    show("Before and after", ["figure", "n", "before", "after", "after − before [95 %]", ""], rows)
    if asked:
        rewards, near = (np.concatenate(part) for part in zip(*asked, strict=True))
        picked = [float(n[r.argmax()]) for r, n in asked]
        low, high = interval(picked)
        rank = float(np.corrcoef(rewards, near)[0, 1])
        nearest = float(np.mean([n.max() for _, n in asked]))
        cells = [f"{rank:+.2f}", f"{np.mean(picked):+.2f} [{low:+.2f}, {high:+.2f}]", f"{nearest:+.2f}"]
        head = ["correlation within photos", "picked by reward, dB [95 %]", "picked by the expert, dB"]
        show("The reward against the expert, among looks of one photo", head, [cells])
        figures["reward against the expert"] = {"correlation": rank, "picked": np.mean(picked), "interval": [low, high]}
    if args.sheet and sheet:
        cv2.imwrite(str(args.sheet), np.vstack(sheet)[..., ::-1])
    finish("reward", {"figures": figures})


if __name__ == "__main__":
    main()
