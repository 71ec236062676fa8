"""Variations to choose from: of many samples of a look, in several strengths, the few that differ most from each other.

Farthest-point sampling on a small picture: each next one is the candidate whose nearest chosen one is the furthest away
(mean ΔE2000), where what the critic finds wrong with it counts against it. Deterministic: the seeds follow the first one's.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.attributes import lab
from models.recipe import Look, Recipe

if TYPE_CHECKING:
    from agent.darkroom import Opened

#: Samples that are tried, and the strengths of the look each is tried in.
TRIED: Final = 6
STRENGTHS: Final = (0.7, 1.3)
#: Long edge on which they are told apart.
EDGE: Final = 112
#: What one unit of the critic's remarks costs, in ΔE2000.
FLAW: Final = 1.0


def spread(opened: "Opened", recipe: Recipe, count: int) -> tuple[Recipe, ...]:
    """`count` recipes with other samples of the look of `recipe`, each unlike it and unlike the others; none without a look."""
    from agent.flaws import flaws
    from tools.retouch import retouch

    if recipe.look is None:
        return ()
    small = replace(opened.photo, pixels=np.asarray(np.rint(opened.before * 255), np.uint8), alpha=None)

    def seen(tried: Recipe) -> tuple[NDArray[np.float32], float]:
        preview = retouch(small, opened.seen, tried, EDGE).preview
        shown = preview.astype(np.float32) / np.float32(255)
        return lab(shown), flaws(shown, opened.seen.scene.tags)

    candidates = [
        recipe.model_copy(update={"look": _sample(recipe.look, index, strength)})
        for index in range(1, max(TRIED, count) + 1)
        for strength in STRENGTHS
    ]
    first, worst = seen(recipe)
    pictures = [seen(tried) for tried in candidates]
    apart = [_far(picture, first) for picture, _ in pictures]
    costs = [FLAW * max(found - worst, 0.0) for _, found in pictures]
    chosen: list[int] = []
    while len(chosen) < count:
        used = {candidates[i].look.seed for i in chosen}  # type: ignore[union-attr]
        open_ = [i for i, tried in enumerate(candidates) if tried.look.seed not in used]  # type: ignore[union-attr]
        best = max(open_, key=lambda i: apart[i] - costs[i])
        chosen.append(best)
        apart = [min(far, _far(picture, pictures[best][0])) for far, (picture, _) in zip(apart, pictures, strict=True)]
    return tuple(candidates[i] for i in chosen)


def _sample(look: Look, index: int, strength: float) -> Look:
    return look.with_seed(look.seed + index).model_copy(update={"strength": min(look.strength * strength, 1.5)})


def _far(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    from skimage.color import deltaE_ciede2000

    return float(deltaE_ciede2000(one, other).mean())
