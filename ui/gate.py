"""The gate in front of Gradio's routes: everybody gets their own tabs and files, and nobody sends too much.

Gradio keeps strangers away from files outside its cache, and people without a login from everything. What it does not know is
whose a file of the cache, or a tab, is. This is ASGI middleware rather than a handler of the page because files and events do
not pass through the page's code.
"""

import json
import re
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

from ui.streams import Streams
from ui.visitors import COOKIE, Visitors, new_cookie, owner_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]

#: Largest upload in bytes; `tools.photo` refuses larger files as well. The rest is what a form has around a file.
MAX_UPLOAD: Final = 200 * 1024**2
_FORM: Final = 1 << 20
#: Largest message of a page: it holds texts and the names of files, never the files.
_MAX_EVENT: Final = 16 * 1024**2

#: The slash is an older way to write it, which Gradio still takes.
_FILE: Final = re.compile(r"/(?:gradio_api/)?file[=/](?P<path>.*)", re.DOTALL)
_TAB: Final = re.compile(r"/(?:gradio_api/)?(?:heartbeat|stream)/(?P<tab>[^/]+)")
#: Fetching from other servers, and links that would open somebody's tab for anybody: not in this app.
_CLOSED: Final = re.compile(r"/(?:gradio_api/)?(?:proxy=|deep_link|custom_component/|vibe|dev/)")
_STREAM: Final = re.compile(r"/(?:gradio_api/)?queue/data/?")
_BEGUN: Final = re.compile(rb'\s*\{"event_id":\s*"(\w+)"')
_PAGES: Final = frozenset({"/", "/config", "/config/"})

TOO_LARGE: Final = f"This file is over {MAX_UPLOAD // 1024**2} MB; save a smaller copy and send that."
ELSEWHERE: Final = (
    "Open this at the address that Burnish printed; to serve it by other names, see burnish serve --help."
)
NOT_YOURS: Final = "This is not part of your visit; open the page again."


class Gate:
    """Middleware around Gradio's application."""

    def __init__(self, app: Any, visitors: Visitors, names: frozenset[str] = frozenset()) -> None:
        """`names`: what this server may be called by a browser; empty for anything.

        Without it a page of a stranger could let its own name lead to this machine, and read what is served here.
        """
        self.app, self.visitors, self.names = app, visitors, names
        self.streams = Streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with 403, 411 or 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, method = str(scope["path"]), str(scope["method"])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        cookie = _cookie(headers.get("cookie", ""))
        owner = owner_of(cookie)
        if self.names and _name(headers.get("host", "")) not in self.names:
            await _answer(send, 403, ELSEWHERE)
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        refused = self._refused(path, query, owner)
        if refused:
            await _answer(send, 403, refused)
        elif method == "POST" and path.rstrip("/").endswith("/upload"):
            await self._upload(scope, receive, send, headers, owner)
        elif path.rstrip("/") in ("/login", "/logout") or (path in _PAGES and not owner):
            # Whoever logs in or out begins anew: what was published before is no longer to be had from this browser.
            await self.app(scope, receive, _giving(send, scope))
        elif method == "GET" and _STREAM.fullmatch(path) and "session_hash" in query:
            await self.streams.serve(self.app, scope, receive, send, query["session_hash"][0])
        elif method == "POST":
            await self._event(scope, receive, send, owner)
        else:
            await self.app(scope, receive, send)

    def _refused(self, path: str, query: dict[str, list[str]], owner: str) -> str:
        """Why a request goes no further, or nothing."""
        if _CLOSED.match(path) or "deep_link" in query:
            return NOT_YOURS
        if (file := _FILE.fullmatch(path)) and not self.visitors.may_fetch(owner, file["path"]):
            return NOT_YOURS
        tabs = [*query.get("session_hash", []), *([found["tab"]] if (found := _TAB.match(path)) else [])]
        return "" if all(self.visitors.opens(tab, owner) for tab in tabs) else NOT_YOURS

    async def _upload(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], owner: str) -> None:
        size = headers.get("content-length", "")
        if not owner:
            await _answer(send, 403, NOT_YOURS)
        elif not size.isdigit():
            await _answer(send, 411, "Say how large the file is (Content-Length), and send it again.")
        elif int(size) > MAX_UPLOAD + _FORM:
            await _answer(send, 413, TOO_LARGE)
        else:
            parts: list[bytes] = []

            async def noting(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.body":
                    parts.append(message.get("body", b""))
                    if not message.get("more_body"):
                        # Before the answer is out: the browser may ask for the file at once.
                        self.visitors.uploaded(owner, _paths(b"".join(parts)))
                await send(message)

            await self.app(scope, receive, noting)

    async def _event(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > _MAX_EVENT:
                await _answer(send, 413, "This message is too long; send less at once.")
                return
            if not message.get("more_body"):
                break
        try:
            data = json.loads(bytes(body))
        except (ValueError, RecursionError):
            data = None
        if not self._own(data, owner):
            await _answer(send, 403, NOT_YOURS)
            return
        whole = {"type": "http.request", "body": bytes(body), "more_body": False}
        first = iter([whole])

        async def again() -> Any:
            return next(first, None) or await receive()

        async def noting(message: MutableMapping[str, Any]) -> None:
            # Before the answer is out, so that nothing of the event passes unknown.
            if message["type"] == "http.response.body" and (begun := _BEGUN.match(message.get("body", b""))):
                self.streams.joined(str(data["session_hash"]), begun[1].decode())
            await send(message)

        joins = (
            isinstance(data, dict) and "session_hash" in data and str(scope["path"]).rstrip("/").endswith("/queue/join")
        )
        await self.app(scope, again, noting if joins else send)

    def _own(self, data: Any, owner: str) -> bool:
        """Whether an event speaks of its sender's tab and files only."""
        if isinstance(data, dict) and "session_hash" in data:
            tab = data["session_hash"]
            if not isinstance(tab, str) or not self.visitors.opens(tab, owner):
                return False
        try:
            named = list(_named(data))
        except RecursionError:
            return False
        # A file elsewhere is refused by Gradio itself; an address would be fetched.
        return not any(
            re.match(r"\s*[a-z]+:/", path, re.IGNORECASE)
            or (self.visitors.inside(path) and not self.visitors.may_fetch(owner, path))
            for path in named
        )


def _named(data: Any) -> Iterator[str]:
    """Every path of a file that an event names, at any depth."""
    if isinstance(data, dict):
        if isinstance(path := data.get("path"), str):
            yield path
        for value in data.values():
            yield from _named(value)
    elif isinstance(data, list):
        for value in data:
            yield from _named(value)


def _paths(answer: bytes) -> list[str]:
    try:
        found = json.loads(answer)
    except ValueError:
        return []
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []


def _name(host: str) -> str:
    """The name in a Host header, without the port.

    >>> _name("LocalHost:7860"), _name("[::1]:7860"), _name("evil.example")
    ('localhost', '[::1]', 'evil.example')
    """
    return re.sub(r":\d*$", "", host.strip().lower())


def _cookie(header: str) -> str:
    found = re.search(rf"(?:^|;)\s*{COOKIE}=([^;\s]*)", header)
    return found[1] if found else ""


def _giving(send: Send, scope: Scope) -> Send:
    """`send`, with the cookie of a new visitor in a good answer."""
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    set_cookie = f"{COOKIE}={new_cookie()}; Path=/; HttpOnly; SameSite=Lax{secure}"

    async def giving(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            message = {**message, "headers": [*message.get("headers", ()), (b"set-cookie", set_cookie.encode())]}
        await send(message)

    return giving


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
