"""The append-only log of preferences: one SQLite file that is the truth. Everything else can be rebuilt from it.

Where a database server is configured (`memory.sql`), the log lies there and is shared by all hosts that use it.

A record is acknowledged when SQLite has committed it with `synchronous=FULL`, so that a kill or a power cut after that
loses nothing. Rows are never changed (a trigger refuses it); "forget" deletes them for good, pages overwritten
(`secure_delete`) and the file compacted. Several processes may use one log: SQLite lets one write at a time and the
others wait up to `WAIT` seconds.
"""

import json
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.record import Preference
from memory.sql import LostError, Postgres, Rows, Sql, Sqlite
from models.errors import BurnishError, PreferenceError

MAX_THUMBNAIL: Final = 256 * 1024


def m001_initial(db: Sql) -> None:
    """Events, vectors of other encoders, thumbnails, choices."""
    for statement in (
        "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        ' "user" TEXT NOT NULL, time REAL NOT NULL, feedback TEXT NOT NULL, target TEXT NOT NULL, encoder TEXT NOT NULL,'
        " embedding BLOB NOT NULL, body TEXT NOT NULL)",
        'CREATE INDEX IF NOT EXISTS events_user ON events ("user", seq)',
        "CREATE TABLE IF NOT EXISTS vectors (id TEXT NOT NULL, encoder TEXT NOT NULL, embedding BLOB NOT NULL,"
        " PRIMARY KEY (id, encoder))",
        'CREATE TABLE IF NOT EXISTS thumbnails ("user" TEXT NOT NULL, sha256 TEXT NOT NULL, jpeg BLOB NOT NULL,'
        ' PRIMARY KEY ("user", sha256))',
        'CREATE TABLE IF NOT EXISTS choices ("user" TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,'
        ' PRIMARY KEY ("user", name))',
    ):
        db.execute(statement)
    db.script(
        sqlite=(
            "CREATE TRIGGER IF NOT EXISTS append_only BEFORE UPDATE ON events"
            " BEGIN SELECT RAISE(ABORT, 'append-only'); END",
        ),
        postgres=(
            "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$",
            "CREATE TRIGGER append_only BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION append_only()",
        ),
    )
    for key, value in (("log", str(uuid.uuid4())), ("generation", "0")):
        db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (key, value))


def m002_looks(db: Sql) -> None:
    """Looks that people have named."""
    db.execute(
        'CREATE TABLE IF NOT EXISTS looks ("user" TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,'
        ' PRIMARY KEY ("user", name))'
    )


#: Append only: a database remembers how many of these it has seen.
MIGRATIONS: Final = (m001_initial, m002_looks)
_DELETED: Final = "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'generation'"


@dataclass(frozen=True)
class Row:
    """One event without its body: what the index and the scan need."""

    seq: int
    id: str
    user: str
    time: float
    feedback: str
    target: str
    embedding: NDArray[np.float32] | None
    """Unit norm; None when the record has none of the wanted encoder."""


