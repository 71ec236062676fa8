"""Export: the picture as a file of one's own, in the format, size, profile and with the words about it that are wanted."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.output import saving
from ui.shelf import export_name
from ui.words import clean

if TYPE_CHECKING:
    from ui.desk import Desk, Session

log = logging.getLogger(__name__)

#: What is offered → suffix, bits a channel (None: as the photo has), and whether there is a quality to choose.
FORMATS: Final[dict[str, tuple[str, int | None, bool]]] = {
    "JPEG": (".jpg", None, True),
    "PNG": (".png", None, False),
    "TIFF 16 bit": (".tif", 16, False),
    "WebP": (".webp", None, True),
}

FULL: Final = "Full size"
SMALLER: Final = "Smaller"
AS_IS: Final = "As the photo"
SRGB: Final = "sRGB"
METADATA: Final = {"Keep": "keep", "Without the place": "no-place", "None": "none"}

_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}

#: Where a step begins and ends on the bar, and what it is called.
_STEPS: Final = {"render": (0.1, 0.8, "Rendering at full size"), "write": (0.8, 1.0, "Writing the file")}

#: A finished file is handed over by a click on a link that is not shown: one click for the person, not two.
_CLICK: Final = "() => setTimeout(() => document.querySelector('#{}')?.click(), 50)"


@dataclass(frozen=True)
class Export:
    """The panel."""

    format: gr.Radio
    quality: gr.Slider
    size: gr.Radio
    edge: gr.Number
    profile: gr.Radio
    metadata: gr.Radio
    save: gr.Button
    stop: gr.Button
    recipe: gr.Button
    status: gr.Markdown
    link: gr.DownloadButton
    recipe_link: gr.DownloadButton


def build() -> Export:
    """Lay the panel out."""
    with gr.Column(elem_id="export"):
        format_ = gr.Radio(list(FORMATS), value="JPEG", label="Format", elem_id="export-format")
        quality = gr.Slider(50, 100, 92, step=1, label="Quality", elem_id="export-quality", buttons=[])
        size = gr.Radio([FULL, SMALLER], value=FULL, label="Size", elem_id="export-size")
        edge = gr.Number(2048, label="Long edge in pixels", precision=0, visible=False, elem_id="export-edge")
        profile = gr.Radio([AS_IS, SRGB], value=AS_IS, label="Colour profile", elem_id="export-profile")
        metadata = gr.Radio(
            list(METADATA), value="Keep", label="Camera, caption and other facts in the file", elem_id="export-metadata"
        )
        with gr.Row(elem_id="export-buttons", equal_height=True):
            save = gr.Button("Save photo", variant="primary", size="sm", min_width=100, elem_id="export-save")
            recipe = gr.Button("Save recipe", size="sm", min_width=100, elem_id="export-recipe")
            stop = gr.Button("Stop", variant="stop", size="sm", min_width=70, visible=False, elem_id="export-stop")
        status = gr.Markdown(
            "The recipe is a small file with every value, for `burnish apply` to render again.",
            elem_id="export-status",
            min_height=64,
        )
        link = gr.DownloadButton("Photo", visible="hidden", elem_id="save-link")
        recipe_link = gr.DownloadButton("Recipe", visible="hidden", elem_id="recipe-link")
    return Export(format_, quality, size, edge, profile, metadata, save, stop, recipe, status, link, recipe_link)


def wire(desk: "Desk", panel: Export, quick: gr.Button, session: gr.State) -> None:
    """Say what happens: `quick` is the button below the photo, which saves as the panel says."""

    async def save(
        session: "Session",
        format_: str,
        quality: float,
        size: str,
        edge: float | None,
        profile: str,
        metadata: str,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[Any, ...]:
        """Render the version on the page and hand it over; what cannot be done is said, and the panel is as before."""
        if not session.thread:
            return _not_saved("Open a photo first.")
        suffix, bits, _ = FORMATS[format_]
        if size == SMALLER and not edge:
            return _not_saved("Say how long the long edge is to be, in pixels.")
        long_edge = int(edge) if size == SMALLER and edge else None
        how = saving(int(quality), bits, long_edge, profile == SRGB, METADATA[metadata])
        progress(0.05, desc="Opening the photo")

        def told(step: str, share: float) -> None:
            begins, ends, words = _STEPS[step]
            progress(begins + share * (ends - begins), desc=words)

        out = Path(session.shelf) / export_name(session.name, suffix)
        try:
            done = await (await desk.studio()).export(session.thread, out, overwrite=True, told=told, **how)
        except BurnishError as error:
            return _not_saved(str(error))
        except Exception as error:
            log.error("while exporting", exc_info=error)
            return _not_saved("Something went wrong inside Burnish; try again, or another format.")
        return str(done), await asyncio.to_thread(_told, done), *_idle()

    async def recipe(session: "Session") -> str:
        if not session.thread:
            raise gr.Error("Open a photo first.", title="Not saved", print_exception=False)
        found = await (await desk.studio()).recipe(session.thread)
        out = Path(session.shelf) / export_name(session.name, ".recipe.json")
        await asyncio.to_thread(out.write_text, found.model_dump_json(indent=1), encoding="utf-8")
        return str(out)

    at = panel
    at.format.input(lambda name: gr.update(visible=FORMATS[name][2]), [at.format], [at.quality], **_QUIET)
    at.size.input(lambda name: gr.update(visible=name == SMALLER), [at.size], [at.edge], **_QUIET)
    wanted = [session, at.format, at.quality, at.size, at.edge, at.profile, at.metadata]
    running = []
    for button in (at.save, quick):
        working = button.click(_busy, None, [at.save, at.stop], **_QUIET)
        made = working.then(
            save, wanted, [at.link, at.status, at.save, at.stop], show_progress="full", show_progress_on=[at.status],
            concurrency_limit=2, api_visibility="private",
        )  # fmt: skip
        made.success(None, js=_CLICK.format("save-link"), api_visibility="private")
        running.append(made)
    at.stop.click(None, cancels=running, api_visibility="private").then(
        _stopped, None, [at.save, at.stop, at.status], **_QUIET
    )
    at.recipe.click(recipe, [session], [at.recipe_link], **_QUIET).success(
        None, js=_CLICK.format("recipe-link"), api_visibility="private"
    )


def _busy() -> tuple[Any, ...]:
    return gr.update(visible=False), gr.update(visible=True)


def _idle() -> tuple[Any, ...]:
    return gr.update(visible=True), gr.update(visible=False)


def _not_saved(why: str) -> tuple[Any, ...]:
    """Nothing to hand over, and why; an error of Gradio's own would leave the panel waiting."""
    gr.Warning(why, title="Not saved")
    return None, f"Not saved: {clean(why)}", *_idle()


def _stopped() -> tuple[Any, ...]:
    return *_idle(), "Stopped; no file was made."


def _told(file: Path) -> str:
    """What was made, in a sentence."""
    from PIL import Image

    size = ""
    with contextlib.suppress(OSError), Image.open(file) as picture:
        size = f"{picture.width} × {picture.height} pixels, "
    return f"Saved **{clean(file.name)}**: {size}{_bytes(file.stat().st_size)}."


def _bytes(count: int) -> str:
    """A size of a file, short.

    >>> _bytes(900), _bytes(12_345_678)
    ('1 kB', '12.3 MB')
    """
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1000))} kB"
