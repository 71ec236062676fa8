"""Colours for photos whose colours have been taken away, against the truth.

usage: python -m tests.bench.colourise DIR [--photos 60] [--sheet OUT.png]. DIR holds photographs, or has them in `dev_photos`.
Each is made grey (its luma) and colourised: as it is, told the true mean colour of its largest region, and of all regions that
are seen; and, faded to a quarter of its colour under a brown cast, from what is left. Beside them: grey, and the mean colour of
all other photos for everything. Colourfulness: Hasler and Süsstrunk, "Measuring colourfulness in natural images", 2003.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from models import chroma
from models.attributes import lab
from models.chroma import ChromaMap, luma_codes, paint
from models.mask import guide
from models.recipe import Hint
from tests.bench.table import finish, interval, show
from tools.colourise import TOLD, colourised
from tools.perceive import Seen, look, region, shrink
from tools.photo import Photo, open_photo

Float = NDArray[np.float32]
Bytes = NDArray[np.uint8]
EDGE = 512
#: Photos with less mean chroma than this show nothing.
GREY = 5.0
#: Regions whose true colours may be told.
NAMED = (*TOLD, "clothing", "hair", "vehicle", "food")


def colourfulness(rgb: Bytes) -> float:
    """Hasler and Süsstrunk 2003: spread and mean of the opponent signals R − G and (R + G) / 2 − B of 8-bit sRGB."""
    r, g, b = (rgb[..., i].astype(np.float64) for i in range(3))
    one, two = r - g, (r + g) / 2 - b
    return float(np.hypot(one.std(), two.std()) + 0.3 * np.hypot(one.mean(), two.mean()))


def apart(one: Bytes, two: Bytes) -> float:
    """Mean ΔE2000 of two pictures."""
    return float(np.mean(deltaE_ciede2000(*(lab(x.astype(np.float32) / np.float32(255)) for x in (one, two)))))


def greyed(rgb: Bytes) -> Bytes:
    """A photo's luma as a grey photo."""
    return np.asarray(np.repeat(luma_codes(rgb)[..., None], 3, axis=2), np.uint8)


def faded(rgb: Bytes) -> Bytes:
    """A photo as a print that has lain in the sun: grey blacks, a quarter of its colour, brown."""
    x = 0.12 + 0.8 * rgb.astype(np.float32) / 255
    y = guide(x)[..., None]
    out = y + 0.25 * (x - y) + np.array([0.05, 0.0, -0.07], np.float32) * (1.2 - y)
    return np.asarray(np.clip(out, 0, 1) * 255 + 0.5, np.uint8)


def photo_of(rgb: NDArray[np.generic], name: str) -> Photo:
    """A picture as an open photo."""
    return Photo(rgb, None, name, name, "PNG", "srgb", None, {})


