"""Does the memory learn, and does it hold? Simulated people with a hidden taste, and a store that is killed and damaged.

usage: python -m tests.bench.memory [DATA] [--people 40] [--only ROW …] [--scenes WHICH …] [--seen FILE]

The people work on scenes of three sources: `made-up` embeddings; with DATA (see `tests.bench.real_scenes`) on photos as
`tools.perceive` sees them: `held-out` ones that the scene encoder was not trained on, and `trained`. The rows `distance`,
`controls` and `leak` are measured on each. The last line is JSON.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memory.estimator import Estimate, estimate
from memory.record import Preference
from memory.taste import Memory
from tests.bench import simulated_users as sim
from tests.bench.table import finish, interval, show

#: The people that figures are reported on; the constants of the estimator were chosen on others (see `tune_memory`).
SEED = 7
CHECKS = (1, 2, 3, 5, 10, 20)
FRESH = 10
PARTS = ("distance", "controls", "leak", "experts", "kill", "restart", "recall", "poison")
SOURCES = ("made-up", "held-out", "trained")


def near(seed: int, count: int, dimensions: int = 128, kinds: int = 40) -> np.ndarray:
    """(count, dimensions) clustered unit embeddings."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(kinds, dimensions))
    vectors = centres[rng.integers(kinds, size=count)] + 0.6 * rng.normal(size=(count, dimensions))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def fresh_scenes(
    person: sim.Person, scenes: sim.Scenes, seed: int, kinds: Sequence[str] | None = None
) -> list[sim.Scene]:
    """Photos that the person has not worked on."""
    rng = np.random.default_rng([seed, 99])
    return [
        scenes.draw(str(rng.choice(kinds) if kinds else rng.choice(person.kinds, p=person.shares)), rng, fresh=True)
        for _ in range(FRESH)
    ]


