"""Train the grid denoiser: ``python -m models.training.retouch PHOTOS --out RUN``.

PHOTOS is any folder of good photographs. RUN gets `latest/` (a resumable checkpoint) and `weights/` (the averaged weights
as a diffusers model, best so far when `--pairs` gives held-out pairs, else the newest). Running it again resumes.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from diffusers.training_utils import EMAModel
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from models.denoiser import GridDenoiser
from models.pipeline import NOISE_MIX, look_noise, make_scheduler
from models.training.pairs import PairOptions, load_photos, make_pair, neutral, segments


@dataclass(frozen=True)
class TrainOptions:
    """Everything that shapes a run; written beside the weights."""

    steps: int = 6000
    batch: int = 32
    rate: float = 6e-4
    warmup: int = 200
    ema: float = 0.998
    smooth: float = 2e-3  # weight of the grid's roughness
    reuse: int = 2  # steps on one batch, each with other noise; pays where pairs are dearer than steps
    seed: int = 0


class Pairs(IterableDataset[dict[str, Tensor]]):
    """Endless pairs; worker `w` of seed `s` draws from its own generator."""

    def __init__(self, photos: list[NDArray[np.uint8]], options: PairOptions, seed: int) -> None:
        self.photos, self.options, self.seed = photos, options, seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        import numba

        numba.set_num_threads(1)
        torch.set_num_threads(1)
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        parts: dict[int, tuple[NDArray[np.uint8], NDArray[np.int32]]] = {}
        while True:
            i = int(rng.integers(len(self.photos)))
            if i not in parts:
                clean = neutral(np.asarray(self.photos[i] / np.float32(255), np.float32))
                parts[i] = (clean * 255 + 0.5).astype(np.uint8), segments(self.photos[i], 24)
            pair = make_pair(self.photos[i], *parts[i], rng, self.options)
            images = {n: getattr(pair, n).transpose(2, 0, 1) for n in ("photo", "developed", "target")}
            yield {
                n: torch.from_numpy(np.ascontiguousarray(v, np.float32))
                for n, v in {**images, "maps": pair.maps}.items()
            }


def loss_of(
    model: GridDenoiser, batch: dict[str, Tensor], alphas: Tensor, options: TrainOptions, g: torch.Generator
) -> Tensor:
    """Clean-image loss through the grid, plus the grid's roughness. Half of the noise levels are the highest one."""
    clean = 2 * batch["target"] - 1
    count = clean.shape[0]
    t = torch.randint(0, len(alphas), (count,), generator=g)
    t = torch.where(torch.rand(count, generator=g) < 0.4, torch.full_like(t, len(alphas) - 1), t).to(clean.device)
    noise = look_noise(clean.shape, g).to(clean.device)
    level = alphas.to(clean.device)[t].view(-1, 1, 1, 1)
    noisy = level.sqrt() * clean + (1 - level).sqrt() * noise
    out = model(noisy, t, batch["photo"], batch["developed"], batch["maps"])
    kept = 1 - batch["maps"][:, -1:]
    error = (out.sample.float() - clean) * kept
    # Squared error is what PSNR rewards; the absolute part keeps small errors worth mending.
    data = error.square().mean() + 0.05 * error.abs().mean()
    grid = out.grid.float()
    rough = sum((grid.diff(dim=d).square().mean() for d in (2, 3, 4)), torch.zeros((), device=grid.device))
    return data + options.smooth * rough


@torch.no_grad()
def held_out(model: GridDenoiser, folder: Path, device: str) -> float:
    """Mean PSNR gain in dB, one step, over the pairs `*_in.png`, `*_gt.png` of `folder`, at 64 px."""
    import cv2

    gains = []
    for path in sorted(folder.glob("*_in.png")):
        names = (path, path.with_name(path.name.replace("_in", "_gt")))
        images = [np.asarray(cv2.imread(str(p)))[..., ::-1] for p in names]
        small = [cv2.resize(i, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32) / 255 for i in images]
        x, y = (torch.from_numpy(i.transpose(2, 0, 1).copy())[None].to(device) for i in small)
        noise = look_noise(x.shape, torch.Generator().manual_seed(0)).to(device)
        maps = torch.zeros(1, model.config.map_channels, 64, 64, device=device)
        out = (model(noise, torch.full((1,), 999, device=device), x, x, maps).sample.float() + 1) / 2
        gains.append(10 * math.log10(float((x - y).square().mean() / (out.clamp(0, 1) - y).square().mean())))
    return sum(gains) / max(len(gains), 1)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.retouch", description=__doc__)
    parser.add_argument("photos", type=Path, help="folder of good photographs")
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an existing one is resumed")
    parser.add_argument("--pairs", type=Path, help="folder of held-out pairs to watch (never trained on)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many minutes")
    for options in (TrainOptions, PairOptions):
        for field in fields(options):
            kind = {"True": lambda v: v in ("1", "true", "yes")}.get(str(field.default), type(field.default))
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    args = vars(parser.parse_args())
    train = TrainOptions(**{f.name: args[f.name] for f in fields(TrainOptions)})
    pairs = PairOptions(**{f.name: args[f.name] for f in fields(PairOptions)})
    run(
        args["photos"],
        args["names"],
        args["out"],
        args["pairs"],
        args["device"],
        args["workers"],
        args["minutes"],
        train,
        pairs,
    )


