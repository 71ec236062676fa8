"""What the page shows of where a conversation stands: the photo in one of its views, versions, tones, regions, sliders."""

from typing import TYPE_CHECKING

import gradio as gr

from ui import chips, loupe, selecting, tones
from ui.paint import Paint
from ui.words import clean

if TYPE_CHECKING:
    from ui.desk import Desk, Frames, Session
    from ui.layout import Stage, Talk


async def painted(
    desk: "Desk", at: "Stage", talk: "Talk", session: "Session", *, rendered: bool, compared: tuple[int, int] | None
) -> "tuple[Session, Paint]":
    """The whole stage. `rendered`: at 100 % the photo itself, not its preview; `compared`: two versions side by side."""
    session, frames = await desk.frames(session)
    pair = (frames.before, frames.after)
    if compared is not None:
        pair = await desk.side_by_side(session, compared)
    paint: Paint = {
        at.slider: gr.update(
            value=pair, visible=session.view == "", elem_classes=["comparing"] if compared is not None else []
        ),
        **at.select.paint(session.view == "select"),
        at.loupe: gr.update(visible=session.view == "zoom"),
        at.zoom: gr.update(value=loupe.FIT if session.view == "zoom" else loupe.ZOOM),
        at.offers.box: gr.update(visible=session.view == "choose"),
        at.chips: chips.row(frames.chips, session.region),
        at.strip: gr.update(value=frames.strip, selected_index=frames.selected),
        at.title: f"**{clean(session.name)}** · {session.width} × {session.height} · {clean(frames.label)}",
        **at.manage.paint(session, frames),
        talk.tones: tones.drawing(*frames.tones),
        **talk.adjust.paint(session, frames),
    }
    if session.view == "select":
        width, height = await desk.preview_size(session)
        paint[at.select.picker] = gr.update(
            value=selecting.picture(await desk.selection(session), width, height), visible=True
        )
    elif session.view == "zoom":
        both = await desk.full_size(session) if rendered else pair
        sheet = loupe.view(*both, session.width, session.height, session.name)
        paint[at.loupe] = gr.update(value=sheet, visible=True)
    elif session.view == "choose":
        samples = await desk.samples(session)
        here = session.offered.index(session.version) if session.version in session.offered else None
        paint[at.offers.grid] = gr.update(value=samples, selected_index=here)
    return session, paint


def panels(at: "Stage", talk: "Talk", session: "Session", frames: "Frames") -> Paint:
    """What changes when the sliders show another region: they, and the chips."""
    return {at.chips: chips.row(frames.chips, session.region), **talk.adjust.paint(session, frames)}
