"""Train the segmenter on partly labelled photos: `python -m models.training.segmenter DATA --out FOLDER`.

DATA holds `train_photos/`, `train_labels/`, `train_labels_bsds/`, `train_labels_permissive/`; any of the label folders
may be absent. Every pixel carries the *set* of classes it may show, as a bit mask: one class where a person labelled
it, several where the set does not tell them apart (a BSDS person may be skin, hair or clothing), all where nothing is
known. The loss is the negative log of the probability that falls into the set (Cour, Sapp and Taskar, "Learning from
Partial Labels", JMLR 2011), so a class that a set does not annotate is not a negative there.

The body begins with ImageNet's weights (`models.training.imagenet`). What it knew there it keeps: on every batch the
frozen ImageNet classifier on top of it must still say of the changed photo what the published network says of the
unchanged one (Li and Hoiem, "Learning without Forgetting", 2016). Photos without labels teach as well: where the running
mean of the weights is sure of an unchanged photo, its word is the label of the changed one (Sohn et al., "FixMatch",
2020; the mean as teacher: Tarvainen and Valpola 2017).

`--finish WEIGHTS` is the second phase: the body stays as it is in WEIGHTS (what is built on its features stays valid), the
decoder learns on, and every class weighs the same, so that rare classes are no longer seen where they are not.
`--resume-from WEIGHTS` trains body and decoder on from WEIGHTS in that same way; `--average` takes the mean of two such phases.

An interrupted run goes on from `FOLDER/state.safetensors` when the same command is given again.
"""

import argparse
import copy
import json
import math
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from models import pinned
from models.backbone import Backbone
from models.segmentation import CLASSES, PERSON_PARTS
from models.segmenter import Segmenter
from models.training import by_eye, imagenet

Bits = NDArray[np.uint16]

CACHE_EDGE: Final = 448

#: Loss weight of a pixel that may show several classes, and the share of the photos that are left as they are.
SEVERAL, UNSPOILT = 0.35, 0.4

#: The state is saved every so many steps.
SAVE_EVERY = 200
BIT: Final = {name: 1 << i for i, name in enumerate(CLASSES)}
ANY: Final = (1 << len(CLASSES)) - 1
PERSON: Final = sum(BIT[name] for name in PERSON_PARTS)

#: How often each set is drawn.
SHARES: Final = {
    "permissive": 0.3, "seen": 0.35, "bsds": 0.1, "ccp": 0.1, "facade": 0.14, "food": 0.02, "unlabelled": 0.01,
}  # fmt: skip

#: From this share of the steps on photos without labels teach, where the teacher is at least this sure, if it sees what
#: the photo is known to show at least so much.
TEACH_FROM, SURE, SEES = 0.3, 0.9, 0.25

#: Weight of what is kept of ImageNet, and how much slower the body learns than the decoder.
KEEP, SLOWER = 0.5, 0.2

#: A photo is drawn more often the rarer its rarest class is: by 1 / sqrt(share of the set's photos that show it), to this
#: many times (repeat factors; Gupta, Dollár and Girshick 2019).
MOST_REPEATS: Final = 4.0

#: CCP class numbers that are neither clothing, skin nor hair.
CCP_HAIR, CCP_SKIN, CCP_WORN, CCP_CARRIED = 19, 41, (5, 9, 15, 17, 29, 34, 47, 57), (1, 2, 33, 56)

#: Loss weight of the classes that are rare in the labels.
RARE: Final = {"water": 1.5, "mountain": 1.7, "animal": 1.5, "vehicle": 2.0, "food": 2.0, "person": 1.5, "hair": 1.3}


def ccp_bits() -> Bits:
    """CCP label -> classes. What is not worn, skin or hair lies behind the person and is none of these."""
    table = np.full(256, BIT["clothing"], np.uint16)
    table[0] = ANY & ~PERSON
    table[CCP_HAIR], table[CCP_SKIN] = BIT["hair"], BIT["skin"]
    table[list(CCP_WORN)] = BIT["person"] | BIT["clothing"]
    table[list(CCP_CARRIED)] = BIT["person"] | BIT["clothing"] | BIT["other"]
    return table


