"""Turns: how a message or a thumb runs through the graph, waits its turn in the line, and ends also when it is cut off."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal
from weakref import WeakValueDictionary

from agent.checkpoints import prune
from agent.events import Event, Failed, Note, Result, Step
from agent.history import Thread, Version
from agent.holds import Holds
from agent.line import room
from agent.rooms import Context, Rooms
from agent.state import FRESH
from models.errors import BurnishError, PreferenceError
from models.vocabulary import PICKED

log = logging.getLogger(__name__)

#: Longest message that is read, in bytes of UTF-8: with it a checkpoint stays below 64 kB. What is beyond is not read.
MAX_MESSAGE: Final = 20_000
#: How often a turn that was cut off is begun again before it is given up: it may be what kills the process.
TRIES: Final = 2

#: Pictures that may be given at a time to look like, and what is asked where nothing is said beside them.
MAX_REFERENCES: Final = 8
ALIKE: Final = "make it look like this"

EMPTY: Final = "Say what you want, for example “a bit brighter” or “make the sky bluer”."
STOPPED: Final = "Stopped before it was done; nothing was changed."
GAVE_UP: Final = "This message was cut off twice; nothing was changed. Say it again, perhaps in other words."
BROKEN: Final = "Something went wrong inside Burnish; nothing was changed. Try again, or say it in other words."
HALF: Final = "Your change was made, but what should have followed it went wrong inside Burnish; try that part again."


class Turns:
    """Turns of one thread run one after the other; threads run side by side. `agent.studio` is the door to them."""

    def __init__(self, rooms: Rooms, graph: Any, saver: Any, holds: Holds):
        self.rooms = rooms
        self._holds = holds
        self._graph = graph
        self._saver = saver
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def turn(
        self,
        thread: str,
        text: str,
        picked: str = "",
        retry: bool = False,
        reference: Sequence[Path] = (),
        share: float = 1.0,
    ) -> AsyncGenerator[Event, None]:
        """Answer one message: steps and notes as they happen, then exactly one `Result` or `Failed`.

        `picked`: the name of what is selected on the photo (`agent.picking`), which "this" then means. `retry`: the same has
        been asked of this version before, so that a look is another sample. `reference`: pictures whose
        look is to be carried over, several as one; the message may then be empty, and may name the look ("call it Friday").
        `share`: how much of a look that is carried over, 0..1 of what the words ask.
        Closing the iterator early stops the turn; nothing of it is kept.
        """
        text = text.encode("utf-8", "replace")[:MAX_MESSAGE].decode("utf-8", "ignore").replace("\0", "").strip()
        text = text or (ALIKE if reference else "")
        if not text:
            yield Failed(text=EMPTY)
            return
        if len(reference) > MAX_REFERENCES:
            yield Failed(text=f"Give at most {MAX_REFERENCES} references at a time.")
            return
        if picked and not PICKED.fullmatch(picked):
            yield Failed(text="That selection is not one; click on the photo, draw a box or paint over it again.")
            return
        try:
            self.rooms.history.thread(thread)
            async with self._alone(thread):
                turn = str(uuid.uuid4())
                await asyncio.to_thread(self.rooms.history.say, thread, turn, "user", text)
                async with aclosing(
                    self._queued(thread, turn, lambda: self._turn(thread, turn, text, picked, retry, reference, share))
                ) as events:
                    async for event in events:
                        yield event
        except BurnishError as error:
            yield Failed(text=str(error))

    async def feedback(
        self, thread: str, kind: Literal["like", "dislike", "withdraw"], reason: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Thumbs up or down on the current version, or take it back. A `reason` after a dislike is a follow-up turn."""
        turn = str(uuid.uuid4())
        reason = reason.strip()[: MAX_MESSAGE // 4] if kind == "dislike" else ""
        try:
            about = self.rooms.history.thread(thread)
            async with self._alone(thread):
                if reason:
                    await asyncio.to_thread(self.rooms.history.say, thread, turn, "user", reason)
                pressed = {"kind": kind, "reason": reason, "turn": turn}
                async with aclosing(self._queued(thread, turn, lambda: self._press(about, pressed))) as events:
                    async for event in events:
                        yield event
        except BurnishError as error:
            yield Failed(text=str(error))

    async def _press(self, about: Thread, pressed: dict[str, str]) -> AsyncGenerator[Event, None]:
        from langgraph.types import Command

        thread, turn = about.id, pressed["turn"]
        place = await self._graph.aget_state(self._config(thread))
        start: Any = Command(resume=pressed)
        if place.next != ("feedback",) or not place.interrupts:
            # Nothing is waiting for a thumb, as after a slider was moved: put the graph where it would be.
            state = {**FRESH, "thread": thread, "user": about.user, "photo": about.photo, "turn": turn}
            await self._graph.aupdate_state(self._config(thread), {**state, "feedback": pressed}, as_node="feedback")
            start = None
        async with aclosing(self._events(thread, turn, start)) as events:
            async for event in events:
                yield event

    @asynccontextmanager
    async def _alone(self, thread: str) -> AsyncIterator[None]:
        """One at a time a conversation: in this process by a lock, among hosts by a hold."""
        async with self._lock(thread), self._holds.hold(thread):
            yield

    def _place(self, thread: str) -> AbstractAsyncContextManager[Any]:
        """A place in the line for work on a conversation's photo."""
        about = self.rooms.history.thread(thread)
        return self.rooms.line.place(thread, about.user, room(about.facts.get("bytes")))

    async def _queued(
        self, thread: str, turn: str, work: Callable[[], AsyncGenerator[Event, None]]
    ) -> AsyncGenerator[Event, None]:
        """The events of `work`, which begins when the turn's place in the line has come; tells the place meanwhile."""
        about, start, begun, waited = self.rooms.history.thread(thread), time.perf_counter(), False, False
        ticket = self.rooms.line.join(thread, about.user, room(about.facts.get("bytes")))
        try:
            async with aclosing(self.rooms.line.waiting(ticket)) as places:
                async for ahead in places:
                    waited = True
                    yield Step(node="queue", text=waiting(ahead), state="running")
            if waited:
                took = round(time.perf_counter() - start, 4)
                yield Step(node="queue", text="Waited in line", state="done", seconds=took)
            begun = True
            async with aclosing(work()) as events:
                async for event in events:
                    yield event
        finally:
            self.rooms.line.leave(ticket)
            if not begun:
                self.rooms.history.say(thread, turn, "assistant", STOPPED)

    def _lock(self, thread: str) -> asyncio.Lock:
        lock = self._locks.get(thread)
        if lock is None:
            lock = self._locks[thread] = asyncio.Lock()
        return lock

    def _config(self, thread: str) -> dict[str, Any]:
        return {"configurable": {"thread_id": thread}, "recursion_limit": 60}

    async def _turn(
        self,
        thread: str,
        turn: str,
        text: str,
        picked: str = "",
        retry: bool = False,
        reference: Sequence[Path] = (),
        share: float = 1.0,
    ) -> AsyncGenerator[Event, None]:
        await asyncio.to_thread(self.rooms.history.begin, thread, turn)
        start: dict[str, Any] = {"thread": thread, "turn": turn, "text": text, "command": "", "picked": picked}
        start |= {"retry": retry, "reference": {}, "share": min(max(share, 0.0), 1.0)}
        if reference:
            try:
                start["reference"] = (await self.rooms.darkroom.referred(reference)).model_dump(mode="json")
            except BurnishError as error:
                self.rooms.history.say(thread, turn, "assistant", str(error))
                yield Failed(text=str(error))
                return
        async with aclosing(self._events(thread, turn, start)) as events:
            async for event in events:
                yield event

    async def _events(self, thread: str, turn: str, start: Any) -> AsyncGenerator[Event, None]:
        """Run the graph until it waits for a thumb again. `start`: input, a `Command`, or None to go on."""
        end: Event = Failed(text=STOPPED)
        try:
            stream = self._graph.astream(
                start,
                self._config(thread),
                context=Context(rooms=self.rooms),
                stream_mode=["updates", "custom"],
                durability="sync",
            )
            async with aclosing(stream) as parts:
                async for mode, part in parts:
                    if mode == "custom" and (event := _event(part)) is not None:
                        yield event
            state = (await self._graph.aget_state(self._config(thread))).values
            end = self._result(thread, state["result"])
        except BurnishError as error:
            end = Failed(text=str(error))
        except Exception:
            log.exception("turn %s of %s", turn, thread)
            end = Failed(text=HALF if self.rooms.history.made_by(thread, turn) else BROKEN)
        finally:
            if isinstance(end, Failed):
                # Also when the turn was stopped from outside: it has been answered, and is not taken up again.
                self.rooms.history.say(thread, turn, "assistant", end.text)
        await prune(self._saver, thread)
        yield end

    async def _finish(self, thread: str) -> None:
        """Run to its end what a crash has cut off."""
        place = await self._graph.aget_state(self._config(thread))
        waiting = not place.next or place.next == ("feedback",)
        open_turn = self.rooms.history.unanswered(thread)
        pressed = (place.values or {}).get("feedback") or {}
        if open_turn is None:
            if waiting or not pressed:
                return
            events = self._events(thread, str(pressed.get("turn") or uuid.uuid4()), None)
        elif open_turn.tries >= TRIES:
            await asyncio.to_thread(self.rooms.history.say, thread, open_turn.turn, "assistant", GAVE_UP)
            return
        elif not waiting and open_turn.turn in (place.values.get("turn"), pressed.get("turn")):
            await asyncio.to_thread(self.rooms.history.begin, thread, open_turn.turn)
            events = self._events(thread, open_turn.turn, None)
        else:
            events = self._turn(thread, open_turn.turn, open_turn.text)
        async with aclosing(events) as rest:
            async for _ in rest:
                pass

    def _result(self, thread: str, result: Mapping[str, Any]) -> Result:
        rest = {name: value for name, value in result.items() if name not in ("preview", "memory_records")}
        shown = self._pictures(thread, result.get("memory_records", ()))
        preview = self.rooms.store.path(result["preview"])
        return Result.model_validate({**rest, "thread": thread, "preview": preview, "memory_thumbnails": shown})

    def _pictures(self, thread: str, records: Sequence[str]) -> tuple[Path, ...]:
        """Thumbnails of what a result leans on; those that have been forgotten since are gone."""
        if not records:
            return ()
        try:
            return self.rooms.memory.pictures(self.rooms.history.thread(thread).user, records)
        except PreferenceError:
            return ()

    def _show(self, thread: str, version: Version, text: str, new: bool = False) -> Result:
        from agent.plan import Plan
        from agent.present import view

        plan = Plan.model_validate(version.facts["plan"]) if version.facts.get("plan") else None
        return self._result(thread, view(version, text, plan, new=new))


def waiting(ahead: int) -> str:
    """How long the line is, for the person in it.

    >>> waiting(2)
    'Waiting in line: 2 others come first'
    """
    return f"Waiting in line: {ahead} others come first" if ahead > 1 else "Waiting in line: you are next"


def _event(part: Any) -> Event | None:
    """A custom part of the stream as an event; None for one of another kind."""
    if not isinstance(part, dict):
        return None
    rest = {name: value for name, value in part.items() if name != "type"}
    if part.get("type") == "step":
        return Step.model_validate(rest)
    return Note.model_validate(rest) if part.get("type") == "note" else None
