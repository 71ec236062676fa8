"""Holds: which conversations this host is busy with, for the others that share its database to wait.

PostgreSQL's advisory locks, all on one connection: when a host dies, its connection ends and with it its holds, so that
another host may finish what was cut off.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from memory.sql import CONNECTION, check_database, lock_number
from models.errors import ConversationError

#: Seconds between two looks whether a conversation is free; the first and the longest.
SOON: Final = 0.02
LATER: Final = 0.5


class Holds:
    """Holds on the server at `database`; without one there is nobody to wait for."""

    def __init__(self, database: str | None):
        self.database = check_database(database) if database else None
        self._connection: Any = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Wait until no other host holds `name`, then hold it. Within a process callers take turns by themselves."""
        if self.database is None:
            yield
            return
        number, wait = lock_number(f"hold/{name}"), SOON
        # Asked again and again: a statement that waits inside the server would keep it from building an index.
        while not await self._ask("SELECT pg_try_advisory_lock(%s)", number):
            await asyncio.sleep(wait)
            wait = min(1.5 * wait, LATER)
        try:
            yield
        finally:
            await asyncio.shield(self._ask("SELECT pg_advisory_unlock(%s)", number))

    async def _ask(self, statement: str, number: int) -> bool:
        import psycopg

        async with self._lock:
            try:
                if self._connection is None or self._connection.closed:
                    # Whatever the lost connection held is free again; what is written twice is written once.
                    self._connection = await psycopg.AsyncConnection.connect(
                        self.database or "", autocommit=True, **CONNECTION
                    )
                row = await (await self._connection.execute(statement, (number,))).fetchone()
            except psycopg.Error as error:
                raise ConversationError(
                    "The database server does not answer; nothing was changed. Try again in a moment."
                ) from error
        return bool(row and row[0])

    async def close(self) -> None:
        """End the connection, and with it all holds."""
        if self._connection is not None:
            await self._connection.close()
