"""Train what a kind of place does not show: `python -m models.training.context DATA --out FOLDER`.

One logistic regression for each class of the segmenter, on what the scene network makes of a photo and of takes of it in
another light: does the photo show the class at all? That is read off the label maps: a class on more than 1 % of a photo is
shown; one on less than 0.2 % is not, where at least four fifths of the photo are labelled or a look at the whole photo says
so. Of what a set does not annotate nothing is said. DATA is laid out as for `models.training.segmenter`.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from models import pinned, places
from models.segmentation import CLASSES
from models.training import by_eye
from models.training.scene import VIEWS, listed_photos, views_of
from models.training.segmenter import ANY, BIT, bsds_bits, ccp_bits, facade_bits, index_bits, shown_bits

#: Share of a photo above which it shows a class, below which it does not, and how much must be labelled to say so.
SHOWS, LACKS, LABELLED = 0.01, 0.002, 0.8

#: Weight decay, and the share of the features hidden in training; by four-fold cross-validation on the training photos.
DECAY, HIDDEN = 3.0, 0.3


def bits_of(data: Path, name: str) -> NDArray[np.uint16] | None:
    """The class sets of a photo's label map, wherever there is one; None if there is none."""
    for path, table in (
        (data / "train_labels_permissive" / f"{name}.png", index_bits(CLASSES)),
        (data / "train_labels_bsds" / f"{name.removeprefix('bsds500_')}.png", bsds_bits()),
        (data / "train_labels" / f"{name}_ccp.png", ccp_bits()),
        (data / "train_labels" / f"{name}_facade.png", facade_bits()),
    ):
        index = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.exists() else None
        if index is not None:
            return np.asarray(table[index], np.uint16)
    index = by_eye.maps().get(name)
    return None if index is None else np.asarray(index_bits(CLASSES)[index], np.uint16)


def shown(bits: NDArray[np.uint16], whole: int) -> list[float]:
    """For each class 1 if the map `bits` shows it, 0 if not, -1 if that is not known; `whole`: all that the photo shows."""
    known: list[float] = []
    # A map that leaves a class out of all that it can tell apart says nothing of it.
    several = (bits & (bits - 1)) > 0
    labelled = 1 - float((bits == ANY).mean())
    for name in CLASSES:
        sure = float((bits == BIT[name]).mean())
        perhaps = float((several & (bits != ANY) & (bits & BIT[name] > 0)).mean())
        if sure > SHOWS:
            known.append(1.0)
        elif sure + perhaps < LACKS and (labelled > LABELLED or not whole & BIT[name]):
            known.append(0.0)
        else:
            known.append(-1.0)
    return known


def look_at(data: Path, most: int) -> tuple[Tensor, Tensor]:
    """Roots of the features of the views (n, VIEWS, 512), and what the photos show (n, 14)."""
    seen, known = [], []
    for number, (path, _) in enumerate(listed_photos(data, most)):
        bits = bits_of(data, path.stem)
        views = None if bits is None else views_of(path, number)
        if bits is None or views is None:
            continue
        names = by_eye.shows().get(path.stem)
        seen.append(np.stack([np.sqrt(places.features(view)) for view in views]))
        known.append(shown(bits, ANY if names is None else shown_bits(names)))
    return torch.from_numpy(np.stack(seen)), torch.tensor(known)


def fit(x: Tensor, known: Tensor, steps: int, seed: int) -> tuple[Tensor, Tensor]:
    """Weight (512, 14) and bias (14,) from standardised views (n, VIEWS, 512) and what is known (n, 14)."""
    g = torch.Generator().manual_seed(seed)
    weight = torch.zeros(x.shape[2], known.shape[1], requires_grad=True)
    bias = torch.zeros(known.shape[1], requires_grad=True)
    optimiser = torch.optim.AdamW(
        [{"params": [weight], "weight_decay": DECAY}, {"params": [bias], "weight_decay": 0}], lr=3e-3
    )
    told = (known >= 0).float()
    for _ in range(steps):
        rows = x[torch.arange(len(x)), torch.randint(VIEWS, (len(x),), generator=g)]
        rows = rows * (torch.rand(rows.shape, generator=g) > HIDDEN) / (1 - HIDDEN)
        loss = functional.binary_cross_entropy_with_logits(rows @ weight + bias, known.clamp_min(0), reduction="none")
        optimiser.zero_grad()
        ((loss * told).sum() / told.sum()).backward()
        optimiser.step()
    return weight.detach(), bias.detach()


def ranked(scores: Tensor, known: Tensor) -> float:
    """How often a photo that shows a class has the higher score than one that does not (area under the ROC curve)."""
    yes, no = scores[known == 1], scores[known == 0]
    return float((yes[:, None] > no).float().mean()) if len(yes) and len(no) else float("nan")


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `python -m models.training.context`."""
    parser = argparse.ArgumentParser(prog="python -m models.training.context", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with train_photos/ and the label folders")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args(arguments)
    seen, known = look_at(a.data, a.photos)
    flat = seen.flatten(0, 1)
    mean, scale = flat.mean(0), flat.std(0).clamp_min(1e-3)
    x = ((seen - mean) / scale).clamp(-6, 6)
    held = torch.zeros(len(x), len(CLASSES))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(a.seed))
    for fold in range(4):
        left = torch.zeros(len(x), dtype=torch.bool)
        left[order[fold::4]] = True
        weight, bias = fit(x[~left], known[~left], a.steps, a.seed)
        held[left] = x[left, 0] @ weight + bias
    weight, bias = fit(x, known, a.steps, a.seed)
    a.out.mkdir(parents=True, exist_ok=True)
    path = a.out / "model.safetensors"
    save_file({"mean": mean, "scale": scale, "weight": weight, "bias": bias}, path)
    path.chmod(0o644)
    pinned.pin(a.out.name, a.out.parent)
    told = known >= 0
    loss = functional.binary_cross_entropy_with_logits(held, known.clamp_min(0), reduction="none")[told].mean()
    auc = {name: round(ranked(held[:, i], known[:, i]), 3) for i, name in enumerate(CLASSES)}
    print(json.dumps({"photos": len(x), "held_out_loss": round(float(loss), 4), "held_out_auc": auc}))


if __name__ == "__main__":
    main()
