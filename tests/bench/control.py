"""Is what was asked what is measured? Every attribute, globally and on every region present, at ±0.15, ±0.3 and ±0.6.

usage: python -m tests.bench.control [DIR] [--photos N]; without DIR scikit-image's photographs are used. Open loop develops by
formula; closed loop solves on the thumbnail; both are then measured on a rendition made from the photo's own pixels.
The highlights of the shadows and the shadows of the highlights are left out. Reports achieved/asked, sign and monotone series
(standing still at the frame's limit is allowed); at ±0.6 in closed loop also hue drift of attributes that are not colour, spill
outside the mask, what shows in a band of 20 px around it (mask below 0.25), new clipping.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import data
from skimage.color import deltaE_ciede2000

from models.attributes import change, lab, read, ruler
from models.mask import guide
from models.recipe import Recipe, Setting
from models.vocabulary import MAP_ATTRIBUTES, SPATIAL_REGIONS
from tests.bench.table import finish, show
from tools.perceive import perceive, shrink
from tools.photo import Photo, open_photo
from tools.retouch import render_full, solve

#: The absolute value at which harm is measured.
HARM_AT = 0.6
#: Falling by less than this is standing still at the frame's limit.
LEVEL = 0.01
#: Attributes that name nothing in a tonal region: what fades out with the mask cannot be told apart there.
MEANINGLESS = {("shadows", "highlights"), ("highlights", "shadows")}
VALUES = (-0.6, -0.3, -0.15, 0.15, 0.3, 0.6)


def photos(folder: Path | None, count: int) -> list[Photo]:
    """`count` photos of a folder, evenly spread, or scikit-image's."""
    if folder is None:
        found = []
        for name in ("astronaut", "coffee", "chelsea", "rocket"):
            pixels = getattr(data, name)()
            found.append(
                Photo(pixels=np.asarray(Image.fromarray(pixels)), alpha=None, sha256=name, name=name, format="PNG")
            )
        return found
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp", ".tif"})
    return [open_photo(p) for p in files[:: max(1, len(files) // count)][:count]]


def away(before: np.ndarray, after: np.ndarray, where: np.ndarray) -> float:
    """Mean ΔE2000 of CIELAB pictures over the pixels of a Boolean mask; 0 for an empty one."""
    return float(deltaE_ciede2000(before[where], after[where]).mean()) if where.any() else 0.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.control", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--photos", type=int, default=24)
    args = parser.parse_args()
    result: dict[str, dict[str, list[float]]] = {
        mode: {"error": [], "sign": [], "mono": []} for mode in ("open", "closed")
    }
    by_attribute: dict[tuple[str, str], list[float]] = {}
    spill, exact, clipped, hue, halo = [], [], [], [], []
    for photo in photos(args.folder, args.photos):
        seen = perceive(photo)
        before_full = photo.pixels
        before = shrink(before_full, 512)
        luma = guide(before)
        regions = [r.name for r in seen.scene.regions if r.area > 0.03 and r.name not in SPATIAL_REGIONS]
        for region in regions:
            weight = seen.masks[region].render(luma)
            by = ruler(before, weight)
            if by is None:
                continue
            start = read(before, by)
            inside = (weight > 0.5).astype(np.uint8)
            band = (cv2.dilate(inside, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (41, 41))) > 0) & (weight < 0.25)
            full_luma = guide(before_full)
            outside = seen.masks[region].render(full_luma) == 0
            for attribute in (a for a in MAP_ATTRIBUTES if (region, a) not in MEANINGLESS):
                for mode in ("open", "closed"):
                    series = []
                    for value in VALUES:
                        recipe = Recipe(settings=(Setting(region=region, values={attribute: value}),))
                        recipe = solve(seen, recipe) if mode == "closed" else recipe
                        out = render_full(photo, seen, recipe)
                        after = shrink(out, 512)
                        got = change(start, read(after, by))[attribute]
                        series.append(got)
                        result[mode]["error"].append(abs(got / value - 1))
                        result[mode]["sign"].append(float(got * value > 0))
                        by_attribute.setdefault((mode, attribute), []).append(abs(got / value - 1))
                        if mode == "closed" and abs(value) == HARM_AT:
                            exact.append(float(np.array_equal(out[outside], before_full[outside])))
                            clipped.append(
                                float((((after > 0.998) | (after < 0.002)) & (before > 0.01) & (before < 0.99)).mean())
                            )
                            a, b = lab(before), lab(after)
                            spill.append(away(a, b, weight == 0))
                            halo.append(away(a, b, band))
                            if attribute in ("brightness", "contrast", "highlights", "shadows"):
                                coloured = (np.hypot(a[..., 1], a[..., 2]) > 15) & (weight > 0.9)
                                if coloured.sum() > 50:
                                    turn = np.arctan2(b[..., 2], b[..., 1]) - np.arctan2(a[..., 2], a[..., 1])
                                    hue.append(float(np.degrees(np.abs(np.angle(np.exp(1j * turn[coloured])))).mean()))
                    result[mode]["mono"].append(float(all(y > x - LEVEL for x, y in pairwise(series))))
    rows = []
    figures = {}
    for mode, r in result.items():
        figures[mode] = {
            "median_error": float(np.median(r["error"])), "p90_error": float(np.percentile(r["error"], 90)),
            "sign_right": float(np.mean(r["sign"])), "monotone": float(np.mean(r["mono"])), "edits": len(r["error"]),
        }  # fmt: skip
        rows.append([mode, *figures[mode].values()])
    show("Control", ["loop", "median error", "90th percentile", "sign right", "monotone", "edits"], rows)
    attributes = [
        [
            a,
            *(float(np.median(by_attribute[m, a])) for m in result),
            *(float(np.percentile(by_attribute[m, a], 90)) for m in result),
        ]
        for a in MAP_ATTRIBUTES
    ]
    show("By attribute", ["attribute", "open median", "closed median", "open p90", "closed p90"], attributes)
    harm = {
        "bit_exact_outside": float(np.mean(exact)), "spill_de2000": float(np.mean(spill)),
        "halo_band_de2000": float(np.mean(halo)), "new_clipping": float(np.mean(clipped)),
        "hue_drift_degrees": float(np.mean(hue)) if hue else 0.0,
    }  # fmt: skip
    show("Harm, closed loop", list(harm), [list(harm.values())])
    finish("control", {**figures, **harm})


if __name__ == "__main__":
    main()
