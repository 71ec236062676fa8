"""How the constants of the estimator were chosen: each one varied on simulated people other than the reported ones.

usage: python -m tests.bench.tune_memory [DATA] [--people 40] [--seen FILE]. The people live once with the present constants;
every variant is then asked for the first result on fresh photos after 1, 5 and 20 likes. A difference below 0.005 is noise.
With DATA they work on its held-out photos (see `tests.bench.real_scenes`), and what depends on the scene encoder is varied; the
last lines are the best line for `memory.estimator.SPREADS`. To be run again with every new scene encoder.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

from memory.estimator import Estimate, Tuning, _similarities, estimate, tuning_for
from memory.record import Preference
from tests.bench import simulated_users as sim
from tests.bench.table import finish, show

SEED = 101
CHECKS = (1, 5, 20)

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "near, same": [{"near": n, "same": s} for n, s in ((0.6, 0.75), (0.65, 0.75), (0.75, 0.8))],
    "tagged": [{"tagged": u} for u in (0.0, 0.15, 0.45)],
    "noise": [{"noise": n} for n in ((0.04, 0.06, 0.5), (0.08, 0.12, 0.5), (0.06, 0.08, 0.2), (0.06, 0.08, 1.0))],
    "apart": [{"apart": n} for n in ((0.1,), (0.03, 0.1), (0.1, 0.4))],
    "common_prior": [{"common_prior": n} for n in ((0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.98, 0.01, 0.01))],
    "half_life": [{"half_life": n} for n in ((8.0, math.inf), (4.0, 60.0), (8.0, 60.0))],
    "half_life_prior": [{"half_life_prior": n} for n in ((0.5, 0.5), (0.1, 0.9))],
    "wished": [{"wished": n} for n in (0.001, 0.1, 0.4)],
    "scale_prior": [{"scale_prior": n} for n in ((0.25, 0.25, 0.25, 0.25), (0.6, 0.25, 0.1, 0.05))],
    "borrowed": [{"borrowed": n} for n in (0.08, 0.3)],
    "outlier": [{"outlier": n} for n in (1.5, 5.0)],
    "repel": [{"repel": n} for n in (0.0, 1.0)],
    "reach": [{"reach": n} for n in (0.25, 1.0)],
    "answered": [{"answered": n} for n in (0.5, 5.0)],
    "caution": [{"caution": n} for n in (0.0, 2.0, 5.0)],
}

#: What is wanted of the distance after 5 and 20 likes and of the leak, at most; a variant is scored by how far it goes past.
WANTED = (0.70, 0.45, 0.15)
#: Grid of what depends on the scene encoder: shares of the distances within a kind that `near` covers, `apart`, and how many
#: photos of different kinds may be taken for comparable.
NEAR_SHARES = (0.1, 0.3, 0.45)
APARTS = ((0.1, 0.3), (0.1, 0.5), (0.2, 0.5))
MISTAKEN = (0.02, 0.05, 0.1)
#: How often it should say that it is still learning where it is, and not where it is not.
SURE = 0.9


class ListStore:
    """Records in a list: the estimator without the store."""

    def __init__(self, tuning: Tuning) -> None:
        self.records: list[Preference] = []
        self.tuning = tuning

    def like(self, record: Preference) -> None:
        self.records.append(record)

    def dislike(self, record: Preference) -> None:
        self.like(record.model_copy(update={"feedback": "dislike"}))

    def estimate(
        self,
        user: str,
        embedding: Sequence[float],
        regions: Sequence[str],
        like: str | None = None,
        tags: Mapping[str, float] | None = None,
    ) -> Estimate:
        return guess(self.records, embedding, regions, tags or {}, self.tuning)


def guess(
    records: Sequence[Preference],
    embedding: Sequence[float],
    regions: Sequence[str],
    tags: Mapping[str, float],
    tuning: Tuning,
) -> Estimate:
    e = np.array(embedding)
    same = [r for r in records if len(r.embedding) == e.size]
    return estimate([(r, float(np.dot(r.embedding, e))) for r in same], regions, tuning, tags)


Life = list[tuple[int, list[Preference], list[tuple[sim.Scene, np.ndarray]]]]


def life(number: int, photos: sim.Scenes | None, tuning: Tuning) -> Life:
    """A person's records after each check, with fresh photos and the ideal of each."""
    scenes = photos or sim.ClusteredScenes(SEED + number)
    person, store = sim.make_person(number, SEED, scenes.shows), ListStore(tuning)
    out: Life = []
    for check in CHECKS:
        sim.live(person, store, scenes, check, SEED + check)
        rng = np.random.default_rng([SEED, number, check])
        fresh = [scenes.draw(str(rng.choice(person.kinds, p=person.shares)), rng, fresh=True) for _ in range(5)]
        out.append((check, list(store.records), [(s, person.ideal(s)) for s in fresh]))
    return out


def relative(work: tuple[Life, Tuning]) -> list[float]:
    """Distance relative to no memory after each check."""
    lived, tuning = work
    out = []
    for _, records, fresh in lived:
        off = [
            np.linalg.norm(sim.table(guess(records, s.embedding, s.regions, s.tags, tuning).values, s) - i)
            for s, i in fresh
        ]
        out.append(float(sum(off) / sum(np.linalg.norm(i) for _, i in fresh)))
    return out


