"""Train the grid denoiser: ``python -m models.training.retouch PHOTOS --out RUN``.

PHOTOS is any folder of good photographs. RUN gets `latest/` (a resumable checkpoint) and `weights/` (the averaged weights as
diffusers models). Running it again resumes. `--pairs` gives expert pairs to watch; nothing is chosen by them.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from diffusers.training_utils import EMAModel
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from models.denoiser import GridDenoiser
from models.pipeline import NOISE_MIX, look_noise, make_scheduler
from models.style import STYLE_DIM, StyleEncoder
from models.training.losses import LossOptions, loss_of
from models.training.pairs import PairOptions, load_photos, make_pair, neutral, segments


@dataclass(frozen=True)
class TrainOptions:
    """Everything that shapes a run; written beside the weights."""

    steps: int = 6000
    batch: int = 32
    rate: float = 6e-4
    warmup: int = 200
    ema: float = 0.998  # decay of the averaged weights; 0: none
    widths: str = "48,96,192"  # channels at 32, 16 and 8 pixels
    reuse: int = 2  # steps on one batch, each with other noise; pays where pairs are dearer than steps
    seed: int = 0


Options = TypeVar("Options", TrainOptions, LossOptions, PairOptions)

IMAGES = ("photo", "developed", "target", "opposed", "alike", "stranger")


class Retoucher(nn.Module):
    """What is trained: the denoiser and, unless switched off, the style encoder."""

    def __init__(self, widths: tuple[int, int, int], style: bool) -> None:
        super().__init__()
        self.denoiser = GridDenoiser(widths=widths, style_dim=STYLE_DIM if style else 0)
        self.encoder = StyleEncoder() if style else None


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

        def part(i: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
            if i not in parts:
                clean = neutral(np.asarray(self.photos[i] / np.float32(255), np.float32))
                parts[i] = (clean * 255 + 0.5).astype(np.uint8), segments(self.photos[i], 24)
            return parts[i]

        while True:
            i, j = (int(v) for v in rng.integers(len(self.photos), size=2))
            pair = make_pair(self.photos[i], *part(i), part(j)[0], rng, self.options)
            images = {n: getattr(pair, n).transpose(2, 0, 1) for n in IMAGES}
            yield {
                n: torch.from_numpy(np.ascontiguousarray(v, np.float32))
                for n, v in {**images, "maps": pair.maps}.items()
            } | {"mood": torch.tensor(pair.mood)}


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
    for options in (TrainOptions, LossOptions, PairOptions):
        for field in fields(options):
            kind = {"True": lambda v: v in ("1", "true", "yes")}.get(str(field.default), type(field.default))
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    args = vars(parser.parse_args())

    def chosen(kind: type[Options]) -> Options:
        return kind(**{f.name: args[f.name] for f in fields(kind)})

    run(
        args["photos"],
        args["names"],
        args["out"],
        args["pairs"],
        args["device"],
        args["workers"],
        args["minutes"],
        chosen(TrainOptions),
        chosen(LossOptions),
        chosen(PairOptions),
    )


def run(
    photos: Path, names: Path | None, out: Path, watch: Path | None, device: str, workers: int, minutes: float,
    options: TrainOptions, losses: LossOptions, pair_options: PairOptions,
) -> None:  # fmt: skip
    """Train until `options.steps` or `minutes`; see the module's docstring for what it writes."""
    torch.manual_seed(options.seed)
    cached = load_photos(photos, names.read_text().split("\n") if names else None)
    if not cached:
        raise SystemExit(f"No photos of at least 64 px found in {photos}.")
    print(f"{len(cached)} photos", flush=True)
    a, b, c = (int(v) for v in options.widths.split(","))
    model = Retoucher((a, b, c), style=losses.style > 0).to(device)
    ema = EMAModel(model.parameters(), decay=options.ema, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=1e-2, betas=(0.9, 0.99))
    step = 0
    latest = out / "latest"
    if (latest / "state.json").exists():
        step = int(json.loads((latest / "state.json").read_text())["step"])
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
        (latest / "state.json").write_text(json.dumps({"step": step}))

    def average() -> None:
        """Write the averaged weights."""
        ema.store(model.parameters())
        if options.ema:
            ema.copy_to(model.parameters())
        model.eval()
        gain = held_out(model.denoiser, watch, device) if watch else None
        model.denoiser.save_pretrained(out / "weights" / "denoiser", safe_serialization=True)
        if model.encoder is not None:
            model.encoder.save_pretrained(out / "weights" / "style_encoder", safe_serialization=True)
        notes = {
            "step": step, "gain_db": gain, "train": asdict(options), "losses": asdict(losses), "pairs": asdict(pair_options),
            "noise_mix": NOISE_MIX,
        }  # fmt: skip
        (out / "weights" / "training.json").write_text(json.dumps(notes, indent=1))
        if gain is not None:
            print(f"step {step}: gain on the watched pairs {gain:+.2f} dB", flush=True)
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
            loss = loss_of(model.denoiser, model.encoder, batch, alphas, losses, generator)
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
            average()
    save()
    average()


if __name__ == "__main__":
    main()
