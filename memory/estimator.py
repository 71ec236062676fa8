"""What a person would want on a new scene, from what they liked and disliked on others.

The model
---------
Per region and attribute, the value of like *i* is a noisy look at a hidden taste *f* that changes with the scene and time:

    x_i = f(s_i, t_i) + e_i          f ~ GP(0, τ² k)          e_i ~ N(0, σ_i² / weight_i)
    k(i, j) = (a + (1 - a) s(i, j)) · 2^(-|t_i - t_j| / H)
    s(i, j) = min(1, exp(-(d²_ij - near²) / w²))
    d²_ij = 1 - (1 - u) e_i·e_j - u cos(g_i, g_j)

with *e* the scene embeddings (unit norm), *g* the confidences of the tags, *near* the distance *d* that photos of one kind
stay within, and *t* counted in likes. Where a record has no embedding of the present scene encoder its tags decide alone.
The posterior mean of a Gaussian process
(Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, chapter 2) *is* a kernel-weighted mean shrunk
towards 0, the neutral look: one like moves a little, ten that agree move all the way. Its variance is the uncertainty.

Nobody sets *a* (how alike the taste is on all scenes), *w* (how wide a kind of scene is), *H* (how long a taste lasts) or
*τ* (how far a value strays from neutral) for a person: the posterior is averaged over the grid of `Tuning`, each point
weighted by how well it explains this person's own likes (its marginal likelihood) and its prior. *τ* and *H* are weighed for
each value by itself, so that what somebody never cared about stays neutral and what has not changed is not forgotten while
something else changes; *a* and *w* for the person.

- **Evidence.** σ depends on where a value came from: a slider says most, words less, and a value that was merely given and
  not objected to says little (people like what is good enough, and what was given may be our own last estimate).
- **Robust.** A value further than `outlier` deviations from the median of its neighbours in scene and time counts less
  (Huber's weights): its variance is raised until it lies at that distance.
- **Still learning.** A like is comparable when its photo is of the same kind as the new one (*d* within `same`), whatever
  the likes say of how alike tastes are: many likes of other kinds are none of this one. Below `ENOUGH` comparable likes the
  estimate says so, and it is held back by (likes + 1) / (caution + 1), so that without any it stays close to neutral.
- **Dislikes tell a wish.** What somebody set or named themselves in a result that they then rejected is what they were after,
  though they did not get there: it counts as `wished` of a like, beside at least one like. What they were given in it says
  nothing here.
- **Dislikes repel.** Each rejected result on a comparable scene pushes the estimate away along the line between them, with
  a reach of `reach`, weighed against the comparable likes.

The constants are those of `Tuning`, chosen by `python -m tests.bench.tune_memory` on simulated people (not the ones that
`tests.bench.memory` reports on).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.record import Preference
from models.vocabulary import ATTRIBUTES

#: Fewer comparable likes than this, and the estimate says that it is still learning.
ENOUGH: Final = 3

#: Likes the model looks at, the nearest ones; more change nothing that can be measured and cost time (n³).
MOST: Final = 36

#: A variance that says nothing.
NOTHING: Final = 1e6

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
    others: int = 0
    """Number of likes that are of other kinds of scene."""
    strength: float = 0.0
    """How much of the taste to apply, 0..1: already in `values` and `style`."""
    style: tuple[float, ...] = ()
    """Style vector; empty without one."""
    evidence: tuple[Evidence, ...] = ()
    """What it rests on, heaviest first."""
    sentence: str = ""
    """For a person: what was used and why."""

    @property
    def learning(self) -> bool:
        """True below `ENOUGH` comparable likes: stay close to neutral and say so."""
        return self.likes < ENOUGH


@dataclass(frozen=True)
class Tuning:
    """The constants of the model, each with its reason; "tuned" is `tests/bench/tune_memory.py`."""

    near: float = 0.7
    """*near*: distance that nearly all photos of one kind stay within; a property of the scene encoder. Smaller, and the
    scatter within a kind is taken for a reason to believe in one taste for everything. Tuned: 0.6 learns 0.03 slower, 0.75
    leaks more."""
    far: float = 0.9
    """Median distance of photos of different kinds; a property of the scene encoder."""
    same: float = 0.78
    """Distance within which a like is comparable; a property of the scene encoder."""
    tagged: float = 0.3
    """*u*, the say of the tags beside the embedding. Tuned on real photos, where without it the distance after twenty likes is
    0.02 larger and a quarter more leaks; with embeddings that tell kinds apart by themselves it changes nothing."""
    tags_alone: float = 0.8
    """Similarity of two photos with the same tags and no embeddings to compare: tags tell kinds, not photos. A choice."""
    apart: tuple[float, ...] = (0.02, 0.1)
    """Grid of the kernel *s* at the distance `far`, which sets *w*: next to nothing, and a tenth. Tuned; flat."""
    common: tuple[float, ...] = (0.0, 0.3, 0.8)
    """Grid of *a*, the part of a taste that is the same on all scenes."""
    common_prior: tuple[float, ...] = (0.9, 0.05, 0.05)
    """Scenes apart unless the likes say otherwise: with it, ten likes of warm sunsets leak below 15 % into city photos,
    while the learning curve does not change from (0.6, 0.2, 0.2)."""
    half_life: tuple[float, ...] = (4.0, math.inf)
    """Grid of *H*, in likes: a value in motion, a steady one. A steady one must not fade: with (8, 60), for the whole person,
    estimates of known kinds fell short by a fifth, and twenty likes came 0.01 less near. Tuned."""
    half_life_prior: tuple[float, ...] = (0.3, 0.7)
    """Most values are steady. Even odds come 0.01 less near after twenty likes."""
    scale: tuple[float, ...] = (0.02, 0.1, 0.25, 0.5)
    """Grid of *τ*, in attribute units: not cared about, a nuance, a taste, an extreme."""
    scale_prior: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1)
    """Most people leave most values alone. An even prior learns a little faster and lets one like move more."""
    noise: tuple[float, float, float] = (0.06, 0.08, 0.5)
    """σ of a value from a slider, from words, given. The first is the scatter of one's own wishes from photo to photo, the
    second adds that of a word; tuned, as the third: what was given says next to nothing."""
    borrowed: float = 0.15
    """σ added when a region that a liked photo did not show borrows the value of the whole photo. Tuned; flat."""
    remembered: float = 2.0
    """Weight of "remember this" beside a like: said on purpose. A choice, not tuned."""
    wished: float = 0.2
    """Weight, beside a like, of what somebody set or named in a result that they rejected. Without it five likes come 0.05 less
    near and twenty likes 0.05; 0.1 and 0.4 are alike. Small, because a rejected result may have gone wrong there."""
    outlier: float = 2.5
    """Deviations from the median of its neighbours beyond which a value counts less. Tuned; larger follows drift a little
    faster, smaller resists slips better."""
    repel: float = 0.5
    """Strength of a dislike beside a like. Tuned: helps a little at 0.25..0.5, harms from 2."""
    reach: float = 0.5
    """Root mean square gap at which a rejected result no longer pushes. Tuned; flat."""
    answered: float = 2.0
    """Comparable likes after a dislike that halve it: they have answered it."""
    doubt: float = 0.1
    """Spread of a value that no like says anything about, and the most that a dislike may move it."""
    caution: float = 3.0
    """Comparable likes below which the estimate is held back by (likes + 1) / (caution + 1): one like moves at most half
    the way, and likes of other kinds of scene alone a quarter of it. 2 would be 0.02 nearer after five likes, and let one
    like move more than half the way."""


#: (near, far, same, apart) of scene encoders, told apart by the length of their embeddings; chosen by
#: `python -m tests.bench.tune_memory DATA`. The medians with the learned one are 0.55 within a kind and 1.04 between kinds;
#: within 0.9 lie 95 % of the photos of one's own kind and 10 % of those of others. A kernel that falls from 0.3 on, and slowly,
#: lets the nearest photos decide: a flat one to 0.6 comes 0.02 less near after twenty likes and leaks half as much again.
#: 126 is what is left without weights: its figures are those of the embedding alone, widened by the say of the tags.
SPREADS: Final = {126: (0.44, 0.64, 0.55, (0.02, 0.1)), 128: (0.3, 1.044, 0.903, (0.1, 0.5))}


def tuning_for(size: int) -> Tuning:
    """The constants for embeddings of `size` numbers."""
    if size not in SPREADS:
        return Tuning()
    near, far, same, apart = SPREADS[size]
    return Tuning(near=near, far=far, same=same, apart=apart)


@dataclass(frozen=True)
class _Data:
    """Likes, and dislikes that tell a wish, as arrays: P values (region, attribute) of n records."""

    names: list[tuple[str, str]]
    x: _Array
    """(P, n) deviations."""
    noise: _Array
    """(P, n) variances."""

    @cached_property
    def groups(self) -> tuple[_Array, NDArray[np.intp]]:
        """Values with the same history of sliders and words share a matrix: the (U, n) variances, and whose is whose (P,)."""
        rows, group = np.unique(self.noise, axis=0, return_inverse=True)
        return rows, group.ravel()


def _gather(likes: Sequence[Preference], regions: Sequence[str], tuning: Tuning) -> _Data:
    """What each like says of each value.

    A region that the record has but whose attribute it leaves out did not move: 0. A region that the photo did not show
    borrows the value of the whole photo, with more doubt.
    """
    moved = {n for r in likes for values in r.deviation.values() for n in values}
    names: list[tuple[str, str]] = [(region, name) for region in regions for name in ATTRIBUTES if name in moved]
    x = np.zeros((len(names), len(likes)))
    noise = np.zeros_like(x)
    sigma = dict(zip(("slider", "asked", "given"), tuning.noise, strict=True))
    worth = {"remember": tuning.remembered, "dislike": tuning.wished}
    for i, record in enumerate(likes):
        weight = max(record.weight, 1e-3) * worth.get(record.feedback, 1.0)
        for p, (region, name) in enumerate(names):
            shown = region in record.deviation
            place = region if shown else "global"
            x[p, i] = record.deviation.get(place, {}).get(name, 0.0)
            doubt = 0.0 if shown or region == "global" else tuning.borrowed**2
            source = record.source_of(place, name)
            noise[p, i] = (sigma[source] ** 2 + doubt) / weight
            if source == "given" and not record.positive:
                x[p, i], noise[p, i] = 0.0, NOTHING
    return _Data(names, x, noise)


@dataclass(frozen=True)
class _Structure:
    """One point of the grid for a person: scene kernel among the likes (n, n), with the new scene (n,), and its prior."""

    among: _Array
    cross: _Array
    kin: _Array
    """(n,) kernel with the new scene without the part of a taste that is the same on all scenes."""
    prior: float


@dataclass(frozen=True)
class _Times:
    """How a value lasts: G kernels of time among the likes (G, n, n), with now (G, n), and their prior (G,)."""

    among: _Array
    cross: _Array
    prior: _Array


@dataclass(frozen=True)
class _Answer:
    """What one structure makes of the likes."""

    log: float
    """Log evidence."""
    mean: _Array
    """(P,) at the new scene."""
    variance: _Array
    """(P,)"""
    lasts: _Array
    """(G,) how likely each kernel of time is, over all values."""


def _times(ages: _Array, tuning: Tuning) -> _Times:
    half = np.array(tuning.half_life)[:, None]
    gap = np.abs(ages[:, None] - ages).ravel()
    among = (2 ** (-gap / half)).reshape(len(half), len(ages), len(ages))
    return _Times(among, 2 ** (-ages / half), np.array(tuning.half_life_prior))


def _explained(data: _Data, structure: _Structure, times: _Times, tuning: Tuning) -> _Answer:
    """Evidence, mean and variance at the new scene, averaged for each value over τ and H."""
    row, group = data.groups
    tau = np.array(tuning.scale) ** 2
    scales = np.repeat(tau, len(times.prior))[:, None]
    prior = np.outer(tuning.scale_prior, times.prior).reshape(-1, 1)
    # All values, all τ and all H at once: (τH, group, n, n), and a right-hand side of each value.
    kernel = (tau[:, None, None, None] * (structure.among * times.among)).reshape(-1, 1, *structure.among.shape)
    a = kernel + row[:, :, None] * np.eye(row.shape[1])
    cross = (tau[:, None, None] * (structure.cross * times.cross)).reshape(len(scales), -1)
    right = np.stack(np.broadcast_arrays(data.x, cross[:, None]), axis=3)
    solved = np.linalg.solve(a[:, group], right)
    logdet = 2 * np.log(np.diagonal(np.linalg.cholesky(a), axis1=2, axis2=3)).sum(2)[:, group]
    log = np.log(prior) - 0.5 * ((solved[..., 0] * data.x).sum(2) + logdet)
    m = (solved[..., 0] * cross[:, None]).sum(2)
    v = np.maximum(scales - (solved[..., 1] * cross[:, None]).sum(2), 1e-8)
    top = log.max(0)
    share = np.exp(log - top)
    total = float((top + np.log(share.sum(0))).sum())
    share /= share.sum(0)
    mean = (share * m).sum(0)
    variance = (share * (v + m**2)).sum(0) - mean**2
    return _Answer(total, mean, variance, share.mean(1).reshape(len(tau), -1).sum(0))


def _doubted(data: _Data, likes: Sequence[Preference], ages: _Array, tuning: Tuning) -> _Data:
    """`data` with the variance of outliers raised until they lie `outlier` deviations away.

    A value is judged by the weighted median of its neighbours in scene and in time, so that another kind of scene or a
    taste that has changed is not taken for a slip. Fewer than two neighbours judge nobody.
    """
    near = _alike(_similarities(likes, tuning), min(tuning.apart), tuning)
    near *= 2 ** (-np.abs(ages[:, None] - ages) / min(tuning.half_life))
    near *= [r.positive for r in likes]
    np.fill_diagonal(near, 0)
    noise = data.noise.copy()
    for i in np.flatnonzero(near.sum(1) > 1.5):
        middle = _median(data.x, near[i])
        scale = 1.48 * _median(np.abs(data.x - middle[:, None]), near[i])
        far = np.abs(data.x[:, i] - middle) / np.maximum(scale, tuning.noise[1])
        noise[:, i] *= np.maximum(1, far / tuning.outlier) ** 2
    return _Data(data.names, data.x, noise)


def _median(x: _Array, weight: _Array) -> _Array:
    """(P,) weighted medians of the rows of x (P, n)."""
    order = np.argsort(x, axis=1)
    total = np.cumsum(weight[order], axis=1)
    at = (total >= total[:, -1:] / 2).argmax(1)
    return np.asarray(np.take_along_axis(x, order, 1)[np.arange(len(x)), at])


def _averaged(
    data: _Data, structures: Sequence[_Structure], times: _Times, tuning: Tuning
) -> tuple[_Array, _Array, _Array, _Array]:
    """Mean (P,), variance (P,), the weight of each structure, and of each kernel of time."""
    found = [_explained(data, s, times, tuning) for s in structures]
    log = np.array([f.log for f in found]) + np.log([s.prior for s in structures])
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    means = np.array([f.mean for f in found])
    mean = weight @ means
    variance = np.maximum(weight @ (np.array([f.variance for f in found]) + means**2) - mean**2, 1e-8)
    return mean, variance, weight, weight @ np.array([f.lasts for f in found])


def _structures(likes: Sequence[tuple[Preference, float]], tuning: Tuning) -> list[_Structure]:
    among_likes = _similarities([r for r, _ in likes], tuning)
    there = np.array([s for _, s in likes])
    out = []
    for (a, prior), apart in product(zip(tuning.common, tuning.common_prior, strict=True), tuning.apart):
        kin = _alike(there, apart, tuning)
        among = _proper(a + (1 - a) * _alike(among_likes, apart, tuning))
        out.append(_Structure(among, a + (1 - a) * kin, kin, prior))
    return out


def _alike(similarity: _Array, apart: float, tuning: Tuning) -> _Array:
    """The scene kernel *s*: 1 for photos of one kind, `apart` for photos of different kinds."""
    excess = np.maximum(1 - similarity - tuning.near**2, 0) / max(tuning.far**2 - tuning.near**2, 1e-6)
    return np.asarray(apart**excess)


def _proper(kernel: _Array) -> _Array:
    """The nearest kernel without negative eigenvalues; cutting *s* at 1 can leave small ones."""
    values, vectors = np.linalg.eigh(kernel)
    return np.asarray((vectors * np.maximum(values, 0)) @ vectors.T)


def _similarities(likes: Sequence[Preference], tuning: Tuning) -> _Array:
    """(n, n) similarities of the scenes of records, 1 - d²."""
    size = max((len(r.embedding) for r in likes), default=0)
    e = np.array([r.embedding or (0.0,) * size for r in likes])
    seen = np.array([bool(r.embedding) for r in likes])
    names = sorted({tag for r in likes for tag in r.tags})
    g = np.array([[r.tags.get(tag, 0.0) for tag in names] for r in likes]).reshape(len(likes), len(names))
    lengths = np.linalg.norm(g, axis=1, keepdims=True)
    g = g / np.maximum(lengths, 1e-9)
    tagged = lengths[:, 0] > 0
    return _mixed(e @ e.T, seen[:, None] & seen, g @ g.T, tagged[:, None] & tagged, tuning)


def _mixed(cosine: _Array, seen: NDArray[np.bool_], tags: _Array, tagged: NDArray[np.bool_], tuning: Tuning) -> _Array:
    """1 - d² from the cosines of embeddings and of tags, where there are both; else from what there is."""
    both = (1 - tuning.tagged) * cosine + tuning.tagged * tags
    return np.where(seen, np.where(tagged, both, cosine), np.where(tagged, tuning.tags_alone * tags, 0.0))


def likeness(record: Preference, cosine: float | None, tags: Mapping[str, float], tuning: Tuning) -> float:
    """1 - d² of a record's scene and a new one. `cosine`: of their embeddings; None where they cannot be compared."""
    length = math.sqrt(math.fsum(v * v for v in record.tags.values()) * math.fsum(v * v for v in tags.values()))
    inner = math.fsum(v * tags.get(name, 0.0) for name, v in record.tags.items()) / max(length, 1e-9)
    known = np.array(cosine is not None), np.array(length > 0)
    return float(_mixed(np.array(cosine or 0.0), known[0], np.array(inner), known[1], tuning))


