"""Scripted conversations of 8 to 15 turns that mix every kind of message, checked step by step against two stacks."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent import again
from agent.events import Failed, Result
from agent.studio import Studio
from agent.tree import graft
from models.vocabulary import SEMANTIC_REGIONS

_WORDS: Final = ("brighter", "darker", "warmer", "cooler", "more colorful", "less colorful")
_TALK: Final = ("what did you change?", "what is contrast?", "help", "remove the lamp", "asdf qwer", "compare")
_STYLES: Final = ("make it cinematic", "black and white", "moody and dark", "vintage look")


@dataclass
class Told:
    """What one conversation came to."""

    thread: str
    turns: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    previews: list[str] = field(default_factory=list)
    """Hash of every version's preview as first rendered."""


@dataclass
class _Moves:
    """The simplest model of an editor: where it stands, what undo and redo lead back to."""

    at: int = 0
    undo: list[int] = field(default_factory=list)
    redo: list[int] = field(default_factory=list)

    def go(self, target: int) -> None:
        self.undo.append(self.at)
        self.redo.clear()
        self.at = target


async def converse(studio: Studio, photo: Path, seed: int) -> Told:
    """Hold one conversation drawn from `seed` and check it at every step."""
    draw = random.Random(seed)
    thread = (await studio.start(photo, f"script{seed}")).thread
    told, moves = Told(thread), _Moves()
    here = await studio.rooms.opened(thread)
    regions = [r.name for r in here.seen.scene.regions if r.name in SEMANTIC_REGIONS and r.area > 0.02] or [
        "highlights"
    ]
    for step in range(draw.randint(8, 15)):
        last = max(v.number for v in await studio.versions(thread))
        kind, text = _message(draw, regions, last, step)
        told.turns[kind] = told.turns.get(kind, 0) + 1
        result = await _do(studio, thread, kind, text)
        if isinstance(result, Failed):
            told.faults.append(f"{seed}/{step} {kind} “{text}”: {result.text}")
            return told
        _follow(moves, kind, text, result, told, f"{seed}/{step} {kind} “{text}”")
        _exact(studio, thread, kind, text, result, last, told, f"{seed}/{step} {kind} “{text}”")
        moves.at = result.version
    told.previews = [v.preview for v in studio.rooms.history.versions(thread)]
    return told


def _message(draw: random.Random, regions: list[str], last: int, step: int) -> tuple[str, str]:
    kinds = ["strong", "region", "weak", "style", "talk", "slider"] if step < 2 else [
        "strong", "region", "region", "followup", "weak", "style", "talk", "slider", "undo", "undo", "redo", "redo", "goto",
        "reset", "merge", "merge", "compare", "rename", "dislike", "like", "withdraw",
    ]  # fmt: skip
    kind, region = draw.choice(kinds), draw.choice(regions)
    one, two = draw.randint(0, last), draw.randint(0, last)
    texts = {
        "strong": f"a bit {draw.choice(_WORDS)}",
        "region": f"make the {region} {draw.choice(_WORDS)}",
        "weak": "make it look good",
        "style": draw.choice(_STYLES),
        "followup": draw.choice(("a bit less", "more", "the opposite", "same for the background")),
        "talk": draw.choice(_TALK),
        "slider": f"{region}:{draw.choice(('brightness', 'tint'))}:{draw.choice((-0.3, 0.2))}",
        "goto": f"go to version {max(one, 1)}",
        "merge": f"keep the {region} of version {one} and the rest of version {two}",
        "compare": f"compare version {one} and version {two}",
        "rename": f"call version {max(one, 1)} take {step}",
        "reset": "start over",
    }
    return kind, texts.get(kind, kind)


async def _do(studio: Studio, thread: str, kind: str, text: str) -> Result | Failed:
    if kind == "slider":
        region, name, value = text.split(":")
        return await studio.set_values(thread, region, {name: float(value)})
    stream = studio.feedback(thread, kind) if kind in ("like", "dislike", "withdraw") else studio.turn(thread, text)  # type: ignore[arg-type]
    end: Result | Failed = Failed(text="no end")
    async for event in stream:
        if isinstance(event, Result | Failed):
            end = event
    return end


def _follow(moves: _Moves, kind: str, text: str, result: Result, told: Told, where: str) -> None:
    """Check where the conversation stands against the model, and move the model along."""
    before = moves.at
    if kind == "undo":
        expected = moves.undo[-1] if moves.undo else before
        if moves.undo:
            moves.undo.pop()
            moves.redo.append(before)
    elif kind == "redo":
        expected = moves.redo[-1] if moves.redo else before
        if moves.redo:
            moves.redo.pop()
            moves.undo.append(before)
    else:
        expected = result.version
        if kind in ("talk", "compare", "rename", "like", "withdraw") and result.version != before:
            told.faults.append(f"{where}: moved from {before} to {result.version}")
        # A reset at the photo as opened and a go-to to where it stands are moves too.
        if result.version != before or kind in ("reset", "goto"):
            moves.go(result.version)
    if result.version != expected:
        told.faults.append(f"{where}: at {result.version}, expected {expected}")


def _exact(
    studio: Studio, thread: str, kind: str, text: str, result: Result, last: int, told: Told, where: str
) -> None:
    """Check that what is shown is the version, that moves make nothing new, and that a merge is the merge of its parts."""
    version = studio.rooms.history.version(thread)
    if result.preview != studio.rooms.store.path(version.preview) or result.recipe != version.recipe:
        told.faults.append(f"{where}: shows another picture than that of version {version.number}")
    made = result.version > last
    if kind in ("undo", "redo", "goto", "reset", "compare", "rename", "talk") and made:
        told.faults.append(f"{where}: made a version")
    if kind == "merge" and made:
        words = text.split()
        region, one, two = words[2], int(words[5]), int(words[-1])
        base, other = (studio.rooms.history.version(thread, n).recipe for n in (two, one))
        # The planner calls some regions by their noun, as `object:mountain`; they are found as the same part of the photo.
        if not any(again.same(graft(base, other, [name])[0], version.recipe) for name in (region, f"object:{region}")):
            told.faults.append(f"{where}: not the merge of its parts")
