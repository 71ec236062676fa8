"""The versions: samples to choose from, two of them side by side, a name for one, and the end of all of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.chat import Bubble
from ui.desk import Session
from ui.paint import Paint
from ui.words import clean

if TYPE_CHECKING:
    from ui.actions import Actions
    from ui.desk import Frames

OPEN: Final = "Versions …"
#: What a person could write to get them.
VARY: Final = "Show me variations"


@dataclass(frozen=True)
class Offers:
    """Samples to choose from, in the photo's place."""

    box: gr.Column
    grid: gr.Gallery
    leave: gr.Button


@dataclass(frozen=True)
class Manage:
    """What can be done with versions beside going to them."""

    open: gr.Button
    row: gr.Row
    name: gr.Textbox
    compare: gr.Dropdown
    reset: gr.Button
    delete: gr.Button
    sure: gr.Button
    told: gr.Markdown
    """What a comparison found."""

    def paint(self, session: Session, frames: "Frames") -> Paint:
        """As the version on the page has it: its name, and what it can be compared with."""
        others = [("Compare with …", -1), *((c, n) for n, (_, c) in zip(session.versions, frames.strip, strict=True))]
        return {
            self.row: gr.update(visible=session.managing),
            self.open: gr.update(variant="primary" if session.managing else "secondary"),
            self.name: gr.update(value=frames.called, interactive=session.version > 0),
            self.compare: gr.update(choices=[(text, n) for text, n in others if n != session.version], value=-1),
            self.delete: gr.update(visible=True),
            self.sure: gr.update(visible=False, value=_sure(len(session.versions) - 1)),
            self.told: gr.update(visible=False),
        }


def build_offers() -> Offers:
    """Lay out the grid, hidden."""
    with gr.Column(visible=False, elem_id="offers") as box:
        with gr.Row(elem_id="offers-head", equal_height=True):
            gr.Markdown("Four samples of the look. Click the one you like best.", elem_classes="caption")
            leave = gr.Button("Keep the first", size="sm", scale=0, min_width=110, elem_id="offers-leave")
        grid = gr.Gallery(
            columns=2, rows=2, object_fit="contain", allow_preview=False, show_label=False, label="Variations", buttons=[],
            interactive=False, elem_id="grid", elem_classes="tiles",
        )  # fmt: skip
    return Offers(box, grid, leave)


def build_manage(opened_by: gr.Button) -> Manage:
    """Lay out the row, hidden."""
    with gr.Row(visible=False, elem_id="versions", equal_height=True) as row:
        name = gr.Textbox(
            label="Name of this version", max_lines=1, max_length=60, elem_id="version-name", min_width=150, scale=2,
            submit_btn="Rename", container=False, show_label=False,
        )  # fmt: skip
        compare = gr.Dropdown(
            [("Compare with …", -1)], value=-1, label="Compare", show_label=False, container=False, elem_id="compare",
            min_width=150, scale=1,
        )  # fmt: skip
        reset = gr.Button("Start over", size="sm", scale=0, min_width=94, elem_id="reset")
        delete = gr.Button("Delete photo …", size="sm", scale=0, min_width=120, elem_id="delete")
        sure = gr.Button(
            _sure(0), variant="stop", size="sm", scale=0, min_width=180, visible=False, elem_id="delete-sure"
        )
    told = gr.Markdown(visible=False, elem_id="compared", elem_classes="caption")
    return Manage(opened_by, row, name, compare, reset, delete, sure, told)


def _sure(count: int) -> str:
    what = f"its {count} version{'s' if count > 1 else ''}" if count else "its conversation"
    return f"Yes, delete it and {what}"


class Versions:
    """The handlers."""

    def __init__(self, do: "Actions", offers: Offers, manage: Manage) -> None:
        self.do, self.offers, self.manage = do, offers, manage

    def wire(self, session: gr.State, **how: Any) -> None:
        """Attach everything but what makes variations, which is a turn."""
        at = self.manage
        self.offers.grid.select(self.pick, [session], **how)
        self.offers.leave.click(self.leave, [session], **how)
        at.open.click(self.toggle, [session], **how)
        at.name.submit(self.rename, [session, at.name], **how)
        at.compare.input(self.compare, [session, at.compare], **how)
        at.delete.click(lambda: {at.delete: gr.update(visible=False), at.sure: gr.update(visible=True)}, None, **how)

    async def vary(self, session: Session, chat: list[Bubble]) -> AsyncIterator[Paint]:
        """Samples of the look, as if asked for in words."""
        async for paint in self.do.send(session, chat, VARY):
            yield paint

    async def pick(self, session: Session, picked: gr.SelectData) -> Paint:
        """A sample was chosen."""
        index = int(picked.index)
        if index >= len(session.offered):
            return self.do.same()
        return await self.do.command(replace(session, view=""), f"goto:{session.offered[index]}")

    async def leave(self, session: Session) -> Paint:
        """Back to the photo, at the sample that is current."""
        return await self.do.shown(replace(session, view=""))

    async def toggle(self, session: Session) -> Paint:
        """Open or close the row."""
        return await self.do.shown(replace(session, managing=not session.managing))

    async def rename(self, session: Session, name: str) -> Paint:
        """The version on the page gets a name."""
        name = " ".join((name or "").split())
        if not session.thread or session.version == 0 or not name:
            return self.do.same()
        try:
            await (await self.do.desk.studio()).rename(session.thread, session.version, name)
        except BurnishError as error:
            gr.Info(str(error))
        return await self.do.shown(session)

    async def compare(self, session: Session, other: int | None) -> Paint:
        """Another version beside the one on the page."""
        if not session.thread or other is None or int(other) not in session.versions:
            return self.do.same()
        try:
            found = await (await self.do.desk.studio()).compare(session.thread, int(other))
        except BurnishError as error:
            gr.Info(str(error))
            return self.do.same()
        paint = await self.do.shown(replace(session, view=""), compared=(int(other), session.version))
        return {
            **paint,
            self.manage.compare: int(other),
            self.manage.told: gr.update(value=clean(found.text), visible=True),
        }

    async def delete(self, session: Session) -> Paint:
        """The photo goes with its versions and its conversation; what was learned from it stays."""
        try:
            await (await self.do.desk.studio()).delete(session.thread, session.user)
        except BurnishError as error:
            gr.Info(str(error))
            return self.do.same()
        gr.Info("Deleted. What was learned from it stays; My taste forgets that.")
        return self.do.go_home(session)
