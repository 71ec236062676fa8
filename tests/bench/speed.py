"""Seconds per stage at 1, 12, 24 and 50 megapixels, and as a multiple of decoding and encoding that JPEG with Pillow.

usage: python -m tests.bench.speed [PHOTO] [--repeat N]; without PHOTO an example photograph is enlarged.
"""

import argparse
import io
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import data

from models.recipe import Look, Recipe, Setting
from tests.bench.table import finish, show
from tools.perceive import Seen, perceive
from tools.perceive import look as perceive_again
from tools.photo import open_photo, save_photo
from tools.retouch import look_grid, render_full, retouch, solve

seeds = count(1000)


def timed(call: Callable[[], object], repeat: int) -> float:
    """Median seconds of `repeat` calls, after one that does not count."""
    call()
    seconds = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def fresh_look(seen: Seen, steps: int) -> object:
    """A look's grid, never a remembered one."""
    return look_grid(seen, Recipe(look=Look(steps=steps, seed=next(seeds))))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed", description=__doc__)
    parser.add_argument("photo", nargs="?", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 12, 24, 50])
    args = parser.parse_args()
    source = np.asarray(Image.open(args.photo).convert("RGB")) if args.photo else data.astronaut()
    rows, figures = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in args.megapixels:
            height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
            size = (round(height * 1.5), height)
            pixels = cv2.resize(source, size, interpolation=cv2.INTER_CUBIC)
            # Some texture, so that the JPEG is not all smooth.
            noise = np.random.default_rng(0).normal(0, 3, pixels.shape[:2]).astype(np.float32)[..., None]
            pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
            path = Path(folder) / f"{megapixels:g}.jpg"
            Image.fromarray(pixels).save(path, quality=92)
            floor_decode = timed(lambda p=path: np.asarray(Image.open(p)), args.repeat)
            floor_encode = timed(
                lambda p=pixels: Image.fromarray(p).save(io.BytesIO(), "JPEG", quality=92), args.repeat
            )
            floor = floor_decode + floor_encode
            photo = open_photo(path)
            seen = perceive(photo)
            region = "person" if "person" in seen.masks else "highlights"
            recipe = Recipe(settings=(Setting(region=region, values={"brightness": 0.3, "temperature": 0.2}),))
            recipe = solve(seen, recipe)
            looked = Recipe(settings=recipe.settings, look=Look())
            kept = Recipe(settings=recipe.settings, look=Look(), keep=("shadows",))
            look_grid(seen, looked)
            out = Path(folder) / "out.jpg"
            stages = {
                "open": timed(lambda p=path: open_photo(p), args.repeat),
                "perceive": timed(lambda p=photo: perceive_again(p), args.repeat),
                "solve": timed(lambda s=seen, r=recipe: solve(s, r), args.repeat),
                "look, 4 steps": timed(lambda s=seen: fresh_look(s, 4), args.repeat),
                "look, default steps": timed(lambda s=seen: fresh_look(s, Look().steps), args.repeat),
                "preview": timed(lambda p=photo, s=seen, r=looked: retouch(p, s, r), args.repeat),
                "render: develop, 1 mask": timed(lambda p=photo, s=seen, r=recipe: render_full(p, s, r), args.repeat),
                "render: develop, 1 mask, grid": timed(
                    lambda p=photo, s=seen, r=looked: render_full(p, s, r), args.repeat
                ),
                "render: develop, 1 mask, grid, keep": timed(
                    lambda p=photo, s=seen, r=kept: render_full(p, s, r), args.repeat
                ),
                "save": timed(lambda p=photo, o=out: save_photo(p.pixels, p, o, overwrite=True), args.repeat),
            }
            figures[f"{megapixels:g}"] = {
                "decode_encode_s": floor,
                "seconds": stages,
                "times_decode_encode": {k: v / floor for k, v in stages.items() if k.startswith("render")},
            }
            rows += [[f"{megapixels:g}", "decode + encode (Pillow)", floor, 1.0]]
            rows += [[f"{megapixels:g}", name, seconds, seconds / floor] for name, seconds in stages.items()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show("Speed", ["megapixels", "stage", "seconds", "× decode + encode"], rows)
    print(f"peak memory of this process: {peak:.0f} MB")
    finish("speed", {"megapixels": figures, "peak_mb": peak, "repeat": args.repeat})


if __name__ == "__main__":
    main()
