"""Colourise: colours for a photo that has none, or has lost some. Luma stays bit for bit (`models.chroma`).

The network (`models.colouriser`) looks once at the thumbnail, at what the segmenter sees in it, at what is left of its own
colour, and at hints: a colour for a region, from words ("the dress was red") or from another picture, matched by meaning. A
region with a hint comes out in that colour on the mean, whatever the network thinks of it. Hints are numbers of the recipe,
which renders again without the picture they came from.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import chroma
from models.attributes import LOGITS_PER_UNIT, OPPONENT_PER_UNIT
from models.chroma import ChromaMap
from models.mask import SoftMask, guide
from models.recipe import Hint
from models.reference import LENT, MATCHED, TRAITS, Reference
from models.vocabulary import region_order
from tools.perceive import Seen, region

Float = NDArray[np.float32]
Pixels = NDArray[np.generic]

#: Regions whose colour a reference tells. Not the person's as a whole: the mean of skin and clothes is neither.
TOLD: Final = (*(name for name in MATCHED if name != "person"), *LENT)
#: Mean chroma below which a reference's region is grey, and tells no colour.
LEAST_CHROMA: Final = 1.5
#: Colours that are remembered; one is a few megabytes.
REMEMBERED: Final = 4

_made: OrderedDict[tuple[str, str], ChromaMap] = OrderedDict()
_lock = threading.Lock()


def colourised(
    pixels: Pixels,
    seen: Seen,
    strength: float = 1.0,
    hints: Sequence[Hint] = (),
    reference: Reference | None = None,
) -> Pixels:
    """`pixels` (H, W, 3) uint8 or uint16, the photo of `seen` at any size, in colour; same size and type, same luma.

    `strength` in 0..1, 0 is the identity. `hints` outrank those of a `reference`. Raises `WeightsError`.
    """
    return painted(pixels, seen, [(strength, None)], (*hints, *(hints_of(reference, seen) if reference else ())))


def painted(
    pixels: Pixels,
    seen: Seen,
    strengths: Sequence[tuple[float, SoftMask | None]],
    hints: Sequence[Hint] = (),
    keep: Sequence[SoftMask] = (),
) -> Pixels:
    """As `colourised`, with a strength for every region; where regions overlap the stronger one holds. `keep` stays."""
    wanted = [(min(v, 1.0), mask) for v, mask in strengths if v > 0]
    return chroma.paint(pixels, colours(seen, hints), wanted, keep) if wanted else pixels


def colours(seen: Seen, hints: Sequence[Hint] = ()) -> ChromaMap:
    """The colours of a photo at any size. The same photo and hints give the same; asked again they cost nothing."""
    said = repr([(h.region, h.a, h.b) for h in hints])
    shown = hashlib.blake2b(seen.thumbnail.tobytes(), digest_size=16)
    shown.update(seen.classes.tobytes())
    key = (seen.scene.photo + shown.hexdigest(), said)
    with _lock:
        if key in _made:
            _made.move_to_end(key)
            return _made[key]
    made = chosen(seen, hints)
    with _lock:
        _made[key] = made
        while len(_made) > REMEMBERED:
            _made.popitem(last=False)
    return made


def chosen(seen: Seen, hints: Sequence[Hint] = ()) -> ChromaMap:
    """The colours of a photo, without looking whether they are known."""
    from models.colouriser import predict

    luma = guide(seen.thumbnail)
    told = np.zeros((*luma.shape, 3), np.float32)
    places: list[tuple[Hint, Float]] = []
    # Wide before narrow, and of two for one region the first.
    for hint in sorted({h.region: h for h in reversed(hints)}.values(), key=lambda h: region_order(h.region)):
        mask = region(seen, hint.region)
        if mask is None:
            continue
        weight = mask.render(luma)
        told[weight > 0.5] = (hint.a, hint.b, 1)
        places.append((hint, weight))
    left = chroma.of(seen.thumbnail)
    # Rounding leaves crumbs of chroma on a grey photo.
    left[np.abs(left).max(axis=2) < 0.1] = 0
    ab = predict(luma, seen.classes, told, left)
    for i, (hint, weight) in enumerate(places):
        rest = weight.copy()
        for _, later in places[i + 1 :]:
            rest *= 1 - later
        ab = obeyed(ab, luma, hint, rest)
    return chroma.fit(luma, chroma.in_plane(luma, ab))


def obeyed(ab: Float, luma: Float, hint: Hint, weight: Float) -> Float:
    """Colours (h, w, 2) whose mean over a region, `weight` (h, w), is the hint's where the frame shows colour at all."""
    # Near black and white there is no room for colour, so those places neither count nor turn.
    room = weight * np.clip(4 * luma * (1 - luma), 0, 1)
    if float(room.sum()) < 1:
        return ab
    mean = np.tensordot(room, ab, axes=2) / room.sum()
    return np.asarray(ab + weight[..., None] * (np.array([hint.a, hint.b]) - mean), np.float32)


def hints_of(reference: Reference, seen: Seen, strength: float = 1.0) -> tuple[Hint, ...]:
    """The colours of a reference for what both pictures show: its sky for the sky, its skin for the skin.

    A reference without colour says nothing; one that is drawn has colours of its own, also for skin. `strength` in 0..1: how
    far from the colour that the network itself gives a region to the reference's.
    """
    there = {r.name for r in seen.scene.regions}
    hints = []
    own = _own(seen) if 0 < strength < 1 else None
    for name in TOLD:
        if name not in reference.traits or name not in there:
            continue
        of = dict(zip(TRAITS, reference.traits[name], strict=True))
        level = 100 / (1 + np.exp(-LOGITS_PER_UNIT * of["brightness"])) * OPPONENT_PER_UNIT
        a, b = float(level * of["tint"]), float(level * of["temperature"])
        if strength <= 0 or np.hypot(a, b) < LEAST_CHROMA:
            continue
        mask = region(seen, name)
        if own is not None and mask is not None and (weight := mask.render(guide(seen.thumbnail))).sum() >= 1:
            mean = np.tensordot(weight, own, axes=2) / weight.sum()
            a, b = (float(m + strength * (v - m)) for m, v in zip(mean, (a, b), strict=True))
        hints.append(Hint(region=name, a=round(float(np.clip(a, -99, 99)), 1), b=round(float(np.clip(b, -99, 99)), 1)))
    return tuple(hints)


def _own(seen: Seen) -> Float:
    """The colours (h, w, 2) that the network gives the thumbnail of a photo when nobody tells any, CIELAB a and b."""
    small = np.asarray(np.rint(np.clip(seen.thumbnail, 0, 1) * 255), np.uint8)
    return chroma.of(np.asarray(colourised(small, seen), np.float32) / np.float32(255))
