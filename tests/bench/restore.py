"""Repairs against the truth: faults of known strength put into clean photos, and what each method makes of them.

usage: python -m tests.bench.restore DIR [--photos 24] [--sheet OUT.png] [--no-time]. DIR holds photographs, or has them in
`dev_photos`. PSNR gain over doing nothing of the repair for this fault ("ours"), of all fine repairs at once ("all", as when
nobody says what is wrong), and of the best classical method of OpenCV and scikit-image (those for noise are told its strength).
Then clean photos through what "fix it" would mend, tiles against the whole, and time at 12 megapixels.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import exposure, restoration
from skimage.color import deltaE_ciede2000

from models import classical, repair, restorer
from models.attributes import lab
from models.lens import disc
from models.mask import guide
from models.repair import Repair
from models.training.faults import blurred, coded, darkened, hazed, motion, noisy, smooth_field, stepped
from tests.bench.table import finish, interval, show
from tools.perceive import look, shrink
from tools.photo import open_photo
from tools.restore import diagnose

Float = NDArray[np.float32]
Method = Callable[[Float], Float]
EDGE = 448


def psnr(a: Float, b: Float) -> float:
    """Peak signal-to-noise ratio in dB."""
    return float(-10 * np.log10(max(float(np.mean((a - b) ** 2)), 1e-10)))


def nlm(h: float) -> Method:
    """Non-local means (OpenCV)."""

    def run(x: Float) -> Float:
        bgr = np.asarray(np.rint(x * 255), np.uint8)
        out = cv2.fastNlMeansDenoisingColored(bgr, None, h, h, 7, 21)
        return np.asarray(out, np.float32) / np.float32(255)

    return run


def wavelet(x: Float) -> Float:
    """BayesShrink wavelets (scikit-image)."""
    return np.asarray(
        restoration.denoise_wavelet(x, channel_axis=2, convert2ycbcr=True, rescale_sigma=True), np.float32
    )


def tv(weight: float) -> Method:
    """Total variation (Chambolle, scikit-image)."""
    return lambda x: np.asarray(restoration.denoise_tv_chambolle(x, weight, channel_axis=2), np.float32)


def richardson_lucy(kernel: Float) -> Method:
    """Richardson and Lucy's deconvolution by a kernel that is assumed."""

    def run(x: Float) -> Float:
        planes = [restoration.richardson_lucy(x[..., c] + 1e-3, kernel, num_iter=8) for c in range(3)]
        return np.asarray(np.clip(np.stack(planes, axis=2), 0, 1), np.float32)

    return run


def dark_channel(x: Float) -> Float:
    """The dark channel prior at full strength."""
    light, veil = classical.veil_of(x)
    return classical.dehaze(x, 1.0, light, veil)


def clahe(limit: float) -> Method:
    """Contrast-limited adaptive histogram equalisation of lightness."""

    def run(x: Float) -> Float:
        values = cv2.cvtColor(np.asarray(np.rint(x * 255), np.uint8), cv2.COLOR_RGB2Lab)
        values[..., 0] = cv2.createCLAHE(limit, (8, 8)).apply(values[..., 0])
        return np.asarray(cv2.cvtColor(values, cv2.COLOR_Lab2RGB), np.float32) / np.float32(255)

    return run


def stretched(x: Float) -> Float:
    """The tones from the 1st to the 99th percentile, stretched."""
    low, high = np.percentile(x, (1, 99))
    return np.asarray(np.clip((x - low) / max(high - low, 1e-3), 0, 1), np.float32)


def to_white(x: Float) -> Float:
    """From black to the 99.9th percentile of the brightest channel, stretched (scikit-image)."""
    top = float(np.percentile(x.max(axis=2), 99.9))
    return np.asarray(exposure.rescale_intensity(x, in_range=(0.0, max(top, 1e-3)), out_range=(0.0, 1.0)), np.float32)


def equalised(x: Float) -> Float:
    """The histogram of lightness made flat."""
    ratio = exposure.equalize_hist(guide(x)) / np.maximum(guide(x), 1e-3)
    return np.asarray(np.clip(x * ratio[..., None], 0, 1), np.float32)


def gamma(x: Float) -> Float:
    """A gamma that brings the mean to the middle."""
    return classical.low_light(x, 1.0, x)


