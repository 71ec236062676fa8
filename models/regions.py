"""From probabilities to regions: which regions a photo has, with soft masks whose edges follow the photo.

Everything happens on a thumbnail; the masks (`models.mask.SoftMask`) evaluate at any resolution. A region that is too
small or too doubtful is left out: saying "there is no sky" is better than repainting a wall.
"""

import re
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import context, mask
from models.attributes import lab
from models.faces import Face, ellipse
from models.mask import SoftMask
from models.segmentation import PERSON_PARTS, POOLED, Segmentation, ramp
from models.vocabulary import MIXER_HUES, SPATIAL_REGIONS

FloatImage = NDArray[np.float32]

#: Least share of the photo and least confidence of a region found by meaning.
LEAST_AREA: Final = 0.004
LEAST_CONFIDENCE: Final = 0.56

#: Radius (thumbnail pixels at a long edge of 512) and eps of the guided filter: wide for far edges, tight for a
#: person's.
EDGES: Final = {
    "sky": (10, 4e-4), "water": (8, 1e-3), "vegetation": (6, 1e-3), "ground": (8, 1e-3), "mountain": (8, 1e-3),
    "building": (6, 1e-3), "person": (6, 6e-4), "skin": (5, 6e-4), "hair": (6, 4e-4), "clothing": (6, 6e-4),
    "animal": (6, 6e-4), "vehicle": (5, 1e-3), "food": (6, 1e-3),
}  # fmt: skip

#: Things in one piece: a hole inside them is doubt, not background.
WHOLE: Final = frozenset({"person", "animal", "vehicle", "food"})

#: Hues, in CIELAB degrees, of colour words beyond the mixer's, and the width of a colour's hue window.
COLOUR_WORDS: Final = MIXER_HUES | {"pink": 0.0, "violet": 310.0, "cyan": 200.0, "turquoise": 190.0, "golden": 80.0,
                                    "gold": 80.0, "brown": 60.0, "beige": 80.0}  # fmt: skip
HUE_WINDOW: Final = (18.0, 36.0)


@dataclass(frozen=True, eq=False)
class Found:
    """A region: its mask and how sure it is that this is what its name says (0..1)."""

    mask: SoftMask
    confidence: float


def spatial(height: int, width: int) -> dict[str, SoftMask]:
    """The regions of place: smooth ramps that take no notice of the photo.

    Ramps of a half reach from the middle third; `center` and `edges` are complementary.
    """
    size = (min(height, 96), min(width, 96))
    y = np.repeat(
        np.linspace(0, 1, size[0], dtype=np.float32)[:, None] if size[0] > 1 else np.full((1, 1), 0.5, np.float32),
        size[1],
        1,
    )
    x = np.repeat(
        np.linspace(0, 1, size[1], dtype=np.float32)[None] if size[1] > 1 else np.full((1, 1), 0.5, np.float32),
        size[0],
        0,
    )
    middle = ramp(np.hypot(x - 0.5, y - 0.5), 0.52, 0.22)
    planes = {
        "left": ramp(x, 0.62, 0.38), "right": ramp(x, 0.38, 0.62), "top": ramp(y, 0.62, 0.38),
        "bottom": ramp(y, 0.38, 0.62), "center": middle, "edges": 1 - middle,
    }  # fmt: skip
    return {name: mask.smooth(np.asarray(planes[name], np.float32)) for name in SPATIAL_REGIONS}


def tonal(luma: FloatImage) -> dict[str, SoftMask]:
    """Shadows and highlights by smoothed tone, relative to the photo but never the dark half of a white wall."""
    radius = reach(luma, 8)
    # Edge-preserving smoothing: a dark thing is a shadow as a whole, whatever its texture.
    smooth = mask.fit(luma, luma, radius, 4e-3)
    tone = np.asarray(
        cv2.resize(smooth.a, luma.shape[::-1]) * luma + cv2.resize(smooth.b, luma.shape[::-1]), np.float32
    )
    p5, p30, p70, p95 = (float(v) for v in np.percentile(tone, (5, 30, 70, 95)))
    dark, bright = min(max(p5, 0.06), 0.28), max(min(p95, 0.94), 0.62)
    shadows = ramp(tone, min(max(p30, dark + 0.12), 0.48), dark)
    highlights = ramp(tone, max(min(p70, bright - 0.12), 0.5), bright)
    return {
        "shadows": mask.fit(luma, shadows, reach(luma, 6), 2e-3),
        "highlights": mask.fit(luma, highlights, reach(luma, 6), 2e-3),
    }


