"""The darkroom: opens photos, perceives them, renders recipes; in threads, a bounded number at a time.

Opened photos stay in memory for the next turn, the least recently used leave first. Pictures go into the store and only
their hashes come out.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from agent.events import Measures
from agent.settings import Settings
from agent.store import Store
from models.attributes import Reading, Ruler, change, read, ruler
from models.errors import ConversationError
from models.mask import guide
from models.recipe import Hint, Look, Recipe
from models.reference import Reference, averaged
from models.vocabulary import MAP_ATTRIBUTES, SPATIAL_REGIONS

if TYPE_CHECKING:
    from agent.plan import Plan
    from tools.artist import Commission
    from tools.perceive import Seen
    from tools.photo import Photo

T = TypeVar("T")
Pixels = NDArray[np.uint8]

#: Long edge of a version's thumbnail, and of the picture on which versions are measured.
THUMBNAIL: Final = 256
#: Long edge on which review reads a preview: what averages out on a thumbnail still shows.
FINE: Final = 512
#: Readings of previews that are remembered, and fine rulers of a photo that are kept.
REMEMBERED: Final = 4096
REGIONS: Final = 6
#: What a share of lost detail weighs beside the critic's remarks: 10 % of the photo is as bad as the worst remark.
DETAIL: Final = 10.0


@dataclass(frozen=True, eq=False)
class Opened:
    """A photo with what is seen in it. `space_bytes`: what it takes in memory."""

    photo: "Photo"
    seen: "Seen"
    space_bytes: int
    rulers: dict[str, Ruler]
    """Per region, on the photo as opened at `THUMBNAIL` pixels; `before` is that picture."""
    before: NDArray[np.float32]
    readings: dict[str, Reading]
    """What the rulers read on it."""
    flaws: float
    """What the critic finds wrong with it."""
    fine: dict[str, tuple[Ruler, Reading] | None] = field(default_factory=dict)
    """Per region asked about so far, on up to `FINE` pixels: its ruler, and what that reads on the photo as opened."""


class Print(BaseModel):
    """A rendition that is in the store, as small JSON: hashes of its pictures, and what was measured on it."""

    model_config = ConfigDict(frozen=True)

    recipe: Recipe
    """As rendered, with its solved develop parameters."""
    preview: str
    thumbnail: str
    asked: Measures = {}
    achieved: Measures = {}
    """Per region and attribute of the map, in values; see `tools.retouch`."""
    spill: float = 0.0
    clipped: float = 0.0
    """Share of the photo whose detail went to plain white or black."""
    skin_drift: float = 0.0
    structure: float = 1.0
    """Fine structure after the repairs as a share of what it was."""
    flaws: float = 0.0
    """What the critic finds wrong beyond the photo as opened (`agent.flaws`); only of a recipe with a look."""
    seconds: dict[str, float] = {}
    before: Measures = {}
    after: Measures = {}
    """Readings of each region, in the units of `models.attributes`."""
    changes: Measures = {}
    """Measured change of each region, in values."""


class Sample(BaseModel):
    """What was found of a recipe tried on the thumbnail: the critic's remarks beyond the photo as opened, detail lost."""

    model_config = ConfigDict(frozen=True)

    flaws: float
    clipped: float


