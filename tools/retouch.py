"""Retouch: a recipe on a photo. Preview, full size, the closed loop that makes asked equal measured, and measurements.

What is to be mended comes first (`tools.restore`); all that follows is solved and measured on the mended photo. Regions are
developed in canonical order, wide before narrow; then the look's bilateral grid, then finishing. A value of a region says how
much *that setting* changes the region: the measured difference between the rendition with it and the one without it and what
follows it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.attributes import Ruler, change, lab, read, ruler
from models.develop import TONAL, ToneZones, open_loop, region_ops, tone_zones
from models.finish import SPATIAL, Finish, finish
from models.mask import SoftMask, guide
from models.recipe import Recipe, Setting
from models.render import Layer, render
from models.repair import FINE, structure
from models.solve import descend
from models.vocabulary import MAP_ATTRIBUTES
from tools.perceive import Seen, region, shrink
from tools.restore import SEEN, mended, refitted, repairs_of, restored

if TYPE_CHECKING:
    from models.pipeline import RetouchPipeline
    from tools.photo import Photo

Float = NDArray[np.float32]
Pixels = NDArray[np.generic]

#: Long edge on which changes are measured and solved.
MEASURE_AT: Final = 256
#: How much further than drawn a sample lies from the expected look.
VARIETY: Final = 2.0
#: A solved value is within this of the asked one, where the frame allows it.
SOLVED: Final = 0.004
#: A solution further away than this is looked for once more, from other starts.
FAR: Final = 0.02


@dataclass(frozen=True, eq=False)
class Rendition:
    """What was made. `preview`: (h, w, 3) uint8; `grid`: (12, 8, 16, 16) float32, or None without a look.

    `asked` and `achieved`: region → attribute → value; `spill`: mean ΔE2000 where nothing was asked; `clipped`: share of the
    photo that had detail and is as good as white or black now; `skin_drift`: mean ΔE2000 of skin; `structure`: fine structure
    after the repairs as a share of before (`models.repair`); `seconds` by stage.
    """

    recipe: Recipe
    preview: NDArray[np.uint8]
    grid: Float | None
    asked: dict[str, dict[str, float]]
    achieved: dict[str, dict[str, float]]
    spill: float
    clipped: float
    skin_drift: float
    structure: float = 1.0
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Bench:
    """A small copy of the photo with rulers and tone zones of a recipe's regions, to solve and measure on."""

    deep: NDArray[np.uint16]
    masks: dict[str, SoftMask | None]
    rulers: dict[str, Ruler]
    zones: dict[str, ToneZones]


def _masks(seen: Seen, names: tuple[str, ...]) -> dict[str, SoftMask | None]:
    """Masks of the regions that the photo has; None for `global`."""
    found: dict[str, SoftMask | None] = {}
    for name in names:
        if name == "global":
            found[name] = None
        elif (mask := region(seen, name)) is not None:
            found[name] = mask
    return found


def _bench(seen: Seen, recipe: Recipe) -> _Bench:
    view = mended(seen, recipe)
    small = shrink(view.thumbnail, MEASURE_AT)
    luma = guide(small)
    found = _masks(seen, tuple(s.region for s in recipe.settings))
    masks = {name: soft and refitted(soft, seen, view) for name, soft in found.items()}
    rulers, zones = {}, {}
    for name, mask in masks.items():
        by = ruler(small, np.ones(luma.shape, np.float32) if mask is None else mask.render(luma))
        if by is not None:
            rulers[name], zones[name] = by, tone_zones(small, by)
    return _Bench(np.asarray(small * 65535 + np.float32(0.5), np.uint16), masks, rulers, zones)


@lru_cache(maxsize=1)
def _pipeline() -> "RetouchPipeline":
    from models.pipeline import load_pipeline

    return load_pipeline()


_grids: dict[tuple[str, int, int, tuple[float, ...], str], Float] = {}


@lru_cache(maxsize=16)
def _drawn(text: str) -> Float:
    from models.fit_grid import unpack

    return unpack(text)


