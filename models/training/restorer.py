"""Train the restorer: ``python -m models.training.restorer fine|tone PHOTOS --out RUN``.

PHOTOS is any folder of good photographs (`--names` chooses some). RUN gets checkpoints and averaged weights; running
it again resumes. ``python -m models.training.restorer ship RUN`` writes both parts to `models/weights/restorer` and pins them.
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.grid import slice_grid
from models.pinned import FOLDER, pin
from models.restorer import SQUARE, TONES, Fine, Tone, first_grid
from models.training.faults import FaultOptions, fine_faults, tone_faults

Float = NDArray[np.float32]


#: A mean square error well below this is as good as none.
FLOOR: Final = 5e-4


@dataclass(frozen=True)
class RestorerOptions:
    """Everything that shapes a run."""

    steps: int = 4000
    batch: int = 16
    side: int = 96  # of the squares that the fine network learns on
    rate: float = 6e-4
    warmup: int = 100
    ema: float = 0.998
    seed: int = 0
    start: str = ""  # a file of weights to begin with
    minutes: float = 0.0  # stop, and let the rate fall, by this time; 0: by steps alone


def photos_of(folder: Path, names: Path | None) -> list[NDArray[np.uint8]]:
    """All photos under a folder, or those named in a text file, as uint8 RGB at their own size."""
    wanted = set(names.read_text().split("\n")) if names else None
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}):
        if wanted is None or path.name in wanted:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is not None and min(image.shape[:2]) >= 200:
                found.append(image[..., ::-1].copy())
    return found


def square_of(photo: NDArray[np.uint8], side: int, rng: np.random.Generator) -> Float:
    """A random square of a photo, at times smaller and so crisper than it was, turned, and in another exposure."""
    least = side / min(photo.shape[:2])
    scale = float(rng.uniform(max(0.5, least), 1.0)) if rng.random() < 0.6 and least < 1 else max(1.0, least)
    cut = math.ceil(side / scale)
    y, x = (int(rng.integers(0, n - cut + 1)) for n in photo.shape[:2])
    square = photo[y : y + cut, x : x + cut]
    square = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA) if cut != side else square
    square = np.rot90(square, int(rng.integers(4)))
    square = square[:, ::-1] if rng.random() < 0.5 else square
    out = np.asarray(square, np.float32) / np.float32(255)
    kind = rng.random()
    if kind < 0.4:
        out = np.power(out, np.float32(np.exp(rng.uniform(-0.5, 0.5)))) * np.float32(rng.uniform(0.6, 1.0))
    elif kind < 0.65:  # exposed too little: texture is faint there, and no noise
        out = np.power(out, np.float32(rng.uniform(0.9, 1.1))) * np.float32(2.0 ** (-rng.uniform(0.5, 3.0) / 2.2))
    return np.ascontiguousarray(out)


def fine_batch(
    photos: list[NDArray[np.uint8]], o: RestorerOptions, faults: FaultOptions, rng: np.random.Generator
) -> Tensor:
    """(batch, 4, 3, side, side): clean, after blur, after noise too, after a codec too."""
    reach = 8
    rows = []
    for _ in range(o.batch):
        clean = square_of(photos[int(rng.integers(len(photos)))], o.side + 2 * reach, rng)
        made = fine_faults(clean, faults, rng)
        rows.append(np.stack([m[reach:-reach, reach:-reach] for m in made]))
    return torch.from_numpy(np.stack(rows)).permute(0, 1, 4, 2, 3).contiguous()


def fine_loss(network: Fine, made: Tensor) -> Tensor:
    """Logarithm of the mean square error of the repaired picture, and each residual's error as a share of the damage done.

    The logarithm is the PSNR that is wanted: a codec's traces are a tenth of strong noise and count nearly as much. Its floor
    keeps sound squares, on which every error is large against none, from teaching to do nothing.
    """
    clean, soft, grainy, seen = made.unbind(1)
    found = network(seen.contiguous(memory_format=torch.channels_last)).float()
    truth = torch.stack([soft - grainy, grainy - seen, clean - soft], dim=1)
    whole = (seen + found.sum(1) - clean).square().mean(dim=(1, 2, 3))
    each, damage = ((t.square().mean(dim=(1, 2, 3, 4))) for t in (found - truth, truth))
    return (whole + FLOOR).log().mean() + (each / (damage + FLOOR / 4)).mean()


def tone_batch(
    photos: list[NDArray[np.uint8]], o: RestorerOptions, faults: FaultOptions, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Faulty and clean thumbnails (batch, 3, 128, 128), and which fault: 0, 1, or −1 for none."""
    faulty, clean, kinds = [], [], []
    for _ in range(o.batch):
        photo = photos[int(rng.integers(len(photos)))]
        cut = [int(n * rng.uniform(0.6, 1)) for n in photo.shape[:2]]
        y, x = (int(rng.integers(0, n - c + 1)) for n, c in zip(photo.shape[:2], cut, strict=True))
        small = cv2.resize(photo[y : y + cut[0], x : x + cut[1]], (SQUARE, SQUARE), interpolation=cv2.INTER_AREA)
        small = np.asarray(small[:, ::-1] if rng.random() < 0.5 else small, np.float32) / np.float32(255)
        made, kind = tone_faults(np.ascontiguousarray(small), faults, rng)
        faulty.append(made)
        clean.append(small)
        kinds.append(TONES.index(kind) if kind else -1)
    one, two = (torch.from_numpy(np.stack(x)).permute(0, 3, 1, 2).contiguous() for x in (faulty, clean))
    return one, two, torch.tensor(kinds)