class Darkroom:
    """Built once an installation. All methods may be awaited side by side."""

    def __init__(self, settings: Settings, store: Store):
        self.settings = settings
        self.store = store
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._opening: dict[str, asyncio.Lock] = {}
        self._neutral: OrderedDict[str, Measures] = OrderedDict()
        self._shown: OrderedDict[tuple[str, str, str], dict[str, float]] = OrderedDict()
        # Turns have waited in `agent.line`; this keeps what comes by another way, as an export, within the same bound.
        self._places = asyncio.Semaphore(settings.renders)

    async def work(self, call: Callable[..., T], *arguments: Any) -> T:
        """Run CPU work in a thread, when there is a place."""
        async with self._places:
            return await asyncio.to_thread(call, *arguments)

    async def take_in(self, path: Path) -> Opened:
        """Open a file and keep a copy. Raises `PhotoError`."""
        from tools.photo import MAX_BYTES, open_photo

        photo = await self.work(open_photo, path)
        await asyncio.to_thread(self.store.put_file, path, MAX_BYTES)
        return await self._look(photo)

    async def open(self, sha: str, name: str = "") -> Opened:
        """A photo of the store, opened and perceived; at once when it is still in memory."""
        from tools.photo import open_photo

        async with self._opening.setdefault(sha, asyncio.Lock()):
            if sha in self._opened:
                self._opened.move_to_end(sha)
                return self._opened[sha]
            photo = await self.work(open_photo, self.store.path(sha))
            return await self._look(replace(photo, name=name) if name else photo)

    async def _look(self, photo: "Photo") -> Opened:
        from agent.flaws import flaws
        from tools.perceive import perceive

        def look() -> Opened:
            seen = perceive(photo)
            before = _shrink(seen.thumbnail)
            luma = guide(before)
            found = {name: ruler(before, mask.render(luma)) for name, mask in seen.masks.items()}
            rulers = {name: by for name, by in found.items() if by is not None}
            return Opened(
                photo,
                seen,
                photo.pixels.nbytes + (photo.alpha.nbytes if photo.alpha is not None else 0) + 20_000_000,
                rulers,
                before,
                {name: read(before, by) for name, by in rulers.items()},
                flaws(before, seen.scene.tags),
            )

        opened = await self.work(look)
        self._opened[photo.sha256] = opened
        while len(self._opened) > 1 and sum(o.space_bytes for o in self._opened.values()) > self._budget:
            gone, _ = self._opened.popitem(last=False)
            self._opening.pop(gone, None)
        return opened

    @property
    def _budget(self) -> int:
        return self.settings.photos_in_memory

    async def original(self, opened: Opened) -> tuple[str, str]:
        """Hashes of the preview and the thumbnail of the photo as opened."""
        from tools.photo import thumbnail

        def make() -> tuple[str, str]:
            small = thumbnail(opened.photo, self.settings.preview_edge)
            return self._keep(opened, np.asarray(np.rint(small * 255), np.uint8))

        return await self.work(make)

    async def referred(self, paths: Sequence[Path]) -> Reference:
        """Measure references, several as one. Raises `PhotoError`."""
        from tools.reference import read_reference

        return averaged([await self.work(read_reference, path) for path in paths])

    async def alike(self, opened: Opened, reference: Reference, plan: "Plan", share: float = 1.0) -> Recipe:
        """The recipe that gives a photo the look of a reference, as strongly as the plan says and a `share` of that, on
        top of the automatic look where the plan frees it."""
        from tools.reference import carried

        strength = share * (plan.likeness.strength if plan.likeness is not None else 1.0)
        look = Look(style=reference.style) if plan.free else None
        return await self.work(carried, reference, opened.seen, strength, look)

    async def lent(self, opened: Opened, reference: Reference, plan: "Plan", share: float = 1.0) -> tuple[Hint, ...]:
        """The colours that a reference lends to a photo which is colourised, as near to its own as `alike` its look."""
        from tools.colourise import hints_of

        strength = share * (plan.likeness.strength if plan.likeness is not None else 1.0)
        return await self.work(hints_of, reference, opened.seen, strength)

    async def drawn(self, opened: Opened, wanted: "Commission", settings: Settings) -> str:
        """A look of a photo for `Look.drawn`, by the artist of `settings`. Raises `WeightsError`."""
        from tools import artist

        def make() -> str:
            by = artist.load(settings.artist or "", settings.artist_device)
            return artist.draw(opened.seen, wanted, by, settings.artist_steps)

        return await self.work(make)

    async def aimed(self, opened: Opened, recipe: Recipe, aims: Measures) -> Recipe:
        """The recipe with parameters that bring its regions to `aims` on the thumbnail; its values stay."""
        from tools.retouch import solve

        return await self.work(lambda: solve(opened.seen, recipe, aims))

    async def render(self, opened: Opened, recipe: Recipe, *, solved: bool = False) -> Print:
        """Render a recipe at preview size and measure it. `solved`: the develop parameters are meant as they are."""
        from agent.flaws import flaws
        from tools.retouch import retouch, solve

        def make() -> Print:
            start = time.perf_counter()
            ready = recipe if solved else solve(opened.seen, recipe)
            took = time.perf_counter() - start
            rendition = retouch(opened.photo, opened.seen, ready, self.settings.preview_edge)
            start = time.perf_counter()
            preview, small = self._keep(opened, rendition.preview)
            named = {s.region for s in rendition.recipe.settings}
            before, after, changes = measures(opened, rendition.preview, named)
            seconds = {**rendition.seconds, "solve": took, "keep": time.perf_counter() - start}
            looked = ready.look is not None and ready.look.strength > 0
            found = flaws(_like(opened, rendition.preview), opened.seen.scene.tags) if looked else opened.flaws
            return Print(
                recipe=rendition.recipe,
                preview=preview,
                thumbnail=small,
                asked=rounded(rendition.asked),
                achieved=rounded(rendition.achieved),
                spill=round(float(rendition.spill), 4),
                clipped=round(rendition.clipped, 5),
                skin_drift=round(float(rendition.skin_drift), 4),
                structure=round(rendition.structure, 3),
                flaws=round(found - opened.flaws, 4),
                seconds={name: round(s, 4) for name, s in seconds.items()},
                before=before,
                after=after,
                changes=changes,
            )

        return await self.work(make)

    async def shown(self, opened: Opened, preview: str, regions: Collection[str]) -> Measures:
        """Measured change of `regions` in a stored preview, read on up to `FINE` pixels; remembered, as pictures stay."""
        sha = opened.photo.sha256
        missing = [name for name in regions if (sha, preview, name) not in self._shown]

        def look() -> Measures:
            picture = cv2.imread(str(self.store.path(preview)), cv2.IMREAD_COLOR)
            if picture is None:
                raise ConversationError("A stored picture of this conversation is damaged; open the photo again.")
            return finely(opened, np.asarray(picture[..., ::-1], np.uint8), missing)

        if missing:
            # Short work: to wait for a place once more in a turn would cost more than it takes.
            found = await asyncio.to_thread(look)
            self._shown |= {(sha, preview, name): found.get(name, {}) for name in missing}
        out = {name: changes for name in regions if (changes := self._shown[sha, preview, name])}
        while len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        return out

    async def best(self, opened: Opened, recipes: Sequence[Recipe]) -> tuple[int, tuple[Sample, ...]]:
        """Try recipes on the thumbnail; the index of the best, the first of equals, and what was found of each.

        Best is what the critic finds least wrong with, and what loses least detail.
        """
        from agent.flaws import flaws
        from tools.retouch import retouch

        small = replace(opened.photo, pixels=np.asarray(np.rint(opened.before * 255), np.uint8), alpha=None)

        def make() -> tuple[Sample, ...]:
            out = []
            for recipe in recipes:
                rendition = retouch(small, opened.seen, recipe, THUMBNAIL)
                found = flaws(_like(opened, rendition.preview), opened.seen.scene.tags) - opened.flaws
                out.append(Sample(flaws=round(found, 4), clipped=round(rendition.clipped, 5)))
            return tuple(out)

        samples = await self.work(make)
        costs = [round(s.flaws + DETAIL * s.clipped, 2) for s in samples]
        return costs.index(min(costs)), samples

    async def neutral(self, opened: Opened) -> Measures:
        """Measured change that the neutral automatic look makes to each region of this photo; once a photo."""
        sha = opened.photo.sha256
        if sha not in self._neutral:
            from tools.retouch import retouch

            def make() -> Measures:
                rendition = retouch(opened.photo, opened.seen, Recipe(look=Look()), THUMBNAIL * 2)
                return measures(opened, rendition.preview)[2]

            self._neutral[sha] = await self.work(make)
            while len(self._neutral) > 512:
                self._neutral.popitem(last=False)
        return self._neutral[sha]

    async def export(
        self, opened: Opened, recipe: Recipe, out: Path, told: Callable[[str, float], None] | None = None, **how: Any
    ) -> Path:
        """Render at full size and save; `how` as in `tools.photo.save_photo`. `told` hears how far "render" is, then "write".

        When it is cancelled, the work ends between two bands of a repair, and no file is made.
        """
        from tools.photo import save_photo
        from tools.retouch import render_full

        stopped = threading.Event()

        def hears(step: str, share: float) -> None:
            if stopped.is_set():
                raise ConversationError("Stopped; no file was made.")
            if told is not None:
                told(step, share)

        def make() -> Path:
            hears("render", 0.0)
            pixels = render_full(
                opened.photo, opened.seen, recipe, how.get("bits"), lambda share: hears("render", share)
            )
            hears("write", 0.0)
            return save_photo(pixels, opened.photo, out, **how)  # type: ignore[arg-type]

        try:
            return await self.work(make)
        except asyncio.CancelledError:
            stopped.set()
            raise

    def _keep(self, opened: Opened, picture: Pixels) -> tuple[str, str]:
        """Store a preview and its thumbnail as PNG with the profile of the photo's working space."""
        from tools.photo import encode_preview

        small = np.asarray(np.rint(_shrink(picture.astype(np.float32) / np.float32(255)) * 255), np.uint8)
        space = opened.photo.space
        preview, thumbnail = (encode_preview(p, format="PNG", space=space) for p in (picture, small))
        return self.store.put(preview, ".png"), self.store.put(thumbnail, ".png")


