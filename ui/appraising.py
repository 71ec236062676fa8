"""What a served model that sees thinks of a photo joins the greeting when it comes, if nothing else has been said meanwhile."""

from typing import Any

import gradio as gr

from models.errors import BurnishError
from ui.actions import Actions
from ui.chat import Bubble
from ui.desk import Session


class Appraising:
    """Two events that begin when `Talk.greeted` changes, which it does where there is a server to ask."""

    def __init__(self, do: Actions) -> None:
        self.do = do

    async def ask(self, session: Session, greeted: str) -> Any:
        """The greeting with the opinion in it, and the conversation that it belongs to. May take its time: nobody waits."""
        if not greeted or greeted != session.thread:
            return gr.skip()
        try:
            bubble = await self.do.desk.appraised(session)
        except BurnishError as error:
            gr.Info(f"{error} The photo was looked at without it.")
            return gr.skip()
        return (greeted, bubble) if bubble else gr.skip()

    def show(self, session: Session, chat: list[Bubble], come: tuple[str, Bubble] | None) -> Any:
        """Paint it, unless the conversation has gone on or is another one by now."""
        if come is None or come[0] != session.thread or len(chat) != 1:
            return gr.skip()
        return [come[1]]

    def wire(self, **quiet: Any) -> None:
        """The events."""
        parts = self.do.parts
        come, talk = gr.State(), parts.talk
        # The second reads the page as it is when the opinion has come, not as it was when it was asked for.
        talk.greeted.change(self.ask, [parts.session, talk.greeted], [come], concurrency_limit=4, **quiet)
        come.change(self.show, [parts.session, talk.chat, come], [talk.chat], **quiet)
