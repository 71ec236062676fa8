"""My taste: what was learned from this person, how sure that is, and keeping or forgetting it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import gradio as gr

from models.errors import BurnishError
from ui.desk import Session
from ui.shelf import folder, publish_memory
from ui.words import DEFAULT_USER, attribute_name, clean, points, region_name

if TYPE_CHECKING:
    from agent.learned import Learned
    from memory.record import Preference
    from memory.taste import Memory
    from ui.desk import Desk

#: Memories shown at once, newest first, and photos shown of a kind.
_SHOWN: Final = 60
_PHOTOS: Final = 4

#: Values below this are not shown; they are kept and used all the same.
_WORTH_SAYING: Final = 0.05

_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}

_NOTHING: Final = (
    "Nothing yet. Press **Like** under a result that is right, and the next time you say *my usual*, "
    "Burnish knows what you mean."
)

#: A memory as the page shows it: its id, Markdown, and a picture or "".
Card = tuple[str, str, str]


@dataclass(frozen=True)
class TastePage:
    """What the rest of the page needs of this one."""

    profile: gr.Dropdown
    shown: Callable[..., Any]
    outputs: list[Any]


def build(desk: "Desk", tab: gr.Tab, session: gr.State) -> TastePage:
    """Fill the tab."""
    with gr.Column(elem_id="taste"):
        with gr.Row(elem_id="taste-head", equal_height=True):
            heading = gr.Markdown("### What Burnish has learned from you")
            profile = gr.Dropdown(
                [], value=None, label="Profile", allow_custom_value=True, elem_id="taste-profile", scale=0, min_width=230,
                visible=False,
            )  # fmt: skip
        with gr.Row(elem_id="taste-tools", equal_height=True):
            use = gr.Checkbox(True, label="Use my taste", container=False, elem_id="use-taste", min_width=130, scale=0)
            share = gr.Checkbox(
                False, label="Let others here borrow it", container=False, elem_id="share-taste", min_width=190, scale=0
            )
            export = gr.Button("Export", size="sm", scale=0, min_width=80, elem_id="taste-export")
            bring = gr.UploadButton(
                "Import", file_types=[".json"], size="sm", scale=0, min_width=80, elem_id="taste-import"
            )
            link = gr.DownloadButton("Save", visible="hidden", elem_id="taste-link")
        here = gr.Markdown(visible=False, elem_id="taste-here")
        summary = gr.Markdown(visible=False, elem_id="taste-summary")
        with gr.Row(elem_id="forgetting", equal_height=True, visible=False) as forgetting:
            gr.Markdown("#### Where it comes from", elem_id="sources")
            drop = gr.Button(
                "Forget", variant="stop", size="sm", scale=0, min_width=130, visible=False, elem_id="forget-unkept"
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
        nothing = gr.Markdown(_NOTHING, visible=False, elem_id="nothing")
        cards: gr.State = gr.State([])
        unkept: gr.State = gr.State([])

        @gr.render(inputs=[cards], triggers=[cards.change], show_progress="hidden")
        def rows(shown: list[Card]) -> None:
            for which, text, picture in shown:
                with gr.Row(elem_classes="memory", equal_height=True, key=which):
                    if picture:
                        gr.Image(
                            picture, show_label=False, interactive=False, buttons=[], height=84, width=112, scale=0,
                            min_width=112,
                        )  # fmt: skip
                    gr.Markdown(text)
                    keep = gr.Checkbox(
                        True,
                        label="Keep",
                        container=False,
                        interactive=True,
                        scale=0,
                        min_width=84,
                        elem_classes="keep",
                    )
                    keep.input(
                        lambda on, gone, which=which: _marked(gone, which, on), [keep, unkept], [unkept, drop], **_QUIET
                    )

    show = [
        heading,
        profile,
        use,
        share,
        here,
        summary,
        forgetting,
        drop,
        kind,
        kind_sure,
        wipe,
        sure,
        nothing,
        unkept,
        cards,
    ]

    async def memory() -> "Memory":
        return (await desk.studio()).memory

    async def shown(session: Session) -> tuple[Any, ...]:
        store = await memory()
        found = await asyncio.to_thread(_read, store, session.user, session.owner, desk.cache)
        whom = "you" if session.user == DEFAULT_USER else clean(session.user)
        expected = await desk.expected(session) if found.cards and found.on else ""
        off, there = gr.update(visible=False), bool(found.cards)
        # The first of the choices says what the others do.
        choices = [("Forget a kind …", ""), *((f"{tag} ({count})", tag) for tag, count in found.kinds.items())]
        return (
            f"### What Burnish has learned from {whom}",
            gr.update(choices=found.people, value=session.user, visible=not session.fixed),
            found.on,
            found.shares,
            gr.update(value=f"On the open photo: {clean(expected)}", visible=bool(expected)),
            gr.update(value=found.summary, visible=bool(found.summary)),
            gr.update(visible=there),
            off,
            gr.update(choices=choices, value="", visible=bool(found.kinds)),
            off,
            gr.update(visible=there),
            off,
            gr.update(visible=not there),
            [],
            found.cards,
        )

    async def opened(session: Session, request: gr.Request) -> tuple[Any, ...]:
        return await shown(desk.seated(session, request.username, request.session_hash))

    async def forget(session: Session, *which: str) -> tuple[Any, ...]:
        """Forget memories by their ids, a kind of scene by its tag, or "all"; then show what is left."""
        count = 0
        for each in which:
            try:
                count += await asyncio.to_thread((await memory()).forget, session.user, each)
            except BurnishError as error:  # forgotten in another tab
                gr.Info(str(error))
        await desk.sweep(session.user)
        if count:
            gr.Info(f"Forgot {_memories(count)} for good.")
        return await shown(session)

    async def forget_unkept(session: Session, which: list[str]) -> tuple[Any, ...]:
        return await forget(session, *which)

    async def forget_all(session: Session) -> tuple[Any, ...]:
        return await forget(session, "all")

    async def choose(session: Session, on: bool) -> tuple[Any, ...]:
        await asyncio.to_thread((await memory()).use_style, session.user, on)
        return await shown(session)

    async def lend(session: Session, on: bool) -> None:
        await asyncio.to_thread((await memory()).share, session.user, on)

    async def save(session: Session) -> str:
        text = await asyncio.to_thread((await memory()).export_json, session.user)
        file = folder(desk.cache, session.owner) / "burnish-taste.json"
        await asyncio.to_thread(file.write_text, text, encoding="utf-8")
        return str(file)

    async def load(session: Session, file: str) -> tuple[Any, ...]:
        try:
            new = await asyncio.to_thread((await memory()).import_json, Path(file).read_bytes(), session.user)
            gr.Info(f"{_memories(new)} came in." if new else "All of these memories are here already.")
        except BurnishError as error:
            gr.Warning(str(error), title="Nothing was imported")
        return await shown(session)

    tab.select(opened, [session], show, **_QUIET)
    drop.click(forget_unkept, [session, unkept], show, **_QUIET)
    kind.input(lambda tag: gr.update(visible=bool(tag)), [kind], [kind_sure], **_QUIET)
    kind_sure.click(forget, [session, kind], show, **_QUIET)
    wipe.click(lambda: (gr.update(visible=False), gr.update(visible=True)), None, [wipe, sure], **_QUIET)
    sure.click(forget_all, [session], show, **_QUIET)
    use.input(choose, [session, use], show, **_QUIET)
    share.input(lend, [session, share], **_QUIET)
    click = "() => setTimeout(() => document.querySelector('#taste-link')?.click(), 50)"
    export.click(save, [session], [link], **_QUIET).success(None, js=click, api_visibility="private")
    bring.upload(load, [session, bring], show, **_QUIET)
    return TastePage(profile, shown, show)


def _marked(gone: list[str], which: str, keep: bool) -> tuple[list[str], Any]:
    """The memories marked to be forgotten after one was switched, and the button that does it."""
    now = [each for each in gone if each != which] + ([] if keep else [which])
    return now, gr.update(value=f"Forget {_memories(len(now))}", visible=bool(now))


def _memories(count: int) -> str:
    return "1 memory" if count == 1 else f"{count} memories"


@dataclass(frozen=True)
class _Found:
    on: bool
    shares: bool
    people: list[str]
    kinds: dict[str, int]
    summary: str
    cards: list[Card]


def _read(store: "Memory", user: str, owner: str, cache: Path) -> _Found:
    """Everything the page shows of a person, with the pictures in the cache."""
    from agent.learned import learned
    from agent.taste import people
    from memory.taste import kinds

    every = store.list(user)
    place = folder(cache, owner) if every else cache

    def picture(record: "Preference") -> str:
        found = store.thumbnail(user, record)
        return publish_memory(found, record.thumbnail, user, place) if found else ""

    on = store.use_style(user)
    told = learned(store, user, every)
    summary = table(told, picture)
    if summary and not on:
        summary = f"Your taste is turned off: nothing of this is used.\n\n{summary}"
    cards = [(r.id, card(r), picture(r)) for r in every[:_SHOWN]]
    return _Found(on, user in store.shared(), sorted(people(store, user)), kinds(every), summary, cards)


def table(told: "tuple[Learned, ...]", picture: "Callable[[Preference], str]") -> str:
    """What was learned, a row for each kind of scene, as Markdown."""
    rows = []
    for each in told:
        photos = dict.fromkeys(path for r in each.records if (path := picture(r)))
        shown = " ".join(f"![a photo you liked](gradio_api/file={quote(path)})" for path in list(photos)[:_PHOTOS])
        changes = ", ".join(each.changes) or "close to the neutral look"
        how_sure = "still learning" if each.learning else f"{each.sure:.0%}".replace("%", " %")
        liked = f"{len(each.records)} liked"
        rows.append(f"| **{clean(each.kind.capitalize())}** | {clean(changes)} | {shown} | {liked} | {how_sure} |")
    head = "| Scene | You like | From | | Sure |\n|:--|:--|:--|:--|--:|\n"
    return head + "\n".join(rows) if rows else ""


def card(record: "Preference") -> str:
    """One memory as Markdown: what was judged, when, and what was learned."""
    mark = {"like": "Liked", "remember": "Kept", "dislike": "Not liked"}.get(record.feedback, "")
    when = datetime.fromtimestamp(record.time)
    whole = record.deviation.get("global", {})
    values = [
        f"{region_name(region)}: " + ", ".join(f"{attribute_name(n)} {points(v)}" for n, v in clear.items())
        for region, found in record.deviation.items()
        # What holds for the whole photo is not said again of its parts.
        if (
            clear := {
                n: v
                for n, v in found.items()
                if abs(v if region == "global" else v - whole.get(n, 0.0)) >= _WORTH_SAYING and abs(v) >= _WORTH_SAYING
            }
        )
    ][:4]
    day = f"{mark} on {when.day} {when:%B %Y, %H:%M}"
    lines = [f"**{clean((record.summary or record.kind).capitalize())}**", clean(day), clean(" · ".join(values))]
    return "  \n".join(line for line in lines if line)
