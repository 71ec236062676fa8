"""The conversation, measured: requests met before and after rethinking, what cannot be done, broken renders, scripted
conversations, long threads, many people at once, kill -9, a large photo.

usage: python -m tests.bench.conversation [DIR] [--photos N] [--only SECTION ...] [--full] [--requests N]
       [--conversations N] [--turns N] [--users N] [--kills N]

DIR holds photos (default: dev_photos of the folder in BURNISH_DATA, else example photographs). The defaults take minutes;
`--requests 0` asks for every attribute of every region; `--full` is the full size of every section, also of those of `--only`.
"""

import argparse
import asyncio
import os
import random
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from skimage import data

from agent.decide import SMALLEST, Asked, cannot_show
from agent.events import Failed, Result
from agent.plan import Edit, Plan, PlanContext
from agent.review import TOLERANCE, UNSEEN, judge
from agent.settings import Settings
from agent.studio import Studio
from models.recipe import Recipe
from models.vocabulary import MAP_ATTRIBUTES
from tests.bench import injected
from tests.bench.kills import kills
from tests.bench.scripts import converse
from tests.bench.table import finish, show

Figures = dict[str, Any]
SIZES: Final = (0.12, 0.28, 0.55)
#: Words that say that something could not be done, or not wholly.
SAID: Final = re.compile(
    r"already|no colour|as far as|not quite|limit|nothing|lose|can't|only \d+ %|further from|hardly"
)


class Told:
    """A planner that is told what to answer: what is measured here is what comes after planning."""

    def __init__(self) -> None:
        self.next: Plan = Plan(kind="none")

    async def plan(self, text: str, context: PlanContext) -> Plan:
        """The plan that was set."""
        return self.next


async def say(studio: Studio, thread: str, text: str) -> Result:
    """One turn; raises when it failed."""
    end = None
    async for event in studio.turn(thread, text):
        end = event
    if not isinstance(end, Result):
        raise RuntimeError(end.text if isinstance(end, Failed) else "no result")
    return end


