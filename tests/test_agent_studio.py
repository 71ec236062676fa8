"""The conversation as the UI and the command line have it, on real photos."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from agent.events import Event, Failed, Note, Result, Step
from agent.settings import Settings
from agent.studio import Studio
from models.errors import BurnishError, ConversationError, PhotoError, RecipeError
from models.pinned import FOLDER
from models.recipe import Recipe

ROOT = Path(__file__).parents[1]
LOOK = pytest.mark.skipif(
    not (FOLDER / "retouch" / "pin.json").exists(), reason="the retouch weights are not installed"
)


def photo(path: Path, name: str = "astronaut", size: int = 320) -> Path:
    pixels = getattr(data, name)()
    scale = size / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), small[..., ::-1])
    return path


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    return photo(tmp_path / "portrait.png")


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    async with await Studio.open(Settings(home=tmp_path / "home", preview_edge=320)) as opened:
        yield opened


async def events(stream: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in stream]


async def say(studio: Studio, thread: str, text: str) -> Result:
    *_, end = await events(studio.turn(thread, text))
    assert isinstance(end, Result), end
    return end


async def press(studio: Studio, thread: str, kind: str, reason: str = "") -> Result:
    *_, end = await events(studio.feedback(thread, kind, reason))  # type: ignore[arg-type]
    assert isinstance(end, Result), end
    return end


def pixels(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


async def test_a_turn_streams_its_steps_and_ends_with_one_result(studio: Studio, portrait: Path) -> None:
    before = hashlib.sha256(portrait.read_bytes()).hexdigest()
    opened = await studio.start(portrait, "anna")
    assert uuid.UUID(opened.thread).version == 4
    assert opened.photo == before
    got = await events(studio.turn(opened.thread, "brighten the photo and make it a bit warmer"))
    *steps, end = got
    assert isinstance(end, Result)
    assert all(isinstance(e, Step | Note) for e in steps)
    nodes = [e.node for e in steps if isinstance(e, Step) and e.state == "done"]
    assert nodes == ["perceive", "recall", "understand", "decide", "render", "review", "present"]
    assert end.version == 1
    assert end.recipe.values("global") == {"brightness": 0.28, "temperature": 0.12}
    for change in end.changes:
        assert change.achieved == pytest.approx(change.asked, rel=0.1)
    assert end.measured_after["global"]["brightness"] > end.measured_before["global"]["brightness"]
    assert "+28" in end.answer
    assert pixels(end.preview).shape == pixels(opened.preview).shape == pixels(studio.original(opened.thread)).shape
    assert pixels(end.preview).mean() > pixels(opened.preview).mean()
    assert hashlib.sha256(portrait.read_bytes()).hexdigest() == before


async def test_a_strong_request_on_a_region_leaves_everything_else_bit_exact(
    studio: Studio, portrait: Path, tmp_path: Path
) -> None:
    from models.mask import guide

    opened = await studio.start(portrait, "anna")
    await say(studio, opened.thread, "much more saturation in the face")
    out = await studio.export(opened.thread, tmp_path / "out.png")
    here = await studio.rooms.opened(opened.thread)
    outside = here.seen.masks["face"].render(guide(here.photo.pixels)) == 0
    result, original = pixels(out), pixels(portrait)
    assert np.array_equal(result[outside], original[outside])
    assert not np.array_equal(result, original)


async def test_a_protected_region_is_untouched_and_no_false_alarm(
    studio: Studio, portrait: Path, tmp_path: Path
) -> None:
    from models.mask import guide

    thread = (await studio.start(portrait, "anna")).thread
    result = await say(studio, thread, "brighten the photo but leave the face alone")
    assert result.recipe.keep == ("face",)
    assert (result.review["ok"], result.review["rounds"]) == (True, 0)
    here = await studio.rooms.opened(thread)
    inside = here.seen.masks["face"].render(guide(here.photo.pixels)) == 1
    assert inside.any()
    out = pixels(await studio.export(thread, tmp_path / "out.png"))
    assert np.array_equal(out[inside], pixels(portrait)[inside])


async def test_follow_ups_undo_and_the_edit_tree(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    more = await say(studio, thread, "a bit more contrast")
    assert set(more.recipe.values("global")) == {"brightness", "contrast"}
    assert (await say(studio, thread, "undo")).version == 1
    assert (await studio.command(thread, "redo")).version == 2
    assert (await studio.command(thread, "goto:1")).recipe.values("global") == {"brightness": 0.28}
    branch = await say(studio, thread, "cooler")
    assert branch.version == 3
    numbers = [(v.number, v.parent, v.current) for v in await studio.versions(thread)]
    assert numbers == [(0, None, False), (1, 0, False), (2, 1, False), (3, 1, True)]
    back = await say(studio, thread, "start over")
    assert (back.version, back.recipe) == (0, Recipe())
    assert back.preview == studio.original(thread)
    with pytest.raises(ConversationError, match="no version 9"):
        await studio.command(thread, "goto:9")


async def test_undo_with_an_edit_is_one_step(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    result = await say(studio, thread, "undo, then brighten the face")
    assert [s.region for s in result.recipe.settings] == ["face"]
    assert (await studio.command(thread, "undo")).version == 1


async def test_nothing_to_undo_is_said(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    result = await say(studio, thread, "undo")
    assert result.version == 0
    assert "nothing to undo" in result.answer


async def test_what_is_not_possible_is_said_and_the_rest_done(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    result = await say(studio, thread, "brighten the face, make the sky bluer, remove the flag")
    assert [s.region for s in result.recipe.settings] == ["face"]
    assert "sky" in result.answer
    assert "can't remove" in result.answer


@pytest.mark.parametrize("text", ["asdkjh qwpoei zzzxc", "what can you do", "what is contrast?", "compare", "."])
async def test_words_that_change_nothing_make_no_version(studio: Studio, portrait: Path, text: str) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    result = await say(studio, thread, text)
    assert result.version == 0
    assert len(result.answer) > 20
    assert len(await studio.versions(thread)) == 1


@pytest.mark.parametrize("text", ["", "  \n\t", "\0\0"])
async def test_an_empty_message_fails_with_a_sentence(studio: Studio, portrait: Path, text: str) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    assert [type(e) for e in await events(studio.turn(thread, text))] == [Failed]
    assert studio.rooms.history.messages(thread) == ()


async def test_a_very_long_message_is_answered_and_stays_small_in_the_checkpoint(
    studio: Studio, portrait: Path
) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter. " + "漢字 " * 6_700)
    async with studio._saver.conn.execute("SELECT max(length(checkpoint)) FROM checkpoints") as rows:
        assert (await rows.fetchone())[0] <= 64 * 1024


async def test_text_that_is_not_unicode_does_no_harm(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    assert (await say(studio, thread, "brighter \ud800")).version == 1


async def test_unknown_threads_and_photos_are_said_in_a_sentence(studio: Studio, tmp_path: Path) -> None:
    unknown = str(uuid.uuid4())
    for stream in (studio.turn(unknown, "brighter"), studio.feedback(unknown, "like")):
        got = await events(stream)
        assert [type(e) for e in got] == [Failed]
    for call in (studio.versions(unknown), studio.command(unknown, "undo"), studio.resume(unknown, "anna")):
        with pytest.raises(ConversationError):
            await call
    (tmp_path / "text.jpg").write_text("no photo")
    for path in (tmp_path / "text.jpg", tmp_path, tmp_path / "missing.png"):
        with pytest.raises(PhotoError):
            await studio.start(path, "anna")


async def test_a_slider_makes_a_version_and_bad_values_do_not(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    result = await studio.set_values(thread, "face", {"brightness": 0.3, "sharpness": 0.2})
    assert result.version == 1
    assert result.recipe.values("face") == {"brightness": 0.3, "sharpness": 0.2}
    for region, values in (("face", {"brightness": 3.0}), ("face", {"magic": 0.1}), ("moon", {"tint": 0.1})):
        with pytest.raises(RecipeError, match=r"\.$"):
            await studio.set_values(thread, region, values)
    with pytest.raises(ConversationError, match="sky"):
        await studio.set_values(thread, "sky", {"tint": 0.1})
    assert len(await studio.versions(thread)) == 2


async def test_export_never_overwrites_unless_told(studio: Studio, portrait: Path, tmp_path: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    first, second = await studio.export(thread), await studio.export(thread)
    assert first != second
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(PhotoError):
        await studio.export(thread, first)
    with pytest.raises(PhotoError):
        await studio.export(thread, portrait, overwrite=True)
    assert np.array_equal(pixels(await studio.export(thread, tmp_path / "as-opened.png", version=0)), pixels(portrait))


async def test_turns_of_one_thread_wait_for_each_other_and_threads_do_not_mix(studio: Studio, tmp_path: Path) -> None:
    names = ("astronaut", "coffee", "chelsea")
    threads = [(await studio.start(photo(tmp_path / f"{n}.png", n, 200), n)).thread for n in names]
    texts = ("brighter", "warmer", "more contrast")
    ends = await asyncio.gather(*(say(studio, thread, text) for thread in threads for text in texts))
    assert len(ends) == 9
    for name, thread in zip(names, threads, strict=True):
        assert set((await studio.recipe(thread)).values("global")) == {"brightness", "temperature", "contrast"}
        said = studio.rooms.history.messages(thread)
        assert sorted(m.text for m in said if m.role == "user") == sorted(texts)
        assert [m.role for m in said] == ["user", "assistant"] * 3
        assert [t.thread for t in await studio.threads(name)] == [thread]
    with pytest.raises(ConversationError, match="not known"):
        await studio.resume(threads[0], "coffee")


async def test_a_turn_can_be_stopped_and_leaves_nothing(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    stream = studio.turn(thread, "brighter")
    async for event in stream:
        if isinstance(event, Step) and event.node == "render":
            break
    await stream.aclose()
    assert len(await studio.versions(thread)) == 1
    assert "Stopped" in studio.rooms.history.messages(thread)[-1].text
    assert (await say(studio, thread, "warmer")).recipe.values("global") == {"temperature": 0.28}


async def test_checkpoints_are_small_and_pruned_and_hold_no_pictures(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    for text in ("brighter", "warmer face", "undo", "more contrast in the hair and a vignette", "what is tint?"):
        await say(studio, thread, text)
    async with studio._saver.conn.execute("SELECT count(*), max(length(checkpoint)) FROM checkpoints") as rows:
        count, largest = await rows.fetchone()
    assert count == 1
    assert largest <= 64 * 1024


@LOOK
async def test_a_like_is_remembered_for_this_person_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", preview_edge=320)
    async with await Studio.open(settings) as studio:
        thread = (await studio.start(photo(tmp_path / "one.png"), "anna")).thread
        await say(studio, thread, "make the photo much warmer")
        liked = await press(studio, thread, "like")
        assert "my usual" in liked.answer
        assert (await press(studio, thread, "like")).answer == "I have noted that already."
        assert len(studio.memory.list("anna")) == 1
        assert (await studio.versions(thread))[1].feedback == "like"
    async with await Studio.open(settings) as studio:
        other = photo(tmp_path / "two.png", size=300)
        hers = await say(studio, (await studio.start(other, "anna")).thread, "my usual")
        assert hers.memory_used
        assert "you liked" in hers.answer
        assert hers.recipe.values("global")["temperature"] > 0
        his = await say(studio, (await studio.start(other, "ben")).thread, "my usual")
        assert not his.memory_used
        assert his.recipe.settings == ()
        assert his.recipe.look is not None


@LOOK
async def test_a_thumb_can_be_taken_back_and_a_reason_is_a_turn(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "much warmer")
    await press(studio, thread, "like")
    assert "Taken back" in (await press(studio, thread, "withdraw")).answer
    assert studio.memory.list("anna") == []
    asked = await press(studio, thread, "dislike")
    assert asked.options
    assert asked.version == 2
    better = await press(studio, thread, "dislike", "a bit cooler")
    assert better.version == 3
    assert better.recipe.values("global")["temperature"] < 0.55
    assert [m.text for m in studio.rooms.history.messages(thread) if m.role == "user"][-1] == "a bit cooler"


@LOOK
async def test_a_thumb_after_a_slider_or_before_any_turn(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    assert "as opened" in (await press(studio, thread, "like")).answer
    await studio.set_values(thread, "global", {"tint": 0.2})
    await press(studio, thread, "like")
    assert studio.memory.list("anna")[0].source["global"]["tint"] == "slider"


@LOOK
async def test_variations_are_siblings(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    result = await say(studio, thread, "show me other versions")
    made = [v for v in await studio.versions(thread) if v.number]
    assert [v.parent for v in made] == [0, 0, 0, 0]
    assert result.version == 1
    assert result.variations == (1, 2, 3, 4)
    seeds = {(await studio.recipe(thread, v.number)).look.seed for v in made}  # type: ignore[union-attr]
    assert len(seeds) == 4


KILLER = """
import asyncio, os, signal, sys
from pathlib import Path
import agent.nodes, agent.present, agent.learn
from agent.settings import Settings

