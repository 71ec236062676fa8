"""The scene encoder: what kind of photo this is, whatever its exposure or colour cast.

The embedding is a learned linear map of what the segmenter saw (its pooled features and where each class lies) and of what
kind of place a second network takes it for (`models.places`), scaled to unit norm. The segmenter has been trained under
changes of exposure and cast, and the map to bring views of one photo together and to keep photos apart (InfoNCE; van den
Oord et al. 2018) while photos with the same tags stay near. Tags come from a second linear map that also sees the light,
because night and sunset *are* light.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models import pinned
from models.attributes import lab
from models.segmentation import CLASSES, PERSON_PARTS, POOLED, Segmentation

FloatImage = NDArray[np.float32]
Vector = NDArray[np.float32]

#: The tags a photo can get, the more telling first: of two equally likely ones the first is the main tag.
TAGS: Final = (
    "portrait", "people", "wildlife", "animal", "food", "flower", "macro", "night", "sunset", "snow", "beach", "sea",
    "lake", "forest", "mountain", "desert", "meadow", "city", "street", "architecture", "indoor", "sport", "vehicle",
    "object", "garden", "sky", "landscape", "outdoor",
)  # fmt: skip

GRID: Final = 3
WEIGHTS: Final = "scene"


class Encoded(NamedTuple):
    """What kind of photo it is: `embedding`, of unit norm and at most 256 numbers, and `tags` (see `encode`)."""

    embedding: Vector
    tags: dict[str, float]


def class_grid(seen: Segmentation) -> Vector:
    """Where each class lies (126): the roots of the class shares on a 3×3 grid."""
    grid = [cv2.resize(plane, (GRID, GRID), interpolation=cv2.INTER_AREA).ravel() for plane in seen.probabilities]
    return np.asarray(np.sqrt(np.concatenate(grid)), np.float32)


def seen_vector(seen: Segmentation) -> Vector:
    """What the networks saw, without light (1110): pooled features, the class grid, and the place, which is flattened."""
    pooled, place = seen.features[:POOLED], seen.features[POOLED:]
    return np.concatenate([pooled, class_grid(seen), np.sqrt(place)]).astype(np.float32)


def light_vector(rgb: FloatImage) -> Vector:
    """The light (15): mean L*, a*, b*, chroma of three bands from the top, and the spread of L*; about unit scale."""
    values = lab(rgb)
    bands = [
        values[int(len(values) * i / 3) : max(int(len(values) * (i + 1) / 3), int(len(values) * i / 3) + 1)]
        for i in range(3)
    ]
    rows: list[float] = []
    for band in bands:
        flat = band.reshape(-1, 3)
        rows += [float(flat[:, 0].mean()) / 50 - 1, *(float(flat[:, i].mean()) / 20 for i in (1, 2))]
        rows.append(float(np.hypot(flat[:, 1], flat[:, 2]).mean()) / 30 - 1)
    low, middle, high = (float(v) / 50 - 1 for v in np.percentile(values[..., 0], (5, 50, 95)))
    return np.array([*rows, low, middle, high], np.float32)


@lru_cache(maxsize=1)
def load() -> dict[str, Vector] | None:
    """The two maps; None where they are not installed. Raises `WeightsError` for a file that is not the pinned one."""
    if not pinned.available(WEIGHTS):
        return None
    return {name: tensor.float().numpy() for name, tensor in pinned.load_safetensors(WEIGHTS).items()}


def standard(vector: Vector, maps: dict[str, Vector]) -> Vector:
    """`vector` with the mean and scale of the training views taken out, and outliers held."""
    return np.clip((vector - maps["mean"]) / maps["scale"], -6, 6).astype(np.float32)


def encode(rgb: FloatImage, seen: Segmentation) -> Encoded:
    """The embedding and the tags of a thumbnail (h, w, 3) in [0, 1], as the segmenter saw it.

    The same photo lit otherwise lies close by. Tags come with their confidence in 0..1, the most confident first; only
    those of at least 0.3. Where no network has looked both come from the areas of the classes alone. Raises `WeightsError`.
    """
    maps = load()
    if maps is None or not seen.features.any():
        vector, found = class_grid(seen), tag_by_rule(seen)
    else:
        inputs = standard(seen_vector(seen), maps)
        vector = np.asarray(inputs @ maps["embed"], np.float32)
        logits = np.concatenate([inputs, light_vector(rgb)]) @ maps["tags"] + maps["bias"]
        found = {name: float(1 / (1 + np.exp(-v))) for name, v in zip(TAGS, logits, strict=True)}
    kept = {name: round(value, 3) for name, value in found.items() if value >= 0.3}
    unit = np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)
    return Encoded(unit, dict(sorted(kept.items(), key=lambda pair: -pair[1])))


def tag_by_rule(seen: Segmentation) -> dict[str, float]:
    """Tags from the areas of the classes alone."""
    share = dict(zip(CLASSES, (float(v) for v in seen.shares()), strict=True))
    person = sum(share[name] for name in PERSON_PARTS)
    nature = share["sky"] + share["water"] + share["vegetation"] + share["ground"] + share["mountain"]
    rules = {
        "portrait": 6 * min(share["skin"], share["hair"] + 0.05) + person - 0.1,
        "people": 4 * person - 0.05,
        "animal": 4 * share["animal"],
        "food": 4 * share["food"],
        "sea": 3 * share["water"] - 0.1,
        "mountain": 3 * share["mountain"],
        "forest": 1.3 * share["vegetation"] - 0.3,
        "architecture": 1.6 * share["building"] - 0.1,
        "city": 1.3 * share["building"] + share["vehicle"] - 0.15,
        "landscape": nature - person - share["building"],
    }
    return {name: min(max(value, 0.0), 0.95) for name, value in rules.items()}
