"""The depot: photos and previews of several hosts, kept on the database server that they share.

Every host has its own `agent.store` as a cache. What is put there goes into the depot too, and what is missing there comes
from it, checked against its hash. Kept in parts, so that neither side ever holds a whole photo in memory.
"""

import hashlib
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from memory.sql import Postgres, Sql
from models.errors import ConversationError

_PART: Final = 1 << 20


def m001_initial(db: Sql) -> None:
    """Blobs and their parts."""
    db.execute(
        "CREATE TABLE blobs (sha TEXT PRIMARY KEY, suffix TEXT NOT NULL, size BIGINT NOT NULL, kept REAL NOT NULL)"
    )
    db.execute(
        "CREATE TABLE parts (sha TEXT NOT NULL, part INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (sha, part))"
    )


#: Append only: a database remembers how many of these it has seen.
MIGRATIONS: Final = (m001_initial,)


class Depot:
    """Blobs on the PostgreSQL server at `database`. Safe for several threads, processes and hosts."""

    def __init__(self, database: str):
        # A connection of its own: while a photo goes over the wire, conversations go on.
        self._db = Postgres(database)
        self._db.migrate(
            "depot", MIGRATIONS, ConversationError("These photos were kept by a newer Burnish; update it.")
        )

    def put(self, sha: str, suffix: str, file: Path) -> None:
        """Keep a file under its hash; costs next to nothing when it is there."""
        with self._db.write(f"blob/{sha}") as db:
            now = time.time()
            if db.execute("SELECT 1 FROM blobs WHERE sha = ?", (sha,)):
                db.execute("UPDATE blobs SET kept = ? WHERE sha = ?", (now, sha))
                return
            db.execute("INSERT INTO blobs VALUES (?, ?, ?, ?)", (sha, suffix, file.stat().st_size, now))
            for number, part in enumerate(_parts(file)):
                db.execute("INSERT INTO parts VALUES (?, ?, ?)", (sha, number, part))

    def suffix(self, sha: str) -> str | None:
        """The suffix of a blob; None where there is none."""
        row = self._db.execute("SELECT suffix FROM blobs WHERE sha = ?", (sha,)).one()
        return None if row is None else str(row[0])

    def fetch(self, sha: str, file: Path) -> bool:
        """Write a blob to `file`; False, and no whole file, when it is not there or damaged."""
        digest = hashlib.sha256()
        with file.open("wb") as out:
            number = 0
            while row := self._db.execute("SELECT data FROM parts WHERE sha = ? AND part = ?", (sha, number)).one():
                digest.update(row[0])
                out.write(row[0])
                number += 1
        return digest.hexdigest() == sha

    def collect(self, referenced: Collection[str], *, older_than: float = 3600.0) -> int:
        """Delete blobs that nothing refers to and that were last put `older_than` seconds ago; returns the bytes freed."""
        keep, latest, freed = frozenset(referenced), time.time() - older_than, 0
        old = "SELECT sha, size FROM blobs WHERE kept <= ?"
        for sha, size in self._db.execute(old, (latest,)):
            if sha in keep:
                continue
            with self._db.write(f"blob/{sha}") as db:
                if db.execute(f"{old} AND sha = ?", (latest, sha)):
                    db.execute("DELETE FROM parts WHERE sha = ?", (sha,))
                    db.execute("DELETE FROM blobs WHERE sha = ?", (sha,))
                    freed += int(size)
        return freed

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while part := source.read(_PART):
            yield part
