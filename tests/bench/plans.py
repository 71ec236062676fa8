"""How well a planner reads requests: `python -m tests.bench.plans [DATA] [--url URL --model NAME | --inside model]`.

DATA holds `requests/*.jsonl` with hand labels (default: the environment variable BURNISH_DATA). Prints a table and, as its
last line, one JSON object. An edit matches when region, attribute and direction agree. A server is asked several requests
at once; `served` is the share of plans that came from it and not, because it failed, from the embedded planner.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from agent.plan import Plan, PlanContext
from agent.planner import EmbeddedPlanner, Planner, choose, plan_text
from agent.planner.served import INSTEAD

FILES = ("train", "dev", "dialogue_dev")

Key = tuple[str, str, int]


def key(edit: dict[str, Any]) -> Key:
    """Region, attribute and direction; objects by their last noun, in the singular."""
    region = str(edit["region"]).lower().strip()
    if region.startswith("object:"):
        region = "object:" + (region[7:].split() or [""])[-1].rstrip("s")
    return region, str(edit["attribute"]).lower(), 1 if float(edit["direction"]) > 0 else -1


def _size(amount: Any) -> Any:
    return {"value": amount, "unit": "percent"} if isinstance(amount, int | float) else amount


async def _asked(rows: list[dict[str, Any]], planner: Planner, at_once: int) -> list[tuple[Plan, float]]:
    """The plan of each row, at most `at_once` of them on their way at a time, and the seconds that it took."""
    places = asyncio.Semaphore(at_once)

    async def ask(row: dict[str, Any]) -> tuple[Plan, float]:
        async with places:
            start = time.perf_counter()
            plan = await planner.plan(row["text"], PlanContext.model_validate(row.get("context") or {}))
            return plan, time.perf_counter() - start

    return await asyncio.gather(*(ask(row) for row in rows))


def measure(path: Path, planner: Planner | None = None, at_once: int = 0) -> dict[str, float]:
    """Scores of a planner (default: the grammar) on a labelled file; `at_once`: requests to a server at a time."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    plan_text("warm up the tables")
    plans = asyncio.run(_asked(rows, planner or EmbeddedPlanner(), at_once or 1))
    counts, regional, by_attribute = [0, 0, 0], [0, 0, 0], defaultdict[str, list[int]](lambda: [0, 0, 0])
    shares: dict[str, list[bool]] = defaultdict(list)
    for row, (plan, _) in zip(rows, plans, strict=True):
        guess = plan.label()
        if at_once:
            shares["served"].append(INSTEAD not in (plan.note or ""))
        want, got = {key(e): e for e in row["edits"]}, {key(e): e for e in guess["edits"]}
        groups = (want.keys() & got.keys(), got.keys() - want.keys(), want.keys() - got.keys())
        for index, group in enumerate(groups):
            counts[index] += len(group)
            for k in group:
                by_attribute[k[1].split(":")[0]][index] += 1
                regional[index] += k[0] != "global"
        if row["kind"] == "style" and want:
            opposite = {(r, a, -d) for r, a, d in want} & got.keys()
            shares["exact"].append(2 * len(groups[0]) >= len(want) and not opposite)
        else:
            shares["exact"].append(not groups[1] and not groups[2])
        shares["kind"].append(row["kind"] == guess["kind"])
        shares["amount"] += [_size(want[k]["amount"]) == _size(got[k]["amount"]) for k in groups[0]]
        if "out_of_scope" in row:
            shares["out_of_scope"].append(set(row["out_of_scope"]) == set(guess["out_of_scope"]))
        for name in ("command", "protect"):
            if row.get(name):
                same = set(row[name]) == set(guess[name]) if name == "protect" else row[name] == guess[name]
                shares[name].append(same)
    macro = [_f1(c) for c in by_attribute.values() if c[0] + c[2] >= 5]
    seconds = sorted(took for _, took in plans)
    return {
        "rows": len(rows), "edit_f1": _f1(counts), "macro_f1": statistics.fmean(macro), "regional_f1": _f1(regional),
        **{name: statistics.fmean(values) for name, values in shares.items()},
        "ms_p50": 1e3 * seconds[len(seconds) // 2], "ms_p95": 1e3 * seconds[int(0.95 * len(seconds))],
    }  # fmt: skip


def _f1(counts: list[int]) -> float:
    hits, extra, missed = counts
    return 2 * hits / (2 * hits + extra + missed) if hits else 0.0


def main() -> None:
    """Measure every labelled file and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", default=os.environ.get("BURNISH_DATA"))
    parser.add_argument("--url", help="an OpenAI-compatible server; default: the embedded planner")
    parser.add_argument("--model")
    parser.add_argument("--inside", choices=("grammar", "model", "both"), default="grammar", help="without a server")
    parser.add_argument("--at-once", type=int, default=8, help="requests on their way to the server at a time")
    parser.add_argument("--timeout", type=float, default=60, help="seconds before the embedded planner answers instead")
    parser.add_argument("--only", choices=FILES, help="one of the labelled files")
    args = parser.parse_args()
    if not args.data:
        parser.error("name the folder that holds requests/, or set BURNISH_DATA")
    planner = choose(args.url, args.model, args.timeout, inside=args.inside)
    results = {}
    for name in (args.only,) if args.only else FILES:
        path = Path(args.data) / "requests" / f"{name}.jsonl"
        if path.exists():
            results[name] = {
                k: round(v, 4) for k, v in measure(path, planner, max(1, args.at_once) if args.url else 0).items()
            }
    columns = list(dict.fromkeys(c for r in results.values() for c in r))
    print(f"{'':14}" + "".join(f"{c:>13}" for c in columns))
    for name, scores in results.items():
        print(f"{name:14}" + "".join(f"{scores[c]:13.3f}" if c in scores else f"{'':13}" for c in columns))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