def rounded(values: Measures) -> Measures:
    """Four decimals: enough for a measurement, short in JSON."""
    return {region: {name: round(float(v), 4) for name, v in of.items()} for region, of in values.items()}


def measures(opened: Opened, picture: Pixels, named: Collection[str] = ()) -> tuple[Measures, Measures, Measures]:
    """What the regions of a photo read before and after, and the change in values (`models.attributes.change`).

    `picture`: (h, w, 3) uint8, the same view as the photo at any size. Regions of place are left out unless `named`.
    """
    small = _like(opened, picture)
    before: Measures = {}
    after: Measures = {}
    changes: Measures = {}
    for name, by in opened.rulers.items():
        if name in SPATIAL_REGIONS and name not in named:
            continue
        one, two = opened.readings[name], read(small, by)
        before[name] = {k: round(v, 2) for k, v in one.attributes().items()}
        after[name] = {k: round(v, 2) for k, v in two.attributes().items()}
        moved = change(one, two)
        changes[name] = {k: round(moved[k], 4) for k in MAP_ATTRIBUTES}
    return before, after, changes


def finely(opened: Opened, picture: Pixels, regions: Collection[str]) -> Measures:
    """Change of `regions` in values, like `measures` but on up to `FINE` pixels. Regions that cannot be read are left out."""
    from tools.perceive import region as find

    before = opened.seen.thumbnail
    luma = guide(before)
    size = before.shape[1::-1]
    after = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    out: Measures = {}
    for name in regions:
        known = opened.fine.get(name)
        if name not in opened.fine:
            mask = find(opened.seen, name)
            weight = mask.render(luma) if mask is not None else np.ones(luma.shape, np.float32)
            by = ruler(before, weight) if mask is not None or name == "global" else None
            if len(opened.fine) >= REGIONS:
                opened.fine.clear()
            known = opened.fine[name] = (by, read(before, by)) if by is not None else None
        if known is None:
            continue
        moved = change(known[1], read(after / np.float32(255), known[0]))
        out[name] = {k: round(moved[k], 4) for k in MAP_ATTRIBUTES}
    return out


def _like(opened: Opened, picture: Pixels) -> NDArray[np.float32]:
    """A picture at the size of `opened.before`."""
    height, width = opened.before.shape[:2]
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)


def _shrink(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture (h, w, 3) at `THUMBNAIL` pixels or less, area averaged."""
    height, width = picture.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def as_jpeg(png: Path) -> bytes:
    """A stored picture as a JPEG, for a served model or for memory."""
    picture = cv2.imread(str(png), cv2.IMREAD_COLOR)
    if picture is None:
        raise ConversationError("A stored picture of this conversation is damaged; open the photo again.")
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])
