"""What was learned from a person, kind of scene by kind of scene, for them to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from memory.taste import kinds, of_kind
from memory.wording import phrase, strongest

if TYPE_CHECKING:
    from memory.record import Preference
    from memory.taste import Memory

#: Kinds that are told, the most frequent first, and changes of each.
KINDS: Final = 6
CHANGES: Final = 4


@dataclass(frozen=True)
class Learned:
    """What memory expects on a typical photo of a kind. `sure`: 0..1, that the changes go in the wanted direction."""

    kind: str
    changes: tuple[str, ...]
    sure: float
    learning: bool
    records: "tuple[Preference, ...]"
    """The likes of this kind, newest first."""


def learned(memory: "Memory", user: str, records: "Sequence[Preference] | None" = None) -> tuple[Learned, ...]:
    """The kinds of scene that `user` has liked photos of. `records`: theirs, where they are at hand."""
    every = memory.list(user) if records is None else records
    liked = [r for r in every if r.positive and r.embedding and r.encoder == memory.encoder]
    found: list[Learned] = []
    for kind, of in _apart(liked):
        # The typical photo of a kind: the mean of what was liked of it.
        mean = np.mean([r.embedding for r in of], axis=0)
        tags = {tag: float(np.mean([r.tags.get(tag, 0.0) for r in of])) for tag in of[0].tags}
        regions = dict.fromkeys(region for r in of for region in r.deviation)
        estimate = memory.estimate(user, [float(v) for v in mean], regions, tags=tags)
        changes = tuple(phrase(*change) for change in strongest(estimate, CHANGES))
        found.append(Learned(kind, changes, estimate.sure, estimate.learning, tuple(of)))
    return tuple(found)


def _apart(liked: "Sequence[Preference]") -> "list[tuple[str, list[Preference]]]":
    """Kinds with their likes, most first; of kinds that are the same photos the one that fits them best."""
    by: dict[frozenset[str], tuple[float, str, list[Preference]]] = {}
    for kind in kinds(liked):
        of = [r for r in liked if of_kind(r, kind)]
        fits = float(np.mean([r.tags.get(kind, 0.0) for r in of]))
        ids = frozenset(r.id for r in of)
        if ids not in by or by[ids][0] < fits:
            by[ids] = fits, kind, of
    best = sorted(by.values(), key=lambda item: (-len(item[2]), item[1]))
    return [(kind, of) for _, kind, of in best][:KINDS]
