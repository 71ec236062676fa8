"""The page: its layout put together, and every event wired to what happens (`ui.actions` and the panels)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from ui import exporting, layout, loupe, settings_page, taste_page
from ui.actions import Actions
from ui.adjust import Hands
from ui.appraising import Appraising
from ui.examples import example_photos
from ui.layout import Parts, components
from ui.loupe import Loupe
from ui.reference import References
from ui.rewind import Rewind
from ui.selecting import Selecting
from ui.settings_page import SettingsPage
from ui.taste_page import TastePage
from ui.versions import Versions
from ui.words import DEFAULT_USER

if TYPE_CHECKING:
    from ui.desk import Desk

#: Events are for this page alone, and the page shows its own progress.
_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}

#: A message leaves the box in the browser, at once: what is typed next is never wiped by an answer on its way.
_TAKE: Final = "(text) => ['', text]"

#: Ready to type once a photo is open; on a phone the keyboard would cover the photo.
_FOCUS: Final = (
    "() => { if (matchMedia('(min-width: 861px)').matches) document.querySelector('#box textarea')?.focus() }"
)

_TOGGLE_DARK: Final = "() => document.body.classList.toggle('dark')"

_PAGE: Final = Path(__file__).with_name("page.js")


def build(desk: "Desk") -> gr.Blocks:
    """The whole page over a desk. Theme, style and limits go to `launch`."""
    examples = example_photos()
    with gr.Blocks(title="Burnish", fill_width=True, delete_cache=(3600, 86400), analytics_enabled=False) as page:
        session = gr.State(desk.stranger(), delete_callback=desk.leave)
        kept = gr.BrowserState({"thread": "", "user": DEFAULT_USER}, storage_key="burnish", secret="burnish")
        recent_threads = gr.State([])
        header = layout.header(login=desk.accounts is not None)
        with gr.Tabs(elem_id="pages"):
            with gr.Tab("Retouch", id="retouch"), gr.Row(elem_id="bench"):
                with gr.Column(scale=7, min_width=340, elem_id="photo"):
                    welcome = layout.welcome([(str(path), name) for path, name in examples])
                    stage = layout.stage()
                talk = layout.talk()
            with gr.Tab("My taste", id="taste") as taste_tab:
                taste = taste_page.build(desk, taste_tab, session)
            settings = settings_page.build(desk, session)

        parts = Parts(session, kept, recent_threads, header, welcome, stage, talk)
        do = Actions(desk, parts, [path for path, _ in examples])
        page.load(None, js=_PAGE.read_text(encoding="utf-8"), api_visibility="private")
        _wire(page, parts, do, taste, settings)
    return page


def _wire(page: gr.Blocks, parts: Parts, do: Actions, taste: TastePage, settings: SettingsPage) -> None:
    everything = components(parts)
    opens: dict[str, Any] = {"outputs": everything, "concurrency_limit": 4, **_QUIET}
    # "always_last": a message sent while an answer is on its way waits for it instead of getting lost.
    talks: dict[str, Any] = {"outputs": everything, "concurrency_limit": 8, "trigger_mode": "always_last", **_QUIET}
    moves: dict[str, Any] = {"outputs": everything, "concurrency_limit": 8, **_QUIET}
    session, welcome, stage, talk = parts.session, parts.welcome, parts.stage, parts.talk
    recents: dict[str, Any] = {"outputs": [welcome.recent_box, welcome.recent, parts.recent_threads], **_QUIET}
    chat, user = talk.chat, parts.header.user

    page.load(do.arrive, [session, parts.kept], **opens).then(do.take_up, [session, parts.kept], **opens).then(
        do.recent, [session], **recents
    ).then(settings.offered, [session], [settings.tab], **_QUIET)
    taste.profile.input(do.change_user, [session, taste.profile], **opens).then(do.recent, [session], **recents).then(
        taste.shown, [session], taste.outputs, **_QUIET
    )
    stage.home.click(do.go_home, [session], **opens).then(do.recent, [session], **recents)
    gr.on([user.submit, user.blur], do.change_user, [session, user], **opens).then(do.recent, [session], **recents)
    for opened in (
        welcome.drop.upload(do.open_upload, [session, user, welcome.drop], **opens),
        stage.another.upload(do.open_upload, [session, user, stage.another], **opens),
        welcome.tries.select(do.open_example, [session, user], **opens),
        welcome.recent.select(do.open_recent, [session, parts.recent_threads], **opens),
    ):
        opened.then(None, js=_FOCUS, api_visibility="private")

    versions, rewind = Versions(do, stage.offers, stage.manage), Rewind(do)
    references = References(do, talk.slot)
    references.wire(session, **moves)
    sent = [talk.text.submit, talk.send.click]
    take = gr.on(sent, None, [talk.text], [talk.text, talk.said], js=_TAKE, api_visibility="private")
    turns = [
        take.then(do.send, [session, chat, talk.said], **talks),
        chat.option_select(do.choose, [session, chat], **talks),
        chat.like(do.thumb, [session, chat], **{**talks, "trigger_mode": "multiple"}),
        chat.retry(rewind.retry, [session, chat], **talks),
        chat.edit(rewind.edit, [session, chat], **talks),
        stage.like.click(do.like, [session, chat], **talks),
        stage.dislike.click(do.dislike, [session, chat], **talks),
        stage.vary.click(versions.vary, [session, chat], **talks),
        talk.slot.looks.input(references.wear, [session, chat, talk.slot.looks], **talks),
        talk.adjust.fix.click(do.fix, [session, chat], **talks),
    ]
    # First cancelled, then told: the other way round a last step of the turn could still paint over it.
    talk.stop.click(None, cancels=turns, api_visibility="private").then(
        do.stopped, [session, chat], outputs=everything, **_QUIET
    )

    stage.undo.click(do.undo, [session, chat], **moves)
    stage.redo.click(do.redo, [session, chat], **moves)
    stage.manage.reset.click(do.reset, [session, chat], **moves)
    stage.strip.select(do.go_to, [session, chat], **moves)
    versions.wire(session, **moves)
    stage.manage.sure.click(versions.delete, [session], **opens).then(do.recent, [session], **recents)
    hands = Hands(do, talk.adjust)
    hands.wire(session, **moves)
    stage.chips.select(hands.chip, [session], **moves)
    Selecting(do, stage.select).wire(session, **moves)
    loupe.wire(Loupe(do), stage.zoom, session, **moves)
    Appraising(do).wire(**_QUIET)

    exporting.wire(do.desk, talk.export, stage.save, session)
    parts.header.dark.click(None, js=_TOGGLE_DARK)