def raise_people(
    people: int, scenes: sim.Scenes, memory: Memory, checks: Sequence[int] = CHECKS
) -> tuple[list[sim.Person], dict[int, list[float]], dict[str, Any]]:
    """Let everybody work until 20 likes; distances relative to no memory at each of `checks`, and how sure it was."""
    crowd, out, trust = [], {c: [] for c in checks}, {"said": [], "right": []}  # type: ignore[var-annotated]
    for number in range(people):
        person = sim.make_person(number, SEED, scenes.shows)
        for check in checks:
            sim.live(person, memory, scenes, check, SEED + check)
            test = fresh_scenes(person, scenes, SEED + number + check)
            found = [memory.estimate(person.name, s.embedding, s.regions, tags=s.tags) for s in test]
            out[check].append(
                sum(sim.distance(person, e, s) for e, s in zip(found, test, strict=True))
                / sum(sim.nothing(person, s) for s in test)
            )
            for e, s in zip(found, test, strict=True):
                values, ideal = sim.table(e.values, s), person.ideal(s)
                weight = np.abs(values).sum()
                if weight > 0.3:
                    trust["said"].append(e.sure)
                    trust["right"].append(float((np.abs(values) * (values * ideal > 0)).sum() / weight))
        crowd.append(person)
        print(f"\r{number + 1} of {people} people", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return crowd, out, trust


def hits_of(memory: Memory, person: sim.Person) -> list[Preference]:
    return memory.list(person.name)


def guess(records: Sequence[Preference], scene: sim.Scene) -> Estimate:
    """The estimate from records that need not be the person's own."""
    e = np.array(scene.embedding)
    same = [r for r in records if len(r.embedding) == e.size]
    return estimate([(r, float(np.dot(r.embedding, e))) for r in same], scene.regions, tags=scene.tags)


def reversed_records(records: Sequence[Preference]) -> list[Preference]:
    """Likes and dislikes swapped, and every liked deviation turned round."""
    swap = {"like": "dislike", "dislike": "like", "remember": "dislike"}
    return [
        r.model_copy(
            update={
                "feedback": swap[r.feedback],
                "deviation": {k: {n: -x for n, x in v.items()} for k, v in r.deviation.items()},
            }
        )
        for r in records
    ]


def controls(crowd: Sequence[sim.Person], scenes: sim.Scenes, memory: Memory) -> dict[str, list[float]]:
    """Per person: how much nearer the own profile comes than each control, as a share of the distance without memory."""
    out: dict[str, list[float]] = {
        name: []
        for name in ("wrong user", "population mean", "reversed preferences", "mismatched scenes", "wrong query")
    }
    records = {p.name: hits_of(memory, p) for p in crowd}
    for number, person in enumerate(crowd):
        rng = np.random.default_rng([SEED, number, 1])
        own = records[person.name]
        other = crowd[(number + 1 + int(rng.integers(len(crowd) - 1))) % len(crowd)]
        others = [p for p in rng.permutation(np.array(crowd, object)) if p is not person][:15]
        order = rng.permutation(len(own))
        shuffled = [
            r.model_copy(update={"embedding": own[j].embedding, "tags": own[j].tags})
            for r, j in zip(own, order, strict=True)
        ]
        backwards = reversed_records(own)
        gains: dict[str, float] = dict.fromkeys(out, 0.0)
        base = 0.0
        for scene in fresh_scenes(person, scenes, SEED + 1000 + number):

            def off(e: Estimate, scene: sim.Scene = scene) -> float:
                return sim.distance(person, e, scene)  # noqa: B023

            mine = off(memory.estimate(person.name, scene.embedding, scene.regions, tags=scene.tags))
            base += sim.nothing(person, scene)
            gains["wrong user"] += (
                off(memory.estimate(other.name, scene.embedding, scene.regions, tags=scene.tags)) - mine
            )
            tables = [
                sim.table(memory.estimate(p.name, scene.embedding, scene.regions, tags=scene.tags).values, scene)
                for p in others
            ]
            gains["population mean"] += float(np.linalg.norm(np.mean(tables, 0) - person.ideal(scene))) - mine
            gains["reversed preferences"] += off(guess(backwards, scene)) - mine
            gains["mismatched scenes"] += off(guess(shuffled, scene)) - mine
            wrong = scenes.draw(str(rng.choice([k for k in scenes.shows if k != scene.kind])), rng)
            gains["wrong query"] += (
                off(memory.estimate(person.name, wrong.embedding, scene.regions, tags=wrong.tags)) - mine
            )
        for name, value in gains.items():
            out[name].append(value / base)
        print(f"\r{number + 1} of {len(crowd)} controls", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return out


def separation(people: int, scenes: sim.Scenes) -> dict[str, dict[str, float]]:
    """How well tastes for different kinds of scene stay apart; see `simulated_users.apart`."""
    return {
        "two tastes": sim.apart(people, scenes, SEED, guess),
        "any two kinds": sim.apart(people, scenes, SEED, guess, fixed=False),
        "sunsets alone": sim.apart(people, scenes, SEED, guess, both=False),
        "one kind alone": sim.apart(people, scenes, SEED, guess, fixed=False, both=False),
    }


KILLED = """
import os, sys
from pathlib import Path
from memory.record import Preference
from memory.taste import Memory
for line in sys.stdin:  # everything is imported once; each line starts another process
    if child := os.fork():
        print(child, flush=True)
        os.waitpid(child, 0)
        continue
    memory = Memory(Path(sys.argv[1]))
    memory.warm()
    for i in range(100_000):
        record = Preference(user="anna", feedback="like", embedding=(1.0, float(i)), deviation={"sky": {"tint": 0.1}})
        memory.like(record)
        print(record.id, flush=True)
"""


def killed(times: int = 200) -> tuple[int, int]:
    """Kill a process -9 right after its first acknowledged like, `times` times. Returns (acknowledged, lost)."""
    folder = Path(tempfile.mkdtemp())
    acknowledged: set[str] = set()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for round_ in range(times):
            nursery.stdin.write("next\n")
            nursery.stdin.flush()
            while not (line := nursery.stdout.readline().strip()).isdigit():
                acknowledged.add(line)
            acknowledged.add(nursery.stdout.readline().strip())
            os.kill(int(line), signal.SIGKILL)
            print(f"\r{round_ + 1} of {times} kills", end="", file=sys.stderr, flush=True)
        nursery.stdin.close()
        acknowledged |= set(nursery.stdout.read().split())
    print(file=sys.stderr)
    # A line cut short by the kill was not acknowledged.
    whole = {line for line in acknowledged if len(line) == 36}
    with Memory(folder) as memory:
        there = {r.id for r in memory.list("anna")}
        memory._wrote = False
    shutil.rmtree(folder)
    return len(whole), len(whole - there)


def damage(kind: str, folder: Path) -> None:
    """Delete, truncate or overwrite the index folder with noise."""
    rng = np.random.default_rng(0)
    if kind == "deleted":
        shutil.rmtree(folder)
        return
    for path in [p for p in folder.rglob("*") if p.is_file() and kind != "untouched"]:
        size = path.stat().st_size
        path.write_bytes(path.read_bytes()[: size // 2] if kind == "truncated" else rng.bytes(size))


def filled(folder: Path, count: int) -> None:
    """A log of `count` likes of one person."""
    with Memory(folder) as memory:
        vectors = near(1, count)
        for start in range(0, count, 5000):
            memory.log.extend(
                (Preference(user="anna", feedback="like", time=1.7e9 + i, embedding=tuple(map(float, vectors[i])),
                            deviation={"sky": {"temperature": 0.1}}), None)
                for i in range(start, min(start + 5000, count))
            )  # fmt: skip


def restarts(counts: Sequence[int] = (999, 1000, 1001, 5000)) -> dict[str, float]:
    """Share of queries whose five nearest are the same after a restart with the index in each state."""
    out = {}
    queries = near(2, 40)
    for count in counts:
        folder = Path(tempfile.mkdtemp())
        filled(folder, count)
        with Memory(folder) as memory:
            truth = [[h.record.id for h in memory.recall("anna", q, 5)] for q in queries]
            memory.warm(wait=True)
        for kind in ("untouched", "deleted", "truncated", "noise"):
            damage(kind, folder / "index")
            with Memory(folder) as memory:
                memory.warm(wait=True)
                assert memory.index.ready
                same = [
                    [h.record.id for h in memory.recall("anna", q, 5)] == t for q, t in zip(queries, truth, strict=True)
                ]
            out[f"{count} {kind}"] = float(np.mean(same))
        shutil.rmtree(folder)
    return out


def recall_times(counts: Sequence[int] = (5000, 100_000)) -> dict[str, float]:
    """Milliseconds of one recall of five, and of an estimate: median of 100; and the processor time of one."""
    out = {}
    queries = near(3, 100)
    for count in counts:
        folder = Path(tempfile.mkdtemp())
        filled(folder, count)
        with Memory(folder) as memory:
            start = time.perf_counter()
            memory.recall("anna", queries[0], 5)
            out[f"{count} first scan"] = 1e3 * (time.perf_counter() - start)
            out |= _timed(f"{count} scan", lambda q: memory.recall("anna", q, 5), queries)
            truth = [[h.record.id for h in memory.recall("anna", q, 5)] for q in queries]
            start = time.perf_counter()
            memory.warm(wait=True)
            out[f"{count} index built, s"] = time.perf_counter() - start
            assert memory.index.ready
            out |= _timed(f"{count} index", lambda q: memory.recall("anna", q, 5), queries)
            same = [
                [h.record.id for h in memory.recall("anna", q, 5)] == t for q, t in zip(queries, truth, strict=True)
            ]
            out[f"{count} index = scan"] = float(np.mean(same))
            out |= _timed(f"{count} estimate", lambda q: memory.estimate("anna", q, ["global", "sky"]), queries[:20])
            memory._wrote = False
        shutil.rmtree(folder)
    return out


def _timed(name: str, call: Callable[[Any], Any], queries: np.ndarray) -> dict[str, float]:
    """Median wall time and mean processor time (all threads), ms: on a busy machine they differ."""
    times = []
    began = time.process_time()
    for query in queries:
        start = time.perf_counter()
        call(query)
        times.append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(times)), f"{name}, processor": 1e3 * (time.process_time() - began) / len(queries)}


def learn(scenes: sim.Scenes, people: int, todo: set[str]) -> dict[str, Any]:
    """The rows `distance`, `controls` and `leak` on one source of scenes; printed, and as figures."""
    figures: dict[str, Any] = {}
    if todo & {"distance", "controls"}:
        folder = Path(tempfile.mkdtemp())
        with Memory(folder) as memory:
            crowd, curve, trust = raise_people(people, scenes, memory, CHECKS if "distance" in todo else CHECKS[-1:])
            if "distance" in todo:
                figures |= distances(crowd, curve, trust)
            if "controls" in todo:
                gains = controls(crowd, scenes, memory)
                rows = [[n, float(np.mean(v)), *interval(v), interval(v)[0] > 0] for n, v in gains.items()]
                show("own profile beats the control by this share of the distance without memory, after 20 likes",
                     ["control", "mean", "low", "high", "passed"], rows)  # fmt: skip
                figures["controls"] = {n: [float(np.mean(v)), *interval(v)] for n, v in gains.items()}
                figures["controls passed"] = sum(interval(v)[0] > 0 for v in gains.values())
            memory._wrote = False
        shutil.rmtree(folder)
    if "leak" in todo:
        figures["leak"] = separation(20, scenes)
        rows = [[name, *(of.values())] for name, of in figures["leak"].items()]
        show("a taste for one kind of scene on another: ten likes of warm sunsets (and ten of cities as they are)",
             ["likes of", "leak", "learning on the other", "knows its own"], rows)  # fmt: skip
    return figures


def distances(
    crowd: Sequence[sim.Person], curve: dict[int, list[float]], trust: dict[str, list[float]]
) -> dict[str, Any]:
    """The learning curve, printed by likes and by kind of person."""
    rows = [[f"after {c}", float(np.mean(v)), *interval(v)] for c, v in curve.items()]
    show(f"{len(crowd)} people: distance of the first result to the ideal, relative to no memory",
         ["likes", "mean", "low", "high"], rows)  # fmt: skip
    kinds = dict.fromkeys(p.style for p in crowd)
    rows = [[s, *(float(np.mean([curve[c][i] for i, p in enumerate(crowd) if p.style == s])) for c in (5, 20))]
            for s in kinds]  # fmt: skip
    show("by kind of person", ["taste", "after 5", "after 20"], rows)
    return {
        "relative distance": {str(c): float(np.mean(v)) for c, v in curve.items()},
        "intervals": {str(c): interval(v) for c, v in curve.items()},
        "sure: said, right": [float(np.mean(trust["said"])), float(np.mean(trust["right"]))],
    }


def sources(
    names: Sequence[str], data: Path | None, seen: Path | None
) -> Iterator[tuple[str, sim.Scenes, list[float]]]:
    """The wanted sources of scenes, and how well the scene encoder tells their kinds apart."""
    for name in names:
        if name == "made-up":
            yield name, sim.ClusteredScenes(SEED), []
        elif data:
            from tests.bench.real_scenes import RealScenes, held_out_photos, trained_photos

            scenes = RealScenes((held_out_photos if name == "held-out" else trained_photos)(data), seen)
            spread = scenes.spread()
            show(f"{name} photos: {', '.join(f'{k} {len(v)}' for k, v in scenes.photos.items())}",
                 ["distance within a kind", "between kinds", "nearest is of the kind"], [spread])  # fmt: skip
            yield name, scenes, list(spread)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--scenes", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--seen", type=Path, help="JSON file that keeps what was seen in the photos for the next run")
    args = parser.parse_args()
    todo = set(args.only or PARTS)
    figures: dict[str, Any] = {"people": args.people}
    if todo & {"distance", "controls", "leak"}:
        for name, scenes, spread in sources(args.scenes, args.data, args.seen):
            print(f"\n== {name} scenes ==")
            figures[name] = learn(scenes, args.people, todo) | ({"encoder": spread} if spread else {})
    if "experts" in todo and args.data:
        from tests.bench.real_scenes import experts

        figures["experts"] = experts(args.data)
    if "kill" in todo:
        total, lost = killed()
        figures["kill"] = {"kills": 200, "acknowledged": total, "lost": lost}
        show("kill -9 after an acknowledged like", ["kills", "acknowledged", "lost"], [[200, total, lost]])
    if "restart" in todo:
        figures["same five after restart"] = same = restarts()
        show("same five nearest after a restart", ["records, index", "share"], list(same.items()))
    if "recall" in todo:
        figures["recall"] = recall_times()
        show("recall, ms", ["records", "median"], list(figures["recall"].items()))
    if "poison" in todo:
        from tests.bench.poison import poison

        attempts, successes = poison()
        figures["poison"] = {"attempts": attempts, "written": len(successes)}
        show(
            f"{attempts} attempts to write into memory without pressing anything", ["got in"], [[s] for s in successes]
        )
    finish("memory", figures)


if __name__ == "__main__":
    main()
