"""Where the graph keeps its place, so that a turn that was cut off goes on where it stopped: in SQLite, or on PostgreSQL.

Both read and write msgpack alone, and of it only plain data and LangGraph's own types: nothing in a checkpoint is ever
executed. Neither falls back to pickle.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memory.sql import CONNECTION, check_database
from models.errors import ConversationError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from agent.holds import Holds

    Saver = BaseCheckpointSaver[Any]

#: Seconds to wait for another process that is writing.
WAIT: Final = 30
#: Connections for checkpoints; the saver uses them one at a time, a second one is for its replacement.
CONNECTIONS: Final = 2


def serde() -> "JsonPlusSerializer":
    """How a state becomes bytes: msgpack, with no types but the safe ones and no pickle."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)


async def open_checkpoints(path: Path, database: str | None = None, holds: "Holds | None" = None) -> "Saver":
    """Open or create the checkpoints: the file at `path`, or on the server at `database`. Close with `close_checkpoints`."""
    return await (_server(database, holds) if database else _file(path))


async def _file(path: Path) -> "AsyncSqliteSaver":
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = await aiosqlite.connect(path, timeout=WAIT)
        await connection.execute(f"PRAGMA busy_timeout={WAIT * 1000}")
        # Safe against a kill; what a power cut may take is one step of a turn that is then run again.
        await connection.execute("PRAGMA synchronous=NORMAL")
        saver = AsyncSqliteSaver(connection, serde=serde())
        await saver.setup()
    except (OSError, aiosqlite.Error) as error:
        raise ConversationError(
            f"The conversations in {path.parent} cannot be opened for writing ({error}); check the folder's permissions "
            "or set BURNISH_HOME to another one."
        ) from error
    return saver


async def _server(database: str, holds: "Holds | None") -> "AsyncPostgresSaver":
    check_database(database)
    import psycopg
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool, PoolTimeout

    from agent.holds import Holds

    pool: Any = AsyncConnectionPool(
        database,
        min_size=1,
        max_size=CONNECTIONS,
        open=False,
        check=AsyncConnectionPool.check_connection,
        kwargs={**CONNECTION, "autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
    )
    try:
        await pool.open(wait=True, timeout=WAIT)
        saver = AsyncPostgresSaver(pool, serde=serde())
        # One host at a time: the others would build the same tables.
        async with (holds or Holds(database)).hold("setup"):
            await saver.setup()
    except (psycopg.Error, PoolTimeout) as error:
        await pool.close()
        raise ConversationError(
            "The database server cannot be used for conversations; check BURNISH_DATABASE_URL and that it runs."
        ) from error
    return saver


async def prune(saver: Any, thread: str) -> None:
    """Keep only the last checkpoint of a thread: every one holds the whole state, and only the last is ever resumed."""
    if not _is_file(saver):
        await saver.aprune([thread], strategy="keep_latest")
        return
    last = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
    async with saver.lock:
        for table in ("checkpoints", "writes"):
            await saver.conn.execute(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < {last}", (thread, thread)
            )
        await saver.conn.commit()


async def close_checkpoints(saver: Any) -> None:
    """Close the database; its thread ends."""
    async with saver.lock:
        await saver.conn.close()


def _is_file(saver: Any) -> bool:
    import aiosqlite

    return isinstance(saver.conn, aiosqlite.Connection)
