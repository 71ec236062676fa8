"""Train the scene encoder's two linear maps: `python -m models.training.scene DATA --out FOLDER`.

Several views of every photo (exposure, cast, contrast, crop, mirror) go through the frozen networks once; what they saw
is kept in `FOLDER/views.safetensors`, so that a second run takes a minute. The embedding map is trained so that views
of one photo are each other's nearest (InfoNCE) and photos that share tags lie nearer than others, the more they share and
most if it is what one of them is of (supervised contrast; Khosla et al. 2020); the tag map by logistic regression. DATA
holds `train_photos/` and the label folders with their `tags.json`; photos without are described in `by_eye.txt`.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from models import pinned
from models.scene_encoder import TAGS, light_vector, seen_vector
from models.segmenter import READ_AT, segment
from models.training import by_eye
from models.training.segmenter import spoil

FloatImage = NDArray[np.float32]

VIEWS: Final = 3
SIZE: Final = 128

#: Share of the numbers hidden in training, the weight of "of one kind" against "the same photo", the temperatures of
#: both, and what the main tag weighs beside all tags; chosen by four-fold cross-validation on the tagged training photos.
HIDDEN, KIND, SHARP, SOFT, MAIN = 0.5, 3.0, 0.08, 0.3, 2.0

#: Other words for a tag, and what a tag implies.
SAME: Final = {
    "mountains": "mountain", "hills": "mountain", "animals": "animal", "birds": "wildlife", "bird": "animal",
    "bear": "wildlife", "savanna": "wildlife", "tiger": "wildlife", "lion": "wildlife", "flowers": "flower",
    "winter": "snow", "polar": "snow", "skiing": "snow", "coast": "sea", "water": "sea", "river": "lake",
    "waterfall": "lake", "building": "architecture", "church": "architecture", "temple": "architecture",
    "ruins": "architecture", "landmark": "architecture", "bridge": "architecture", "ruin": "architecture",
    "sports": "sport", "baseball": "sport", "tennis": "sport", "dog": "animal", "cat": "animal", "insect": "macro",
    "village": "city", "aerial": "city", "kitchen": "indoor", "office": "indoor", "bedroom": "indoor",
    "bathroom": "indoor", "studio": "portrait", "clouds": "sky", "countryside": "landscape", "fields": "meadow",
    "grass": "meadow", "grassland": "meadow", "park": "garden", "boat": "vehicle", "train": "vehicle", "drink": "food",
    "child": "people", "crowd": "people", "fashion": "people", "horses": "animal", "farm": "landscape",
}  # fmt: skip

#: Tags that a whole source of photos has.
SOURCES: Final = {
    "ccp": ("people", "street"),
    "facade": ("architecture", "city"),
    "feedme": ("food",),
    "tfflowers": ("flower",),
}


def listed_photos(data: Path, most: int) -> list[tuple[Path, tuple[str, ...]]]:
    """Photos to learn from with their tags, the main one first (empty: unknown). All tagged ones, the rest up to `most`."""
    tagged: dict[str, Sequence[str]] = dict(by_eye.tags())
    for folder, prefix in (("train_labels_bsds", "bsds500_"), ("train_labels_permissive", "")):
        path = data / folder / "tags.json"
        if path.exists():
            tagged |= {prefix + stem: tags for stem, tags in json.loads(path.read_text("utf-8")).items()}
    photos = sorted((data / "train_photos").glob("*.jpg"))
    photos += [p for kind in ("ccp", "facade") for p in sorted((data / "train_labels").glob(f"{kind}_*.jpg"))[:80]]
    first: list[tuple[Path, tuple[str, ...]]] = []
    rest: list[tuple[Path, tuple[str, ...]]] = []
    for photo in photos:
        said = tagged.get(photo.stem, [])
        # In their order: the first is the main tag; other words for a tag come with the word itself.
        words = [word for t in said for word in (SAME.get(t, t), t)] + list(SOURCES.get(photo.stem.split("_")[0], ()))
        known = tuple(t for t in dict.fromkeys(words) if t in TAGS)
        (first if said else rest).append((photo, known))
    order = np.random.default_rng(0).permutation(len(rest))
    return first + [rest[i] for i in order[: max(0, most - len(first))]]


def views_of(path: Path, number: int) -> list[FloatImage] | None:
    """The photo (384 pixels long) and `VIEWS` - 1 takes of it, drawn from `number`; None if it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        return None
    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    scale = min(1.0, 384 / max(rgb.shape[:2]))
    rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(number)
    found: list[FloatImage] = [np.ascontiguousarray(rgb)]
    for view in range(1, VIEWS):
        h, w = rgb.shape[:2]
        share = rng.uniform(0.75, 1)
        y, x = int(rng.uniform(0, 1 - share) * h), int(rng.uniform(0, 1 - share) * w)
        one = rgb[y : y + int(h * share), x : x + int(w * share)]
        one = one[:, ::-1] if rng.random() < 0.3 else one
        batch = torch.from_numpy(np.ascontiguousarray(one)).permute(2, 0, 1)[None]
        found.append(np.ascontiguousarray(spoil(batch, number * 10 + view)[0].permute(1, 2, 0).numpy()))
    return found


