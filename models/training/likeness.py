"""Fit the shifts of `models.likeness`: ``python -m models.training.likeness PHOTOS [--labels DIR] [--names FILE]``.

Photos are rendered in drawn styles (`draw`), a handful of photos each. From every ordered pair of them, a photo as it is and
another one in the style, the shift of the first is to be told. A ridge regression does it in closed form; its strength is
chosen on styles and photos that it has not seen.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.attributes import Float, ruler
from models.develop import direct, region_ops, tone_zones
from models.likeness import SHIFTS, design, traits
from models.mask import SoftMask, fit, guide
from models.pinned import FOLDER, pin
from models.reference import MATCHED, TRAITS
from models.regions import tonal
from models.render import Layer, render
from models.segmentation import CLASSES
from models.vocabulary import MAP_ATTRIBUTES, MIXER_ATTRIBUTES

#: region → attribute → value
Style = Mapping[str, Mapping[str, float]]

EDGE: Final = 96
#: Photos that are rendered in one style.
TOGETHER: Final = 8
_SPREAD: Final = {
    "brightness": 0.22, "contrast": 0.25, "highlights": 0.25, "shadows": 0.3, "temperature": 0.28, "tint": 0.13,
    "saturation": 0.3,
}  # fmt: skip


def draw(rng: np.random.Generator) -> Style:
    """A style as photographers' presets are: tone and colour of the whole, often split toning, fading, single colours,
    black and white, or something for one region; from hardly visible to strong."""
    strength = float(np.clip(np.exp(rng.normal(-0.1, 0.5)), 0.25, 2.2))

    def some(spreads: Mapping[str, float], share: float) -> dict[str, float]:
        drawn = {n: strength * s * rng.standard_normal() for n, s in spreads.items() if rng.random() < share}
        return {n: round(float(np.clip(v, -0.9, 0.9)), 4) for n, v in drawn.items()}

    style: dict[str, dict[str, float]] = {"global": some(_SPREAD, 0.75)}
    if rng.random() < 0.35:
        style["global"] |= {"blacks": float(np.clip(abs(rng.normal(0, 0.4)), 0, 1)), "whites": rng.uniform(-0.5, 0.2)}
    if rng.random() < 0.3:
        style["global"] |= some(dict.fromkeys(MIXER_ATTRIBUTES, 0.4), 0.3)
    if rng.random() < 0.07:
        style["global"] |= {"black_and_white": 1.0}
    if rng.random() < 0.4:
        hue, size = rng.uniform(0, 2 * np.pi), strength * rng.uniform(0.1, 0.4)
        for region, turn in (("shadows", 0.0), ("highlights", np.pi + rng.normal(0, 0.6))):
            style[region] = {
                "temperature": float(size * np.sin(hue + turn)), "tint": float(0.6 * size * np.cos(hue + turn))
            }  # fmt: skip
    if rng.random() < 0.3:
        region = MATCHED[rng.integers(len(MATCHED))]
        style[region] = some(dict.fromkeys(("brightness", "contrast", "temperature", "tint", "saturation"), 0.22), 0.6)
    return style


def styled(rgb: Float, style: Style, masks: Mapping[str, SoftMask]) -> Float:
    """A photo (h, w, 3) in [0, 1] in a style, as a preset does it: the same develop parameters whatever it shows."""
    luma = guide(rgb)
    layers = []
    for region, values in style.items():
        mask = masks.get(region)
        if region != "global" and mask is None:
            continue
        by = ruler(rgb, np.ones(luma.shape, np.float32) if mask is None else mask.render(luma))
        if by is not None:
            wanted = {n: v for n, v in values.items() if n in MAP_ATTRIBUTES}
            layers.append(Layer(region_ops(values, direct(wanted), tone_zones(rgb, by)), mask))
    deep = np.asarray(rgb * 65535 + np.float32(0.5), np.uint16)
    return render(deep, layers).astype(np.float32) / np.float32(65535)


def load(photos: Path, labels: Path | None, names: set[str] | None) -> list[tuple[Float, dict[str, SoftMask]]]:
    """Photos at EDGE pixels with the masks of their tonal and labelled regions."""
    out = []
    for path in sorted(photos.iterdir()):
        if names is not None and path.name not in names:
            continue
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            continue
        scale = EDGE / max(image.shape[:2])
        size = (max(16, round(image.shape[1] * scale)), max(16, round(image.shape[0] * scale)))
        rgb = cv2.resize(image, size, interpolation=cv2.INTER_AREA)[..., ::-1].astype(np.float32) / np.float32(255)
        luma = guide(rgb)
        masks = dict(tonal(luma))
        label = labels / f"{path.stem}.png" if labels else None
        index = cv2.imread(str(label), cv2.IMREAD_UNCHANGED) if label is not None and label.exists() else None
        if index is not None:
            people = ("person", "skin", "hair", "clothing")
            for name in MATCHED:
                inside = np.isin(index, [1 + CLASSES.index(n) for n in (people if name == "person" else (name,))])
                if inside.mean() > 0.01:
                    plane = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
                    masks[name] = fit(luma, np.asarray(plane, np.float32), 2, 1e-3)
        out.append((np.ascontiguousarray(rgb), masks))
    return out


def seen_in(rgb: Float, on: Float, masks: Mapping[str, SoftMask]) -> dict[str, NDArray[np.float64]]:
    """Traits of every region of `rgb`, with rulers fixed on `on`: the photo before its edit, or the same picture."""
    luma = guide(on)
    weights = {"global": np.ones(luma.shape, np.float32), **{n: m.render(luma) for n, m in masks.items()}}
    return {n: traits(rgb, by) for n, w in weights.items() if (by := ruler(on, w)) is not None}


Rows = dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]]


def triplets(photos: list[tuple[Float, dict[str, SoftMask]]], styles: int, seed: int) -> Rows:
    """region → (traits of the styled reference, of the photo, shift of the photo), the first two with the whole's beside."""
    rng = np.random.default_rng(seed)
    rich = [p for p in photos if any(n in MATCHED for n in p[1])]
    rows: Rows = {}
    for _ in range(styles):
        style = draw(rng)
        chosen = [photos[i] for i in rng.integers(len(photos), size=TOGETHER - 4)]
        chosen += [rich[i] for i in rng.integers(len(rich), size=4)] if rich else []
        plain, shifts, shown = [], [], []
        for rgb, masks in chosen:
            after = styled(rgb, style, masks)
            before, moved = seen_in(rgb, rgb, masks), seen_in(after, rgb, masks)
            plain.append(before)
            shifts.append({n: moved[n][:SHIFTS] - before[n][:SHIFTS] for n in before})
            shown.append(seen_in(after, after, {**masks, **tonal(guide(after))}))
        for i in range(len(chosen)):
            for j in range(len(chosen)):
                for name in plain[i].keys() & shown[j].keys() if i != j else ():
                    reference = np.concatenate([shown[j]["global"], shown[j][name]])
                    photo = np.concatenate([plain[i]["global"], plain[i][name]])
                    rows.setdefault(name, []).append((reference, photo, shifts[i][name]))
    return rows


