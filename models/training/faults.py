"""Faults put into clean photographs, one after the other, so that each one's share of the damage is known.

Fine faults, in the order in which a camera makes them: blur of focus or motion in linear light, noise of the sensor, a codec.
Faults of the tone: haze, an affine veil that grows with distance (Koschmieder 1924), and too little light. `python -m
tests.bench.restore` makes its faults with the same functions, at strengths of its own.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.lens import disc
from models.training.pairs import to_gamma, to_linear

Float = NDArray[np.float32]


@dataclass(frozen=True)
class FaultOptions:
    """How often each fault comes, and how strong it is."""

    blur: float = 0.4
    noise: float = 0.3
    codec: float = 0.8
    alone: float = 0.8  # share of squares on which only one of the fine faults is left
    haze: float = 0.4
    dark: float = 0.4


def motion(length: float, angle: float) -> Float:
    """The kernel of a movement of `length` pixels in a direction (radians), of unit sum.

    >>> round(float(motion(9, 0.3).sum()), 4)
    1.0
    """
    n = int(np.ceil(length / 2))
    y, x = np.mgrid[-n : n + 1, -n : n + 1].astype(np.float32)
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    kernel = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def blurred(x: Float, kernel: Float) -> Float:
    """A blur as light makes it."""
    return to_gamma(np.asarray(cv2.filter2D(to_linear(x), -1, kernel, borderType=cv2.BORDER_REFLECT), np.float32))


def noisy(x: Float, sigma: float, rng: np.random.Generator) -> Float:
    """White Gaussian noise of standard deviation `sigma` on every channel, clipped."""
    return np.clip(x + rng.normal(0, sigma, x.shape).astype(np.float32), 0, 1)


def coded(x: Float, quality: int, subsampled: bool = True) -> Float:
    """Through a JPEG of this quality, 4:2:0 or 4:4:4."""
    layout = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if subsampled else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    how = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, layout]
    bgr = np.asarray(np.rint(np.clip(x, 0, 1) * 255), np.uint8)[..., ::-1]
    back = np.asarray(cv2.imdecode(cv2.imencode(".jpg", bgr, how)[1], cv2.IMREAD_COLOR))
    return back[..., ::-1].astype(np.float32) / np.float32(255)


def stepped(x: Float) -> Float:
    """In the 256 steps of an 8-bit file."""
    return np.asarray(np.rint(np.clip(x, 0, 1) * 255), np.float32) / np.float32(255)


def darkened(x: Float, stops: float, sigma: float, rng: np.random.Generator) -> Float:
    """Exposed `stops` too little, with the noise of a sensor: shot noise and a floor, `sigma` of gamma-encoded white."""
    light = to_linear(x) * np.float32(2.0**-stops)
    spread = np.float32(2 * sigma) * np.sqrt(np.maximum(light, 0) * 0.5 + 1e-4)
    return stepped(to_gamma(light + spread * rng.normal(0, 1, x.shape).astype(np.float32)))


def smooth_field(shape: tuple[int, int], rng: np.random.Generator, cells: int = 4) -> Float:
    """A smooth random map (h, w) in [0, 1]."""
    field = cv2.resize(rng.random((cells, cells)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    low, high = float(field.min()), float(field.max())
    return np.asarray((field - low) / max(high - low, 1e-6), np.float32)


def hazed(x: Float, through: Float | float, light: Float) -> Float:
    """Haze of the colour `light` (3,), of which the share `through` (h, w) of the photo's own light comes through."""
    t = np.asarray(through, np.float32)
    t = t[..., None] if t.ndim == 2 else t
    return np.asarray(x * t + light * (1 - t), np.float32)


def fine_faults(x: Float, options: FaultOptions, rng: np.random.Generator) -> tuple[Float, Float, Float, Float]:
    """A clean picture, and the same after blur, after noise too, and after a codec too."""
    clean = x
    has = rng.random(3) < (options.blur, options.noise, options.codec)
    if has.sum() > 1 and rng.random() < options.alone:
        has &= np.arange(3) == rng.choice(np.flatnonzero(has))
    if has[0]:
        kind = rng.random()
        if kind < 0.5:
            kernel = disc(float(rng.uniform(0.6, 5.0)))
        elif kind < 0.8:
            kernel = motion(float(rng.uniform(3, 13)), float(rng.uniform(0, np.pi)))
        else:
            sigma = float(rng.uniform(0.5, 2.5))
            line = cv2.getGaussianKernel(2 * int(3 * sigma) + 3, sigma)
            kernel = np.asarray(line @ line.T, np.float32)
        x = blurred(x, kernel)
    soft = x
    if has[1]:
        sigma = float(np.exp(rng.uniform(np.log(2), np.log(58)))) / 255
        noise = rng.normal(0, 1, x.shape).astype(np.float32)
        kind = rng.random()
        if kind < 0.2:  # a sensor's: more in the light, and smeared by its demosaicing
            noise = cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(0.4, 0.9)))
            noise *= np.sqrt(0.3 + x) / max(float(noise.std()), 1e-6)
        elif kind < 0.3:  # colour noise in blotches
            blotch = cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(1, 3)))
            noise = 0.4 * noise + 1.2 * (blotch - blotch.mean(axis=2, keepdims=True)) / max(float(blotch.std()), 1e-6)
        x = np.clip(x + np.float32(sigma) * noise, 0, 1)
    grainy = stepped(x)
    if has[2]:
        x = coded(grainy, int(rng.integers(8, 70)), bool(rng.random() < 0.6))
    return clean, soft, grainy, stepped(x)


def tone_faults(x: Float, options: FaultOptions, rng: np.random.Generator) -> tuple[Float, str]:
    """A whole small photo with haze, with too little light, or as it is; and which: "dehaze", "low_light" or ""."""
    kind = rng.random()
    shape = (x.shape[0], x.shape[1])
    if kind < options.haze:
        rows = np.linspace(1, 0, shape[0], dtype=np.float32)[:, None]
        depth = rng.uniform(0, 1) * rows + rng.uniform(0, 0.7) * smooth_field(shape, rng)
        thick = float(rng.uniform(0.1, 1.6))
        through = np.clip(np.exp(-thick * (0.25 + depth)), 0.3, 1)
        light = np.asarray(rng.uniform(0.65, 1.0) + rng.normal(0, 0.02, 3), np.float32)
        return stepped(hazed(x, np.asarray(through, np.float32), light)), "dehaze"
    if kind < options.haze + options.dark:
        stops, sigma = float(rng.uniform(0.6, 3.5)), float(rng.uniform(0, 0.01))
        dark = darkened(x, stops, sigma, rng)
        if rng.random() < 0.2:  # against the light: part of the photo is dark
            share = np.clip(2 * smooth_field(shape, rng, 3) - 0.5, 0, 1)[..., None]
            dark = stepped(x + share * (dark - x))
        return dark, "low_light"
    return x, ""
