"""A contact sheet of training pairs: ``python -m models.training.contact PHOTOS --out SHEET.png [--rows 10] [--seed 0]``.

Each row: the photo as found, its neutral rendition, then four samples side by side as input | developed by the map | target.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from models.training.pairs import CACHE_EDGE, PairOptions, load_photos, make_pair, neutral, segments


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.contact", description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    photos = load_photos(args.photos, args.names.read_text().split("\n") if args.names else None)
    if not photos:
        raise SystemExit(f"No photos of at least 64 px found in {args.photos}.")
    rng = np.random.default_rng(args.seed)
    options = PairOptions(edge=CACHE_EDGE)
    rows = []
    for i in rng.choice(len(photos), size=min(args.rows, len(photos)), replace=False):
        photo = photos[i]
        clean = (neutral(photo / np.float32(255)) * 255 + 0.5).astype(np.uint8)
        tiles = [photo, clean]
        for _ in range(4):
            pair = make_pair(photo, clean, segments(photo, 24), clean, rng, options)
            tiles += [(p * 255 + 0.5).astype(np.uint8) for p in (pair.photo, pair.developed, pair.target)]
        rows.append(
            np.hstack([cv2.copyMakeBorder(t, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(40, 40, 40)) for t in tiles])
        )
    cv2.imwrite(str(args.out), np.vstack(rows)[..., ::-1])
    print(f"{args.out}: {len(rows)} photos")


if __name__ == "__main__":
    main()