class Log:
    """The log in `folder`; opened once a process and safe to use from several threads.

    `database`: address of a PostgreSQL server that keeps it instead.
    """

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.path = folder / "preferences.sqlite3"
        newer = PreferenceError("Your preferences were kept by a newer Burnish; update it.")
        try:
            if database:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = Postgres(database) if database else _file(self.path)
        except LostError as error:
            raise PreferenceError(str(error)) from error
        try:
            self._db.migrate("memory", MIGRATIONS, newer)
        except (sqlite3.Error, BurnishError) as error:
            self._db.close()
            if isinstance(error, BurnishError):
                raise
            raise PreferenceError(self._damaged()) from error

    @contextmanager
    def _write(self) -> Iterator[Sql]:
        try:
            with self._db.write("memory") as db:
                yield db
        except sqlite3.OperationalError as error:
            raise PreferenceError(
                f"This could not be remembered: {error}. Free some disk space or close other Burnish windows, and "
                "try again."
            ) from error

    def append(self, record: Preference, thumbnail: bytes | None = None) -> int:
        """Store `record` (and its JPEG) for good and return its number; on return it is on the disk."""
        return self.extend([(record, thumbnail)])[0]

    def extend(self, records: Iterable[tuple[Preference, bytes | None]]) -> list[int]:
        """`append` for many records in one transaction: all or none."""
        numbers = []
        with self._write() as db:
            for record, thumbnail in records:
                body = record.model_dump_json(exclude={"embedding"})
                vector = np.asarray(record.embedding, "<f4").tobytes()
                row = (
                    record.id,
                    record.user,
                    record.time,
                    record.feedback,
                    record.target,
                    record.encoder,
                    vector,
                    body,
                )
                try:
                    db.execute(
                        'INSERT INTO events (id, "user", time, feedback, target, encoder, embedding, body)'
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        row,
                    )
                except sqlite3.IntegrityError as error:
                    raise PreferenceError(f"A preference with the id {record.id} is already stored.") from error
                if thumbnail:
                    db.execute(
                        "INSERT INTO thumbnails VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                        (record.user, record.thumbnail, thumbnail),
                    )
                numbers.append(int(db.execute("SELECT seq FROM events WHERE id = ?", (record.id,))[0][0]))
        return numbers

    def _read(self, query: str, values: tuple[object, ...] = ()) -> Rows:
        try:
            return self._db.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise PreferenceError(self._damaged()) from error

    def _damaged(self) -> str:
        if self._db.shared:
            return "The database server that keeps your preferences does not answer; check BURNISH_DATABASE_URL."
        return _damaged(self.path)

    @property
    def identity(self) -> str:
        """A random name of this log, so that an index of another log is never taken for its own."""
        return str(self._read("SELECT value FROM meta WHERE key = 'log'")[0][0])

    @property
    def generation(self) -> int:
        """Raised by every deletion: whoever caches rows drops them when it changes."""
        return int(self._read("SELECT value FROM meta WHERE key = 'generation'")[0][0])

    def rows(self, user: str, encoder: str, after: int = 0) -> list[Row]:
        """The events of `user` numbered above `after`, oldest first."""
        found = self._read(
            "SELECT e.seq, e.id, e.user, e.time, e.feedback, e.target,"
            " CASE WHEN e.encoder = ? THEN e.embedding ELSE"
            " (SELECT v.embedding FROM vectors v WHERE v.id = e.id AND v.encoder = ?) END"
            " FROM events e WHERE e.user = ? AND e.seq > ? ORDER BY e.seq",
            (encoder, encoder, user, after),
        )
        return [
            Row(seq, name, whose, when, feedback, target, np.frombuffer(blob, "<f4") if blob else None)
            for seq, name, whose, when, feedback, target, blob in found
        ]

    def last(self, user: str) -> int:
        """The number of the newest event of `user`; 0 without any."""
        return int(self._read('SELECT COALESCE(MAX(seq), 0) FROM events WHERE "user" = ?', (user,))[0][0])

    def size(self, encoder: str) -> int:
        """How many numbers the embeddings of `encoder` have, most of the newest ones; 0 without any.

        A photo that the encoder could make nothing of may have another size; it must not decide for the rest.
        """
        for source in (
            "SELECT LENGTH(embedding) / 4 AS size FROM events WHERE encoder = ? AND LENGTH(embedding) > 0"
            " ORDER BY seq DESC LIMIT 200",
            "SELECT LENGTH(embedding) / 4 AS size FROM vectors WHERE encoder = ? LIMIT 200",
        ):
            query = f"SELECT size FROM ({source}) AS newest GROUP BY size ORDER BY COUNT(*) DESC, size DESC LIMIT 1"
            if found := self._read(query, (encoder,)):
                return int(found[0][0])
        return 0

    def users(self) -> list[str]:
        """Everyone with a record, by name."""
        return [str(row[0]) for row in self._read('SELECT DISTINCT "user" FROM events ORDER BY "user"')]

    def vectors(self, user: str, ids: Sequence[str], encoder: str) -> list[tuple[str, float, NDArray[np.float32]]]:
        """(id, time, embedding) of those of `ids` that are the user's and have an embedding of `encoder`."""
        out = []
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            found = self._read(
                "SELECT e.id, e.time, CASE WHEN e.encoder = ? THEN e.embedding ELSE v.embedding END FROM events e"
                " LEFT JOIN vectors v ON v.id = e.id AND v.encoder = ?"
                f" WHERE e.user = ? AND e.id IN ({','.join('?' * len(part))})",
                (encoder, encoder, user, *part),
            )
            out += [(name, when, np.frombuffer(blob, "<f4")) for name, when, blob in found if blob]
        return out

    def records(self, user: str, ids: Iterable[str] | None = None, encoder: str | None = None) -> list[Preference]:
        """The full records of `user`, oldest first; of `ids` alone when given, in their order.

        `encoder`: with the embedding made by that encoder where there is one, instead of the record's own.

        Raises `PreferenceError` when a row belongs to somebody else: isolation is checked on what is read.
        """
        query = (
            "SELECT e.user, COALESCE(v.encoder, e.encoder), COALESCE(v.embedding, e.embedding), e.body FROM events e"
            " LEFT JOIN vectors v ON v.id = e.id AND v.encoder = ? WHERE "
        )
        if ids is None:
            found = self._read(query + "e.user = ? ORDER BY e.seq", (encoder, user))
        else:
            found = Rows(row for i in ids for row in self._read(query + "e.id = ?", (encoder, i)))
        return [_record(user, *row) for row in found]

    def standing(self, user: str, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that are still there and not withdrawn, in their order."""
        gone = self._withdrawn(user)
        query = "SELECT 1 FROM events e WHERE e.id = ? AND e.user = ? AND e.feedback <> 'withdrawn'"
        return [name for name in ids if (user, name) not in gone and self._read(query, (name, user))]

    def thumbnail(self, user: str, sha256: str) -> bytes | None:
        """The JPEG of one of the user's own records."""
        found = self._read('SELECT jpeg FROM thumbnails WHERE "user" = ? AND sha256 = ?', (user, sha256))
        return bytes(found[0][0]) if found else None

    def choice(self, user: str, name: str, default: str = "") -> str:
        """A lasting choice of the user, as `shared` or `use_style`."""
        found = self._read('SELECT value FROM choices WHERE "user" = ? AND name = ?', (user, name))
        return str(found[0][0]) if found else default

    def choose(self, user: str, name: str, value: str) -> None:
        """Store a lasting choice."""
        with self._write() as db:
            db.execute(
                'INSERT INTO choices VALUES (?, ?, ?) ON CONFLICT ("user", name) DO UPDATE SET value = excluded.value',
                (user, name, value),
            )

    def choosers(self, name: str, value: str) -> list[str]:
        """Everyone whose choice `name` is `value`."""
        found = self._read('SELECT "user" FROM choices WHERE name = ? AND value = ? ORDER BY "user"', (name, value))
        return [str(row[0]) for row in found]

    def looks(self, user: str) -> dict[str, str]:
        """The named looks of the user: name → JSON, by name."""
        found = self._read('SELECT name, body FROM looks WHERE "user" = ? ORDER BY name', (user,))
        return {str(name): str(body) for name, body in found}

    def keep_looks(self, user: str, looks: Mapping[str, str]) -> None:
        """Store named looks, each instead of one of the same name; all or none."""
        with self._write() as db:
            for name, body in looks.items():
                db.execute(
                    'INSERT INTO looks VALUES (?, ?, ?) ON CONFLICT ("user", name) DO UPDATE SET body = excluded.body',
                    (user, name, body),
                )

    def delete_look(self, user: str, name: str) -> None:
        """Forget a named look for good."""
        with self._write() as db:
            db.execute('DELETE FROM looks WHERE "user" = ? AND name = ?', (user, name))

    def outdated(self, encoder: str, user: str | None = None) -> list[tuple[str, str]]:
        """(user, id) of the standing records that have no embedding of `encoder`, newest first; of one user or of all."""
        found = self._read(
            "SELECT e.user, e.id FROM events e WHERE e.encoder <> ? AND e.feedback <> 'withdrawn'"
            " AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.id = e.id AND v.encoder = ?)"
            f"{'' if user is None else ' AND e.user = ?'} ORDER BY e.seq DESC",
            (encoder, encoder, *(() if user is None else (user,))),
        )
        gone = self._withdrawn(user) if found else frozenset()
        return [(str(row[0]), str(row[1])) for row in found if (row[0], row[1]) not in gone]

    def _withdrawn(self, user: str | None) -> frozenset[tuple[str, str]]:
        """(user, id) of what was taken back."""
        query = "SELECT e.user, e.target FROM events e WHERE e.feedback = 'withdrawn'"
        found = self._read(query) if user is None else self._read(f"{query} AND e.user = ?", (user,))
        return frozenset((str(row[0]), str(row[1])) for row in found)

    def reembed(self, encoder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> int:
        """Store embeddings (id, vector) that `encoder` made of older records; the records themselves never change.

        Returns how many were stored: none for a vector without direction or a record that was forgotten meanwhile.
        """
        count = 0
        with self._write() as db:
            for name, values in vectors:
                vector = np.asarray(values, np.float64)
                norm = float(np.linalg.norm(vector))
                if (
                    not norm > 1e-9
                    or not np.isfinite(norm)
                    or not db.execute("SELECT 1 FROM events WHERE id = ?", (name,))
                ):
                    continue
                db.execute(
                    "INSERT INTO vectors VALUES (?, ?, ?)"
                    " ON CONFLICT (id, encoder) DO UPDATE SET embedding = excluded.embedding",
                    (name, encoder, (vector / norm).astype("<f4").tobytes()),
                )
                count += 1
            if count:
                db.execute(_DELETED)
        return count

    def delete(self, user: str, ids: Iterable[str] | None = None) -> int:
        """Forget for good the records `ids` of `user` with withdrawals, vectors and thumbnails; None: everything.

        Returns how many records went. The file is compacted and its journal emptied before this returns.
        """
        with self._write() as db:
            if ids is None:
                gone = [str(r[0]) for r in db.execute('SELECT id FROM events WHERE "user" = ?', (user,))]
                db.execute('DELETE FROM choices WHERE "user" = ?', (user,))
                db.execute('DELETE FROM looks WHERE "user" = ?', (user,))
            else:
                gone = [
                    str(r[0])
                    for i in ids
                    for r in db.execute(
                        'SELECT id FROM events WHERE "user" = ? AND (id = ? OR target = ?)', (user, i, i)
                    )
                ]
            for name in gone:
                db.execute('DELETE FROM events WHERE id = ? AND "user" = ?', (name, user))
                db.execute("DELETE FROM vectors WHERE id = ?", (name,))
            db.execute(
                'DELETE FROM thumbnails WHERE "user" = ? AND sha256 NOT IN'
                f' (SELECT {db.json("body", "thumbnail")} FROM events WHERE "user" = ?)',
                (user, user),
            )
            db.execute(_DELETED)
        try:
            self._db.compact(("events", "vectors", "thumbnails", "looks"))
        except sqlite3.OperationalError as error:
            raise PreferenceError(
                "The preferences are deleted, but the file could not be compacted because another Burnish is busy; "
                "close it and repeat the command."
            ) from error
        return len(gone)

    def close(self) -> None:
        """Close the file; the log cannot be used after that."""
        self._db.close()


def _file(path: Path) -> Sqlite:
    """The log as a file that is its owner's alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made by us first, so that it, its WAL and its shared memory are the owner's alone.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if os.name == "posix" and path.stat().st_uid == os.getuid():
            path.chmod(0o600)
        db = Sqlite(path)
    except (OSError, sqlite3.OperationalError) as error:
        raise PreferenceError(
            f"Your preferences in {path.parent} cannot be opened for writing; check the folder's permissions or set "
            "BURNISH_HOME to another one."
        ) from error
    except sqlite3.Error as error:
        raise PreferenceError(_damaged(path)) from error
    try:
        db.execute("PRAGMA secure_delete=ON")
        db.execute("PRAGMA trusted_schema=OFF")
        sound = db.execute("PRAGMA quick_check(1)")[0][0] == "ok"
    except sqlite3.Error:
        sound = False
    if not sound:
        db.close()
        raise PreferenceError(_damaged(path))
    return db


def _record(wanted: str, user: str, encoder: str, embedding: bytes, body: str) -> Preference:
    try:
        data = json.loads(body)
    except ValueError as error:
        raise PreferenceError("A stored preference is damaged; restore your preferences from an export.") from error
    if user != wanted or data.get("user") != wanted:
        raise PreferenceError("A stored preference belongs to another user and was not used; restore from an export.")
    vector = np.frombuffer(embedding, "<f4")
    return Preference.from_json(data | {"encoder": encoder, "embedding": tuple(float(v) for v in vector)})


def _damaged(path: Path) -> str:
    return (
        f"The file of your preferences ({path.name}) is damaged; move it away from {path.parent} and bring your "
        "preferences back with `burnish taste import`."
    )
