"""The graph: one turn of the conversation as LangGraph nodes, and the wait for a thumb at its end.

    perceive → recall → understand → decide → render → review ─┬→ present → feedback (interrupt) → learn
                                       ▲                       │
                                       └──── rethink (≤ 3) ────┘

A dislike goes from `learn` back to `decide`, for something else instead, or with a reason to `perceive`, as a message.
`builder` is not compiled, so that tests and other hosts can give it a checkpointer of their own; `graph` is, without one, for
LangGraph's own tools (`langgraph.json` names it). Checkpoints are for resuming after a crash; undo is `agent.history`.
"""

import sqlite3
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import nullcontext
from typing import Any, Final, Protocol

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import RetryPolicy, interrupt

from agent import learn, nodes, present
from agent.rooms import Context, Rooms, Say, default_rooms
from agent.state import InputState, Json, State
from memory.sql import LostError

Work = Callable[[State, Rooms, Say], Awaitable[Json]]


class Node(Protocol):
    """A node as LangGraph calls it."""

    __name__: str

    def __call__(self, state: State, *, runtime: Runtime[Context]) -> Awaitable[Json]:
        """Read the state, work, return what changes."""
        ...


#: What a person reads while a node works.
DOING: Final = {
    "perceive": "Looking at the photo", "recall": "Recalling your taste", "understand": "Understanding",
    "decide": "Deciding what to change", "render": "Retouching", "review": "Checking the result",
    "present": "Keeping the version", "learn": "Learning from it",
}  # fmt: skip


def transient(error: Exception) -> bool:
    """True for what goes away by itself: another process holds the database for a moment, or its server was started again.

    Nothing else is tried again.
    """
    if isinstance(error, LostError):
        return True
    return isinstance(error, sqlite3.OperationalError) and any(word in str(error) for word in ("locked", "busy"))


RETRY: Final = RetryPolicy(max_attempts=4, initial_interval=0.2, backoff_factor=2.0, retry_on=transient)


def node(name: str, work: Work) -> Node:
    """`work` as a node: tells when it begins and ends, and how long it took."""

    async def run(state: State, *, runtime: Runtime[Context]) -> Json:
        rooms = runtime.context.rooms if runtime.context and runtime.context.rooms else default_rooms()
        write = runtime.stream_writer
        step = {"type": "step", "node": name, "text": DOING[name]}
        write({**step, "state": "running"})
        start = time.perf_counter()
        # A served model may take its time; others use the place meanwhile.
        asks = name == "understand" and rooms.settings.served
        async with rooms.line.aside(state["thread"]) if asks else nullcontext():
            update = await work(state, rooms, lambda text: write({"type": "note", "text": text}))
        took = round(time.perf_counter() - start, 4)
        write({**step, "state": "done", "seconds": took})
        before = {} if name == "perceive" else state.get("seconds", {})
        return {**update, "seconds": {**before, name: round(before.get(name, 0.0) + took, 4)}}

    run.__name__ = name
    return run


async def feedback(state: State) -> Json:
    """Wait for a thumb. Nothing happens here before the interrupt: when it is answered the node runs from its top.

    Answered with `{"kind": "like" | "dislike" | "withdraw", "reason": str, "turn": str}`.
    """
    pressed: Any = interrupt(
        {"version": state["result"].get("version", 0), "options": state["result"].get("options", [])}
    )
    kind = pressed.get("kind") if isinstance(pressed, dict) else None
    if kind not in ("like", "dislike", "withdraw"):
        return {"feedback": {}}
    return {"feedback": {"kind": kind, "reason": str(pressed.get("reason", "")), "turn": str(pressed.get("turn", ""))}}


def after_feedback(state: State) -> str:
    """A thumb is learned; anything else ends the wait."""
    return "learn" if state["feedback"] else END


def build() -> StateGraph[State, Context, InputState, State]:
    """The graph, not compiled."""
    g: StateGraph[State, Context, InputState, State] = StateGraph(State, Context, input_schema=InputState)
    works: dict[str, Work] = {
        "perceive": nodes.perceive,
        "recall": nodes.recall,
        "understand": nodes.understand,
        "decide": nodes.decide_node,
        "render": nodes.render,
        "review": nodes.review,
        "present": present.present,
        "learn": learn.learn,
    }
    for name, work in works.items():
        g.add_node(name, node(name, work), retry_policy=RETRY)
    g.add_node("feedback", feedback)
    g.add_edge(START, "perceive")
    g.add_edge("perceive", "recall")
    g.add_edge("recall", "understand")
    g.add_edge("render", "review")
    routes: tuple[tuple[str, Callable[[State], str], tuple[str, ...]], ...] = (
        ("understand", nodes.after_understand, ("decide", "learn", "present")),
        ("decide", nodes.after_decide, ("render", "present")),
        ("review", nodes.after_review, ("decide", "present")),
        ("present", nodes.after_present, ("learn", "feedback")),
        ("feedback", after_feedback, ("learn", END)),
        ("learn", nodes.after_learn, ("perceive", "decide", "feedback")),
    )
    for source, route, targets in routes:
        paths: dict[Hashable, str] = {target: target for target in targets}
        g.add_conditional_edges(source, route, paths)
    return g


builder: Final = build()
graph: Final = builder.compile(name="burnish")
