"""Several hosts on one PostgreSQL and one Chroma server, both real and started here; the same graph, the same tests."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.checkpoints import serde
from agent.depot import Depot
from agent.events import Failed, Result
from agent.history import History
from agent.holds import Holds
from agent.settings import Settings
from agent.store import Store
from agent.studio import Studio
from memory.log import Log
from memory.sql import Postgres as Sql
from memory.taste import Memory
from models.errors import BurnishError, ConversationError, PreferenceError
from tests.servers import Postgres, chroma, free_port, postgres

# The tests of one host, run again on the server: pytest finds them here under the fixtures `studio` and `history` below.
from tests.test_agent_history import (  # noqa: F401
    new_thread,
    test_a_new_conversation_stands_at_the_photo_as_opened,
    test_a_turn_run_again_changes_nothing_twice,
    test_an_impossible_step_is_said_in_a_sentence,
    test_an_unknown_thread_is_said_in_a_sentence,
    test_messages_are_kept_once_in_order_and_cut,
    test_reset_goes_back_to_the_photo_and_can_be_undone,
    test_threads_belong_to_their_person,
    test_undo_and_redo_walk_the_moves_and_keep_every_version,
)
from tests.test_agent_studio import (  # noqa: F401
    LOOK,
    events,
    killed,
    photo,
    pixels,
    portrait,
    press,
    say,
    test_a_deleted_conversation_is_gone_and_its_pictures_with_it,
    test_a_slider_makes_a_version_and_bad_values_do_not,
    test_a_thumb_can_be_taken_back_and_a_reason_is_a_turn,
    test_a_turn_can_be_stopped_and_leaves_nothing,
    test_a_turn_streams_its_steps_and_ends_with_one_result,
    test_a_turn_that_kills_the_process_is_given_up,
    test_follow_ups_undo_and_the_edit_tree,
    test_text_that_is_not_unicode_does_no_harm,
    test_turns_of_one_thread_wait_for_each_other_and_threads_do_not_mix,
    test_unknown_threads_and_photos_are_said_in_a_sentence,
    test_variations_are_siblings,
)
from tests.test_memory_store import fill, liked


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(scope="module")
def chroma_url() -> Iterator[str]:
    with chroma() as url:
        yield url


@pytest.fixture
def database(server: Postgres) -> str:
    return server.database()


@pytest.fixture
def history(database: str, tmp_path: Path) -> Iterator[History]:
    kept = History(tmp_path / "unused.sqlite3", database)
    yield kept
    kept.close()
    assert not (tmp_path / "unused.sqlite3").exists()


def host(folder: Path, database: str, chroma_url: str | None = None) -> Settings:
    """The settings of one host: a folder of its own, everything else shared."""
    return Settings(home=folder, preview_edge=320, database_url=database, chroma_url=chroma_url)


@pytest.fixture
async def studio(database: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with await Studio.open(host(tmp_path / "home", database)) as opened:
        yield opened
    assert not list((tmp_path / "home").glob("*.sqlite3"))


# Conversations


async def test_two_hosts_continue_one_conversation(tmp_path: Path, portrait: Path, database: str) -> None:  # noqa: F811
    async with (
        await Studio.open(host(tmp_path / "a", database)) as a,
        await Studio.open(host(tmp_path / "b", database)) as b,
    ):
        thread = (await a.start(portrait, "anna")).thread
        first = await say(a, thread, "brighter")
        there = await b.resume(thread, "anna")
        assert there.result.version == 1
        assert there.preview.is_relative_to(tmp_path / "b")
        assert there.result.preview.read_bytes() == first.preview.read_bytes()
        second = await say(b, thread, "a bit more contrast")
        assert set(second.recipe.values("global")) == {"brightness", "contrast"}
        assert (await say(a, thread, "undo")).version == 1
        assert (await b.command(thread, "redo")).version == 2
        assert [v.number for v in await a.versions(thread)] == [0, 1, 2]
        exported = [await s.export(thread, tmp_path / f"{n}.png") for n, s in (("a", a), ("b", b))]
        assert exported[0].read_bytes() == exported[1].read_bytes()
        assert [t.thread for t in await b.threads("anna")] == [thread]
        with pytest.raises(ConversationError, match="not known"):
            await b.resume(thread, "ben")


async def test_turns_of_two_hosts_in_one_conversation_wait_for_each_other(
    tmp_path: Path,
    portrait: Path,  # noqa: F811
    database: str,
) -> None:
    async with (
        await Studio.open(host(tmp_path / "a", database)) as a,
        await Studio.open(host(tmp_path / "b", database)) as b,
    ):
        thread = (await a.start(portrait, "anna")).thread
        texts = ("brighter", "warmer", "more contrast", "more saturation")
        await asyncio.gather(*(say(s, thread, text) for s, text in zip((a, b, a, b), texts, strict=True)))
        said = a.rooms.history.messages(thread)
        assert [m.role for m in said] == ["user", "assistant"] * 4
        assert sorted(m.text for m in said if m.role == "user") == sorted(texts)
        assert set((await b.recipe(thread)).values("global")) == {"brightness", "temperature", "contrast", "saturation"}


@pytest.mark.parametrize("node", ["render", "present"])
async def test_a_host_that_dies_is_stood_in_for(
    tmp_path: Path, database: str, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BURNISH_DATABASE_URL", database)
    thread = await killed(tmp_path / "a", tmp_path, node, "after")
    async with await Studio.open(host(tmp_path / "b", database)) as b:
        again = await b.resume(thread, "anna")
        assert [m.text for m in again.messages if m.role == "user"] == ["brighter", "a bit warmer"]
        assert [m.role for m in again.messages] == ["user", "assistant"] * 2
        assert again.result.recipe.values("global") == {"brightness": 0.28, "temperature": 0.12}
        assert len(await b.versions(thread)) == 3


async def test_checkpoints_on_the_server_are_small_pruned_and_plain(studio: Studio, portrait: Path) -> None:  # noqa: F811
    import psycopg

    thread = (await studio.start(portrait, "anna")).thread
    for text in ("brighter", "warmer face", "undo", "more contrast in the hair and a vignette", "what is tint?"):
        await say(studio, thread, text)
    with psycopg.connect(studio.rooms.settings.database_url or "", options="-c search_path=burnish") as db:
        assert db.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)
        sizes = "SELECT sum(length(blob)), count(*) FROM checkpoint_blobs"
        size, blobs = db.execute(sizes).fetchone() or (0, 0)
        own = db.execute("SELECT length(checkpoint::text) FROM checkpoints").fetchone() or (0,)
        assert 0 < size + own[0] <= 64 * 1024
        assert blobs < 60
        kinds = db.execute(
            "SELECT DISTINCT type FROM checkpoint_blobs UNION SELECT DISTINCT type FROM checkpoint_writes"
        )
        assert {row[0] for row in kinds} <= {"msgpack", "null", "empty"}


def test_a_checkpoint_brings_no_type_to_life() -> None:
    kept = serde()
    assert kept.loads_typed(kept.dumps_typed({"a": [1, "b"]})) == {"a": [1, "b"]}
    back = kept.loads_typed(kept.dumps_typed(Settings(home=Path("x"))))
    assert not isinstance(back, Settings)
    with pytest.raises((NotImplementedError, ValueError)):
        kept.loads_typed(("pickle", b"\x80\x04N."))


# What hosts share


@LOOK
async def test_what_one_host_learned_the_other_knows(tmp_path: Path, database: str, chroma_url: str) -> None:
    settings = [host(tmp_path / name, database, chroma_url) for name in "ab"]
    async with await Studio.open(settings[0]) as a, await Studio.open(settings[1]) as b:
        for one in (a, b):
            one.memory.warm(wait=True)
            assert one.memory.index.ready, one.memory.index.note
        thread = (await a.start(photo(tmp_path / "one.png"), "anna")).thread
        await say(a, thread, "make the photo much warmer")
        await press(a, thread, "like")
        hers = await say(b, (await b.start(photo(tmp_path / "two.png", size=300), "anna")).thread, "my usual")
        assert hers.memory_used
        assert hers.recipe.values("global")["temperature"] > 0
        assert b.memory.index.ready, b.memory.index.note
        # A thumb is taken back where it was not given.
        await press(b, thread, "withdraw")
        assert a.memory.list("anna") == []
    assert not list(tmp_path.rglob("*.sqlite3*"))


def test_preferences_on_the_server_are_those_of_a_file(tmp_path: Path, database: str, chroma_url: str) -> None:
    one, two = (Memory(tmp_path / n, chroma_url, database=database) for n in "ab")
    with Memory(tmp_path / "file") as alone, one, two:
        for memory in (one, two):
            memory.warm(wait=True)
            assert memory.index.ready, memory.index.note
        records = fill(alone, 30)
        assert two.import_json(alone.export_json("anna"), "anna") == 30
        for record in records[:5]:
            assert one.recall("anna", record.embedding, 5) == alone.recall("anna", record.embedding, 5)
        mine = one.like(liked("bob"), b"a small jpeg")
        assert two.thumbnail("bob", mine) == b"a small jpeg"
        with pytest.raises(PreferenceError, match="already stored"):
            two.like(mine)
        one.use_style("bob", False)
        assert not two.use_style("bob")
        assert two.forget("bob", mine.id) == 1
        assert one.recall("bob", mine.embedding, 5) == []
        assert one.thumbnail("bob", mine) is None


def test_rows_of_the_log_cannot_be_changed_on_the_server(tmp_path: Path, database: str) -> None:
    log = Log(tmp_path, database)
    log.append(liked())
    db = Sql(database)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("UPDATE events SET body = '{}'")
    db.close()
    log.close()


def test_photos_come_from_the_other_host_whole_or_not_at_all(tmp_path: Path, database: str) -> None:
    a, b = (Store(tmp_path / name, Depot(database)) for name in "ab")
    source = tmp_path / "Photo.JPG"
    source.write_bytes(np.random.default_rng(0).bytes(3_500_000))
    sha, small = a.put_file(source, 4_000_000), a.put(b"small", ".png")
    assert sha in b
    assert b.path(sha).read_bytes() == source.read_bytes()
    assert b.path(sha).suffix == ".jpg"
    assert b.path(small).read_bytes() == b"small"
    # What is damaged on the server is as good as gone.
    lost = a.put(b"lost", ".png")
    db = Sql(database)
    db.execute("UPDATE parts SET data = ? WHERE sha = ?", (b"L0ST", lost))
    with pytest.raises(ConversationError, match="missing"):
        b.path(lost)
    assert not [p for p in (tmp_path / "b").rglob(f"*{lost}*") if p.is_file()]
    # Collected by reference, everywhere; what was put again lately stays.
    db.execute("UPDATE blobs SET kept = 0")
    assert a.put(b"small", ".png") == small
    assert b.collect({sha}) == len(b"lost")
    assert (sha in a, small in Store(tmp_path / "c", Depot(database)), lost in b) == (True, True, False)
    db.close()


async def test_a_hold_ends_with_its_host(database: str) -> None:
    one, two = Holds(database), Holds(database)
    order = []

    async def other() -> None:
        async with two.hold("thread"):
            order.append("two")

    async with one.hold("thread"), one.hold("another"):
        waiting = asyncio.create_task(other())
        await asyncio.sleep(0.3)
        order.append("one")
    await waiting
    assert order == ["one", "two"]
    held = one.hold("thread")
    await held.__aenter__()
    await one.close()  # as when the host dies
    await asyncio.wait_for(other(), 20)
    assert order == ["one", "two", "two"]
    await two.close()


# What goes wrong


async def test_a_server_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://burnish:secret@127.0.0.1:{free_port()}/none"
    with pytest.raises(BurnishError, match="BURNISH_DATABASE_URL") as error:
        await Studio.open(host(tmp_path, url))
    assert "secret" not in str(error.value)
    assert "secret" not in repr(host(tmp_path, url))
    with pytest.raises(PreferenceError, match="BURNISH_DATABASE_URL"):
        Log(tmp_path, url)


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite:///x.sqlite3", "host", "file:///etc/passwd"])
async def test_another_kind_of_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BurnishError, match="postgresql://"):
        await Studio.open(host(tmp_path, url))


async def test_a_lost_connection_is_made_again(studio: Studio, portrait: Path) -> None:  # noqa: F811
    import psycopg

    thread = (await studio.start(portrait, "anna")).thread
    await say(studio, thread, "brighter")
    with psycopg.connect(studio.rooms.settings.database_url or "", autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for _ in range(10):  # what is under way when a server restarts may fail, in a sentence; then it works again
        *_, end = await events(studio.turn(thread, "warmer"))
        if isinstance(end, Result):
            break
        assert isinstance(end, Failed)
        assert end.text.endswith(".")
    assert isinstance(end, Result)
    assert end.recipe.values("global") == {"brightness": 0.28, "temperature": 0.28}
