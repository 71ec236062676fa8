"""Somebody who speaks HTTP with the app, as a browser does, without one: many fit on a small machine."""

import http.client
import json
import uuid
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote, urlsplit

from ui.visitors import COOKIE

#: Patience in seconds: a busy machine is slow, not broken.
PATIENCE = 240.0


class Caller:
    """Somebody who speaks HTTP, with a cookie as a browser has it."""

    def __init__(self, address: str, *, visits: bool = True) -> None:
        self.netloc, self.cookie = urlsplit(address).netloc, ""
        self.tab = uuid.uuid4().hex[:11]
        if visits:
            _, _, headers = self.ask("GET", "/")
            self.cookie = f"{COOKIE}={SimpleCookie(headers['set-cookie'])[COOKIE].value}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, timeout: float = 60, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self.netloc, timeout=timeout)
        try:
            sent = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def file(self, path: str) -> int:
        return self.ask("GET", f"/gradio_api/file={quote(path)}")[0]

    def post(self, path: str, data: Any) -> int:
        return self.ask("POST", path, json.dumps(data).encode(), Content_Type="application/json")[0]

    def config(self) -> dict[str, Any]:
        """The page as Gradio describes it: its components and its events."""
        found: dict[str, Any] = json.loads(self.ask("GET", "/config")[1])
        return found

    def begin(self, on: str, what: str, data: list[Any], about: Any = None, then: int = 0) -> None:
        """Make an event of the page happen.

        `on`, `what`: the component's id and the event's name; `then`: how many links of its chain later.
        """
        page = self.config()
        named = {c["id"]: c["props"].get("elem_id") for c in page["components"]}
        number = next(
            d["id"] for d in page["dependencies"] if (on, what) in ((named.get(t[0], ""), t[1]) for t in d["targets"])
        )
        for _ in range(then):
            number = next(d["id"] for d in page["dependencies"] if d["trigger_after"] == number)
        body = {"data": data, "event_data": about, "fn_index": number, "session_hash": self.tab, "trigger_id": None}
        assert self.post("/gradio_api/queue/join", body) == 200

    def event(self, on: str, what: str, data: list[Any], about: Any = None, then: int = 0) -> Any:
        """Make an event of the page happen and wait for its end; gives its output, or fails with what was said instead."""
        self.begin(on, what, data, about, then)
        told = self.ask("GET", f"/gradio_api/queue/data?session_hash={self.tab}", timeout=PATIENCE)[1].decode()
        messages = [json.loads(line[5:]) for line in told.splitlines() if line.startswith("data:")]
        ended = next(m for m in reversed(messages) if m["msg"] == "process_completed")
        assert ended["success"], ended
        return ended["output"]["data"]

    def upload(self, content: bytes, name: str = "a.jpg", **headers: str) -> tuple[int, Any]:
        body = (
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + name.encode()
            + b'"\r\nContent-Type: image/jpeg\r\n\r\n' + content + b"\r\n--x--\r\n"
        )  # fmt: skip
        kind = "multipart/form-data; boundary=x"
        status, answer, _ = self.ask("POST", "/gradio_api/upload", body, Content_Type=kind, **headers)
        return status, json.loads(answer) if status == 200 else answer
