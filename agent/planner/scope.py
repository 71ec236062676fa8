"""Wishes that Burnish cannot grant yet: removing, adding, cropping, replacing ... They are named, never faked."""

from agent.plan import OutOfScope
from agent.planner.chunks import Chunk
from agent.planner.elements import NOT_THINGS
from agent.planner.lexicon import patterns, word_set
from agent.planner.segments import Segment

_ACHROMATIC = word_set("scope_achromatic")
_PORTIONS = frozenset(("part", "parts", "half", "portion"))
_POLITE = word_set("scope_polite")
_BUT = frozenset(("except", "but", "besides", "apart from", "other than", "except for", "background", "aside from"))
_AFTER_BACKGROUND = word_set("scope_after_background")
_NO_OBJECT = word_set("scope_no_object")
_FRAME = word_set("scope_frame")
_ADDING = ("add", "insert", "put", "plac")

#: "Photoshop the car out", "edit him out", "take the two guys out": the particle makes it a removal.
#: A crowd of workers described what a web page showed them: the unwanted filter is "turned on" over the input image.


def rewrite(text: str) -> str:
    """Put "photoshop the cars out" as "remove the cars".

    >>> rewrite("could you edit the car out of this picture")
    'could you remove the car from this picture'
    """
    text = patterns("scope")["particle"].sub(r"\1 \3 \2", text)
    text = patterns("scope")["filter_on"].sub(r" remove the \1 ", text)
    text = patterns("scope")["out_of"].sub(r"remove\1 from", text)
    return patterns("scope")["out"].sub(r"remove\1 ", text)


def out_of_scope(text: str, segments: list[Segment], edited: set[int]) -> list[OutOfScope]:
    """What the message asks for that cannot be done; `edited`: token starts that already led to an edit."""
    found: list[OutOfScope] = []

    def say(kind: OutOfScope) -> None:
        if kind not in found:
            found.append(kind)

    for segment in segments:
        if segment.purpose == "hard":
            continue
        parts = segment.parts
        for i, chunk in enumerate(parts):
            if (sense := chunk.sense("cue")) and not _only_compared(parts, i):
                say(sense.value)  # type: ignore[arg-type]
            if (sense := chunk.sense("oos")) and (kind := _verb_kind(segment, i, sense.value)):
                say(kind)
        ops = segment.ops
        if "remove" in ops and not _edits(segment, edited):
            for kind in _removals(segment):
                say(kind)
        elif _background_colour(segment):
            say("replace_background")
        elif _adds(segment, edited):
            say("add_object")
    if "replace_background" in found and "add_object" in found:
        found.remove("add_object")
    if patterns("scope")["size"].search(text) and not edited:
        say("resize")
    if not found and not edited and patterns("scope")["gone"].search(text):
        say("remove_object")
    return found


def _verb_kind(segment: Segment, i: int, kind: str) -> OutOfScope | None:
    parts = segment.parts
    if parts[i].text.startswith("crop") and i + 1 < len(parts) and parts[i + 1].text in ("out", "away"):
        return None  # read as a removal
    before = parts[i - 1] if i else None
    if before is not None and (
        before.sense("neg") or (before.sense("the") and parts[i].text.startswith(("outline", "scale")))
    ):
        return None
    if (
        kind == "reshape"
        and not parts[i].text.startswith("warp")
        and any(_region(p) == "global" and p.text != "it" for p in parts[i + 1 : i + 4])
    ):
        return "resize"
    return kind  # type: ignore[return-value]


def _only_compared(parts: list[Chunk], i: int) -> bool:
    """ "Bigger" and "longer" need an image or a body; "wider" in "wider range" is no wish."""
    after = parts[i + 1] if i + 1 < len(parts) else None
    sense = parts[i].sense("cue")
    if (
        sense is not None
        and sense.value == "replace_background"
        and after is not None
        and "background" in parts[i].text
    ):
        named = after.sense("region") or after.sense("object")
        unknown = not after.senses and after.text.isalpha() and len(after.text) > 3
        if named or (unknown and after.text not in _AFTER_BACKGROUND):
            return True  # "change the background people"
    if parts[i].text in ("in color", "in colour"):
        return i == 0 or (parts[i - 1].text != "it" and _region(parts[i - 1]) != "global")
    return parts[i].text in ("longer", "wider") and not any(p.sense("region") for p in parts)


def _edits(segment: Segment, edited: set[int]) -> bool:
    return any(c.start in edited for i, c in enumerate(segment.parts))


