"""The studio: the one door through which the UI and the command line reach the agent."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from agent.events import Event, Opened, Result, Resumed, ThreadView, VersionView
from agent.settings import Settings
from models.recipe import Recipe

if TYPE_CHECKING:
    from memory.taste import Memory


class Studio:
    """Conversations over photos. Turns of one thread run one after the other; threads run side by side.

    Built by `await Studio.open(settings)` or `async with await Studio.open(settings) as studio`. Methods raise
    `BurnishError`s; `turn` and `feedback` give a `Failed` event instead.
    """

    @classmethod
    async def open(cls, settings: Settings | None = None) -> Self:
        """Open the installation under `settings.home`, creating it when it is new."""
        raise NotImplementedError

    async def close(self) -> None:
        """Finish what runs and close the databases."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self, photo_path: Path, user: str) -> Opened:
        """Open a photo and begin a conversation about it. The file is copied into the store, never written to."""
        raise NotImplementedError

    def turn(self, thread: str, text: str) -> AsyncIterator[Event]:
        """Answer one message: steps and notes as they happen, then exactly one `Result` or `Failed`."""
        raise NotImplementedError

    def feedback(
        self, thread: str, kind: Literal["like", "dislike", "withdraw"], reason: str = ""
    ) -> AsyncIterator[Event]:
        """Thumbs up or down on the current version, or take it back. A `reason` after a dislike is a follow-up turn."""
        raise NotImplementedError

    async def command(self, thread: str, name: str) -> Result:
        """`undo`, `redo`, `reset` or `goto:<n>` (0 is the photo as opened)."""
        raise NotImplementedError

    async def set_values(self, thread: str, region: str, values: dict[str, float]) -> Result:
        """A slider moved by hand: a new version in which `region` has exactly `values` (-1..1)."""
        raise NotImplementedError

    async def versions(self, thread: str) -> tuple[VersionView, ...]:
        """The edit tree, oldest first, beginning with 0, the photo as opened."""
        raise NotImplementedError

    async def export(
        self,
        thread: str,
        out: Path | None = None,
        *,
        format: str | None = None,
        quality: int = 92,
        version: int | None = None,
        overwrite: bool = False,
        metadata: bool = True,
        gps: bool = True,
    ) -> Path:
        """Render a version at full size and save it; without `out`, as a new file in `settings.home / "exports"`."""
        raise NotImplementedError

    async def recipe(self, thread: str, version: int | None = None) -> Recipe:
        """The recipe of a version; of the current one by default."""
        raise NotImplementedError

    async def threads(self, user: str) -> tuple[ThreadView, ...]:
        """The conversations of a person, newest first."""
        raise NotImplementedError

    async def resume(self, thread: str, user: str) -> Resumed:
        """Take up a conversation after a restart; a turn that was cut off is finished first, once."""
        raise NotImplementedError

    def original(self, thread: str) -> Path:
        """PNG of the photo as opened, of the same size as every version's preview."""
        raise NotImplementedError

    @property
    def memory(self) -> "Memory":
        """What this installation has learned."""
        raise NotImplementedError