def estimate(
    hits: Iterable[tuple[Preference, float | None]],
    regions: Iterable[str],
    tuning: Tuning | None = None,
    tags: Mapping[str, float] | None = None,
) -> Estimate:
    """The estimate for a scene with `regions` and `tags` from a person's records. Pure.

    With each record comes the cosine of its embedding with the scene's, or None where the record has none of the same
    scene encoder; such a record counts by its tags alone. The order of `hits` does not matter. Without any like or dislike
    the result is the identity.
    """
    found = sorted(hits, key=lambda hit: (-hit[0].time, hit[0].id))
    tuning = tuning or tuning_for(max((len(r.embedding) for r, _ in found), default=0))
    ordered = [(r, likeness(r, cosine, tags or {}, tuning)) for r, cosine in found]
    regions = tuple(dict.fromkeys(regions))
    likes = [(r, s) for r, s in ordered if r.positive]
    dislikes = [(r, s) for r, s in ordered if r.feedback == "dislike"]
    if not likes:
        return _pushed(Estimate(), [], dislikes, regions, tuning)
    telling = [(r, s) for r, s in ordered if r.positive or _wished(r)]
    near = sorted(range(len(telling)), key=lambda i: (-telling[i][1], i))[:MOST]
    chosen = [telling[i] for i in sorted(near)]
    # Age in likes, among all that were found, before the far ones are left out.
    newer = np.cumsum([0, *(r.positive for r, _ in telling)])
    ages = np.array([newer[i] for i in sorted(near)], float)
    liked = np.array([r.positive for r, _ in chosen])

    records = [r for r, _ in chosen]
    data = _gather(records, regions, tuning)
    structures, times = _structures(chosen, tuning), _times(ages, tuning)
    mean = variance = np.zeros(0)
    weight = np.array([s.prior for s in structures]) / sum(s.prior for s in structures)
    lasts = times.prior
    if data.names:
        mean, variance, weight, lasts = _averaged(_doubted(data, records, ages, tuning), structures, times, tuning)

    fresh = (weight @ np.array([s.cross for s in structures])) * (lasts @ times.cross)
    comparable = liked & np.array([1 - s <= tuning.same**2 for _, s in chosen])
    support = float((weight @ np.array([s.kin for s in structures]) * (lasts @ times.cross))[comparable].sum())
    strength = support / (support + 1)
    values: dict[str, dict[str, float]] = {}
    spread: dict[str, dict[str, float]] = {}
    for (region, name), m, v in zip(data.names, mean, variance, strict=True):
        values.setdefault(region, {})[name] = float(m)
        spread.setdefault(region, {})[name] = math.sqrt(v)
    total = max(float(fresh[comparable].sum()), 1e-12)
    evidence = [Evidence(chosen[i][0], chosen[i][1], float(fresh[i] / total)) for i in np.flatnonzero(comparable)]
    evidence.sort(key=lambda e: (-e.weight, e.record.id))
    result = Estimate(
        values=values, spread=spread, support=round(support, 3), likes=int(comparable.sum()),
        others=len(likes) - int(comparable.sum()), strength=round(strength, 3),
        style=_style(records, fresh * liked), evidence=tuple(evidence),
    )  # fmt: skip
    return _pushed(result, likes, dislikes, regions, tuning)


