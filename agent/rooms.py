"""The rooms of an installation, opened once a process and handed to the graph's nodes at run time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from agent.darkroom import Darkroom, Opened
from agent.depot import Depot
from agent.history import History
from agent.line import Line
from agent.planner import Planner, choose
from agent.planner.opinions import Critique
from agent.settings import Settings
from agent.store import Store

if TYPE_CHECKING:
    from memory.taste import Memory


#: Sends one sentence to whoever is watching the turn.
Say = Callable[[str], None]


class Rooms:
    """Everything a node may use that is not in the state."""

    def __init__(self, settings: Settings):
        self.settings = settings
        database = settings.database_url
        self.history = History(settings.home / "history.sqlite3", database)
        self.store = Store(settings.home / "blobs", Depot(database) if database else None)
        # A served model is waited for in the line's sight, not in its places: see `Line.aside`.
        self.line = Line(settings.renders, settings.memory_for_turns)
        self.darkroom = Darkroom(settings, self.store)
        self.planner: Planner = choose(
            settings.llm_url, settings.llm_model, settings.llm_timeout, settings.llm_key, settings.planner
        )
        self.appraisals: dict[str, Critique] = {}
        """What a served model that sees thought of photos, by their hash (`agent.appraisal`)."""

    @cached_property
    def memory(self) -> "Memory":
        """Preferences; opened when first needed."""
        from agent.taste import embedder, encoder
        from memory.taste import Memory

        settings = self.settings
        return Memory(
            settings.home / "memory",
            settings.chroma_url,
            encoder(),
            database=settings.database_url,
            embed=embedder(self.store),
        )

    async def opened(self, thread: str) -> Opened:
        """The photo of a conversation, opened and perceived."""
        about = self.history.thread(thread)
        return await self.darkroom.open(about.photo, about.name)

    def close(self) -> None:
        """Close the databases."""
        self.history.close()
        self.store.close()
        if "memory" in self.__dict__:
            self.memory.close()


@dataclass(kw_only=True)
class Context:
    """Run-time dependencies of the graph. Without any, as in LangGraph's own tools, the default installation is used."""

    rooms: Rooms | None = None


@lru_cache(maxsize=1)
def default_rooms() -> Rooms:
    """The installation that the environment describes."""
    return Rooms(Settings())
