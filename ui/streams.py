"""One stream of answers a tab, also while one event follows another.

Gradio ends a tab's stream when nothing is under way, and its page opens another for the next event. On a busy day the end of
the one and the start of the other cross on their way: the page believes the old stream open, and the answer to a click waits
on the server until something else is clicked. Here the end is held back for a while; an event that begins meanwhile goes on in
the same stream, as far as the page can tell.
"""

import asyncio
import re
from collections.abc import Callable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]

#: Seconds for which the end of a stream is held back. A browser has six connections for all of its tabs: not for ever.
LINGER: Final = 1.5

_CLOSE: Final = b'data: {"msg":"close_stream"'
_COMPLETED: Final = re.compile(rb'data: \{"msg":"process_completed","event_id":"(\w+)"')


class _Tab:
    """What is under way in a tab: events begun and not ended, and those whose end came before their beginning was told."""

    def __init__(self) -> None:
        self.streams = 0
        self.begun: set[str] = set()
        self.ended: set[str] = set()
        self.news = asyncio.Event()


class Streams:
    """The streams of all tabs. For one event loop."""

    def __init__(self) -> None:
        self._tabs: dict[str, _Tab] = {}

    def joined(self, tab: str, event: str) -> None:
        """An event of a tab has begun. One whose tab has no stream is told of by the stream that the page then opens."""
        here = self._tabs.get(tab)
        if here is None:
            return
        if event in here.ended:
            here.ended.discard(event)
        else:
            here.begun.add(event)
            here.news.set()

    async def serve(self, app: Any, scope: Scope, receive: Receive, send: Send, tab: str) -> None:
        """Answer the request for a tab's stream: with as many of the application's streams as follow each other soon."""
        here = self._tabs.setdefault(tab, _Tab())
        here.streams += 1
        try:
            await self._follow(app, scope, receive, send, here)
        finally:
            here.streams -= 1
            if not here.streams:
                self._tabs.pop(tab, None)

    async def _follow(self, app: Any, scope: Scope, receive: Receive, send: Send, here: _Tab) -> None:
        started, close, last = False, b"", b""

        async def passing(message: MutableMapping[str, Any]) -> None:
            nonlocal started, close, last
            if message["type"] == "http.response.start":
                if not started:
                    started = True
                    await send(message)
                return
            body = message.get("body", b"")
            if found := _COMPLETED.match(body):
                event = found[1].decode()
                (here.begun.discard if event in here.begun else here.ended.add)(event)
            if body.startswith(_CLOSE):
                close = body
            elif message.get("more_body"):
                await send(message)
            else:
                last = body

        while True:
            close, last = b"", b""
            here.news.clear()
            await app(scope, receive, passing)
            if not close:
                break
            if not here.begun and not await _comes(here.news, receive):
                break
        await send({"type": "http.response.body", "body": close + last, "more_body": False})


async def _comes(news: asyncio.Event, receive: Receive) -> bool:
    """Whether an event begins before the time is up or the page is gone."""
    waiting = [asyncio.ensure_future(news.wait()), asyncio.ensure_future(receive())]
    try:
        await asyncio.wait(waiting, timeout=LINGER, return_when=asyncio.FIRST_COMPLETED)
        return news.is_set() and not waiting[1].done()
    finally:
        for each in waiting:
            each.cancel()
