"""The served planner: an OpenAI-compatible server (vLLM) fills the plan's schema; else the embedded planner answers.

A failure costs the person a visible note, never the turn.
"""

import asyncio
import base64
import functools
import io
from typing import Any

from agent.plan import Amount, Edit, Plan, PlanContext
from agent.planner import commands, wire
from agent.planner.embedded import plan_text
from agent.planner.lexicon import HERE
from agent.planner.text import MAX_CHARACTERS, plain
from models.errors import PlanError, ServerError

#: Answers that do not fit are sent back this often, with what is wrong with them.
REPAIRS = 2
MAX_EDGE = 1280
MAX_TOKENS = 1200


@functools.cache
def prompt() -> str:
    """The system prompt."""
    return (HERE / "prompt.md").read_text(encoding="utf-8")


class ServedPlanner:
    """The `Planner` protocol over a server at `url` (with or without `/v1`); `model` None: the first that it serves."""

    def __init__(self, url: str, model: str | None = None, timeout: float = 30.0, key: str = "none") -> None:
        base = url.rstrip("/")
        self.url = base if base.endswith("/v1") else f"{base}/v1"
        self.model, self.timeout, self.key = model, timeout, key
        self._sees = True
        """Until the server refuses a picture."""

    async def plan(self, text: str, context: PlanContext) -> Plan:
        """Plan one message within `timeout` seconds in all; else the embedded plan with a note that says why."""
        own = plan_text(text, context)
        if not plain(text):
            return own
        try:
            async with asyncio.timeout(self.timeout):
                served = await self._ask(text, context)
        except TimeoutError:
            return _instead(
                own, f"The language model took longer than {self.timeout:g} s, so the built-in planner answered."
            )
        except ServerError as error:
            return _instead(own, str(error))
        return checked(served, own, text)

    async def _ask(self, text: str, context: PlanContext) -> Plan:
        """The server's plan, repaired up to `REPAIRS` times. Raises `ServerError` with a sentence for the person."""
        from langchain_core.messages import AIMessage, HumanMessage
        from openai import APIConnectionError, APIError, APIStatusError, BadRequestError, OpenAIError

        try:
            chat = await self._chat()
            messages = self._messages(text, context)
            for attempt in range(REPAIRS + 1):
                try:
                    reply = await chat.ainvoke(messages)
                except BadRequestError:
                    if not (self._sees and context.thumbnail):
                        raise
                    self._sees = False  # a model without eyes: ask again without the picture
                    messages = self._messages(text, context)
                    reply = await chat.ainvoke(messages)
                raw, parsed, wrong = reply["raw"], reply["parsed"], reply["parsing_error"]
                try:
                    if parsed is None:
                        raise PlanError(
                            f"The answer is not the JSON object of the schema ({str(wrong)[:200] or 'empty'})."
                        )
                    return wire.read(parsed)
                except PlanError as error:
                    if attempt == REPAIRS:
                        raise ServerError(
                            "The language model's answer made no sense, so the built-in planner answered."
                        ) from error
                    said = raw.content if isinstance(raw.content, str) else ""
                    messages += [
                        AIMessage(said[:2000]),
                        HumanMessage(f"That does not fit: {error} Send the corrected JSON object alone."),
                    ]
        except APIStatusError as error:
            why = "is too busy" if error.status_code == 429 else f"failed (HTTP {error.status_code})"
            raise ServerError(f"The language model server {why}, so the built-in planner answered.") from error
        except APIConnectionError as error:
            raise ServerError(
                "The language model server cannot be reached, so the built-in planner answered."
            ) from error
        except (APIError, OpenAIError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError) as error:
            raise ServerError(
                "The language model server answered nonsense, so the built-in planner answered."
            ) from error
        raise ServerError("The language model gave no answer, so the built-in planner answered.")

    async def _chat(self) -> Any:
        """The chat model, bound to the plan's schema."""
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        if self.model is None:
            self.model = await self._first_model()
        chat = ChatOpenAI(
            base_url=self.url, api_key=SecretStr(self.key), model=self.model, temperature=0, max_retries=0,
            timeout=self.timeout, max_completion_tokens=MAX_TOKENS, seed=0,
        )  # fmt: skip
        named = {"title": "plan", "description": "The plan of one message.", **wire.schema()}
        return chat.with_structured_output(named, method="json_schema", strict=True, include_raw=True)

    async def _first_model(self) -> str:
        from openai import AsyncOpenAI

        async with AsyncOpenAI(base_url=self.url, api_key=self.key, timeout=self.timeout, max_retries=0) as client:
            page = await client.models.list()
        if not page.data:
            raise ServerError("The language model server serves no model, so the built-in planner answered.")
        return page.data[0].id

    def _messages(self, text: str, context: PlanContext) -> list[Any]:
        from langchain_core.messages import HumanMessage, SystemMessage

        said = situation(text, context)
        picture = data_url(context.thumbnail) if self._sees and context.thumbnail else None
        content: Any = said
        if picture is not None:
            content = [{"type": "text", "text": said}, {"type": "image_url", "image_url": {"url": picture}}]
        return [SystemMessage(prompt()), HumanMessage(content)]


def situation(text: str, context: PlanContext) -> str:
    """What the model is told beside its prompt: scene, regions, last edits, last turns, the message.

    >>> situation("warmer", PlanContext(regions_present=("sky",), versions=2)).splitlines()[-1]
    'message: warmer'
    """
    lines = []
    if context.summary:
        lines.append(f"scene: {context.summary[:500]}")
    if context.regions_present:
        lines.append(f"regions in the picture: {', '.join(context.regions_present[:40])}")
    if context.last_edits:
        lines.append(f"last edits: {' · '.join(_said(e) for e in context.last_edits[:16])}")
    if context.versions:
        lines.append(f"versions so far: {context.versions}")
    lines += [f"earlier message: {turn[:300]}" for turn in context.turns[-4:]]
    message = " ".join(text.split())[:MAX_CHARACTERS]
    return "\n".join([*lines, f"message: {message}"])


def _said(edit: Edit) -> str:
    amount = edit.amount
    size = (
        amount
        if isinstance(amount, str)
        else f"{amount.value:g} {amount.unit}"
        if isinstance(amount, Amount)
        else f"{amount:g} %"
    )
    return f"{edit.region} {edit.attribute} {'+' if edit.direction > 0 else '-'}{size}"


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


def checked(served: Plan, own: Plan, text: str) -> Plan:
    """The served plan with the numbers and the caution of code: exact amounts are read from the text, and text aimed at
    the machinery never becomes a command."""
    exact = {(e.region, e.attribute): e for e in own.edits if not isinstance(e.amount, str)}
    edits = tuple(exact.get((e.region, e.attribute), e) for e in served.edits)
    command, kind = served.command, served.kind
    if command and commands.without_machinery(plain(text))[1]:
        command = None
        kind = "strong" if edits else "none"
    if kind == "command" and not command:
        kind = "strong" if edits else "none"
    return served.model_copy(update={"edits": edits, "command": command, "kind": kind})


def _instead(own: Plan, why: str) -> Plan:
    note = f"{why} {own.note}" if own.note else why
    return own.model_copy(update={"note": note[:200]})
