"""Single acts without a conversation: look at a photo, apply a recipe. What the command line calls."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.picking import outlined
from agent.settings import Settings
from models.errors import PhotoError, RecipeError
from models.mask import guide
from models.recipe import Recipe
from tools import hub, hub_restorer
from tools.perceive import Seen, describe, overlay, perceive, region
from tools.photo import Photo, Pixels, open_photo, save_photo

if TYPE_CHECKING:
    from agent.planner.opinions import Critique
    from agent.studio import Studio

#: A recipe file larger than this is none.
_MAX_RECIPE = 1 << 20

#: Long edge of an overlay, pixels.
_OVERLAY_EDGE = 1600


@dataclass(frozen=True, eq=False)
class View:
    """A photo and what is seen in it."""

    photo: Photo
    seen: Seen


def look(path: Path) -> View:
    """Open a photo and perceive it. Raises `PhotoError`, and `WeightsError` for a segmentation model that can't be had."""
    hub.choose(Settings().segmenter)
    hub_restorer.choose(Settings().restorer)
    photo = open_photo(path)
    return View(photo, perceive(photo))


async def regions(studio: "Studio", thread: str) -> list[dict[str, object]]:
    """What is seen in a conversation's photo: name, area, confidence and measured attributes of each region."""
    here = await studio.rooms.opened(thread)
    return [region.model_dump() for region in here.seen.scene.regions]


def save_masks(view: View, folder: Path, *, picked: str = "", overwrite: bool = False) -> dict[str, Path]:
    """Every region's soft mask as an 8-bit grey PNG of the photo's size: `sky.png`, `person.png` …

    With a selection `picked` (`agent.picking`) also `selection.png`.

    Raises `PhotoError` when a file is there already or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PhotoError(f"The folder {folder} cannot be made: {error.strerror}; choose another.") from error
    masks = dict(view.seen.masks)
    if picked and (found := region(view.seen, picked)) is not None:
        masks["selection"] = found
    places = {name: folder / f"{name}.png" for name in masks}
    if not overwrite and (taken := [place for place in places.values() if place.exists()]):
        raise PhotoError(f"{taken[0]} is there already; choose another folder or add --overwrite.")
    luma = guide(view.photo.pixels)
    for name, place in places.items():
        mask = masks[name].render(luma)
        _write_png(place, np.asarray(np.rint(mask * np.float32(255)), np.uint8))
    return places


def save_overlay(view: View, out: Path, *, picked: str = "", overwrite: bool = False) -> Path:
    """The photo with its regions of meaning tinted and named, or the selection `picked` alone; a PNG of at most 1600 px."""
    if out.exists() and not overwrite:
        raise PhotoError(f"{out} is there already; choose another name or add --overwrite.")
    pixels = view.photo.pixels
    small = _fit(np.asarray(pixels >> 8 if pixels.dtype == np.uint16 else pixels, np.uint8), _OVERLAY_EDGE)
    _write_png(out, (outlined(view.seen, picked, small) if picked else overlay(view.seen, small))[..., ::-1])
    return out


def in_words(view: View) -> str:
    """The scene for a person to read: several lines of plain text."""
    return describe(view.seen)


def opinion(view: View) -> "Critique | None":
    """What a served model that sees thinks of a photo; None without one. Raises `ServerError`."""
    from agent.appraisal import appraise
    from agent.planner.server import Server

    settings = Settings()
    if not settings.llm_url:
        return None
    server = Server(settings.llm_url, settings.llm_model, settings.llm_timeout, settings.llm_key)
    return asyncio.run(appraise(server, view.seen))


def apply_recipe(recipe: Path, photo: Path, out: Path, *, overwrite: bool = False, **how: Any) -> Path:
    """Render a recipe file on a photo at full size. Takes a plain recipe or an object with one under `recipe`.

    `how`: as in `tools.photo.save_photo`. Raises `RecipeError` or `PhotoError`.
    """
    from tools.retouch import render_full

    chosen = read_recipe(recipe)
    view = look(photo)
    pixels = cast("Pixels", render_full(view.photo, view.seen, chosen, how.get("bits")))
    return save_photo(pixels, view.photo, out, overwrite=overwrite, **how)


def warm(photo: Path) -> None:
    """Load the weights and compile the kernels on a photo, so that the first person to come need not wait for them."""
    from models.recipe import Look, Setting
    from tools.retouch import retouch

    view = look(photo)
    recipe = Recipe(settings=(Setting(values={"brightness": 0.1, "saturation": 0.1}),), look=Look(steps=1))
    retouch(view.photo, view.seen, recipe, long_edge=256)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file. Raises `RecipeError` in one sentence."""
    try:
        if path.is_dir():
            raise RecipeError(f"{path.name} is a folder; give a recipe file.")
        if path.stat().st_size > _MAX_RECIPE:
            raise RecipeError(f"{path.name} is too large for a recipe; export it again from Burnish.")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}; check the path.") from error
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict) and "schema_version" not in data and isinstance(data.get("recipe"), dict):
        text = json.dumps(data["recipe"])
    return Recipe.from_json(text)


def _fit(rgb: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = edge / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _write_png(place: Path, image: NDArray[np.uint8]) -> None:
    """Write through a draft beside the place, so that no half file is ever seen."""
    done, data = cv2.imencode(".png", np.ascontiguousarray(image))
    draft = place.with_name(f".{place.name}.part")
    try:
        if not done:
            raise PhotoError(f"{place.name} cannot be encoded.")
        draft.write_bytes(data.tobytes())
        draft.replace(place)
    except OSError as error:
        raise PhotoError(f"{place} cannot be written: {error.strerror}; choose another place.") from error
    finally:
        draft.unlink(missing_ok=True)
