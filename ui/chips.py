"""The regions seen in the photo as a row of buttons: what one means lies over the photo while it is pointed at."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

import gradio as gr

SCRIPT: Final = Path(__file__).with_name("chips.js")


@dataclass(frozen=True)
class Chip:
    """A region: its name, what people read, and the overlay that shows it, a path in the cache."""

    name: str
    label: str
    overlay: str


def build() -> gr.HTML:
    """The row. Its `select` event names the region that was pressed."""
    return gr.HTML(elem_id="chips", js_on_load=SCRIPT.read_text(encoding="utf-8"), container=False, padding=False)


def row(chips: Sequence[Chip], chosen: str) -> str:
    """The row as HTML."""
    buttons = "".join(
        f'<button type="button" class="chip" data-region="{escape(chip.name)}" data-overlay="{link(chip.overlay)}"'
        f' aria-pressed="{str(chip.name == chosen).lower()}">{escape(chip.label)}</button>'
        for chip in chips
    )
    return f'<div class="chips" role="group" aria-label="Regions of the photo">{buttons}</div>' if chips else ""


def link(path: str) -> str:
    """Where the browser gets a file of the cache: relative, so that it works below any address."""
    return f"gradio_api/file={quote(path)}"