def reach(luma: FloatImage, radius: int) -> int:
    """A radius meant for a long edge of 512, on this thumbnail; at least 1."""
    return max(1, round(radius * max(luma.shape) / 512))


#: Below the first probability a pixel is outside, above the second inside.
DECIDED: Final = (0.32, 0.66)
#: Of what a guided filter gives, this is outside and this inside: it leaves a wide faint rim that would show as a halo.
RIM: Final = (0.2, 0.88)


def steep(soft: SoftMask) -> SoftMask:
    """A mask with its border narrowed to the values between `RIM`."""
    low, high = RIM
    gain = (mask.HIGH - mask.LOW) / (high - low)
    return SoftMask(soft.a * np.float32(gain), soft.b * np.float32(gain) + np.float32(mask.LOW - low * gain))


def sharpened(probability: FloatImage) -> FloatImage:
    """Doubt becomes a decision, with a soft border; well outside exactly 0, well inside exactly 1."""
    return ramp(probability, *DECIDED)


def semantic(luma: FloatImage, seen: Segmentation) -> dict[str, Found]:
    """The regions that the segmenter's classes give directly."""
    found: dict[str, Found] = {}
    for name, (radius, eps) in EDGES.items():
        # Four classes together would win against a single one too easily.
        probability = seen.of(*PERSON_PARTS) if name == "person" else seen.against(name)
        one = from_probability(luma, tidy(probability, name in WHOLE), radius, eps)
        if one is not None:
            found[name] = one
    if "person" in found and not plausible_person(seen):
        for name in PERSON_PARTS:
            found.pop(name, None)
    return found


