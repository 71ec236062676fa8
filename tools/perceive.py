"""Perceive: what is seen in a photo. Regions with soft masks and measured attributes, tags, an embedding, a critique.

Once a photo, in about half a second at any size: all looking happens on a thumbnail, and the masks evaluate at full
size.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models import contour, mask, pick, pinned, regions
from models.attributes import measure
from models.critic import Remark, criticise, criticise_regions, extremes, measure_statistics
from models.faces import find_faces
from models.judge import scores
from models.mask import SoftMask
from models.regions import Found
from models.scene_encoder import encode
from models.segmentation import Segmentation, classical
from models.vocabulary import OBJECT_PREFIX, REGIONS, SPATIAL_REGIONS, TONAL_REGIONS, region_order, sought
from tools import hub
from tools.nouns import region_of

if TYPE_CHECKING:
    from tools.photo import Photo

FloatImage = NDArray[np.float32]

#: Long edge of the thumbnail that everything is seen on, in pixels.
LOOK_AT: Final = 512

#: Regions that say nothing of what a place shows.
WIDE: Final = frozenset({"global", "subject", *SPATIAL_REGIONS, *TONAL_REGIONS})

#: How many photos are remembered; one takes about 15 MB.
REMEMBERED: Final = 6


#: How the summary begins for a main tag that is not simply an adjective of "photo".
KINDS: Final = {
    "portrait": "A portrait", "people": "A photo of people", "animal": "A photo of an animal", "object": "A still life",
    "architecture": "An architecture photo", "indoor": "An indoor photo", "outdoor": "An outdoor photo",
}  # fmt: skip


class RegionSeen(BaseModel):
    """A region that the photo has. `area` is its share of the photo, `confidence` how sure its name is, both in 0..1.

    `attributes` are those of `models.attributes.measure`, in its units.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    area: float
    confidence: float
    attributes: dict[str, float]


class Scene(BaseModel):
    """What is seen in a photo, as plain data. `photo` is the sha256 of its file, `embedding` has unit norm.

    `suggestions` are short requests that a person could send as they are. `scores`: 0..100, one a facet and `overall`.
    """

    model_config = ConfigDict(frozen=True)

    photo: str
    width: int
    height: int
    regions: tuple[RegionSeen, ...]
    tags: dict[str, float]
    embedding: tuple[float, ...]
    facts: dict[str, str | float]
    summary: str
    critique: tuple[str, ...]
    suggestions: tuple[str, ...]
    scores: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Seen:
    """A scene with its masks and the thumbnail (h, w, 3) in [0, 1] that it was seen on.

    `classes` (14, h', w'): the segmenter's probabilities on a small grid, for what is pointed at later.
    """

    scene: Scene
    masks: dict[str, SoftMask]
    thumbnail: FloatImage
    classes: FloatImage


_remembered: OrderedDict[str, Seen] = OrderedDict()
_found: dict[tuple[str, str, str | None], SoftMask | None] = {}
_lock, _looking = threading.Lock(), threading.Lock()


def perceive(photo: "Photo") -> Seen:
    """See a photo; the same photo again costs nothing. Raises `WeightsError` if the weights are not the pinned ones."""
    with _lock:
        if photo.sha256 in _remembered:
            _remembered.move_to_end(photo.sha256)
            return _remembered[photo.sha256]
    with _looking:
        # Whoever waited here may find that the photo has been seen meanwhile.
        seen = _remembered.get(photo.sha256) or look(photo)
    with _lock:
        _remembered[photo.sha256] = seen
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)
    return seen


