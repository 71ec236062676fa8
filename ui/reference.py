"""The reference slot: pictures whose look the next message carries over, how much of it, and looks that have a name."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.chat import Bubble
from ui.desk import Session
from ui.paint import Paint
from ui.words import clean

if TYPE_CHECKING:
    from ui.actions import Actions

#: Most pictures at a time; several are averaged (`agent.turns`).
MOST: Final = 8

_ASK: Final = "Drop pictures that it should look like; several are averaged. Then send, with words or without."
_READY: Final = (
    "Your next message takes their look. Say more if you like: *like this, but less green, and call it Friday*; or "
    "*colourise it*, which takes their colours alone."
)


@dataclass(frozen=True)
class Slot:
    """The components."""

    open: gr.Button
    box: gr.Column
    hint: gr.Markdown
    drop: gr.File
    shown: gr.Gallery
    share: gr.Slider
    """Percent of the look that is carried over."""
    remove: gr.Button
    looks: gr.Dropdown

    def empty(self) -> Paint:
        """The slot put away, with nothing in it."""
        return {self.box: gr.update(visible=False), self.open: gr.update(variant="secondary"), **self.holding(())}

    def holding(self, pictures: Sequence[str]) -> Paint:
        """The slot with these thumbnails, paths in the cache."""
        there = bool(pictures)
        return {
            self.hint: _READY if there else _ASK,
            self.drop: gr.update(value=None, visible=len(pictures) < MOST),
            self.shown: gr.update(value=list(pictures), visible=there, selected_index=None),
            self.share: gr.update(visible=there, value=100) if not there else gr.update(visible=True),
            self.remove: gr.update(visible=there),
        }


def build_button() -> gr.Button:
    """What opens the slot, beside the message."""
    return gr.Button("+", min_width=44, scale=0, elem_id="reference-open", render=False)


def build(opened_by: gr.Button, photo_types: list[str]) -> Slot:
    """Lay the slot out, hidden."""
    with gr.Column(visible=False, elem_id="reference") as box:
        hint = gr.Markdown(_ASK, elem_classes="caption")
        with gr.Row(elem_id="reference-pictures", equal_height=True):
            shown = gr.Gallery(
                show_label=False, label="Pictures to look like", visible=False, interactive=False, allow_preview=False,
                rows=1, columns=MOST, height=64, object_fit="cover", buttons=[], elem_id="reference-shown",
                elem_classes=["tiles", "film"], min_width=80,
            )  # fmt: skip
            drop = gr.File(
                label="Pictures to look like", file_types=photo_types, file_count="multiple", type="filepath", height=64,
                elem_id="reference-drop", min_width=120,
            )  # fmt: skip
        with gr.Row(elem_id="reference-how", equal_height=True):
            share = gr.Slider(
                10, 100, 100, step=5, label="How much", elem_id="reference-share", elem_classes="amount", buttons=[],
                visible=False, min_width=160,
            )  # fmt: skip
            remove = gr.Button("Remove", size="sm", scale=0, min_width=80, visible=False, elem_id="reference-remove")
            looks = gr.Dropdown(
                [("My looks …", "")], value="", label="My looks", show_label=False, container=False, visible=False,
                min_width=120, scale=0, elem_id="looks",
            )  # fmt: skip
    return Slot(opened_by, box, hint, drop, shown, share, remove, looks)


class References:
    """The handlers."""

    def __init__(self, do: "Actions", slot: Slot) -> None:
        self.do, self.slot = do, slot

    def wire(self, session: gr.State, **how: Any) -> None:
        """Attach everything but what makes a turn."""
        at = self.slot
        at.open.click(self.toggle, [session], **how)
        at.drop.upload(self.add, [session, at.drop], **how)
        at.share.release(self.much, [session, at.share], **how)
        at.remove.click(self.clear, [session], **how)

    async def toggle(self, session: Session) -> Paint:
        """Open the slot, with the looks that have a name by now, or put it away with what is in it."""
        at, here = self.slot, self.do.parts.session
        if session.liking:
            return {**at.empty(), here: replace(session, liking=False, references=(), share=1.0)}
        names = await self.do.desk.looks(session)
        return {
            here: replace(session, liking=True),
            at.box: gr.update(visible=True),
            at.open: gr.update(variant="primary"),
            at.looks: gr.update(
                choices=[("My looks …", ""), *((clean(n), n) for n in names)], value="", visible=bool(names)
            ),
        }

    async def add(self, session: Session, files: list[str] | None) -> Paint:
        """Pictures were dropped or chosen; what is none is refused in a sentence, the others stay."""
        if not session.thread:
            gr.Info("Open a photo first.")
            return {self.slot.drop: None}
        kept = list(session.references)
        for file in files or ():
            if len(kept) >= MOST:
                gr.Info(f"Up to {MOST} pictures at a time; the rest were left out.")
                break
            try:
                shown = await self.do.desk.glance(session, Path(file))
            except BurnishError as error:
                gr.Warning(str(error), title="This picture cannot be used")
                continue
            kept.append((file, shown))
        session = replace(session, references=tuple(kept))
        return {**self.slot.holding([shown for _, shown in kept]), self.do.parts.session: session}

    def much(self, session: Session, percent: float | None) -> Paint:
        """How much of the look is to be carried over."""
        return {self.do.parts.session: replace(session, share=min(max(float(percent or 100) / 100, 0.0), 1.0))}

    def clear(self, session: Session) -> Paint:
        """Take the pictures out; the slot stays open."""
        return {**self.slot.holding(()), self.do.parts.session: replace(session, references=(), share=1.0)}

    async def wear(self, session: Session, chat: list[Bubble], name: str | None) -> AsyncIterator[Paint]:
        """A look with a name was chosen: as if asked for in words."""
        if not name:
            yield self.do.same()
            return
        async for paint in self.do.send(session, chat, f"In my {name} look"):
            yield paint
