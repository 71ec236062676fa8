"""The page: photo first, chat beside it. Layout and wiring; what happens is in `ui.actions`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from ui import taste_page
from ui.actions import Actions
from ui.chat import REASONS
from ui.edit import MAX_TEXT
from ui.examples import example_photos
from ui.selecting import BOX, CLICK, Selecting
from ui.words import DEFAULT_USER

if TYPE_CHECKING:
    from ui.desk import Desk

#: What the file dialogue offers.
PHOTO_TYPES: Final = [".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"]

#: Formats of an export and their suffix.
EXPORTS: Final = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WebP": ".webp"}

#: Events are for this page alone, and the page shows its own progress.
_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}

#: The finished export is handed over by a click on a link that is not shown: one click for the person, not two.
_CLICK_SAVE: Final = "() => setTimeout(() => document.querySelector('#save-link')?.click(), 50)"

#: A message leaves the box in the browser, at once: what is typed next is never wiped by an answer on its way.
_TAKE: Final = "(text) => ['', text]"

#: Ready to type once a photo is open; on a phone the keyboard would cover the photo.
_FOCUS: Final = (
    "() => { if (matchMedia('(min-width: 861px)').matches) document.querySelector('#box textarea')?.focus() }"
)

_TOGGLE_DARK: Final = "() => document.body.classList.toggle('dark')"

_WELCOME: Final = """### Say what you want, see it, keep what you like