def look(photo: "Photo") -> Seen:
    """See a photo without remembering it."""
    rgb = shrink(photo.pixels, LOOK_AT)
    luma = mask.guide(rgb)
    placed = regions.spatial(*luma.shape)
    named: dict[str, Found] = {}
    sure = regions.recognisable(rgb)
    own = seen = read(rgb) if sure else classical(rgb)
    if sure:
        if (larger := hub.chosen()) is not None:
            seen = hub.read(rgb, own, larger)
        seen = contour.refine(rgb, seen)
        faces = find_faces(rgb, seen.of("skin"))
        named = regions.semantic(luma, seen)
        named |= regions.facial(luma, rgb, seen, faces)
        named |= regions.composed(luma, rgb, seen, named)
        named |= {name: Found(m, 1.0) for name, m in regions.tonal(luma).items()}
    named |= {name: Found(m, 1.0) for name, m in placed.items()}
    named["global"] = Found(mask.everything(), 1.0)
    # Attributes are means over a region: a quarter of the pixels tells them as well.
    small = shrink(rgb, LOOK_AT * 3 // 8)
    luma = mask.guide(small)
    weights = {name: named[name].mask.render(luma) for name in sorted(named, key=region_order)}
    described = [describe_region(name, named[name].confidence, weight, small) for name, weight in weights.items()]
    kept = tuple(r for r in described if r.area > 0.0005 or r.name == "global" or r.name in SPATIAL_REGIONS)
    kind = encode(rgb, own)
    tags = kind.tags if sure else {}
    where = extremes(small, {r.name: weights[r.name] for r in kept if r.name not in WIDE})
    remarks = criticise(measure_statistics(rgb, photo.pixels), tags, where)
    remarks += criticise_regions({r.name: r.area for r in kept}, {r.name: r.attributes for r in kept})
    remarks = tuple(sorted(remarks, key=lambda r: -r.severity))
    height, width = photo.pixels.shape[:2]
    scene = Scene(
        photo=photo.sha256,
        width=width,
        height=height,
        regions=kept,
        tags=tags,
        embedding=tuple(round(float(v), 5) for v in kind.embedding),
        facts=facts_of(photo),
        summary=summarise(kept, tags, remarks),
        critique=tuple(r.sentence for r in remarks),
        suggestions=tuple(dict.fromkeys(r.request for r in remarks)),
        scores=scores(rgb, photo.pixels) if sure else {},
    )
    classes = np.stack([shrink(plane, pick.EDGE) for plane in seen.probabilities])
    return Seen(scene, {r.name: named[r.name].mask for r in kept}, rgb, classes)


def shrink(pixels: NDArray[Any], long_edge: int) -> FloatImage:
    """The photo at `long_edge` or less, area averaged, float32 in [0, 1]. At least one pixel each way."""
    height, width = pixels.shape[:2]
    scale = min(1.0, long_edge / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    top = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    return np.asarray(small, np.float32) / np.float32(top)


def read(rgb: FloatImage) -> Segmentation:
    """The segmenter's answer, or the classical one where no weights are installed at all."""
    if not pinned.available("segmenter"):
        return classical(rgb)
    from models.segmenter import segment

    return segment(rgb)


def describe_region(name: str, confidence: float, weight: FloatImage, rgb: FloatImage) -> RegionSeen:
    """Area, confidence and attributes of one region: its mask `weight` (h, w) over the photo (h, w, 3)."""
    attributes = {key: round(value, 2) for key, value in measure(rgb, weight).items()}
    return RegionSeen(
        name=name, area=round(float(weight.mean()), 4), confidence=round(confidence, 3), attributes=attributes
    )


def region(seen: Seen, name: str) -> SoftMask | None:
    """The mask of a region, or None if the photo does not show it.

    `object:<noun>` is looked up by meaning ("object:oak" is vegetation) and by colour ("object:red areas"); with both
    ("object:red car") it is where the two meet.
    """
    if name in seen.masks:
        return seen.masks[name]
    if name in TONAL_REGIONS:
        return regions.tonal(mask.guide(seen.thumbnail))[name]
    if not sought(name):
        return None
    # Every render and measurement asks again, and a larger model or a pick takes its time.
    key = (seen.scene.photo, name, hub.choice())
    with _lock:
        if key in _found:
            return _found[key]
    picked = pick.parse(name)
    found = named_thing(seen, name.removeprefix(OBJECT_PREFIX)) if picked is None else grown(seen, picked)
    with _lock:
        while len(_found) >= 4 * REMEMBERED:
            _found.pop(next(iter(_found)))
        _found[key] = found
    return found


def named_thing(seen: Seen, noun: str) -> SoftMask | None:
    """The mask of what a noun phrase names: as the larger model finds it, else by meaning and colour; None if neither."""
    larger = hub.chosen()
    if larger is not None and (found := hub.find(seen.thumbnail, noun, larger)) is not None:
        luma = mask.guide(seen.thumbnail)
        return mask.fit(luma, regions.sharpened(found), regions.reach(luma, 6), 6e-4)
    meant, word = region_of(noun), regions.colour_word(noun)
    thing = seen.masks.get(meant) if meant else None
    if word is not None and meant == "clothing":
        # The colour tells a garment apart; that it is worn is all that has to be known besides.
        thing = seen.masks.get("person")
    if word is None or (meant and thing is None):
        return thing
    luma = mask.guide(seen.thumbnail)
    plane = regions.colour(luma, seen.thumbnail, word)
    if plane is None:
        return thing
    if thing is not None:
        plane = regions.pieces_of(plane, thing.render(luma))
    if float(plane.mean()) < regions.LEAST_AREA / 4:
        return None
    return mask.fit(luma, np.asarray(plane, np.float32), regions.reach(luma, 4), 1e-3)


def grown(seen: Seen, picked: pick.Pick) -> SoftMask:
    """The mask of what a pick points at."""
    luma = mask.guide(seen.thumbnail)
    coarse = cv2.resize(pick.grow(picked, seen.thumbnail, seen.classes), luma.shape[::-1])
    return mask.fit(luma, np.asarray(coarse, np.float32), regions.reach(luma, 6), 6e-4)


def facts_of(photo: "Photo") -> dict[str, str | float]:
    """What the camera wrote down, and the part of the day that follows from it."""
    facts: dict[str, str | float] = dict(photo.facts)
    stamp = str(facts.get("datetime", ""))
    clock = stamp.replace("T", " ").partition(" ")[2][:2]
    if clock.isdigit():
        hour = int(clock)
        parts = ((5, "night"), (11, "morning"), (17, "afternoon"), (21, "evening"), (24, "night"))
        facts["time of day"] = next(name for end, name in parts if hour < end or end == 24)
    return facts


def summarise(seen: tuple[RegionSeen, ...], tags: dict[str, float], remarks: tuple[Remark, ...]) -> str:
    """One plain sentence: what kind of photo it is, what it shows, and its worst fault.

    >>> summarise((), {}, ())
    'A photo.'
    """
    kind = next(iter(tags), "")
    start = KINDS.get(kind, f"A {kind} photo" if kind else "A photo")
    things = ("sky", "water", "vegetation", "ground", "mountain", "building", "person", "animal", "vehicle", "food")
    shown = sorted((r for r in seen if r.name in things), key=lambda r: -r.area)[:3]
    words = [f"{r.name} ({r.area:.0%})" for r in shown]
    text = start + (f" with {listed(words)}" if words else "")
    return text + (f"; {remarks[0].sentence[0].lower()}{remarks[0].sentence[1:]}" if remarks else ".")


def listed(words: list[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def describe(seen: Seen) -> str:
    """The scene for a person to read: several lines of plain text."""
    scene = seen.scene
    lines = [scene.summary, f"{scene.width} x {scene.height} pixels"]
    if scene.facts:
        lines.append(", ".join(f"{key}: {value}" for key, value in scene.facts.items()))
    if scene.tags:
        lines.append("Tags: " + ", ".join(f"{name} {value:.0%}" for name, value in scene.tags.items()))
    lines.append("Regions (share of the photo, brightness of 100, warmth, saturation):")
    for r in scene.regions:
        a = r.attributes
        lines.append(
            f"  {r.name:<12}{r.area:>6.1%} {a['brightness']:>5.0f} {a['temperature']:>+5.0f} {a['saturation']:>5.0f}"
            + (f"   {r.confidence:.0%} sure" if r.confidence < 1 else "")
        )
    if scene.scores:
        lines.append("Scores of 100: " + ", ".join(f"{name} {value:.0f}" for name, value in scene.scores.items()))
    if scene.critique:
        lines += ["What could be better:", *(f"  {sentence}" for sentence in scene.critique)]
        lines += ["You could say: " + "; ".join(f'"{text}"' for text in scene.suggestions)]
    return "\n".join(lines)


def overlay(seen: Seen, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of the photo (h, w, 3) with its regions of meaning tinted, outlined and named."""
    luma = mask.guide(rgb)
    picture = rgb.astype(np.float32) * 0.75
    size = max(rgb.shape[:2]) / 1000
    labels: list[tuple[str, tuple[int, int], tuple[int, int, int]]] = []
    for name in (n for n in seen.masks if n not in WIDE | {"background", "foreground"}):
        hue = 180 * (REGIONS.index(name) * 0.381966 % 1) if name in REGIONS else 0
        tint = cv2.cvtColor(np.array([[[hue, 200, 255]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
        weight = seen.masks[name].render(luma)
        inside = (weight > 0.5).astype(np.uint8)
        picture += (weight * 0.35)[..., None] * (tint.astype(np.float32) - picture)
        outline, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        colour = (int(tint[0]), int(tint[1]), int(tint[2]))
        picture = cv2.drawContours(np.ascontiguousarray(picture), outline, -1, colour, max(1, round(1.5 * size)))
        # The photo's border is one, too: a name does not stand half outside.
        depth = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        labels.append((name, (int(column), int(row)), colour))
    for text, (x, y), colour in labels:
        (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * size, 2)
        at = (
            int(np.clip(x - w // 2, 0, max(rgb.shape[1] - w, 0))),
            int(np.clip(y + h // 2, h, max(rgb.shape[0] - 2, h))),
        )
        for ink, thick in (((0, 0, 0), 5), (colour, 2)):
            cv2.putText(
                picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * size, ink, max(1, round(thick * size)), cv2.LINE_AA
            )
    return np.asarray(np.clip(picture, 0, 255), np.uint8)
