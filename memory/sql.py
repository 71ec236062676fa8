"""One SQL database, whichever it is: a SQLite file, or a PostgreSQL server that several hosts share.

Statements are written once, in the words that both know, with `?` for values and `"user"` in quotes (it is a keyword of
PostgreSQL). What differs is here: types, JSON, and how one writes at a time. Errors of either are raised as those of
`sqlite3`, so that callers have one kind to explain.
"""

import hashlib
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from models.errors import BurnishError

#: Seconds to wait for somebody else who is writing.
WAIT: Final = 30.0
#: Tables of ours lie in a schema of this name, so that a database may hold those of other programs too.
SCHEMA: Final = "burnish"

Row = Any
"""A row, readable by position and by name."""


class LostError(BurnishError, sqlite3.OperationalError):
    """The database server does not answer."""


class Rows(list[Row]):
    """All that a statement gave, fetched."""

    def one(self) -> Row:
        """The first row; None without any."""
        return self[0] if self else None


class Sql(Protocol):
    """A database. Every call is safe from several threads; `write` is one transaction."""

    shared: bool
    """True for a server."""

    def execute(self, statement: str, values: Sequence[object] = ()) -> Rows:
        """Run one statement."""
        ...

    def write(self, key: str = "") -> Any:
        """A transaction as a context; of those with the same `key` one runs at a time, in all processes and hosts."""
        ...

    def script(self, sqlite: Sequence[str], postgres: Sequence[str]) -> None:
        """Run the statements for this kind of database, of what cannot be said in common words."""
        ...

    def compact(self, tables: Sequence[str]) -> None:
        """Give back the space of rows that were deleted, so that nothing of them is left in the database."""
        ...

    def json(self, column: str, name: str) -> str:
        """The expression for one text of a JSON column; NULL where it has none."""
        ...

    def migrate(self, name: str, steps: Sequence[Callable[["Sql"], None]], newer: BurnishError) -> None:
        """Run those of `steps` that this database has not seen; raises `newer` when it has seen more than there are."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Sqlite:
    """A SQLite file in WAL mode; what was committed survives a power cut."""

    shared = False

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=WAIT)
        try:
            self.connection.row_factory = sqlite3.Row
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:
            self.connection.close()
            raise

    def execute(self, statement: str, values: Sequence[object] = ()) -> Rows:
        """Run one statement."""
        with self.lock:
            return Rows(self.connection.execute(statement, values).fetchall())

    @contextmanager
    def write(self, key: str = "") -> Iterator[Sql]:
        """One transaction; SQLite lets one write at a time, whatever the key."""
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise

    def script(self, sqlite: Sequence[str], postgres: Sequence[str]) -> None:
        """As in `Sql`."""
        for statement in sqlite:
            self.execute(statement)

    def compact(self, tables: Sequence[str]) -> None:
        """As in `Sql`; the journal is emptied too."""
        self.execute("VACUUM")
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def json(self, column: str, name: str) -> str:
        """As in `Sql`."""
        return f"json_extract({column}, '$.{name}')"

    def migrate(self, name: str, steps: Sequence[Callable[[Sql], None]], newer: BurnishError) -> None:
        """As in `Sql`; the number of steps seen is the file's `user_version`."""
        with self.write() as db:
            seen = db.execute("PRAGMA user_version").one()[0]
            if seen > len(steps):
                raise newer
            for step in steps[seen:]:
                step(self)
            db.execute(f"PRAGMA user_version={len(steps)}")

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.connection.close()


