"""Where things are on the photo: what is selected, its region's name for a turn, and pictures that show a region."""

import hashlib
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mask, pick
from models.errors import ConversationError
from models.pick import box, point, stroke
from models.vocabulary import SEMANTIC_REGIONS
from tools.perceive import Seen, region, shrink

__all__ = ["box", "outlined", "point", "shown_regions", "stroke"]

#: Long edge of a region's overlay, and the share of the photo below which a region is not offered.
OVERLAY_EDGE: Final = 640
SMALLEST: Final = 0.002
#: The tint of an overlay, RGB, and how much of it covers the photo.
TINT: Final = (255, 140, 40)
COVER: Final = 0.5


def shown_regions(seen: Seen, limit: int = 12) -> tuple[str, ...]:
    """The regions of meaning that the photo has, the largest first; what holds the others, as the background, last."""
    wide = ("subject", "background", "foreground")
    areas = {r.name: r.area for r in seen.scene.regions if r.name in SEMANTIC_REGIONS and r.area >= SMALLEST}
    return tuple(sorted(areas, key=lambda name: (name in wide, -areas[name])))[:limit]


def save_overlay(seen: Seen, name: str, folder: Path) -> Path | None:
    """A PNG in `folder`, clear but for the region `name`, which is tinted and outlined; None when it is not in the photo.

    It has the photo's shape at `OVERLAY_EDGE` pixels or less, to be laid over it.
    """
    found = region(seen, name)
    if found is None:
        return None
    out = folder / f"region-{hashlib.sha256(f'{seen.scene.photo} {name}'.encode()).hexdigest()[:16]}.png"
    if not out.exists():
        small = shrink(seen.thumbnail, OVERLAY_EDGE)
        weight = found.render(mask.guide(small))
        plane = np.empty((*weight.shape, 4), np.uint8)
        plane[..., :3] = TINT[::-1]
        plane[..., 3] = np.rint(weight * (255 * COVER))
        border, _ = cv2.findContours((weight > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(plane, border, -1, (255, 255, 255, 230), 1)
        cv2.imwrite(str(out), plane, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return out


def outlined(seen: Seen, name: str, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`picture` (h, w, 3) of the photo with everything but the selection `name` dimmed and its border drawn.

    Raises `ConversationError` for a name that is no selection.
    """
    if pick.parse(name) is None or (found := region(seen, name)) is None:
        raise ConversationError("Select something first: click on the photo, draw a box or paint over it.")
    weight = found.render(mask.guide(picture))
    shown = picture.astype(np.float32) * (0.45 + 0.55 * weight[..., None])
    border, _ = cv2.findContours((weight > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thick = max(1, round(max(picture.shape[:2]) / 500))
    return cv2.drawContours(np.ascontiguousarray(shown.astype(np.uint8)), border, -1, (255, 220, 60), thick)


def save_outlined(seen: Seen, name: str, picture: Path, folder: Path) -> Path:
    """`outlined` of a picture file, as a PNG in `folder`. Raises `ConversationError`."""
    pixels = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ConversationError("The picture of this version is gone; open the photo again.")
    shown = outlined(seen, name, np.asarray(pixels[..., ::-1], np.uint8))
    out = folder / f"selection-{hashlib.sha256(f'{picture.name} {name}'.encode()).hexdigest()[:16]}.png"
    cv2.imwrite(str(out), shown[..., ::-1])
    return out
