"""Where everything stands: photo first, then the versions, the conversation and the sliders beside it."""

from dataclasses import dataclass, fields
from typing import Any, Final

import gradio as gr

from ui import adjust, chips, exporting, loupe, reference, selecting, versions
from ui.adjust import Adjust
from ui.chat import REASONS
from ui.edit import MAX_TEXT
from ui.exporting import Export
from ui.words import DEFAULT_USER

#: What the file dialogue offers.
PHOTO_TYPES: Final = [".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"]

#: What stands beside the photo.
SIDES: Final = ("Chat", "Adjust", "Export")

_WELCOME: Final = """### Say what you want, see it, keep what you like

Open a photo and write as you would to a friend:
*make the sky a bit bluer*, *brighten the people*, *less yellow*, *my usual*."""

_LIMITS: Final = "JPEG, PNG, TIFF or WebP, up to 100 megapixels. Your photo stays on this machine and is never changed."


@dataclass(frozen=True)
class Header:
    """Who is here."""

    user: gr.Textbox
    dark: gr.Button


@dataclass(frozen=True)
class Welcome:
    """What is there before a photo is."""

    box: gr.Column
    drop: gr.File
    tries: gr.Gallery
    recent_box: gr.Column
    recent: gr.Gallery


@dataclass(frozen=True)
class Stage:
    """The photo and all that is done to it by hand."""

    box: gr.Column
    title: gr.Markdown
    another: gr.UploadButton
    home: gr.Button
    slider: gr.ImageSlider
    loupe: gr.HTML
    zoom: gr.Button
    hold: gr.Button
    select: selecting.Tool
    chips: gr.HTML
    offers: versions.Offers
    undo: gr.Button
    redo: gr.Button
    like: gr.Button
    dislike: gr.Button
    vary: gr.Button
    manage: versions.Manage
    save: gr.Button
    strip: gr.Gallery


@dataclass(frozen=True)
class Talk:
    """The conversation, and the sliders beside it."""

    box: gr.Column
    tones: gr.HTML
    greeted: gr.State
    """The conversation whose greeting a served model's opinion may join (`ui.appraising`)."""
    chat: gr.Chatbot
    said: gr.Textbox
    text: gr.Textbox
    send: gr.Button
    stop: gr.Button
    slot: reference.Slot
    adjust: Adjust
    export: Export


@dataclass(frozen=True)
class Parts:
    """The page: what is remembered, and everything that actions read and write."""

    session: gr.State
    kept: gr.BrowserState
    recent_threads: gr.State
    header: Header
    welcome: Welcome
    stage: Stage
    talk: Talk

    @property
    def hands(self) -> tuple[gr.Button | gr.Dropdown, ...]:
        """Buttons that wait while a turn is running."""
        at = self.stage
        more = (self.talk.adjust.fix, self.talk.slot.looks)
        return (at.undo, at.redo, at.vary, at.like, at.dislike, at.manage.reset, at.manage.delete, at.save, *more)


def header(login: bool) -> Header:
    """The line at the top; the pages' tabs stand on it, too. `login`: there is one, and a way out."""
    with gr.Row(elem_id="header", equal_height=True):
        gr.Markdown("# Burnish", elem_id="wordmark")
        user = gr.Textbox(
            DEFAULT_USER,
            label="Profile",
            max_lines=1,
            max_length=80,
            elem_id="profile",
            scale=0,
            min_width=180,
            interactive=False,  # until it is known who was here last
        )
        dark = gr.Button("◐", elem_id="dark", size="sm", scale=0, min_width=40)
        if login:
            gr.Button("Log out", link="logout", elem_id="logout", size="sm", scale=0, min_width=74)
    return Header(user, dark)


def welcome(examples: list[tuple[str, str]]) -> Welcome:
    """The way in: a photo of one's own, an example, an earlier conversation."""
    with gr.Column(elem_id="welcome") as box:
        gr.Markdown(_WELCOME, elem_id="invitation")
        drop = gr.File(label="Open a photo", file_types=PHOTO_TYPES, type="filepath", height=140, elem_id="drop")
        gr.Markdown(_LIMITS, elem_classes="caption")
        gr.Markdown("Or begin with one of these", elem_classes="caption")
        tries = _tiles(examples, columns=len(examples) or 1, height=172, elem_id="examples", elem_classes="tiles")
        with gr.Column(visible=False) as recent_box:
            gr.Markdown("Go on where you stopped", elem_classes="caption")
            recent = _tiles(None, columns=8, height=84, elem_id="recent", elem_classes=["tiles", "film"])
    return Welcome(box, drop, tries, recent_box, recent)