class Postgres:
    """A PostgreSQL database at `url`, through one connection that is opened again when it was lost."""

    shared = True

    def __init__(self, url: str) -> None:
        self.url = check_database(url)
        self.lock = threading.RLock()
        self._connection: Any = None
        self._inside = False
        with self.write("schema") as db:
            db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            db.execute("CREATE TABLE IF NOT EXISTS layouts (name TEXT PRIMARY KEY, seen INTEGER NOT NULL)")

    def execute(self, statement: str, values: Sequence[object] = ()) -> Rows:
        """Run one statement."""
        with self.lock, _as_sqlite():
            cursor = self._run(_worded(statement), values)
            return Rows(cursor.fetchall() if cursor.description else ())

    def _run(self, statement: str, values: Sequence[object]) -> Any:
        import psycopg

        connection = self._open()
        try:
            return connection.execute(statement, values)
        except psycopg.OperationalError:
            # A server that was started again ends old connections. Inside a transaction there is nothing to go on with.
            if self._inside or not connection.closed:
                raise
            return self._open().execute(statement, values)

    @contextmanager
    def write(self, key: str = "") -> Iterator[Sql]:
        """One transaction; others with the same key wait for it."""
        with self.lock, _as_sqlite():
            self._run("SELECT 1", ())
            connection = self._open()
            self._inside = True
            try:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_number(key),))
                    yield self
            finally:
                self._inside = False

    def _open(self) -> Any:
        if self._connection is None or self._connection.closed:
            import psycopg

            self._connection = psycopg.connect(self.url, autocommit=True, row_factory=_rows, **CONNECTION)
        return self._connection

    def script(self, sqlite: Sequence[str], postgres: Sequence[str]) -> None:
        """As in `Sql`."""
        for statement in postgres:
            self.execute(statement)

    def compact(self, tables: Sequence[str]) -> None:
        """As in `Sql`; the server's own journal and backups are its administrator's."""
        for table in tables:
            self.execute(f"VACUUM (FULL) {table}")

    def json(self, column: str, name: str) -> str:
        """As in `Sql`."""
        return f"({column}::json ->> '{name}')"

    def migrate(self, name: str, steps: Sequence[Callable[[Sql], None]], newer: BurnishError) -> None:
        """As in `Sql`; the number of steps seen is kept per `name`."""
        with self.write("schema") as db:
            row = db.execute("SELECT seen FROM layouts WHERE name = ?", (name,)).one()
            seen = int(row[0]) if row else 0
            if seen > len(steps):
                raise newer
            for step in steps[seen:]:
                step(self)
            db.execute(
                "INSERT INTO layouts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen",
                (name, len(steps)),
            )

    def close(self) -> None:
        """Close the connection."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()


#: How every connection of ours is made.
CONNECTION: Final[Mapping[str, Any]] = {"connect_timeout": 10, "options": f"-c search_path={SCHEMA}"}


def check_database(url: str) -> str:
    """The address of a PostgreSQL database. Raises `BurnishError` for another kind, or without the driver.

    >>> check_database("postgresql://me@127.0.0.1/burnish")
    'postgresql://me@127.0.0.1/burnish'
    """
    if not re.match(r"postgres(ql)?://", url):
        raise BurnishError(
            "BURNISH_DATABASE_URL must look like postgresql://user:password@host:5432/database; correct it, or unset it "
            "to keep everything on this machine."
        )
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise BurnishError("A database server needs one more package: pip install 'burnish[server]'.") from error
    return url


def lock_number(key: str) -> int:
    """The number of a lock by its name: signed 64 bit.

    >>> lock_number("a") == lock_number("a") != lock_number("b")
    True
    """
    return int.from_bytes(hashlib.sha256(f"{SCHEMA}/{key}".encode()).digest()[:8], "big", signed=True)


class _Named(tuple[Any, ...]):
    """A row that is also read by name, as those of `sqlite3.Row` are."""

    names: Mapping[str, int]

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.names[key] if isinstance(key, str) else key)


def _rows(cursor: Any) -> Callable[[Sequence[Any]], _Named]:
    """A psycopg row factory."""
    row = type("Row", (_Named,), {"names": {c.name: i for i, c in enumerate(cursor.description or ())}})
    made: Callable[[Sequence[Any]], _Named] = row
    return made


_TYPES: Final = {
    "INTEGER PRIMARY KEY AUTOINCREMENT": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    "INTEGER PRIMARY KEY": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    "BLOB": "BYTEA",
    "REAL": "DOUBLE PRECISION",
}


def _worded(statement: str) -> str:
    """A statement in PostgreSQL's words.

    >>> _worded("CREATE TABLE a (b BLOB)"), _worded("SELECT b FROM a WHERE b = ?")
    ('CREATE TABLE a (b BYTEA)', 'SELECT b FROM a WHERE b = %s')
    """
    if statement.startswith("CREATE TABLE"):
        for ours, theirs in _TYPES.items():
            statement = statement.replace(ours, theirs)
    return statement.replace("?", "%s")


@contextmanager
def _as_sqlite() -> Iterator[None]:
    """Raise the errors of psycopg as those of sqlite3 that mean the same."""
    import psycopg

    try:
        yield
    except psycopg.IntegrityError as error:
        raise sqlite3.IntegrityError(_short(error)) from error
    except psycopg.OperationalError as error:
        raise LostError(
            "The database server does not answer; check BURNISH_DATABASE_URL and that it runs, then try again."
        ) from error
    except psycopg.DataError as error:
        raise BurnishError(
            "A database server keeps no text with a NUL character in it; choose another name."
        ) from error
    except psycopg.Error as error:
        raise sqlite3.DatabaseError(_short(error)) from error


def _short(error: Exception) -> str:
    """The first line of a message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
