"""A served model's opinion of a photo, over the wire from a real HTTP server: shown beside what was measured, never instead."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from agent.appraisal import WHOSE, may_appraise, of_conversation
from agent.settings import Settings
from agent.studio import Studio
from models.errors import ServerError
from tests.servers import free_port
from tests.test_agent_studio import photo, say
from tests.test_planner_served import WORDS, broken, completion, send, serving
from ui.actions import Actions
from ui.appraising import Appraising
from ui.chat import greeting
from ui.cli import main
from ui.desk import Session

OPINION = {**WORDS, "suggestions": ["a bit of vignette", "crop it"]}
PLAN = {
    "kind": "strong", "edits": [], "out_of_scope": [], "command": None, "protect": [], "style": None, "lang": "en",
    "note": None, "question": None, "options": [],
}  # fmt: skip


def opine(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    """Answers a question about a photo, and any other with an empty plan."""
    asked = "composition" in json.dumps(request["response_format"])
    completion(handler, json.dumps(OPINION if asked else PLAN))


def blind(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    send(handler, b'{"error": {"message": "no images"}}', 400)


@pytest.fixture
def portrait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BURNISH_HOME", str(tmp_path / "home"))
    for name in ("BURNISH_LLM_URL", "BURNISH_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return photo(tmp_path / "portrait.png")


def look(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[str, str]:
    """What `burnish look` prints, on stdout and on stderr."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(["look", *map(str, arguments)])
    assert end.value.code == 0
    return tuple(capsys.readouterr())  # type: ignore[return-value]


