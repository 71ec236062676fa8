"""How the constants of the estimator were chosen: each one varied on simulated people other than the reported ones.

usage: python -m tests.bench.tune_memory [--people 40]. The people live once with the present constants; every variant is then
asked for the first result on fresh photos after 1, 5 and 20 likes. A difference below 0.005 is noise.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import Pool

import numpy as np

from memory.estimator import Estimate, Tuning, estimate
from memory.record import Preference
from tests.bench import simulated_users as sim
from tests.bench.table import finish, show

SEED = 101
CHECKS = (1, 5, 20)

VARIANTS: dict[str, list[dict[str, object]]] = {
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


class ListStore:
    """Records in a list: the estimator without the store."""

    def __init__(self) -> None:
        self.records: list[Preference] = []

    def like(self, record: Preference) -> None:
        self.records.append(record)

    def dislike(self, record: Preference) -> None:
        self.like(record.model_copy(update={"feedback": "dislike"}))

    def estimate(self, user: str, embedding: Sequence[float], regions: Sequence[str]) -> Estimate:
        return guess(self.records, embedding, regions, Tuning())


def guess(
    records: Sequence[Preference], embedding: Sequence[float], regions: Sequence[str], tuning: Tuning
) -> Estimate:
    e = np.array(embedding)
    return estimate([(r, float(np.dot(r.embedding, e))) for r in records], regions, tuning)


Life = list[tuple[int, list[Preference], list[tuple[sim.Scene, np.ndarray]]]]


def life(number: int) -> Life:
    """A person's records after each check, with fresh photos and the ideal of each."""
    scenes, person, store = sim.ClusteredScenes(SEED + number), sim.make_person(number, SEED), ListStore()
    out: Life = []
    for check in CHECKS:
        sim.live(person, store, scenes, check, SEED + check)
        rng = np.random.default_rng([SEED, number, check])
        fresh = [scenes.draw(str(rng.choice(person.kinds, p=person.shares)), rng) for _ in range(5)]
        out.append((check, list(store.records), [(s, person.ideal(s)) for s in fresh]))
    return out


def relative(work: tuple[Life, Tuning]) -> list[float]:
    """Distance relative to no memory after each check."""
    lived, tuning = work
    out = []
    for _, records, fresh in lived:
        off = [
            np.linalg.norm(sim.table(guess(records, s.embedding, s.regions, tuning).values, s) - i) for s, i in fresh
        ]
        out.append(float(sum(off) / sum(np.linalg.norm(i) for _, i in fresh)))
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tune_memory", description=__doc__)
    parser.add_argument("--people", type=int, default=40)
    args = parser.parse_args()
    with Pool(2) as pool:
        lives = pool.map(life, range(args.people), chunksize=2)
        rows = []
        for name, changes in {"present": [{}], **VARIANTS}.items():
            for change in changes:
                tuning = replace(Tuning(), **change)  # type: ignore[arg-type]
                mean = np.mean(pool.map(relative, [(one, tuning) for one in lives], chunksize=4), axis=0)
                rows.append([name, str(next(iter(change.values()), "")), *(round(float(m), 3) for m in mean)])
                print(*rows[-1], flush=True)
    show("distance relative to no memory", ["constant", "value", *(f"after {c}" for c in CHECKS)], rows)
    finish("tune_memory", {"present": rows[0][2:]})


if __name__ == "__main__":
    main()