def _first(picture: Tensor, name: str) -> Tensor:
    return torch.from_numpy(first_grid(picture.permute(1, 2, 0).numpy(), name))


def tone_loss(network: Tone, faulty: Tensor, clean: Tensor, kinds: Tensor) -> Tensor:
    """How far each grid brings the photo from where it should: its own fault's from clean, the other from where it is."""
    first = [torch.stack([_first(x, name) for x in faulty]) for name in TONES]
    shown = [slice_grid(grid, faulty).clamp(0, 1) for grid in first]
    answers = network(torch.cat(shown)).float().chunk(len(TONES))
    grids = torch.stack([answers[k][:, k] for k in range(len(TONES))], dim=1)
    # Slicing is dear, and a grid has 16 places: every other pixel tells as much.
    faulty, clean = (F.avg_pool2d(x, 2) for x in (faulty, clean))
    total = faulty.new_zeros(())
    for k in range(len(TONES)):
        own = kinds == k
        off = slice_grid(grids[:, k], F.avg_pool2d(shown[k], 2)) - torch.where(own.view(-1, 1, 1, 1), clean, faulty)
        weight = torch.where(own, 1.0, 0.5)
        total = total + (weight * (off * off + 1e-6).sqrt().mean(dim=(1, 2, 3))).mean()
        # What is nearly right is to be quite right: that is where PSNR is won.
        total = total + 0.03 * (own * (off.square().mean(dim=(1, 2, 3)) + 1e-4).log()).mean()
    bend = grids.diff(dim=-1).square().mean() + grids.diff(dim=-2).square().mean() + grids.diff(dim=-3).square().mean()
    return total + 0.05 * bend


