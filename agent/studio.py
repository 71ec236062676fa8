"""The studio: the one door through which the UI and the command line reach the agent."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import ValidationError

from agent import again, by_hand
from agent.answer import place, points
from agent.checkpoints import close_checkpoints, open_checkpoints
from agent.events import (
    Change,
    Comparison,
    Message,
    Opened,
    Result,
    Resumed,
    ThreadView,
    VersionView,
)
from agent.history import Thread, Version, difference
from agent.holds import Holds
from agent.line import room
from agent.rooms import Rooms
from agent.settings import Settings
from agent.turns import Turns
from models.errors import ConversationError, RecipeError
from models.recipe import Recipe
from tools import hub, hub_restorer

if TYPE_CHECKING:
    from agent.darkroom import Print
    from memory.taste import Memory


class Studio(Turns):
    """Conversations over photos. Turns of one thread run one after the other; threads run side by side.

    Built by `await Studio.open(settings)` or `async with await Studio.open(settings) as studio`. Methods raise
    `BurnishError`s; `turn` and `feedback` give a `Failed` event instead.
    """

    @classmethod
    async def open(cls, settings: Settings | None = None) -> Self:
        """Open the installation under `settings.home`, creating it when it is new."""
        settings = settings or Settings()
        hub.choose(settings.segmenter)
        hub_restorer.choose(settings.restorer)
        rooms = await asyncio.to_thread(Rooms, settings)
        holds = Holds(settings.database_url)
        try:
            saver = await open_checkpoints(settings.home / "checkpoints.sqlite3", settings.database_url, holds)
        except BaseException:
            await holds.close()
            await asyncio.to_thread(rooms.close)
            raise
        from agent.graph import builder

        return cls(rooms, builder.compile(checkpointer=saver, name="burnish"), saver, holds)

    async def close(self) -> None:
        """Delete blobs that nothing refers to, and close the databases."""
        await self.collect()
        await close_checkpoints(self._saver)
        await self._holds.close()
        await asyncio.to_thread(self.rooms.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ── a conversation ─────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self, photo_path: Path, user: str) -> Opened:
        """Open a photo and begin a conversation about it. The file is copied into the store, never written to."""
        from memory.record import check_user

        check_user(user)
        thread, path = str(uuid.uuid4()), Path(photo_path)
        async with self.rooms.line.place(thread, user, room(await asyncio.to_thread(unpacked, path))):
            here = await self.rooms.darkroom.take_in(path)
            preview, thumbnail = await self.rooms.darkroom.original(here)
        photo, scene = here.photo, here.seen.scene
        await asyncio.to_thread(
            partial(
                self.rooms.history.open_thread,
                thread,
                user=user,
                photo=photo.sha256,
                name=photo.name,
                preview=preview,
                thumbnail=thumbnail,
                facts={"bytes": photo.pixels.nbytes},
            )
        )
        return Opened(
            thread=thread,
            photo=photo.sha256,
            preview=self.rooms.store.path(preview),
            summary=scene.summary,
            suggestions=scene.suggestions,
            width=photo.width,
            height=photo.height,
        )

    async def resume(self, thread: str, user: str) -> Resumed:
        """Take up a conversation after a restart; a turn that was cut off is finished first, once."""
        about = self._mine(thread, user)
        async with self._alone(thread), self._place(thread):
            await self._finish(thread)
            here = await self.rooms.darkroom.open(about.photo, about.name)
        scene, said = here.seen.scene, self.rooms.history.messages(thread)
        version = self.rooms.history.version(thread)
        text = next((m.text for m in reversed(said) if m.role == "assistant"), scene.summary)
        return Resumed(
            thread=thread,
            photo=about.photo,
            preview=self.original(thread),
            summary=scene.summary,
            suggestions=scene.suggestions,
            width=here.photo.width,
            height=here.photo.height,
            name=about.name,
            messages=tuple(Message(role=m.role, text=m.text, version=m.version) for m in said),
            result=self._show(thread, version, text),
        )

    # ── the edit tree ──────────────────────────────────────────────────────────────────────────────────────────────

    async def command(self, thread: str, name: str) -> Result:
        """`undo`, `redo`, `reset` or `goto:<n>` (0 is the photo as opened)."""
        async with self._alone(thread):
            version = await asyncio.to_thread(self.rooms.history.move, thread, name, str(uuid.uuid4()))
        where = "the photo as opened" if version.number == 0 else f"version {version.number} (“{version.label}”)"
        return self._show(thread, version, f"This is {where}.")

    async def set_values(self, thread: str, region: str, values: dict[str, float]) -> Result:
        """A slider moved by hand: a new version in which `region` has exactly `values` (-1..1)."""
        from tools.perceive import region as find

        async with self._alone(thread), self._place(thread):
            about, base = self.rooms.history.thread(thread), self.rooms.history.version(thread)
            here = await self.rooms.darkroom.open(about.photo, about.name)
            try:
                # Whoever moves a slider of a region that was to stay as opened wants to see it move.
                freed = tuple(name for name in base.recipe.keep if name != region)
                recipe = base.recipe.model_copy(update={"keep": freed}).with_values(region, values)
            except ValidationError as error:
                reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
                raise RecipeError(f"These values cannot be used: {reason}.") from error
            if find(here.seen, region) is None:
                raise ConversationError(f"I can't find {place(region)} in this photo; choose another region.")
            made = await self.rooms.darkroom.render(here, recipe)
            kept = made.recipe.values(region)
            achieved = made.achieved.get(region, {})
            changes = [Change(region=region, attribute=n, asked=v, achieved=achieved.get(n)) for n, v in kept.items()]
            given = {r: v for r, v in base.facts.get("given", {}).items() if r != region}
            facts = {
                "kind": "slider",
                "given": given,
                "asked": [change.model_dump() for change in changes],
            }
            text = (
                f"Set by hand: {place(region)}, {', '.join(f'{n} {points(v)}' for n, v in kept.items()) or 'nothing'}."
            )
            label = by_hand.named(region, difference(base.recipe, recipe).get(region, {}))
            version = await self._add(thread, made, label, facts)
        return self._show(thread, version, text, new=True)

    async def set_strength(self, thread: str, share: float) -> Result:
        """The last step in another strength, 0..2 of how it was made: a new version beside it."""
        async with self._alone(thread), self._place(thread):
            about, now = self.rooms.history.thread(thread), self.rooms.history.version(thread)
            made = again.at_strength(self.rooms.history, now, share)
            first = self.rooms.history.version(thread, made.instead_of)
            here = await self.rooms.darkroom.open(about.photo, about.name)
            printed = await self.rooms.darkroom.render(here, made.recipe, solved=share == 1)
            label, facts = by_hand.strengthened(first, made.asked, printed.achieved, share)
            version = await self._add(thread, printed, label, facts, made.base.number)
        return self._show(thread, version, made.text, new=True)

    async def compare(self, thread: str, one: int, two: int | None = None) -> Comparison:
        """Two versions side by side; without `two`, one and the current version."""
        from agent.tree import compared, measured

        first, second = self.rooms.history.version(thread, one), self.rooms.history.version(thread, two)
        current = self.rooms.history.thread(thread).current
        return Comparison(
            one=self._viewed(first, current),
            two=self._viewed(second, current),
            differences=difference(first.recipe, second.recipe),
            measured=measured(first, second),
            text=compared(first, second),
        )

    async def rename(self, thread: str, number: int, name: str) -> VersionView:
        """Give a version a name, by which a message can speak of it."""
        async with self._alone(thread):
            kept = await asyncio.to_thread(self.rooms.history.rename, thread, number, name)
        return self._viewed(kept, self.rooms.history.thread(thread).current)

    async def merge(self, thread: str, parts: Mapping[str, int], rest: int | None = None) -> Result:
        """A new version with regions of some versions, `{"sky": 2}`, and the rest of another (default: the current one)."""
        from agent.plan import Part, Tree
        from agent.tree import merged, regions_there
        from tools.perceive import region as find

        async with self._alone(thread), self._place(thread):
            about = self.rooms.history.thread(thread)
            here = await self.rooms.darkroom.open(about.photo, about.name)
            try:
                wanted = tuple(Part(regions=(name,), version=number) for name, number in parts.items())
                act = Tree(act="merge", versions=(rest,), parts=wanted)
            except ValidationError as error:
                raise RecipeError("These parts cannot be put together: name regions and version numbers.") from error
            found = [name for name in parts if find(here.seen, name) is not None]
            there = regions_there(((r.name, r.area) for r in here.seen.scene.regions), found)
            made = merged(self.rooms.history, thread, act, there)
            if not made.text:
                raise ConversationError(" ".join(made.notes) or "Say which part should come from which version.")
            printed = await self.rooms.darkroom.render(here, made.recipe, solved=made.solved)
            facts = {"kind": "merge"}
            version = await self._add(thread, printed, made.text, facts, made.base.number)
        return self._show(thread, version, " ".join((made.text, *made.notes)), new=True)

    async def versions(self, thread: str) -> tuple[VersionView, ...]:
        """The edit tree, oldest first, beginning with 0, the photo as opened."""
        current = self.rooms.history.thread(thread).current
        return tuple(self._viewed(v, current) for v in self.rooms.history.versions(thread))

    async def recipe(self, thread: str, version: int | None = None) -> Recipe:
        """The recipe of a version; of the current one by default."""
        return self.rooms.history.version(thread, version).recipe

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
        bits: int | None = None,
        long_edge: int | None = None,
        profile: Literal["srgb"] | None = None,
        told: Callable[[str, float], None] | None = None,
    ) -> Path:
        """Render a version at full size and save it; without `out`, as a new file in `settings.home / "exports"`.

        `told` hears, in another thread, how far "render" is (0..1) and when "write" begins; the rest is as in
        `tools.photo.save_photo`. Who stops waiting for it stops the work as well, between two bands of a repair.
        """
        from agent.present import save

        kept = self.rooms.history.version(thread, version)
        how = {
            "format": format, "quality": quality, "overwrite": overwrite, "metadata": metadata, "gps": gps, "bits": bits,
            "long_edge": long_edge, "profile": profile, "told": told,
        }  # fmt: skip
        async with self._place(thread):
            return await save(self.rooms, thread, kept, out, **how)

    def original(self, thread: str) -> Path:
        """PNG of the photo as opened, of the same size as every version's preview."""
        return self.rooms.store.path(self.rooms.history.version(thread, 0).preview)

    async def threads(self, user: str) -> tuple[ThreadView, ...]:
        """The conversations of a person, newest first."""
        return tuple(self._listed(thread) for thread in self.rooms.history.threads(user))

    async def delete(self, thread: str, user: str) -> None:
        """Forget a conversation for good; photos and previews that no other one refers to go with the next collection.

        What was learned from it stays; `memory.forget` forgets that.
        """
        self._mine(thread, user)
        async with self._alone(thread):
            await self._saver.adelete_thread(thread)
            await asyncio.to_thread(self.rooms.history.delete, thread)
        await self.collect()

    async def collect(self, *, older_than: float = 3600.0) -> int:
        """Delete blobs that nothing refers to and that are older than `older_than` seconds; returns the bytes freed."""
        referenced = await asyncio.to_thread(self.rooms.history.references)
        return await asyncio.to_thread(partial(self.rooms.store.collect, referenced, older_than=older_than))

    @property
    def memory(self) -> "Memory":
        """What this installation has learned."""
        return self.rooms.memory

    # ── inside ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _viewed(self, v: Version, current: int) -> VersionView:
        return VersionView(
            number=v.number,
            parent=v.parent,
            current=v.number == current,
            label=v.label,
            thumbnail=self.rooms.store.path(v.thumbnail),
            preview=self.rooms.store.path(v.preview),
            feedback=v.feedback,
            strength=v.facts.get("strength", 1.0),
        )

    async def _add(
        self, thread: str, made: "Print", label: str, facts: dict[str, Any], parent: int | None = None
    ) -> Version:
        """A version that no message made. `facts`: those beside what was measured; `parent`: by default the current one."""
        measured = {"changes": made.changes, "before": made.before, "after": made.after, "seconds": made.seconds}
        return await asyncio.to_thread(
            partial(
                self.rooms.history.add,
                thread,
                made.recipe,
                preview=made.preview,
                thumbnail=made.thumbnail,
                label=label,
                turn=str(uuid.uuid4()),
                parent=parent,
                facts={**measured, **facts},
            )
        )

    def _mine(self, thread: str, user: str) -> Thread:
        about = self.rooms.history.thread(thread)
        if about.user != user:
            # The same words as for a thread that does not exist: whose it is, is nobody's business.
            raise ConversationError("This conversation is not known here; open the photo again.")
        return about

    def _listed(self, thread: Thread) -> ThreadView:
        current = self.rooms.history.version(thread.id)
        return ThreadView(
            thread=thread.id,
            name=thread.name,
            created=thread.created,
            versions=thread.versions,
            thumbnail=self.rooms.store.path(current.thumbnail),
        )


def unpacked(path: Path) -> int | None:
    """Bytes of a photo once it is opened, by what its file says at its beginning; None when that is not to be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.width * image.height * 3 * (2 if "16" in image.mode else 1)
    except Exception:  # whatever is wrong with the file is said when it is opened for good
        return None
