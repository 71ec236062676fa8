"""What a kind of place does not show: classes that the scene network holds for unlikely are taken back.

A wall behind a desk may look like an overcast sky, a blurred lawn like the sea; who sees the whole knows better. One
logistic regression for each class, on the features of `models.places`, tells how likely the photo shows the class at all;
every pixel's probability of a class is multiplied by those odds where they are below even. Odds above even change nothing:
that there is a sky somewhere does not make this pixel one.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import pinned
from models.scene_encoder import standard
from models.segmentation import CLASSES

FloatImage = NDArray[np.float32]
Vector = NDArray[np.float32]

WEIGHTS: Final = "context"

#: Lowest odds: what the segmenter is sure of (above .91) stays, wherever it is, a small person in a wide land above all.
#: On labelled photos .1 is as good as nothing at all; .2 begins to cost.
LEAST: Final = 0.1


@lru_cache(maxsize=1)
def load() -> dict[str, Vector]:
    """Mean and scale of the features' roots (512,), weight (512, 14), bias (14,). Raises `WeightsError`."""
    return {name: tensor.float().numpy() for name, tensor in pinned.load_safetensors(WEIGHTS).items()}


def odds(place: Vector) -> dict[str, float]:
    """How likely a photo with these features (512,) of `models.places` shows each class, against that it does not."""
    maps = load()
    logits = standard(np.sqrt(place), maps) @ maps["weight"] + maps["bias"]
    return {name: float(np.exp(np.clip(v, -20, 20))) for name, v in zip(CLASSES, logits, strict=True)}


def settle(probabilities: FloatImage, place: Vector) -> FloatImage:
    """`probabilities` (14, h, w) with what the place hardly shows taken back; they still sum to 1. Raises `WeightsError`.

    `other` is what is left, and stays.
    """
    known = odds(place)
    factor = np.array([1.0 if name == "other" else np.clip(known[name], LEAST, 1.0) for name in CLASSES], np.float32)
    weighed = probabilities * factor[:, None, None]
    return np.asarray(weighed / np.maximum(weighed.sum(axis=0), 1e-12), np.float32)