name, where = sys.argv[3], sys.argv[4]
module = next(m for m in (agent.nodes, agent.present, agent.learn) if hasattr(m, name) and name in vars(m))
work = getattr(module, name)

async def killer(state, rooms, say):
    if where == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    await work(state, rooms, say)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    from agent.studio import Studio
    studio = await Studio.open(Settings(home=Path(sys.argv[1]), preview_edge=320))
    opened = await studio.start(Path(sys.argv[2]), "anna")
    async for event in studio.turn(opened.thread, "brighter"):
        pass
    print(opened.thread, flush=True)
    async for event in studio.turn(opened.thread, "a bit warmer"):
        pass
    async for event in studio.feedback(opened.thread, "like"):
        pass

import agent.graph
async def second(state, rooms, say):
    if state.get("text") == "a bit warmer" and (name != "learn" or state.get("feedback")):
        return await killer(state, rooms, say)
    return await work(state, rooms, say)
setattr(module, name, second)
agent.graph.builder = agent.graph.build()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("node", "where"),
    [("perceive", "before"), ("understand", "after"), ("render", "after"), ("present", "before"), ("present", "after")],
)
async def test_kill_9_in_the_middle_of_a_turn_loses_nothing(tmp_path: Path, node: str, where: str) -> None:
    home = tmp_path / "home"
    thread = await killed(home, tmp_path, node, where)
    async with await Studio.open(Settings(home=home, preview_edge=320)) as studio:
        again = await studio.resume(thread, "anna")
        assert [m.text for m in again.messages if m.role == "user"] == ["brighter", "a bit warmer"]
        assert [m.role for m in again.messages] == ["user", "assistant"] * 2
        assert again.result.version == 2
        assert again.result.recipe.values("global") == {"brightness": 0.28, "temperature": 0.12}
        assert len(await studio.versions(thread)) == 3
        # Taking it up once more changes nothing, and the conversation goes on.
        assert (await studio.resume(thread, "anna")).messages == again.messages
        assert (await say(studio, thread, "undo")).version == 1


