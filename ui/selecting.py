"""Selecting on the photo: a click, a box or a brush stroke makes a region that the next sentence calls "this"."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.chips import link
from ui.desk import Session, View
from ui.paint import Paint

if TYPE_CHECKING:
    from ui.actions import Actions

SCRIPT: Final = Path(__file__).with_name("picker.js")

SELECT: Final = "Select …"
CLICK: Final = "Click"
BOX: Final = "Box"
BRUSH: Final = "Brush"

ASK: Final = {
    CLICK: "Click on what you mean.",
    BOX: "Draw a box around what you mean.",
    BRUSH: "Paint over what you mean, roughly.",
}
SELECTED: Final = "Selected. Say “make this warmer”, or move the sliders."
CLEARED: Final = "Nothing is selected."

#: Most points of a stroke that are taken from a browser.
MOST_POINTS: Final = 4000


@dataclass(frozen=True)
class Tool:
    """The components of the tool."""

    choose: gr.Button
    picker: gr.HTML
    row: gr.Row
    how: gr.Radio
    brush: gr.Slider
    clear: gr.Button
    hint: gr.Markdown

    def paint(self, selecting: bool) -> Paint:
        """The tool taken up or put away."""
        return {
            self.picker: gr.update(visible=selecting),
            self.row: gr.update(visible=selecting),
            self.choose: gr.update(
                value="Done" if selecting else SELECT, variant="primary" if selecting else "secondary"
            ),
        }


def build(choose: gr.Button) -> Tool:
    """Lay out the tool, hidden; `choose` takes it up."""
    picker = gr.HTML(
        elem_id="picker", visible=False, js_on_load=SCRIPT.read_text(encoding="utf-8"), container=False, padding=False
    )
    with gr.Row(visible=False, elem_id="selecting", equal_height=True) as row:
        how = gr.Radio(
            [CLICK, BOX, BRUSH], value=CLICK, show_label=False, label="How to select", container=False, scale=0,
            min_width=240, elem_id="how",
        )  # fmt: skip
        brush = gr.Slider(
            1, 10, 3, step=1, label="Brush", elem_id="brush", elem_classes="amount", buttons=[], min_width=130
        )
        clear = gr.Button("Clear", size="sm", scale=0, min_width=70, elem_id="clear")
        hint = gr.Markdown(elem_id="hint", elem_classes="caption")
    return Tool(choose, picker, row, how, brush, clear, hint)


def picture(path: str, width: int, height: int) -> str:
    """What is selected on, as HTML. Arrow keys move a cross, Enter presses there."""
    return (
        f'<div class="sheet"><img alt="The photo, to select on" src="{link(path)}" width="{width}" height="{height}">'
        '<canvas tabindex="0" role="application" aria-label="Select on the photo: arrow keys move the cross, Enter'
        ' selects"></canvas></div>'
    )


class Selecting:
    """The handlers of the tool."""

    def __init__(self, do: "Actions", tool: Tool) -> None:
        self.do, self.tool = do, tool

    def wire(self, session: gr.State, **how: Any) -> None:
        """Attach the tool."""
        at = self.tool
        at.choose.click(self.toggle, [session, at.how], **how)
        at.picker.select(self.take, [session], **how)
        at.how.input(self.ask, [at.how], **how)
        at.clear.click(self.clear, [session], **how)

    async def toggle(self, session: Session, how: str) -> Paint:
        """Take up the tool, or put it away; what is selected stays so."""
        if not session.thread:
            gr.Info("Open a photo first.")
            return self.do.same()
        view: View = "" if session.view == "select" else "select"
        hint = SELECTED if session.picked else ASK.get(how, "")
        return {**await self.do.shown(replace(session, view=view)), self.tool.hint: hint}

    def ask(self, how: str) -> Paint:
        """Another way to select was chosen."""
        return {self.tool.hint: ASK.get(how, "")}

    async def take(self, session: Session, made: gr.SelectData) -> Paint:
        """Something was pointed at: `made.value` says how, `made.index` where, in shares of width and height."""
        try:
            name = _named(str(made.value), made.index)
        except (TypeError, ValueError):  # what a browser sends may be anything
            return self.do.same()
        if not session.thread:
            return self.do.same()
        try:
            # Its sliders come up with it.
            paint = await self.do.shown(replace(session, picked=name, region=name))
        except BurnishError as error:
            gr.Info(str(error))
            return self.do.same()
        return {**paint, self.tool.hint: SELECTED}

    async def clear(self, session: Session) -> Paint:
        """Select nothing."""
        return {**await self.do.shown(replace(session, picked="")), self.tool.hint: CLEARED}


def _named(kind: str, where: Any) -> str:
    """The region's name of a click `[x, y]`, a box `[x0, y0, x1, y1]` or a stroke `[radius, x, y, x, y …]`.

    Raises `ValueError` or `TypeError` for anything else.
    """
    from agent import picking

    numbers = [float(v) for v in where]
    if any(v != v for v in numbers) or len(numbers) > 2 * MOST_POINTS + 1:
        raise ValueError("no place")
    if kind == BRUSH:
        radius, *rest = numbers
        return picking.stroke(list(zip(rest[::2], rest[1::2], strict=True)), min(max(radius, 0.002), 0.2)).name
    if kind == BOX:
        x0, y0, x1, y1 = numbers
        return picking.box(x0, y0, x1, y1).name
    x, y = numbers
    return picking.point(x, y).name
