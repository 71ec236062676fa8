"""kill -9 at every node: a process that holds a conversation is killed, another takes the conversation up and goes on.

Every conversation is the same, so an undisturbed one says what each step should have come to. A kill falls before a node,
after it, or while it works. Checked: what was acknowledged is there, unchanged; nothing is done or said twice; the step
that was cut off is either done once or not begun; the rest of the conversation comes out as if nothing had happened.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from agent.events import Failed, Result
from agent.settings import Settings
from agent.studio import Studio
from tests.bench.table import show

#: Texts, and thumbs with or without a reason. The third has a round of rethinking, the last goes through `learn` twice.
STEPS: Final = (
    "brighter", "a bit warmer", "more contrast", "undo", "make the background darker", "+like", "make it cinematic",
    "+dislike a bit cooler",
)  # fmt: skip
NODES: Final = ("perceive", "recall", "understand", "decide", "render", "review", "present", "learn")
WHERE: Final = ("before", "inside", "after")
_MODULES: Final = ("agent.studio", "agent.graph", "tools.retouch", "tools.perceive", "memory.taste", "langgraph.graph")

Seen = list[tuple[int, str]]
"""Version and recipe after each step."""


def settings(home: Path) -> Settings:
    """Small previews: what is measured is whether, not how fast."""
    return Settings(home=home, preview_edge=256)


async def take(studio: Studio, thread: str, step: str) -> Result:
    """One step. Raises `RuntimeError` when it fails."""
    if step.startswith("+"):
        kind, _, reason = step[1:].partition(" ")
        stream = studio.feedback(thread, kind, reason)  # type: ignore[arg-type]
    else:
        stream = studio.turn(thread, step)
    end = None
    async for event in stream:
        end = event
    if not isinstance(end, Result):
        raise RuntimeError(end.text if isinstance(end, Failed) else "no result")
    return end


def armed(index: int, node: str, where: str, delay: float) -> Callable[[int], None]:
    """Make `node` kill this process in step `index`. Returns what is to be told when a step begins."""
    import agent.graph
    from agent import learn, nodes, present

    name = {"decide": "decide_node"}.get(node, node)
    module = next(m for m in (nodes, present, learn) if name in vars(m) and vars(m)[name].__module__ == m.__name__)
    work = vars(module)[name]
    now = -1

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def deadly(*state: Any) -> Any:
        if now == index and where == "before":
            kill()
        if now == index and where == "inside":
            threading.Timer(delay, kill).start()
        done = await work(*state)
        if now == index and where == "after":
            kill()
        return done

    def begins(step: int) -> None:
        nonlocal now
        now = step

    setattr(module, name, deadly)
    agent.graph.builder = agent.graph.build()  # type: ignore[misc]
    return begins


def hold(home: str, photo: str, user: str, kill: tuple[int, str, str, float] | None, out: Connection) -> None:
    """Hold the conversation in a process of its own, telling what was acknowledged, until it is killed."""
    begins = armed(*kill) if kill else lambda step: None

    async def run() -> None:
        async with await Studio.open(settings(Path(home))) as studio:
            thread = (await studio.start(Path(photo), user)).thread
            out.send(("thread", thread))
            for index, step in enumerate(STEPS):
                begins(index)
                result = await take(studio, thread, step)
                out.send(("done", (result.version, result.recipe.to_json())))

    asyncio.run(run())


def held(
    context: Any, home: Path, photo: Path, user: str, kill: tuple[int, str, str, float] | None
) -> tuple[str, Seen, int]:
    """Run `hold`; the thread, what was acknowledged, and how the process ended."""
    told, tells = context.Pipe(duplex=False)
    process = context.Process(target=hold, args=(str(home), str(photo), user, kill, tells))
    process.start()
    tells.close()
    thread, seen = "", []
    try:
        while True:
            what, value = told.recv()
            if what == "thread":
                thread = value
            else:
                seen.append(value)
    except (EOFError, OSError):
        pass
    process.join()
    return thread, seen, process.exitcode


async def check(studio: Studio, thread: str, user: str, seen: Seen, control: Seen, learned: list[int]) -> list[str]:
    """What is wrong with a conversation that was killed after the steps in `seen`; empty when nothing is."""
    faults = []
    first, again = await studio.resume(thread, user), await studio.resume(thread, user)
    if (first.messages, first.result) != (again.messages, again.result):
        faults.append("taking it up twice changes something")
    done = len(seen)
    if seen != control[:done]:
        faults.append("what was acknowledged differs from an undisturbed run")
    here = (first.result.version, first.result.recipe.to_json())
    follows = control[done] if done < len(control) else control[-1]
    before = control[done - 1] if done else (0, "")
    if here == follows and here != before:
        done += 1  # the step that was cut off has been finished
    elif here != before and done:
        faults.append(f"stands at version {here[0]}, neither before nor after the step that was cut off")
    else:
        # Not a new version: finished, like a thumb or a word, if it was answered.
        done += _answered(first.messages, STEPS[done]) if done < len(STEPS) else 0
    for index in range(done, len(STEPS)):
        result = await take(studio, thread, STEPS[index])
        if (result.version, result.recipe.to_json()) != control[index]:
            faults.append(f"{STEPS[index]!r} afterwards came out differently")
            break
    said = studio.rooms.history.messages(thread)
    texts = [m.text for m in said if m.role == "user"]
    expected = [s.partition(" ")[2] if s.startswith("+") else s for s in STEPS]
    if texts != [t for t in expected if t]:
        faults.append(f"said: {texts}")
    numbers = [v.number for v in await studio.versions(thread)]
    if numbers != list(range(1 + max(v for v, _ in control))):
        faults.append(f"versions {numbers}")
    if len(studio.memory.list(user)) != learned[0]:
        faults.append(f"{len(studio.memory.list(user))} preferences instead of {learned[0]}")
    return faults


def _answered(messages: Any, step: str) -> bool:
    text = step.partition(" ")[2] if step.startswith("+") else step
    told = [m.text for m in messages if m.role == "user"]
    return bool(text) and text in told


async def kills(home: Path, files: list[Path], args: argparse.Namespace) -> dict[str, Any]:
    """Kill a process at every node, `--kills` times in all, and look what is left."""
    from tests.bench.conversation import small

    where = home / "kills"
    where.mkdir()
    photo = small(files[0], where, 192)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_MODULES))
    thread, control, code = await asyncio.to_thread(held, context, where / "home", photo, "control", None)
    if code or len(control) != len(STEPS):
        raise RuntimeError(f"the undisturbed conversation ended with {code} after {len(control)} steps")
    async with await Studio.open(settings(where / "home")) as studio:
        learned = [len(studio.memory.list("control"))]
    draw = random.Random(0)
    points = [(node, at) for node in NODES for at in WHERE]
    tally = {node: [0, 0] for node in NODES}
    faults: list[str] = []
    for number in range(2 * args.kills):
        if sum(n for n, _ in tally.values()) == args.kills:
            break
        node, at = points[number % len(points)]
        steps = [i for i, s in enumerate(STEPS) if (s == "+like" or "dislike" in s) == (node == "learn")]
        kill = (draw.choice(steps), node, at, draw.random() * 0.1)
        user = f"user{number}"
        thread, seen, code = await asyncio.to_thread(held, context, where / "home", photo, user, kill)
        if code != -signal.SIGKILL:
            continue  # it was done before the kill came
        async with await Studio.open(settings(where / "home")) as studio:
            wrong = await check(studio, thread, user, seen, control, learned)
        tally[node][0] += 1
        tally[node][1] += not wrong
        faults += [f"{number} {node} {at} in {STEPS[kill[0]]!r}: {fault}" for fault in wrong]
    total, good = (sum(t[i] for t in tally.values()) for i in (0, 1))
    rows: list[list[object]] = [[node, n, ok] for node, (n, ok) in tally.items()]
    show("kill -9", ["node", "kills", "conversation intact"], [*rows, ["all", total, good]])
    for line in faults[:12]:
        print(f"  {line}")
    return {"kills": total, "intact": good / max(total, 1), "by_node": json.loads(json.dumps(tally))}