def look_grid(seen: Seen, recipe: Recipe) -> Float | None:
    """The grid of a recipe's look on this photo, (12, 8, 16, 16), before its strength; None without a look. Remembered.

    What an artist drew is in the recipe itself. Raises `RecipeError` where that is damaged.
    """
    look = recipe.look
    if look is None or look.strength == 0:
        return None
    if look.drawn:
        return _drawn(look.drawn)
    key = (seen.scene.photo, look.seed, look.steps, look.style, repr((repairs_of(recipe, SEEN), recipe.hints)))
    if key not in _grids:
        import torch

        from models.pipeline import thumbnail_tensor
        from models.style import STYLE_DIM

        generator = torch.Generator().manual_seed(look.seed)
        # A style of another length was made by another encoder: it says nothing to this one.
        style = torch.tensor([look.style]) if len(look.style) == STYLE_DIM else None
        thumbnail = thumbnail_tensor(mended(seen, recipe).thumbnail)
        grid = _pipeline()(thumbnail, style=style, num_inference_steps=look.steps, generator=generator).grids
        if look.seed:
            # Samples lie close around the expected look, one step from any noise; further out they can be told apart.
            expected = _pipeline()(thumbnail, style=style, num_inference_steps=1).grids
            grid = expected + VARIETY * (grid - expected)
        while len(_grids) >= 64:
            _grids.pop(next(iter(_grids)))
        _grids[key] = grid[0].numpy()
    return _grids[key]


def style_of(rgb: Float) -> tuple[float, ...]:
    """The style vector (16 numbers, unit norm) of a finished photo (h, w, 3) in [0, 1], for `Look.style`."""
    from models.pipeline import thumbnail_tensor

    return tuple(round(float(v), 5) for v in _pipeline().style_of(thumbnail_tensor(rgb))[0])


def _layer(setting: Setting, parameters: Mapping[str, float], bench: _Bench) -> Layer:
    return Layer(region_ops(setting.values, parameters, bench.zones[setting.region]), bench.masks[setting.region])


def _parameters(setting: Setting, bench: _Bench) -> dict[str, float]:
    """Develop parameters: the solved ones where they are complete, else open loop."""
    wanted = {n: v for n, v in setting.values.items() if n in MAP_ATTRIBUTES}
    if wanted and wanted.keys() <= setting.solved.keys():
        return {n: setting.solved[n] for n in wanted}
    return {
        **open_loop(wanted, bench.zones[setting.region]),
        **{n: setting.solved[n] for n in wanted if n in setting.solved},
    }


def _developed(seen: Seen, recipe: Recipe, bench: _Bench) -> list[Layer]:
    return [_layer(s, _parameters(s, bench), bench) for s in recipe.settings if s.region in bench.zones]


