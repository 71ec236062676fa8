"""Reference: the look of one picture carried over to a photo, as settings of a recipe.

What the reference is measured to be (`models.reference`) becomes a shift of every region (`models.likeness`), and the shift
becomes values that are solved on the photo in closed loop: the whole first, then its shadows and highlights, then what both
pictures show, sky to sky. What has no counterpart follows the whole. Skin is protected: its hue stays within `SKIN_HUE` of
what it was. Values are pointwise, so the photo's texture is not touched; they are numbers of the recipe, which renders again
without the reference.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.attributes import LOGITS_PER_UNIT, OPPONENT_PER_UNIT, Float, Reading, Ruler, change, read, ruler
from models.likeness import SHIFTS, as_values, drawing, shifts, traits
from models.mask import guide
from models.recipe import Look, Recipe
from models.reference import LENT, MATCHED, TONES, TRAITS, Reference
from tools.perceive import Seen, region, shrink
from tools.retouch import MEASURE_AT, render_small, solve

if TYPE_CHECKING:
    from tools.photo import Photo

#: Least share of a picture, and least certainty, of a region that is matched by meaning.
LEAST_AREA: Final = 0.015
LEAST_CONFIDENCE: Final = 0.6
#: Skin keeps its hue within this, in degrees, and its chroma and brightness within these.
SKIN_HUE: Final = 6.0
SKIN_CHROMA: Final = (0.75, 1.25)
SKIN_BRIGHTNESS: Final = 0.22
#: Share of the photo that may lose its detail, and how far its lines must agree with what they were (correlation of the
#: gradients of luma), before tones are carried over more gently.
LOST: Final = 0.015
LINES: Final = 0.985
#: Share of the photo in which a channel may meet its end (neon skies, blocked-up blues), and degrees by which skin may turn in
#: the end, before colours are carried over more gently.
BURNT: Final = 0.06
SKIN_LIMIT: Final = 8.0
#: How much more gently, and how often.
GENTLER: Final = 0.6
TRIES: Final = 6
#: Values below this are not worth a setting.
FAINT: Final = 0.02
#: Mean chroma, and its standard deviation, below which a picture is black and white.
GREY: Final = (1.2, 2.5)

#: Which attributes are carried over by tone, and by meaning.
_TONED: Final = ("temperature", "tint")
_OF_THINGS: Final = ("brightness", "temperature", "tint", "saturation")
#: How much of what a thing asks beyond the whole is carried over: half follows the whole, which is measured more surely.
_OWN: Final = 0.5


def read_reference(path: str | Path, style: bool = True) -> Reference:
    """Measure a reference. Any photo that can be opened will do, also a drawing. Raises `PhotoError` in one sentence.

    `style`: with its style vector, for which the retouch model is loaded.
    """
    from tools.photo import open_photo

    return measured(open_photo(path), style)


def measured(photo: "Photo", style: bool = True) -> Reference:
    """What is kept of a reference that is open."""
    from tools.perceive import perceive
    from tools.retouch import style_of

    seen = perceive(photo)
    small, rulers = _rulers(seen, (*TONES, *MATCHED, *LENT))
    return Reference(
        name=photo.name[:200],
        drawn=round(drawing(seen.thumbnail), 2),
        traits={name: tuple(traits(small, by).tolist()) for name, by in rulers.items()},
        areas={r.name: r.area for r in seen.scene.regions if r.name in rulers},
        style=style_of(seen.thumbnail) if style else (),
    )


def carried(reference: Reference, seen: Seen, strength: float = 1.0, look: Look | None = None) -> Recipe:
    """The recipe that gives the photo `seen` the look of a reference; `strength` in 0..1, 0 is the identity.

    It has settings of the whole, of tones, of matched regions and of skin, solved on this photo. With a `look` the values are
    what that look leaves to be done.
    """
    if strength <= 0:
        return Recipe(look=look)
    small, rulers = _rulers(seen, (*TONES, *MATCHED))
    before = {name: traits(small, by) for name, by in rulers.items()}
    wanted = shifts(reference, before)
    # With a look, its lines are those that are held.
    held = render_small(seen, Recipe(look=look)) if look is not None else small

    def fitted(much: float) -> Recipe:
        gentle = much * np.array([tones] * 4 + [colours] * (SHIFTS - 4))
        recipe = _fitted(seen, small, rulers, before, wanted, gentle, _grey(reference) * much, look)
        return _protected(seen, small, recipe)

    tones, colours = 1.0, 1.0
    for _ in range(TRIES):
        recipe = fitted(1.0)
        made = render_small(seen, recipe)
        flat = _lost(small, made) > LOST or agreement(held, made) < LINES
        garish = _burnt(small, made) > BURNT or abs(_skin_turn(seen, small, recipe)) > SKIN_LIMIT
        if not flat and not garish:
            break
        tones *= GENTLER if flat else 1.0
        colours *= GENTLER if garish else 1.0
    # How gently is found for the whole look, so that half of it is half of what all of it is.
    return recipe if strength >= 1 else fitted(strength)


def _fitted(
    seen: Seen,
    small: Float,
    rulers: Mapping[str, Ruler],
    before: Mapping[str, NDArray[np.float64]],
    wanted: Mapping[str, NDArray[np.float64]],
    gentle: NDArray[np.float64],
    grey: float,
    look: Look | None,
) -> Recipe:
    """Settings that bring every region as far as it is wanted, times `gentle`."""
    recipe = Recipe(look=look)
    order = ["global", *(n for n in (*TONES, *MATCHED) if n in wanted)]
    for name in order:
        now = traits(render_small(seen, recipe), rulers[name])[:SHIFTS]
        values = as_values((before[name][:SHIFTS] + gentle * wanted[name] - now) * (_OWN if name in MATCHED else 1.0))
        kept = _TONED if name in TONES else _OF_THINGS if name in MATCHED else tuple(values)
        values = {n: v for n, v in values.items() if n in kept and abs(v) >= FAINT}
        if grey > 0:
            values = {n: v for n, v in values.items() if n not in ("temperature", "tint", "saturation")}
            if name == "global":
                values["black_and_white"] = round(min(grey, 1.0), 4)
        if values:
            recipe = solve(seen, recipe.with_values(name, values), only=name)
    return recipe


def _skin(seen: Seen, small: Float, recipe: Recipe) -> tuple[Reading, Reading] | None:
    """What skin is before and after, where some shows whose hue is to be held: black and white has none."""
    skin = region(seen, "skin")
    by = ruler(small, skin.render(guide(small))) if skin is not None else None
    if by is None or recipe.is_identity:
        return None
    one, two = read(small, by), read(render_small(seen, recipe), by)
    was, now = np.hypot(one.a, one.b), np.hypot(two.a, two.b)
    if was < 3 or (now < 0.25 * was and recipe.values("global").get("black_and_white")):
        return None
    return one, two


def _turn(one: Reading, two: Reading) -> float:
    """Degrees, -180..180, by which the hue turns."""
    hue, turned = np.degrees(np.arctan2(one.b, one.a)), np.degrees(np.arctan2(two.b, two.a))
    return float((turned - hue + 180) % 360 - 180)


def _skin_turn(seen: Seen, small: Float, recipe: Recipe) -> float:
    """Degrees by which a recipe turns the hue of skin; 0 where there is none."""
    found = _skin(seen, small, recipe)
    return _turn(*found) if found is not None else 0.0


def _protected(seen: Seen, small: Float, recipe: Recipe) -> Recipe:
    """`recipe` in which skin keeps its hue, and nearly its chroma and brightness."""
    found = _skin(seen, small, recipe)
    if found is None:
        return recipe
    one, two = found
    was, now = np.hypot(one.a, one.b), np.hypot(two.a, two.b)
    hue = np.degrees(np.arctan2(one.b, one.a))
    turn = float(np.clip(_turn(one, two), -SKIN_HUE, SKIN_HUE))
    level0, level1 = max(one.lightness, 1.0), max(two.lightness, 1.0)
    chroma = was / level0 * float(np.clip((now / level1) / (was / level0), *SKIN_CHROMA))
    goal = np.radians(hue + turn)
    values = {
        "temperature": (chroma * np.sin(goal) - two.b / level1) / OPPONENT_PER_UNIT,
        "tint": (chroma * np.cos(goal) - two.a / level1) / OPPONENT_PER_UNIT,
    }
    rise = change(one, two)["brightness"]
    values["brightness"] = float(np.clip(rise, -SKIN_BRIGHTNESS, SKIN_BRIGHTNESS)) - rise
    values = {n: round(float(np.clip(v, -1, 1)), 4) for n, v in values.items() if abs(v) >= FAINT / 2}
    return solve(seen, recipe.with_values("skin", values), only="skin") if values else recipe


def _rulers(seen: Seen, names: tuple[str, ...]) -> tuple[Float, dict[str, Ruler]]:
    """The picture that is measured, and rulers of the whole and of those of `names` that it shows plainly."""
    small = shrink(seen.thumbnail, MEASURE_AT)
    luma = guide(small)
    sure = {r.name for r in seen.scene.regions if r.area >= LEAST_AREA and r.confidence >= LEAST_CONFIDENCE}
    weights = {"global": np.ones(luma.shape, np.float32)}
    weights |= {n: mask.render(luma) for n in names if n in sure and (mask := region(seen, n)) is not None}
    return small, {n: by for n, w in weights.items() if (by := ruler(small, w)) is not None}


def _grey(reference: Reference) -> float:
    """1 for a reference in black and white, else 0."""
    of = dict(zip(TRAITS, reference.traits["global"], strict=True))
    lightness = 100 / (1 + np.exp(-LOGITS_PER_UNIT * of["brightness"]))
    chroma = 2 ** of["saturation"] * lightness / 4 - 0.7
    return float(chroma < GREY[0] and 10 * of["chroma spread"] < GREY[1])


def agreement(before: Float, after: Float) -> float:
    """How far the lines of two pictures of one size agree: correlation of the gradients of luma, 1 for the same."""
    one, two = (np.stack(tuple(np.gradient(guide(x)))).ravel() for x in (before, after))
    if min(float(one.std()), float(two.std())) < 1e-6:
        return 1.0
    return float(np.corrcoef(one, two)[0, 1])


def _burnt(before: Float, after: Float) -> float:
    """Share of a picture in which a channel has met its end."""
    ended = ((after < 0.008) & (before > 0.03)) | ((after > 0.992) & (before < 0.97))
    return float(ended.any(axis=2).mean())


def _lost(before: Float, after: Float) -> float:
    """Share of a picture whose detail went to plain white or black."""
    was, now = guide(before), guide(after)
    return float((((now > 0.99) & (was < 0.97)) | ((now < 0.008) & (was > 0.03))).mean())
