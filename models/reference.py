"""A reference, or a look that somebody has named: how a picture looks, in numbers.

What `models.likeness` measures on a picture and carries over to others; small JSON, so that a look can be kept without its
picture and a recipe that came of it re-renders when the picture is gone.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from models.vocabulary import MAP_ATTRIBUTES

#: Traits of a region: the seven attributes as levels whose differences are changes, then colour and ends of its tones.
TRAITS: Final = (
    *MAP_ATTRIBUTES, "dark a", "dark b", "middle a", "middle b", "bright a", "bright b", "black", "white", "chroma spread",
)  # fmt: skip
#: Regions whose look is carried over by meaning, wide before narrow. Skin is not among them: it is protected.
MATCHED: Final = ("sky", "water", "vegetation", "ground", "mountain", "building", "person", "animal", "food")
#: Regions of people whose colours are lent to a photo that has none; for a look they count as the person.
LENT: Final = ("skin", "hair", "clothing")

#: Regions of tone, for the colours of shadows and highlights.
TONES: Final = ("shadows", "highlights")


class Reference(BaseModel):
    """How a reference looks, in numbers: what is kept of it, and all that is needed to carry its look over.

    `traits`: region → TRAITS; `global` is always there. `areas`: each region's share of the picture. `drawn`: 1 for a drawing,
    poster or animated frame, 0 for a photo, between for an average of both. `style`: `models.style` of the picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(max_length=200)] = ""
    pictures: int = Field(default=1, ge=1, le=64)
    drawn: float = Field(default=0.0, ge=0, le=1)
    traits: dict[str, tuple[float, ...]]
    areas: dict[str, float] = {}
    style: tuple[float, ...] = Field(default=(), max_length=128)

    @field_validator("traits")
    @classmethod
    def _whole(cls, traits: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        if "global" not in traits or not traits.keys() <= {"global", *TONES, *MATCHED, *LENT}:
            raise ValueError("a reference has traits of the whole and of regions that are matched")
        if any(len(of) != len(TRAITS) or not np.all(np.abs(of) < 1e3) for of in traits.values()):
            raise ValueError(f"traits are {len(TRAITS)} numbers")
        return {name: tuple(round(float(v), 4) for v in of) for name, of in traits.items()}


def averaged(references: Sequence[Reference]) -> Reference:
    """Several references as one: the mean of their traits, region by region, and of their styles."""
    if len(references) == 1:
        return references[0]
    shown: dict[str, list[Reference]] = {}
    for one in references:
        for region in one.traits:
            shown.setdefault(region, []).append(one)
    style = (
        np.mean([r.style for r in references], axis=0) if len({len(r.style) for r in references}) == 1 else np.zeros(0)
    )
    norm = float(np.linalg.norm(style)) if style.size else 0.0
    return Reference(
        name=", ".join(r.name for r in references if r.name)[:200],
        pictures=min(sum(r.pictures for r in references), 64),
        drawn=float(np.mean([r.drawn for r in references])),
        traits={n: tuple(np.mean([r.traits[n] for r in of], axis=0).tolist()) for n, of in shown.items()},
        areas={n: float(np.mean([r.areas.get(n, 0.0) for r in of])) for n, of in shown.items()},
        style=tuple(float(round(v, 5)) for v in style / norm) if norm > 1e-6 else (),
    )