def facade_bits() -> Bits:
    """Facade label -> classes; `various` is anything but what the set annotates."""
    known = [ANY, "building", "vehicle", "building", "ground", "ground", "sky", "vegetation", "building"]
    table = np.array([BIT[k] if isinstance(k, str) else k for k in known], np.uint16)
    table[0] = ANY & ~np.bitwise_or.reduce(table[1:])
    return np.concatenate([table, np.full(256 - len(table), ANY, np.uint16)])


def index_bits(names: tuple[str, ...]) -> Bits:
    """Index map (0 unlabelled, then `names`) -> classes."""
    return np.array([ANY, *(BIT[name] for name in names)] + [ANY] * (255 - len(names)), np.uint16)


def bsds_bits() -> Bits:
    """BSDS label -> classes; a person there is skin, hair and clothing in one."""
    table = index_bits((*CLASSES[:7], "animal", "vehicle", "food", "other"))
    table[7] = PERSON
    return table


@dataclass(frozen=True, eq=False)
class Example:
    """A photo (h, w, 3) uint8 RGB and its class sets (h, w) uint16, long edge at most `CACHE_EDGE`."""

    photo: NDArray[np.uint8]
    bits: Bits


def example(photo: Path, label: Path | None, table: Bits) -> Example | None:
    """Read and shrink one example; without a label every pixel may be anything. None if a file is missing."""
    image = cv2.imread(str(photo), cv2.IMREAD_COLOR)
    index = None if label is None else cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
    if image is None or (label is not None and index is None):
        return None
    scale = min(1.0, CACHE_EDGE / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    small = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    if index is None:
        return Example(small, np.full(small.shape[:2], ANY, np.uint16))
    return Example(small, table[cv2.resize(index, size, interpolation=cv2.INTER_NEAREST)])


def also_seen(one: Example, index: NDArray[np.uint8] | None, shown: int) -> Example:
    """`one` with what was seen by eye: an index map, and the set of all classes that the photo shows.

    Where a pixel was labelled before, that is what narrows it; a contradiction leaves it as it was.
    """
    if index is None:
        said = np.full(one.bits.shape, shown, np.uint16)
    else:
        table = index_bits(CLASSES)
        table[0] = shown
        said = table[cv2.resize(index, one.bits.shape[::-1], interpolation=cv2.INTER_NEAREST)]
    both = one.bits & said
    return Example(one.photo, np.where(both > 0, both, one.bits).astype(np.uint16))


def food_bits(bits: Bits) -> Bits:
    """A weak label for a photo of a dish: food in the middle, nothing of the open air around it."""
    height, width = bits.shape
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    outdoors = BIT["sky"] | BIT["water"] | BIT["mountain"] | BIT["animal"] | BIT["vehicle"]
    return np.where(x * x + y * y < 0.08, BIT["food"], ANY & ~outdoors).astype(np.uint16)


def shown_bits(names: tuple[str, ...]) -> int:
    """The set of classes that a photo shows of which only that is known; `person` is all of a person."""
    return int(np.bitwise_or.reduce([PERSON if name == "person" else BIT[name] for name in names]))


def read_sets(data: Path) -> dict[str, list[Example]]:
    """All labelled examples under `data`, by set. Sets that are not there are left out."""
    photos = data / "train_photos"
    jobs: list[tuple[str, Path, Path | None, Bits]] = []
    for kind, table in (("ccp", ccp_bits()), ("facade", facade_bits())):
        for label in sorted((data / "train_labels").glob(f"*_{kind}.png")):
            jobs.append((kind, label.with_name(label.name.removesuffix(f"_{kind}.png") + ".jpg"), label, table))
    for label in sorted((data / "train_labels_bsds").glob("*.png")):
        jobs.append(("bsds", photos / f"bsds500_{label.stem}.jpg", label, bsds_bits()))
    for label in sorted((data / "train_labels_permissive").glob("*.png")):
        jobs.append(("permissive", photos / f"{label.stem}.jpg", label, index_bits(CLASSES)))
    for photo in sorted(photos.glob("feedme_*.jpg")):
        jobs.append(("food", photo, None, index_bits(CLASSES)))
    maps, shows = by_eye.maps(), by_eye.shows()
    known = {picture for _, picture, _, _ in jobs}
    for photo in sorted(photos.glob("*.jpg")):
        if photo not in known:
            jobs.append(("seen" if photo.stem in maps else "unlabelled", photo, None, index_bits(CLASSES)))
    sets: dict[str, list[Example]] = {}
    for kind, picture, index, table in jobs:
        found = example(picture, index, table)
        if found is None:
            continue
        if kind == "food" and picture.stem not in maps:
            found = Example(found.photo, food_bits(found.bits))
        if picture.stem in maps or picture.stem in shows:
            shown = shown_bits(shows[picture.stem]) if picture.stem in shows else ANY
            found = also_seen(found, maps.get(picture.stem), shown)
        sets.setdefault(kind, []).append(found)
    return sets


def repeats(pool: list[Example]) -> NDArray[np.float64]:
    """How often each photo of a set is drawn (sums to 1)."""

    def much(one: Example, name: str) -> bool:
        return bool((one.bits[::4, ::4] == BIT[name]).sum() > 40)

    shows = np.array([[much(one, name) for name in CLASSES] for one in pool])
    often = np.sqrt(1 / np.maximum(shows.mean(axis=0), 1e-6))
    factor = np.clip(np.where(shows, often, 1).max(axis=1), 1, MOST_REPEATS)
    return np.asarray(factor / factor.sum(), np.float64)


def crop(one: Example, size: int, rng: np.random.Generator) -> Example:
    """A random square view: place, scale, aspect, small rotation, mirror. Outside the photo nothing is known."""
    height, width = one.photo.shape[:2]
    side = float(np.exp(rng.uniform(math.log(0.55), math.log(1.1)))) * max(height, width)
    aspect = float(np.exp(rng.normal(0, 0.1)))
    angle = math.radians(float(rng.normal(0, 3)))
    sx, sy = size / side * aspect, size / side / aspect
    turn = np.array([[math.cos(angle) * sx, -math.sin(angle) * sx], [math.sin(angle) * sy, math.cos(angle) * sy]])
    if rng.random() < 0.5:
        turn[0] *= -1
    margin = max(0.0, 0.5 - side / 2 / width), max(0.0, 0.5 - side / 2 / height)
    at = 0.5 + rng.uniform(-1, 1, 2) * (np.array(margin) + 0.05)
    centre = at * (width, height)
    matrix = np.hstack([turn, (np.array([size / 2, size / 2]) - turn @ centre)[:, None]])
    flags = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    photo = cv2.warpAffine(one.photo, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    bits = cv2.warpAffine(
        one.bits, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=float(ANY)
    )
    return Example(np.asarray(photo, np.uint8), np.asarray(bits, np.uint16))


def paste(person: Example, place: Example) -> Example:
    """Put the person of a CCP photo in front of another place."""
    inside = np.isin(person.bits, [BIT["skin"], BIT["hair"], BIT["clothing"], BIT["person"] | BIT["clothing"]])
    inside |= person.bits == (BIT["person"] | BIT["clothing"] | BIT["other"])
    alpha = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0)[..., None]
    photo = person.photo * alpha + place.photo * (1 - alpha)
    return Example(photo.astype(np.uint8), np.where(inside, person.bits, place.bits).astype(np.uint16))


def spoil(x: Tensor, seed: int) -> Tensor:
    """Change exposure, cast, contrast, saturation, haze, blur and noise of a batch (B, 3, h, w) in [0, 1]."""
    g = torch.Generator().manual_seed(seed)
    n = len(x)

    def draw(mean: float, std: float, low: float, high: float) -> Tensor:
        return (torch.randn(n, 1, 1, 1, generator=g) * std + mean).clamp(low, high)

    def sometimes(share: float) -> Tensor:
        return (torch.rand(n, 1, 1, 1, generator=g) < share).float()

    # A power of about 1 / 2.2 turns a gain in linear light into one on the encoded values.
    gain = 2.0 ** (draw(0, 0.7, -2, 1.5) / 2.2)
    cast = (torch.randn(n, 3, 1, 1, generator=g) * 0.1).clamp(-0.3, 0.3).exp()
    whole = x
    x = (x * gain * cast).clamp(1e-4, 1) ** draw(0, 0.2, -0.5, 0.5).exp()
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * draw(1, 0.2, 0.5, 1.5)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * draw(1, 0.3, 0, 1.7) * (1 - sometimes(0.06))
    haze = sometimes(0.15) * draw(0.25, 0.15, 0, 0.5)
    x = x * (1 - haze) + haze * 0.8
    blurred = functional.avg_pool2d(x, 3, 1, 1)
    soft = sometimes(0.2)
    x = x * (1 - soft) + blurred * soft
    x = (x + torch.randn(x.shape, generator=g) * draw(0.005, 0.015, 0, 0.06)).clamp(0, 1)
    return torch.where(sometimes(UNSPOILT) > 0, whole, x)


def batch(
    sets: dict[str, list[Example]], odds: dict[str, NDArray[np.float64]], size: int, count: int, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """A batch drawn from `seed` alone: photos changed and unchanged (B, 3, size, size), class sets (B, size/2, size/2)."""
    rng = np.random.default_rng(seed)
    kinds = sorted(sets)
    shares = np.array([SHARES[kind] for kind in kinds])
    rows: list[Example] = []
    for kind in rng.choice(kinds, count, p=shares / shares.sum()):
        pool = sets[str(kind)]
        one = crop(pool[int(rng.choice(len(pool), p=odds[str(kind)]))], size, rng)
        if kind in ("permissive", "seen", "bsds", "facade") and "ccp" in sets and rng.random() < 0.12:
            one = paste(crop(sets["ccp"][int(rng.integers(len(sets["ccp"])))], size, rng), one)
        rows.append(one)
    photos = torch.from_numpy(np.stack([r.photo for r in rows])).permute(0, 3, 1, 2).float() / 255
    bits = torch.from_numpy(np.stack([r.bits[::2, ::2] for r in rows]).astype(np.int32))
    return spoil(photos, seed), photos, bits


@torch.no_grad()
def taught(teacher: Segmenter, photos: Tensor, bits: Tensor) -> Tensor:
    """`bits` (B, h, w) with the teacher's word for photos (B, 3, 2h, 2w) of which no pixel is known, where it is sure.

    Of the classes that a pixel may show it says which; where it is not sure, the pixel still shows one of them.
    """
    blank = (bits & (bits - 1) != 0).flatten(1).all(1).nonzero().flatten()
    if len(blank) == 0:
        return bits
    logits, _ = teacher(photos[blank])
    p = functional.interpolate(logits.float(), scale_factor=2.0, mode="bilinear", align_corners=False).softmax(1)
    p = p * (bits[blank][:, None] >> torch.arange(p.shape[1]).view(1, -1, 1, 1) & 1)
    best, which = p.max(1)
    mass = p.sum(1)
    bits = bits.clone()
    sure = (best > SURE * mass) & (mass > SEES)
    bits[blank] = torch.where(sure, (1 << which).to(bits.dtype), bits[blank])
    return bits


def partial_loss(logits: Tensor, bits: Tensor, rare: dict[str, float] | None = None) -> Tensor:
    """Mean over the labelled pixels of -log P(allowed set), plus half a soft Dice loss over the certain pixels.

    `rare`: class to its loss weight where that is not 1; by default `RARE`.
    `logits` (B, C, h, w) float, `bits` (B, h, w) int. Zero when the network puts all mass on allowed classes.
    """
    planes = torch.arange(logits.shape[1], device=bits.device).view(1, -1, 1, 1)
    allowed = (bits[:, None] >> planes & 1).bool()
    log_p = functional.log_softmax(logits, 1)
    inside = log_p.masked_fill(~allowed, -1e4).logsumexp(1)
    size = allowed.sum(1)
    weights = torch.tensor([(RARE if rare is None else rare).get(name, 1.0) for name in CLASSES])
    single = (allowed & (size == 1)[:, None]).float()
    weight = (single * weights.view(1, -1, 1, 1)).sum(1) + SEVERAL * ((size > 1) & (size < logits.shape[1]))
    nll = -(inside * weight).sum() / weight.sum().clamp_min(1)
    certain = (single + (~allowed).float()) * (size < logits.shape[1])[:, None]
    p = log_p.exp() * certain
    overlap, total = (p * single).sum((0, 2, 3)), p.sum((0, 2, 3)) + single.sum((0, 2, 3))
    present = (single.sum((0, 2, 3)) > 50).float()
    dice = ((1 - 2 * overlap / total.clamp_min(1)) * present).sum() / present.sum().clamp_min(1)
    return nll + 0.5 * dice


def save_state(path: Path, step: int, net: Segmenter, mean: Segmenter, optimiser: torch.optim.AdamW) -> None:
    """Everything needed to go on, in one safetensors file, written atomically."""
    tensors = {f"net.{k}": v.contiguous() for k, v in net.state_dict().items()}
    tensors |= {f"mean.{k}": v.contiguous() for k, v in mean.state_dict().items()}
    for i, p in enumerate(net.parameters()):
        for key, value in optimiser.state.get(p, {}).items():
            tensors[f"adam.{i}.{key}"] = torch.as_tensor(value).clone().contiguous()
    part = path.with_suffix(".part")
    save_file(tensors, part, metadata={"step": str(step)})
    part.replace(path)


def load_state(path: Path, net: Segmenter, mean: Segmenter, optimiser: torch.optim.AdamW) -> int:
    """Restore what `save_state` wrote; returns the step."""
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    net.load_state_dict({k[4:]: v for k, v in tensors.items() if k.startswith("net.")})
    mean.load_state_dict({k[5:]: v for k, v in tensors.items() if k.startswith("mean.")})
    for i, p in enumerate(net.parameters()):
        found = {k.split(".", 2)[2]: v for k, v in tensors.items() if k.startswith(f"adam.{i}.")}
        if found:
            optimiser.state[p] = found
    return step


def export(mean: Segmenter, out: Path) -> None:
    """Write the averaged weights as float16 `model.safetensors`, with its `pin.json`."""
    half = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in mean.state_dict().items()}
    part = out / "model.part"
    save_file(half, part)
    part.chmod(0o644)
    part.replace(out / "model.safetensors")
    pinned.pin(out.name, out.parent)


def average(weights: list[Path], out: Path) -> None:
    """Write the mean of weights of one beginning, which is surer than each (model soups; Wortsman et al. 2022)."""
    loaded = [load_file(path) for path in weights]
    net = Segmenter()
    net.load_state_dict(
        {
            k: torch.stack([one[k].float() for one in loaded]).mean(0) if v.is_floating_point() else v
            for k, v in loaded[0].items()
        }
    )
    out.mkdir(parents=True, exist_ok=True)
    export(net, out)


class Keeper:
    """What ImageNet's network knew: the published body, and its classifier, which also listens to the body in training."""

    def __init__(self, body: Backbone, tensors: dict[str, Tensor]) -> None:
        self.before = copy.deepcopy(body).eval().requires_grad_(False)
        self.classifier = imagenet.Classifier(tensors).eval()

    def loss(self, changed: Tensor, clean: Tensor) -> Tensor:
        """KL divergence of what the stride-32 map `changed` says from what the published network says of `clean`."""
        with torch.autocast("cpu", torch.bfloat16):
            says = self.classifier(changed)
            with torch.no_grad():
                # What ImageNet's network says needs no detail.
                small = functional.interpolate(clean, size=(224, 224), mode="bilinear")
                known = self.classifier(self.before(small)[-1])
        return functional.kl_div(says.float().log_softmax(1), known.float().softmax(1), reduction="batchmean")


def train(
    data: Path,
    out: Path,
    steps: int,
    size: int,
    final_size: int,
    count: int,
    rate: float,
    seed: int,
    threads: int,
    finish: Path | None = None,
    onward: Path | None = None,
) -> None:
    """Train for `steps` batches of `count` squares, the last quarter of them at `final_size` pixels.

    `finish`: weights whose body is kept as it is, for the second phase; `onward`: weights to train on from as a whole.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    sets = read_sets(data)
    if not sets:
        raise SystemExit(f"No labelled photos under {data}; see the top of this file for what is looked for.")
    print("examples:", {kind: len(rows) for kind, rows in sets.items()}, flush=True)
    odds = {kind: repeats(pool) for kind, pool in sets.items()}
    net = Segmenter().train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    keeper: Keeper | None = None
    if finish is None:
        tensors = imagenet.published()
        imagenet.begin(net.body, tensors)
        keeper = Keeper(net.body, tensors)
    begun = finish or onward
    if begun is not None:
        net.load_state_dict({k: v.float() for k, v in load_file(begun).items()})
    net.body.requires_grad_(finish is None)
    mean = copy.deepcopy(net).eval().requires_grad_(False)
    slow = list(net.body.parameters())
    fast = [p for name, p in net.named_parameters() if not name.startswith("body.")]
    groups = [{"params": slow, "share": SLOWER}, {"params": fast, "share": 1.0}]
    optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=0.02)
    state = out / "state.safetensors"
    first = load_state(state, net, mean, optimiser) if state.exists() else 0
    ready: queue.Queue[tuple[Tensor, Tensor, Tensor]] = queue.Queue(4)

    def feed() -> None:
        for step in range(first, steps):
            side = final_size if step >= steps * 3 // 4 else size
            ready.put(batch(sets, odds, side, count, seed * 1_000_003 + step))

    threading.Thread(target=feed, daemon=True).start()
    began, shown, held = time.monotonic(), 0.0, 0.0
    for step in range(first, steps):
        photos, clean, bits = (
            x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in ready.get()
        )
        share = step / steps
        now = rate * min(1.0, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * share)) + rate * 0.005
        for group in optimiser.param_groups:
            group["lr"] = now * group["share"]
        with torch.autocast("cpu", torch.bfloat16):
            if share >= TEACH_FROM or begun is not None:
                bits = taught(mean, clean, bits)
            with torch.set_grad_enabled(finish is None):
                _, f4, f8, f16, f32 = net.body(photos)
            logits = net.decode(f4, f8, f16, f32)
            logits = functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
        kept = torch.zeros(()) if keeper is None else keeper.loss(f32, clean)
        fit = partial_loss(logits.float(), bits, None if begun is None else {})
        optimiser.zero_grad(set_to_none=True)
        (fit + KEEP * kept).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        decay = min(0.998, (step + 1) / (step + 20))
        with torch.no_grad():
            for old, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
                if old.is_floating_point():
                    old.lerp_(new, 1 - decay)
        smooth = 0.0 if step == first else 0.98
        shown = smooth * shown + (1 - smooth) * float(fit.detach())
        held = smooth * held + (1 - smooth) * float(kept.detach())
        if (step + 1) % 50 == 0 or step + 1 == steps:
            pace = (time.monotonic() - began) / (step + 1 - first)
            print(
                f"step {step + 1}/{steps}  loss {shown:.3f}  kept {held:.3f}  {pace:.2f} s/step  "
                f"{pace * (steps - step - 1) / 60:.1f} min left",
                flush=True,
            )
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            save_state(state, step + 1, net, mean, optimiser)
            export(mean, out)
    (out / "training.json").write_text(
        json.dumps({"steps": steps, "batch": count, "size": size, "final_size": final_size, "rate": rate, "seed": seed})
        + "\n",
        "utf-8",
    )


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `python -m models.training.segmenter`."""
    parser = argparse.ArgumentParser(prog="python -m models.training.segmenter", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with train_photos/ and the train_labels folders")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights and the state to resume from")
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--size", type=int, default=256, help="pixels of a training square, multiple of 32")
    parser.add_argument("--final-size", type=int, default=320, help="pixels in the last quarter of the steps")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--finish", type=Path, metavar="WEIGHTS", help="second phase: train the decoder alone, from these"
    )
    parser.add_argument(
        "--resume-from", type=Path, metavar="WEIGHTS", help="train body and decoder on from these, all classes alike"
    )
    parser.add_argument(
        "--average", type=Path, nargs="+", metavar="WEIGHTS", help="no training: the mean of these, of one beginning"
    )
    a = parser.parse_args(arguments)
    if a.average:
        return average(a.average, a.out)
    train(a.data, a.out, a.steps, a.size, a.final_size, a.batch, a.rate, a.seed, a.threads, a.finish, a.resume_from)


if __name__ == "__main__":
    main()
