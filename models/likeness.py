"""Likeness: how far a photo has to move to look like a reference, from what is measured on both.

A reference shows its style together with its content: a beach is bright and blue before anybody has touched it. Methods that
give a photo the statistics of the reference (Reinhard et al. 2001; Pitié and Kokaram 2007) carry the content over as well.
Here a region is summed up by its *traits*, and the *shift* that the style alone has made is estimated from how far the
reference's traits lie from those of ordinary photos: a ridge regression, fitted by `models.training.likeness` on photos in
styles that are known. The estimate is the mean of what the style may have been, so it is as bold as the reference is unusual.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.attributes import LOGITS_PER_UNIT, OPPONENT_PER_UNIT, Float, Ruler, lab, read, tone
from models.pinned import load_safetensors
from models.reference import MATCHED, TONES, Reference
from models.vocabulary import MAP_ATTRIBUTES

#: How many of them are attributes.
SHIFTS: Final = len(MAP_ATTRIBUTES)

#: Variance within 5×5 places below which they are flat, and how many colours make up four fifths of a drawing.
FLAT: Final = 0.05
FEW: Final = 45

#: Bounds of a shift that still looks like a photo.
BOUNDS: Final = {
    "brightness": 0.55, "contrast": 0.7, "highlights": 0.6, "shadows": 0.6, "temperature": 0.55, "tint": 0.4,
    "saturation": 1.0,
}  # fmt: skip
#: How much of a shift a drawing says about photos: its palette, little of its tones, which are flat and bright.
_DRAWN: Final = np.array([0.4, 0.3, 0.25, 0.25, 0.9, 0.9, 0.5])
_LIMIT: Final = np.array([BOUNDS[name] for name in MAP_ATTRIBUTES])


def traits(rgb: Float, by: Ruler) -> NDArray[np.float64]:
    """The traits (16,) of a region of `rgb` (h, w, 3) in [0, 1], each about -3..3.

    The first seven are levels of the attributes: a difference of two is a change in the unit of `models.attributes`, but for
    saturation, which is the binary logarithm of mean chroma over mean lightness.
    """
    seen = read(rgb, by)
    middle, dark, bright = seen.tails()
    level = max(seen.lightness, 1.0)
    values = lab(rgb.reshape(-1, 3)[by.index][None])[0]
    zones = (by.weights[[1, 3, 5]] @ values[:, 1:]).astype(np.float64) / 25
    order = np.argsort(values[:, 0], kind="stable")
    rank = np.cumsum(by.weights[0][order])
    black, white = (float(values[order[min(int(np.searchsorted(rank, q)), order.size - 1)], 0]) for q in (0.01, 0.99))
    chroma = np.hypot(values[:, 1], values[:, 2])
    spread = float(np.sqrt(max(by.weights[0] @ chroma**2 - (by.weights[0] @ chroma) ** 2, 0.0)))
    warm, magenta = seen.b / level / OPPONENT_PER_UNIT, seen.a / level / OPPONENT_PER_UNIT
    colourful = np.log2((seen.chroma + 0.7) / level * 4)
    levels = (tone(seen.lightness) / LOGITS_PER_UNIT, np.log2(middle), np.log2(bright), -np.log2(dark), warm, magenta)
    return np.array([*levels, colourful, *zones.ravel(), black / 25, white / 25 - 3, spread / 10])


def as_values(shift: NDArray[np.float64]) -> dict[str, float]:
    """A shift (7,) as values of a recipe, within what still looks like a photo.

    >>> found = as_values(np.array([9.0, 0, 0, 0, 0, 0, -1]))
    >>> found["brightness"], found["saturation"]
    (0.55, -0.5)
    """
    values = np.asarray(shift, np.float64).copy()
    values[-1] = 2.0 ** values[-1] - 1
    return dict(zip(MAP_ATTRIBUTES, np.clip(values, -_LIMIT, _LIMIT).round(4).tolist(), strict=True))


@lru_cache(maxsize=1)
def _fitted() -> dict[str, NDArray[np.float64]]:
    return {name: tensor.double().numpy() for name, tensor in load_safetensors("likeness").items()}


def shifts(
    reference: Reference,
    photo: Mapping[str, NDArray[np.float64]],
    fitted: Mapping[str, NDArray[np.float64]] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """The shift (7,) of every region of a photo that the reference's style stands for; `photo`: traits by region.

    The whole, its shadows and highlights, and what is matched by meaning. Raises `WeightsError` without the fitted numbers.
    """
    fitted = fitted or _fitted()
    of = {name: np.array(values) for name, values in reference.traits.items()}
    out = {}
    for name in photo:
        if name in of and (name == "global" or name in TONES or name in MATCHED):
            x = design(name, of["global"], of[name], photo["global"], photo[name], fitted)
            key = "matched" if name in MATCHED else name
            out[name] = x @ fitted[key][:-1] + fitted[key][-1]
            if reference.drawn:
                out[name] = out[name] * (1 - reference.drawn * (1 - _DRAWN))
    # Of a drawing the palette of its light and dark tones is taken, never the colour of a thing.
    return {name: shift for name, shift in out.items() if reference.drawn < 0.5 or name not in MATCHED}


def design(
    name: str, whole: NDArray[np.float64], part: NDArray[np.float64], own: NDArray[np.float64], own_part: NDArray[np.float64],
    fitted: Mapping[str, NDArray[np.float64]],
) -> NDArray[np.float64]:  # fmt: skip
    """What the regression of a region sees: traits of the reference and of the photo, as far as they are out of the ordinary.

    All arrays may have leading axes.
    """
    ordinary = fitted["ordinary.global"]
    seen = [whole - ordinary, own - ordinary]
    if name != "global":
        here = fitted[f"ordinary.{name}"]
        seen = [whole - ordinary, part - here, own - ordinary, own_part - here]
    return np.clip(np.concatenate(seen, axis=-1), -4, 4)


def drawing(rgb: Float) -> float:
    """How sure it is that a picture (h, w, 3) is drawn, 0..1: few colours and flat areas with hard edges, as in posters,
    illustrations and animated frames. Burnt-out and black areas say nothing."""
    scale = min(1.0, 384 / max(rgb.shape[:2]))
    size = (max(8, round(rgb.shape[1] * scale)), max(8, round(rgb.shape[0] * scale)))
    small = np.clip(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), 0, 1).astype(np.float32)
    values = lab(small)
    inside = ((values[..., 0] > 4) & (values[..., 0] < 97)).ravel()
    if inside.mean() < 0.1:
        return 0.0
    # Share of places whose neighbours are the same within what a codec makes of a flat area.
    flat = np.zeros(small.shape[:2], np.float32)
    for plane in (values[..., 0], values[..., 1], values[..., 2]):
        mean = cv2.blur(plane, (5, 5))
        flat = np.maximum(flat, cv2.blur(plane * plane, (5, 5)) - mean * mean)
    level = float((flat.ravel()[inside] < FLAT).mean())
    cells = np.floor(values.reshape(-1, 3)[inside] / 6).astype(np.int64)
    _, counts = np.unique(cells, axis=0, return_counts=True)
    shares = np.sort(counts)[::-1] / counts.sum()
    few = int(np.searchsorted(np.cumsum(shares), 0.8)) + 1
    return float(np.clip((level - 0.38) / 0.17, 0, 1) * np.clip((FEW - few) / 20, 0, 1))