def tidy(probability: FloatImage, fill: bool) -> FloatImage:
    """Without the crumbs (pieces of less than 2 % of the region) and, if `fill`, without the holes inside it."""
    inside = (probability > 0.5).astype(np.uint8)
    area = int(inside.sum())
    if area == 0:
        return probability
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= 0.02 * area
    large[0] = False
    # The soft border of a piece belongs to it.
    size = 2 * reach(probability, 9) + 1
    near = cv2.dilate(large[labels].astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    clean = probability * near
    if fill:
        _, labels, stats, _ = cv2.connectedComponentsWithStats((clean <= 0.5).astype(np.uint8), connectivity=4)
        border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
        hole = stats[:, cv2.CC_STAT_AREA] < 0.12 * area
        hole[border] = False
        hole[labels[clean > 0.5]] = False
        clean = np.where(hole[labels], np.maximum(clean, np.float32(0.75)), clean)
    return np.asarray(clean, np.float32)


def plausible_person(seen: Segmentation) -> bool:
    """True if the place is one that shows people, or some skin or hair shows: a door hung with cloth has neither."""
    place = seen.features[POOLED:]
    if place.any() and max(context.odds(place)[name] for name in ("person", "skin", "hair")) > 1:
        return True
    whole = sharpened(seen.of(*PERSON_PARTS))
    bare = seen.of("skin", "hair") * whole
    return float(bare.sum()) > 0.06 * float(whole.sum())


def from_probability(luma: FloatImage, probability: FloatImage, radius: int, eps: float) -> Found | None:
    """A region from a probability (h, w); None where it is too small or too doubtful."""
    inside = probability > 0.5
    if float(inside.mean()) < LEAST_AREA:
        return None
    confidence = float(probability[inside].mean())
    if confidence < LEAST_CONFIDENCE:
        return None
    return Found(steep(mask.fit(luma, sharpened(probability), reach(luma, radius), eps)), confidence)


def facial(luma: FloatImage, rgb: FloatImage, seen: Segmentation, faces: tuple[Face, ...]) -> dict[str, Found]:
    """Face, eyes and teeth, where faces have been found."""
    shape = (luma.shape[0], luma.shape[1])
    skin = seen.of("skin", "person")
    face, eyes = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for one in faces:
        x, y, w, h = one.box
        oval = ellipse(shape, x + w / 2, y + h * 0.53, w * 0.52, h * 0.66)
        face = np.maximum(face, oval * ramp(skin, 0.15, 0.5))
        for ex, ey, r in one.eyes:
            eyes = np.maximum(eyes, ellipse(shape, ex, ey, r * 1.15, r * 0.75))
    found: dict[str, Found] = {}
    sure = max((one.confidence for one in faces), default=0.0)
    if float(face.mean()) > LEAST_AREA / 8:
        found["face"] = Found(mask.fit(luma, face, reach(luma, 4), 1e-3), sure)
    if eyes.any():
        found["eyes"] = Found(mask.fit(luma, eyes, reach(luma, 2), 4e-3), 0.8 * sure)
    teeth = find_teeth(rgb, faces)
    if teeth is not None:
        found["teeth"] = Found(mask.fit(luma, teeth, 1, 1e-4), 0.5 * sure)
    return found


def find_teeth(rgb: FloatImage, faces: tuple[Face, ...]) -> FloatImage | None:
    """Bright, nearly grey pixels where the mouth of a large frontal face is; None if there are too few to be teeth."""
    teeth = np.zeros(rgb.shape[:2], np.float32)
    for one in faces:
        x, y, w, h = one.box
        if w < 60 or len(one.eyes) < 2:
            continue
        left, right, top, bottom = (int(v) for v in (x + 0.28 * w, x + 0.72 * w, y + 0.66 * h, y + 0.92 * h))
        colours = lab(rgb[top:bottom, left:right])
        cheek = lab(rgb[int(y + 0.5 * h) : int(y + 0.65 * h), int(x + 0.2 * w) : int(x + 0.8 * w)])
        if colours.size == 0 or cheek.size == 0:
            continue
        level, chroma = np.median(cheek[..., 0]), np.median(np.hypot(cheek[..., 1], cheek[..., 2]))
        grey = np.hypot(colours[..., 1], colours[..., 2])
        white = (colours[..., 0] > level + 2) & (grey < 0.6 * chroma) & (colours[..., 1] < 0.45 * chroma + 2)
        white = cv2.morphologyEx(white.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        if 0.004 * w * h < int(white.sum()) < 0.06 * w * h:
            teeth[top:bottom, left:right] = np.maximum(teeth[top:bottom, left:right], white)
    return teeth if teeth.any() else None


def salient(rgb: FloatImage, seen: Segmentation) -> FloatImage:
    """How much each pixel (h, w) stands out, 0..1: far in CIELAB from the colours of the border, near the centre."""
    height, width = rgb.shape[:2]
    scale = 64 / max(height, width)
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    small = lab(cv2.GaussianBlur(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), (0, 0), 1))
    border = np.concatenate(
        [small[:2].reshape(-1, 3), small[-2:].reshape(-1, 3), small[:, :2].reshape(-1, 3), small[:, -2:].reshape(-1, 3)]
    )
    # The tenth of the border nearest in colour: a pixel is background if a good part of the border looks like it.
    distances = np.linalg.norm(small[:, :, None, :] - border[None, None], axis=-1)
    near = np.sort(distances, axis=-1)[..., : max(1, len(border) // 10)].mean(axis=-1)
    y, x = np.ogrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    central = np.exp(-(x * x + y * y) / 0.9)
    behind = cv2.resize(seen.of("sky", "water", "ground", "mountain"), size, interpolation=cv2.INTER_AREA)
    value = cv2.GaussianBlur((near * central * (1 - 0.8 * behind)).astype(np.float32), (0, 0), 2)
    value = value / max(float(np.percentile(value, 98)), 6.0)
    return np.asarray(
        np.clip(cv2.resize(value.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC), 0, 1), np.float32
    )


def composed(luma: FloatImage, rgb: FloatImage, seen: Segmentation, named: dict[str, Found]) -> dict[str, Found]:
    """Subject, background and foreground."""
    subject, confidence = None, 0.0
    for name, least in (("person", 0.012), ("animal", 0.012), ("food", 0.03), ("vehicle", 0.04)):
        probability = seen.of(*PERSON_PARTS) if name == "person" else seen.of(name)
        if name in named and float(probability.mean()) >= least:
            subject = tidy(probability, fill=True)
            confidence = named[name].confidence
            break
    known = subject is not None
    if subject is None:
        value = salient(rgb, seen)
        threshold = float(cv2.threshold((value * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[0]) / 255
        subject = ramp(value, max(threshold - 0.15, 0.05), threshold + 0.15)
        confidence = 0.4
        if not 0.01 < float(subject.mean()) < 0.6:
            height, width = luma.shape
            subject, confidence = ellipse((height, width), width / 2, height / 2, width * 0.3, height * 0.3), 0.2
    coarse = sharpened(subject)
    radius = reach(luma, 6)
    found = {
        "subject": Found(mask.fit(luma, coarse, radius, 6e-4), confidence),
        "background": Found(mask.fit(luma, np.asarray(1 - coarse, np.float32), radius, 6e-4), confidence),
    }
    low = np.repeat(np.linspace(0, 1, luma.shape[0], dtype=np.float32)[:, None], luma.shape[1], 1)
    near = ramp(low, 0.45, 0.75) * (1 - sharpened(seen.of("sky", "mountain")))
    near = np.maximum(near, coarse) if known else near
    if float(near.mean()) > 0.02:
        found["foreground"] = Found(mask.fit(luma, np.asarray(near, np.float32), reach(luma, 8), 2e-3), 0.5)
    return found


def colour(luma: FloatImage, rgb: FloatImage, word: str) -> FloatImage | None:
    """How much each pixel has the colour `word` names (h, w) in 0..1; None for a word that names no colour."""
    values = lab(cv2.GaussianBlur(rgb, (0, 0), 1.0))
    lightness, chroma = values[..., 0], np.hypot(values[..., 1], values[..., 2])
    if word == "white":
        return ramp(lightness, 78, 90) * ramp(chroma, 14, 7)
    if word == "black":
        return ramp(lightness, 22, 10) * ramp(chroma, 16, 8)
    if word in ("grey", "gray"):
        return ramp(chroma, 12, 6) * ramp(lightness, 12, 24) * ramp(lightness, 90, 78)
    hue = COLOUR_WORDS.get(word)
    if hue is None:
        return None
    angle = np.degrees(np.arctan2(values[..., 2], values[..., 1]))
    apart = np.abs((angle - hue + 180) % 360 - 180).astype(np.float32)
    plane = ramp(apart, HUE_WINDOW[1], HUE_WINDOW[0]) * ramp(chroma, 8, 20)
    if word == "brown":
        plane = plane * ramp(lightness, 62, 48)
    return np.asarray(plane, np.float32)


def pieces_of(plane: FloatImage, thing: FloatImage) -> FloatImage:
    """What of a coloured area (h, w) belongs to a thing (h, w): its pieces that the thing covers in part.

    A piece much larger than the thing (a red car before a red wall) is cut at the thing's border instead.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((plane > 0.5).astype(np.uint8), connectivity=4)
    covered = np.bincount(labels.ravel(), weights=thing.ravel(), minlength=len(stats))
    areas = stats[:, cv2.CC_STAT_AREA]
    whole = (covered > 0.12 * areas) & (areas < 1.5 * float(thing.sum()))
    whole[0] = False
    near = cv2.dilate(whole[labels].astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(plane * np.maximum(near, thing), np.float32)


def colour_word(text: str) -> str | None:
    """The colour that a noun phrase names, if any.

    >>> colour_word("red areas"), colour_word("yellows"), colour_word("tree")
    ('red', 'yellow', None)
    """
    for word in re.findall(r"[a-z]+", text.lower()):
        for candidate in (word, word.removesuffix("s"), word.removesuffix("ish"), word.removesuffix("dish")):
            if candidate in COLOUR_WORDS or candidate in ("white", "black", "grey", "gray"):
                return candidate
    return None


def recognisable(rgb: FloatImage) -> bool:
    """False for a picture in which nothing can be told apart: a flat wall, noise, black, a strip a few pixels wide."""
    height, width = rgb.shape[:2]
    if min(height, width) < 16 or max(height, width) > 12 * min(height, width):
        return False
    coarse = lab(cv2.resize(rgb, (12, 12), interpolation=cv2.INTER_AREA))
    return float(coarse.reshape(-1, 3).std(axis=0).max()) > 2.5