def score(lives: Sequence[Life], scenes: sim.Scenes, tuning: Tuning, pool: Any) -> list[float]:
    """Distance relative to no memory after each check; leak of sunsets into cities, and of any kind into another; and with
    likes of one kind alone, how often it is still learning on another kind, and how often it knows its own."""

    def ask(records: Sequence[Preference], scene: sim.Scene) -> Estimate:
        return guess(records, scene.embedding, scene.regions, scene.tags, tuning)

    mean = np.mean(pool.map(relative, [(one, tuning) for one in lives], chunksize=4), axis=0)
    leaks = [sim.apart(20, scenes, SEED, ask, fixed=fixed)["leak"] for fixed in (True, False)]
    alone = sim.apart(20, scenes, SEED, ask, fixed=False, both=False)
    return [*map(float, mean), *leaks, alone["learning"], alone["knows"]]


def cost(found: Sequence[float]) -> float:
    """How far figures are from what is wanted, in shares of it; what is good enough counts little."""
    _, five, twenty, sunset, leak, learning, knows = found
    parts = zip((five, twenty, max(sunset, leak)), WANTED, strict=True)
    past = sum(max(value / wanted - 1, 0.0) + 0.2 * value / wanted for value, wanted in parts)
    return past + 2 * max(SURE - learning, 0.0) + max(SURE - knows, 0.0)


def spreads(photos: sim.Scenes, present: Tuning) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The grids of (near, far, same, apart) around the distances of real photos, and of `same` alone."""
    every = [s for kind in photos.shows for s in photos.photos[kind]]  # type: ignore[attr-defined]
    size = max(len(s.embedding) for s in every)
    scenes = [s for s in every if len(s.embedding) == size]
    made = [Preference(user="x", feedback="like", embedding=s.embedding, tags=s.tags) for s in scenes]
    distance = np.sqrt(np.clip(1 - _similarities(made, present), 0, 2))
    same = np.array([[a.kind == b.kind for b in scenes] for a in scenes])
    within, between = distance[same & ~np.eye(len(scenes), dtype=bool)], distance[~same]
    far = round(float(np.median(between)), 3)
    print(f"{len(scenes)} photos, median distance within a kind {np.median(within):.3f}, between kinds {far}")
    limits = []
    for mistaken in MISTAKEN:
        limits.append(round(float(np.quantile(between, mistaken)), 3))
        right = np.mean(within <= limits[-1])
        print(f"same {limits[-1]}: {mistaken:.0%} of photos of other kinds are comparable, {right:.0%} of the same")
    nears = dict.fromkeys(round(min(float(np.quantile(within, q)), far - 0.05), 3) for q in NEAR_SHARES)
    grid = [{"near": near, "far": far, "same": limits[-1], "apart": apart} for near in nears for apart in APARTS]
    return grid, [{"same": limit} for limit in limits[:-1]]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tune_memory", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seen", type=Path, help="JSON file that keeps what was seen in the photos for the next run")
    args = parser.parse_args()
    photos, present, variants = None, Tuning(), VARIANTS
    if args.data:
        from tests.bench.real_scenes import RealScenes, held_out_photos

        photos = RealScenes(held_out_photos(args.data), args.seen)
        size = max(len(s.embedding) for v in photos.photos.values() for s in v)
        present = tuning_for(size)
        grid, limits = spreads(photos, present)
        variants = {"spread": grid}
    scenes = photos or sim.ClusteredScenes(SEED)
    with Pool(args.processes) as pool:
        lives = pool.map(partial(life, photos=photos, tuning=present), range(args.people), chunksize=2)
        rows: list[list[Any]] = []
        best: tuple[float, dict[str, Any]] = (np.inf, {})

        def tried(name: str, change: dict[str, Any]) -> float:
            found = score(lives, scenes, replace(present, **change), pool)
            rows.append([name, " ".join(map(str, change.values())), *(round(f, 3) for f in (*found, cost(found)))])
            print(*rows[-1], flush=True)
            return cost(found)

        tried("present", {})
        for name, changes in variants.items():
            for change in changes:
                best = min(best, (tried(name, change), change), key=lambda b: b[0])
        if args.data:
            near = best[1]
            for change in limits:
                best = min(best, (tried("same", near | change), near | change), key=lambda b: b[0])
            # Distances change with the say of the tags; this only shows whether another would be worth a run.
            for tagged in (0.0, 0.15, 0.45):
                tried("best, tagged", best[1] | {"tagged": tagged})
    columns = [*(f"after {c}" for c in CHECKS), "leak sunset", "leak any", "learning", "knows", "cost"]
    show("distance relative to no memory", ["constant", "value", *columns], rows)
    if args.data and best[1]:
        print(f"SPREADS[{size}] = {tuple(best[1].values())}")
    finish("tune_memory", {"present": rows[0][2:], "best": best[1]})


if __name__ == "__main__":
    main()