def test_look_prints_it_after_what_was_measured(
    portrait: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = look(capsys, portrait)
    scene = json.loads(look(capsys, portrait, "--json")[0])
    assert WHOSE not in plain
    assert "opinion" not in scene
    with serving(opine) as (url, requests):
        monkeypatch.setenv("BURNISH_LLM_URL", url)
        words, _ = look(capsys, portrait)
        data = json.loads(look(capsys, portrait, "--json")[0])
    assert words.startswith(plain)
    opinion = words[len(plain) :]
    for part in (WHOSE, "A calm frame.", "Soft light.", "55 of 100", '"a bit of vignette"'):
        assert part in opinion
    assert "crop" not in opinion
    assert data.pop("opinion") == {**OPINION, "suggestions": ["a bit of vignette"]}
    assert data == scene
    told = requests[0]["messages"][1]["content"][0]["text"]
    for sentence in scene["critique"]:
        assert sentence in told


@pytest.mark.parametrize(("trouble", "noted"), [(broken, True), (blind, False), (None, True)])
def test_look_without_its_opinion_is_what_it_is_without_a_server(
    portrait: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, trouble: Any, noted: bool
) -> None:
    plain, _ = look(capsys, portrait)
    with serving(trouble or opine) as (url, _):
        monkeypatch.setenv("BURNISH_LLM_URL", url if trouble else "http://127.0.0.1:9")
        words, note = look(capsys, portrait)
    assert words == plain
    assert ("looked at without it" in note) is noted


async def test_a_conversation_asks_once_and_what_you_suggest_is_measured_first(portrait: Path, tmp_path: Path) -> None:
    with serving(opine) as (url, requests):
        settings = Settings(home=tmp_path / "home", preview_edge=320, llm_url=url, llm_model="tiny")
        async with await Studio.open(settings) as studio:
            opened = await studio.start(portrait, "anna")
            assert requests == [], "opening does not wait for an opinion"
            first = await of_conversation(studio.rooms, opened.thread)
            assert await of_conversation(studio.rooms, opened.thread) is first
            assert len(requests) == 1
            scene = (await studio.rooms.opened(opened.thread)).seen.scene
            assert scene.suggestions == opened.suggestions
            done = await say(studio, opened.thread, "do what you suggest")
    assert done.plan is not None
    measured = len(opened.suggestions[:3])
    attributes = [edit.attribute for edit in done.plan.edits]
    assert ("vignette" in attributes) is (measured < 3)
    if measured:
        assert attributes[0] != "vignette"


async def test_without_a_server_nobody_is_asked(portrait: Path, tmp_path: Path) -> None:
    async with await Studio.open(Settings(home=tmp_path / "home", preview_edge=320, llm_url=None)) as studio:
        opened = await studio.start(portrait, "anna")
        assert not may_appraise(studio.rooms)
        assert await of_conversation(studio.rooms, opened.thread) is None


async def test_a_broken_server_is_an_error_and_is_asked_again(portrait: Path, tmp_path: Path) -> None:
    with serving(broken, opine) as (url, _):
        settings = Settings(home=tmp_path / "home", preview_edge=320, llm_url=url, llm_model="tiny")
        async with await Studio.open(settings) as studio:
            opened = await studio.start(portrait, "anna")
            with pytest.raises(ServerError, match="500"):
                await of_conversation(studio.rooms, opened.thread)
            assert await of_conversation(studio.rooms, opened.thread) is not None


def test_it_joins_the_greeting_only_of_its_own_conversation_and_only_before_the_first_word() -> None:
    seen = Appraising(Actions.__new__(Actions))
    hello, better = greeting("A portrait.", ()), greeting("A portrait.", ("warmer",))
    here = Session(thread="a")
    assert seen.show(here, [hello], ("a", better)) == [better]
    for session, chat in ((Session(thread="b"), [hello]), (here, [hello, hello]), (here, [])):
        assert seen.show(session, chat, ("a", better)) != [better]


def test_what_a_model_says_in_the_app_is_no_markup() -> None:
    from agent.planner.opinions import Critique

    said = Critique(composition="<img src=x> ![a](http://x)", score=5, suggestions=("warmer",))
    bubble = greeting("A portrait.", ("brighter", "more contrast", "less noise"), said)
    measured, opinion = bubble["content"].split("\n\n")
    assert measured == "A portrait. What would you like?"
    assert WHOSE in opinion
    assert "<img" not in opinion
    assert "![" not in opinion
    labels = [option["label"] for option in bubble["options"]]
    assert labels == ["Brighter", "More contrast", "Less noise", "Warmer", "My usual"]


def test_the_app_shows_it_when_it_comes(tmp_path: Path) -> None:
    from tests.visiting import CHROMIUM, FLAGS, PATIENCE, Visit, expect, playwright

    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install the package `chromium`")
    come = threading.Event()

    def later(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        come.wait(300)
        opine(handler, request)

    port, log = free_port(), tmp_path / "server.log"
    with serving(later) as (url, requests), log.open("w") as out:
        own = {
            "BURNISH_HOME": str(tmp_path / "home"),
            "BURNISH_LLM_URL": url,
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        app = subprocess.Popen(
            [sys.executable, "-m", "ui.cli", "serve", "--port", str(port)],
            env={**os.environ, **own}, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            for _ in range(600):
                assert app.poll() is None, log.read_text()
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).read()
                    break
                except OSError:
                    time.sleep(0.2)
            with playwright.sync_playwright() as started:
                browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                visit = Visit(browser, f"http://127.0.0.1:{port}")
                visit.page.locator("#examples button", has_text="Launch").click()
                # This app is a new one, and compiles its kernels first.
                expect(visit.page.locator("#slider img").first).to_be_visible(timeout=4 * PATIENCE)
                chat = visit.page.locator("#chat")
                # The photo is there, and can be worked on, before the opinion is.
                expect(chat).to_contain_text("What would you like?")
                expect(visit.page.locator("#send")).to_be_enabled()
                assert "not a measurement" not in chat.inner_text()
                before = chat.locator(".option").all_inner_texts()
                come.set()
                expect(chat).to_contain_text(re.compile("not a measurement.*A calm frame"))
                after = chat.locator(".option").all_inner_texts()
                assert "A bit of vignette" in after
                assert after[0] == before[0]
                if shots := os.environ.get("BURNISH_SHOTS"):
                    visit.page.screenshot(path=f"{shots}/appraisal.png")
                visit.close()
                browser.close()
        finally:
            come.set()
            app.send_signal(signal.SIGTERM)
            app.wait(60)
    assert len(requests) == 1
    assert "Traceback" not in log.read_text(), log.read_text()[-4000:]
