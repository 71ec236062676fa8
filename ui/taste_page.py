"""My taste: what was learned from this person, and forgetting it."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.shelf import folder, publish_memory
from ui.words import DEFAULT_USER, attribute_name, clean, points, region_name

if TYPE_CHECKING:
    from memory.record import Preference
    from memory.taste import Memory
    from ui.desk import Desk, Session

#: Memories shown at once, newest first.
_SHOWN: Final = 60

#: Values below this are not shown; they are kept and used all the same.
_WORTH_SAYING: Final = 0.05

_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}

_NOTHING: Final = (
    "Nothing yet. Press **Like** under a result that is right, and the next time you say *my usual*, "
    "Burnish knows what you mean."
)

#: A memory as the page shows it: its id, Markdown, and a picture or "".
Card = tuple[str, str, str]


def build(desk: "Desk", tab: gr.Tab, session: gr.State) -> None:
    """Fill the tab."""
    with gr.Column(elem_id="taste"):
        heading = gr.Markdown("### What Burnish has learned from you")
        with gr.Row(elem_id="taste-tools", equal_height=True):
            use = gr.Checkbox(True, label="Use my taste", container=False, elem_id="use-taste", min_width=130, scale=0)
            share = gr.Checkbox(
                False, label="Let others here borrow it", container=False, elem_id="share-taste", min_width=190, scale=0
            )
            export = gr.Button("Export", size="sm", scale=0, min_width=80, elem_id="taste-export")
            bring = gr.UploadButton(
                "Import", file_types=[".json"], size="sm", scale=0, min_width=80, elem_id="taste-import"
            )
            kind = gr.Dropdown(
                [], value=None, label="Forget a kind of scene", show_label=False, container=False, min_width=190, scale=0,
                elem_id="forget-kind", visible=False,
            )  # fmt: skip
            kind_sure = gr.Button(
                "Yes, forget these",
                variant="stop",
                size="sm",
                scale=0,
                min_width=140,
                visible=False,
                elem_id="kind-sure",
            )
            wipe = gr.Button("Forget everything", size="sm", scale=0, min_width=150, elem_id="forget-all")
            sure = gr.Button(
                "Yes, forget all of it",
                variant="stop",
                size="sm",
                scale=0,
                min_width=160,
                visible=False,
                elem_id="sure",
            )
            link = gr.DownloadButton("Save", visible="hidden", elem_id="taste-link")
        here = gr.Markdown(visible=False, elem_id="taste-here")
        cards: gr.State = gr.State([])
        to_forget = gr.State("")

        @gr.render(inputs=[cards], triggers=[cards.change], show_progress="hidden")
        def rows(shown: list[Card]) -> None:
            if not shown:
                gr.Markdown(_NOTHING, elem_id="nothing")
            for which, text, picture in shown:
                with gr.Row(elem_classes="memory", equal_height=True, key=which):
                    if picture:
                        gr.Image(
                            picture,
                            show_label=False,
                            interactive=False,
                            buttons=[],
                            height=84,
                            width=112,
                            scale=0,
                            min_width=112,
                        )
                    gr.Markdown(text)
                    forget = gr.Button("Forget", size="sm", scale=0, min_width=84, elem_classes="forget")
                    forget.click(lambda which=which: which, None, [to_forget], **_QUIET)

    show = [heading, use, share, kind, kind_sure, wipe, sure, here, cards]

    async def memory() -> "Memory":
        return (await desk.studio()).memory

    async def shown(session: "Session") -> tuple[Any, ...]:
        store = await memory()
        on, shares, kinds, found = await asyncio.to_thread(_read, store, session.user, session.owner, desk.cache)
        whom = "you" if session.user == DEFAULT_USER else clean(session.user)
        text = f"### What Burnish has learned from {whom}"
        there = gr.update(visible=bool(found))
        # The first of the choices says what the others do.
        choices = [("Forget a kind …", ""), *((f"{tag} ({count})", tag) for tag, count in kinds.items())]
        which = gr.update(choices=choices, value="", visible=bool(kinds))
        expected = await desk.expected(session) if found and on else ""
        on_this = gr.update(value=f"On the open photo: {clean(expected)}", visible=bool(expected))
        hidden = gr.update(visible=False)
        return text, on, shares, which, hidden, there, hidden, on_this, found

    async def forget_one(session: "Session", which: str) -> tuple[Any, ...]:
        if which:
            try:
                await asyncio.to_thread((await memory()).forget, session.user, which)
            except BurnishError as error:  # forgotten in another tab
                gr.Info(str(error))
            await desk.sweep(session.user)
        return "", *await shown(session)

    async def forget_kind(session: "Session", tag: str | None) -> tuple[Any, ...]:
        if tag:
            try:
                count = await asyncio.to_thread((await memory()).forget, session.user, tag)
                gr.Info(f"Forgot {count} {'memory' if count == 1 else 'memories'} of the kind “{tag}”.")
            except BurnishError as error:  # forgotten in another tab
                gr.Info(str(error))
            await desk.sweep(session.user)
        return await shown(session)

    async def forget_all(session: "Session") -> tuple[Any, ...]:
        count = await asyncio.to_thread((await memory()).forget, session.user, "all")
        await desk.sweep(session.user)
        gr.Info(f"Forgot {count} {'memory' if count == 1 else 'memories'}.")
        return await shown(session)

    async def choose(session: "Session", on: bool) -> None:
        await asyncio.to_thread((await memory()).use_style, session.user, on)

    async def lend(session: "Session", on: bool) -> None:
        await asyncio.to_thread((await memory()).share, session.user, on)

    async def save(session: "Session") -> str:
        text = await asyncio.to_thread((await memory()).export_json, session.user)
        file = folder(desk.cache, session.owner) / "burnish-taste.json"
        file.write_text(text, encoding="utf-8")
        return str(file)

    async def load(session: "Session", file: str) -> tuple[Any, ...]:
        try:
            new = await asyncio.to_thread((await memory()).import_json, Path(file).read_bytes(), session.user)
            gr.Info(f"{new} new {'memory' if new == 1 else 'memories'}.")
        except BurnishError as error:
            gr.Warning(str(error))
        return await shown(session)

    tab.select(shown, [session], show, **_QUIET)
    to_forget.change(forget_one, [session, to_forget], [to_forget, *show], **_QUIET)
    kind.input(lambda tag: gr.update(visible=bool(tag)), [kind], [kind_sure], **_QUIET)
    kind_sure.click(forget_kind, [session, kind], show, **_QUIET)
    wipe.click(lambda: (gr.update(visible=False), gr.update(visible=True)), None, [wipe, sure], **_QUIET)
    sure.click(forget_all, [session], show, **_QUIET)
    use.input(choose, [session, use], **_QUIET)
    share.input(lend, [session, share], **_QUIET)
    click = "() => setTimeout(() => document.querySelector('#taste-link')?.click(), 50)"
    export.click(save, [session], [link], **_QUIET).success(None, js=click)
    bring.upload(load, [session, bring], show, **_QUIET)


def _read(store: "Memory", user: str, owner: str, cache: Path) -> tuple[bool, bool, dict[str, int], list[Card]]:
    """Whether the taste is used and shared, the kinds of scene, and the newest memories with their pictures in the cache."""
    from memory.taste import kinds

    every = store.list(user)
    records = every[:_SHOWN]
    place = folder(cache, owner) if records else cache
    found = []
    for record in records:
        picture = store.thumbnail(user, record)
        file = publish_memory(picture, record.thumbnail, user, place) if picture else ""
        found.append((record.id, card(record), file))
    return store.use_style(user), user in store.shared(), kinds(every), found


def card(record: "Preference") -> str:
    """One memory as Markdown: what was judged, when, and what was learned."""
    mark = {"like": "Liked", "remember": "Kept", "dislike": "Not liked"}.get(record.feedback, "")
    when = datetime.fromtimestamp(record.time)
    values = [
        f"{region_name(region)}: " + ", ".join(f"{attribute_name(n)} {points(v)}" for n, v in clear.items())
        for region, found in record.deviation.items()
        if (clear := {n: v for n, v in found.items() if abs(v) >= _WORTH_SAYING})
    ][:4]
    day = f"{mark} on {when.day} {when:%B %Y, %H:%M}"
    lines = [f"**{clean((record.summary or record.kind).capitalize())}**", clean(day), clean(" · ".join(values))]
    return "  \n".join(line for line in lines if line)
