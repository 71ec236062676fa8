"""The store of preferences: what was acknowledged is there after a kill, what was forgotten is nowhere."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.log import Log
from memory.record import Preference
from memory.taste import Memory
from models.errors import PreferenceError

RNG = np.random.default_rng(5)
CENTRES = RNG.normal(size=(6, 32))


def near(kind: int, scatter: float = 0.3) -> tuple[float, ...]:
    return tuple(map(float, CENTRES[kind] + scatter * RNG.normal(size=32)))


def liked(user: str = "anna", kind: int = 0, **more: object) -> Preference:
    data = {"deviation": {"sky": {"temperature": 0.2}}, "tags": {"sunset": 0.9}, **more}
    return Preference.model_validate({"user": user, "feedback": "like", "embedding": near(kind), **data})


def fill(memory: Memory, count: int, user: str = "anna") -> list[Preference]:
    records = [liked(user, i % 6, time=1.7e9 + i) for i in range(count)]
    memory.log.extend((r, None) for r in records)
    return records


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


# The log


def test_a_like_is_there_in_the_next_process(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        stored = memory.like(liked(), b"\xff\xd8 jpeg")
    with Memory(tmp_path) as memory:
        assert memory.list("anna") == [stored]
        assert memory.thumbnail("anna", stored) == b"\xff\xd8 jpeg"
        assert memory.recall("anna", stored.embedding, 1)[0].record == stored


WRITER = """
import sys
from pathlib import Path
from typing import Any
from memory.record import Preference
from memory.taste import Memory
memory = Memory(Path(sys.argv[1]))
for i in range(10_000):
    record = Preference(user="anna", feedback="like", embedding=(1.0, float(i)), deviation={"sky": {"tint": 0.1}})
    memory.like(record)
    print(record.id, flush=True)
