"""A served language model: one question to any OpenAI-compatible server, answered in a JSON schema, repaired if need be."""

import asyncio
import base64
import importlib
import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from models.errors import PlanError, ServerError

#: Answers that do not fit are sent back this often, with what is wrong with them.
REPAIRS = 2
MAX_EDGE = 1280
MAX_TOKENS = 1200
BLIND = "The language model takes no pictures."

Answer = TypeVar("Answer")


class Server:
    """A server at `url` (with or without `/v1`); `model` None: the first that it serves."""

    def __init__(self, url: str, model: str | None = None, timeout: float = 30.0, key: str = "none") -> None:
        base = url.rstrip("/")
        self.url = base if base.endswith("/v1") else f"{base}/v1"
        self.model, self.timeout, self.key = model, timeout, key
        self.sees = True
        """Until the server refuses a picture."""
        self._connections: tuple[Any, Any] = (None, None)

    async def ask(
        self,
        prompt: str,
        said: str,
        schema: dict[str, Any],
        read: Callable[[Any], Answer],
        pictures: Sequence[bytes] = (),
        *,
        must_see: bool = False,
    ) -> Answer:
        """What `read` makes of the server's answer, within `timeout` seconds in all.

        `pictures`: JPEG bytes, sent as data: URLs of at most 1280 px. An answer for which `read` raises `PlanError` is sent
        back up to `REPAIRS` times. A model that takes no pictures is asked without them, unless it `must_see`. Raises
        `ServerError` with a sentence for the person.
        """
        # The first time takes a second or more, which is not the server's, and would hold up everybody's turns.
        await asyncio.to_thread(importlib.import_module, "langchain_openai")
        try:
            async with asyncio.timeout(self.timeout):
                return await self._ask(prompt, said, schema, read, pictures, must_see)
        except TimeoutError as error:
            raise ServerError(f"The language model took longer than {self.timeout:g} s.") from error

    async def _ask(
        self,
        prompt: str,
        said: str,
        schema: dict[str, Any],
        read: Callable[[Any], Answer],
        pictures: Sequence[bytes],
        must_see: bool,
    ) -> Answer:
        from langchain_core.messages import AIMessage, HumanMessage
        from openai import APIConnectionError, APIError, APIStatusError, BadRequestError, OpenAIError

        try:
            if must_see and not self.sees:
                raise ServerError(BLIND)
            chat = await self._chat(schema)
            messages = self._messages(prompt, said, pictures)
            for attempt in range(REPAIRS + 1):
                try:
                    reply = await chat.ainvoke(messages)
                except BadRequestError:
                    if not (self.sees and pictures):
                        raise
                    self.sees = False  # a model without eyes: ask again without the picture
                    if must_see:
                        raise ServerError(BLIND) from None
                    messages = self._messages(prompt, said, ())
                    reply = await chat.ainvoke(messages)
                content = reply["raw"].content if isinstance(reply["raw"].content, str) else ""
                try:
                    return read(whole(content))
                except PlanError as error:
                    if attempt == REPAIRS:
                        raise ServerError("The language model's answer made no sense.") from error
                    again = f"That does not fit: {error} Send the corrected JSON object alone."
                    messages += [AIMessage(content[:2000]), HumanMessage(again)]
        except APIStatusError as error:
            why = "is too busy" if error.status_code == 429 else f"failed (HTTP {error.status_code})"
            raise ServerError(f"The language model server {why}.") from error
        except APIConnectionError as error:
            raise ServerError("The language model server cannot be reached.") from error
        except (APIError, OpenAIError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError) as error:
            raise ServerError("The language model server answered nonsense.") from error
        raise ServerError("The language model gave no answer.")

    async def _chat(self, schema: dict[str, Any]) -> Any:
        """The chat model, bound to a schema."""
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        if self.model is None:
            self.model = await self._first_model()
        chat = ChatOpenAI(
            base_url=self.url, api_key=SecretStr(self.key), model=self.model, temperature=0, max_retries=0,
            timeout=self.timeout, max_completion_tokens=MAX_TOKENS, seed=0, http_async_client=self._http(),
        )  # fmt: skip
        named = {"title": "answer", "description": "The answer.", **schema}
        return chat.with_structured_output(named, method="json_schema", strict=True, include_raw=True)

    def _http(self) -> Any:
        """Connections to the server, kept open; they belong to the event loop that they were opened in.

        LangChain's own are shared by all loops: after an `asyncio.run` the next one would be given dead ones.
        """
        from openai import DefaultAsyncHttpxClient

        loop = asyncio.get_running_loop()
        if self._connections[0] is not loop:
            self._connections = (loop, DefaultAsyncHttpxClient())
        return self._connections[1]

    async def _first_model(self) -> str:
        from openai import AsyncOpenAI

        async with AsyncOpenAI(base_url=self.url, api_key=self.key, timeout=self.timeout, max_retries=0) as client:
            page = await client.models.list()
        if not page.data:
            raise ServerError("The language model server serves no model.")
        return page.data[0].id

    def _messages(self, prompt: str, said: str, pictures: Sequence[bytes]) -> list[Any]:
        from langchain_core.messages import HumanMessage, SystemMessage

        urls = [url for jpeg in pictures if (url := data_url(jpeg))] if self.sees else []
        content: Any = said
        if urls:
            content = [{"type": "text", "text": said}, *({"type": "image_url", "image_url": {"url": u}} for u in urls)]
        return [SystemMessage(prompt), HumanMessage(content)]


def whole(content: str) -> Any:
    """The JSON object in an answer, be it among other words. Raises `PlanError` for one that breaks off.

    LangChain's own reading would mend it, and what was to stay untouched might be what is lost.

    >>> whole('Sure: {"kind": "none"}')
    {'kind': 'none'}
    """
    found = re.search(r"\{.*\}", content, re.DOTALL)
    try:
        return json.loads(found[0] if found else content)
    except (ValueError, RecursionError) as error:
        why = str(error)[:200] if content.strip() else "empty"
        raise PlanError(f"The answer is not the JSON object of the schema ({why}).") from error


def data_url(jpeg: bytes) -> str | None:
    """A picture as a data: URL, at most 1280 px on its long edge; None when it is no picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            if max(image.size) > MAX_EDGE or image.format != "JPEG":
                small = image.convert("RGB")
                small.thumbnail((MAX_EDGE, MAX_EDGE))
                buffer = io.BytesIO()
                small.save(buffer, "JPEG", quality=85)
                jpeg = buffer.getvalue()
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
