"""What is chosen in the app is kept, taken up, and gives way to the environment."""

from pathlib import Path

import pytest

from agent.choices import (
    address,
    artists,
    change,
    file_of,
    from_environment,
    kept,
    lacking,
    lacking_artist,
    probe,
    segmenters,
)
from agent.planner.served import ServedPlanner
from agent.settings import Settings
from agent.studio import Studio
from models.errors import ConversationError
from tests.test_planner_served import garbage, good, serving


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LLM_URL", "LLM_MODEL", "LLM_KEY", "SEGMENTER", "ARTIST"):
        monkeypatch.delenv(f"BURNISH_{name}", raising=False)


async def test_a_choice_is_kept_and_taken_up_at_once(tmp_path: Path) -> None:
    async with await Studio.open(Settings(home=tmp_path)) as studio:
        change(
            studio, {"llm_url": "127.0.0.1:8000/v1", "llm_key": "secret", "segmenter": "a/model", "home": "/elsewhere"}
        )
        assert isinstance(studio.rooms.planner, ServedPlanner)
        assert studio.rooms.settings.served
        assert studio.rooms.settings.home == tmp_path
        # Regions that recipes were made with stay as they are until the next start.
        assert studio.rooms.settings.segmenter is None
        with pytest.raises(ConversationError, match="no address"):
            change(studio, {"llm_url": "file:///etc/passwd"})
        assert file_of(tmp_path).stat().st_mode & 0o777 == 0o600
    again = Settings(home=tmp_path)
    assert (again.llm_url, again.llm_key, again.segmenter) == ("http://127.0.0.1:8000/v1", "secret", "a/model")


async def test_an_artist_is_taken_up_at_once(tmp_path: Path) -> None:
    async with await Studio.open(Settings(home=tmp_path)) as studio:
        change(studio, {"artist": "an/artist"})
        assert studio.rooms.settings.artist == "an/artist"
        assert Settings(home=tmp_path).artist == "an/artist"
        change(studio, {"artist": ""})
        assert studio.rooms.settings.artist is None


async def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURNISH_LLM_URL", "http://127.0.0.1:1/v1")
    assert from_environment() == {"llm_url": "BURNISH_LLM_URL"}
    async with await Studio.open(Settings(home=tmp_path)) as studio:
        change(studio, {"llm_url": "http://127.0.0.1:2/v1", "llm_model": "small"})
        assert studio.rooms.settings.llm_url == "http://127.0.0.1:1/v1"
    assert kept(tmp_path) == {"llm_model": "small"}
    assert Settings(home=tmp_path).llm_url == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"llm_url": 3, "home": "/x"}'])
def test_a_damaged_file_chooses_nothing(tmp_path: Path, text: str) -> None:
    file_of(tmp_path).write_text(text)
    assert kept(tmp_path) == {}
    assert not Settings(home=tmp_path).served


@pytest.mark.parametrize("url", ["", "ftp://a/b", "http://", "http://a b/", "http://a:99999/", "javascript:alert(1)"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConversationError):
        address(url)


async def test_a_probe_says_what_it_found_in_a_sentence() -> None:
    with serving(good) as (url, _):
        assert "tiny answered, but did not understand" in await probe(url)
    with serving(garbage) as (url, _):
        assert "made no sense. Check that it runs at" in await probe(url, timeout=10)
    assert "cannot be reached" in await probe("http://127.0.0.1:9", timeout=5)
    assert "no address" in await probe("nonsense://")


def test_models_that_are_not_here_say_what_is_missing(tmp_path: Path) -> None:
    for name in segmenters():
        assert "hf download" in lacking(name)
    assert "no name of a model" in lacking("a b c/d e f/g")
    assert "There is no model" in lacking(str(tmp_path))
    assert all("hf download" in lacking_artist(name) for name in artists())
    assert "no name of a pipeline" in lacking_artist("a b c/d e f/g")
    assert "There is no pipeline" in lacking_artist(str(tmp_path))