"""


def test_kill_after_an_acknowledged_like_loses_nothing(tmp_path: Path) -> None:
    acknowledged = []
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(7):
            acknowledged.append(child.stdout.readline().strip())
        os.kill(child.pid, signal.SIGKILL)
        # What was written between the last line read and the kill was acknowledged too.
        acknowledged += [line for line in child.stdout.read().splitlines() if len(line) == 36]
        child.wait()
    with Memory(tmp_path) as memory:
        assert {r.id for r in memory.list("anna")} >= set(acknowledged)
        assert len(acknowledged) >= 21


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "new" / "memory")
    memory.like(liked())
    for path in (tmp_path / "new" / "memory").glob("preferences*"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / "memory").stat().st_mode & 0o777 == 0o700
    memory.close()


def test_rows_cannot_be_changed(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.like(liked())
    with sqlite3.connect(tmp_path / "preferences.sqlite3") as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE events SET user = 'bob'")
    memory.close()


def test_one_id_is_stored_once(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        record = memory.like(liked())
        with pytest.raises(PreferenceError, match="already stored"):
            memory.like(record)
        assert len(memory.list("anna")) == 1


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path)
    one = liked()
    with pytest.raises(PreferenceError):
        log.extend([(one, None), (one, None)])
    assert log.records("anna") == []
    log.close()


def test_threads_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        records = [[liked() for _ in range(10)] for _ in range(4)]
        threads = [threading.Thread(target=lambda rs=rs: [memory.like(r) for r in rs]) for rs in records]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {r.id for r in memory.list("anna")} == {r.id for rs in records for r in rs}


@pytest.mark.parametrize("noise", [b"", b"not a database, " * 400])
def test_a_damaged_log_is_refused_in_one_sentence_and_kept(tmp_path: Path, noise: bytes) -> None:
    with Memory(tmp_path) as memory:
        fill(memory, 50)
    path = tmp_path / "preferences.sqlite3"
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + noise + whole[len(whole) // 2 :] if noise else whole[: len(whole) // 2])
    damaged = path.read_bytes()
    with pytest.raises(PreferenceError, match="damaged"):
        Memory(tmp_path)
    assert path.read_bytes() == damaged


def test_a_newer_log_is_refused(tmp_path: Path) -> None:
    Memory(tmp_path).close()
    with sqlite3.connect(tmp_path / "preferences.sqlite3") as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(PreferenceError, match="update"):
        Memory(tmp_path)


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PreferenceError, match="BURNISH_HOME"):
        Memory(tmp_path / "file")


# People


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
        st.sampled_from(["..", ".", "/", "../../etc/passwd", "a\0b", "all", "' OR 1=1 --", "%", "_", "CON", "☀" * 200]),
    )
)
def test_any_name_works_and_is_never_a_path(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("names")
    memory = Memory(folder / "memory")
    mine = memory.like(liked(name))
    other = name + "x" if len(name) < 200 else name[:-1]
    memory.like(liked(other))
    assert [h.record for h in memory.recall(name, mine.embedding, 5)] == [mine]
    assert memory.list(name) == [mine]
    assert memory.forget(name, "all") == 1
    assert memory.list(name) == []
    assert len(memory.list(other)) == 1
    memory.log.close()
    assert [p.name for p in folder.iterdir()] == ["memory"]
    assert all(
        p.name.startswith("preferences.sqlite3") or p.name == "index.lock" for p in (folder / "memory").iterdir()
    )


@pytest.mark.parametrize("name", ["", "x" * 201, "x" * 10_000, "\ud800", None, {"$ne": ""}, 7, b"anna"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: Any) -> None:
    with Memory(tmp_path) as memory:
        for call in (memory.list, memory.export_json, memory.use_style, lambda n: memory.recall(n, (1.0,), 1)):
            with pytest.raises(PreferenceError):
                call(name)


def test_one_person_gets_nothing_of_another(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        mine = memory.like(liked("anna"), b"mine")
        assert memory.recall("bob", mine.embedding, 5) == []
        assert memory.estimate("bob", mine.embedding, ["sky"]).values == {}
        assert memory.thumbnail("bob", mine) is None
        for call in (memory.withdraw, memory.forget):
            with pytest.raises(PreferenceError):
                call("bob", mine.id)
        assert memory.list("anna") == [mine]


def test_isolation_is_checked_on_what_is_read(tmp_path: Path) -> None:
    """A row that has got under the wrong name is an error, not a result."""
    with Memory(tmp_path) as memory:
        record = memory.like(liked("anna"))
    with sqlite3.connect(tmp_path / "preferences.sqlite3") as db:
        db.execute("DROP TRIGGER append_only")
        db.execute("UPDATE events SET user = 'bob'")
    with Memory(tmp_path) as memory, pytest.raises(PreferenceError, match="another user"):
        memory.recall("bob", record.embedding, 5)


def test_a_taste_is_lent_only_when_it_is_shared(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        record, *_ = [memory.like(liked("anna", 1)) for _ in range(5)]
        with pytest.raises(PreferenceError, match="has not shared"):
            memory.estimate("bob", record.embedding, ["sky"], like="anna")
        memory.share("anna", True)
        lent = memory.estimate("bob", record.embedding, ["sky"], like="anna")
        assert lent.values == memory.estimate("anna", record.embedding, ["sky"]).values != {}
        memory.share("anna", False)
        with pytest.raises(PreferenceError, match="has not shared"):
            memory.estimate("bob", record.embedding, ["sky"], like="anna")


# Withdraw, forget, move


def test_a_withdrawn_like_no_longer_counts(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        first, second = memory.like(liked()), memory.like(liked())
        memory.withdraw("anna", first.id)
        assert memory.list("anna") == [second]
        assert [h.record for h in memory.recall("anna", first.embedding, 5)] == [second]
        with pytest.raises(PreferenceError):
            memory.withdraw("anna", "no such id")
    with Memory(tmp_path) as memory:
        memory.warm(wait=True)
        assert memory.index.ready
        assert [h.record for h in memory.recall("anna", first.embedding, 5)] == [second]


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("what", ["id", "sunset", "all"])
def test_what_is_forgotten_is_nowhere(tmp_path: Path, what: str, indexed: bool) -> None:
    """Not a byte of the record, its embedding or its thumbnail is left in any file."""
    with Memory(tmp_path) as memory:
        record = memory.like(liked(summary="a very unusual summary", embedding=near(2)), b"an unusual thumbnail")
        kept = memory.like(liked("bob", summary="kept summary"))
        memory.warm(wait=True)
        assert memory.index.ready
    marks = [record.id.encode(), b"a very unusual summary", b"an unusual thumbnail"]
    vector = np.asarray(record.embedding, "<f4").tobytes()
    on_disk = everything_on_disk(tmp_path)
    assert all(mark in on_disk for mark in [*marks, vector])
    with Memory(tmp_path) as memory:
        if indexed:
            memory.warm(wait=True)
        assert memory.forget("anna", record.id if what == "id" else what) == 1
        assert memory.list("anna") == []
        assert memory.recall("anna", record.embedding, 5) == []
        assert not any(mark in everything_on_disk(tmp_path) for mark in [*marks, vector])
    left = everything_on_disk(tmp_path)
    assert not any(mark in left for mark in [*marks, vector])
    assert b"kept summary" in left
    with Memory(tmp_path) as memory:
        memory.warm(wait=True)
        assert [h.record for h in memory.recall("bob", kept.embedding, 5)] == [kept]


def test_forgetting_a_kind_of_scene_keeps_the_others(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        memory.like(liked(tags={"sunset": 0.9, "sea": 0.2}))
        city = memory.like(liked(tags={"city": 0.8}))
        with pytest.raises(PreferenceError, match="taste list"):
            memory.forget("anna", "portrait")
        assert memory.forget("anna", "Sunset") == 1
        assert memory.list("anna") == [city]


def test_export_and_import_bring_everything_back(tmp_path: Path) -> None:
    with Memory(tmp_path / "a") as memory:
        first = memory.like(liked(), b"jpeg one")
        second = memory.dislike(liked())
        memory.withdraw("anna", memory.like(liked()).id)
        memory.use_style("anna", False)
        text = memory.export_json("anna")
    with Memory(tmp_path / "b") as memory:
        assert memory.import_json(text) == 4
        assert memory.list("anna") == [second, first]
        assert memory.thumbnail("anna", first) == b"jpeg one"
        assert not memory.use_style("anna")
        assert memory.import_json(text) == 0
        assert json.loads(memory.export_json("anna")) == json.loads(text)


def test_an_import_can_become_somebody_elses(tmp_path: Path) -> None:
    with Memory(tmp_path / "a") as memory:
        memory.like(liked())
        text = memory.export_json("anna")
    with Memory(tmp_path / "b") as memory:
        assert memory.import_json(text, user="bob") == 1
        assert memory.list("anna") == []
        assert memory.list("bob")[0].user == "bob"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "[" * 5000, '{"burnish_taste": 1}', '{"burnish_taste": 2, "user": "anna", "records": []}',
     '{"burnish_taste": 1, "user": "anna", "records": [{"schema_version": 99}]}',
     '{"burnish_taste": 1, "user": "anna", "records": [7]}', b"\xff\xfe\x00"],
)  # fmt: skip
def test_a_bad_import_is_one_sentence_and_stores_nothing(tmp_path: Path, text: str | bytes) -> None:
    with Memory(tmp_path) as memory:
        with pytest.raises(PreferenceError) as caught:
            memory.import_json(text)
        assert "\n" not in str(caught.value)
        assert memory.log.users() == []


# The index


def test_scan_and_index_find_the_same(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        fill(memory, 600)
        memory.dislike(liked(kind=1))
        queries = [near(k) for k in (0, 1, 2, 3, 4, 5)]
        scanned = [[memory.recall("anna", q, 5, liked=flag) for q in queries] for flag in (True, False)]
        assert not memory.index.ready
        memory.warm(wait=True)
        assert memory.index.ready
        assert [[memory.recall("anna", q, 5, liked=flag) for q in queries] for flag in (True, False)] == scanned


def test_an_odd_embedding_does_not_cost_the_others_their_index(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        records = fill(memory, 20)
        odd = memory.like(liked(embedding=(0.6, 0.8, 0.0)))
    for _ in range(2):
        with Memory(tmp_path) as memory:
            memory.warm(wait=True)
            assert memory.index.ready
            query = np.asarray(records[3].embedding, np.float32)
            assert records[3].id in (memory.index.candidates("anna", query, 5, True) or [])
            assert [h.record for h in memory.recall("anna", odd.embedding, 5)] == [odd]
            assert odd not in [h.record for h in memory.recall("anna", records[3].embedding, 30)]
    assert memory.index.note == ""


def test_a_like_is_found_at_once_through_the_index(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        fill(memory, 30)
        memory.warm(wait=True)
        record = memory.like(liked(kind=3))
        assert memory.recall("anna", record.embedding, 1)[0].record == record


def damage_delete(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


def damage_truncate(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_noise(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def damage_one_byte(folder: Path) -> None:
    path = next(folder.rglob("chroma.sqlite3"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def damage_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"home": "../..", "schema": 1}')


@pytest.mark.parametrize("damage", [damage_delete, damage_truncate, damage_noise, damage_one_byte, damage_manifest])
def test_a_damaged_index_is_rebuilt_from_the_log(tmp_path: Path, damage: object) -> None:
    with Memory(tmp_path) as memory:
        fill(memory, 300)
        memory.warm(wait=True)
        before = [memory.recall("anna", near_kind, 5) for near_kind in map(tuple, CENTRES)]
    damage(tmp_path / "index")  # type: ignore[operator]
    with Memory(tmp_path) as memory:
        memory.warm(wait=True)
        assert memory.index.ready
        assert [memory.recall("anna", near_kind, 5) for near_kind in map(tuple, CENTRES)] == before
    quarantined = list(tmp_path.glob("index.damaged-*"))
    assert len(quarantined) == (0 if damage is damage_delete else 1)


def test_an_index_closed_properly_is_used_again(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        fill(memory, 20)
        memory.warm(wait=True)
    home = next(p for p in (tmp_path / "index").iterdir() if p.is_dir())
    for _ in range(3):
        with Memory(tmp_path) as memory:
            memory.warm(wait=True)
            assert (memory.index.ready, memory.index.note) == (True, "")
            assert len(memory.recall("anna", near(0), 5)) == 5
    assert [p for p in (tmp_path / "index").iterdir() if p.is_dir()] == [home]


def test_a_like_without_the_index_is_indexed_on_closing(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        record = memory.like(liked())
    assert (tmp_path / "index" / "manifest.json").exists()
    with Memory(tmp_path) as memory:
        memory.warm(wait=True)
        assert memory.index.note == ""
        assert memory.recall("anna", record.embedding, 1)[0].record == record


def test_two_at_once_work_on_one_folder(tmp_path: Path) -> None:
    """The second has no index and reads the log; both see what the other wrote; nothing is damaged."""
    with Memory(tmp_path) as first, Memory(tmp_path) as second:
        fill(first, 50)
        first.warm(wait=True)
        second.warm(wait=True)
        assert first.index.ready
        assert not second.index.ready
        assert "another Burnish" in second.index.note
        record = second.like(liked(kind=4))
        assert first.recall("anna", record.embedding, 1)[0].record == record
        assert first.recall("anna", near(2), 5) != []
        query = near(1)
        assert first.recall("anna", query, 5) == second.recall("anna", query, 5)
        second.forget("anna", record.id)
        assert record.id not in [h.record.id for h in first.recall("anna", record.embedding, 60)]
    vector = np.asarray(record.embedding, "<f4").tobytes()
    assert vector not in everything_on_disk(tmp_path)


READER = """
import sys
from pathlib import Path
from typing import Any
from memory.taste import Memory
memory = Memory(Path(sys.argv[1]))
memory.warm(wait=True)
print(memory.index.ready, len(memory.list("anna")), flush=True)
sys.stdin.readline()
"""


def test_the_lock_holds_between_processes_and_dies_with_its_owner(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        fill(memory, 5)
    child = subprocess.Popen(
        [sys.executable, "-c", READER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline().split() == ["True", "5"]
    with Memory(tmp_path) as memory:
        memory.warm(wait=True)
        assert not memory.index.ready
        assert len(memory.recall("anna", near(0), 5)) == 5
    child.kill()
    child.wait()
    with Memory(tmp_path) as memory:
        memory.warm(wait=True)
        assert memory.index.ready
        assert "not closed properly" in memory.index.note
        assert len(memory.recall("anna", near(0), 5)) == 5


def test_records_of_an_older_scene_encoder_are_embedded_anew(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        record = memory.like(liked(), b"jpeg")
        bare = memory.like(liked(tags={"city": 0.9}))
        taken_back = memory.like(liked(), b"other jpeg")
        memory.withdraw("anna", taken_back.id)
        memory.warm(wait=True)
    with Memory(tmp_path, encoder="2") as memory:
        # Nobody can embed anew: vectors of two encoders are never compared.
        memory.warm(wait=True)
        assert "encoder" in memory.index.note
        assert memory.recall("anna", record.embedding, 5) == []
        assert len(memory.list("anna")) == 2
    seen = []

    def embed(older: Preference, jpeg: bytes | None) -> tuple[float, ...] | None:
        seen.append((older.id, jpeg))
        return (float(len(jpeg)),) * 8 if jpeg else None

    with Memory(tmp_path, encoder="2", embed=embed) as memory:
        memory.replay()
        assert seen == [(bare.id, None), (record.id, b"jpeg")]
    for indexed in (False, True):
        with Memory(tmp_path, encoder="2", embed=embed) as memory:
            if indexed:
                memory.warm(wait=True)
                assert memory.index.ready
            (hit,) = memory.recall("anna", (1.0,) * 8, 5)
            assert (hit.record.id, hit.record.encoder, len(hit.record.embedding)) == (record.id, "2", 8)
            assert hit.similarity == pytest.approx(1, abs=1e-5)
    # What was embedded once is not looked at again, and the record itself is as it was.
    assert [name for name, _ in seen].count(record.id) == 1
    with Memory(tmp_path) as memory:
        assert memory.list("anna")[-1] == record


def test_an_older_record_without_a_picture_counts_by_its_tags(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        for _ in range(4):
            memory.like(liked(source={"sky": {"temperature": "asked"}}))
        memory.withdraw("anna", memory.like(liked()).id)
    with Memory(tmp_path, encoder="2", embed=lambda record, jpeg: None) as memory:
        found = memory.estimate("anna", near(0), ["sky"], tags={"sunset": 0.7})
        assert found.likes == 4
        assert found.values["sky"]["temperature"] > 0.1
        assert {len(e.record.embedding) for e in found.evidence} == {0}
        assert memory.estimate("anna", near(0), ["sky"], tags={"portrait": 0.9}).likes == 0
        assert memory.estimate("anna", near(0), ["sky"]).likes == 0
        # New likes carry the name of what embedded them.
        assert memory.like(liked()).encoder == "2"
        with pytest.raises(PreferenceError, match="look at the photo again"):
            memory.like(liked(encoder="3"))


def test_a_replay_that_is_cut_off_is_finished_at_the_next_start(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        for i in range(40):
            memory.like(liked(), b"jpeg %d" % i)
    looked: list[str] = []

    def slow(record: Preference, jpeg: bytes | None) -> tuple[float, ...]:
        looked.append(record.id)
        time.sleep(0.01)
        return (1.0, 2.0)

    with Memory(tmp_path, encoder="2", embed=slow) as memory:
        memory.replay(0.15)
    first = len(looked)
    assert 0 < first < 40
    with Memory(tmp_path, encoder="2", embed=slow) as memory:
        memory.replay()
        assert len(memory.recall("anna", (1.0, 2.0), 60)) == 40
        assert memory.log.outdated("2") == []
    assert len(set(looked)) == len(looked) == 40


def test_an_import_of_an_older_encoder_is_embedded_anew(tmp_path: Path) -> None:
    with Memory(tmp_path / "a") as memory:
        record = memory.like(liked(), b"jpeg")
        text = memory.export_json("anna")
    with Memory(tmp_path / "b", encoder="2", embed=lambda older, jpeg: (1.0, float(len(jpeg or b"")))) as memory:
        memory.replay()
        assert memory.import_json(text) == 1
        found = memory.estimate("anna", (1.0, 4.0), ["sky"], tags={"sunset": 0.9})
        assert [(e.record.id, e.record.encoder) for e in found.evidence] == [(record.id, "2")]


def test_an_embedder_that_fails_costs_a_record_no_more_than_its_embedding(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        good, bad = memory.like(liked(), b"good"), memory.like(liked(), b"bad")

    def embed(record: Preference, jpeg: bytes | None) -> tuple[float, ...]:
        if jpeg == b"bad":
            raise PreferenceError("no picture")
        return (1.0,) * 8

    with Memory(tmp_path, encoder="2", embed=embed) as memory:
        memory.replay()
        assert [h.record.id for h in memory.recall("anna", (1.0,) * 8, 5)] == [good.id]
        assert [r.id for r in memory.list("anna")] == [bad.id, good.id]


def test_what_was_embedded_anew_is_forgotten_too(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.full((24, 32, 3), 77, np.uint8))[1].tobytes()
    with Memory(tmp_path) as memory:
        record, kept = memory.like(liked(), jpeg), memory.like(liked("bob"), jpeg)
    vector = np.array([0.6, 0.8, 0, 0, 0, 0, 0, 0], "<f4")
    with Memory(tmp_path, encoder="2", embed=lambda older, _: vector if older.user == "anna" else -vector) as memory:
        memory.warm(wait=True)
        assert memory.index.ready
        assert memory.pictures("anna", [record.id])
        marks = (vector.tobytes(), record.id.encode())
        assert all(mark in everything_on_disk(tmp_path) for mark in marks)
        assert memory.forget("anna", "all") == 1
        assert memory.recall("anna", tuple(vector), 5) == []
    left = everything_on_disk(tmp_path)
    assert not any(mark in left for mark in marks)
    with Memory(tmp_path, encoder="2") as memory:
        assert memory.thumbnail("anna", record) is None
        assert memory.log.users() == ["bob"]
        # The same picture of somebody else is theirs.
        assert memory.thumbnail("bob", kept) == jpeg
        assert [h.record.id for h in memory.recall("bob", tuple(-vector), 5)] == [kept.id]


def test_pictures_are_the_persons_own_and_go_with_what_they_show(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.full((24, 32, 3), 128, np.uint8))[1].tobytes()
    with Memory(tmp_path) as memory:
        record, broken = memory.like(liked(), jpeg), memory.like(liked(), b"no picture")
        (path,) = memory.pictures("anna", [record.id, broken.id, record.id])
        assert path.suffix == ".png"
        assert cv2.imread(str(path)).shape == (24, 32, 3)
        assert memory.pictures("bob", [record.id]) == ()
        assert memory.forget("anna", record.id) == 1
        assert not path.exists()
        assert memory.pictures("anna", [record.id]) == ()


def test_nothing_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\nfrom memory.taste import Memory\nmemory = Memory(pathlib.Path(sys.argv[1]))\n"
        "memory.recall('anna', (1.0, 0.0), 5)\nprint('chromadb' in sys.modules)\nmemory.close()\n"
        "print('chromadb' in sys.modules, 'torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False", "False"]


# A Chroma server by URL


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Chroma's own server on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("chroma")
    if not program.exists():
        pytest.skip("the chroma program is not installed")
    folder = tmp_path_factory.mktemp("server")
    child = subprocess.Popen(
        [program, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    child.kill()
    child.wait()


def test_several_processes_share_a_server(tmp_path: Path, server: str) -> None:
    with Memory(tmp_path, server) as first, Memory(tmp_path, server) as second:
        records = fill(first, 40)
        scanned = [first.recall("anna", r.embedding, 5) for r in records[:6]]
        for memory in (first, second):
            memory.warm(wait=True)
            assert memory.index.ready, memory.index.note
            assert [memory.recall("anna", r.embedding, 5) for r in records[:6]] == scanned
        late = second.like(liked(kind=3))
        assert first.recall("anna", late.embedding, 1)[0].record == late
        assert first.recall("bob", late.embedding, 1) == []
        second.forget("anna", late.id)
        assert late not in [h.record for h in first.recall("anna", late.embedding, 50)]
        ids = first.index._client.get_collection(
            first.index._collection("anna", True).name, embedding_function=None
        ).get()["ids"]
        assert late.id not in ids
        assert len(ids) == 40


def test_a_server_that_lost_its_data_is_filled_again(tmp_path: Path, server: str) -> None:
    with Memory(tmp_path, server) as memory:
        records = fill(memory, 10)
        memory.warm(wait=True)
        collection = memory.index._collection("anna", True)
        collection.delete(ids=[r.id for r in records[:4]])
    with Memory(tmp_path, server) as memory:
        memory.warm(wait=True)
        assert memory.index._collection("anna", True).count() == 10
        assert memory.recall("anna", records[0].embedding, 1)[0].record == records[0]


def test_a_server_that_is_down_is_not_missed(tmp_path: Path) -> None:
    with Memory(tmp_path, "http://127.0.0.1:9") as memory:
        record = memory.like(liked())
        memory.warm(wait=True)
        assert not memory.index.ready
        assert memory.index.note
        assert memory.recall("anna", record.embedding, 1)[0].record == record


@pytest.mark.parametrize("url", ["file:///etc/passwd", "chroma", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(PreferenceError, match="http://host:8000"):
        Memory(tmp_path, url)
