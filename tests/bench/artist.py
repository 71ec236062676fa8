"""The fit of an artist's picture by an affine bilateral grid: PSNR of what we render to what the artist drew.

usage: python -m tests.bench.artist DIR [--photos 12]. Synthetic artists draw known edits of photographs at a small size: an
expert's retouch (pairs `*_in.png`, `*_gt.png` in DIR or DIR/dev_pairs), local contrast (CLAHE), a warm sky, a colour grade,
and the same with what a latent model does to texture (blur, noise, a shift by a pixel). "own" is the PSNR to the picture that
was drawn, "colour" that to the edit before its texture was harmed; "kept" the largest change in the held third.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.fit_grid import fit, pack, unpack
from models.mask import smooth
from models.render import render
from tests.bench.table import finish, show
from tools.perceive import shrink
from tools.photo import open_photo

Float = NDArray[np.float32]
Edit = Callable[[Float], Float]
DRAWN_AT = 256


def local_contrast(x: Float) -> Float:
    """CLAHE on lightness."""
    values = cv2.cvtColor(np.asarray(x * 255, np.uint8), cv2.COLOR_RGB2Lab)
    values[..., 0] = cv2.createCLAHE(2.0, (4, 4)).apply(values[..., 0])
    return np.asarray(cv2.cvtColor(values, cv2.COLOR_Lab2RGB), np.float32) / 255


def warm_sky(x: Float) -> Float:
    """Warm, darker light from above, fading out towards the middle."""
    share = np.clip(1 - 2 * np.linspace(0, 1, x.shape[0], dtype=np.float32), 0, 1)[:, None, None]
    return np.clip(x * (1 + share * np.array([0.15, -0.05, -0.3], np.float32)), 0, 1)


def graded(x: Float) -> Float:
    """Teal shadows, orange lights, more contrast."""
    luma = x.mean(axis=2, keepdims=True)
    curve = luma * luma * (3 - 2 * luma)
    tone = curve * np.array([0.1, 0.02, -0.12], np.float32) + (1 - curve) * np.array([-0.06, 0.02, 0.08], np.float32)
    return np.clip(x + 0.6 * (curve - luma) + tone, 0, 1)


def latent(edit: Edit) -> Edit:
    """An edit as a latent model draws it: texture softened and made up anew, lines moved by a pixel."""

    def drawn(x: Float) -> Float:
        rng = np.random.default_rng(0)
        moved = np.roll(edit(x), 1, axis=1)
        return np.clip(cv2.GaussianBlur(moved, (0, 0), 1.0) + rng.normal(0, 0.015, x.shape).astype(np.float32), 0, 1)

    return drawn


def psnr(a: Float, b: Float) -> float:
    """Peak signal-to-noise ratio in dB."""
    return float(-10 * np.log10(max(float(np.mean((a - b) ** 2)), 1e-10)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.artist", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=12)
    args = parser.parse_args()
    places = [p for p in (args.folder / "dev_pairs", args.folder) if p.is_dir()]
    pairs = [p for place in places for p in sorted(place.glob("*_in.png"))][: args.photos]
    if not pairs:
        raise SystemExit(f"No *_in.png in {args.folder}.")
    scores: dict[str, list[tuple[float, float, float, float]]] = {}
    sizes, times = [], []
    for path in pairs:
        pixels = open_photo(path).pixels
        x = shrink(pixels, DRAWN_AT)
        y = shrink(open_photo(path.with_name(path.name.replace("_in", "_gt"))).pixels, DRAWN_AT)
        edits: dict[str, Edit] = {
            "expert": lambda _, y=y: y,  # type: ignore[misc]
            "local contrast": local_contrast,
            "warm sky": warm_sky,
            "graded": graded,
        }
        keep = np.zeros(x.shape[:2], np.float32)
        keep[:, : x.shape[1] // 3] = 1
        for name, edit in [*edits.items(), *((f"{n}, latent", latent(e)) for n, e in edits.items())]:
            drawn, wanted = (
                np.asarray(edit(x), np.float32),
                np.asarray(edits[name.removesuffix(", latent")](x), np.float32),
            )
            began = time.perf_counter()
            text = pack(fit(x, drawn))
            times.append(time.perf_counter() - began)
            sizes.append(len(text))
            out = shrink(render(pixels, grid=unpack(text)), DRAWN_AT)
            held = render(pixels, grid=unpack(pack(fit(x, drawn, keep))), keep=[smooth(keep)])
            third = pixels.shape[1] // 4
            change = np.abs(held[:, :third].astype(int) - pixels[:, :third].astype(int)).max()
            scores.setdefault(name, []).append((psnr(out, drawn), psnr(out, wanted), psnr(x, drawn), float(change)))
    rows, figures = [], {}
    for name, of in scores.items():
        own, colour, nothing, kept = np.mean(of, axis=0)
        rows.append([name, f"{own:.1f}", f"{colour:.1f}", f"{nothing:.1f}", f"{kept:.0f}"])
        figures[name] = {"own": own, "colour": colour, "doing nothing": nothing, "kept": kept}
    show(f"{len(pairs)} photos", ["artist", "own, dB", "colour, dB", "doing nothing, dB", "kept"], rows)
    print(f"fit {np.median(times):.2f} s, {np.mean(sizes) / 1000:.1f} kB in the recipe")
    finish("artist", {"photos": len(pairs), "artists": figures, "seconds": np.median(times), "bytes": np.mean(sizes)})


if __name__ == "__main__":
    main()