def rate_at(step: int, share: float, o: RestorerOptions) -> float:
    """Warm up, then fall as a cosine over the share of the run that is done."""
    return o.rate * min(1.0, (step + 1) / o.warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


def train(
    part: str,
    photos: list[NDArray[np.uint8]],
    o: RestorerOptions,
    faults: FaultOptions,
    out: Path,
    until: int | None = None,
) -> Path:
    """Train one part, going on from its checkpoint if there is one; returns the file of its averaged weights.

    `until`: the step before which to stop for now.
    """
    torch.manual_seed(o.seed)
    network: Fine | Tone = Fine() if part == "fine" else Tone()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if o.start:
        network.load_state_dict(load_file(o.start))
    average = {k: v.clone() for k, v in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=o.rate, weight_decay=1e-4)
    state, weights, notes = out / f"{part}-state.safetensors", out / f"{part}.safetensors", out / f"{part}.json"
    out.mkdir(parents=True, exist_ok=True)
    first, spent = 0, 0.0
    if state.exists():
        saved = load_file(state)
        network.load_state_dict(_named(saved, "network."))
        average, first, spent = _named(saved, "average."), int(saved["step"]), float(saved["seconds"])
        optimizer.load_state_dict({**optimizer.state_dict(), "state": _moments(saved)})
    log: list[list[float]] = json.loads(notes.read_text())["log"] if notes.exists() else []

    def keep(step: int) -> None:
        save_file({k: v.contiguous() for k, v in average.items()}, weights)
        whole = {f"network.{k}": v for k, v in network.state_dict().items()} | {
            f"average.{k}": v for k, v in average.items()
        }
        for i, moments in optimizer.state_dict()["state"].items():
            whole |= {f"optimizer.{i}.{k}": v for k, v in moments.items()}
        whole |= {"step": torch.tensor(step), "seconds": torch.tensor(spent)}
        save_file({k: v.contiguous() for k, v in whole.items()}, state)
        notes.write_text(json.dumps({"options": asdict(o), "faults": asdict(faults), "step": step, "log": log}))

    running, step = 0.0, first
    for step in range(first, o.steps if until is None else min(until, o.steps)):
        began = time.perf_counter()
        share = max(step / o.steps, spent / 60 / o.minutes if o.minutes else 0.0)
        if share >= 1:
            break
        rng = np.random.default_rng((o.seed, step))
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, share, o)
        with torch.autocast("cpu", torch.bfloat16):
            if isinstance(network, Fine):
                loss = fine_loss(network, fine_batch(photos, o, faults, rng))
            else:
                loss = tone_loss(network, *tone_batch(photos, o, faults, rng))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        decay = min(o.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            for k, v in network.state_dict().items():
                average[k].lerp_(v, 1 - decay)
        running += float(loss.detach())
        spent += time.perf_counter() - began
        if (step + 1) % 100 == 0:
            log.append([step + 1, round(running / 100, 5), round(spent)])
            print(f"{part} {step + 1}: {running / 100:.5f}, {spent / 60:.1f} min", flush=True)
            running = 0.0
            keep(step + 1)
    keep(step + 1)
    return weights


def _named(saved: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}


def _moments(saved: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """The state of the optimizer as it was saved: parameter → name → tensor."""
    out: dict[int, dict[str, Tensor]] = {}
    for key, value in _named(saved, "optimizer.").items():
        index, _, name = key.partition(".")
        out.setdefault(int(index), {})[name] = value
    return out


def ship(run: Path) -> None:
    """Both parts as one weight set, in float16, pinned."""
    place = FOLDER / "restorer"
    place.mkdir(exist_ok=True)
    parts = {
        f"{part}.{k}": v.half() for part in ("fine", "tone") for k, v in load_file(run / f"{part}.safetensors").items()
    }
    save_file(parts, place / "model.safetensors")
    notes = {part: json.loads((run / f"{part}.json").read_text()) for part in ("fine", "tone")}
    for note in notes.values():
        # Where it lay is nobody's business.
        note["options"]["start"] = Path(note["options"]["start"]).name
    (place / "training.json").write_text(
        json.dumps({p: n["options"] | {"step": n["step"]} for p, n in notes.items()}, indent=1) + "\n"
    )
    pin("restorer")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.restorer", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for part in ("fine", "tone"):
        one = commands.add_parser(part, help=f"train the {part} network")
        one.add_argument("photos", type=Path)
        one.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
        one.add_argument("--out", type=Path, required=True)
        for field in fields(RestorerOptions):
            one.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    commands.add_parser("ship", help="write and pin models/weights/restorer").add_argument("run", type=Path)
    args = parser.parse_args()
    if args.command == "ship":
        ship(args.run)
        return
    photos = photos_of(args.photos, args.names)
    if not photos:
        raise SystemExit(f"No photos of at least 200 px found in {args.photos}.")
    options = RestorerOptions(**{f.name: getattr(args, f.name) for f in fields(RestorerOptions)})
    print(f"{len(photos)} photos", flush=True)
    train(args.command, photos, options, FaultOptions(), args.out)


if __name__ == "__main__":
    main()
