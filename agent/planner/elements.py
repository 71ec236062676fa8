"""The parts of a segment that matter: attributes, places, modifiers ... with compounds such as "the man's face" merged."""

from dataclasses import dataclass

from agent.planner.chunks import Chunk
from agent.planner.lexicon import Sense, word_set
from agent.planner.segments import Segment

GLOBAL = "global"

#: Words that are never an `object:<noun>`.
NOT_THINGS = word_set("elements_not_things")
#: Words that stand for the place spoken of before.
PRONOUNS = word_set("elements_pronouns")
_PRONOUNS = word_set("elements_people_pronouns")
_TARGETS = frozenset(("white", "black", "gray", "grey"))
_SIDES = frozenset(("left", "right", "top", "bottom", "center", "edges", "foreground"))


@dataclass
class Element:
    """One part. `kind`: head, attr, region, achromatic, joint, amount, more, too, neg, be, should, enough, cast, prep."""

    kind: str
    index: int
    chunk: Chunk
    region: str = ""
    preposition: str = ""


def elements(segment: Segment, topic: str = "") -> list[Element]:
    """The elements of a segment in reading order; `index` points into `segment.parts`.

    `topic`: the place spoken of before, which "it", "them" or "there" stand for.
    """
    parts, heads, ops = segment.parts, set(segment.heads), segment.ops
    first_head = min(heads, default=len(parts))
    found: list[Element] = []
    for i, c in enumerate(parts):
        after = parts[i + 1] if i + 1 < len(parts) else None
        if i in heads:
            found.append(Element("head", i, c))
        elif c.text in ("instead", "rather", "than"):
            break
        elif c.sense("amount"):
            found.append(Element("amount", i, c))
        elif c.text in ("more", "less", "better", "extra", "additional") or (
            c.op() in ("up", "down") and not c.attr() and (i > first_head or first_head == len(parts))
        ):
            found.append(Element("more", i, c))
        elif c.sense("too") or _means_too(parts, i):
            found.append(Element("too", i, c))
        elif c.sense("neg") or (c.text == "no" and after and after.attr()):
            found.append(Element("neg", i, c))
        elif kind := next((k for k in ("be", "should", "enough") if c.sense(k)), ""):
            found.append(Element(kind, i, c))
        elif c.is_joint:
            found.append(Element("joint", i, c))
        elif c.text in ("white", "black", "gray", "grey") and not c.attr():
            found.append(Element("achromatic", i, c))
        elif (
            c.text in ("shadows", "highlights")
            and _preposition(parts, i) in ("in", "on", "from", "of")
            and any(
                p.attr("noun", "fault") and p.text not in ("shadows", "highlights") for p in parts[max(0, i - 4) : i]
            )
        ):
            found.append(Element("region", i, c, c.text, _preposition(parts, i)))
        elif c.text == "tint" and after is not None and after.amount is not None:
            found.append(
                Element("attr", i, Chunk(c.text, c.start, c.end, (Sense("attr", "tint", "noun"),), tokens=c.tokens))
            )
        elif c.attr() or c.sense("colour"):
            area = _colour_area(parts, i, ops)
            found.append(Element("region", i, c, area, _preposition(parts, i)) if area else Element("attr", i, c))
        elif (
            c.text in ("their", "its")
            and topic
            and after is not None
            and (after.attr("noun", "thing") or after.sense("amount"))
        ):
            found.append(Element("region", i, c, topic, ""))
        elif c.text in PRONOUNS and (c.text == "it" or topic):
            found.append(Element("region", i, c, topic or GLOBAL, "" if c.text != "there" else "in"))
        elif region := _region(parts, i, heads, ops):
            found.append(Element("region", i, c, region, _preposition(parts, i)))
        elif c.sense("cast"):
            found.append(Element("cast", i, c))
        elif c.sense("at") or c.sense("of"):
            found.append(Element("prep", i, c))
    return _compounds(parts, found)