def solve(
    seen: Seen, recipe: Recipe, aims: Mapping[str, Mapping[str, float]] | None = None, only: str | None = None
) -> Recipe:
    """Fill every setting's `solved`, so that what is measured is what was asked.

    Secant steps (`models.solve`) from the open loop on the thumbnail, region by region in canonical order, through the look's
    grid. What the frame does not allow comes out as near as it can. Settings of regions that the photo lacks are left.
    `aims` (region → attribute → value) are met instead of the settings' values where they differ: a photo full of texture
    changes a little less than its thumbnail. `only`: the one region that is solved; the others are solved already.
    """
    bench = _bench(seen, recipe)
    grid = look_grid(seen, recipe)
    strength = recipe.look.strength if recipe.look else 0.0
    layers: list[Layer] = []
    settings: list[Setting] = []

    def picture(more: list[Layer]) -> Float:
        return render(bench.deep, [*layers, *more], grid, strength).astype(np.float32) / np.float32(65535)

    for setting in recipe.settings:
        wanted = {n: v for n, v in setting.values.items() if n in MAP_ATTRIBUTES}
        by = bench.rulers.get(setting.region)
        if by is None or (only is not None and setting.region != only):
            settings.append(setting)
            if by is not None:
                layers.append(_layer(setting, _parameters(setting, bench), bench))
            continue
        aimed = {n: (aims or {}).get(setting.region, {}).get(n, v) for n, v in wanted.items()}
        parameters = open_loop(aimed, bench.zones[setting.region])
        if wanted:
            before = read(picture([_layer(setting.model_copy(update={"values": _rest(setting)}), {}, bench)]), by)
            names = list(wanted)
            goal = np.array([aimed[n] for n in names])

            def error(p: NDArray[np.float64], s: Setting = setting, b: Ruler = by, n: list[str] = names,
                      r: object = before, g: NDArray[np.float64] = goal) -> NDArray[np.float64]:  # fmt: skip
                layer = _layer(s, dict(zip(n, p.tolist(), strict=True)), bench)
                now = change(r, read(picture([layer]), b))  # type: ignore[arg-type]
                return np.array([now[k] for k in n]) - g

            bound = np.array([TONAL.get(n, 3.0) for n in names])
            start = np.array([parameters.get(n, 0.0) for n in names])
            p = descend(error, start, bound, SOLVED)
            if float(np.abs(error(p)).max()) > FAR:
                # A start at the end of the range has no slope to go by: begin again nearer the identity, keep the best.
                tries = [p, *(descend(error, share * start, bound, SOLVED) for share in (0.5, 0.15))]
                p = min(tries, key=lambda x: float(error(x) @ error(x)))
            parameters = {n: round(float(v), 5) for n, v in zip(names, p, strict=True)}
        solved = Setting(region=setting.region, values=setting.values, solved=parameters)
        settings.append(solved)
        layers.append(_layer(solved, parameters, bench))
    return recipe.but(settings=tuple(settings))


def _rest(setting: Setting) -> dict[str, float]:
    return {n: v for n, v in setting.values.items() if n not in MAP_ATTRIBUTES}


def render_full(
    photo: "Photo",
    seen: Seen,
    recipe: Recipe,
    bits: int | None = None,
    told: Callable[[float], None] | None = None,
) -> Pixels:
    """The whole photo by a recipe, same size and type as `photo.pixels`; the same recipe gives the same pixels.

    `bits` 16: the result keeps what lies between the steps of an 8-bit photo. `told` hears the share of its repairs that is
    done, and may raise to stop.
    """
    return _render(photo.pixels, restored(photo.pixels, seen, recipe, told), seen, recipe, bits)


def _render(pixels: Pixels, base: Pixels, seen: Seen, recipe: Recipe, bits: int | None = None) -> Pixels:
    """All that comes after the repairs; `base` is `pixels` repaired."""
    bench = _bench(seen, recipe)
    keep = [m for m in _masks(seen, recipe.keep).values() if m is not None]
    if "global" in recipe.keep:
        return pixels
    strength = recipe.look.strength if recipe.look else 0.0
    layers = _developed(seen, recipe, bench)
    finishes = [
        Finish({n: v for n, v in s.values.items() if n in SPATIAL}, bench.masks[s.region])
        for s in recipe.settings
        if s.region in bench.masks
    ]
    bits = bits or 8 * pixels.dtype.itemsize
    out = render(base, layers, look_grid(seen, recipe), strength, keep, bits)
    return finish(out, base if out.dtype == base.dtype else render(base, bits=bits), finishes, keep)


def render_small(seen: Seen, recipe: Recipe) -> Float:
    """The thumbnail at MEASURE_AT by a recipe, float32 in [0, 1]: what a decision about the next setting can be read off."""
    small = shrink(seen.thumbnail, MEASURE_AT)
    deep = np.asarray(small * 65535 + np.float32(0.5), np.uint16)
    return _render(deep, restored(deep, seen, recipe), seen, recipe).astype(np.float32) / np.float32(65535)


