"""A reference's look carried over, against the truth: photo A and photo B in the same style; A is to look like B.

usage: python -m tests.bench.reference DIR [--triplets 60] [--sheet OUT.png]. DIR holds photographs, or has them in
`dev_photos`, and pairs `*_in.png`, `*_gt.png` in itself or in `dev_pairs`. Styles: presets drawn from the develop model
(`models.training.likeness.draw`), and experts' (a quadratic colour transform fitted to a pair).
Methods: doing nothing, Reinhard et al. 2001, histogram matching,
Monge-Kantorovich (Pitié and Kokaram 2007), ours. Then skin under green, blue and red references, and time at 12 megapixels.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from skimage.color import deltaE_ciede2000
from skimage.exposure import match_histograms

from models.attributes import lab
from models.mask import SoftMask, guide
from models.training.likeness import draw, styled
from tests.bench.table import finish, interval, show
from tools.perceive import Seen, look, shrink
from tools.photo import Photo, open_photo
from tools.reference import carried, measured
from tools.retouch import render_full

Float = NDArray[np.float32]
EDGE = 384


def reinhard(source: Float, reference: Float) -> Float:
    """Mean and deviation of each CIELAB channel (Reinhard, Ashikhmin, Gooch and Shirley 2001)."""
    a, b = (lab(x).reshape(-1, 3) for x in (source, reference))
    out = (a - a.mean(0)) * (b.std(0) / np.maximum(a.std(0), 1e-3)) + b.mean(0)
    return back(out.reshape(source.shape))


def histogram(source: Float, reference: Float) -> Float:
    """Histogram matching, channel by channel (scikit-image)."""
    return np.asarray(match_histograms(source, reference, channel_axis=2), np.float32)


def monge_kantorovich(source: Float, reference: Float) -> Float:
    """The linear map of least cost between two normal distributions of RGB (Pitié and Kokaram 2007)."""
    a, b = source.reshape(-1, 3).astype(np.float64), reference.reshape(-1, 3).astype(np.float64)
    eye = 1e-6 * np.eye(3)
    one, two = np.cov(a.T) + eye, np.cov(b.T) + eye
    root = np.real(sqrtm(one))
    inverse = np.linalg.inv(root)
    transfer = inverse @ np.real(sqrtm(root @ two @ root)) @ inverse
    return np.asarray((a - a.mean(0)) @ transfer.T + b.mean(0), np.float32).reshape(source.shape)


def back(values: Float) -> Float:
    """CIELAB (h, w, 3) as RGB in [0, 1]."""
    return np.asarray(np.clip(cv2.cvtColor(np.asarray(values, np.float32), cv2.COLOR_Lab2RGB), 0, 1), np.float32)


BASELINES: Mapping[str, Callable[[Float, Float], Float]] = {
    "doing nothing": lambda source, reference: source,
    "Reinhard": reinhard,
    "histogram matching": histogram,
    "Monge-Kantorovich": monge_kantorovich,
}


def photo_of(rgb: Float, name: str) -> Photo:
    """A picture as an open photo."""
    pixels = np.asarray(np.clip(rgb, 0, 1) * 255 + 0.5, np.uint8)
    return Photo(pixels, None, name, name, "PNG", "srgb", None, {})


def ours(source: Seen, photo: Photo, reference: Photo, strength: float = 1.0) -> Float:
    """The look carried over by Burnish."""
    recipe = carried(measured(reference, style=False), source, strength)
    return np.asarray(render_full(photo, source, recipe), np.float32) / np.float32(255)


def expert(pair: tuple[Float, Float]) -> Callable[[Float], Float]:
    """An expert's colours as a style: a quadratic map of RGB fitted to one of their pairs."""

    def terms(x: Float) -> NDArray[np.float64]:
        r, g, b = x.reshape(-1, 3).astype(np.float64).T
        return np.stack([r, g, b, r * r, g * g, b * b, r * g, r * b, g * b, np.ones_like(r)], axis=1)

    x, y = pair
    z = terms(x)
    fitted = np.linalg.solve(z.T @ z + 1e-3 * len(z) * np.eye(10), z.T @ y.reshape(-1, 3))
    return lambda rgb: np.asarray(np.clip(terms(rgb) @ fitted, 0, 1), np.float32).reshape(rgb.shape)


def structure(one: Float, two: Float) -> float:
    """Correlation of the gradients of luma."""
    g = [np.stack(np.gradient(guide(x))).ravel() for x in (one, two)]
    return float(np.corrcoef(g[0], g[1])[0, 1])


def hue_drift(before: Float, after: Float, skin: SoftMask) -> float:
    """Degrees by which the mean colour of skin turns; 0 where it has become grey."""
    weight = skin.render(guide(before))[..., None]
    (a0, b0), (a1, b1) = ((lab(x)[..., 1:] * weight).sum((0, 1)) / weight.sum() for x in (before, after))
    if np.hypot(a1, b1) < 2:
        return 0.0
    return float(abs((np.degrees(np.arctan2(b1, a1) - np.arctan2(b0, a0)) + 180) % 360 - 180))


