"""The photo at 100 %: one pixel of the file is one of the screen, to be moved by dragging, scrolling or the arrow keys."""

from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.chips import link
from ui.desk import Session
from ui.paint import Paint

if TYPE_CHECKING:
    from ui.actions import Actions

SCRIPT: Final = Path(__file__).with_name("loupe.js")

ZOOM: Final = "100 %"
FIT: Final = "Fit"


def build() -> gr.HTML:
    """The view; hidden until it is asked for."""
    script = SCRIPT.read_text(encoding="utf-8")
    return gr.HTML(elem_id="loupe", visible=False, js_on_load=script, container=False, padding=False)


def view(before: str, after: str, width: int, height: int, name: str) -> str:
    """Both pictures, of any size, shown as `width` × `height` pixels of the screen, as HTML."""
    told = escape(f"{name} at 100 percent; move it with the arrow keys")
    size = f'data-width="{width}" data-height="{height}"'
    return (
        f'<div class="view" tabindex="0" role="application" aria-label="{told}"><div class="sheet" {size}>'
        f'<img class="after" alt="After" src="{link(after)}"><img class="before" alt="Before" src="{link(before)}">'
        "</div></div>"
    )


class Loupe:
    """The handler of the button."""

    def __init__(self, do: "Actions") -> None:
        self.do = do

    async def toggle(self, session: Session) -> AsyncIterator[Paint]:
        """To 100 % and back. The preview stands in until the photo has been rendered at its own size."""
        if not session.thread:
            yield self.do.same()
            return
        if session.view == "zoom":
            yield await self.do.shown(replace(session, view=""))
            return
        session = replace(session, view="zoom")
        yield await self.do.shown(session, rendered=False)
        try:
            yield await self.do.shown(session)
        except BurnishError as error:
            gr.Info(str(error))
            yield await self.do.shown(replace(session, view=""))


def wire(tool: Loupe, button: gr.Button, session: gr.State, **how: Any) -> None:
    """Attach the button."""
    button.click(tool.toggle, [session], **how)
