"""The edit tree: every version of every conversation, what was said, and undo that always works.

One row per version, in SQLite or on a PostgreSQL server (`memory.sql`); version 0 is the photo as opened. Undo and redo
walk the *moves* (a new version, a go-to, a reset) back and forth, as in any editor, while the tree keeps every version ever
made. Whatever a turn writes, it writes in one transaction under its turn id, so a turn that is run again after a crash
changes nothing a second time.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from memory.sql import Postgres, Row, Sql, Sqlite
from models.errors import BurnishError, ConversationError
from models.recipe import Recipe
from models.vocabulary import region_order

Feedback = Literal["like", "dislike"]
Role = Literal["user", "assistant"]

#: Longest message that is kept; what is beyond is cut from the record.
MAX_TEXT: Final = 4000


@dataclass(frozen=True)
class Version:
    """A node of the edit tree. Pictures are named by the hash of their blob; `facts` is small JSON about its making."""

    thread: str
    number: int
    parent: int | None
    recipe: Recipe
    preview: str
    thumbnail: str
    label: str
    feedback: Feedback | None
    turn: str
    created: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Thread:
    """A conversation of one person over one photo."""

    id: str
    user: str
    photo: str
    name: str
    created: str
    current: int
    versions: int
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """A message. `version` is what an answer was about; `tries` counts how often the turn of a question was begun."""

    turn: str
    role: Role
    text: str
    version: int | None
    tries: int


def m001_initial(db: Sql) -> None:
    """Threads, versions, moves, turns and messages."""
    for statement in (
        'CREATE TABLE threads (id TEXT PRIMARY KEY, "user" TEXT NOT NULL, photo TEXT NOT NULL, name TEXT NOT NULL,'
        " created TEXT NOT NULL, current INTEGER NOT NULL, position INTEGER NOT NULL, facts TEXT NOT NULL)",
        'CREATE INDEX threads_user ON threads ("user", created)',
        "CREATE TABLE versions (thread TEXT NOT NULL REFERENCES threads (id), number INTEGER NOT NULL, parent INTEGER,"
        " recipe TEXT NOT NULL, preview TEXT NOT NULL, thumbnail TEXT NOT NULL, label TEXT NOT NULL, feedback TEXT,"
        " turn TEXT NOT NULL, created TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (thread, number))",
        "CREATE TABLE moves (thread TEXT NOT NULL, position INTEGER NOT NULL, source INTEGER NOT NULL,"
        " target INTEGER NOT NULL, PRIMARY KEY (thread, position))",
        "CREATE TABLE turns (thread TEXT NOT NULL, turn TEXT NOT NULL, version INTEGER NOT NULL,"
        " PRIMARY KEY (thread, turn))",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, thread TEXT NOT NULL, turn TEXT NOT NULL, role TEXT NOT NULL,"
        " text TEXT NOT NULL, version INTEGER, tries INTEGER NOT NULL, created TEXT NOT NULL,"
        " UNIQUE (thread, turn, role))",
    ):
        db.execute(statement)


#: Append only: a database remembers how many of these it has seen.
MIGRATIONS: Final = (m001_initial,)


class History:
    """All conversations of an installation. Every call is a short transaction; safe for threads and processes."""

    def __init__(self, path: Path, database: str | None = None):
        """`path`: the file; `database`: address of the PostgreSQL server that keeps them instead."""
        try:
            self._db: Sql = Postgres(database) if database else Sqlite(path)
            newer = ConversationError("These conversations were kept by a newer Burnish; update it.")
            self._db.migrate("history", MIGRATIONS, newer)
        except BurnishError:
            raise
        except (OSError, sqlite3.Error) as error:
            raise ConversationError(
                f"The conversations in {path.parent} cannot be opened for writing ({error}); check the folder's "
                "permissions or set BURNISH_HOME to another one."
            ) from error

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # ── conversations ──────────────────────────────────────────────────────────────────────────────────────────────

    def open_thread(
        self,
        thread: str,
        *,
        user: str,
        photo: str,
        name: str,
        preview: str,
        thumbnail: str,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin a conversation: its version 0 is the photo as opened."""
        with self._write(thread) as db:
            row = (thread, user, photo, name[:200], _now(), 0, 0, _dump(facts or {}))
            db.execute("INSERT INTO threads VALUES (?,?,?,?,?,?,?,?)", row)
            _insert(db, thread, 0, None, Recipe(), preview, thumbnail, "as opened", f"{thread}/open", {})

    def thread(self, thread: str) -> Thread:
        """Raises `ConversationError` for an unknown one."""
        return _thread(_thread_row(self._db, thread))

    def threads(self, user: str, limit: int = 100) -> tuple[Thread, ...]:
        """The conversations of a person, newest first."""
        rows = self._db.execute(f'{_THREADS} WHERE "user" = ? ORDER BY created DESC LIMIT ?', (user, limit))
        return tuple(_thread(row) for row in rows)

    def delete(self, thread: str) -> None:
        """Forget a conversation for good: its versions, moves and messages. What its pictures are is collected later."""
        with self._write(thread) as db:
            _thread_row(db, thread)
            for table in ("messages", "turns", "moves", "versions"):
                db.execute(f"DELETE FROM {table} WHERE thread = ?", (thread,))
            db.execute("DELETE FROM threads WHERE id = ?", (thread,))

    def references(self) -> frozenset[str]:
        """Every blob that a conversation refers to."""
        rows = self._db.execute(
            "SELECT photo FROM threads UNION SELECT preview FROM versions UNION SELECT thumbnail FROM versions"
        )
        return frozenset(row[0] for row in rows)

    # ── the tree ───────────────────────────────────────────────────────────────────────────────────────────────────

    def versions(self, thread: str) -> tuple[Version, ...]:
        """All versions, oldest first."""
        db = self._db
        _thread_row(db, thread)
        rows = db.execute("SELECT * FROM versions WHERE thread = ? ORDER BY number", (thread,))
        return tuple(_version(row) for row in rows)

    def version(self, thread: str, number: int | None = None) -> Version:
        """One version; the current one by default. Raises `ConversationError` when there is none of that number."""
        db = self._db
        return self._get(db, thread, _thread_row(db, thread)["current"] if number is None else number)

    def made_by(self, thread: str, turn: str) -> Version | None:
        """The version at which a turn ended, or None when it has not written anything yet."""
        db = self._db
        row = db.execute("SELECT version FROM turns WHERE thread = ? AND turn = ?", (thread, turn)).one()
        return self._get(db, thread, row[0]) if row else None

    def add(
        self,
        thread: str,
        recipe: Recipe,
        *,
        preview: str,
        thumbnail: str,
        label: str,
        turn: str,
        parent: int | None = None,
        facts: Mapping[str, Any] | None = None,
        current: bool = True,
    ) -> Version:
        """Keep a new version below `parent` (the current one by default) and make it `current`. Once per turn."""

        def make(db: Sql) -> int:
            here = _thread_row(db, thread)["current"]
            above = here if parent is None else self._get(db, thread, parent).number
            number = 1 + int(db.execute("SELECT max(number) FROM versions WHERE thread = ?", (thread,)).one()[0])
            _insert(db, thread, number, above, recipe, preview, thumbnail, label[:120], turn, facts or {})
            if current:
                _move(db, thread, number)
            return number

        return self._once(thread, turn, make)

    def target(self, thread: str, command: str) -> Version:
        """The version that `undo`, `redo`, `reset` or `goto:<n>` would make current; changes nothing.

        Raises `ConversationError` when there is none.
        """
        db = self._db
        return self._get(db, thread, self._target(db, thread, command)[0])

    def move(self, thread: str, command: str, turn: str) -> Version:
        """Carry out `undo`, `redo`, `reset` or `goto:<n>`. Once per turn."""

        def make(db: Sql) -> int:
            number, position = self._target(db, thread, command)
            if position is None:
                _move(db, thread, number)
            else:
                db.execute("UPDATE threads SET current = ?, position = ? WHERE id = ?", (number, position, thread))
            return number

        return self._once(thread, turn, make)

    def set_feedback(self, thread: str, number: int, kind: Feedback | None, record: str = "") -> Version:
        """Note what the person thinks of a version; None takes it back. `record`: id of what memory learned from it."""
        with self._write(thread) as db:
            facts = {**self._get(db, thread, number).facts, "record": record}
            db.execute(
                "UPDATE versions SET feedback = ?, facts = ? WHERE thread = ? AND number = ?",
                (kind, _dump(facts), thread, number),
            )
            return self._get(db, thread, number)

    def rename(self, thread: str, number: int, label: str) -> Version:
        """Give a version a name, by which it can be spoken of from now on. Raises `ConversationError` for an empty one."""
        label = " ".join(label.split())[:60]
        if not label:
            raise ConversationError("A name needs at least one letter; say for example “call this one golden”.")
        with self._write(thread) as db:
            facts = {**self._get(db, thread, number).facts, "named": True}
            db.execute(
                "UPDATE versions SET label = ?, facts = ? WHERE thread = ? AND number = ?",
                (label, _dump(facts), thread, number),
            )
            return self._get(db, thread, number)

    def names(self, thread: str) -> dict[str, int]:
        """The names that the person has given, in lower case, with their versions; the latest of two equal ones counts."""
        named = self._db.json("facts", "named")
        rows = self._db.execute(
            f"SELECT number, label FROM versions WHERE thread = ? AND {named} IS NOT NULL ORDER BY number", (thread,)
        )
        return {row["label"].casefold(): row["number"] for row in rows}

    # ── what was said ──────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, thread: str, turn: str, role: Role, text: str, version: int | None = None) -> None:
        """Keep a message, once per turn and role. Text beyond `MAX_TEXT` characters is cut from the record."""
        with self._write(thread) as db:
            _thread_row(db, thread)
            row = (thread, turn, role, text[:MAX_TEXT], version, 0, _now())
            db.execute(
                "INSERT INTO messages (thread, turn, role, text, version, tries, created)"
                " VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                row,
            )

    def messages(self, thread: str, limit: int = 500) -> tuple[Said, ...]:
        """The last messages, oldest first."""
        db = self._db
        _thread_row(db, thread)
        rows = db.execute("SELECT * FROM messages WHERE thread = ? ORDER BY id DESC LIMIT ?", (thread, limit))
        return tuple(_said(row) for row in reversed(rows))

    def unanswered(self, thread: str) -> Said | None:
        """The last message of the person when nothing answered it: a turn that was cut off."""
        said = self.messages(thread, 1)
        return said[0] if said and said[0].role == "user" else None

    def begin(self, thread: str, turn: str) -> int:
        """Count that the turn is being tried; returns how often it has been, this time included."""
        with self._write(thread) as db:
            where = (thread, turn)
            db.execute("UPDATE messages SET tries = tries + 1 WHERE thread = ? AND turn = ? AND role = 'user'", where)
            row = db.execute("SELECT tries FROM messages WHERE thread = ? AND turn = ? AND role = 'user'", where).one()
            return int(row[0]) if row else 1

    # ── inside ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, thread: str) -> AbstractContextManager[Sql]:
        return self._db.write(thread)

    def _once(self, thread: str, turn: str, make: Callable[[Sql], int]) -> Version:
        with self._write(thread) as db:
            row = db.execute("SELECT version FROM turns WHERE thread = ? AND turn = ?", (thread, turn)).one()
            if row:
                return self._get(db, thread, row[0])
            number = make(db)
            db.execute("INSERT INTO turns VALUES (?,?,?)", (thread, turn, number))
            return self._get(db, thread, number)

    def _get(self, db: Sql, thread: str, number: int) -> Version:
        row = db.execute("SELECT * FROM versions WHERE thread = ? AND number = ?", (thread, number)).one()
        if row is None:
            last = db.execute("SELECT max(number) FROM versions WHERE thread = ?", (thread,)).one()[0]
            raise ConversationError(f"There is no version {number}; the newest is {last}, and 0 is the original.")
        return _version(row)

    def _target(self, db: Sql, thread: str, command: str) -> tuple[int, int | None]:
        """Version number, and the position among the moves for undo and redo."""
        row = _thread_row(db, thread)
        name, _, number = command.partition(":")
        at = int(row["position"])
        if name == "undo":
            if at == 0:
                raise ConversationError("There is nothing to undo; this is the photo as opened.")
            move = db.execute("SELECT source FROM moves WHERE thread = ? AND position = ?", (thread, at)).one()
            return int(move[0]), at - 1
        if name == "redo":
            move = db.execute("SELECT target FROM moves WHERE thread = ? AND position = ?", (thread, at + 1)).one()
            if move is None:
                raise ConversationError("There is nothing to redo; this is the latest step.")
            return int(move[0]), at + 1
        if name == "reset":
            return 0, None
        if name == "goto" and number.isdigit() and len(number) <= 9:
            return self._get(db, thread, int(number)).number, None
        raise ConversationError(f"{command[:40]!r} is no step; use undo, redo, reset or goto:<version>.")


