"""A person's taste on one photo: which scene encoder memory rests on, and what memory expects on a scene.

Memory knows nothing of photos; what has to be looked at again after the scene encoder has changed is looked at here.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from agent.decide import Taste
from models import pinned
from models.errors import PreferenceError, WeightsError

if TYPE_CHECKING:
    from agent.store import Store
    from memory.record import Preference
    from memory.taste import Memory
    from tools.perceive import Scene

#: Raised when photos are looked at in another way with the same weights, so that their embeddings change.
LOOKING: Final = 1
#: Weights that an embedding depends on.
WEIGHTS: Final = ("segmenter", "scene")
#: Remembered photos that an answer shows.
SHOWN: Final = 4
#: Values below this are not worth a setting.
FAINT: Final = 0.01


def encoder() -> str:
    """The identity of the scene encoder: 12 hexadecimal digits of the sha256 of its weights' pins.

    >>> len(encoder()), encoder() == encoder()
    (12, True)
    """
    pins = []
    for name in WEIGHTS:
        try:
            pins.append(pinned.pinned_sha256(name) if pinned.available(name) else "")
        except WeightsError:
            pins.append("")
    return hashlib.sha256(" ".join((*pins, str(LOOKING))).encode()).hexdigest()[:12]


def embedder(store: "Store") -> "Callable[[Preference, bytes | None], Sequence[float] | None]":
    """How memory embeds an older record anew: from its photo while that is kept in `store`, else from its thumbnail."""

    def embed(record: "Preference", jpeg: bytes | None) -> Sequence[float] | None:
        from tools.perceive import look
        from tools.photo import Photo, open_photo

        if record.photo in store:
            photo = open_photo(store.path(record.photo))
        else:
            import cv2
            import numpy as np

            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
            if picture is None:
                return None
            pixels = np.ascontiguousarray(picture[..., ::-1], np.uint8)
            photo = Photo(pixels, None, record.thumbnail, "", "JPEG", "srgb", None, {})
        found = look(photo).scene.embedding
        return found if any(found) else None

    return embed


def taste_of(memory: "Memory", user: str, scene: "Scene", like: str | None = None) -> Taste:
    """What `user` is expected to want on `scene`. `like`: what somebody else would, if they share their taste.

    Nothing is expected of a scene that cannot be told from others. Raises `PreferenceError` for a taste that is not shared.
    """
    if not any(scene.embedding):
        return Taste()
    found = memory.estimate(user, scene.embedding, [r.name for r in scene.regions], like, scene.tags)
    values = {r: v for r, of in found.values.items() if (v := {n: x for n, x in of.items() if abs(x) >= FAINT})}
    liked = [e.record for e in found.evidence if e.record.positive]
    own = like is None or like == user
    return Taste(
        values=values,
        style=found.style,
        sentence=found.sentence,
        # What somebody else liked, and in which words they asked for it, is not lent with their taste.
        names=tuple(r.summary or r.kind for r in liked[:3]) if own else (),
        records=tuple(r.id for r in liked[:SHOWN]) if own else (),
        whose="" if own else str(like),
        learning=found.learning,
        likes=found.likes,
        others=found.others,
    )


def people(memory: "Memory", user: str) -> dict[str, bool]:
    """Everybody on this installation, and whether they share their taste with `user`."""
    shared = set(memory.shared())
    return {name: name == user or name in shared for name in {*memory.log.users(), *shared, user}}


def not_lent(memory: "Memory", name: str) -> str:
    """Why the taste of `name` cannot be borrowed; empty when it can."""
    if name in memory.shared():
        return ""
    try:
        known = name in memory.log.users()
    except PreferenceError as error:
        return str(error)
    return f"{name} has not shared a taste here." if known else f"I do not know a person called {name} here."