def opened(path: Path) -> tuple[Photo, Seen]:
    """A photo at EDGE pixels and what is seen in it."""
    photo = open_photo(path)
    photo = photo_of(shrink(photo.pixels, EDGE), path.name)
    return photo, look(photo)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reference", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--triplets", type=int, default=60)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--strengths", type=float, nargs="+", default=[1.0])
    parser.add_argument("--sheet", type=Path, help="write the first triplets as a contact sheet")
    parser.add_argument("--no-time", action="store_true")
    args = parser.parse_args()
    rng = np.random.default_rng(2026)
    folder = args.folder / "dev_photos" if (args.folder / "dev_photos").is_dir() else args.folder
    files = [
        p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".jpg", ".jpeg", ".png") and "_gt" not in p.name
    ]
    if len(files) < 4:
        raise SystemExit(f"{folder} holds no photographs.")
    chosen = [opened(files[i]) for i in rng.permutation(len(files))[: args.photos]]
    places = [p for p in (args.folder / "dev_pairs", args.folder) if p.is_dir()]
    pairs = [p for place in places for p in sorted(place.glob("*_in.png"))]
    experts = []
    for path in pairs:
        x, y = (shrink(open_photo(p).pixels, 128) for p in (path, path.with_name(path.name.replace("_in", "_gt"))))
        if x.shape == y.shape:
            experts.append(expert((x, y)))

    errors: dict[str, dict[str, list[float]]] = {}
    alike: list[float] = []
    rows = []
    for k in range(args.triplets):
        i, j = rng.choice(len(chosen), 2, replace=False)
        (a, seen), (b, other) = chosen[i], chosen[j]
        source, plain = (np.asarray(p.pixels, np.float32) / np.float32(255) for p in (a, b))
        kind = "expert" if experts and k % 3 == 2 else "preset"
        if kind == "expert":
            apply = experts[rng.integers(len(experts))]
            truth, shown = apply(source), apply(plain)
        else:
            style = draw(rng)
            truth, shown = styled(source, style, seen.masks), styled(plain, style, other.masks)
        reference = photo_of(shown, f"reference {k}")
        goal = lab(truth)
        made = {name: np.clip(method(source, shown), 0, 1) for name, method in BASELINES.items()}
        for strength in args.strengths:
            name = "Burnish" if strength == 1 else f"Burnish at {100 * strength:g}"
            made[name] = ours(seen, a, reference, strength)
        for name, out in made.items():
            error = float(deltaE_ciede2000(lab(np.asarray(out, np.float32)), goal).mean())
            errors.setdefault(name, {}).setdefault(kind, []).append(error)
        alike.append(structure(source, made["Burnish"]))
        if args.sheet and k < 12:
            panel = [source, shown, truth, made["Reinhard"], made["Monge-Kantorovich"], made["Burnish"]]
            rows.append(np.hstack([cv2.resize(np.asarray(x, np.float32), (220, 160)) for x in panel]))
    if args.sheet:
        sheet = np.asarray(np.clip(np.vstack(rows), 0, 1) * 255, np.uint8)
        cv2.imwrite(str(args.sheet), sheet[..., ::-1])
    means = {name: float(np.mean([e for of in kinds.values() for e in of])) for name, kinds in errors.items()}
    table = []
    for name, kinds in errors.items():
        low, high = interval([e for of in kinds.values() for e in of])
        parts = [float(np.mean(kinds.get(kind, [0.0]))) for kind in ("preset", "expert")]
        table.append([name, means[name], f"[{low:.2f}, {high:.2f}]", *parts])
    show(
        f"{args.triplets} triplets, mean ΔE2000 to the truth", ["method", "ΔE2000", "95 %", "presets", "experts"], table
    )
    gain = 1 - means["Burnish"] / min(means[n] for n in ("Reinhard", "histogram matching", "Monge-Kantorovich"))
    figures = {"de2000": means, "gain": gain, "structure": float(np.mean(alike)), "structure, worst": min(alike)}
    print(f"{gain:.0%} better than the best other; gradients correlate {np.mean(alike):.4f}, at worst {min(alike):.4f}")

    drifts: dict[str, list[float]] = {}
    people = [(p, s) for p, s in chosen if any(r.name == "skin" and r.area > 0.01 for r in s.scene.regions)]
    for (photo, seen), (colour, tint) in ((x, c) for x in people for c in COLOURS.items()):
        source = np.asarray(photo.pixels, np.float32) / np.float32(255)
        _, other = chosen[rng.integers(len(chosen))]
        shown = np.clip(other.thumbnail * np.array(tint, np.float32), 0, 1)
        out = ours(seen, photo, photo_of(shown, f"{colour} {rng.integers(1 << 30)}"))
        drifts.setdefault(colour, []).append(hue_drift(source, out, seen.masks["skin"]))
    if drifts:
        rows_ = [[c, float(np.mean(d)), float(np.max(d)), len(d)] for c, d in drifts.items()]
        show("hue of skin under a coloured reference, degrees", ["reference", "mean drift", "worst", "photos"], rows_)
        figures["skin"] = {c: {"mean": float(np.mean(d)), "worst": float(np.max(d))} for c, d in drifts.items()}
    if not args.no_time:
        figures["seconds at 12 megapixels"] = clock(chosen[0][0], chosen[1][0])
        print("12 megapixels, reference read, carried over and rendered: "
              f"{figures['seconds at 12 megapixels']:.2f} s")  # fmt: skip
    finish("reference", figures)


#: Channel gains of strongly coloured references.
COLOURS = {"green": (0.45, 1.0, 0.45), "blue": (0.4, 0.6, 1.0), "red": (1.0, 0.4, 0.4)}


def clock(photo: Photo, reference: Photo) -> float:
    """Seconds for a photo of 12 megapixels that has been perceived: measure the reference, carry it over, render."""
    pixels = np.asarray(cv2.resize(photo.pixels, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    large = dataclasses.replace(photo, pixels=pixels, sha256="large")
    seen = look(large)
    fresh = [dataclasses.replace(reference, sha256=f"reference {i}") for i in range(3)]
    times = []
    for one in fresh:
        began = time.perf_counter()
        render_full(large, seen, carried(measured(one, style=False), seen))
        times.append(time.perf_counter() - began)
    return float(np.median(times))


if __name__ == "__main__":
    main()
