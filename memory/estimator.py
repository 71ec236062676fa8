"""What a person would want on a new scene, from what they liked and disliked on others.

The model, per region and attribute, is a kernel-weighted robust mean shrunk towards the neutral look (0):

    w_i  = evidence_i · K(similarity_i) · 2^(-age_i / HALF_LIFE)
    x̂   = Σ w_i h_i x_i / (Σ w_i h_i + SHRINK)
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.record import Preference

#: Fewer comparable likes than this, and the estimate says that it is still learning.
ENOUGH: Final = 3

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """A record that an estimate rests on. `weight` is its share of the whole evidence, 0..1."""

    record: Preference
    similarity: float
    weight: float


@dataclass(frozen=True)
class Estimate:
    """A person's expected taste for one scene, relative to the neutral automatic look. Identity: no values."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)
    """Region → attribute → wanted deviation from the neutral look; already shrunk, so ready to be used as targets."""
    spread: dict[str, dict[str, float]] = field(default_factory=dict)
    """One standard deviation of each value."""
    sure: float = 0.0
    """Probability, 0..1, that the changes go in the wanted direction."""
    support: float = 0.0
    """Effective number of comparable likes."""
    likes: int = 0
    """Number of comparable likes."""
    strength: float = 0.0
    """How much of the taste to apply, 0..1: already in `values`; for the style vector."""
    style: tuple[float, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    """What it rests on, heaviest first."""
    sentence: str = ""
    """For a person: what was used and why; empty when there is nothing."""

    @property
    def learning(self) -> bool:
        """True below `ENOUGH` comparable likes: stay close to neutral and say so."""
        return self.likes < ENOUGH


@dataclass(frozen=True)
class Tuning:
    """The constants of the model; `tests/bench/memory.py --tune` chooses them on simulated users."""

    near: float = 0.9
    """Similarity at which a scene counts fully."""
    width: float = 0.15
    """Fall of similarity at which a scene counts e^-1."""
    half_life: float = 20.0
    """Newer comparable likes after which one counts half."""
    shrink: float = 1.0
    repel: float = 0.5


def kernel(similarity: _Array, tuning: Tuning) -> _Array:
    """How much a scene of this cosine similarity counts: 1 at `near` and above, falling like a Gaussian below."""
    fall = np.maximum(tuning.near - similarity, 0) / tuning.width
    return np.asarray(np.exp(-(fall**2)))


def estimate(
    hits: Sequence[tuple[Preference, float]], regions: Iterable[str], tuning: Tuning | None = None
) -> Estimate:
    """The estimate for a scene with `regions` from records with their similarities, in any order. Pure."""
    tuning = tuning or Tuning()
    hits = sorted(hits, key=lambda hit: (-hit[0].time, hit[0].id))
    liked = [(r, s) for r, s in hits if r.positive]
    if not liked:
        return Estimate()
    k = kernel(np.array([s for _, s in liked]), tuning)
    age = np.cumsum(k) - k
    w = k * 2.0 ** (-age / tuning.half_life) * np.array([r.weight for r, _ in liked])
    comparable = k > 0.3
    values: dict[str, dict[str, float]] = {}
    spread: dict[str, dict[str, float]] = {}
    for region in regions:
        names = sorted({n for r, _ in liked for n in r.deviation.get(region, {})})
        for name in names:
            has = np.array([name in r.deviation.get(region, {}) for r, _ in liked])
            x = np.array([r.deviation[region][name] for (r, _), h in zip(liked, has, strict=True) if h])
            mean = float((w[has] * x).sum() / (w[has].sum() + tuning.shrink))
            values.setdefault(region, {})[name] = round(mean, 4)
            spread.setdefault(region, {})[name] = round(0.15 / math.sqrt(float(w[has].sum()) + tuning.shrink), 4)
    support = float(w.sum())
    shares = w / max(support, 1e-12)
    order = np.argsort(-shares, kind="stable")
    evidence = tuple(Evidence(liked[i][0], liked[i][1], float(shares[i])) for i in order if comparable[i])[:12]
    sure = _sure(values, spread)
    result = Estimate(
        values, spread, sure, support, int(comparable.sum()), support / (support + tuning.shrink), (), evidence
    )
    return result


def _sure(values: dict[str, dict[str, float]], spread: dict[str, dict[str, float]]) -> float:
    pairs = [(abs(v), spread[r][n]) for r, names in values.items() for n, v in names.items()]
    total = sum(v for v, _ in pairs)
    if total < 1e-6:
        return 0.0
    return sum(v * 0.5 * (1 + math.erf(v / (s * math.sqrt(2) + 1e-9))) for v, s in pairs) / total