def stage() -> Stage:
    """The photo with what is laid over it, and below it what is done to it."""
    with gr.Column(visible=False, elem_id="stage") as box:
        with gr.Row(elem_id="titlebar", equal_height=True):
            title = gr.Markdown(elem_id="title")
            hold = gr.Button("Original", size="sm", scale=0, min_width=84, elem_id="hold")
            zoom = gr.Button(loupe.ZOOM, size="sm", scale=0, min_width=74, elem_id="zoom")
            choose = gr.Button(selecting.SELECT, size="sm", scale=0, min_width=84, elem_id="choose")
            another = gr.UploadButton(
                "Open …", file_types=PHOTO_TYPES, size="sm", scale=0, min_width=78, elem_id="another"
            )
            home = gr.Button("Home", size="sm", scale=0, min_width=66, elem_id="home")
        slider = gr.ImageSlider(
            type="filepath",
            show_label=False,
            label="Before and after",
            interactive=False,
            buttons=["fullscreen"],
            max_height=4000,
            elem_id="slider",
        )
        view = loupe.build()
        select = selecting.build(choose)
        offers = versions.build_offers()
        seen = chips.build()
        with gr.Row(elem_id="tools", equal_height=True):
            undo = gr.Button("Undo", size="sm", min_width=40, elem_id="undo")
            redo = gr.Button("Redo", size="sm", min_width=40, elem_id="redo")
            vary = gr.Button("Variations", size="sm", min_width=90, elem_id="vary")
            manage_open = gr.Button(versions.OPEN, size="sm", min_width=90, elem_id="manage")
            like = gr.Button("Like", size="sm", min_width=70, elem_id="like")
            dislike = gr.Button("Not right", size="sm", min_width=100, elem_id="dislike")
            save = gr.Button("Save", variant="primary", size="sm", min_width=90, elem_id="save")
        manage = versions.build_manage(manage_open)
        strip = _tiles(None, columns=10, height=104, label="Versions", elem_id="strip", elem_classes=["tiles", "film"])
    return Stage(
        box, title, another, home, slider, view, zoom, hold, select, seen, offers, undo, redo, like, dislike, vary, manage,
        save, strip,
    )  # fmt: skip


def talk() -> Talk:
    """What is said, and what can be set by hand."""
    with gr.Column(scale=4, min_width=320, elem_id="talk", visible=False) as box:
        tones = gr.HTML(elem_id="tones", js_on_load=None, container=False, padding=False)
        # The style sheet shows what is chosen, and on a wide window the chat beside it; `gr.Tabs` shows one at a time.
        gr.Radio(
            SIDES, value=SIDES[0], label="Beside the photo", show_label=False, container=False, interactive=True,
            elem_id="side",
        )  # fmt: skip
        with gr.Row(elem_id="sides"):
            with gr.Column(elem_id="side-chat", min_width=0):
                chat = gr.Chatbot(
                    show_label=False,
                    label="Conversation",
                    elem_id="chat",
                    height="100%",
                    layout="bubble",
                    buttons=[],
                    latex_delimiters=[],
                    allow_tags=False,
                    editable="user",
                    feedback_options=("Like", "Dislike", *REASONS),
                    placeholder="Your conversation about the photo appears here.",
                )
                said = gr.Textbox(visible="hidden", label="Message on its way", elem_id="said")
                more = reference.build_button()
                slot = reference.build(more, PHOTO_TYPES)
                with gr.Row(elem_id="write", equal_height=True):
                    more.render()
                    text = gr.Textbox(
                        placeholder="What should change?",
                        label="Message",
                        show_label=False,
                        container=False,
                        lines=1,
                        max_lines=5,
                        max_length=MAX_TEXT,
                        elem_id="box",
                        scale=5,
                    )
                    send = gr.Button("Send", variant="primary", min_width=72, scale=0, elem_id="send")
                    stop = gr.Button("Stop", variant="stop", min_width=72, scale=0, elem_id="stop", visible=False)
            with gr.Column(elem_id="side-adjust", min_width=0):
                panel = adjust.build()
            with gr.Column(elem_id="side-export", min_width=0):
                export = exporting.build()
    return Talk(box, tones, gr.State(""), chat, said, text, send, stop, slot, panel, export)


def _tiles(value: Any, **how: Any) -> gr.Gallery:
    """A row of pictures to click on."""
    return gr.Gallery(
        value,
        rows=1,
        object_fit="cover",
        allow_preview=False,
        show_label=False,
        buttons=[],
        interactive=False,
        **how,
    )


def components(group: Any) -> list[Any]:
    """Every component of a group of them, and of the groups in it."""
    found: list[Any] = []
    for each in fields(group):
        part = getattr(group, each.name)
        if hasattr(part, "__dataclass_fields__"):
            found += components(part)
        elif isinstance(part, dict):
            found += part.values()
        else:
            found.append(part)
    return found
