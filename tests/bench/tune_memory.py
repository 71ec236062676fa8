"""How the constants of the estimator were chosen: each one varied on simulated people other than the reported ones.

usage: python -m tests.bench.tune_memory [DATA] [--people 40] [--seen FILE]. The people live once with the present constants;
every variant is then asked for the first result on fresh photos after 1, 5 and 20 likes. A difference below 0.005 is noise.
With DATA they work on its held-out photos (see `tests.bench.real_scenes`), and what depends on the scene encoder is varied.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

from memory.estimator import Estimate, Tuning, estimate, tuning_for
from memory.record import Preference
from tests.bench import simulated_users as sim
from tests.bench.table import finish, show

SEED = 101
CHECKS = (1, 5, 20)

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "noise": [{"noise": n} for n in ((0.04, 0.06, 0.5), (0.08, 0.12, 0.5), (0.06, 0.08, 0.2), (0.06, 0.08, 1.0))],
    "apart": [{"apart": n} for n in ((0.1,), (0.03, 0.1), (0.1, 0.4))],
    "common_prior": [{"common_prior": n} for n in ((0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.98, 0.01, 0.01))],
    "half_life": [{"half_life": n} for n in ((60.0,), (15.0, 60.0), (5.0, 30.0))],
    "scale_prior": [{"scale_prior": n} for n in ((0.25, 0.25, 0.25, 0.25), (0.6, 0.25, 0.1, 0.05))],
    "borrowed": [{"borrowed": n} for n in (0.08, 0.3)],
    "outlier": [{"outlier": n} for n in (1.5, 5.0)],
    "repel": [{"repel": n} for n in (0.0, 1.0)],
    "reach": [{"reach": n} for n in (0.25, 1.0)],
    "answered": [{"answered": n} for n in (0.5, 5.0)],
    "caution": [{"caution": n} for n in (0.0, 2.0)],
}

#: near, far, apart: what depends on the scene encoder.
SPREADS: list[dict[str, Any]] = [
    {"near": near, "far": far, "apart": apart}
    for near, far, apart in (
        (0.6, 0.9, (0.02, 0.1)), (0.72, 1.0, (0.02, 0.1)), (0.72, 1.0, (0.1, 0.3)), (0.4, 1.0, (0.1, 0.3)),
        (0.6, 1.0, (0.02, 0.1)), (0.6, 1.0, (0.1, 0.3)), (0.6, 1.0, (0.1, 0.5)), (0.6, 1.0, (0.2, 0.5)),
        (0.6, 1.0, (0.3, 0.6)), (0.72, 1.0, (0.2, 0.5)), (0.76, 1.0, (0.2, 0.5)),
    )
]  # fmt: skip


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


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tune_memory", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--seen", type=Path, help="JSON file that keeps what was seen in the photos for the next run")
    args = parser.parse_args()
    photos, present, variants = None, Tuning(), VARIANTS
    if args.data:
        from tests.bench.real_scenes import RealScenes, held_out_photos

        photos = RealScenes(held_out_photos(args.data), args.seen)
        size = max(len(s.embedding) for v in photos.photos.values() for s in v)
        present, variants = tuning_for(size), {"spread": SPREADS}
    with Pool(2) as pool:
        lives = pool.map(partial(life, photos=photos, tuning=present), range(args.people), chunksize=2)
        rows = []
        todo: dict[str, list[dict[str, Any]]] = {"present": [{}], **variants}
        for name, changes in todo.items():
            for change in changes:
                tuning = replace(present, **change)
                mean = np.mean(pool.map(relative, [(one, tuning) for one in lives], chunksize=4), axis=0)
                rows.append([name, " ".join(map(str, change.values())), *(round(float(m), 3) for m in mean)])
                print(*rows[-1], flush=True)
    show("distance relative to no memory", ["constant", "value", *(f"after {c}" for c in CHECKS)], rows)
    finish("tune_memory", {"present": rows[0][2:]})


if __name__ == "__main__":
    main()
