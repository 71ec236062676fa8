"""Selecting on the photo: a click or a box makes a region that the next sentence calls "this"."""

from dataclasses import replace
from typing import Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.actions import Actions, Paint, put_away
from ui.desk import Session

CLICK: Final = "Click"
BOX: Final = "Box"

ASK_CLICK: Final = "Click on what you mean."
ASK_BOX: Final = "Click two opposite corners of a box around what you mean."
ASK_CORNER: Final = "Now click the opposite corner."
SELECTED: Final = "Selected. Now say it, for example: “make this warmer”, “leave this alone and darken the rest”."
CLEARED: Final = "Nothing is selected."


class Selecting:
    """The handlers of the selection tool, over the page's actions."""

    def __init__(self, do: Actions, hint: gr.Markdown) -> None:
        self.do, self.hint = do, hint

    @property
    def outputs(self) -> list[Any]:
        """What these handlers paint."""
        at = self.do.parts
        return [at.session, at.slider, at.selector, at.selecting, at.choose, self.hint]

    async def toggle(self, session: Session, how: str) -> Paint:
        """Take up the tool, or put it away; what is selected stays so."""
        if not session.thread:
            gr.Info("Open a photo first.")
            return {self.hint: gr.skip()}
        session = replace(session, selecting=not session.selecting, corner=())
        return await self._shown(session, SELECTED if session.picked else ASK_BOX if how == BOX else ASK_CLICK)

    async def at(self, session: Session, how: str, place: gr.SelectData) -> Paint:
        """A point of the photo was clicked."""
        from agent import picking

        width, height = await self.do.desk.preview_size(session)
        x, y = (float(v) / side for v, side in zip(place.index, (width, height), strict=True))
        if how == BOX and not session.corner:
            return {self.do.parts.session: replace(session, corner=(x, y)), self.hint: ASK_CORNER}
        made = picking.box(session.corner[0], session.corner[1], x, y) if how == BOX else picking.point(x, y)
        try:
            return await self._shown(replace(session, picked=made.name, corner=()), SELECTED)
        except BurnishError as error:
            gr.Info(str(error))
            return {self.hint: gr.skip()}

    async def clear(self, session: Session) -> Paint:
        """Select nothing."""
        return await self._shown(replace(session, picked="", corner=()), CLEARED)

    async def _shown(self, session: Session, hint: str) -> Paint:
        at = self.do.parts
        shown: Paint = {at.session: session, self.hint: hint}
        if not session.selecting:
            return {**shown, at.slider: gr.update(visible=True), **put_away(at)}
        return {
            **shown,
            at.slider: gr.update(visible=False),
            at.selector: gr.update(value=await self.do.desk.selection(session), visible=True),
            at.selecting: gr.update(visible=True),
            at.choose: gr.update(value="Done", variant="primary"),
        }
