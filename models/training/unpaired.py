"""Requests without an answer: a photo that has no better version, and what a parameter map asks of it.

Half of the photos are as they were found, the others as a bad camera or a careless edit leaves them (`pairs.degrade`), for a
good photo hardly needs a look. Most maps are empty, the automatic look; the others tell a few attributes of the whole or of
some superpixels, and may keep one.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.attributes import ruler
from models.develop import open_loop, region_ops, tone_zones
from models.parameter_map import SIZE, parameter_map
from models.render import Layer, render
from models.training.pairs import degrade
from models.vocabulary import MAP_ATTRIBUTES

Float = NDArray[np.float32]


@dataclass(frozen=True)
class RequestOptions:
    """Shares of the kinds of request."""

    found: float = 0.5  # share of photos as they were found
    told: float = 0.3  # share of requests whose map asks for something
    keep: float = 0.4  # share of these, where there are regions, that keep one
    spread: float = 0.25  # standard deviation of a told value


@dataclass(frozen=True, eq=False)
class Request:
    """`photo`, `developed` (h, w, 3) in [0, 1], at the photo's size; `maps` (15, 64, 64)."""

    photo: Float
    developed: Float
    maps: Float


def make_request(
    photo: NDArray[np.uint8], parts: NDArray[np.int32], rng: np.random.Generator, options: RequestOptions
) -> Request:
    """One request for a cached photo (h, w, 3) and its superpixels `parts` (h, w)."""
    flip = -1 if rng.random() < 0.5 else 1
    x = np.asarray(photo[:, ::flip] / np.float32(255), np.float32)
    parts = parts[:, ::flip]
    if rng.random() >= options.found:
        x = degrade(x, rng, clean=0.0)
    if rng.random() >= options.told:
        return Request(x, x, parameter_map({}, {}))
    regions: dict[str, Float] = {"global": np.ones(x.shape[:2], np.float32)}
    if rng.random() < 0.7:
        groups = rng.integers(0, 3, size=int(parts.max()) + 1)[parts]
        regions = {f"object:{chr(97 + int(g))}": (groups == g).astype(np.float32) for g in np.unique(groups)}
    names = list(regions)
    kept = names.pop() if len(names) > 1 and rng.random() < options.keep else None
    deep = np.asarray(x * 65535 + 0.5, np.uint16)
    asked: dict[str, dict[str, float]] = {}
    developed = x
    for name in names:
        chosen = rng.choice(len(MAP_ATTRIBUTES), size=int(rng.integers(1, 4)), replace=False)
        values = {
            MAP_ATTRIBUTES[int(k)]: round(float(np.clip(options.spread * rng.standard_normal(), -0.6, 0.6)), 3)
            for k in chosen
        }
        by = ruler(x, regions[name])
        if by is None:
            continue
        asked[name] = values
        zones = tone_zones(x, by)
        layer = Layer(region_ops(values, open_loop(values, zones), zones))
        soft = cv2.GaussianBlur(regions[name], (0, 0), 0.6 * x.shape[0] / SIZE)[..., None]
        developed = developed + soft * (render(deep, [layer]).astype(np.float32) / np.float32(65535) - developed)
    maps = parameter_map(asked, regions, regions[kept] if kept else None)
    return Request(x, np.asarray(np.clip(developed, 0, 1), np.float32), maps)