def after(first: Method, second: Method) -> Method:
    """One after the other."""
    return lambda x: second(first(x))


GAUSSIAN = np.asarray(cv2.getGaussianKernel(9, 1.5) @ cv2.getGaussianKernel(9, 1.5).T, np.float32)
SHARPENERS: Mapping[str, Method] = {
    "unsharp, half": lambda x: classical.deblur(x, 0.5),
    "unsharp": lambda x: classical.deblur(x, 1.0),
    "Richardson-Lucy, a Gaussian": richardson_lucy(GAUSSIAN),
}
AIRS: Mapping[str, Method] = {"dark channel": dark_channel, "CLAHE": clahe(2.0), "stretch": stretched}


def smoothers(sigma: float) -> Mapping[str, Method]:
    """Methods against noise that are told its strength."""
    return {
        "bilateral": lambda x: classical.denoise(x, 1.0),
        "non-local means": nlm(sigma * 0.6),
        "non-local means, strong": nlm(sigma),
        "wavelets": wavelet,
        "total variation": tv(max(0.02, sigma / 255 * 0.9)),
    }


#: fault → how it is made, the repair that is ours, and the classical ones.
Fault = tuple[Callable[[Float, np.random.Generator], Float], dict[str, float], Mapping[str, Method]]


def haze_of(least: float) -> Callable[[Float, np.random.Generator], Float]:
    """Haze that lets the share `least` through where it is thickest, and up to twice that (at most .95) where it is thin."""

    def run(x: Float, rng: np.random.Generator) -> Float:
        shape = (x.shape[0], x.shape[1])
        rows = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
        near = np.clip(0.7 * rows + 0.3 * smooth_field(shape, rng), 0, 1)
        through = least + near * (min(0.95, 2 * least) - least)
        return stepped(hazed(x, np.asarray(through, np.float32), np.full(3, 0.9, np.float32)))

    return run


FAULTS: Mapping[str, Fault] = {
    **{
        f"noise {sigma}": (lambda x, rng, s=sigma: stepped(noisy(x, s / 255, rng)), {"denoise": 1.0}, smoothers(sigma))  # type: ignore[misc]
        for sigma in (10, 25, 50)
    },
    "disc 2 px": (lambda x, rng: stepped(blurred(x, disc(2))), {"deblur": 1.0}, SHARPENERS),
    "disc 4 px": (lambda x, rng: stepped(blurred(x, disc(4))), {"deblur": 1.0}, SHARPENERS),
    "motion 9 px": (
        lambda x, rng: stepped(blurred(x, motion(9, float(rng.uniform(0, np.pi))))),
        {"deblur": 1.0},
        SHARPENERS,
    ),
    **{f"haze {t}": (haze_of(t), {"dehaze": 1.0}, AIRS) for t in (0.4, 0.6, 0.8)},
    "low light, -2 EV": (
        lambda x, rng: darkened(x, 2.0, 0.004, rng),
        {"low_light": 1.0, "denoise": 1.0},
        {
            "gamma": gamma,
            "gamma, non-local means": after(gamma, nlm(6)),
            "CLAHE": clahe(4.0),
            "equalised": equalised,
            "stretch": stretched,
            "to white": to_white,
            "to white, non-local means": after(to_white, nlm(6)),
            "to white, bilateral": after(to_white, lambda x: classical.denoise(x, 0.5)),
        },
    ),
    "JPEG 20": (
        lambda x, rng: coded(x, 20),
        {"deblock": 1.0},
        {
            "bilateral": lambda x: classical.deblock(x, 1.0),
            "bilateral, half": lambda x: classical.deblock(x, 0.5),
            "non-local means": nlm(4),
            "total variation": tv(0.02),
            "wavelets": wavelet,
        },
    ),
}