@LOOK
async def test_kill_9_while_learning_teaches_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    thread = await killed(home, tmp_path, "learn", "after")
    async with await Studio.open(Settings(home=home, preview_edge=320)) as studio:
        again = await studio.resume(thread, "anna")
        assert again.result.version == 2
        assert [v.feedback for v in await studio.versions(thread)] == [None, None, "like"]
        assert len(studio.memory.list("anna")) == 1


async def killed(home: Path, folder: Path, node: str, where: str) -> str:
    """Run a conversation in a process that is killed in `node` of its second turn; returns its thread."""
    source = photo(folder / "portrait.png", size=200)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLER, str(home), str(source), node, where],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.strip()


def test_the_home_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BURNISH_HOME", str(tmp_path))
    assert Settings().home == tmp_path
    monkeypatch.setenv("BURNISH_LLM_URL", "")
    assert not Settings().served


async def test_a_turn_that_kills_the_process_is_given_up(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    studio.rooms.history.say(thread, "poison", "user", "brighter")
    for _ in range(2):
        studio.rooms.history.begin(thread, "poison")
    again = await studio.resume(thread, "anna")
    assert again.messages[-1].role == "assistant"
    assert "cut off" in again.messages[-1].text
    assert again.result.version == 0


async def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BurnishError, match="BURNISH_HOME"):
        await Studio.open(Settings(home=tmp_path / "file"))


