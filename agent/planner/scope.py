"""Wishes that Burnish cannot grant yet: removing, adding, cropping, replacing ... They are named, never faked."""

from agent.plan import OutOfScope
from agent.planner.chunks import Chunk
from agent.planner.segments import Segment

#: Things whose removal means another kind of work than removing an object.
_ACHROMATIC = frozenset("white black gray grey transparent blank plain solid clear".split())
_NO_OBJECT = frozenset("it that this them".split())
_PLACES = frozenset(("left", "right", "top", "bottom", "center", "edges", "foreground"))


def out_of_scope(segments: list[Segment], edited: set[int]) -> list[OutOfScope]:
    """What the message asks for that cannot be done; `edited`: token starts that already led to an edit."""
    found: list[OutOfScope] = []

    def say(kind: OutOfScope) -> None:
        if kind not in found:
            found.append(kind)

    for segment in segments:
        for chunk in segment.parts:
            if sense := chunk.sense("cue"):
                say(sense.value)  # type: ignore[arg-type]
            if (sense := chunk.sense("oos")) and segment.purpose != "hard" and chunk.start not in edited:
                say(sense.value)  # type: ignore[arg-type]
        ops = segment.ops
        if segment.purpose == "hard":
            continue
        if "remove" in ops and not _edits(segment, edited):
            if kind := _removal(segment):
                say(kind)
        elif _background_colour(segment):
            say("replace_background")
        elif "add" in ops and "remove" not in ops and not _edits(segment, edited) and _adds(segment):
            say("add_object")
    return found


def _edits(segment: Segment, edited: set[int]) -> bool:
    return any(c.start in edited for c in segment.parts)


def _nouns(segment: Segment) -> list[Chunk]:
    """What the first operator governs, up to the first preposition or boundary of sense."""
    out: list[Chunk] = []
    for chunk in segment.parts[(segment.heads[0] + 1 if segment.heads else 0) :]:
        if chunk.is_stop:
            break
        if (chunk.sense("at") or chunk.sense("of")) and out:
            break
        if chunk.sense("the") or chunk.sense("amount") or chunk.sense("neg"):
            continue
        if chunk.text.isalpha() or chunk.sense("region") or chunk.sense("object"):
            out.append(chunk)
    return out


def _removal(segment: Segment) -> OutOfScope | None:
    nouns = [c for c in _nouns(segment) if not c.sense("op") or c.sense("object")]
    if not nouns:
        return None
    if all(c.text in _NO_OBJECT for c in nouns):
        return None
    last = nouns[-1]
    region = last.sense("region")
    if region and region.value == "background" and all(
        (s := c.sense("region")) is None or s.value in ("background", "global") for c in nouns
    ):  # fmt: skip
        return "replace_background"
    if any(c.sense("cue") for c in nouns):
        return None
    if region and region.value == "global" and len(nouns) == 1:
        return None
    if last.text in ("border", "borders", "frame", "frames", "edges"):
        return "crop"
    return "remove_object"


def _background_colour(segment: Segment) -> bool:
    """ "make the background white": a new background, not an edit."""
    texts = [c.text for c in segment.parts]
    has_background = any((s := c.sense("region")) and s.value == "background" for c in segment.parts)
    return has_background and any(t in _ACHROMATIC for t in texts) and ("make" in segment.ops or "add" in segment.ops)


def _adds(segment: Segment) -> bool:
    nouns = _nouns(segment)
    return bool(nouns) and any(c.sense("object") or c.sense("region") for c in nouns[:2]) and not any(
        (s := c.sense("region")) and s.value == "global" for c in nouns
    )  # fmt: skip
