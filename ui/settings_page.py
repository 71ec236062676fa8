"""Settings: what plans, what regions are read with, who draws looks. For the person who runs the installation."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.errors import BurnishError
from ui.words import clean

if TYPE_CHECKING:
    from ui.desk import Desk, Session

_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}

BUILT_IN: Final = "Built in"
SERVER: Final = "A server"
OWN: Final = "Burnish's own"

_INTRO: Final = "### Settings\nThey hold for everybody who uses this installation."
_PLANNER: Final = (
    "#### Language model\nBuilt in, it needs no network. A served vision-language model understands freer wishes; what you "
    "write and a small picture go to the address you give, and nowhere else."
)
_REGIONS: Final = (
    "#### Regions\nWhat finds sky, people and things in a photo. A larger model finds more kinds, and takes longer."
)
_ARTIST: Final = (
    "#### Looks\nWho draws the look where you leave it open or name a style. An artist is a large image-editing model that "
    "needs a GPU to be quick; only its colours are taken, and rendered on the photo at full size."
)
_REFUSED: Final = "Only the person who runs this installation may change the settings; ask them."


@dataclass(frozen=True)
class SettingsPage:
    """What the rest of the page needs of this one."""

    tab: gr.Tab
    offered: Callable[["Session"], Any]


def build(desk: "Desk", session: gr.State) -> SettingsPage:
    """Lay the page out and wire it."""
    with gr.Tab("Settings", id="settings", visible=False) as tab, gr.Column(elem_id="settings"):
        gr.Markdown(_INTRO)
        with gr.Column(elem_classes="card"):
            gr.Markdown(_PLANNER)
            which = gr.Radio([BUILT_IN, SERVER], value=BUILT_IN, label="Plans are made by", elem_id="planner")
            with gr.Column(visible=False, elem_id="server") as server:
                url = gr.Textbox(
                    label="Address",
                    placeholder="http://127.0.0.1:8000/v1",
                    max_lines=1,
                    max_length=500,
                    elem_id="llm-url",
                )
                model = gr.Textbox(
                    label="Model",
                    placeholder="The first that it serves",
                    max_lines=1,
                    max_length=500,
                    elem_id="llm-model",
                )
                key = gr.Textbox(
                    label="Key, if it asks for one", type="password", max_lines=1, max_length=500, elem_id="llm-key"
                )
            with gr.Row(elem_classes="buttons"):
                test = gr.Button("Test", size="sm", scale=0, min_width=80, elem_id="llm-test", visible=False)
                stop = gr.Button(
                    "Stop", variant="stop", size="sm", scale=0, min_width=80, visible=False, elem_id="test-stop"
                )
                keep = gr.Button("Keep", variant="primary", size="sm", scale=0, min_width=80, elem_id="llm-keep")
            told = gr.Markdown(elem_id="llm-told")
        with gr.Column(elem_classes="card"):
            gr.Markdown(_REGIONS)
            regions = gr.Dropdown([OWN], value=OWN, label="Regions are found by", elem_id="segmenter")
            missing = gr.Markdown(elem_id="segmenter-told")
        with gr.Column(elem_classes="card"):
            gr.Markdown(_ARTIST)
            artist = gr.Dropdown([OWN], value=OWN, label="Looks are drawn by", elem_id="artist")
            absent = gr.Markdown(elem_id="artist-told")

    fields = [which, server, url, model, key, test, regions, missing, artist]

    def checked(session: "Session") -> None:
        if not desk.may_settle(session):
            raise gr.Error(_REFUSED, title="Not changed", print_exception=False)

    async def shown(session: "Session") -> tuple[Any, ...]:
        """Every field as it is kept, or as the environment says it is."""
        from agent.choices import artists, from_environment, kept, segmenters

        checked(session)
        settings = (await desk.studio()).rooms.settings
        named = from_environment()
        served = bool(settings.llm_url)
        wanted = settings.segmenter if "segmenter" in named else kept(settings.home).get("segmenter")
        choices = [(OWN, ""), *((f"{name} · {words}", name) for name, words in segmenters().items())]
        if wanted and wanted not in segmenters():
            choices.append((wanted, wanted))
        drawing = [(OWN, ""), *((f"{name} · {words}", name) for name, words in artists().items())]
        if settings.artist and settings.artist not in artists():
            drawing.append((settings.artist, settings.artist))
        has_key = settings.llm_key not in ("", "none")
        return (
            gr.update(
                value=SERVER if served else BUILT_IN,
                interactive="llm_url" not in named,
                info=_info(named, "llm_url"),
            ),
            gr.update(visible=served),
            gr.update(value=settings.llm_url or "", interactive="llm_url" not in named, info=_info(named, "llm_url")),
            gr.update(value=settings.llm_model or "", interactive="llm_model" not in named, info=_info(named, "llm_model")),
            # A key that is kept never goes back to a browser.
            gr.update(
                value="", interactive="llm_key" not in named, info=_info(named, "llm_key"),
                placeholder="One is kept; leave this empty to go on with it" if has_key else "None",
            ),
            gr.update(visible=served),
            gr.update(
                choices=choices, value=wanted or "", interactive="segmenter" not in named, info=_info(named, "segmenter")
            ),
            _regions(wanted or "", settings.segmenter or ""),
            gr.update(
                choices=drawing, value=settings.artist or "", interactive="artist" not in named, info=_info(named, "artist")
            ),
        )  # fmt: skip

    async def probed(session: "Session", url: str, model: str, key: str) -> str:
        """Ask the server, and say what was found."""
        from agent.choices import probe

        checked(session)
        settings = (await desk.studio()).rooms.settings
        if not url.strip():
            return "Write the address of the server first, for example http://127.0.0.1:8000/v1."
        # The kept key is for the kept address; another server is not told it.
        own = settings.llm_key if url.strip() == settings.llm_url else ""
        # Not to be clicked on: it is an address of this server's, not of the browser's.
        return clean(await probe(url, model.strip(), key or own)).replace("://", ":&#47;&#47;")

    async def keep_planner(session: "Session", which: str, url: str, model: str, key: str) -> tuple[Any, ...]:
        from agent.choices import change

        checked(session)
        studio = await desk.studio()
        before = studio.rooms.settings.llm_url
        if which == SERVER and not url.strip():
            raise gr.Error("Write the address of the server, or choose the built-in planner.", title="Not changed",
                           print_exception=False)  # fmt: skip
        values = {"llm_url": url, "llm_model": model} if which == SERVER else {"llm_url": "", "llm_model": ""}
        # The kept key goes with its address: a new one gets the key that was written for it, or none.
        if key or which == BUILT_IN or url.strip() != before:
            values["llm_key"] = key if which == SERVER else ""
        try:
            await asyncio.to_thread(change, studio, values)
        except BurnishError as error:
            raise gr.Error(str(error), title="Not changed", print_exception=False) from error
        told = (
            f"Plans are made by {clean(url)} from now on." if which == SERVER else "Plans are made by Burnish itself."
        )
        return told, *await shown(session)

    async def keep_regions(session: "Session", name: str) -> str:
        from agent.choices import change, lacking

        checked(session)
        studio = await desk.studio()
        lack = await asyncio.to_thread(lacking, name) if name else ""
        if lack:
            return f"It cannot be used yet, and was not kept. {clean(lack)} Then choose it again."
        try:
            await asyncio.to_thread(change, studio, {"segmenter": name or ""})
        except BurnishError as error:
            raise gr.Error(str(error), title="Not changed", print_exception=False) from error
        return _regions(name or "", studio.rooms.settings.segmenter or "")

    async def keep_artist(session: "Session", name: str) -> str:
        from agent.choices import change, lacking_artist

        checked(session)
        studio = await desk.studio()
        lack = await asyncio.to_thread(lacking_artist, name) if name else ""
        if lack:
            return f"It cannot be used yet, and was not kept. {clean(lack)} Then choose it again."
        try:
            await asyncio.to_thread(change, studio, {"artist": name or ""})
        except BurnishError as error:
            raise gr.Error(str(error), title="Not changed", print_exception=False) from error
        return f"Looks are drawn by {clean(name)} from now on." if name else ""

    tab.select(shown, [session], fields, **_QUIET)
    which.input(
        lambda by: (gr.update(visible=by == SERVER), gr.update(visible=by == SERVER), ""), [which], [server, test, told],
        **_QUIET,
    )  # fmt: skip
    asking = test.click(
        lambda: (gr.update(visible=False), gr.update(visible=True), "Asking …"), None, [test, stop, told], **_QUIET
    )
    asked = asking.then(probed, [session, url, model, key], [told], **_QUIET)
    asked.then(lambda: (gr.update(visible=True), gr.update(visible=False)), None, [test, stop], **_QUIET)
    stop.click(None, cancels=[asked], api_visibility="private").then(
        lambda: (gr.update(visible=True), gr.update(visible=False), "Stopped."), None, [test, stop, told], **_QUIET
    )
    keep.click(keep_planner, [session, which, url, model, key], [told, *fields], **_QUIET)
    regions.input(keep_regions, [session, regions], [missing], **_QUIET)
    artist.input(keep_artist, [session, artist], [absent], **_QUIET)
    return SettingsPage(tab, lambda session: gr.update(visible=desk.may_settle(session)))


def _info(named: dict[str, str], name: str) -> str | None:
    """What stands at a field that the environment fills."""
    return f"Set by {named[name]}, which wins over this page." if name in named else None


def _regions(wanted: str, used: str) -> str:
    """What is to be known of the chosen model."""
    return "" if wanted == used else "Kept; it is used from the next start of Burnish on."
