"""The served planner over the wire from a real vLLM with random weights: the form is right whatever is said."""

import asyncio
import json
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openai import AsyncOpenAI
from PIL import Image

from agent.events import Failed, Result
from agent.plan import Plan, PlanContext
from agent.planner import plan_text, wire
from agent.planner.served import INSTEAD, ServedPlanner, prompt, situation
from agent.planner.server import MAX_TOKENS
from agent.settings import Settings
from agent.studio import Studio
from agent.turns import BROKEN, HALF
from tests.test_agent_studio import events, photo
from tests.test_planner_served import Answer, broken, busy, completion, send, serving  # fmt: skip
from tests.test_planner_served import photo as jpeg
from tests.vllm.conftest import Vllm

#: 200 different requests.
REQUESTS = [
    f"{how} {what}{where}"
    for how, what, where in product(
        ("a bit", "much", "make it", "could it be", "30 %"),
        ("brighter", "warmer", "more contrast", "less saturated", "sharper", "bluer", "softer", "less noise"),
        ("", " in the sky", " on her face", " but leave the water alone", " everywhere, so that the door stands out"),
    )
]
TEXT = "brighten the sky a bit"


def reply(server: Vllm, request: dict[str, Any]) -> tuple[bytes, int]:
    """What the real server answers, and its status."""
    body = json.dumps({**request, "model": server.model.name}).encode()
    asked = urllib.request.Request(f"{server.url}/v1/chat/completions", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=300) as got:
            return got.read(), got.status
    except urllib.error.HTTPError as error:
        return error.read(), error.code


def forward(server: Vllm, answered: list[dict[str, Any]] | None = None) -> Answer:
    """Passes a request on to the real server, and its answer back."""
    assert server.url, "it runs before the time of the first request counts"

    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        content, status = reply(server, request)
        if answered is not None:
            answered.append(json.loads(content))
        send(handler, content, status)

    return answer