Open a photo and write as you would to a friend:
*make the sky a bit bluer*, *brighten the people*, *less yellow*, *my usual*."""


_LIMITS: Final = "JPEG, PNG, TIFF or WebP, up to 100 megapixels. Your photo stays on this machine and is never changed."


@dataclass(frozen=True)
class Parts:
    """The components that actions read and write."""

    session: gr.State
    kept: gr.BrowserState
    welcome: gr.Column
    stage: gr.Column
    talk: gr.Column
    recent_box: gr.Column
    recent: gr.Gallery
    recent_threads: gr.State
    slider: gr.ImageSlider
    selector: gr.Image
    selecting: gr.Row
    choose: gr.Button
    title: gr.Markdown
    strip: gr.Gallery
    chat: gr.Chatbot
    box: gr.Textbox
    send: gr.Button
    stop: gr.Button
    save_link: gr.DownloadButton
    hands: tuple[gr.Button, ...]
    """Buttons that wait while a turn is running."""
    user: gr.Textbox


def build(desk: "Desk") -> gr.Blocks:
    """The whole page over a desk. Theme, style and limits go to `launch`."""
    examples = example_photos()
    with gr.Blocks(title="Burnish", fill_width=True, delete_cache=(3600, 86400), analytics_enabled=False) as page:
        session = gr.State(desk.stranger(), delete_callback=desk.leave)
        kept = gr.BrowserState({"thread": "", "user": DEFAULT_USER}, storage_key="burnish", secret="burnish")
        recent_threads = gr.State([])
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
        with gr.Tabs(elem_id="pages"):
            with gr.Tab("Retouch", id="retouch"), gr.Row(elem_id="bench"):
                with gr.Column(scale=7, min_width=340, elem_id="photo"):
                    with gr.Column(elem_id="welcome") as welcome:
                        gr.Markdown(_WELCOME, elem_id="invitation")
                        drop = gr.File(
                            label="Open a photo", file_types=PHOTO_TYPES, type="filepath", height=140, elem_id="drop"
                        )
                        gr.Markdown(_LIMITS, elem_classes="caption")
                        gr.Markdown("Or begin with one of these", elem_classes="caption")
                        tries = gr.Gallery(
                            [(str(path), name) for path, name in examples],
                            columns=len(examples) or 1,
                            rows=1,
                            height=172,
                            object_fit="cover",
                            allow_preview=False,
                            show_label=False,
                            buttons=[],
                            interactive=False,
                            elem_id="examples",
                            elem_classes="tiles",
                        )
                        with gr.Column(visible=False) as recent_box:
                            gr.Markdown("Go on where you stopped", elem_classes="caption")
                            recent = gr.Gallery(
                                columns=8,
                                rows=1,
                                height=84,
                                object_fit="cover",
                                allow_preview=False,
                                show_label=False,
                                buttons=[],
                                interactive=False,
                                elem_id="recent",
                                elem_classes=["tiles", "film"],
                            )
                    with gr.Column(visible=False, elem_id="stage") as stage:
                        with gr.Row(elem_id="titlebar", equal_height=True):
                            title = gr.Markdown(elem_id="title")
                            choose = gr.Button("Select …", size="sm", scale=0, min_width=88, elem_id="choose")
                            another = gr.UploadButton(
                                "Open …", file_types=PHOTO_TYPES, size="sm", scale=0, min_width=88, elem_id="another"
                            )
                            home = gr.Button("Home", size="sm", scale=0, min_width=70, elem_id="home")
                        slider = gr.ImageSlider(
                            type="filepath",
                            show_label=False,
                            label="Before and after",
                            interactive=False,
                            buttons=["fullscreen"],
                            max_height=2000,
                            elem_id="slider",
                        )
                        selector = gr.Image(
                            type="filepath",
                            show_label=False,
                            label="Select on the photo",
                            interactive=False,
                            visible=False,
                            buttons=[],
                            elem_id="selector",
                        )
                        with gr.Row(visible=False, elem_id="selecting", equal_height=True) as selecting:
                            how = gr.Radio(
                                [CLICK, BOX],
                                value=CLICK,
                                show_label=False,
                                label="How to select",
                                container=False,
                                scale=0,
                                min_width=200,
                                elem_id="how",
                            )
                            clear = gr.Button("Clear", size="sm", scale=0, min_width=70, elem_id="clear")
                            hint = gr.Markdown(elem_id="hint", elem_classes="caption")
                        with gr.Row(elem_id="tools", equal_height=True):
                            undo = gr.Button("Undo", size="sm", min_width=80, elem_id="undo")
                            redo = gr.Button("Redo", size="sm", min_width=80, elem_id="redo")
                            reset = gr.Button("Start over", size="sm", min_width=90, elem_id="reset")
                            like = gr.Button("Like", size="sm", min_width=80, elem_id="like")
                            dislike = gr.Button("Not right", size="sm", min_width=100, elem_id="dislike")
                            format_ = gr.Dropdown(
                                list(EXPORTS),
                                value="JPEG",
                                show_label=False,
                                label="Format",
                                container=False,
                                min_width=90,
                                elem_id="format",
                            )
                            save = gr.Button(
                                "Save full size", variant="primary", size="sm", min_width=120, elem_id="save"
                            )
                            save_link = gr.DownloadButton("Save", visible="hidden", elem_id="save-link")
                        strip = gr.Gallery(
                            columns=10,
                            rows=1,
                            height=104,
                            object_fit="cover",
                            allow_preview=False,
                            label="Versions",
                            show_label=False,
                            buttons=[],
                            interactive=False,
                            elem_id="strip",
                            elem_classes=["tiles", "film"],
                        )
                with gr.Column(scale=4, min_width=320, elem_id="talk", visible=False) as talk:
                    chat = gr.Chatbot(
                        show_label=False,
                        label="Conversation",
                        elem_id="chat",
                        height="100%",
                        layout="bubble",
                        buttons=[],
                        latex_delimiters=[],
                        allow_tags=False,
                        feedback_options=("Like", "Dislike", *REASONS),
                        placeholder="Your conversation about the photo appears here.",
                    )
                    said = gr.Textbox(visible="hidden", label="Message on its way", elem_id="said")
                    with gr.Row(elem_id="write", equal_height=True):
                        box = gr.Textbox(
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
            with gr.Tab("My taste", id="taste") as taste_tab:
                taste_page.build(desk, taste_tab, session)

        parts = Parts(
            session, kept, welcome, stage, talk, recent_box, recent, recent_threads, slider, selector,
            selecting, choose, title, strip, chat, box, send,
            stop, save_link, (undo, redo, reset, like, dislike, save), user,
        )  # fmt: skip
        do = Actions(desk, parts, [path for path, _ in examples])
        _wire(page, parts, do, locals())
        _wire_selecting(Selecting(do, hint), parts, how, clear)
    return page


def _wire(page: gr.Blocks, parts: Parts, do: Actions, on: dict[str, Any]) -> None:
    everything = [
        getattr(parts, name)
        for name in (
            "session", "kept", "welcome", "stage", "talk", "recent_box", "recent", "recent_threads", "slider", "selector",
            "selecting", "choose", "title",
            "strip", "chat", "box", "send", "stop", "user",
        )
    ] + list(parts.hands)  # fmt: skip
    opens: dict[str, Any] = {"outputs": everything, "concurrency_limit": 4, **_QUIET}
    # "always_last": a message sent while an answer is on its way waits for it instead of getting lost.
    talks: dict[str, Any] = {"outputs": everything, "concurrency_limit": 8, "trigger_mode": "always_last", **_QUIET}
    recents: dict[str, Any] = {"outputs": [parts.recent_box, parts.recent, parts.recent_threads], **_QUIET}
    moves: dict[str, Any] = {"outputs": everything, "concurrency_limit": 8, **_QUIET}
    session, chat, box = parts.session, parts.chat, parts.box

    page.load(do.arrive, [session, parts.kept], **opens).then(do.take_up, [session, parts.kept], **opens).then(
        do.recent, [session], **recents
    )
    on["home"].click(do.go_home, [session], **opens).then(do.recent, [session], **recents)
    gr.on([parts.user.submit, parts.user.blur], do.change_user, [session, parts.user], **opens).then(
        do.recent, [session], **recents
    )
    for opened in (
        on["drop"].upload(do.open_upload, [session, parts.user, on["drop"]], **opens),
        on["another"].upload(do.open_upload, [session, parts.user, on["another"]], **opens),
        on["tries"].select(do.open_example, [session, parts.user], **opens),
        parts.recent.select(do.open_recent, [session, parts.recent_threads], **opens),
    ):
        opened.then(None, js=_FOCUS, api_visibility="private")

    take = gr.on([box.submit, parts.send.click], None, [box], [box, on["said"]], js=_TAKE, api_visibility="private")
    turns = [
        take.then(do.send, [session, chat, on["said"]], **talks),
        chat.option_select(do.choose, [session, chat], **talks),
        chat.like(do.thumb, [session, chat], **{**talks, "trigger_mode": "multiple"}),
        on["like"].click(do.like, [session, chat], **talks),
        on["dislike"].click(do.dislike, [session, chat], **talks),
    ]
    # First cancelled, then told: the other way round a last step of the turn could still paint over it.
    parts.stop.click(None, cancels=turns, api_visibility="private").then(
        do.stopped, [session, chat], outputs=everything, **_QUIET
    )

    on["undo"].click(do.undo, [session, chat], **moves)
    on["redo"].click(do.redo, [session, chat], **moves)
    on["reset"].click(do.reset, [session, chat], **moves)
    parts.strip.select(do.go_to, [session, chat], **moves)
    on["save"].click(
        do.save, [session, on["format_"]], outputs=[parts.save_link], concurrency_limit=2, **_QUIET
    ).success(None, js=_CLICK_SAVE)
    on["dark"].click(None, js=_TOGGLE_DARK)


def _wire_selecting(tool: Selecting, parts: Parts, how: gr.Radio, clear: gr.Button) -> None:
    quick: dict[str, Any] = {"outputs": tool.outputs, "concurrency_limit": 8, **_QUIET}
    parts.choose.click(tool.toggle, [parts.session, how], **quick)
    parts.selector.select(tool.at, [parts.session, how], **quick)
    clear.click(tool.clear, [parts.session], **quick)
