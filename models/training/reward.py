"""Stage two of the retouch model, learning from rewards: ``python -m models.training.reward PHOTOS --out RUN``.

Every step draws requests without an answer (`models.training.unpaired`), samples several looks for each with the sampling
policy (`models.training.looks`), judges them (`models.training.verdict`) and moves the denoiser on the forward process
(`models.training.forward`); a batch of stage one's pairs (`models.training.pairs`), with stage one's loss, is the anchor. The
sampling policy is a moving average of what is trained, and is what the run writes to `weights/`.

All that is random belongs to its step, so a run that is stopped and resumed writes the bytes of one that was not. `curves.csv`
has a row a step. The style encoder is not trained: styles that people keep mean what they meant.
"""

import argparse
import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader

from models.pinned import FOLDER
from models.pipeline import load_pipeline, look_noise
from models.training.forward import follow, forward_loss, worth
from models.training.looks import Draw, Draws, StageOptions, sample_looks, thumbnails
from models.training.losses import LossOptions, loss_of
from models.training.pairs import CACHE_EDGE, PairOptions, load_photos
from models.training.retouch import held_out
from models.training.unpaired import Request, RequestOptions, make_request
from models.training.verdict import RewardOptions, Verdict, judge_looks

Float = NDArray[np.float32]


Options = TypeVar("Options", StageOptions, RewardOptions, RequestOptions)

#: The verdicts (P, K) on looks (P, K, h, w, 3) of requests.
Judge = Callable[[list[Request], Float], list[list[Verdict]]]

#: Photos that are only watched.
WATCHED: Final = 16
EVERY: Final = 20
COLUMNS: Final = (
    "step", "loss", "anchor", "reward", "spread", "gain", "gate", "structure", "watch_reward", "watch_gain", "watch_structure",
    "watch_change", "watch_variety", "pairs_db",
)  # fmt: skip


def by_critic(options: RewardOptions) -> Judge:
    """The judge of a run: `verdict.judge_looks` for every request."""
    return lambda requests, shown: [
        judge_looks(r.photo, looks, r.maps, options) for r, looks in zip(requests, shown, strict=True)
    ]


