"""What a served model that sees says of a result, over the wire from a real HTTP server: heard, and never above the numbers."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from agent.darkroom import Print
from agent.decide import Asked
from agent.events import Note, Result
from agent.review import judge
from agent.settings import Settings
from agent.studio import Studio
from agent.witness import doubted
from models.recipe import Recipe
from tests.test_agent_studio import LOOK, events, photo
from tests.test_planner_served import broken, completion, serving

CONTENT = {"met": 90, "spill": 5, "natural": 90, "fix": None}
BRIGHTER = {
    "kind": "strong", "edits": [{"region": "global", "attribute": "brightness", "direction": 1, "amount": "medium"}],
    "out_of_scope": [], "command": None, "protect": [], "style": None, "lang": "en", "note": None, "question": None,
    "options": [],
}  # fmt: skip
LOOKS_GOOD = {**BRIGHTER, "kind": "weak", "edits": []}


@contextmanager
def model(plan: dict[str, Any], *opinions: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that plans `plan`, and answers questions about results with `opinions` in turn (the last for ever)."""
    asked: list[dict[str, Any]] = []

    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        if "natural" not in json.dumps(request["response_format"]):
            completion(handler, json.dumps(plan))
            return
        asked.append(request)
        said = opinions[min(len(asked), len(opinions)) - 1]
        if callable(said):
            said(handler, request)
        else:
            completion(handler, json.dumps(said))

    with serving(answer) as (url, _):
        yield url, asked


async def turn(home: Path, url: str | None, text: str, **more: Any) -> tuple[Result, list[str]]:
    """One message on a new photo; its result and the notes on the way."""
    settings = Settings(home=home / "home", preview_edge=320, llm_url=url, llm_model="tiny", **more)
    async with await Studio.open(settings) as studio:
        thread = (await studio.start(photo(home / "photo.png"), "anna")).thread
        got = await events(studio.turn(thread, text))
        assert isinstance(got[-1], Result), got[-1]
        assert not studio.rooms.line._inside
        assert len(await studio.versions(thread)) == 2
    return got[-1], [e.text for e in got if isinstance(e, Note)]


def pictures(request: dict[str, Any]) -> list[bytes]:
    parts = [p for p in request["messages"][1]["content"] if p["type"] == "image_url"]
    return [base64.b64decode(p["image_url"]["url"].partition(",")[2]) for p in parts]


async def test_it_sees_what_the_turn_began_with_and_the_result(tmp_path: Path) -> None:
    with model(BRIGHTER, CONTENT) as (url, asked):
        result, notes = await turn(tmp_path, url, "brighter")
    (request,) = asked
    before, after = pictures(request)
    assert before[:2] == after[:2] == b"\xff\xd8"
    assert before != after
    assert "brighter" in json.dumps(request["messages"][1])
    assert result.review["opinion"] == CONTENT
    assert (result.review["ok"], result.review["rounds"], notes) == (True, 0, [])


async def test_its_doubt_starts_a_round_and_decides_between_results_that_measure_well(tmp_path: Path) -> None:
    dull = {"met": 20, "spill": 0, "natural": 90, "fix": "a bit brighter"}
    with model(BRIGHTER, dull, CONTENT) as (url, asked):
        result, notes = await turn(tmp_path, url, "brighter")
    assert len(asked) == 2
    assert "a touch more" in notes[0]
    assert (result.review["ok"], result.review["rounds"]) == (True, 1)
    assert result.review["opinion"] == CONTENT
    (change,) = result.changes
    # Brighter than asked, by no more than a person would call met.
    assert change.asked == 0.28
    assert 0.285 < (change.achieved or 0) <= 0.28 * 1.1


async def test_what_it_likes_no_better_is_not_kept(tmp_path: Path) -> None:
    dull = {"met": 40, "spill": 0, "natural": 90, "fix": "a bit brighter"}
    with model(BRIGHTER, dull, {**dull, "met": 10}) as (url, asked):
        result, _ = await turn(tmp_path, url, "brighter")
    assert len(asked) == 2
    assert result.review["opinion"]["met"] == 40
    assert result.changes[0].achieved == pytest.approx(0.28, abs=0.01)


@LOOK
@pytest.mark.parametrize(("opinion", "says"), [({"natural": 10}, "softening"), ({"met": 10}, "another sample")])
async def test_a_look_that_it_doubts_is_made_softer_or_anew(tmp_path: Path, opinion: dict[str, int], says: str) -> None:
    with model(LOOKS_GOOD, {**CONTENT, **opinion}, CONTENT) as (url, asked):
        result, notes = await turn(tmp_path, url, "make it look good")
    assert len(asked) == 2
    assert says in notes[0]
    assert result.recipe.look is not None
    assert (result.recipe.look.strength < 1) == ("natural" in opinion)


