"""Train the judge: ``python -m models.training.judge PHOTOS --out FOLDER`` (about ten minutes on one core; no network).

Every photo is measured as it is and with each of seven faults at three strengths, in either direction where there are two.
The head learns the differences: the fault's severity rises by its strength, the others stay, the photo ranks above what was
made of it, and the fault is named first.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from models.judge import FACETS, features
from models.pinned import FOLDER, pin
from models.training.pairs import to_gamma, to_linear

Float = NDArray[np.float32]

STRENGTHS = ("slight", "medium", "strong")
#: How much severity a fault of each strength adds.
SEVERITY = (0.3, 0.6, 1.0)


def spoil(rgb: Float, facet: str, strength: int, rng: np.random.Generator) -> Float:
    """`rgb` (h, w, 3) in [0, 1] with a fault of FACETS at strength 0, 1 or 2 (slight, medium, strong)."""
    up = rng.random() < 0.5
    vary = float(rng.uniform(0.85, 1.15))
    if facet == "exposure":
        stops = (0.45, 0.9, 1.8)[strength] * vary
        return to_gamma(to_linear(rgb) * np.float32(2.0 ** (stops if up else -stops)))
    if facet == "white balance":
        size = (0.09, 0.18, 0.36)[strength] * vary * (1 if up else -1)
        axis = np.array([1.0, 0.0, -1.0]) if rng.random() < 0.75 else np.array([0.5, -1.0, 0.5])
        return to_gamma(to_linear(rgb) * np.exp(2 * size * axis).astype(np.float32))
    if facet == "contrast":
        middle = np.float32(rgb.mean())
        gain = (0.82, 0.65, 0.4)[strength] ** vary if up else (1.25, 1.6, 2.4)[strength] ** vary
        return np.asarray(np.clip(middle + np.float32(gain) * (rgb - middle), 0, 1), np.float32)
    if facet == "colour":
        grey = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
        gain = (0.7, 0.45, 0.12)[strength] if up else (1.35, 1.75, 2.5)[strength] * vary
        return np.asarray(np.clip(grey + np.float32(gain) * (rgb - grey), 0, 1), np.float32)
    if facet == "haze":
        clear = np.float32((0.87, 0.72, 0.5)[strength] ** vary)
        return to_gamma(to_linear(rgb) * clear + (1 - clear) * np.float32(rng.uniform(0.6, 0.9)))
    if facet == "noise":
        sigma = (5.0, 12.0, 28.0)[strength] * vary / 255
        return np.asarray(np.clip(rgb + sigma * rng.standard_normal(rgb.shape), 0, 1), np.float32)
    if facet == "sharpness":
        sigma = (0.8, 1.5, 3.0)[strength] * vary
        if rng.random() < 0.5:
            return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.float32)
        y, x = np.ogrid[-8:9, -8:9]
        disc = np.clip(1.6 * sigma + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
        return np.asarray(cv2.filter2D(rgb, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT), np.float32)
    raise ValueError(f"unknown facet {facet!r}")


def measured(path: Path, seed: int, edge: int = 640) -> Float | None:
    """Features (1 + 7 · 3, 56) of a photo and its spoiled copies, None for a file that is no photo. Seeded by the file name."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or min(image.shape[:2]) < 64:
        return None
    if max(image.shape[:2]) > edge:
        scale = edge / max(image.shape[:2])
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rgb = np.asarray(image[..., ::-1], np.float32) / np.float32(255)
    rng = np.random.default_rng([seed, *path.name.encode()])
    rows = [features(rgb, rgb)]
    for facet in FACETS:
        for strength in range(3):
            spoiled = np.round(spoil(rgb, facet, strength, rng) * 255) / np.float32(255)
            rows.append(features(spoiled.astype(np.float32), spoiled.astype(np.float32)))
    return np.stack(rows)


class Head(nn.Module):
    """56 features → 7 severities, by two hidden layers of 64."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(count, 64), nn.Linear(64, 64), nn.Linear(64, len(FACETS))])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, 56), normalised → (…, 7) ≥ 0."""
        for layer in list(self.layers)[:2]:
            x = functional.dropout(functional.silu(layer(x)), 0.25, self.training)
        return functional.softplus(self.layers[2](x))


def fit(data: torch.Tensor, steps: int, seed: int = 0) -> Head:
    """Fit the head on (photos, 22, 56), normalised."""
    torch.manual_seed(seed)
    head = Head(data.shape[-1])
    optimizer = torch.optim.AdamW(head.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    which = torch.arange(len(FACETS)).repeat_interleave(3)
    rise = torch.tensor(SEVERITY).repeat(len(FACETS))
    goal = functional.one_hot(which, len(FACETS)) * rise[:, None]
    for _ in range(steps):
        rows = data[torch.randint(len(data), (64,))]
        rows = rows + 0.15 * torch.randn_like(rows)
        found = head(rows)
        own, spoiled = found[:, :1], found[:, 1:]
        change = spoiled - own
        differences = functional.smooth_l1_loss(change, goal.expand_as(change), beta=0.2)
        rank = functional.softplus(8 * (rise - change.sum(-1))).mean() / 8
        logits = 6 * spoiled.flatten(0, 1)
        name = functional.cross_entropy(logits, which.repeat(len(rows)))
        # A photograph is presumed good.
        loss = differences + 6 * rank + 0.3 * name + 0.2 * own.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return head.eval()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.judge", description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder that gets `judge/`")
    parser.add_argument("--cache", type=Path, help=".npy file that keeps the measurements between runs")
    parser.add_argument("--steps", type=int, default=3000)
    args = parser.parse_args()
    if args.cache and args.cache.exists():
        table = np.load(args.cache, allow_pickle=False)
    else:
        wanted = set(args.names.read_text().split("\n")) if args.names else None
        files = [p for p in sorted(args.photos.iterdir()) if wanted is None or p.name in wanted]
        rows = []
        for i, path in enumerate(files):
            one = measured(path, 1)
            if one is not None:
                rows.append(one)
            if i % 100 == 99:
                print(f"{i + 1}/{len(files)} photos measured", flush=True)
        table = np.stack(rows)
        if args.cache:
            np.save(args.cache, table)
    flat = table.reshape(-1, table.shape[-1])
    mean, deviation = flat.mean(0), flat.std(0) + 1e-2
    head = fit(torch.from_numpy((table - mean) / deviation).float(), args.steps)
    tensors = {
        f"{i}.{n}": p.detach().contiguous() for i, layer in enumerate(head.layers) for n, p in layer.named_parameters()
    }
    tensors |= {"mean": torch.from_numpy(mean).float(), "deviation": torch.from_numpy(deviation).float()}
    (args.out / "judge").mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.out / "judge" / "model.safetensors")
    pin("judge", args.out)
    print(f"{len(table)} photos")


if __name__ == "__main__":
    main()
