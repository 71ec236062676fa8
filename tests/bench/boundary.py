"""Do edits stop at the edge? `python -m tests.bench.boundary DATA [--photos 40] [--sheet OUT.png]`.

On every labelled dev photo that shows at least 2 % of sky or of a person, that region is brightened by +60 as a request
would do it, and the photo is rendered at its own size. Reported: the mean ΔE2000, against the untouched photo, of the band
of 10 pixels just outside the region *as it was labelled by hand* (unlabelled pixels left out), over the photos in which
the region was found. `beyond`: the same for the band from 10 to 30 pixels outside. `--sheet` draws before, after and the
difference of the first photos. The last line is JSON.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from models.attributes import lab
from models.recipe import Recipe
from tests.bench.segmentation import cases
from tools.perceive import look, region
from tools.photo import open_photo
from tools.retouch import render_full, solve

BAND, FAR = 10, 30
REGIONS = ("sky", "person")
VALUE = 0.6


def grown(inside: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """`inside` and what lies within `by` pixels of it."""
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(distance <= by, np.bool_)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    missed = 0
    rows: list[NDArray[np.uint8]] = []
    for number, (group, path, truth, valid) in enumerate(cases(arguments.data)):
        if number >= arguments.photos:
            break
        photo = open_photo(path)
        for name in REGIONS:
            true = truth.get(name)
            if true is None or true.mean() < 0.02 or true.mean() > 0.9:
                continue
            seen = look(photo)
            if region(seen, name) is None:
                missed += 1
                continue
            recipe = solve(seen, Recipe().with_values(name, {"brightness": VALUE}))
            after = render_full(photo, seen, recipe)
            top = np.float32(np.iinfo(photo.pixels.dtype).max)
            apart = deltaE_ciede2000(lab(photo.pixels / top), lab(after / top))
            size = photo.pixels.shape[1::-1]
            inside = cv2.resize(true.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            known = cv2.resize(valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            near = grown(inside, BAND) & ~inside & known
            beyond = grown(inside, FAR) & ~grown(inside, BAND) & known
            if near.sum() > 100:
                far = float(apart[beyond].mean()) if beyond.any() else 0.0
                found.setdefault((group, name), []).append((float(apart[near].mean()), far))
            if arguments.sheet and len(rows) < 12:
                rows.append(row(photo.pixels, np.asarray(after), apart, near))
    if arguments.sheet and rows:
        cv2.imwrite(str(arguments.sheet), np.concatenate(rows)[..., ::-1])
    figures = {}
    for (group, name), values in sorted(found.items()):
        near_mean, far_mean = np.mean(values, axis=0)
        median = float(np.median([v[0] for v in values]))
        print(
            f"{group:<24}{name:<8}{len(values):>4} photos   band {near_mean:.2f} (median {median:.2f})   beyond {far_mean:.2f}"
        )
        figures[f"{group}/{name}"] = {
            "photos": len(values), "band": round(float(near_mean), 3), "median": round(median, 3),
            "beyond": round(float(far_mean), 3),
        }  # fmt: skip
    everything = [v[0] for values in found.values() for v in values]
    figures["mean"] = {"band": round(float(np.mean(everything)), 3) if everything else None, "not_found": missed}
    print(json.dumps({"bench": "boundary", **figures}))


def row(
    before: NDArray[np.generic], after: NDArray[np.generic], apart: NDArray[np.float64], band: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Before, after and ΔE2000 (white: 25) with the band in green, side by side, 320 px high, 1 400 wide."""
    heat = np.repeat(np.clip(apart / 25 * 255, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    heat[..., 1] = np.maximum(heat[..., 1], band * np.uint8(90))
    pictures = [np.asarray(p >> 8 if p.dtype == np.uint16 else p, np.uint8) for p in (before, after)]
    scale = 320 / before.shape[0]
    strip = np.concatenate([*pictures, heat], axis=1)
    strip = cv2.resize(strip, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    out = np.zeros((320, 1400, 3), np.uint8)
    out[:, : min(1400, strip.shape[1])] = strip[:320, :1400]
    return out


if __name__ == "__main__":
    main()
