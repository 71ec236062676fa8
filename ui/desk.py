"""One person at one photo: the conversation a browser tab holds, and what the page shows of it. Knows nothing of Gradio."""

import asyncio
import hashlib
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ui.chat import Bubble, greeting, remembered
from ui.chips import Chip
from ui.shelf import folder, publish, publish_memory, sweep
from ui.visitors import Visitors
from ui.words import DEFAULT_USER, region_name

if TYPE_CHECKING:
    from agent.events import Result, VersionView
    from agent.histogram import Histogram
    from agent.studio import Studio
    from models.recipe import Recipe
    from ui.accounts import Accounts


View = Literal["", "select", "zoom", "choose"]


@dataclass(frozen=True)
class Session:
    """What a tab remembers. Only text and numbers: it is copied with every event."""

    user: str = DEFAULT_USER
    fixed: bool = False
    """True when the name comes from the login, and no profile can be chosen."""
    owner: str = ""
    """Whose browser it is (`ui.visitors`): only they may fetch what is published for this tab."""
    thread: str = ""
    name: str = ""
    """File name of the photo."""
    source: str = ""
    """Where the photo was opened from, to open it again for somebody else."""
    shelf: str = ""
    """Folder in the cache whose files this tab may fetch."""
    width: int = 0
    height: int = 0
    version: int = 0
    versions: tuple[int, ...] = (0,)
    """Numbers of the versions in the strip, in its order."""
    answers: dict[int, int] = field(default_factory=dict)
    """Index of a chat message → the version it is about."""
    picked: str = ""
    """The name of what is selected on the photo, which "this" means."""
    view: View = ""
    """What stands in the photo's place: before and after, what selects, the photo at 100 %, samples to choose from."""
    region: str = "global"
    """The region whose values the sliders show."""
    regions: tuple[str, ...] = ()
    """The regions that have a chip."""
    offered: tuple[int, ...] = ()
    """The versions that are samples to choose from."""
    managing: bool = False
    """True while the row for names and comparisons is open."""
    liking: bool = False
    """True while the slot for references is open."""
    references: tuple[tuple[str, str], ...] = ()
    """The pictures in it: their files, and their thumbnails in the cache."""
    share: float = 1.0
    """How much of their look is to be carried over."""
    given: dict[int, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Index of a chat message → the references that came with it."""

    def anew(self, **facts: Any) -> "Session":
        """Another conversation of the same person in the same tab; everything else must be passed anew."""
        return Session(user=self.user, fixed=self.fixed, owner=self.owner, **facts)


@dataclass(frozen=True)
class Frames:
    """What the page shows of where a conversation stands; pictures are paths in the cache.

    `before`, `after`: of equal size. `strip`: the versions with captions. `called`: the version's own name.
    """

    before: str
    after: str
    strip: list[tuple[str, str]]
    selected: int | None
    label: str
    called: str
    recipe: "Recipe"
    strength: float
    tones: "tuple[Histogram, Histogram]"
    chips: tuple[Chip, ...]


class Desk:
    """The studio of this process, opened when the first page asks for it, and the cache its pictures are shown from."""

    def __init__(
        self,
        open_studio: "Callable[[], Awaitable[Studio]]",
        cache: Path,
        visitors: Visitors,
        accounts: "Accounts | None" = None,
        settled: bool = False,
    ) -> None:
        """`accounts`: who may log in, where a login is asked for; `settled`: nobody changes the settings in the app."""
        self.cache = cache
        self.visitors = visitors
        self.accounts = accounts
        self.settled = settled
        self._open = open_studio
        self._studio: Studio | None = None
        self._lock = asyncio.Lock()

    def stranger(self) -> Session:
        """The session of a tab that has not arrived; where a login is asked for it is nobody's."""
        return Session(user="" if self.accounts else DEFAULT_USER, fixed=self.accounts is not None)

    def newcomer(self, name: str, login: str | None, tab: str | None) -> Session:
        """The session of a tab that was loaded: by the login, or where none is asked for by the name used here last."""
        owner = self.visitors.at(tab)
        if self.accounts is not None:
            return Session(user=login or "", fixed=True, owner=owner)
        return Session(user=name, owner=owner)

    def seated(self, session: Session, login: str | None, tab: str | None) -> Session:
        """The session, made its tab's where the page was used before it had arrived, as a quick hand on a slow day does."""
        if session.owner:
            return session
        here = self.newcomer(session.user, login, tab)
        return replace(session, user=here.user, fixed=here.fixed, owner=here.owner)

    def leave(self, session: Session) -> None:
        """A tab was closed for good: what was published for it goes."""
        if session.shelf:
            shutil.rmtree(session.shelf, ignore_errors=True)

    def may_settle(self, session: Session) -> bool:
        """Whether this person may change the settings, which hold for everybody here."""
        if self.settled:
            return False
        return self.accounts is None or (bool(session.user) and self.accounts.is_admin(session.user))

    async def studio(self) -> "Studio":
        """The studio, opened once."""
        async with self._lock:
            if self._studio is None:
                self._studio = await self._open()
            return self._studio

    async def close(self) -> None:
        """Close the studio, if it was opened."""
        async with self._lock:
            if self._studio is not None:
                await self._studio.close()
                self._studio = None

    async def open_photo(self, session: Session, path: Path) -> tuple[Session, list[Bubble]]:
        """Begin a conversation about a photo. Raises `BurnishError`."""
        opened = await (await self.studio()).start(path, session.user)
        fresh = session.anew(
            thread=opened.thread,
            name=path.name,
            source=str(path),
            shelf=str(folder(self.cache, session.owner)),
            width=opened.width,
            height=opened.height,
        )
        return fresh, [greeting(opened.summary, opened.suggestions)]

    async def glance(self, session: Session, file: Path) -> str:
        """The thumbnail of a picture to look like, a path in the cache. Raises `PhotoError` for what is no picture."""
        from agent.likeness import glance

        jpeg = await asyncio.to_thread(glance, file)
        out = Path(session.shelf) / f"like-{hashlib.sha256(jpeg).hexdigest()[:24]}.jpg"
        await asyncio.to_thread(out.write_bytes, jpeg)
        return str(out)

    async def looks(self, session: Session) -> tuple[str, ...]:
        """The names of the person's looks."""
        from agent.likeness import names

        return await asyncio.to_thread(names, (await self.studio()).memory, session.user)

    async def has_eyes(self) -> bool:
        """True when a served model may be asked what it thinks of a photo."""
        from agent.appraisal import may_appraise

        return may_appraise((await self.studio()).rooms)

    async def appraised(self, session: Session) -> Bubble | None:
        """The greeting with a served model's opinion of the photo in it; None without one. Raises `ServerError`."""
        from agent.appraisal import of_conversation

        rooms = (await self.studio()).rooms
        opinion = await of_conversation(rooms, session.thread)
        scene = (await rooms.opened(session.thread)).seen.scene
        return greeting(scene.summary, scene.suggestions, opinion) if opinion else None

    async def resume(self, session: Session, thread: str) -> tuple[Session, list[Bubble]]:
        """Take up a conversation of this person. Raises `BurnishError` when it is not theirs or not known."""
        back = await (await self.studio()).resume(thread, session.user)
        messages = remembered(back.messages, back.result)
        answers = {i: m.version for i, m in enumerate(back.messages) if m.role == "assistant" and m.version is not None}
        if not messages:
            messages = [greeting(back.summary, back.suggestions)]
        fresh = session.anew(
            thread=back.thread,
            name=back.name,
            shelf=str(folder(self.cache, session.owner)),
            width=back.width,
            height=back.height,
            version=back.result.version,
            answers=answers,
        )
        return fresh, messages

    async def frames(self, session: Session) -> tuple[Session, Frames]:
        """What the page shows of where the conversation stands."""
        from agent.histogram import histogram

        studio = await self.studio()
        views = await studio.versions(session.thread)
        place = Path(session.shelf)
        at = next((view for view in views if view.current), views[0])
        recipe = await studio.recipe(session.thread, at.number)
        original = studio.original(session.thread)
        chips = await self.chips(session, recipe)
        tones = [await asyncio.to_thread(histogram, picture) for picture in (original, at.preview)]
        numbers = tuple(view.number for view in views)
        frames = Frames(
            before=publish(original, place),
            after=publish(at.preview, place),
            strip=[(publish(view.thumbnail, place), caption(view)) for view in views],
            selected=numbers.index(at.number),
            label="as opened" if at.number == 0 else f"version {at.number}",
            called=at.label,
            recipe=recipe,
            strength=at.strength,
            tones=(tones[0], tones[1]),
            chips=chips,
        )
        names = tuple(chip.name for chip in chips)
        region = session.region if session.region in names else "global"
        return replace(session, version=at.number, versions=numbers, regions=names, region=region), frames

    async def chips(self, session: Session, recipe: "Recipe") -> tuple[Chip, ...]:
        """The regions that can be pointed at: those seen, what is selected, and whatever else the recipe speaks of."""
        from agent.picking import save_overlay, shown_regions

        seen = (await (await self.studio()).rooms.opened(session.thread)).seen
        # What a person has pointed at or spoken of comes before what is merely there.
        seen_here = shown_regions(seen)
        spoken_of = [n for n in (session.picked, *(s.region for s in recipe.settings)) if n and n != "global"]
        names = dict.fromkeys([*(n for n in spoken_of if n not in seen_here), *seen_here])
        place = Path(session.shelf)

        def make() -> tuple[Chip, ...]:
            found = ((name, save_overlay(seen, name, place)) for name in names)
            return tuple(Chip(name, region_name(name), str(overlay)) for name, overlay in found if overlay)

        return await asyncio.to_thread(make)

    async def preview_size(self, session: Session) -> tuple[int, int]:
        """Width and height, in pixels, of the previews of the open photo."""
        from PIL import Image

        with Image.open((await self.studio()).original(session.thread)) as picture:
            return picture.size

    async def selection(self, session: Session) -> str:
        """The picture of the current version, with what is selected standing out."""
        from agent.picking import save_outlined

        studio = await self.studio()
        view = next(v for v in await studio.versions(session.thread) if v.current)
        if not session.picked:
            return publish(view.preview, Path(session.shelf))
        seen = (await studio.rooms.opened(session.thread)).seen
        return str(await asyncio.to_thread(save_outlined, seen, session.picked, view.preview, Path(session.shelf)))

    async def full_size(self, session: Session) -> tuple[str, str]:
        """The photo as opened and the current version, rendered at their own size, for the eye; made once."""
        studio, made = await self.studio(), []
        for number in (0, session.version):
            out = Path(session.shelf) / f"full-{number}.jpg"
            if not out.exists():
                await studio.export(
                    session.thread, out, quality=92, version=number, overwrite=True, metadata=False, gps=False
                )
            made.append(str(out))
        return made[0], made[1]

    async def samples(self, session: Session) -> list[tuple[str, str]]:
        """The samples to choose from, for a gallery."""
        views = {view.number: view for view in await (await self.studio()).versions(session.thread)}
        place = Path(session.shelf)
        return [(publish(views[n].preview, place), f"Version {n}") for n in session.offered if n in views]

    async def side_by_side(self, session: Session, numbers: tuple[int, int]) -> tuple[str, str]:
        """Pictures of two versions that a person wants to compare."""
        views = {view.number: view for view in await (await self.studio()).versions(session.thread)}
        one, two = (publish(views[number].preview, Path(session.shelf)) for number in numbers)
        return one, two

    async def liked(self, session: Session, result: "Result") -> list[str]:
        """Pictures of the liked photos that a result leans on; what has been forgotten meanwhile is swept away."""
        place = Path(session.shelf)
        if result.plan is not None and result.plan.command == "forget":
            await self.sweep(session.user)
        return [
            publish_memory(path, path.stem, session.user, place) for path in result.memory_thumbnails if path.exists()
        ]

    async def expected(self, session: Session) -> str:
        """What memory expects the person to want on the open photo, as a sentence; empty without a photo."""
        if not session.thread:
            return ""
        from agent.taste import taste_of

        rooms = (await self.studio()).rooms
        scene = (await rooms.opened(session.thread)).seen.scene
        return (await asyncio.to_thread(taste_of, rooms.memory, session.user, scene)).sentence

    async def sweep(self, user: str) -> None:
        """Take back the published pictures of what a person has forgotten."""
        memory = (await self.studio()).memory
        kept = {r.thumbnail for r in await asyncio.to_thread(memory.list, user)}
        await asyncio.to_thread(sweep, self.cache, user, kept)

    async def recent(self, session: Session, limit: int = 8) -> tuple[list[tuple[str, str]], list[str]]:
        """The person's last conversations: pictures with captions for a gallery, and their threads."""
        views = (await (await self.studio()).threads(session.user))[:limit]
        if not views:
            return [], []
        place = folder(self.cache, session.owner)
        return [(publish(v.thumbnail, place), v.name) for v in views], [v.thread for v in views]


def caption(view: "VersionView") -> str:
    """What stands under a version in the strip: its number, what it branched off from, its name."""
    mark = {"like": "♥ ", "dislike": "✕ ", None: ""}[view.feedback]
    if view.number == 0:
        return f"{mark}Original"
    branch = f" ↰{view.parent}" if view.parent not in (None, view.number - 1) else ""
    return f"{mark}{view.number}{branch} · {view.label}"