def _means_too(parts: list[Chunk], i: int) -> bool:
    """ "It is to dark": a slip for "too"."""
    if parts[i].text != "to" or i + 1 >= len(parts):
        return False
    after, before = parts[i + 1], parts[i - 1] if i else None
    starts = (
        before is None or before.sense("be") is not None or before.text in ("looks", "look", "currently", "way", "far")
    )
    return starts and after.attr("fault", "over", "adj") is not None and not after.attr("verb", "noun")


def _region(parts: list[Chunk], i: int, heads: set[int], ops: list[str]) -> str:
    c = parts[i]
    if sense := c.sense("region"):
        if c.text in _PRONOUNS:
            before = parts[i - 1] if i else None
            alone = before is not None and (
                before.sense("at") or before.sense("of") or before.sense("conj") or i - 1 in heads
            )
            after = parts[i + 1] if i + 1 < len(parts) else None
            owns = after is not None and (
                after.sense("region") or after.sense("object") or (not after.senses and after.text.isalpha())
            )
            if (
                not alone
                or (owns and c.text == "her")
                or (before is not None and before.text in ("for", "to", "with", "help"))
            ):
                return ""
        if c.text == "back" and not _determined(parts, i):
            return ""
        if c.text in ("right", "left", "top", "bottom", "edges", "sides") and not (
            _determined(parts, i) or _preposition(parts, i)
        ):
            return ""
        if (
            _preposition(parts, i) == "for"
            and sense.value == "person"
            and not any(p.text in ("on", "of") for p in parts[:i])
        ):
            return ""
        return sense.value
    if c.sense("object") or (c.sense("cue") and "remove" in ops):
        return f"object:{c.text}"
    noun = _unknown_noun(parts, i, heads, ops)
    return f"object:{noun}" if noun and _preposition(parts, i) != "for" else ""


def _determined(parts: list[Chunk], i: int) -> bool:
    return any(p.sense("the") for p in parts[max(0, i - 3) : i])


def _preposition(parts: list[Chunk], i: int) -> str:
    """The preposition that governs the noun at `i`, past its articles and adjectives."""
    for c in reversed(parts[max(0, i - 4) : i]):
        if c.sense("of") or c.sense("at"):
            return c.text
        if (
            c.sense("the")
            or c.sense("colour")
            or c.text in ("white", "black", "'s")
            or (not c.senses and c.text.isalpha())
        ):
            continue
        return ""
    return ""


def _colour_area(parts: list[Chunk], i: int, ops: list[str]) -> str:
    """ "the greens" are green areas."""
    c = parts[i]
    colour = c.sense("colour")
    if colour is None or not c.text.endswith("s") or c.text.endswith(("ness", "less")):
        return ""
    if "remove" in ops:
        return ""
    plain = any(p.text.startswith(("add", "increas", "reduc", "decreas", "more", "less")) for p in parts[:i])
    named = i > 0 and parts[i - 1].sense("the") is not None
    return "" if plain and not named else f"object:{colour.value} areas"


def _unknown_noun(parts: list[Chunk], i: int, heads: set[int], ops: list[str]) -> str:
    c = parts[i]
    if c.senses or not c.text.isalpha() or len(c.text) < 3 or c.text in NOT_THINGS or not c.text.isascii():
        return ""
    after = parts[i + 1] if i + 1 < len(parts) else None
    if c.text.endswith(("ly", "ing", "ous", "able", "ive")):
        return ""
    if (
        after is not None
        and not after.senses
        and after.text.isalpha()
        and after.text not in NOT_THINGS
        and after.text not in _TARGETS
    ):
        return ""  # the last noun of a row names the thing
    before = parts[i - 1] if i else None
    if before is not None and before.text == "to":
        return ""  # "to simulate": a verb
    near = any(p.sense("the") for p in parts[max(0, i - 3) : i]) or (
        before is not None and bool(before.sense("of") or before.text in ("on", "in", "to"))
    )
    after_head = before is not None and (i - 1) in heads
    listed = (
        before is not None
        and before.is_joint
        and i >= 2
        and bool(parts[i - 2].sense("region") or parts[i - 2].sense("object"))
    )
    return c.text if near or after_head or listed or "remove" in ops else ""