def test_checkpoints_may_only_hold_our_types() -> None:
    from langgraph.checkpoint.serde import _msgpack

    import agent.graph  # noqa: F401

    assert _msgpack.STRICT_MSGPACK_ENABLED


def test_langgraph_json_names_the_graph() -> None:
    import json

    named = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["burnish"]
    file, _, name = named.partition(":")
    assert (ROOT / file).is_file()
    import agent.graph

    nodes = set(getattr(agent.graph, name).get_graph().nodes)
    assert {"perceive", "recall", "understand", "decide", "render", "review", "present", "feedback", "learn"} <= nodes


async def test_a_deleted_conversation_is_gone_and_its_pictures_with_it(studio: Studio, portrait: Path) -> None:
    opened = await studio.start(portrait, "anna")
    other = (await studio.start(portrait, "anna")).thread
    kept = (await say(studio, other, "warmer")).preview
    gone = (await say(studio, opened.thread, "brighter")).preview
    with pytest.raises(ConversationError, match="not known"):
        await studio.delete(opened.thread, "ben")
    await studio.delete(opened.thread, "anna")
    for call in (studio.versions(opened.thread), studio.resume(opened.thread, "anna")):
        with pytest.raises(ConversationError, match="not known"):
            await call
    assert [type(e) for e in await events(studio.turn(opened.thread, "brighter"))] == [Failed]
    assert not (await studio._graph.aget_state(studio._config(opened.thread))).values
    # Young blobs stay, in case a turn is about to refer to them.
    assert gone.exists()
    assert await studio.collect(older_than=-1) > 0
    assert not gone.exists()
    assert kept.exists()
    assert opened.preview.exists()  # the same photo, still in the other conversation
    assert (await say(studio, other, "cooler")).version == 2
