"""Restore: what a recipe mends before anything else. The pixels, and the photo as it is then seen.

Repairs are applied to the photo as opened, at its own size (`models.repair`); colours come last (`tools.colourise`). Haze and
low light change the tones that all that follows is measured on, so the thumbnail is mended as well and the masks are fitted to
it again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models import mask
from models.mask import SoftMask, full_scale, guide
from models.recipe import Recipe
from models.regions import reach
from models.repair import TONE, Repair, repair
from models.vocabulary import RESTORE_ATTRIBUTES
from tools import hub_restorer
from tools.colourise import painted
from tools.perceive import Seen, region

if TYPE_CHECKING:
    from tools.photo import Photo

Pixels = NDArray[np.generic]

#: From how much of a fault on it is mended unasked: root mean square, in 8-bit steps, of what the restorer would add to the
#: photo; of tones, the mean change of its thumbnail. That is more than 98 of 100 sound photos show.
LEAST: Final = {"denoise": 2.0, "deblock": 2.0, "deblur": 2.0, "dehaze": 24.0, "low_light": 28.0}
#: Squares of the photo at its own size that are looked at for fine faults, and their side.
LOOKED: Final = ((0.5, 0.5), (0.2, 0.25), (0.25, 0.8), (0.8, 0.2), (0.75, 0.75))
SIDE: Final = 192

#: What changes the tones and colours that are measured on the thumbnail.
SEEN: Final = (*TONE, "colourise")
#: How many mended thumbnails are remembered.
REMEMBERED: Final = 16

_mended: OrderedDict[tuple[Any, ...], Seen] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Fault:
    """Something to mend: the attribute that mends it, how strongly (0..1), and what was measured, in a sentence."""

    attribute: str
    strength: float
    sentence: str


_SENTENCES: Final = {
    "denoise": "Noise of about {0:.0f} of 255 steps.",
    "deblock": "Traces of a codec, about {0:.1f} of 255 steps.",
    "deblur": "It is blurred: its fine structure lacks about {0:.0f} of 255 steps.",
    "dehaze": "A veil of haze: about {0:.0f} of 255 steps.",
    "low_light": "Too little light: {0:.0f} of 255 steps are missing.",
}


def diagnose(photo: "Photo", seen: Seen) -> tuple[Fault, ...]:
    """What the restorer finds to mend, in canonical order; empty for a sound photo, or where its weights are not installed."""
    from models import restorer

    if not restorer.installed() or min(photo.pixels.shape[:2]) < 32:
        return ()
    squares = []
    height, width = photo.pixels.shape[:2]
    side = min(SIDE, height, width)
    for fy, fx in LOOKED if min(height, width) > 2 * side else LOOKED[:1]:
        top, left = int((height - side) * fy), int((width - side) * fx)
        square = photo.pixels[top : top + side, left : left + side].astype(np.float32)
        squares.append(restorer.residuals(square / np.float32(full_scale(photo.pixels))))
    # Noise and codecs are everywhere; what the lens has drawn sharply anywhere is not out of focus by accident.
    each = 255 * np.sqrt(np.mean(np.square(squares), axis=(2, 3, 4)))
    found = {"denoise": np.median(each[:, 0]), "deblock": np.median(each[:, 1]), "deblur": each[:, 2].min()}
    picture = np.asarray(seen.thumbnail * 65535 + np.float32(0.5), np.uint16)
    for name in TONE:
        after = repair(picture, [Repair({name: 1.0})]).astype(np.float32) / np.float32(65535)
        found[name] = 255 * float(np.abs(guide(after) - guide(seen.thumbnail)).mean())
    over = {name: float(found[name]) for name in LEAST if found[name] >= LEAST[name]}
    return tuple(Fault(name, 1.0, _SENTENCES[name].format(value)) for name, value in over.items())


def repairs_of(recipe: Recipe, names: tuple[str, ...] = RESTORE_ATTRIBUTES) -> dict[str, dict[str, float]]:
    """The repairs of a recipe, region by region; empty when it mends nothing.

    >>> repairs_of(Recipe().with_values("global", {"denoise": 0.5, "contrast": 0.2}))
    {'global': {'denoise': 0.5}}
    """
    found = {s.region: {n: v for n, v in s.values.items() if n in names} for s in recipe.settings}
    return {name: values for name, values in found.items() if values}


def restored(pixels: Pixels, seen: Seen, recipe: Recipe, told: Callable[[float], None] | None = None) -> Pixels:
    """The photo (H, W, 3), or the same view at another size, as it is after its repairs, in 16 bits.

    `pixels` itself when the recipe mends nothing. `told` hears the share that is done, and may raise to stop.
    """
    return _restored(pixels, seen, recipe, RESTORE_ATTRIBUTES, told)


def mended(seen: Seen, recipe: Recipe) -> Seen:
    """`seen` as it is after the repairs that change tones or colours: its thumbnail mended, its masks fitted again.

    `seen` itself when there are none.
    """
    repairs = repairs_of(recipe, SEEN)
    if not repairs:
        return seen
    key = (seen.scene.photo, repr(repairs), repr(recipe.hints), recipe.keep)
    with _lock:
        if key in _mended:
            _mended.move_to_end(key)
            return _mended[key]
    deep = np.asarray(seen.thumbnail * 65535 + np.float32(0.5), np.uint16)
    after = _restored(deep, seen, recipe, SEEN, None).astype(np.float32) / np.float32(65535)
    view = replace(seen, thumbnail=after)
    view = replace(view, masks={name: refitted(soft, seen, view) for name, soft in seen.masks.items()})
    with _lock:
        _mended[key] = view
        while len(_mended) > REMEMBERED:
            _mended.popitem(last=False)
    return view


def refitted(soft: SoftMask, seen: Seen, view: Seen) -> SoftMask:
    """A mask of the photo as opened, fitted to the thumbnail of `view`."""
    if view is seen or soft.a.size == 1 or not soft.a.any():
        return soft
    luma = guide(view.thumbnail)
    return mask.fit(luma, soft.render(guide(seen.thumbnail)), reach(luma, 3), 6e-4)


def _restored(
    pixels: Pixels, seen: Seen, recipe: Recipe, names: tuple[str, ...], told: Callable[[float], None] | None
) -> Pixels:
    wanted = repairs_of(recipe, names)
    if not wanted or "global" in recipe.keep:
        return pixels
    repairs = [Repair(v, None if n == "global" else m) for n, v in wanted.items() if (m := region(seen, n)) is not None]
    keep = [m for name in recipe.keep if (m := region(seen, name)) is not None]
    out = repair(pixels, repairs, keep, told, hub_restorer.chosen())
    coloured = [(r.values["colourise"], r.mask) for r in repairs if r.values.get("colourise")]
    # Colours are chosen on the thumbnail with its tones mended, so that they are the same at every size.
    return painted(out, mended(seen, uncoloured(recipe)), coloured, recipe.hints, keep) if coloured else out


def uncoloured(recipe: Recipe) -> Recipe:
    """The recipe without its colours."""
    for setting in recipe.settings:
        if "colourise" in setting.values:
            rest = {n: v for n, v in setting.values.items() if n != "colourise"}
            recipe = recipe.with_values(setting.region, rest, setting.solved)
    return recipe