def _compounds(parts: list[Chunk], found: list[Element]) -> list[Element]:
    """Merge neighbours that name one place: "man's face", "background wall", "girl in the background"."""
    out: list[Element] = []
    for e in found:
        if e.kind == "region" and e.preposition in ("behind", "around"):
            e = _behind(parts, e)
            if out and out[-1].kind == "prep":
                out.pop()
            if e.region == "background" and out and out[-1].kind == "region":
                out.pop()
        last = out[-1] if out else None
        if e.kind == "region" and last is not None and last.kind == "region":
            between = [c.text for c in parts[last.index + 1 : e.index]]
            if parts[last.index].text == "behind":
                continue  # "the background behind the girl"
            if not e.preposition and all(t in ("'s", "own", "'") for t in between):
                out[-1] = _merged(last, e, between)
                continue
            if e.preposition and last.region != GLOBAL:
                out[-1] = _blurred_behind(parts, last, e)
                continue
        of_animal = e.kind == "region" and e.region == "animal" and e.preposition == "of"
        if (
            of_animal
            and len(out) >= 3
            and _adjective(out[-1], e)
            and (out[-2].kind, out[-3].region) == ("prep", "face")
        ):
            # "the face of the black dog"
            out[-3:] = [Element("region", e.index, e.chunk, "animal", out[-3].preposition)]
            continue
        if (
            e.kind == "region"
            and e.preposition
            and len(out) >= 2
            and out[-1].kind == "prep"
            and out[-2].kind == "region"
        ):
            place = out[-2].region
            if place == GLOBAL and e.region != GLOBAL and e.preposition != "of":
                out[-2:] = [e]
                continue
            if place == "face" and e.region == "animal":
                out[-2:] = [Element("region", e.index, e.chunk, "animal", out[-2].preposition)]
                continue
            if place in _SIDES and e.preposition in ("of", "on") and e.region not in (GLOBAL, *_SIDES):
                out[-2:] = [Element("region", e.index, e.chunk, e.region, out[-2].preposition)]
                continue
            out[-2:] = [_blurred_behind(parts, out[-2], e)]
            continue
        out.append(e)
    return out


def _adjective(last: Element, e: Element) -> bool:
    coloured = last.kind == "achromatic" or (last.kind == "attr" and last.chunk.sense("colour") is not None)
    return coloured and last.index == e.index - 1


def _blurred_behind(parts: list[Chunk], thing: Element, place: Element) -> Element:
    """ "Blur the people in the background" blurs the background."""
    blurs = any((s := p.attr("verb")) is not None and s.value == "blur" for p in parts)
    if place.region == "background" and place.preposition == "in" and blurs:
        return Element("region", place.index, place.chunk, "background", thing.preposition)
    return thing


def _behind(parts: list[Chunk], e: Element) -> Element:
    """ "Everything behind the man" and "blur around the man" speak of the background."""
    words = [p.text for p in parts[max(0, e.index - 4) : e.index]]
    around = "around" in words or "surrounding" in words
    blurs = any(p.attr() and p.attr().value == "blur" for p in parts)  # type: ignore[union-attr]
    vague = e.region not in ("face", "eyes", "hair", "skin") and any(
        w in words for w in ("everything", "what", "whats", "all", "area", "areas", "is")
    )
    if ("behind" in words and e.region not in ("background", GLOBAL)) or (
        around and e.region != GLOBAL and (blurs or vague)
    ):
        return Element("region", e.index, e.chunk, "background", "")
    return e


def _merged(last: Element, e: Element, between: list[str]) -> Element:
    """The place that two neighbouring nouns name together: mostly the second, as in "background wall"."""
    if last.chunk.text == "behind" or last.chunk.text.startswith("whats"):
        return last  # "everything behind the bike"
    if e.region == GLOBAL:
        keep = last if last.chunk.senses else e
    elif "'s" in between and e.region.startswith("object:") and not e.chunk.senses:
        keep = last  # "the dog's fur"
    elif last.region != GLOBAL and e.region.startswith("object:") and not e.chunk.senses:
        keep = last  # "background stuff"
    elif last.region.startswith("object:") and not last.chunk.senses and e.chunk.senses:
        keep = e
    else:
        keep = e
    return Element("region", e.index, keep.chunk, keep.region, last.preposition)
