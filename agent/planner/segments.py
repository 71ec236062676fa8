"""Clauses to segments: one predicate ("brighten and sharpen", "make", "reduce") with everything it governs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.planner.chunks import Chunk
from agent.planner.lexicon import word_set

#: Operators that may stand after their noun: "brightness up", "contrast should be higher", "shadows lifted".
_AFTER_NOUN = word_set("segments_after_noun")
_VERB_BEFORE = frozenset(("make", "add"))
_ADJECTIVE_BEFORE = word_set("segments_adjective_before")


_LINKING = word_set("segments_linking")


_TAKE = word_set("segments_take")
_AWAY = word_set("segments_away")

#: Unknown words that are no noun: "please", "can you ...".
_EMPTY = word_set("segments_empty")


_WISHING = frozenset(("want", "wants", "need", "needs", "like", "love"))
_NEEDING = frozenset(("need", "needs", "has", "have", "ought", "want", "wants", "like"))


@dataclass
class Segment:
    """`parts` in reading order; `heads` are the indexes of its operators and directional verbs in `parts`."""

    parts: list[Chunk] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    purpose: str = ""
    """"soft" after "so that", "hard" after "as if" or "because"; empty for a request."""

    @property
    def ops(self) -> list[str]:
        """Operators among the heads; a bare "take" removes nothing ("take a picture")."""
        found = [(self.parts[i], self.parts[i].op()) for i in self.heads if self.parts[i].op()]
        texts = {p.text for p in self.parts}
        if "down" in texts and not texts & {"out", "off", "away"}:
            return ["down" if chunk.text in _TAKE else op for chunk, op in found]
        return [op for chunk, op in found if chunk.text not in _TAKE or texts & _AWAY]

    def payload_since_head(self) -> bool:
        """True when something that can be edited, or another noun, stands after the last head."""
        return any(is_payload(c) or _is_noun(c) for c in self.parts[(self.heads[-1] + 1 if self.heads else 0) :])


def is_payload(chunk: Chunk) -> bool:
    """An attribute, colour, region, thing or "it"."""
    return chunk.text == "it" or any(s.kind in ("attr", "colour", "region", "object", "cast") for s in chunk.senses)


def _operates(segment: Segment) -> bool:
    """True for a segment whose direction a new "more" or "less" must not inherit."""
    return any(o in ("up", "down", "remove", "add") for o in segment.ops) or any(
        segment.parts[i].attr("verb") for i in segment.heads
    )


def _named(parts: list[Chunk], i: int) -> bool:
    """True for a thing that somebody speaks of: "the lamp", "my hat", also one that the lexicon does not know."""
    return parts[i].sense("object") is not None or (
        _is_noun(parts[i]) and i > 0 and parts[i - 1].sense("the") is not None
    )


def _wished(current: Segment, chunk: Chunk, following: Chunk | None) -> bool:
    """ "I want the door to have more light": what follows "to" is the wish itself, no purpose."""
    return (
        chunk.text == "to"
        and following is not None
        and following.text in ("have", "look", "get", "show")
        and any(current.parts[i].text in _WISHING for i in current.heads)
        and any(is_payload(c) or _named(current.parts, k) for k, c in enumerate(current.parts))
    )


def _is_noun(chunk: Chunk) -> bool:
    return not chunk.senses and len(chunk.text) > 3 and chunk.text.isalpha() and chunk.text not in _EMPTY


def split(chunks: Iterable[Chunk]) -> list[Segment]:
    """Segments of a whole message, in order."""
    every = list(chunks)
    segments: list[Segment] = []
    current = Segment()

    def close(purpose: str = "") -> None:
        nonlocal current
        if current.parts:
            segments.append(current)
        current = Segment(purpose=purpose)

    for i, chunk in enumerate(every):
        following = every[i + 1] if i + 1 < len(every) else None
        before = every[i - 1] if i else None
        if chunk.is_stop or chunk.sense("but") or chunk.sense("then"):
            close()
            current.parts.append(chunk)
        elif (
            chunk.text in ("more", "less")
            and before is not None
            and before.is_joint
            and _operates(current)
            and current.payload_since_head()
        ):
            moved = _leading_amounts(current)
            close()
            current.parts = [*moved, chunk]
        elif (kind := _purpose(chunk, before, following)) and not _wished(current, chunk, following):
            close(kind)
            current.parts.append(chunk)
        elif _is_head(chunk, before, following, every[i + 1 :], current):
            if current.heads and not current.payload_since_head():
                current.heads.append(len(current.parts))
                current.parts.append(chunk)
                continue
            after_noun = (
                chunk.text in _AFTER_NOUN
                or (chunk.op() in ("up", "down", "remove", "fix") and chunk.text.endswith("ed"))
                or (
                    before is not None
                    and (
                        before.sense("be")
                        or before.sense("should")
                        or (before.text == "to" and i >= 2 and every[i - 2].text in _NEEDING)
                    )
                )
            )
            noun_waits = any(
                c.attr("noun", "thing", "fault") or c.sense("region") or c.sense("colour") or c.amount
                for c in current.parts
            )
            after_noun = after_noun or (
                not current.heads and chunk.attr("verb") is not None and not _object_follows(every[i + 1 :])
            )
            wants = (chunk.text == "use" and before is not None and before.text == "could") or chunk.text in (
                "needs",
                "need",
                "want",
                "wants",
                "should",
                "have",
                "has",
                "look",
                "looks",
                "seems",
                "is",
            )
            noun_waits = noun_waits or (wants and any(_named(current.parts, k) for k in range(len(current.parts))))
            if noun_waits and not (before and before.is_joint) and (
                (after_noun and not _governs_more(every[i + 1 :])) or (wants and not current.heads)
            ):  # fmt: skip
                directed = any(o in ("up", "down", "remove") for o in current.ops)
                if after_noun and directed and (cut := _last_joint(current)) is not None:
                    # "brightness increased and saturation decreased": the second noun has its own direction
                    tail = current.parts[cut:]
                    del current.parts[cut:]
                    close(current.purpose)
                    current.parts = tail
                current.heads.append(len(current.parts))
                current.parts.append(chunk)
                continue
            purpose = current.purpose
            moved = _leading_amounts(current)
            if chunk.text in ("look", "looks", "seem", "appear") and current.parts and current.parts[-1].sense("neg"):
                moved = [current.parts.pop(), *moved]  # "so it does not look dull"
            close(purpose if purpose and not (before and before.is_joint) else "")
            current.parts = [*moved, chunk]
            current.heads = [len(moved)]
        else:
            current.parts.append(chunk)
    close()
    return segments


def _last_joint(segment: Segment) -> int | None:
    """Where the last conjunct after the last head begins, if it names an attribute."""
    start = segment.heads[-1] if segment.heads else 0
    for i in range(len(segment.parts) - 1, start, -1):
        if segment.parts[i].is_joint:
            return i if any(c.attr("noun", "thing") for c in segment.parts[i:]) else None
    return None


def _governs_more(rest: list[Chunk]) -> bool:
    """True when an attribute or region follows before the next boundary."""
    for chunk in rest[:4]:
        if chunk.is_stop or chunk.is_joint or chunk.sense("but") or chunk.sense("at"):
            return False
        if chunk.attr("noun", "thing", "fault") or chunk.sense("region"):
            return True
    return False


def _purpose(chunk: Chunk, before: Chunk | None, following: Chunk | None) -> str:
    if sense := chunk.sense("purpose"):
        return "hard" if sense.value.split("_")[0] in ("as", "like", "because", "since") else "soft"
    if chunk.text == "so" and before is not None and (before.sense("neg") or before.sense("be")):
        return ""
    if chunk.text == "so" and following is not None and not following.attr() and not following.sense("too"):
        return "soft" if before is not None and not before.sense("be") and not following.sense("amount") else ""
    if chunk.text == "to" and following is not None:
        if following.text in ("see", "show", "match", "reveal", "look", "get", "give", "highlight", "have", "help", "let",
                              "simulate", "allow", "avoid", "compensate", "expose"):  # fmt: skip
            return "soft" if before is not None and not before.op() else ""
        if following.op() in ("make", "up", "add") and before is not None and is_payload(before):
            return "soft"
    return ""


def _is_head(chunk: Chunk, before: Chunk | None, following: Chunk | None, rest: list[Chunk], current: Segment) -> bool:
    text = chunk.text
    if chunk.sense("oos"):
        return True
    op = chunk.op()
    verb = chunk.attr("verb")
    if op and text in ("more", "less", "better", "too"):
        return False
    if op and not verb:
        if text in (
            "high",
            "low",
            "up",
            "down",
            "plus",
            "strong",
            "intense",
            "heavy",
            "open",
            "cut",
            "rise",
            "even",
            "gain",
        ):
            if (
                before is not None
                and before.text in ("more", "less", "too", "so", "very")
                and text not in ("up", "down")
            ):
                return False
            return bool(current.parts) or (following is not None and is_payload(following))
        if chunk.sense("cast") or chunk.sense("region") or chunk.sense("object"):
            return before is None or before.is_joint or before.is_stop
        if (
            text in ("look", "looks", "looking", "appear", "appears", "seem", "seems", "have", "has", "see")
            and current.heads
        ):
            return False
        return before is None or before.sense("the") is None or text in ("increase", "help")
    if not verb:
        return False
    if text in ("pop", "pop out") and _has_place(current):
        return False
    if before is not None and (before.text in _ADJECTIVE_BEFORE or before.sense("be") or before.text == "been"):
        return False
    noun = chunk.attr("noun", "thing") is not None
    adjective = chunk.attr("adj", "fault") is not None
    next_is_object = _object_follows(rest)
    waiting = bool(current.heads) and not current.payload_since_head()
    if noun or (op and not noun):
        if text.endswith("ing") and before is not None and before.sense("region") and not next_is_object:
            return False
        if text.endswith("ing") and next_is_object and before is not None and before.sense("at"):
            return True
        if before is not None and (
            before.sense("the") or before.sense("of") or before.sense("at") or before.attr("noun")
        ):
            return False
        if waiting and any(o in ("up", "down", "remove", "add") for o in current.ops):
            return False
        if (
            current.heads
            and before is not None
            and before.is_joint
            and any(o in ("up", "down", "add") for o in current.ops)
        ):
            return next_is_object
        return next_is_object or before is None or before.is_stop or before.is_joint
    if adjective:
        if before is not None and before.sense("the"):
            return False
        if any(o in ("make", "add") for o in current.ops) and not (
            next_is_object and before is not None and before.is_joint
        ):
            return False
        if text.endswith(("er", "est", "ened")):
            return False
        return next_is_object
    if text.endswith("ing") and before is not None and before.sense("region") and not next_is_object and not rest:
        return False
    if text.endswith("ed") and before is not None and (before.sense("region") or before.text in ("more", "it")):
        return not any(c.sense("region") for c in current.parts) or bool(current.heads)
    return True


def _colours(chunk: Chunk) -> bool:
    """ "The yellows": what has the colour."""
    return chunk.sense("colour") is not None and chunk.text.endswith("s") and not chunk.text.endswith(("ness", "less"))


def _has_place(segment: Segment) -> bool:
    """True when the segment waits for what its region should be or have: "I want the sky to look ..."."""
    return (
        bool(segment.heads)
        and any(
            c.sense("region") or c.sense("object") or c.text == "it" or c.attr("thing") or _colours(c)
            for c in segment.parts
        )
        and not any(c.attr("adj", "fault", "noun") for c in segment.parts)
        and any(segment.parts[i].op() in ("make", "add") for i in segment.heads)
    )


def _object_follows(rest: list[Chunk]) -> bool:
    for chunk in rest[:4]:
        if chunk.text == "it" or chunk.sense("region") or chunk.sense("object"):
            return True
        if (
            chunk.sense("the")
            or chunk.text in ("up", "down", "out", "of", "'s", "just", "only")
            or chunk.sense("colour")
        ):
            continue
        if chunk.sense("amount") and not chunk.amount:
            continue
        return False
    return False


def _leading_amounts(segment: Segment) -> list[Chunk]:
    """Take the adverbs that directly precede a new head, when a boundary or nothing stands before them."""
    cut = len(segment.parts)
    while cut and segment.parts[cut - 1].sense("amount") and not segment.parts[cut - 1].amount:
        cut -= 1
    if cut == len(segment.parts):
        return []
    before = segment.parts[cut - 1] if cut else None
    boundary = before is None or before.is_joint or before.is_stop or before.sense("but") or before.sense("then")
    adverb = segment.parts[cut].text.endswith("ly")
    please = before is not None and not before.senses
    if not (boundary or (adverb and not segment.heads) or please):
        return []
    moved = segment.parts[cut:]
    del segment.parts[cut:]
    return moved
