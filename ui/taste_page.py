"""My taste: what was learned from this person, and forgetting it."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.shelf import folder
from ui.words import attribute_name, clean, points, region_name

if TYPE_CHECKING:
    from memory.record import Preference
    from memory.taste import Memory
    from ui.desk import Desk, Session

#: Memories shown at once, newest first.
_SHOWN: Final = 60

_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}


def build(desk: "Desk", tab: gr.Tab, session: gr.State) -> None:
    """Fill the tab."""

    async def memory() -> "Memory":
        return (await desk.studio()).memory

    with gr.Column(elem_id="taste"):
        heading = gr.Markdown("### What Burnish has learned from you")
        with gr.Row(elem_id="taste-tools", equal_height=True):
            use = gr.Checkbox(True, label="Use my taste", container=False, elem_id="use-taste", min_width=140)
            export = gr.Button("Export", size="sm", scale=0, min_width=90, elem_id="taste-export")
            bring = gr.UploadButton(
                "Import", file_types=[".json"], size="sm", scale=0, min_width=90, elem_id="taste-import"
            )
            forget_all = gr.Button(
                "Forget everything", variant="stop", size="sm", scale=0, min_width=150, elem_id="forget-all"
            )
            sure = gr.Button(
                "Yes, forget all of it",
                variant="stop",
                size="sm",
                scale=0,
                min_width=170,
                visible=False,
                elem_id="sure",
            )
            link = gr.DownloadButton("Save", visible="hidden", elem_id="taste-link")
        changed = gr.State(0)

        @gr.render(inputs=[session, changed], triggers=[tab.select, changed.change], show_progress="hidden")
        async def rows(session: "Session", _: int) -> None:
            store = await memory()
            records = await asyncio.to_thread(store.list, session.user)
            if not records:
                gr.Markdown(
                    "Nothing yet. Press 👍 under a result you like, and the next time you say *my usual*, "
                    "Burnish knows what you mean.",
                    elem_id="nothing",
                )
            place = folder(desk.cache) if records else Path()
            for record in records[:_SHOWN]:
                with gr.Row(elem_classes="memory", equal_height=True, key=record.id):
                    picture = await asyncio.to_thread(store.thumbnail, session.user, record)
                    if picture:
                        file = place / f"{record.id}.jpg"
                        file.write_bytes(picture)
                        gr.Image(
                            str(file),
                            show_label=False,
                            interactive=False,
                            buttons=[],
                            height=84,
                            width=112,
                            scale=0,
                            min_width=112,
                        )
                    gr.Markdown(card(record))
                    forget = gr.Button("Forget", size="sm", scale=0, min_width=80, elem_classes="forget")

                    async def forget_it(count: int, session: "Session", which: str = record.id) -> int:
                        await asyncio.to_thread((await memory()).forget, session.user, which)
                        return count + 1

                    forget.click(forget_it, [changed, session], [changed], **_QUIET)

    async def shown(session: "Session") -> tuple[str, bool, Any, Any]:
        store = await memory()
        on = await asyncio.to_thread(store.use_style, session.user)
        text = f"### What Burnish has learned from {clean(session.user)}"
        return text, on, gr.update(visible=True), gr.update(visible=False)

    async def choose(session: "Session", on: bool) -> None:
        await asyncio.to_thread((await memory()).use_style, session.user, on)

    async def everything(session: "Session", count: int) -> tuple[int, Any, Any]:
        gone = await asyncio.to_thread((await memory()).forget, session.user, "all")
        gr.Info(f"Forgot {gone} {'memory' if gone == 1 else 'memories'}.")
        return count + 1, gr.update(visible=True), gr.update(visible=False)

    async def save(session: "Session") -> str:
        text = await asyncio.to_thread((await memory()).export_json, session.user)
        file = folder(desk.cache) / "burnish-taste.json"
        file.write_text(text, encoding="utf-8")
        return str(file)

    async def load(session: "Session", file: str, count: int) -> int:
        try:
            new = await asyncio.to_thread((await memory()).import_json, Path(file).read_bytes(), session.user)
        except BurnishError as error:
            gr.Warning(str(error))
            return count
        gr.Info(f"{new} new {'memory' if new == 1 else 'memories'}.")
        return count + 1

    tab.select(shown, [session], [heading, use, forget_all, sure], **_QUIET)
    use.input(choose, [session, use], **_QUIET)
    forget_all.click(lambda: (gr.update(visible=False), gr.update(visible=True)), None, [forget_all, sure], **_QUIET)
    sure.click(everything, [session, changed], [changed, forget_all, sure], **_QUIET)
    click = "() => setTimeout(() => document.querySelector('#taste-link')?.click(), 50)"
    export.click(save, [session], [link], **_QUIET).success(None, js=click)
    bring.upload(load, [session, bring, changed], [changed], **_QUIET)


def card(record: "Preference") -> str:
    """One memory as Markdown: what was judged, when, and what was learned."""
    mark = {"like": "👍", "remember": "📌", "dislike": "👎"}.get(record.feedback, "")
    day = datetime.fromtimestamp(record.time).strftime("%-d %B %Y, %H:%M")
    values = [
        f"{region_name(region)}: "
        + ", ".join(f"{attribute_name(n)} {points(v)}" for n, v in values.items() if abs(v) >= 0.01)
        for region, values in record.deviation.items()
        if any(abs(v) >= 0.01 for v in values.values())
    ]
    lines = [f"{mark} **{clean(record.summary or record.kind)}**", clean(day), clean(" · ".join(values))]
    return "  \n".join(line for line in lines if line)