def true_hints(seen: Seen, rgb: Bytes) -> list[Hint]:
    """The true mean colours of the regions that are seen, the largest first."""
    ab = chroma.of(cv2.resize(rgb, seen.thumbnail.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255)
    luma = guide(seen.thumbnail)
    found = []
    for one in sorted(seen.scene.regions, key=lambda r: -r.area):
        mask = region(seen, one.name)
        if one.name in NAMED and one.area > 0.01 and mask is not None:
            weight = mask.render(luma)
            a, b = (float((weight * ab[..., i]).sum() / weight.sum()) for i in range(2))
            found.append(Hint(region=one.name, a=a, b=b))
    return found


def plain(rgb: Bytes, ab: Sequence[float]) -> Bytes:
    """A grey photo in one colour."""
    luma = guide(rgb)
    flat = np.broadcast_to(np.array(ab, np.float32), (*luma.shape, 2))
    return np.asarray(paint(rgb, chroma.fit(luma, chroma.in_plane(luma, flat))), np.uint8)


def exact(pixels: NDArray[np.generic], colours: NDArray[np.generic]) -> bool:
    """True if the luma of two photos is the same, bit for bit."""
    return bool(np.array_equal(luma_codes(pixels), luma_codes(colours)))


def turn(seen: Seen, out: Bytes, hint: Hint) -> float:
    """Degrees between a hint's hue and that of its region in the result."""
    mask = region(seen, hint.region)
    assert mask is not None
    luma = guide(seen.thumbnail)
    weight = mask.render(luma)
    ab = chroma.of(cv2.resize(out, luma.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255)
    a, b = (float((weight * ab[..., i]).sum()) for i in range(2))
    return float(abs((np.degrees(np.arctan2(b, a) - np.arctan2(hint.b, hint.a)) + 180) % 360 - 180))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.colourise", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument(
        "--sheet", type=Path, help="a contact sheet of the first photos: truth, grey, ours, told, faded, restored"
    )
    args = parser.parse_args()
    place = args.folder / "dev_photos" if (args.folder / "dev_photos").is_dir() else args.folder
    files = [p for p in sorted(place.iterdir()) if p.suffix.lower() in (".jpg", ".png", ".jpeg")]
    pictures: list[Bytes] = []
    for i in np.random.default_rng(0).permutation(len(files)):
        rgb = np.asarray(shrink(open_photo(files[i]).pixels, EDGE) * 255 + 0.5, np.uint8)
        if float(np.hypot(*np.moveaxis(chroma.of(rgb.astype(np.float32) / 255), -1, 0)).mean()) >= GREY:
            pictures.append(rgb)
        if len(pictures) == args.photos:
            break
    means = np.array([chroma.of(p.astype(np.float32) / 255).reshape(-1, 2).mean(axis=0) for p in pictures])
    rows: dict[str, list[tuple[float, float, float, float]]] = {}
    turns: list[float] = []
    wrong = 0
    tiles: list[Bytes] = []
    for i, truth in enumerate(pictures):
        grey, old = greyed(truth), faded(truth)
        seen = look(photo_of(grey, f"{i}"))
        hints = true_hints(seen, truth)
        aged = look(photo_of(old, f"{i} faded"))
        made = {
            "truth": truth,
            "grey": grey,
            "mean colour of the others": plain(grey, np.delete(means, i, axis=0).mean(axis=0).tolist()),
            "ours": np.asarray(colourised(grey, seen), np.uint8),
            "ours, one region told": np.asarray(colourised(grey, seen, hints=hints[:1]), np.uint8),
            "ours, all regions told": np.asarray(colourised(grey, seen, hints=hints), np.uint8),
        }
        restored = np.asarray(colourised(old, aged), np.uint8)
        deep = grey.astype(np.uint16) * 257 + np.random.default_rng(i).integers(0, 200, grey.shape, np.uint16)
        wrong += sum(not exact(grey, x) for name, x in made.items() if name not in ("truth", "grey"))
        wrong += not exact(old, restored)
        wrong += not exact(deep, colourised(deep, seen))
        for name, out in made.items():
            strong = float(np.hypot(*np.moveaxis(chroma.of(out.astype(np.float32) / 255), -1, 0)).mean())
            rows.setdefault(name, []).append((apart(out, truth), apart(out, grey), colourfulness(out), strong))
        # What lies behind a fading is the truth at the faded luma.
        goal = np.asarray(paint(old, fitted(truth, guide(old))), np.uint8)
        for name, out in (("faded", old), ("faded, grey", greyed(old)), ("faded, ours", restored)):
            strong = float(np.hypot(*np.moveaxis(chroma.of(out.astype(np.float32) / 255), -1, 0)).mean())
            rows.setdefault(name, []).append((apart(out, goal), apart(out, greyed(old)), colourfulness(out), strong))
        if hints and np.hypot(hints[0].a, hints[0].b) > 5:
            turns.append(turn(seen, made["ours, one region told"], hints[0]))
        if args.sheet and len(tiles) < 24:
            told = made["ours, all regions told"]
            parts = [truth, grey, made["ours"], told, old, restored]
            tiles.append(np.hstack([cv2.resize(p, (240, 180), interpolation=cv2.INTER_AREA) for p in parts]))
    if args.sheet:
        half = (len(tiles) + 1) // 2
        cv2.imwrite(str(args.sheet), np.vstack(tiles[:half])[..., ::-1])
        cv2.imwrite(str(args.sheet.with_stem(args.sheet.stem + "-2")), np.vstack(tiles[half:] or tiles[:1])[..., ::-1])
    table = [(name, *(float(v) for v in np.mean(values, axis=0))) for name, values in rows.items()]
    show("colours", ("method", "ΔE to truth", "ΔE to grey", "colourfulness", "chroma"), table)
    better = np.array(rows["grey"])[:, 0] - np.array(rows["ours"])[:, 0]
    print(
        f"nearer to the truth than grey: {np.mean(better):.2f} ΔE {interval(better.tolist())}, "
        f"{np.mean(better > 0):.0%} of photos"
    )
    print(
        f"luma changed on {wrong} of {7 * len(pictures)} results; a told hue is met within {np.median(turns):.1f}° (median)"
    )
    large = np.tile(greyed(pictures[0]), (12, 12, 1))[:3000, :4000]
    large = cv2.resize(large, (4000, 3000))
    seen = look(photo_of(large, "large"))
    began = time.perf_counter()
    colourised(large, seen)
    seconds = time.perf_counter() - began
    print(f"12 megapixels: {seconds:.2f} s")
    figures = {
        name: dict(zip(("to_truth", "to_grey", "colourfulness", "chroma"), values, strict=True))
        for name, *values in table
    }
    finish(
        "colourise",
        {
            "photos": len(pictures),
            "luma_changed": wrong,
            "methods": figures,
            "gain_over_grey": float(np.mean(better)),
            "gain_interval": interval(better.tolist()),
            "share_better": float(np.mean(better > 0)),
            "hue_of_hint": float(np.median(turns)),
            "seconds_12mp": seconds,
        },
    )


def fitted(truth: Bytes, luma: Float) -> ChromaMap:
    """The colours of `truth` on another luma."""
    return chroma.fit(luma, chroma.in_plane(luma, chroma.of(truth.astype(np.float32) / 255)))


if __name__ == "__main__":
    main()