def run(
    photos: Path, names: Path | None, out: Path, watch: Path | None, device: str, workers: int, minutes: float,
    options: TrainOptions, pair_options: PairOptions,
) -> None:  # fmt: skip
    """Train until `options.steps` or `minutes`; see the module's docstring for what it writes."""
    torch.manual_seed(options.seed)
    cached = load_photos(photos, names.read_text().split("\n") if names else None)
    if not cached:
        raise SystemExit(f"No photos of at least 64 px found in {photos}.")
    print(f"{len(cached)} photos", flush=True)
    model = GridDenoiser().to(device)
    ema = EMAModel(model.parameters(), decay=options.ema, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=1e-2, betas=(0.9, 0.99))
    step, best = 0, -math.inf
    latest = out / "latest"
    if (latest / "state.json").exists():
        state = json.loads((latest / "state.json").read_text())
        step, best = state["step"], state["best"]
        tensors = load_file(latest / "model.safetensors", device=device)
        model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        ema.shadow_params = [tensors[f"ema.{i}"] for i in range(len(ema.shadow_params))]
        ema.optimization_step = step
        for i, p in enumerate(model.parameters()):
            optimizer.state[p] = {k: tensors[f"adam.{i}.{k}"] for k in ("step", "exp_avg", "exp_avg_sq")}
        print(f"resumed at step {step}", flush=True)
    loader = DataLoader(
        Pairs(cached, pair_options, options.seed + step), batch_size=options.batch, num_workers=workers,
        multiprocessing_context="forkserver" if workers else None, prefetch_factor=4 if workers else None,
    )  # fmt: skip
    alphas = make_scheduler().alphas_cumprod
    generator = torch.Generator().manual_seed(options.seed + step)
    began, shown, seen = time.monotonic(), 0.0, 0

    def save() -> None:
        latest.mkdir(parents=True, exist_ok=True)
        tensors = {f"model.{k}": v.contiguous().clone() for k, v in model.state_dict().items()}
        tensors |= {f"ema.{i}": p.contiguous().clone() for i, p in enumerate(ema.shadow_params)}
        for i, p in enumerate(model.parameters()):
            tensors |= {f"adam.{i}.{k}": v.contiguous().clone() for k, v in optimizer.state[p].items()}
        save_file(tensors, latest / "model.safetensors.part")
        (latest / "model.safetensors.part").replace(latest / "model.safetensors")
        (latest / "state.json").write_text(json.dumps({"step": step, "best": best}))

    def evaluate() -> None:
        nonlocal best
        ema.store(model.parameters())
        ema.copy_to(model.parameters())
        model.eval()
        gain = held_out(model, watch, device) if watch else float(step)
        if gain > best:
            best = gain
            model.save_pretrained(out / "weights", safe_serialization=True)
            notes = {
                "step": step,
                "gain_db": gain if watch else None,
                "train": asdict(options),
                "pairs": asdict(pair_options),
            }
            (out / "weights" / "training.json").write_text(json.dumps({**notes, "noise_mix": NOISE_MIX}, indent=1))
        model.save_pretrained(out / "newest", safe_serialization=True)
        if watch:
            print(f"step {step}: held-out gain {gain:+.2f} dB (best {best:+.2f})", flush=True)
        model.train()
        ema.restore(model.parameters())

    first = step
    for batch in (b for fresh in loader for b in [fresh] * options.reuse):
        if step >= options.steps or time.monotonic() - began > 60 * minutes:
            break
        progress = max(
            step / options.steps, min((time.monotonic() - began) / (60 * minutes), 1.0) if first == 0 else 0.0
        )
        scale = min((step + 1) / options.warmup, 1.0) * (
            0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        )
        for group in optimizer.param_groups:
            group["lr"] = options.rate * scale
        batch = {k: v.to(device, non_blocking=True) for k, v in batch.items()}
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = loss_of(model, batch, alphas, options, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        ema.step(model.parameters())
        step, shown, seen = step + 1, shown + float(loss.detach()), seen + 1
        if step % 50 == 0:
            pace = (time.monotonic() - began) / (step - first)
            left = min(pace * (options.steps - step), 60 * minutes - (time.monotonic() - began)) / 60
            print(
                f"step {step}/{options.steps}  loss {shown / seen:.5f}  {pace:.2f} s/step  {left:.0f} min left",
                flush=True,
            )
            shown, seen = 0.0, 0
        if step % 250 == 0:
            save()
            evaluate()
    save()
    evaluate()


if __name__ == "__main__":
    main()
