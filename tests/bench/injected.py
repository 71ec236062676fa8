"""Renditions that went wrong in a known way while every number they carry claims success, for review to catch."""

from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.darkroom import Darkroom, Opened, Print, finely, measures
from agent.decide import Asked
from models.attributes import change, read, ruler
from models.mask import guide
from models.recipe import Recipe
from tools.perceive import shrink
from tools.retouch import MEASURE_AT, _harm

Pixels = NDArray[np.uint8]

KINDS: Final = ("wrong region", "wrong sign", "doubled", "clipped")
#: Share of the photo that the injected clipping takes to plain white and black, each.
BLOWN: Final = 0.04
#: A region that holds less than this of another one is a wrong region for it.
OVERLAP: Final = 0.3


def picture(darkroom: Darkroom, made: Print) -> Pixels:
    """The preview of a rendition, (h, w, 3) uint8."""
    read = cv2.imread(str(darkroom.store.path(made.preview)), cv2.IMREAD_COLOR)
    assert read is not None
    return np.asarray(read[..., ::-1], np.uint8)


def lying(opened: Opened, good: Print, shown: Pixels) -> Print:
    """What review would be told if the renderer had shown this picture and believed it to be `good`."""
    named = {s.region for s in good.recipe.settings}
    before, after, changes = measures(opened, shown, named)
    changes |= finely(opened, shown, named)
    small = shrink(opened.seen.thumbnail, MEASURE_AT)
    seen = cv2.resize(shown, small.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    spill, clipped, drift = _harm(opened.seen, good.recipe, small, np.asarray(seen, np.float32))
    return good.model_copy(
        update={
            "before": before,
            "after": after,
            "changes": changes,
            "spill": round(spill, 4),
            "clipped": round(clipped, 5),
            "skin_drift": round(drift, 4),
        }
    )


def truth(opened: Opened, shown: Pixels, region: str, attribute: str) -> float:
    """The change of a region measured by itself, on the picture's own pixels."""
    height, width = shown.shape[:2]
    top = np.iinfo(opened.photo.pixels.dtype).max
    photo = opened.photo.pixels.astype(np.float32) / np.float32(top)
    before = np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    by = ruler(before, opened.seen.masks[region].render(guide(before)))
    if by is None:
        return float("nan")
    return change(read(before, by), read(shown.astype(np.float32) / np.float32(255), by))[attribute]


def blown(shown: Pixels) -> Pixels:
    """A picture whose brightest and darkest `BLOWN` have gone to white and black; the tones between them stay."""
    luma = cv2.cvtColor(np.ascontiguousarray(shown), cv2.COLOR_RGB2GRAY)
    # What is white or black already has nothing to lose.
    low, high = np.quantile(luma[(luma > 12) & (luma < 240)], (BLOWN, 1 - BLOWN))
    out = shown.copy()
    out[luma >= high], out[luma <= low] = 255, 0
    return out


def elsewhere(opened: Opened, asked: Asked) -> str | None:
    """The largest region that has little to do with the asked one; None when there is none."""
    luma = guide(opened.before)
    masks = {name: mask.render(luma) for name, mask in opened.seen.masks.items() if name != "global"}
    here = masks.get(asked.region, np.ones(luma.shape, np.float32))
    area = {name: float(mask.mean()) for name, mask in masks.items()}
    most = OVERLAP * float(here.sum())
    apart = [n for n, m in masks.items() if n != asked.region and float((m * here).sum()) < most and area[n] >= 0.005]
    return max(apart, key=lambda name: area[name], default=None)


async def broken(darkroom: Darkroom, opened: Opened, asked: Asked, good: Print) -> Iterator[tuple[str, Print]]:
    """Every kind of broken rendition of one asked change."""
    wrong = elsewhere(opened, asked)
    recipes: dict[str, Recipe] = {
        "wrong sign": Recipe().with_values(asked.region, {asked.attribute: -asked.value}),
        "doubled": Recipe().with_values(asked.region, {asked.attribute: min(max(2 * asked.value, -1), 1)}),
    }
    if wrong is not None:
        recipes["wrong region"] = Recipe().with_values(wrong, {asked.attribute: asked.value})
    shown: dict[str, Callable[[], Pixels]] = {}
    out = []
    for kind, recipe in recipes.items():
        made = await darkroom.render(opened, recipe)
        out.append((kind, lying(opened, good, picture(darkroom, made))))
    shown["clipped"] = lambda: blown(picture(darkroom, good))
    out += [(kind, lying(opened, good, make())) for kind, make in shown.items()]
    return iter(out)