class Stage:
    """What a step changes: the trained denoiser, the sampling policy and the optimizer."""

    def __init__(self, start: Path, options: StageOptions, losses: LossOptions, device: str = "cpu") -> None:
        self.options, self.losses, self.device = options, losses, device
        trained, policy = (load_pipeline(start).to(device) for _ in range(2))
        self.policy = policy
        self.encoder = policy.style_encoder.requires_grad_(False)
        self.model = trained.denoiser.train()
        self.old = policy.denoiser.requires_grad_(False)
        self.alphas = policy.scheduler.alphas_cumprod
        self.optimizer = torch.optim.AdamW(self.model.parameters(), options.rate, weight_decay=0.0, betas=(0.9, 0.99))

    def learn(self, step: int, draw: Draw, judge: Judge) -> dict[str, float]:
        """Sample, judge and update once; returns the row of `curves.csv` without what is watched."""
        o = self.options
        seed = o.seed * 1_000_003 + step
        generator = torch.Generator().manual_seed(seed + 500_000)
        looks = sample_looks(self.policy, draw.requests, o.looks, o.solver, seed)
        verdicts = judge(draw.requests, looks.shown)
        rewards = torch.tensor([[v.reward for v in row] for row in verdicts])
        clean, r = looks.clean.to(self.device), worth(rewards).flatten().to(self.device)
        photo, developed = (
            thumbnails([getattr(q, n) for q in draw.requests]).repeat_interleave(o.looks, 0).to(self.device)
            for n in ("photo", "developed")
        )
        maps = torch.from_numpy(np.stack([q.maps for q in draw.requests])).repeat_interleave(o.looks, 0).to(self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = o.rate * min((step + 1) / o.warmup, 1.0)
        pairs = {k: v.to(self.device) for k, v in draw.pairs.items()}
        losses, anchors = [], []
        for _ in range(o.reuse):
            t = torch.randint(0, len(self.alphas), (len(clean),), generator=generator)
            # As in stage one: the expected look is one step from pure noise.
            t = torch.where(
                torch.rand(len(clean), generator=generator) < 0.4, torch.full_like(t, len(self.alphas) - 1), t
            )
            level = self.alphas[t].to(self.device).view(-1, 1, 1, 1)
            noisy = level.sqrt() * clean + (1 - level).sqrt() * look_noise(clean.shape, generator).to(self.device)
            t = t.to(self.device)
            with torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16):
                with torch.no_grad():
                    before = self.old(noisy, t, photo, developed, maps).sample.float()
                new = self.model(noisy, t, photo, developed, maps).sample.float()
                loss = forward_loss(new, before, clean, r, o.beta)
                total = loss
                if pairs:
                    anchor = loss_of(self.model, self.encoder, pairs, self.alphas, self.losses, generator)
                    total = loss + o.anchor * anchor
                    anchors.append(float(anchor.detach()))
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            losses.append(float(loss.detach()))
        # At first the sampling policy follows at once, later slowly (the paper's schedule).
        follow(self.old.parameters(), self.model.parameters(), min(step / (step + 10), o.follow))
        table = np.array([[(v.reward, v.gain, v.gate, v.structure) for v in row] for row in verdicts])
        return {
            "step": step + 1, "loss": float(np.mean(losses)), "anchor": float(np.mean(anchors)) if anchors else math.nan,
            "reward": float(table[..., 0].mean()), "spread": float(table[..., 0].std(1).mean()),
            "gain": float(table[..., 1].mean()), "gate": float(table[..., 2].mean()), "structure": float(table[..., 3].mean()),
        }  # fmt: skip

    def watch(self, requests: list[Request], judge: Judge, pairs: Path | None) -> dict[str, float]:
        """How the sampling policy does: expected looks of watched photos, how far they go (code values), how far four-step
        looks lie apart, and the gain on expert pairs."""
        expected = sample_looks(self.policy, requests, 1, 1, 0).shown
        varied = sample_looks(self.policy, requests, 2, 4, 0).shown
        table = np.array([(v.reward, v.gain, v.structure) for (v,) in judge(requests, expected)]).mean(0)
        photos = np.stack([r.photo for r in requests])
        return {
            "watch_reward": float(table[0]), "watch_gain": float(table[1]), "watch_structure": float(table[2]),
            "watch_change": 255 * float(np.abs(expected[:, 0] - photos).mean()),
            "watch_variety": 255 * float(np.abs(varied[:, 0] - varied[:, 1]).mean()),
            "pairs_db": held_out(self.old, pairs, self.device) if pairs else math.nan,
        }  # fmt: skip

    def save(self, folder: Path, step: int) -> None:
        """Write the checkpoint of `step`."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"model.{k}": v.contiguous().clone() for k, v in self.model.state_dict().items()}
        tensors |= {f"old.{k}": v.contiguous().clone() for k, v in self.old.state_dict().items()}
        for i, p in enumerate(self.model.parameters()):
            tensors |= {f"adam.{i}.{k}": v.contiguous().clone() for k, v in self.optimizer.state[p].items()}
        save_file(tensors, folder / "model.safetensors.part", {"step": str(step)})
        (folder / "model.safetensors.part").replace(folder / "model.safetensors")

    def resume(self, folder: Path) -> int:
        """Read the checkpoint, if there is one; returns its step, else 0."""
        from safetensors import safe_open

        path = folder / "model.safetensors"
        if not path.exists():
            return 0
        with safe_open(path, "pt") as file:
            step = int(file.metadata()["step"])
        tensors = load_file(path, device=self.device)
        self.model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        self.old.load_state_dict({k[4:]: v for k, v in tensors.items() if k.startswith("old.")})
        for i, p in enumerate(self.model.parameters()):
            found = {
                k: tensors[f"adam.{i}.{k}"] for k in ("step", "exp_avg", "exp_avg_sq") if f"adam.{i}.{k}" in tensors
            }
            if found:
                self.optimizer.state[p] = found
        return step


def _keep_rows(path: Path, step: int) -> None:
    """Leave in `curves.csv` the rows up to `step`: a run may have died after its checkpoint."""
    rows: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [r for r in csv.DictReader(file) if int(r["step"]) <= step]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def run(
    photos: Path, names: Path | None, out: Path, start: Path, watch: Path | None, device: str, workers: int, minutes: float,
    options: StageOptions, reward: RewardOptions, request: RequestOptions,
) -> None:  # fmt: skip
    """Train until `options.steps` or `minutes`; see the module's docstring for what it writes."""
    cached = load_photos(photos, names.read_text().split("\n") if names else None)
    if len(cached) < 4:
        raise SystemExit(f"At least four photos of {CACHE_EDGE // 2} px or more are needed in {photos}; add some.")
    order = np.random.default_rng((options.seed, 3)).permutation(len(cached))
    aside = min(WATCHED, len(cached) // 4)
    watched, used = ([cached[i] for i in part] for part in (order[:aside], order[aside:]))
    print(f"{len(used)} photos to learn from, {aside} to watch", flush=True)
    notes = json.loads((start / "training.json").read_text("utf-8"))
    losses, pair = LossOptions(**notes["losses"]), PairOptions(**notes["pairs"])
    stage = Stage(start, options, losses, device)
    out.mkdir(parents=True, exist_ok=True)
    step = stage.resume(out / "latest")
    _keep_rows(out / "curves.csv", step)
    rng = np.random.default_rng((options.seed, 4))
    free = RequestOptions(found=request.found, told=0.0)
    shown = [make_request(p, np.zeros(p.shape[:2], np.int32), rng, free) for p in watched]
    judge = by_critic(reward)

    def write(row: dict[str, float]) -> None:
        with (out / "curves.csv").open("a", newline="", encoding="utf-8") as file:
            cells = {k: "" if math.isnan(v) else v if k == "step" else f"{v:.5f}" for k, v in row.items()}
            csv.DictWriter(file, COLUMNS).writerow(cells)
        print("  ".join(f"{k} {v:.4g}" for k, v in row.items() if not math.isnan(v)), flush=True)

    def keep() -> None:
        stage.save(out / "latest", step)
        for name, module in (("denoiser", stage.old), ("style_encoder", stage.encoder)):
            module.save_pretrained(out / "weights" / name, safe_serialization=True)
        told = {
            **notes, "step": notes["step"], "reward_step": step, "stage_two": asdict(options), "reward": asdict(reward),
            "requests": asdict(request),
        }  # fmt: skip
        (out / "weights" / "training.json").write_text(json.dumps(told, indent=1))

    if step == 0:
        write({"step": 0, **stage.watch(shown, judge, watch)})
    loader = DataLoader(
        Draws(used, options, request, pair, step), batch_size=None, num_workers=workers,
        multiprocessing_context="forkserver" if workers else None, prefetch_factor=3 if workers else None,
    )  # fmt: skip
    began, first = time.monotonic(), step
    for draw in loader if step < options.steps else ():
        row = stage.learn(step, draw, judge)
        step += 1
        last = step >= options.steps or time.monotonic() - began > 60 * minutes
        if step % EVERY == 0 or last:
            row |= stage.watch(shown, judge, watch)
        write(row)
        if step % EVERY == 0 or last:
            keep()
            print(f"{(time.monotonic() - began) / (step - first):.1f} s a step", flush=True)
        if last:
            break


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.reward", description=__doc__)
    parser.add_argument("photos", type=Path, help="folder of photographs")
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an existing one is resumed")
    parser.add_argument("--start", type=Path, default=FOLDER / "retouch", help="the pipeline that stage one has made")
    parser.add_argument("--watch", type=Path, help="folder of held-out pairs to watch (never trained on)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many minutes")
    for options in (StageOptions, RewardOptions, RequestOptions):
        for one in fields(options):
            parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), default=one.default)
    args = vars(parser.parse_args())

    def chosen(kind: type[Options]) -> Options:
        return kind(**{f.name: args[f.name] for f in fields(kind)})

    run(
        args["photos"], args["names"], args["out"], args["start"], args["watch"], args["device"], args["workers"],
        args["minutes"], chosen(StageOptions), chosen(RewardOptions), chosen(RequestOptions),
    )  # fmt: skip


if __name__ == "__main__":
    main()
