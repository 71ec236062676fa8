"""A message said once more, or in other words: the photo goes back to where it was said, and the talk with it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from models.errors import BurnishError
from ui.chat import Bubble, plain
from ui.desk import Session
from ui.paint import Paint

if TYPE_CHECKING:
    from ui.actions import Actions


class Rewind:
    """The handlers of the chat's own buttons for that."""

    def __init__(self, do: "Actions") -> None:
        self.do = do

    async def retry(self, session: Session, chat: list[Bubble], given: gr.RetryData) -> AsyncIterator[Paint]:
        """The same once more; where the model is free, the result is another."""
        index = _index(given.index)
        if 0 <= index < len(chat):
            async for paint in self._from(session, chat, index, plain(chat[index]), retry=True):
                yield paint

    async def edit(self, session: Session, chat: list[Bubble], given: gr.EditData) -> AsyncIterator[Paint]:
        """The message was changed, and is sent as it reads now."""
        index, text = _index(given.index), str(given.value)
        if 0 <= index < len(chat):
            # As the page shows it, marks that would be markup have a backslash before them.
            async for paint in self._from(session, chat, index, plain({**chat[index], "content": text}), retry=False):
                yield paint

    async def _from(
        self, session: Session, chat: list[Bubble], index: int, text: str, *, retry: bool
    ) -> AsyncIterator[Paint]:
        while index > 0 and chat[index]["role"] != "user":
            index -= 1
        try:
            before = await self._before(session, index)
            studio = await self.do.desk.studio()
            if before is not None and before != (await self._now(session)):
                await studio.command(session.thread, f"goto:{before}")
        except BurnishError as error:
            gr.Info(str(error))
        answers = {i: v for i, v in session.answers.items() if i < index}
        session = replace(session, answers=answers, references=session.given.get(index, session.references))
        async for paint in self.do.send(session, chat[:index], text, retry=retry):
            yield paint

    async def _now(self, session: Session) -> int:
        views = await (await self.do.desk.studio()).versions(session.thread)
        return next(view.number for view in views if view.current)

    async def _before(self, session: Session, index: int) -> int | None:
        """The version that the message at `index` was about; None when nothing answered it."""
        answer = min((i for i in session.answers if i > index), default=None)
        if answer is None:
            return None
        views = {v.number: v for v in await (await self.do.desk.studio()).versions(session.thread)}
        made = views.get(session.answers[answer])
        earlier = max((i for i in session.answers if i < index), default=None)
        last = session.answers[earlier] if earlier is not None else 0
        if made is None:
            return None
        # What made no version was about the one that was there.
        return made.number if made.number == last or made.parent is None else made.parent


def _index(index: int | tuple[int, int]) -> int:
    return index if isinstance(index, int) else index[0]