def look_at(data: Path, most: int) -> dict[str, Tensor]:
    """Views of the photos as the networks see them.

    `seen` (n, VIEWS, 1110), `light` (n, VIEWS, 15), `tags` (n, T): 1 for a tag, 2 for the main one.
    """
    photos = listed_photos(data, most)
    seen, light, tags = [], [], []
    began = time.monotonic()
    for number, (path, known) in enumerate(photos):
        views = views_of(path, number)
        if views is None:
            continue
        seen.append(np.stack([seen_vector(segment(view, READ_AT[:1])) for view in views]))
        light.append(np.stack([light_vector(view) for view in views]))
        tags.append([float(t in known) + float(known[:1] == (t,)) for t in TAGS])
        if (number + 1) % 100 == 0:
            pace = (time.monotonic() - began) / (number + 1)
            print(
                f"{number + 1}/{len(photos)} photos, {pace * (len(photos) - number - 1) / 60:.1f} min left", flush=True
            )
    return {
        "seen": torch.from_numpy(np.stack(seen)), "light": torch.from_numpy(np.stack(light)),
        "tags": torch.tensor(tags),
    }  # fmt: skip


def kinship(tags: Tensor) -> Tensor:
    """How much photos with `tags` (n, T; 1 for a tag, 2 for the main one) have in common, (n, n), 0 with themselves.

    The cosine of their tags, the rare ones weighing more, and `MAIN` where the main tag of one is among the other's.
    """
    has = (tags > 0).float()
    rare = functional.normalize(has / has.sum(0).clamp_min(5).sqrt(), dim=1)
    main = (tags == 2).float() @ has.T
    near = MAIN * (main + main.T) / 2 + rare @ rare.T
    return near.fill_diagonal_(0)


def train_embedding(x: Tensor, tags: Tensor, steps: int, seed: int) -> Tensor:
    """The map (1110, SIZE) from standardised views (n, VIEWS, 1110)."""
    g = torch.Generator().manual_seed(seed)
    n, views, width = x.shape
    # Principal axes are a good start: they keep the distances there are.
    _, _, axes = torch.linalg.svd(x[:, 0] - x[:, 0].mean(0), full_matrices=False)
    weight = (axes[:SIZE].T.contiguous() / width**0.5).requires_grad_()
    optimiser = torch.optim.AdamW([weight], lr=2e-3, weight_decay=0.02)
    near = kinship(tags)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 2e-3 * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-5
        rows = torch.randperm(n, generator=g)[:256]
        one, two = (torch.randint(views, (len(rows),), generator=g) for _ in range(2))
        # Half of what was seen is hidden, so that no single number tells the kind.
        shown = x[rows, one] * (torch.rand(len(rows), width, generator=g) > HIDDEN)
        a = functional.normalize((shown + 0.1 * torch.randn(len(rows), width, generator=g)) @ weight, dim=1)
        b = functional.normalize(x[rows, two] @ weight, dim=1)
        cosine = a @ b.T
        same = functional.cross_entropy(cosine / SHARP, torch.arange(len(rows)))
        wanted = near[rows][:, rows] ** 2
        known = wanted.sum(1) > 0
        # Nothing is said of photos without tags: neither near nor far.
        told = (tags[rows].sum(1) > 0) & ~torch.eye(len(rows), dtype=torch.bool)
        log_p = functional.log_softmax((cosine / SOFT).masked_fill(~told, -1e4), 1)
        target = wanted / wanted.sum(1, keepdim=True).clamp_min(1e-6)
        kind = -(target * log_p)[known].sum(1).mean()
        loss = same + KIND * kind
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return weight.detach()


def train_tags(x: Tensor, tags: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Weights (1125, T) and bias (T,) of the logistic regression, on the tagged photos alone."""
    rows = tags.sum(1) > 0
    inputs = x[rows].flatten(0, 1)
    wanted = (tags[rows] > 0).float().repeat_interleave(x.shape[1], 0)
    weight = torch.zeros(inputs.shape[1], tags.shape[1], requires_grad=True)
    bias = torch.full((tags.shape[1],), -3.0, requires_grad=True)
    optimiser = torch.optim.AdamW(
        [{"params": [weight], "weight_decay": 0.5}, {"params": [bias], "weight_decay": 0}], lr=3e-3
    )
    boost = ((wanted.shape[0] - wanted.sum(0)) / wanted.sum(0).clamp_min(1)).clamp(1, 12).sqrt()
    for _ in range(steps):
        loss = functional.binary_cross_entropy_with_logits(inputs @ weight + bias, wanted, pos_weight=boost)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return weight.detach(), bias.detach()


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `python -m models.training.scene`."""
    parser = argparse.ArgumentParser(prog="python -m models.training.scene", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with train_photos/ and the label folders")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args(arguments)
    a.out.mkdir(parents=True, exist_ok=True)
    kept = a.out / "views.safetensors"
    if not kept.exists():
        save_file({k: v.contiguous() for k, v in look_at(a.data, a.photos).items()}, kept)
    views = load_file(kept)
    flat = views["seen"].flatten(0, 1)
    mean, scale = flat.mean(0), flat.std(0).clamp_min(1e-3)
    x = ((views["seen"] - mean) / scale).clamp(-6, 6)
    embed = train_embedding(x, views["tags"], a.steps, a.seed)
    weight, bias = train_tags(torch.cat([x, views["light"]], 2), views["tags"], 600)
    path = a.out / "model.safetensors"
    save_file({"mean": mean, "scale": scale, "embed": embed.contiguous(), "tags": weight, "bias": bias}, path)
    path.chmod(0o644)
    pinned.pin(a.out.name, a.out.parent)
    first, second = (functional.normalize(x[:, i] @ embed, dim=1) for i in (0, 1))
    hit = (second @ first.T).argmax(1) == torch.arange(len(x))
    print(json.dumps({"photos": len(x), "train_same_photo_nearest": round(float(hit.float().mean()), 4)}))


if __name__ == "__main__":
    main()