def mended(x: Float, values: Mapping[str, float]) -> Float:
    """Our repair of a picture."""
    pixels = np.asarray(np.rint(x * 255), np.uint8)
    return np.asarray(repair.repair(pixels, [Repair(values)]), np.float32) / np.float32(65535)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.restore", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--only", nargs="+", help="faults, by the beginning of their name")
    parser.add_argument("--sheet", type=Path, help="write some as clean | faulty | best classical | ours")
    parser.add_argument("--no-time", action="store_true")
    args = parser.parse_args()
    folder = args.folder / "dev_photos" if (args.folder / "dev_photos").is_dir() else args.folder
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise SystemExit(f"{folder} holds no photographs.")
    order = np.random.default_rng(9).permutation(len(files))[: args.photos]
    photos = [open_photo(files[i]) for i in order]
    clean = [shrink(p.pixels, EDGE) for p in photos]
    rows, figures, strips = [], {}, []
    for name, (make, ours, others) in FAULTS.items():
        if args.only and not any(name.startswith(o) for o in args.only):
            continue
        gains: dict[str, list[float]] = {}
        for k, x in enumerate(clean):
            bad = make(x, np.random.default_rng((7, k)))
            base = psnr(bad, x)
            made = {title: np.clip(method(bad), 0, 1) for title, method in others.items()}
            made["ours"] = mended(bad, ours)
            made["all"] = mended(bad, {**dict.fromkeys(repair.FINE, 1.0), **ours})
            for title, out in made.items():
                gains.setdefault(title, []).append(psnr(np.asarray(out, np.float32), x) - base)
            if args.sheet and k < 2:
                best = max(others, key=lambda t: float(np.mean(gains[t])))
                strips.append(np.hstack([cv2.resize(p, (300, 220)) for p in (x, bad, made[best], made["ours"])]))
        means = {title: float(np.mean(of)) for title, of in gains.items()}
        best = max(others, key=lambda t: means[t])
        over = [a - b for a, b in zip(gains["ours"], gains[best], strict=True)]
        low, high = interval(over)
        rows.append([name, means["ours"], min(gains["ours"]), means["all"], means[best], best, float(np.mean(over)),
                     f"[{low:.2f}, {high:.2f}]"])  # fmt: skip
        figures[name] = {**means, "best classical": best, "over best": float(np.mean(over))}
    show(
        f"{len(clean)} photos, gain in PSNR over doing nothing, dB",
        ("fault", "ours", "worst", "all", "classical", "which", "over it", "95 %"),
        rows,
    )
    if args.sheet and strips:
        cv2.imwrite(str(args.sheet), np.asarray(np.clip(np.vstack(strips), 0, 1) * 255, np.uint8)[..., ::-1])
    found = []
    for photo in photos:
        values = {f.attribute: f.strength for f in diagnose(photo, look(photo))}
        out = mended(np.asarray(photo.pixels, np.float32) / np.float32(255), values) if values else None
        was = np.asarray(photo.pixels, np.float32) / np.float32(255)
        found.append(0.0 if out is None else float(deltaE_ciede2000(lab(was), lab(out)).mean()))
    print(f"clean photos mended by “fix it”: mean ΔE2000 {np.mean(found):.3f}, worst {np.max(found):.2f}, "
          f"untouched {np.mean(np.array(found) == 0):.0%}")  # fmt: skip
    seam = tiled(photos[0].pixels)
    print(f"tiles against the whole: {seam:.2f} code values at most")
    figures |= {"clean": float(np.mean(found)), "tiles": seam}
    if not args.no_time:
        large = np.asarray(cv2.resize(photos[0].pixels, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
        for title, values in (("fine", dict.fromkeys(repair.FINE, 1.0)), ("tone", dict.fromkeys(repair.TONE, 1.0))):
            began = time.perf_counter()
            repair.repair(large, [Repair(values)])
            figures[f"seconds at 12 megapixels, {title}"] = time.perf_counter() - began
            print(f"12 megapixels, {title} repairs: {figures[f'seconds at 12 megapixels, {title}']:.1f} s")
    finish("restore", figures)


def tiled(pixels: NDArray[np.uint8]) -> float:
    """The largest difference, in 8-bit steps, of a photo repaired in small tiles and in one piece."""
    photo = cv2.resize(pixels, (704, 528), interpolation=cv2.INTER_CUBIC)
    was = repair.BAND, restorer.TILE
    out = []
    try:
        for band, tile in ((10_000, 10_000), (256, 256)):
            repair.BAND, restorer.TILE = band, tile  # type: ignore[misc]
            out.append(repair.repair(photo, [Repair(dict.fromkeys(repair.FINE, 1.0))]).astype(np.float64) / 257)
    finally:
        repair.BAND, restorer.TILE = was  # type: ignore[misc]
    return float(np.abs(out[0] - out[1]).max())


if __name__ == "__main__":
    main()
