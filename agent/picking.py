"""What is selected on the photo: its region's name for a turn, and a picture of what a selection has caught."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mask, pick
from models.errors import ConversationError
from models.pick import box, point, stroke
from tools.perceive import Seen, region

__all__ = ["box", "outlined", "point", "stroke"]


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