def retouch(photo: "Photo", seen: Seen, recipe: Recipe, long_edge: int = 1024) -> Rendition:
    """Render a preview of a recipe and measure it. Settings without `solved` parameters are developed open loop."""
    began = time.perf_counter()
    grid = look_grid(seen, recipe)
    looked = time.perf_counter()
    small = shrink(photo.pixels, long_edge)
    deep = np.asarray(small * 65535 + np.float32(0.5), np.uint16)
    base = restored(deep, seen, recipe)
    shown = _render(deep, base, seen, recipe)
    preview = np.asarray((shown.astype(np.uint32) + 128) // 257, np.uint8)
    rendered = time.perf_counter()
    asked, achieved = _achieved(seen, recipe, grid)
    before = shrink(small, MEASURE_AT)
    after = shrink(shown, MEASURE_AT)
    mended = None if base is deep else shrink(base, MEASURE_AT)
    spill, clipped, drift = _harm(seen, recipe, before, after, mended)
    done = time.perf_counter()
    seconds = {"look": looked - began, "render": rendered - looked, "measure": done - rendered}
    fine = structure(deep, base) if repairs_of(recipe, FINE) else 1.0
    return Rendition(recipe, preview, grid, asked, achieved, spill, clipped, drift, fine, seconds)


def _achieved(
    seen: Seen, recipe: Recipe, grid: Float | None
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    bench = _bench(seen, recipe)
    strength = recipe.look.strength if recipe.look else 0.0
    layers: list[Layer] = []
    asked: dict[str, dict[str, float]] = {}
    achieved: dict[str, dict[str, float]] = {}
    for setting in recipe.settings:
        by = bench.rulers.get(setting.region)
        asked[setting.region] = dict(setting.values)
        if by is None:
            achieved[setting.region] = {}
            continue
        wanted = [n for n in setting.values if n in MAP_ATTRIBUTES]
        base = _layer(setting.model_copy(update={"values": _rest(setting)}), {}, bench)
        full = _layer(setting, _parameters(setting, bench), bench)
        if wanted:
            before, after = (
                read(render(bench.deep, [*layers, one], grid, strength).astype(np.float32) / np.float32(65535), by)
                for one in (base, full)
            )
            now = change(before, after)
            achieved[setting.region] = {n: round(now[n], 4) for n in wanted}
        else:
            achieved[setting.region] = {}
        layers.append(full)
    return asked, achieved


def _harm(
    seen: Seen, recipe: Recipe, before: Float, after: Float, mended: Float | None = None
) -> tuple[float, float, float]:
    """Spill, new clipping and skin drift between thumbnails of one size. `mended`: as repairs leave the photo.

    Skin that was lit, or given its colour, has not drifted: what counts is what comes after.
    """
    from skimage.color import deltaE_ciede2000

    luma = guide(before)
    difference = np.asarray(deltaE_ciede2000(lab(before), lab(after)), np.float32)
    clear = np.ones(luma.shape, np.float32)
    if any(s.region == "global" for s in recipe.settings) or (recipe.look and recipe.look.strength):
        clear[:] = 0
    for mask in _masks(seen, tuple(s.region for s in recipe.settings)).values():
        if mask is not None:
            clear = np.minimum(clear, mask.render(luma) == 0)
    for mask in _masks(seen, recipe.keep).values():
        if mask is not None:
            clear = np.maximum(clear, mask.render(luma) == 1)
    spill = float((difference * clear).sum() / max(float(clear.sum()), 1.0))
    # Read on luma: one channel at its end is ordinary in a strong colour, and takes no detail away.
    shown = guide(after)
    lost = ((shown > 0.99) & (luma < 0.97)) | ((shown < 0.008) & (luma > 0.03))
    skin = seen.masks.get("skin")
    weight = skin.render(luma) if skin is not None else np.zeros_like(luma)
    if mended is not None:
        difference = np.asarray(deltaE_ciede2000(lab(mended), lab(after)), np.float32)
    drift = float((difference * weight).sum() / max(float(weight.sum()), 1.0))
    return spill, float(lost.mean()), drift
