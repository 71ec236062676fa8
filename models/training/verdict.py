"""What a sampled look is worth: the critic's gain behind a gate of compliance, and the structure it keeps.

    reward = (1 − w) · gate · logistic(gain / scale) + w · structure

* *gain*: how much less severe the judge finds the faults than in the photo (`models.judge`), of the facets that a grid of
  colours can mend; noise and sharpness cannot be told on a thumbnail.
* *gate*: whether what the parameter map asks for came out and what it keeps stayed. It multiplies a number that is never
  negative, so that a look never gains by disobeying.
* *structure*: the correlation of small windows with the photo's, the structure part of SSIM (Wang et al. 2004): light and
  contrast may change as they like, flattened or reversed detail costs.

The shape is that of SmartPhotoCrafter's reward for its artist; the structure term against forgetting is SemiNFT's idea.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.attributes import change, read, ruler
from models.grid import LUMA
from models.judge import FACETS, features, severities
from models.vocabulary import MAP_ATTRIBUTES

Float = NDArray[np.float32]

#: Facets of the judge that a grid of colours can mend.
MENDABLE: Final = ("exposure", "contrast", "colour", "white balance", "haze")
_MENDABLE = [FACETS.index(name) for name in MENDABLE]

#: Side of the windows whose structure is compared, and SSIM's constant for them.
WINDOW: Final = 7
STABLE: Final = 0.03**2 / 2

#: A region smaller than this share is not asked whether its target was met: its reading is noise.
SMALLEST: Final = 0.02


@dataclass(frozen=True)
class RewardOptions:
    """How the parts of a reward weigh."""

    gain_scale: float = 0.5  # summed severity of faults mended that counts as clearly better (0.73 of 1)
    structure: float = 0.3  # weight w of the structure term; 0: critic and gate alone
    tolerance: float = 0.05  # a told value met within this is met
    miss: float = 0.2  # a miss by this much more leaves 1/e of the credit
    drift: float = 4.0  # code values of mean change in a kept region, beyond one, that leave 1/e


@dataclass(frozen=True)
class Verdict:
    """The parts of one look's reward. `gain`: severity, any sign; `gate`, `structure`, `reward`: 0..1."""

    gain: float
    gate: float
    structure: float
    reward: float


def told(maps: Float) -> list[tuple[str, float, NDArray[np.bool_]]]:
    """The targets in a parameter map (15, h, w): attribute, value and where, one for every value of an attribute.

    >>> told(np.zeros((15, 64, 64), np.float32))
    []
    """
    count = len(MAP_ATTRIBUTES)
    found = []
    for channel, name in enumerate(MAP_ATTRIBUTES):
        sure = maps[count + channel] > 0.9
        values = np.round(maps[channel], 3)
        for value in np.unique(values[sure]):
            where = sure & (values == value)
            if where.mean() >= SMALLEST:
                found.append((name, float(value), where))
    return found


def compliance(photo: Float, made: Float, maps: Float, options: RewardOptions) -> float:
    """0..1: how well `made` (h, w, 3) does to `photo` what `maps` (15, h, w) asks; 1 for a map that asks for nothing.

    The mean credit of all targets, times the credit for what is kept.
    """
    credits = []
    for name, value, where in told(maps):
        by = ruler(photo, where.astype(np.float32))
        if by is not None:
            missed = abs(change(read(photo, by), read(made, by))[name] - value)
            credits.append(np.exp(-max(0.0, missed - options.tolerance) / options.miss))
    kept = maps[-1] > 0.9
    held = 1.0
    if kept.mean() >= SMALLEST:
        drift = 255 * float(np.abs(made - photo)[kept].mean())
        held = float(np.exp(-max(0.0, drift - 1) / options.drift))
    return held * float(np.mean(credits)) if credits else held


def structure(source: Tensor, made: Tensor) -> Tensor:
    """Structure (B,) that `made` (B, 3, H, W) keeps of `source`, 0..1; 1 for any brightening or contrast that clips nothing.

    >>> x = torch.rand(1, 3, 16, 16)
    >>> bool(structure(x, 0.3 + 0.5 * x) > 0.9), float(structure(x, 1 - x))
    (True, 0.0)
    """
    x, y = (torch.einsum("bchw,c->bhw", p, p.new_tensor(LUMA)).unsqueeze(1) for p in (source, made))

    def mean(v: Tensor) -> Tensor:
        return functional.avg_pool2d(v, WINDOW, 1)

    mx, my = mean(x), mean(y)
    vx, vy = ((mean(v * v) - m * m).clamp_min(0) for v, m in ((x, mx), (y, my)))
    shared = mean(x * y) - mx * my
    return ((shared + STABLE) / ((vx * vy).sqrt() + STABLE)).mean((1, 2, 3)).clamp(0, 1)


def faults(pictures: Float) -> NDArray[np.float64]:
    """Summed severity (n,) of the mendable faults of thumbnails (n, h, w, 3) in [0, 1]."""
    found = severities(np.stack([features(p, p) for p in pictures]))
    return np.asarray(found[:, _MENDABLE].sum(1), np.float64)


def reward(gain: float, gate: float, kept: float, options: RewardOptions) -> float:
    """The reward, 0..1: rises with each of `gain`, `gate` and `kept` (the structure).

    >>> reward(0.0, 1.0, 1.0, RewardOptions(structure=0.5))
    0.75
    """
    better = float(1 / (1 + np.exp(-np.clip(gain / options.gain_scale, -30, 30))))
    return (1 - options.structure) * gate * better + options.structure * kept


def small(pictures: Float, side: int) -> Float:
    """Pictures (n, h, w, 3) by area to (n, side, side, 3)."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    return np.asarray(functional.interpolate(tensor, size=(side, side), mode="area").numpy().transpose(0, 2, 3, 1))


def judge_looks(photo: Float, raw: Float, maps: Float, options: RewardOptions) -> list[Verdict]:
    """Verdicts on looks `raw` (n, h, w, 3) of one `photo` (h, w, 3), both in [0, 1], asked for by `maps` (15, 64, 64).

    The gate sees the looks as they are; critic and structure see them as the product shows them, kept regions untouched.
    """
    import cv2

    held = cv2.resize(maps[-1], photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    shown = np.asarray(raw + held * (photo - raw), np.float32)
    own, *severity = faults(np.concatenate([photo[None], shown]))
    source, looks = (torch.from_numpy(p.transpose(0, 3, 1, 2).copy()) for p in (photo[None], shown))
    kept = structure(source.expand_as(looks), looks).tolist()
    gates = [1.0] * len(raw)
    if maps.any():
        before, *after = small(np.concatenate([photo[None], raw]), maps.shape[-1])
        gates = [compliance(before, one, maps, options) for one in after]
    return [
        Verdict(own - s, g, k, reward(own - s, g, k, options)) for s, g, k in zip(severity, gates, kept, strict=True)
    ]