def regression(x: NDArray[np.float64], y: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    """Coefficients (features + 1, outputs) of a ridge regression; the last row is the constant. `ridge`: share of the rows."""
    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = (x - mean) / scale
    w = np.linalg.solve(z.T @ z + ridge * len(z) * np.eye(z.shape[1]), z.T @ (y - y.mean(0))) / scale[:, None]
    return np.vstack([w, y.mean(0) - mean @ w])


def ordinary(photos: list[tuple[Float, dict[str, SoftMask]]]) -> dict[str, NDArray[np.float64]]:
    """Mean traits of every region of ordinary photos."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for rgb, masks in photos:
        for name, values in seen_in(rgb, rgb, masks).items():
            found.setdefault(name, []).append(values)
    return {f"ordinary.{name}": np.mean(values, axis=0) for name, values in found.items()}


def tables(rows: Rows, usual: Mapping[str, NDArray[np.float64]]) -> dict[str, tuple[NDArray[np.float64], ...]]:
    """Inputs and outputs of the regressions: `global`, the tones, and all matched regions together."""
    out: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
    for name, found in rows.items():
        reference, photo, shift = (np.array(column) for column in zip(*found, strict=True))
        n = len(TRAITS)
        x = design(name, reference[:, :n], reference[:, n:], photo[:, :n], photo[:, n:], usual)
        out.setdefault("matched" if name in MATCHED else name, []).append((x, shift))
    return {key: tuple(np.concatenate(part) for part in zip(*parts, strict=True)) for key, parts in out.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.likeness", description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument(
        "--labels", type=Path, help="label maps by the names of the photos, as for models.training.segmenter"
    )
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument("--styles", type=int, default=300)
    parser.add_argument("--ridge", type=float, default=0.3)
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder that gets `likeness/`")
    args = parser.parse_args()
    names = set(args.names.read_text().split("\n")) if args.names else None
    photos = load(args.photos, args.labels, names)
    order = np.random.default_rng(0).permutation(len(photos))
    held, used = [photos[i] for i in order[: len(photos) // 8]], [photos[i] for i in order[len(photos) // 8 :]]
    usual = ordinary(used)
    seen, unseen = (
        tables(triplets(p, n, s), usual) for p, n, s in ((used, args.styles, 1), (held, args.styles // 6, 2))
    )
    fitted = {key: regression(x, y, args.ridge) for key, (x, y) in seen.items()}
    for key, (x, y) in unseen.items():
        error = y - x @ fitted[key][:-1] - fitted[key][-1]
        print(key, len(seen[key][0]), "explained", np.round(1 - (error**2).mean(0) / (y**2).mean(0), 2))
    (args.out / "likeness").mkdir(parents=True, exist_ok=True)
    tensors = {name: np.ascontiguousarray(v, np.float32) for name, v in {**usual, **fitted}.items()}
    save_file(tensors, args.out / "likeness" / "model.safetensors")
    pin("likeness", args.out)


if __name__ == "__main__":
    main()
