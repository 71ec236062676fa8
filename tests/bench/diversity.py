"""The automatic look on good photos, by number of steps: how much it changes them, how far its samples lie apart.

usage: python -m tests.bench.diversity DIR [--names FILE] [--photos 60] [--seeds 4] [--sheet OUT.png]. A good photo should pass
almost unchanged (mean ΔE2000 and mean shift of L* from the photo) while different seeds still give visibly different looks
(mean ΔE2000 between samples of one photo). Everything is measured on thumbnails of 256 px, strength 1. `--sheet` writes a
contact sheet: photo, then its samples at four steps.
"""

import argparse
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000

from models.attributes import lab
from models.recipe import VARIED_STEPS, Look, Recipe
from tests.bench.table import finish, interval, show
from tools.perceive import look, shrink
from tools.photo import open_photo
from tools.retouch import render_full

STEPS = (1, 2, 4, 8)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.diversity", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    files = sorted(p for p in args.folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    if args.names:
        wanted = set(args.names.read_text().split("\n"))
        files = [p for p in files if p.name in wanted]
    files = files[:: max(1, len(files) // args.photos)][: args.photos]
    if not files:
        raise SystemExit(f"No photos in {args.folder}.")
    change: dict[int, list[float]] = {n: [] for n in STEPS}
    shift: dict[int, list[float]] = {n: [] for n in STEPS}
    apart: dict[int, list[float]] = {n: [] for n in STEPS}
    sheet = []
    for path in files:
        photo = open_photo(path)
        seen = look(photo)
        small = np.asarray(shrink(photo.pixels, 256) * 65535 + np.float32(0.5), np.uint16)
        thumbnail = type(photo)(small, None, f"{photo.sha256}-256", photo.name, photo.format)
        before = lab(small.astype(np.float32) / 65535)
        for steps in STEPS:
            made = [
                np.asarray(render_full(thumbnail, seen, Recipe(look=Look(steps=steps, seed=s))), np.float32) / 65535
                for s in range(args.seeds if steps > 1 else 2)
            ]
            labs = [lab(m) for m in made]
            change[steps] += [float(deltaE_ciede2000(before, one).mean()) for one in labs]
            shift[steps] += [float((one - before)[..., 0].mean()) for one in labs]
            apart[steps] += [float(deltaE_ciede2000(a, b).mean()) for a, b in combinations(labs, 2)]
            if steps == VARIED_STEPS and args.sheet:
                tiles = [cv2.resize(t, (192, 192)) for t in (small.astype(np.float32) / 65535, *made)]
                sheet.append(np.hstack(tiles))
    rows, figures = [], {}
    for steps in STEPS:
        low, high = interval(change[steps])
        rows.append([steps, f"{np.mean(change[steps]):.2f} [{low:.2f}, {high:.2f}]", f"{np.mean(shift[steps]):+.2f}",
                     f"{np.mean(np.abs(shift[steps])):.2f}", f"{np.mean(apart[steps]):.2f}"])  # fmt: skip
        figures[str(steps)] = {
            "de2000": float(np.mean(change[steps])), "lightness_shift": float(np.mean(shift[steps])),
            "variety_de2000": float(np.mean(apart[steps])),
        }  # fmt: skip
    show(
        f"{len(files)} photos",
        ["steps", "ΔE2000 from the photo", "shift of L*", "|shift|", "between seeds ΔE2000"],
        rows,
    )
    if args.sheet:
        columns = max(1, round(len(sheet) / 12))
        sheet += [np.zeros_like(sheet[0])] * (-len(sheet) % columns)
        grid = np.vstack([np.hstack(sheet[i : i + columns]) for i in range(0, len(sheet), columns)])
        cv2.imwrite(str(args.sheet), (np.clip(grid, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1])
    finish("diversity", {"photos": len(files), "steps": figures})


if __name__ == "__main__":
    main()