_THREADS: Final = (
    "SELECT t.*, (SELECT count(*) FROM versions v WHERE v.thread = t.id AND v.number > 0) AS versions FROM threads t"
)


def _thread_row(db: Sql, thread: str) -> Row:
    row: Row = db.execute(f"{_THREADS} WHERE t.id = ?", (thread,)).one()
    if row is None:
        raise ConversationError("This conversation is not known here; open the photo again.")
    return row


def _move(db: Sql, thread: str, target: int) -> None:
    """Append a move from the current version to `target`; what could be redone is forgotten (its versions stay)."""
    row = _thread_row(db, thread)
    at = int(row["position"]) + 1
    db.execute("DELETE FROM moves WHERE thread = ? AND position >= ?", (thread, at))
    db.execute("INSERT INTO moves VALUES (?,?,?,?)", (thread, at, row["current"], target))
    db.execute("UPDATE threads SET current = ?, position = ? WHERE id = ?", (target, at, thread))


def _insert(
    db: Sql,
    thread: str,
    number: int,
    parent: int | None,
    recipe: Recipe,
    preview: str,
    thumbnail: str,
    label: str,
    turn: str,
    facts: Mapping[str, Any],
) -> None:
    row = (thread, number, parent, recipe.to_json(), preview, thumbnail, label, None, turn, _now(), _dump(facts))
    db.execute("INSERT INTO versions VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)


def _thread(row: Row) -> Thread:
    return Thread(
        id=row["id"],
        user=row["user"],
        photo=row["photo"],
        name=row["name"],
        created=row["created"],
        current=row["current"],
        versions=row["versions"],
        facts=json.loads(row["facts"]),
    )


def _version(row: Row) -> Version:
    return Version(
        thread=row["thread"],
        number=row["number"],
        parent=row["parent"],
        recipe=Recipe.from_json(row["recipe"]),
        preview=row["preview"],
        thumbnail=row["thumbnail"],
        label=row["label"],
        feedback=row["feedback"],
        turn=row["turn"],
        created=row["created"],
        facts=json.loads(row["facts"]),
    )


def _said(row: Row) -> Said:
    return Said(turn=row["turn"], role=row["role"], text=row["text"], version=row["version"], tries=row["tries"])


def _dump(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def merge(base: Recipe, other: Recipe, regions: tuple[str, ...]) -> Recipe:
    """`base`, but with the settings and protection of `regions` taken from `other`: "the sky of 2, the rest of 4".

    >>> two, four = Recipe().with_values("sky", {"brightness": 0.2}), Recipe().with_values("global", {"tint": 0.1})
    >>> [s.region for s in merge(four, two, ("sky",)).settings]
    ['global', 'sky']
    """
    kept = [s for s in base.settings if s.region not in regions]
    taken = [s for s in other.settings if s.region in regions]
    keep = {r for r in base.keep if r not in regions} | {r for r in other.keep if r in regions}
    hints = [h for h in base.hints if h.region not in regions] + [h for h in other.hints if h.region in regions]
    settings = tuple(sorted((*kept, *taken), key=lambda s: region_order(s.region)))
    return base.but(settings=settings, keep=tuple(keep), hints=tuple(hints))


def difference(a: Recipe, b: Recipe) -> dict[str, dict[str, float]]:
    """What changes from `a` to `b`, per region and attribute; a look counts as `{"global": {"look": …}}`.

    >>> difference(Recipe(), Recipe().with_values("sky", {"tint": 0.1}))
    {'sky': {'tint': 0.1}}
    """
    names = sorted({s.region for r in (a, b) for s in r.settings}, key=region_order)
    out: dict[str, dict[str, float]] = {}
    for name in names:
        before, after = a.values(name), b.values(name)
        steps = {k: round(after.get(k, 0.0) - before.get(k, 0.0), 4) for k in {**before, **after}}
        if steps := {k: v for k, v in steps.items() if v}:
            out[name] = steps
    looks = [r.look.strength if r.look else 0.0 for r in (a, b)]
    if a.look != b.look:
        out.setdefault("global", {})["look"] = round(looks[1] - looks[0], 4)
    return out
