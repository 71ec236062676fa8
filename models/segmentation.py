"""What a segmenter says, and how to say the most obvious of it without one.

`Segmentation` is the common answer. `classical` fills it from colour, place and texture alone; it is the fallback for
an installation without weights, and knows only sky, vegetation, skin and the rest.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]

#: The classes in channel order. `person` is what is left of a person after skin, hair and clothing (glasses, teeth,
#: crowds).
CLASSES: Final = (
    "sky", "water", "vegetation", "ground", "mountain", "building", "person", "skin", "hair", "clothing", "animal",
    "vehicle", "food", "other",
)  # fmt: skip

#: The channels that together make up a whole person.
PERSON_PARTS: Final = ("person", "skin", "hair", "clothing")


#: How many numbers the features of a photo are: the segmenter's pooled ones and those of the place (`models.places`).
POOLED: Final = 472
FEATURES: Final = POOLED + 512


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Class probabilities (14, h, w), summing to 1 at every pixel, and the networks' features of the photo (FEATURES,).

    The features are zero where no network has looked.
    """

    probabilities: FloatImage
    features: FloatImage

    def of(self, *names: str) -> FloatImage:
        """The probability (h, w) that a pixel shows one of `names`."""
        chosen = self.probabilities[[CLASSES.index(name) for name in names]]
        return np.asarray(np.minimum(chosen.sum(axis=0), 1), np.float32)

    def against(self, *names: str) -> FloatImage:
        """How likely (h, w) one of `names` is against the likeliest other class: above a half where they win.

        With fourteen classes the winner often has less than a half of the whole.
        """
        mine = self.of(*names)
        rest = [i for i, name in enumerate(CLASSES) if name not in names]
        return np.asarray(mine / np.maximum(mine + self.probabilities[rest].max(axis=0), 1e-6), np.float32)

    def shares(self) -> FloatImage:
        """The share of the photo that each class takes, (14,)."""
        return np.asarray(self.probabilities.mean(axis=(1, 2)), np.float32)


def ramp(x: FloatImage, low: float, high: float) -> FloatImage:
    """A smooth step from 0 at `low` to 1 at `high` (falling if `high` < `low`)."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def classical(rgb: FloatImage) -> Segmentation:
    """A rough segmentation of (h, w, 3) in [0, 1] without any learned part.

    Sky: upper, smooth, and blue or bright. Vegetation: green in CIELAB. Skin: the usual YCrCb box (Chai and Ngan 1999).
    """
    height, width = rgb.shape[:2]
    lab = cv2.cvtColor(np.ascontiguousarray(rgb, np.float32), cv2.COLOR_RGB2Lab)
    lightness, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    grey = np.ascontiguousarray(lightness)
    texture = cv2.GaussianBlur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (0, 0), max(1.0, width / 128))
    high = np.linspace(1, 0, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    bluish = np.maximum(ramp(-b, 2, 12), ramp(lightness, 72, 88))
    sky = bluish * ramp(high, 0.3, 0.65) * ramp(texture, 3.5, 1.2) * ramp(lightness, 25, 45)
    green = ramp(-a, 3, 10) * ramp(b, 4, 12) * (1 - sky)
    ycc = cv2.cvtColor((np.clip(rgb, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2YCrCb)
    skin = cv2.inRange(ycc, (50, 136, 80), (245, 173, 127)).astype(np.float32) / 255
    skin = cv2.GaussianBlur(skin, (0, 0), max(1.0, width / 256)) * (1 - sky) * (1 - green) * 0.8
    found = np.zeros((len(CLASSES), height, width), np.float32)
    for name, plane in (("sky", sky), ("vegetation", green), ("skin", skin)):
        found[CLASSES.index(name)] = plane
    found[-1] = np.maximum(1 - found.sum(axis=0), 0)
    return Segmentation(found / np.maximum(found.sum(axis=0), 1e-6), np.zeros(FEATURES, np.float32))
