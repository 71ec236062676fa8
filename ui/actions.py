"""What happens on the page: every event handler, over a `Desk`. Errors become sentences, never a stack of code."""

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr

from models.errors import BurnishError
from ui.chat import ALIKE, FIX, REASONS, Bubble, Progress, answered, said, told
from ui.desk import Desk, Session, View
from ui.edit import MAX_TEXT
from ui.paint import Paint
from ui.stage import painted, panels
from ui.words import DEFAULT_USER

if TYPE_CHECKING:
    from agent.events import Event, Result
    from ui.layout import Parts

log = logging.getLogger(__name__)


class Actions:
    """Handlers bound to the page's parts."""

    def __init__(self, desk: Desk, parts: "Parts", examples: list[Path]) -> None:
        self.desk, self.parts, self.examples = desk, parts, examples
        self._heard: deque[tuple[str, int, str]] = deque(maxlen=256)

    # Arriving and opening

    def arrive(self, session: Session, kept: dict[str, str], request: gr.Request) -> Paint:
        """A page was loaded: welcome whoever has logged in, or was here last."""
        name = str((kept or {}).get("user") or DEFAULT_USER)[:80]
        session = self.desk.newcomer(name, request.username, request.session_hash)
        paint = self._home(session)
        if (kept or {}).get("thread"):
            # Nothing else can be opened meanwhile that the conversation would then paint over.
            return {**paint, self.parts.kept: gr.skip(), self.parts.welcome.box: gr.update(visible=False)}
        return paint

    async def take_up(self, session: Session, kept: dict[str, str]) -> Paint:
        """Take up the conversation this browser was in, if any."""
        thread = str((kept or {}).get("thread") or "")
        if not thread:
            return self.same()
        try:
            return await self._page(*await self.desk.resume(session, thread))
        except Exception as error:
            # Forgotten, or of another installation: begin anew.
            if not isinstance(error, BurnishError):
                gr.Warning(_sentence(error))
            return self._home(session)

    async def open_upload(self, session: Session, name: str, file: str | None, request: gr.Request) -> Paint:
        """A photo was chosen or dropped; the place for it is empty again for the next."""
        if not file:
            return self.same()
        return {**await self._open(self._for(session, name, request), Path(file)), self.parts.welcome.drop: None}

    async def open_example(self, session: Session, name: str, picked: gr.SelectData, request: gr.Request) -> Paint:
        """An example was clicked."""
        return await self._open(self._for(session, name, request), self.examples[int(picked.index)])

    async def open_recent(self, session: Session, threads: list[str], picked: gr.SelectData) -> Paint:
        """An earlier conversation was clicked."""
        try:
            return await self._page(*await self.desk.resume(session, threads[int(picked.index)]))
        except Exception as error:
            gr.Warning(_sentence(error))
            return self.same()

    async def recent(self, session: Session) -> Paint:
        """The person's earlier conversations, for the page of welcome; it is there before them."""
        at = self.parts
        pictures, threads = await self.desk.recent(session)
        return {
            at.welcome.recent_box: gr.update(visible=bool(pictures)),
            at.welcome.recent: gr.update(value=pictures, selected_index=None),
            at.recent_threads: threads,
        }

    def go_home(self, session: Session) -> Paint:
        """Leave the photo; its conversation stays in the list of recent ones."""
        return self._home(session.anew())

    async def change_user(self, session: Session, name: str, request: gr.Request) -> Paint:
        """Another person sits down: the open photo is opened anew for them."""
        fresh = self._for(session, name, request)
        if fresh.user == session.user:
            return {self.parts.header.user: fresh.user}
        return await self._open(fresh, Path(session.source)) if session.source else self._home(fresh.anew())

    def _for(self, session: Session, name: str, request: gr.Request) -> Session:
        """The session of whoever's name stands in the profile box; a click elsewhere may come before the box was left."""
        here = self.desk.seated(session, request.username, request.session_hash)
        return here if here.fixed else replace(here, user=" ".join((name or "").split())[:80] or DEFAULT_USER)

    async def _open(self, session: Session, path: Path) -> Paint:
        try:
            return await self._page(*await self.desk.open_photo(session, path))
        except Exception as error:
            gr.Warning(_sentence(error), title="This photo cannot be opened")
            return self.same()

    def _home(self, session: Session) -> Paint:
        at = self.parts
        return {
            at.session: session,
            at.kept: {"thread": "", "user": session.user},
            at.header.user: gr.update(value=session.user, interactive=not session.fixed),
            at.welcome.box: gr.update(visible=True),
            at.stage.box: gr.update(visible=False),
            at.talk.box: gr.update(visible=False),
            at.talk.chat: [],
            at.talk.greeted: "",
            **self._idle(),
        }

    async def _page(self, session: Session, messages: list[Bubble]) -> Paint:
        at = self.parts
        session, frames = await self._frames(session)
        return {
            **frames,
            at.session: session,
            at.kept: {"thread": session.thread, "user": session.user},
            at.header.user: gr.update(value=session.user, interactive=not session.fixed),
            at.welcome.box: gr.update(visible=False),
            at.stage.box: gr.update(visible=True),
            at.talk.box: gr.update(visible=True),
            at.talk.chat: messages,
            at.talk.greeted: session.thread if len(messages) == 1 and await self.desk.has_eyes() else "",
            **self._idle(),
        }

    # Talking

    async def send(
        self, session: Session, chat: list[Bubble], text: str, *, retry: bool = False
    ) -> AsyncIterator[Paint]:
        """A message was sent."""
        text, pictures = (text or "").strip(), session.references
        text = text or (ALIKE if pictures else "")
        if not session.thread:
            gr.Info("Open a photo first, or click one of the examples.")
            yield self.same()
        elif not text:
            gr.Info('Write what should change, for example "a bit warmer".')
            yield self.same()
        elif len(text) > MAX_TEXT:
            gr.Warning(f"That message has {len(text)} characters; say it in at most {MAX_TEXT}.")
            yield self.same()
        else:
            given = {i: of for i, of in session.given.items() if i < len(chat)}
            now = replace(
                session, liking=False, references=(), share=1.0,
                given={**given, len(chat): pictures} if pictures else given,
            )  # fmt: skip
            if session.liking:
                yield {self.parts.session: now, **self.parts.talk.slot.empty()}
            how = {"reference": [Path(file) for file, _ in pictures], "share": session.share}
            async for paint in self._run(
                now,
                [*chat, said(text, [shown for _, shown in pictures])],
                lambda s: s.turn(session.thread, text, session.picked, retry, **how),
            ):
                yield paint

    async def choose(self, session: Session, chat: list[Bubble], picked: gr.SelectData) -> AsyncIterator[Paint]:
        """A quick reply was clicked."""
        async for paint in self.send(session, chat, str(picked.value)):
            yield paint

    async def fix(self, session: Session, chat: list[Bubble]) -> AsyncIterator[Paint]:
        """Whatever the critic finds is to be mended, as if asked for in words."""
        async for paint in self.send(session, chat, FIX):
            yield paint

    async def like(self, session: Session, chat: list[Bubble]) -> AsyncIterator[Paint]:
        """Thumbs up for the picture on the page."""
        async for paint in self._feedback(session, chat, "like"):
            yield paint

    async def dislike(self, session: Session, chat: list[Bubble]) -> AsyncIterator[Paint]:
        """Thumbs down for the picture on the page."""
        async for paint in self._feedback(session, chat, "dislike"):
            yield paint

    async def thumb(self, session: Session, chat: list[Bubble], given: gr.LikeData) -> AsyncIterator[Paint]:
        """Thumbs, or a reason, at an answer of the chat; at an earlier one they bring its version back first."""
        index = given.index if isinstance(given.index, int) else given.index[0]
        kind: Literal["like", "dislike", "withdraw"]
        reason = given.liked if isinstance(given.liked, str) and given.liked in REASONS else ""
        if reason:
            # Gradio tells a reason twice, now and then after the first has been answered.
            if (session.thread, index, reason) in self._heard:
                yield self.same()
                return
            self._heard.append((session.thread, index, reason))
            kind = "dislike"
        else:
            kind = {True: "like", "Like": "like", False: "dislike", "Dislike": "dislike"}.get(given.liked, "withdraw")  # type: ignore[assignment]
        # Gradio names the first of the messages that stand together, as a turn's steps and its answer do.
        together = takewhile(lambda i: chat[i]["role"] == "assistant", range(index, len(chat)))
        version = next((session.answers[i] for i in together if i in session.answers), session.version)
        if version != session.version and version in session.versions:
            try:
                await (await self.desk.studio()).command(session.thread, f"goto:{version}")
            except Exception as error:
                gr.Warning(_sentence(error))
        async for paint in self._feedback(session, chat, kind, reason):
            yield paint

    async def _feedback(
        self,
        session: Session,
        chat: list[Bubble],
        kind: Literal["like", "dislike", "withdraw"],
        reason: str = "",
    ) -> AsyncIterator[Paint]:
        if not session.thread:
            gr.Info("Open a photo first, or click one of the examples.")
            yield self.same()
            return
        chat = [*chat, said(reason)] if reason else chat
        async for paint in self._run(session, chat, lambda s: s.feedback(session.thread, kind, reason)):
            yield paint

    async def _run(
        self, session: Session, chat: list[Bubble], start: "Callable[[Any], AsyncIterator[Event]]"
    ) -> AsyncIterator[Paint]:
        """A turn from its first step to its answer, painted as it goes."""
        from agent.events import Failed, Result

        at, progress = self.parts, Progress()
        working = [*chat, progress.bubble()]
        yield {at.talk.chat: working, **self._busy()}
        try:
            async for event in start(await self.desk.studio()):
                if isinstance(event, Result):
                    # Only what made a picture is worth telling step by step.
                    steps = [progress.bubble(done=True)] if event.version != session.version else []
                    yield await self._done(session, [*chat, *steps], event)
                elif isinstance(event, Failed):
                    yield {at.talk.chat: [*chat, progress.bubble(done=True), told(event.text)], **self._idle()}
                else:
                    progress.add(event)
                    yield {at.talk.chat: [*chat, progress.bubble()]}
        except Exception as error:
            yield {at.talk.chat: [*chat, progress.bubble(done=True), told(_sentence(error))], **self._idle()}

    async def _done(self, session: Session, chat: list[Bubble], result: "Result") -> Paint:
        # An answer is looked at and not selected on.
        view: View = "choose" if result.variations else "zoom" if session.view == "zoom" else ""
        session = replace(session, view="" if result.compared else view, offered=result.variations)
        session, frames = await self._frames(session, compared=result.compared)
        answers = {**session.answers, len(chat): result.version}
        chat = [{**bubble, "options": []} for bubble in chat]  # earlier quick replies have had their turn
        return {
            **frames,
            self.parts.session: replace(session, answers=answers),
            self.parts.talk.chat: [*chat, answered(result, await self.desk.liked(session, result))],
            **self._idle(),
        }

    def stopped(self, session: Session, chat: list[Bubble]) -> Paint:
        """Stop was pressed: the running turn was cancelled, nothing of it is kept."""
        done = [
            {**b, "metadata": {"title": "Stopped", "status": "done"}}
            if (b.get("metadata") or {}).get("status") == "pending"
            else b
            for b in chat
        ]
        return {self.parts.talk.chat: [*done, told("Stopped; the photo is as it was.")], **self._idle()}

    # Moving through the versions

    async def undo(self, session: Session, chat: list[Bubble]) -> Paint:
        """One step back."""
        return await self._command(session, chat, "undo")

    async def redo(self, session: Session, chat: list[Bubble]) -> Paint:
        """One step forward again."""
        return await self._command(session, chat, "redo")

    async def reset(self, session: Session, chat: list[Bubble]) -> Paint:
        """Back to the photo as opened; all versions stay in the strip."""
        return await self._command(session, chat, "reset")

    async def go_to(self, session: Session, chat: list[Bubble], picked: gr.SelectData) -> Paint:
        """A version of the strip was clicked."""
        number = session.versions[int(picked.index)] if int(picked.index) < len(session.versions) else 0
        return self.same() if number == session.version else await self._command(session, chat, f"goto:{number}")

    async def _command(self, session: Session, chat: list[Bubble], name: str) -> Paint:
        return await self.command(session, name)

    async def command(self, session: Session, name: str) -> Paint:
        """`undo`, `redo`, `reset` or `goto:<n>`, and what the page then shows."""
        if not session.thread:
            return self.same()
        try:
            await (await self.desk.studio()).command(session.thread, name)
            return await self.shown(replace(session, view="zoom" if session.view == "zoom" else ""))
        except Exception as error:
            gr.Info(_sentence(error))
            return self.same()

    async def shown(
        self,
        session: Session,
        *,
        rendered: bool = True,
        compared: tuple[int, int] | None = None,
        panels_only: bool = False,
    ) -> Paint:
        """What the page shows of where the conversation stands, and the session with it. Raises `BurnishError`.

        `panels_only`: the sliders and chips alone, as nothing else has changed.
        """
        if panels_only:
            session, frames = await self.desk.frames(session)
            return {**panels(self.parts.stage, self.parts.talk, session, frames), self.parts.session: session}
        session, paint = await self._frames(session, rendered=rendered, compared=compared)
        return {**paint, self.parts.session: session}

    async def _frames(
        self, session: Session, *, rendered: bool = True, compared: tuple[int, int] | None = None
    ) -> tuple[Session, Paint]:
        at = self.parts
        return await painted(self.desk, at.stage, at.talk, session, rendered=rendered, compared=compared)

    def same(self) -> Paint:
        """Nothing changes."""
        return {self.parts.talk.stop: gr.skip()}

    def _idle(self) -> Paint:
        at = self.parts
        wake = {hand: gr.update(interactive=True) for hand in at.hands}
        return {at.talk.send: gr.update(visible=True), at.talk.stop: gr.update(visible=False), **wake}

    def _busy(self) -> Paint:
        at = self.parts
        rest = {hand: gr.update(interactive=False) for hand in at.hands}
        return {at.talk.send: gr.update(visible=False), at.talk.stop: gr.update(visible=True), **rest}


def _sentence(error: Exception) -> str:
    """What a person is told. What is not meant for people goes to the log instead."""
    if isinstance(error, BurnishError):
        return str(error)
    log.error("in the app", exc_info=error)
    return "Something went wrong inside Burnish; nothing was changed. Try it again."