def _wished(record: Preference) -> bool:
    """True for a dislike of a result in which the person set or named values themselves.

    A rejected style or sample is not one: its many values were nobody's wish.
    """
    return (
        record.feedback == "dislike"
        and record.kind in ("strong", "followup", "slider")
        and any(word != "given" for values in record.source.values() for word in values.values())
    )


def _style(likes: Sequence[Preference], fresh: _Array) -> tuple[float, ...]:
    """Kernel-weighted mean of the style vectors of the newest length, shrunk towards the neutral one (zero)."""
    usable = [(r.style, w) for r, w in zip(likes, fresh, strict=True) if r.style and w > 0.05]
    if not usable:
        return ()
    same = [(np.array(s), w) for s, w in usable if len(s) == len(usable[0][0])]
    weights = np.array([w for _, w in same])
    mean = weights @ np.array([s for s, _ in same]) / (weights.sum() + 1)
    return tuple(round(float(v), 5) for v in mean)


def _pushed(
    result: Estimate,
    likes: Sequence[tuple[Preference, float]],
    dislikes: Sequence[tuple[Preference, float]],
    regions: Sequence[str],
    tuning: Tuning,
) -> Estimate:
    """`result` pushed away from what was rejected on comparable scenes; rounded, clipped to -1..1, its sureness set."""
    values = {r: dict(result.values.get(r, {})) for r in regions}
    spread = {r: dict(result.spread.get(r, {})) for r in regions}
    rejected = []
    for record, similarity in dislikes:
        k = _alike_one(similarity, tuning)
        # Likes given since then have answered it.
        answers = sum(_alike_one(s, tuning) for r, s in likes if r.time > record.time)
        k *= record.weight * 2 ** -(answers / tuning.answered)
        if k >= 0.05:
            # What the person asked for themselves is not what they reject.
            bad = {r: {n: v for n, v in record.deviation[r].items() if record.source_of(r, n) == "given"}
                   for r in regions if r in record.deviation}  # fmt: skip
            rejected.append((k, bad))
    total = sum(k for k, _ in rejected) + result.support + 1
    push: dict[tuple[str, str], float] = {}
    for k, bad in rejected:
        gaps = {(r, n): values[r].get(n, 0.0) - v for r, names in bad.items() for n, v in names.items()}
        if gaps:
            far = sum(g * g for g in gaps.values()) / len(gaps)
            pull = tuning.repel * k / total * math.exp(-far / (2 * tuning.reach**2))
            for key, gap in gaps.items():
                push[key] = push.get(key, 0.0) + pull * gap
    for (region, name), amount in push.items():
        # In proportion to the doubt about the value, and never further: what likes made sure, a dislike does not undo.
        doubt = spread[region].setdefault(name, tuning.doubt)
        amount *= doubt**2 / (doubt**2 + tuning.doubt**2) * 2
        values[region][name] = values[region].get(name, 0.0) + min(max(amount, -doubt), doubt)
    caution = min(1.0, (result.likes + 1) / (tuning.caution + 1)) if likes else 1.0
    values = {
        r: {n: round(min(max(v * caution, -1.0), 1.0), 4) for n, v in names.items()}
        for r, names in values.items()
        if names
    }
    spread = {r: {n: round(spread[r][n], 4) for n in names} for r, names in values.items()}
    return Estimate(
        values=values, spread=spread, sure=_sure(values, spread), support=result.support, likes=result.likes,
        others=result.others, strength=result.strength, style=result.style, evidence=result.evidence,
    )  # fmt: skip


def _alike_one(similarity: float, tuning: Tuning) -> float:
    return float(_alike(np.array(similarity), min(tuning.apart), tuning))


def _sure(values: dict[str, dict[str, float]], spread: dict[str, dict[str, float]]) -> float:
    """Probability that a change has the right sign, averaged with the size of the change as its weight."""
    pairs = [(abs(v), spread[r][n]) for r, names in values.items() for n, v in names.items()]
    total = sum(v for v, _ in pairs)
    if total < 1e-6:
        return 0.0
    return round(sum(v * 0.5 * (1 + math.erf(v / (s * math.sqrt(2) + 1e-9))) for v, s in pairs) / total, 4)