def photos(folder: Path | None, count: int, where: Path) -> list[Path]:
    """`count` photos of a folder, evenly spread over its names; without one, example photographs."""
    if folder is None and (root := os.environ.get("BURNISH_DATA")):
        folder = Path(root) / "dev_photos"
    if folder is not None:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
        step = max(1, len(found) // max(count, 1))
        return found[::step][:count]
    names = ("astronaut", "coffee", "chelsea", "rocket")[:count]
    out = []
    for name in names:
        out.append(where / f"{name}.png")
        cv2.imwrite(str(out[-1]), getattr(data, name)()[..., ::-1])
    return out


def small(path: Path, where: Path, edge: int) -> Path:
    """A copy of a photo with this long edge."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert picture is not None
    scale = edge / max(picture.shape[:2])
    out = where / f"{path.stem}-{edge}.png"
    cv2.imwrite(str(out), cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return out


def share(hits: int, of: int) -> float:
    """A share; NaN of nothing."""
    return hits / of if of else float("nan")


def near(got: float | None, asked: float) -> bool:
    """True when a measured change is within the tolerance of the asked one."""
    return got is not None and abs(got - asked) <= max(TOLERANCE * abs(asked), UNSEEN)


def requests(regions: list[str], count: int, seed: int) -> list[tuple[str, str, float]]:
    """Attribute × region with a size and a direction each; `count` of them, or all for 0."""
    draw = random.Random(seed)
    every = [(r, a, draw.choice(SIZES[:2]) * draw.choice((-1, 1))) for r in regions for a in MAP_ATTRIBUTES]
    return every if count == 0 else draw.sample(every, min(count, len(every)))


async def strong(home: Path, files: list[Path], args: argparse.Namespace) -> Figures:
    """Strong requests: met within 10 % of the asked measured change, before and after rethinking."""
    tally = dict.fromkeys(("asked", "declined", "before", "after", "picture", "rounds", "unsaid"), 0)
    missed: list[str] = []
    async with await Studio.open(Settings(home=home / "strong", preview_edge=args.edge)) as studio:
        planner = studio.rooms.planner = Told()
        for index, file in enumerate(files):
            thread = (await studio.start(file, "bench")).thread
            here = await studio.rooms.opened(thread)
            regions = [r.name for r in here.seen.scene.regions if r.area >= args.smallest]
            for region, attribute, value in requests(regions, args.requests, index):
                edit = Edit(
                    region=region, attribute=attribute, direction=1 if value > 0 else -1, amount=100 * abs(value)
                )
                planner.next = Plan(kind="strong", edits=(edit,))
                await studio.command(thread, "reset")
                result = await say(studio, thread, f"{attribute} of {region} {value:+.2f}")
                if not result.changes:
                    tally["declined"] += 1
                    tally["unsaid"] += not SAID.search(result.answer)
                    continue
                shown = cv2.imread(str(result.preview), cv2.IMREAD_COLOR)
                assert shown is not None
                moved = injected.truth(here, np.asarray(shown[..., ::-1], np.uint8), region, attribute)
                met = near(result.changes[0].achieved, value)
                rounds = int(result.review["rounds"])
                tally["asked"] += 1
                tally["before"] += met and rounds == 0
                tally["after"] += met
                tally["picture"] += near(moved, value)
                tally["rounds"] += rounds
                if not met:
                    missed.append(f"{file.stem}: {attribute} of {region} {value:+.2f} → {result.changes[0].achieved}")
                    tally["unsaid"] += not SAID.search(result.answer)
    n = tally["asked"]
    rows = [
        ["requests rendered", n],
        ["declined with a reason (cannot show)", tally["declined"]],
        ["met within 10 % before rethinking", share(tally["before"], n)],
        ["met within 10 % after rethinking", share(tally["after"], n)],
        ["the same read off the preview PNG", share(tally["picture"], n)],
        ["rounds a request", share(tally["rounds"], n)],
        ["missed or declined without saying so", tally["unsaid"]],
    ]
    show(f"Strong requests on {len(files)} photos", ["figure", "value"], rows)
    for line in missed[:8]:
        print(f"  missed: {line}")
    return {**tally, "met_before": share(tally["before"], n), "met_after": share(tally["after"], n)}


def _walls(where: Path) -> dict[str, Path]:
    """Photos that have no room in one direction: walls of paper white, near white, black, grey, full colour."""
    draw = np.random.default_rng(0)
    levels = {
        "white": (252,) * 3,
        "near white": (243,) * 3,
        "bright": (236,) * 3,
        "black": (2,) * 3,
        "grey": (128,) * 3,
    }
    out = {}
    for name, level in {**levels, "red": (235, 12, 10)}.items():
        wall = np.array(level) + draw.normal(0, 1.5, (240, 320, 1))
        out[name] = where / f"{name}.png"
        cv2.imwrite(str(out[name]), np.clip(wall, 0, 255).astype(np.uint8)[..., ::-1])
    return out


_IMPOSSIBLE: Final = (
    ("white", "brighten the photo"), ("white", "make it much brighter"), ("white", "make the highlights brighter"),
    ("near white", "much brighter please"), ("near white", "brighten it"), ("bright", "make it a lot brighter"),
    ("black", "darken it"), ("black", "make it much darker"), ("grey", "more saturation"), ("grey", "make it less colorful"),
    ("grey", "desaturate it"), ("red", "make it a lot more saturated"),
)  # fmt: skip


async def limits(home: Path, files: list[Path], args: argparse.Namespace) -> Figures:
    """Requests that are already satisfied or impossible: said, and no clipping added."""
    said = clean = total = 0
    bad: list[str] = []

    async def judged(studio: Studio, thread: str, text: str, name: str) -> None:
        nonlocal said, clean, total
        before = cv2.imread(str(studio.rooms.store.path(studio.rooms.history.version(thread).preview)))
        result = await say(studio, thread, text)
        after = cv2.imread(str(result.preview))
        assert before is not None
        assert after is not None
        ends = [float(((p >= 254) | (p <= 1)).all(axis=2).mean()) for p in (before, after)]
        asked = {(c.region, c.attribute): c for c in result.changes}
        partly = any(not near(c.achieved, c.asked) for c in asked.values())
        # A request that the frame had room for after all, and that was met, is no impossible one.
        told = bool(SAID.search(result.answer)) or bool(asked and not partly)
        total, said, clean = total + 1, said + told, clean + (ends[1] <= ends[0] + 0.001)
        if not told or ends[1] > ends[0] + 0.001:
            bad.append(f"{name}: “{text}” → {result.answer} (at the ends {ends[0]:.3f} → {ends[1]:.3f})")

    async with await Studio.open(Settings(home=home / "limits", preview_edge=320)) as studio:
        for name, path in _walls(home).items():
            thread = (await studio.start(path, "bench")).thread
            for text in [text for wall, text in _IMPOSSIBLE if wall == name]:
                await studio.command(thread, "reset")
                await judged(studio, thread, text, name)
        for file in files:
            thread = (await studio.start(file, "bench")).thread
            await say(studio, thread, "make it black and white")
            await judged(studio, thread, "make it black and white", file.stem)
            await studio.set_values(thread, "global", {"temperature": 1.0})
            await judged(studio, thread, "warmer", file.stem)
            here = await studio.rooms.opened(thread)
            for r in here.seen.scene.regions:
                for attribute in ("brightness", "saturation"):
                    edit = Edit(region=r.name, attribute=attribute)
                    if r.area >= SMALLEST and cannot_show(edit, r.attributes):
                        await studio.command(thread, "reset")
                        word = "brighter" if attribute == "brightness" else "more colorful"
                        await judged(studio, thread, f"make the {r.name} {word}", f"{file.stem} {r.name}")
    show("Already satisfied or impossible", ["figure", "value"],
         [["requests", total], ["said so", share(said, total)], ["no clipping added", share(clean, total)]])  # fmt: skip
    for line in bad[:8]:
        print(f"  {line}")
    return {"requests": total, "said": share(said, total), "no_clipping": share(clean, total)}


async def broken(home: Path, files: list[Path], args: argparse.Namespace) -> Figures:
    """Broken renders caught by review, and good ones that it doubts."""
    caught: dict[str, list[bool]] = {kind: [] for kind in injected.KINDS}
    alarms: list[bool] = []
    slipped: list[str] = []
    async with await Studio.open(Settings(home=home / "broken", preview_edge=args.edge)) as studio:
        for index, file in enumerate(files):
            thread = (await studio.start(file, "bench")).thread
            here = await studio.rooms.opened(thread)
            regions = [r for r in here.seen.scene.regions if r.area >= args.smallest]
            readings = {r.name: r.attributes for r in regions}
            for region, attribute, value in requests(list(readings), args.requests or 12, 100 + index):
                edit = Edit(region=region, attribute=attribute, direction=1 if value > 0 else -1)
                asked = Asked(region=region, attribute=attribute, wanted=value, value=value)
                good = await studio.rooms.darkroom.render(here, Recipe().with_values(region, {attribute: value}))
                shown = injected.picture(studio.rooms.darkroom, good)
                if cannot_show(edit, readings[region]) or not near(
                    injected.truth(here, shown, region, attribute), value
                ):
                    continue  # not a good render: the frame has no room for it, or it is off
                verdict = judge((asked,), False, injected.lying(here, good, shown), {})
                alarms.append(not verdict.ok)
                if not verdict.ok:
                    why = f"{' '.join(verdict.sentences)} (clipped {good.clipped:.3f})"
                    slipped.append(f"false alarm {file.stem}: {attribute} of {region} {value:+.2f}: {why}")
                for kind, made in await injected.broken(studio.rooms.darkroom, here, asked, good):
                    hit = not judge((asked,), False, made, {}).ok
                    caught[kind].append(hit)
                    if not hit:
                        slipped.append(f"{kind} {file.stem}: {attribute} of {region} {value:+.2f}")
    every = [hit for hits in caught.values() for hit in hits]
    rows = [[kind, len(hits), share(sum(hits), len(hits))] for kind, hits in caught.items()]
    rows += [
        ["all broken", len(every), share(sum(every), len(every))],
        ["false alarms", len(alarms), share(sum(alarms), len(alarms))],
    ]
    show(f"Broken renders on {len(files)} photos", ["kind", "renders", "caught"], rows)
    for line in slipped[:12]:
        print(f"  {line}")
    by_kind = {kind: share(sum(hits), len(hits)) for kind, hits in caught.items()}
    return {"caught": share(sum(every), len(every)), "false_alarms": share(sum(alarms), len(alarms)), "by_kind": by_kind,
            "renders": len(every)}  # fmt: skip


async def scripts(home: Path, files: list[Path], args: argparse.Namespace) -> Figures:
    """Scripted conversations: undo, redo, merge and every version bit-exact, also after a restart."""
    where = home / "scripts"
    where.mkdir()
    tiny = [small(file, where, 256) for file in files]
    total: dict[str, int] = {}
    faults: list[str] = []
    good = 0
    settings = Settings(home=where / "home", preview_edge=256)
    threads: dict[str, list[str]] = {}
    async with await Studio.open(settings) as studio:
        for index in range(args.conversations):
            told = await converse(studio, tiny[index % len(tiny)], index)
            good += not told.faults
            faults += told.faults
            threads[told.thread] = told.previews
            for kind, count in told.turns.items():
                total[kind] = total.get(kind, 0) + count
    again = versions = 0
    async with await Studio.open(settings) as studio:
        for thread, previews in threads.items():
            here = await studio.rooms.opened(thread)
            for version, preview in zip(studio.rooms.history.versions(thread)[1:], previews[1:], strict=True):
                made = await studio.rooms.darkroom.render(here, version.recipe, solved=True)
                versions += 1
                again += made.preview == preview
    turns = sum(total.values())
    rows = [["conversations", args.conversations], ["turns", turns],
            ["all steps right and bit-exact", share(good, args.conversations)],
            ["versions rendered again after a restart, bit-exact", share(again, versions)]]  # fmt: skip
    show("Scripted conversations", ["figure", "value"], rows)
    print("  turns by kind: " + ", ".join(f"{k} {n}" for k, n in sorted(total.items())))
    for line in faults[:8]:
        print(f"  {line}")
    return {"conversations": args.conversations, "turns": turns, "exact": share(good, args.conversations),
            "again": share(again, versions), "versions": versions, "kinds": total}  # fmt: skip


async def thread_size(home: Path, files: list[Path], args: argparse.Namespace) -> Figures:
    """One long conversation: bytes of a checkpoint per step, and of the databases."""
    where = home / "long"
    where.mkdir()
    texts = ("brighter", "a bit less", "make the face warmer", "undo", "more contrast",
             "much more saturation in the background", "a bit cooler", "what did you change?", "compare 1 and 2",
             "start over")  # fmt: skip
    began = time.perf_counter()
    async with await Studio.open(Settings(home=where / "home", preview_edge=256)) as studio:
        connection = studio._saver.conn
        await connection.execute("CREATE TEMP TABLE sizes (step INTEGER, bytes INTEGER)")
        for table, column in (("checkpoints", "checkpoint"), ("writes", "value")):
            await connection.execute(
                f"CREATE TEMP TRIGGER size_{table} AFTER INSERT ON main.{table} "
                f"BEGIN INSERT INTO sizes VALUES ({int(table == 'checkpoints')}, length(new.{column})); END"
            )
        thread = (await studio.start(small(files[0], where, 192), "bench")).thread
        for index in range(args.turns):
            await say(studio, thread, texts[index % len(texts)])
        async with connection.execute("SELECT max(bytes), count(*) FROM sizes WHERE step = 1") as rows:
            largest, steps = await rows.fetchone()
        async with connection.execute("SELECT max(bytes) FROM sizes WHERE step = 0") as rows:
            (write,) = await rows.fetchone()
        versions = len(await studio.versions(thread))
    took = time.perf_counter() - began
    disk = {
        name: sum(p.stat().st_size for p in (where / "home").glob(f"{name}.sqlite3*"))
        for name in ("checkpoints", "history")
    }
    rows_ = [["turns", args.turns], ["versions", versions], ["checkpoint steps", steps],
             ["largest checkpoint, kB", largest / 1024], ["largest pending write, kB", (write or 0) / 1024],
             ["checkpoints database, MB", disk["checkpoints"] / 1e6],
             ["history database, MB", disk["history"] / 1e6], ["seconds a turn", took / args.turns]]  # fmt: skip
    show("A long thread", ["figure", "value"], rows_)
    return {"turns": args.turns, "checkpoint_kb": largest / 1024, "database_mb": sum(disk.values()) / 1e6, **disk}


async def users(home: Path, files: list[Path], args: argparse.Namespace) -> Figures:
    """Many people at once: all served, none sees another's, and how long a turn takes beside that of one alone.

    Everybody says the same ten things, each beginning with another one; with `--lockstep` all say the same at the same time.
    The turn of one alone is the mean over the same ten things on the same photos, one person after the other: it is means
    that add up in a line.
    """
    where = home / "users"
    where.mkdir()
    texts = ("brighter", "a bit warmer", "more contrast", "undo", "less saturation", "make it a bit darker", "cooler",
             "redo", "more saturation", "a bit brighter")  # fmt: skip
    tiny = [small(file, where, 320) for file in files]
    crossed = failed = 0

    async def person(studio: Studio, name: str, thread: str, count: int, first: int = 0) -> list[float]:
        nonlocal crossed, failed
        seconds = []
        script = [texts[(first + i) % len(texts)] for i in range(count)]
        for text in script:
            start = time.perf_counter()
            try:
                await say(studio, thread, text)
            except RuntimeError:
                failed += 1
            seconds.append(time.perf_counter() - start)
        mine = [m.text for m in studio.rooms.history.messages(thread) if m.role == "user"]
        crossed += mine != script
        crossed += [t.thread for t in await studio.threads(name)] != [thread]
        return seconds

    async with await Studio.open(Settings(home=where / "home", preview_edge=320)) as studio:
        warm = (await studio.start(tiny[0], "warm")).thread
        await person(studio, "warm", warm, 3)
        alone: list[float] = []
        for i, file in enumerate(tiny):
            alone += await person(studio, f"alone{i}", (await studio.start(file, f"alone{i}")).thread, len(texts))
        # Everybody has a photo open before the clock starts: looking at a new one is no turn.
        opened = [(await studio.start(tiny[i % len(tiny)], f"user{i}")).thread for i in range(args.users)]
        began, busy = time.perf_counter(), time.process_time()
        all_of = await asyncio.gather(
            *(person(studio, f"user{i}", t, 10, 0 if args.lockstep else i) for i, t in enumerate(opened))
        )
        took = time.perf_counter() - began
        cores = (time.process_time() - busy) / took
    together = [s for one in all_of for s in one]
    p95, single = float(np.percentile(together, 95)), statistics.mean(alone)
    rows: list[list[object]] = [
        ["users × turns", f"{args.users} × 10"],
        ["failed turns", failed],
        ["mixed up", crossed],
        ["a turn alone, mean s", single],
        ["a turn together, median s", statistics.median(together)],
        ["a turn together, p95 s", p95],
        ["p95 ÷ alone", p95 / single],
        ["turns a second", len(together) / took],
        ["cores that this process got", cores],
        ["load of this machine", os.getloadavg()[0]],
    ]
    show("Many at once", ["figure", "value"], rows)
    return {
        "users": args.users,
        "failed": failed,
        "mixed": crossed,
        "alone_s": single,
        "p95_s": p95,
        "ratio": p95 / single,
        "cores": cores,
    }


async def large(home: Path, files: list[Path], args: argparse.Namespace) -> Figures:
    """A turn on a 12-megapixel photo, from the message to the preview."""
    where = home / "large"
    where.mkdir()
    picture = cv2.imread(str(files[0]), cv2.IMREAD_COLOR)
    assert picture is not None
    height, width = picture.shape[:2]
    scale = (12e6 / (height * width)) ** 0.5
    path = where / "large.jpg"
    cv2.imwrite(str(path), cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
    rows: list[list[object]] = []
    figures: Figures = {}
    async with await Studio.open(Settings(home=where / "home")) as studio:
        start = time.perf_counter()
        thread = (await studio.start(path, "bench")).thread
        rows.append(["open and perceive", time.perf_counter() - start, 0])
        await say(studio, thread, "brighter")
        regions = [r.name for r in (await studio.rooms.opened(thread)).seen.scene.regions]
        part = next((n for n in ("sky", "person", "subject", "background") if n in regions), "highlights")
        await say(studio, thread, "make it look good")
        texts = {"whole": "a bit warmer", "part": f"make the {part} brighter", "weak": "make it look good",
                 "style": "make it cinematic"}  # fmt: skip
        for name, text in texts.items():
            took, rounds = [], 0
            for _ in range(args.repeat):
                await studio.command(thread, "reset")
                start = time.perf_counter()
                result = await say(studio, thread, text)
                took.append(time.perf_counter() - start)
                rounds = max(rounds, int(result.review.get("rounds", 0)))
            figures[name] = statistics.median(took)
            rows.append([f"turn: {text}", figures[name], rounds])
    load = os.getloadavg()[0]
    show(f"12 megapixels (load of this machine {load:.1f})", ["turn", "median s", "rounds"], rows)
    return {**figures, "load": load}


#: What the project's table asks for.
FULL: Final = {"requests": 0, "conversations": 200, "turns": 1000, "kills": 100, "users": 20}

Section = Callable[[Path, list[Path], argparse.Namespace], Coroutine[Any, Any, Figures]]
SECTIONS: Final[dict[str, Section]] = {
    "strong": strong, "limits": limits, "broken": broken, "scripts": scripts, "long": thread_size, "users": users,
    "kills": kills, "large": large,
}  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.conversation", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--only", nargs="+", choices=tuple(SECTIONS), default=list(SECTIONS))
    parser.add_argument("--requests", type=int, default=12, help="a photo, drawn; 0: every attribute of every region")
    parser.add_argument("--conversations", type=int, default=6)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--kills", type=int, default=24, help="kill -9, three times at every node")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--lockstep", action="store_true", help="all users say the same thing at the same time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--edge", type=int, default=640, help="long edge of the previews that are measured")
    parser.add_argument(
        "--smallest", type=float, default=0.005, help="smallest share of the frame of a region asked about"
    )
    parser.add_argument("--full", action="store_true", help=f"the full size: {FULL}")
    args = parser.parse_args()
    if args.full:
        vars(args).update(FULL)
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        files = photos(args.folder, args.photos, Path(folder))
        for name in args.only:
            began = time.perf_counter()
            try:
                figures[name] = asyncio.run(SECTIONS[name](Path(folder), files, args))
            except (sqlite3.Error, RuntimeError) as error:
                figures[name] = {"error": str(error)}
                print(f"{name}: {error}")
            print(f"  ({time.perf_counter() - began:.0f} s)", flush=True)
    finish("conversation", {"photos": len(files), "sections": figures})


if __name__ == "__main__":
    main()
