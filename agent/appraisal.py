"""An appraisal: what a served model that sees says of a photo's composition and appeal, beside the measured critique.

It is shown as an opinion and after what was measured. Nothing of the scene changes by it: summary, scores and measured
suggestions stay, and what it suggests comes after them. Without a server nobody is asked.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from agent.planner.opinions import Critique, critique
from agent.planner.served import ServedPlanner
from agent.planner.server import Server

if TYPE_CHECKING:
    from agent.rooms import Rooms
    from tools.perceive import Seen

#: How an appraisal is announced wherever it is shown.
WHOSE: Final = "An opinion of the language model, not a measurement"
#: Photos whose appraisal is remembered.
KEPT: Final = 256


async def appraise(server: Server, seen: "Seen") -> Critique | None:
    """What the model thinks of a photo; None when it has no eyes. Raises `ServerError`."""
    picture = await asyncio.to_thread(_jpeg, seen.thumbnail)
    scene = seen.scene
    return await critique(server, picture, scene.summary, scene.critique, scene.suggestions)


def may_appraise(rooms: "Rooms") -> bool:
    """True when there is a server, and its model has not refused to look."""
    return isinstance(rooms.planner, ServedPlanner) and rooms.planner.server.sees


async def of_conversation(rooms: "Rooms", thread: str) -> Critique | None:
    """The appraisal of a conversation's photo, asked for once; None without a server that sees. Raises `ServerError`.

    It takes no place in the line, and no turn waits for it.
    """
    planner = rooms.planner
    if not isinstance(planner, ServedPlanner):
        return None
    here = await rooms.opened(thread)
    known = rooms.appraisals
    if here.photo.sha256 not in known and (said := await appraise(planner.server, here.seen)) is not None:
        known[here.photo.sha256] = said
        while len(known) > KEPT:
            known.pop(next(iter(known)))
    return known.get(here.photo.sha256)


def in_words(said: Critique) -> str:
    """An appraisal for a person to read: several lines of plain text.

    >>> print(in_words(Critique(composition="The boat holds the frame.", score=70, suggestions=("warmer",))))
    An opinion of the language model, not a measurement:
      The boat holds the frame.
      Appeal: 70 of 100
    It would say: "warmer"
    """
    lines = [f"{WHOSE}:", *(f"  {text}" for text in (said.composition, said.aesthetics) if text)]
    lines.append(f"  Appeal: {said.score} of 100")
    if said.suggestions:
        lines.append("It would say: " + "; ".join(f'"{text}"' for text in said.suggestions))
    return "\n".join(lines)


def _jpeg(picture: Any) -> bytes:
    """A picture (h, w, 3) in [0, 1] as a JPEG."""
    small = np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)
    return bytes(cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1])