def _nouns(segment: Segment, verbs: tuple[str, ...] = ()) -> list[Chunk]:
    """What the first operator governs, up to the first preposition or boundary of sense."""
    start = segment.heads[0] + 1 if segment.heads else 0
    if not verbs:
        start = next((i + 1 for i in segment.heads if segment.parts[i].op() == "remove"), start)
    if verbs:
        start = next((i + 1 for i in segment.heads if segment.parts[i].text.startswith(verbs)), start)
    out: list[Chunk] = []
    for i, chunk in enumerate(segment.parts[start:], start):
        if chunk.is_stop or (i in segment.heads and out):
            break
        if (
            chunk.text == "out"
            or chunk.sense("the")
            or chunk.sense("amount")
            or chunk.sense("neg")
            or chunk.text == "of"
        ):
            continue
        if (chunk.sense("at") or chunk.sense("of") or chunk.sense("except") or chunk.text == "behind") and out:
            break
        if chunk.sense("be") or chunk.sense("should") or (not out and chunk.sense("at")):
            continue
        if chunk.is_joint or chunk.text.replace("'", "").replace(" ", "").isalnum():
            out.append(chunk)
    if not out and segment.heads:  # "the border needs to be removed"
        out = [
            c
            for c in segment.parts[: segment.heads[-1]]
            if c.sense("region") or c.sense("object") or (not c.senses and c.text.isalpha())
        ]
    return out


def _region(chunk: Chunk) -> str:
    sense = chunk.sense("region")
    return sense.value if sense else ""


def _removals(segment: Segment) -> list[OutOfScope]:
    """What the things to be removed make of the wish, one kind a conjunct: "remove the background and the car"."""
    groups: list[list[Chunk]] = [[]]
    for chunk in _nouns(segment):
        if chunk.is_joint:
            groups.append([])
        elif not (chunk.op() and not chunk.sense("object")) and not chunk.sense("oos") and chunk.text not in _POLITE:
            groups[-1].append(chunk)
    texts = [p.text for p in segment.parts]
    out: list[OutOfScope] = []
    for nouns in groups:
        kind = _removal(nouns, texts)
        if kind is not None and kind not in out:
            out.append(kind)
    return out


def _removal(nouns: list[Chunk], texts: list[str]) -> OutOfScope | None:
    if not nouns or all(c.text in _NO_OBJECT for c in nouns) or any(c.sense("cue") for c in nouns):
        return None
    if all(c.attr() or c.sense("cast") or c.op() or c.sense("colour") for c in nouns):
        return None
    if nouns[0].text.startswith("everything") and any(t in _BUT or t.startswith("everything ") for t in texts):
        return "replace_background"
    nouns = [c for c in nouns if c.text not in _ACHROMATIC and c.text not in ("entire", "whole")] or nouns
    vague = ("all", "everything", "color", "solid", "media")
    places = [_region(c) for c in nouns]
    if "background" in places and all(
        p in ("background", "global") or c.text in vague or c.sense("colour")
        for c, p in zip(nouns, places, strict=True)
    ):
        return "replace_background"
    cut_off = any(t in ("black", "white", "bars") or t.startswith("crop") for t in texts)
    if any(
        (c.text in _FRAME and (cut_off or c.text not in _PORTIONS)) or p == "edges"
        for c, p in zip(nouns[:3], places, strict=False)
    ):
        return "crop"
    if len(nouns) == 1 and places[0] == "global" and nouns[0].text not in ("everything", "all"):
        return None
    if any(c.text in ("spots", "spot", "marks", "mark", "dots") for c in nouns) and not any(places):
        return "restore_damage"
    return "remove_object"


def _background_colour(segment: Segment) -> bool:
    """ "Make the background white": a new background, not an edit."""
    texts = [c.text for c in segment.parts]
    at = next((i for i, c in enumerate(segment.parts) if _region(c) == "background" and "_" not in c.text), None)
    if at is None or segment.purpose or not any(t in _ACHROMATIC for t in texts):
        return False
    if (
        any(c.attr("noun", "thing") and c.text not in ("color", "colour", "colors", "light") for c in segment.parts)
        or "black and white" in texts
    ):
        return False
    if any(_region(c) not in ("", "background", "global") or c.sense("object") for c in segment.parts):
        return False
    return (
        "make" in segment.ops
        or "add" in segment.ops
        or ("fix" in segment.ops and "be" in texts)
        or (not segment.ops and len(texts) < 8)
    )


def _adds(segment: Segment, edited: set[int]) -> bool:
    if not any(segment.parts[i].text.startswith(_ADDING) for i in segment.heads) or "remove" in segment.ops:
        return False
    nouns = _nouns(segment, _ADDING)
    if not nouns or _edits(segment, edited):
        return False
    if any(
        c.attr()
        or c.sense("cast")
        or c.text in ("effect", "filter", "layer", "layers", "vignette", "look", "something")
        for c in nouns
    ):
        return False
    thing = next((c for c in nouns if _region(c) not in ("", "global") or c.sense("object")), None)
    unknown = [c for c in nouns if not c.senses and len(c.text) > 2 and c.text not in NOT_THINGS]
    return thing is not None or bool(unknown)