async def test_a_style_that_it_doubts_is_made_gentler(tmp_path: Path) -> None:
    # Planned by ourselves: the server has nothing to say about plans here.
    plan = {**BRIGHTER, "kind": "style", "style": "cinematic", "edits": [
        {"region": "global", "attribute": "contrast", "direction": 1, "amount": "strong"},
        {"region": "global", "attribute": "vignette", "direction": 1, "amount": "medium"}]}  # fmt: skip
    with model(plan, {**CONTENT, "natural": 5}, CONTENT) as (url, _):
        soft, notes = await turn(tmp_path, url, "make it cinematic")
    (tmp_path / "plain").mkdir()
    with model(plan, CONTENT) as (url, _):
        full, _ = await turn(tmp_path / "plain", url, "make it cinematic")
    assert "gentler" in notes[-1]
    for name, value in full.recipe.values("global").items():
        assert soft.recipe.values("global")[name] == pytest.approx(0.75 * value, abs=0.01)
    assert {c.attribute: c.asked for c in soft.changes} == pytest.approx(soft.recipe.values("global"))


def test_it_never_overrides_a_measurement() -> None:
    """A failed measurement stays failed whatever is said of it, and what it doubts still counts as done."""
    asked = (Asked(region="global", attribute="brightness", wanted=0.3, value=0.3),)

    def made(achieved: float) -> Print:
        read = {"global": {"brightness": achieved}}
        return Print(recipe=Recipe(), preview="", thumbnail="", asked={"global": {"brightness": 0.3}}, achieved=read)

    bad = judge(asked, False, made(0.1)).model_copy(update={"opinion": CONTENT})
    assert not bad.ok
    assert not doubted(bad)
    good = judge(asked, False, made(0.3)).model_copy(update={"opinion": {**CONTENT, "met": 0}})
    assert good.ok
    assert doubted(good)


def late(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    time.sleep(3)
    completion(handler, json.dumps({**CONTENT, "met": 0}))


def blind(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    if pictures(request) if isinstance(request["messages"][1]["content"], list) else ():
        body = b'{"error": {"message": "this model takes no images"}}'
        handler.send_response(400)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
    else:
        completion(handler, json.dumps({**CONTENT, "met": 0}))


def nonsense(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    completion(handler, json.dumps({"met": 1000, "spill": "a lot", "natural": None, "fix": "rm -rf /"}))


@pytest.mark.parametrize("trouble", [late, broken, blind, nonsense], ids=lambda f: f.__name__)
async def test_a_model_that_cannot_say_is_not_missed(tmp_path: Path, trouble: Any) -> None:
    with model(BRIGHTER, trouble) as (url, _):
        start = time.monotonic()
        result, _ = await turn(tmp_path, url, "brighter", llm_timeout=1.5)
        took = time.monotonic() - start
    assert (result.version, result.review["ok"], result.review["rounds"]) == (1, True, 0)
    assert "opinion" not in result.review
    assert took < 60


async def test_without_a_server_nobody_is_asked(tmp_path: Path) -> None:
    with model(BRIGHTER, CONTENT) as (_, asked):
        result, _ = await turn(tmp_path, None, "brighter")
    assert asked == []
    assert "opinion" not in result.review


async def test_while_it_looks_others_have_its_place(tmp_path: Path) -> None:
    looked = threading.Event()

    def slowly(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        looked.wait(10)
        completion(handler, json.dumps(CONTENT))

    with model(BRIGHTER, slowly, CONTENT) as (url, asked):
        settings = Settings(home=tmp_path / "home", preview_edge=320, llm_url=url, llm_model="tiny", renders=1)
        async with await Studio.open(settings) as studio:
            threads = [(await studio.start(photo(tmp_path / "a.png"), n)).thread for n in ("anna", "ben")]
            running = asyncio.create_task(events(studio.turn(threads[0], "brighter")))
            while not asked:
                await asyncio.sleep(0.01)
            *_, other = await events(studio.turn(threads[1], "brighter"))
            assert isinstance(other, Result)
            assert not running.done()
            looked.set()
            *_, first = await running
            assert isinstance(first, Result)
            assert first.review["opinion"] == other.review["opinion"] == CONTENT
