"""Where the graph keeps its place: checkpoints in SQLite, so that a turn that was cut off goes on where it stopped."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.errors import ConversationError

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

#: Seconds to wait for another process that is writing.
WAIT: Final = 30


async def open_checkpoints(path: Path) -> "AsyncSqliteSaver":
    """Open or create the checkpoint database. Close it with `close_checkpoints`."""
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = await aiosqlite.connect(path, timeout=WAIT)
        await connection.execute(f"PRAGMA busy_timeout={WAIT * 1000}")
        # Safe against a kill; what a power cut may take is one step of a turn that is then run again.
        await connection.execute("PRAGMA synchronous=NORMAL")
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
    except (OSError, aiosqlite.Error) as error:
        raise ConversationError(
            f"The conversations in {path.parent} cannot be opened for writing ({error}); check the folder's permissions "
            "or set BURNISH_HOME to another one."
        ) from error
    return saver


async def prune(saver: "AsyncSqliteSaver", thread: str) -> None:
    """Keep only the last checkpoint of a thread: every one holds the whole state, and only the last is ever resumed."""
    last = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
    async with saver.lock:
        for table in ("checkpoints", "writes"):
            await saver.conn.execute(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < {last}", (thread, thread)
            )
        await saver.conn.commit()


async def close_checkpoints(saver: "AsyncSqliteSaver") -> None:
    """Close the database; its thread ends."""
    async with saver.lock:
        await saver.conn.close()