def spoilt(server: Vllm) -> Answer:
    """The real answer without its second half: no JSON."""

    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        content, _ = reply(server, request)
        said = json.loads(content)["choices"][0]["message"]["content"]
        completion(handler, said[: len(said) // 2])

    return answer


def short(server: Vllm) -> Answer:
    """The model has to stop before its answer is complete."""

    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        send(handler, *reply(server, {**request, "max_completion_tokens": 7}))

    return answer


def cut(server: Vllm) -> Answer:
    """The connection ends in the middle of the real answer."""

    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        content, _ = reply(server, request)
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        handler.close_connection = True

    return answer


async def asked(planner: ServedPlanner, texts: list[str]) -> list[Plan]:
    """Plans of all texts, eight at a time."""
    places = asyncio.Semaphore(8)

    async def one(text: str) -> Plan:
        async with places:
            return await planner.plan(text, PlanContext(regions_present=("sky", "person", "water")))

    return await asyncio.gather(*(one(text) for text in texts))


async def test_200_answers_of_random_weights_are_200_plans(text_model: Vllm) -> None:
    assert len(set(REQUESTS)) == 200
    answered: list[dict[str, Any]] = []
    with serving(forward(text_model, answered)) as (url, requests):
        plans = await asked(ServedPlanner(url, text_model.model.name, timeout=600), REQUESTS)
    # None was repaired, none left to the embedded planner.
    assert len(requests) == 200
    assert not [p.note for p in plans if INSTEAD in (p.note or "")]
    said = [answer["choices"][0]["message"]["content"] for answer in answered]
    for one in said:
        jsonschema.validate(json.loads(one), wire.schema())
    assert len(set(said)) > 50, "the model hears what it is asked"


async def test_the_same_request_has_the_same_answer(text_model: Vllm) -> None:
    planner = ServedPlanner(text_model.url, timeout=300)
    first, second = await planner.plan(TEXT, PlanContext()), await planner.plan(TEXT, PlanContext())
    assert first == second
    assert planner.server.model == text_model.model.name
    assert INSTEAD not in (first.note or "")


async def test_a_streamed_answer_is_a_plan_in_pieces(text_model: Vllm) -> None:
    format_ = {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": wire.schema()}}
    messages = [
        {"role": "system", "content": prompt()},
        {"role": "user", "content": situation(TEXT, PlanContext())},
    ]
    pieces, used = [], None
    async with AsyncOpenAI(base_url=f"{text_model.url}/v1", api_key="none", timeout=300) as client:
        stream: Any = await client.chat.completions.create(
            model=text_model.model.name, messages=messages, response_format=format_, temperature=0, stream=True,
            max_completion_tokens=MAX_TOKENS, stream_options={"include_usage": True},
        )  # type: ignore[call-overload]  # fmt: skip
        async for part in stream:
            pieces += [choice.delta.content for choice in part.choices if choice.delta.content]
            used = part.usage or used
    assert len(pieces) > 5
    answer = json.loads("".join(pieces))
    jsonschema.validate(answer, wire.schema())
    wire.read(answer)
    assert used is not None
    assert used.completion_tokens >= len(pieces)


async def test_a_model_without_eyes_gets_no_more_pictures(text_model: Vllm) -> None:
    with serving(forward(text_model)) as (url, requests):
        planner = ServedPlanner(url, text_model.model.name, timeout=300)
        for _ in range(2):
            plan = await planner.plan(TEXT, PlanContext(thumbnail=jpeg()))
            assert INSTEAD not in (plan.note or "")
    assert not planner.server.sees
    assert [isinstance(r["messages"][1]["content"], list) for r in requests] == [True, False, False]


async def test_what_it_cannot_do_in_time_is_not_waited_for(text_model: Vllm) -> None:
    plan = await ServedPlanner(text_model.url, text_model.model.name, timeout=0.02).plan(TEXT, PlanContext())
    assert plan.edits == plan_text(TEXT).edits
    assert "longer than" in str(plan.note)


@pytest.mark.parametrize(
    ("trouble", "word"),
    [(cut, "cannot be reached"), (spoilt, "no sense"), (short, "nonsense"), (busy, "busy"), (broken, "HTTP 500")],
)
async def test_trouble_on_the_way_costs_a_note(text_model: Vllm, trouble: Any, word: str) -> None:
    answer = trouble(text_model) if trouble in (cut, spoilt, short) else trouble
    with serving(answer) as (url, _):
        plan = await ServedPlanner(url, text_model.model.name, timeout=300).plan(TEXT, PlanContext())
    assert plan.edits == plan_text(TEXT).edits
    assert word in str(plan.note)
    assert INSTEAD in str(plan.note)


async def test_an_answer_that_came_broken_is_asked_for_again(text_model: Vllm) -> None:
    with serving(spoilt(text_model), forward(text_model)) as (url, requests):
        plan = await ServedPlanner(url, text_model.model.name, timeout=300).plan(TEXT, PlanContext())
    assert len(requests) == 2
    assert INSTEAD not in (plan.note or "")


async def test_a_turn_ends_well_whatever_the_model_says(text_model: Vllm, tmp_path: Path) -> None:
    original = photo(tmp_path / "photo.png")
    before = original.read_bytes()
    settings = Settings(home=tmp_path / "home", preview_edge=320, llm_url=text_model.url, llm_timeout=300)
    async with await Studio.open(settings) as studio:
        thread = (await studio.start(original, "anna")).thread
        for text in ("make it look good", "brighter", "a bit less", "film noir", "remove the flag", "조금 더 밝게"):
            *_, end = await events(studio.turn(thread, text))
            assert isinstance(end, Result) or (isinstance(end, Failed) and end.text not in (BROKEN, HALF)), end
        shown = (await studio.versions(thread))[-1]
        with Image.open(shown.preview) as picture:
            assert max(picture.size) == 320
    assert original.read_bytes() == before


async def test_a_server_killed_in_the_middle_costs_a_note_and_it_is_used_again_when_it_is_back(
    text_model: Vllm,
) -> None:
    planner = ServedPlanner(text_model.url, text_model.model.name, timeout=300)
    await planner.plan(TEXT, PlanContext())
    # From a thread: what this loop does with the first answers must not hold the killing up.
    killed = asyncio.create_task(asyncio.to_thread(text_model.kill_at_work))
    plans = await asyncio.gather(*(planner.plan(text, PlanContext()) for text in REQUESTS))
    await killed
    lost = [(t, p) for t, p in zip(REQUESTS, plans, strict=False) if INSTEAD in (p.note or "")]
    assert lost
    for text, plan in lost:
        assert plan.edits == plan_text(text).edits
    back = ServedPlanner(await asyncio.to_thread(lambda: text_model.url), text_model.model.name, timeout=300)
    assert INSTEAD not in ((await back.plan(TEXT, PlanContext())).note or "")
