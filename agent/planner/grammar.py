"""Segments to mentions: which attribute, which way, and from which words. Where and how much: `placing`."""

from agent.planner import nouns, placing, tints
from agent.planner.around import APPEARING, Around
from agent.planner.elements import GLOBAL, PRONOUNS, Element
from agent.planner.elements import elements as elements_of
from agent.planner.lexicon import Sense
from agent.planner.placing import Mention
from agent.planner.segments import Segment

#: A verb that takes an attribute as its object: (the verb's attribute, the object's attribute, sign) -> what is meant.
_VERB_ON_NOUN = {
    ("brightness", "saturation", 1): ("saturation", 1),
    ("brightness", "saturation", -1): ("brightness", -1),
    ("sharpness", "saturation", 1): ("sharpness", 1),
    ("sharpness", "saturation", -1): ("saturation", -1),
    ("sharpness", "clarity", 1): ("sharpness", 1),
    ("sharpness", "shadows", -1): ("shadows", 1),
    ("sharpness", "highlights", -1): ("highlights", -1),
    ("sharpness", "brightness", -1): ("brightness", -1),
    ("brightness", "clarity", 1): ("brightness", 1),
    ("temperature", "saturation", 1): ("temperature", 1),
    ("temperature", "saturation", -1): ("temperature", -1),
    ("temperature", "brightness", 1): ("temperature", 1),
    ("temperature", "brightness", -1): ("temperature", -1),
    ("contrast", "saturation", -1): ("saturation", -1),
    ("contrast", "saturation", 1): ("contrast", 1),
    ("clarity", "dehaze", 1): ("dehaze", 1),
    ("clarity", "saturation", 1): ("clarity", 1),
    ("saturation", "brightness", 1): ("saturation", 1),
}

_COLOUR_WORDS = frozenset(("brightness", "clarity", "contrast", "sharpness"))
_BLURRY = frozenset(("blurry", "blurred", "fuzzy", "out of focus", "off focus", "unfocused"))

#: An adjective said of the colors: "make the colors brighter".
_COLOURS_ARE = {
    ("brightness", 1): ("saturation", 1),
    ("clarity", 1): ("saturation", 1),
    ("sharpness", -1): ("saturation", -1),
    ("contrast", -1): ("saturation", -1),
    ("brightness", -1): ("brightness", -1),
}


def read(segment: Segment, topic: str = "", last: Mention | None = None) -> tuple[list[Mention], str]:
    """All mentions of one segment, placed and measured, and the place that "it" means afterwards.

    `topic`: the place that "it" means here; empty for the whole picture. `last`: the mention before this segment.
    """
    if segment.parts and segment.parts[0].is_stop and not topic.startswith("?"):
        topic = ""
    elements = elements_of(segment, topic.removeprefix("?"))
    mentions = _mentions(Around(segment, elements, last))
    placing.place(segment, elements, mentions)
    placing.measure(segment, elements, mentions)
    for _, mention in mentions:
        mention.purpose = segment.purpose
        mention.words |= {segment.parts[i].start for i in segment.heads}
    return [mention for _, mention in mentions], _topic(elements, [m for _, m in mentions], topic)


def _topic(elements: list[Element], mentions: list[Mention], topic: str) -> str:
    """The place spoken of: where the last edit went, or what was complained of ("?": "it" even a sentence later)."""
    places = [i for i, e in enumerate(elements) if e.kind == "region" and e.chunk.text not in PRONOUNS]
    if places and elements[places[0]].region != GLOBAL and not elements[places[0]].preposition:
        following = elements[places[0] + 1 : places[0] + 2]
        if following and (following[0].kind == "be" or following[0].chunk.text in APPEARING):
            return f"?{elements[places[0]].region}"
    if mentions and len(mentions[-1].regions) == 1:
        return "" if mentions[-1].regions[0] == GLOBAL else mentions[-1].regions[0]
    return "" if places else topic


def _mentions(at: Around) -> list[tuple[int, Mention]]:
    """Mentions with their position among the elements."""
    found: list[tuple[int, Mention]] = []
    taken: set[int] = set()
    for position, e in enumerate(at.elements):
        if e.kind == "head" and (sense := e.chunk.attr("verb")):
            found += [(position, mention) for mention in _verb(at, e, position, sense, taken)]
        elif e.kind == "attr" and e.index not in taken and not at.belongs_to_removed(position):
            if mention := _attribute(at, e, position):
                found.append((position, mention))
        elif (e.kind == "region" and (mention := nouns.bare_area(at, e, found))) or (
            (e.kind == "more" and (mention := nouns.again(at, e, position, found)))
            or (e.kind == "amount" and (mention := nouns.bare_amount(at, e, position, found)))
            or (e.kind == "cast" and e.chunk.text in ("hue", "hues") and (mention := nouns.bare_hue(at, e, position)))
            or (e.kind == "achromatic" and (mention := tints.achromatic(at, e, position)))
        ):
            found.append((position, mention))
    return found


def _mended(fault: Sense, e: Element, named: Element) -> Mention:
    """A verb that takes away a fault which another element names."""
    places = {e.chunk.start, named.chunk.start}
    return Mention(fault.value, -fault.sign, [], None, places, form="noun", text=named.chunk.text)


def _verb(at: Around, e: Element, position: int, sense: Sense, taken: set[int]) -> list[Mention]:
    """A directional verb: its object may be an attribute ("brighten the colors") or a colour ("lighten the cyan")."""
    attribute, sign = sense.value, sense.sign
    if any(x.kind == "neg" for x in at.elements[max(0, position - 2) : position]):
        return []
    if position and at.elements[position - 1].kind == "head" and at.elements[position - 1].chunk.op() == "remove":
        sign = -sign  # "remove the darken filter"
    following = at.after(position)
    fault = (
        following.chunk.attr("over", "fault")
        if following is not None and following.kind == "attr" and sign < 0
        else None
    )
    if fault is not None and following is not None:
        taken.add(following.index)  # "soften the glare"
        return [_mended(fault, e, following)]
    out: list[Mention] = []
    stopped = False
    for offset, other in enumerate(at.elements[position + 1 :], position + 1):
        if other.kind == "joint" and other.chunk.text == ",":
            break
        if other.kind == "attr" and attribute == "clarity" and (fault := other.chunk.attr("fault")):
            taken.add(other.index)  # "clear up the haze"
            return [_mended(fault, e, other)]
        if other.kind == "attr" and (noun := other.chunk.attr("noun", "thing")):
            if attribute in ("temperature", "saturation", "tint") and noun.value in ("shadows", "highlights"):
                taken.add(other.index)  # "cool the shadows": a place
                return [
                    Mention(
                        attribute,
                        sign,
                        [noun.value],
                        None,
                        {e.chunk.start, other.chunk.start},
                        form="noun",
                        text=e.chunk.text,
                    )
                ]
            pair = _VERB_ON_NOUN.get((attribute, noun.value, sign))
            if noun.value == attribute or (noun.value == "saturation" and e.chunk.text.startswith("lighten")):
                pair = (attribute, sign)  # "lighten the colors" is about light
            if pair is None and noun.form == "noun" and noun.value != "black_and_white":
                pair = (noun.value, sign)
            after = at.after(offset)
            if pair is None or (after is not None and after.kind == "attr" and after.chunk.attr("adj")):
                break
            taken.add(other.index)
            words = {e.chunk.start, other.chunk.start}
            out.append(Mention(pair[0], pair[1], [], None, words, form="noun", text=other.chunk.text))
            if stopped:
                continue
            return out
        if (
            other.kind == "attr"
            and not stopped
            and (colour := other.chunk.sense("colour"))
            and attribute in ("brightness", "saturation")
            and not any(x.kind == "region" and x.region != GLOBAL and not x.preposition for x in at.elements[position:])
        ):
            taken.add(other.index)
            places = [
                x.region for x in at.elements[position:] if x.kind == "region" and x.region != GLOBAL and x.preposition
            ]
            region = places[:1] or [f"object:{colour.value} areas"]
            words = {e.chunk.start, other.chunk.start}
            return [Mention(attribute, sign, region, None, words, form="noun", text=other.chunk.text)]
        if other.kind in ("region", "prep") and attribute == "clarity" and other.region in ("", GLOBAL):
            continue  # "clear the image of fog"
        if other.kind == "region" and other.region == GLOBAL and attribute == "brightness" and not stopped:
            stopped = True  # "brighten the image and colors"
            continue
        if other.kind in ("region", "attr", "head") or (stopped and other.kind != "joint"):
            break
    return [Mention(attribute, sign, [], None, {e.chunk.start}, form="verb", text=e.chunk.text), *out]


def _attribute(at: Around, e: Element, position: int) -> Mention | None:
    c = e.chunk
    if c.sense("colour") and not c.attr():
        return tints.colour(at, e, position)
    sense = c.attr("noun", "thing") if _noun_position(at, position) else c.attr("adj", "fault", "over")
    sense = sense or c.attr("adj", "fault", "over") or c.attr()
    assert sense is not None
    if tints.is_shade(at, e, position):
        return tints.shade(at, e)
    if sense.form in ("noun", "thing"):
        return nouns.noun(at, e, position, sense)
    after = at.after(position)
    if (
        after is not None
        and after.kind == "attr"
        and after.index == e.index + 1
        and after.chunk.attr("noun")
        and at.direction
    ):
        return None  # "remove the harsh shadows": the noun is what changes
    toned = after is not None and after.kind == "attr" and after.index == e.index + 1
    if (
        toned
        and after is not None
        and after.chunk.text in ("shadows", "highlights")
        and sense.value in ("temperature", "tint")
    ):
        words = {e.chunk.start, after.chunk.start}
        return Mention(sense.value, sense.sign, [after.chunk.text], None, words, form="adj", text=e.chunk.text)
    noun = (
        after.chunk.attr("noun") if after is not None and after.kind == "attr" and after.index == e.index + 1 else None
    )
    if noun is not None and noun.value in ("shadows", "highlights", "blacks", "whites"):
        return None  # "deeper blacks": the noun says it
    return _adjective(at, e, position, sense)


def _noun_position(at: Around, position: int) -> bool:
    if any(o in ("up", "down", "remove", "add") for o in at.ops):
        return True
    before = at.elements[position - 1] if position else None
    return before is None or before.kind in ("more", "joint", "amount", "prep", "region")


def _adjective(at: Around, e: Element, position: int, sense: Sense) -> Mention | None:
    c = e.chunk
    modifier, too, negated = at.modifier(position), at.flag("too", position), at.flag("neg", position)
    be = at.complains(position)
    complaint = sense.form in ("fault", "over")
    bare = not at.heads and not at.make and not any(x.kind in ("attr", "more") for x in at.elements[:position])
    if c.text in _BLURRY and any(x.kind == "region" and x.region == "background" for x in at.elements):
        bare = False  # nobody complains of a blurry background
    flip = too or (complaint and (be or "fix" in at.ops or bare)) or _mended_there(at, e, position, sense)
    if negated:
        if too or (be and complaint):
            return None
        flip = bool(at.make or modifier < 0 or at.segment.purpose) if not be else False
    if be and not flip and _said_of_input(at):
        flip = True  # "the input image is darker than the desired one"
    sign = -sense.sign if flip else sense.sign
    plainly_less = at.direction < 0 and modifier == 0 and (complaint or not c.text.endswith("er"))
    if not flip and (modifier < 0 or plainly_less):
        sign = -sign
    attribute = sense.value
    if attribute == "dehaze" and sign < 0 and c.text.startswith("whit"):
        attribute, sign = "whites", 1
    if (
        attribute == "sharpness"
        and sense.sign < 0
        and sign < 0
        and c.text in ("blurry", "blurred", "fuzzy", "out of focus", "off focus", "unfocused")
    ):
        attribute, sign = "blur", 1
    if c.text.startswith(("visib", "visab")) and sign < 0:
        sign = 1
    if attribute == "brightness" and (tone := _tone_before(at, position)):
        attribute = tone  # "shadows brighter"
    if attribute in _COLOUR_WORDS and at.direction >= 0 and _said_of_colours(at, position):
        attribute, sign = _COLOURS_ARE.get((attribute, sign), (attribute, sign))
    return Mention(attribute, sign, [], None, {c.start}, form=sense.form, text=c.text)


def _mended_there(at: Around, e: Element, position: int, sense: Sense) -> bool:
    """ "Correct the bright eyes": what is said of the place is what is wrong with it."""
    after = at.after(position)
    return (
        sense.form == "adj"
        and any(p.text.startswith(("correct", "fix")) for p in at.head_chunks)
        and not at.make
        and not e.chunk.text.endswith("er")
        and after is not None
        and after.kind == "region"
        and not after.preposition
        and after.index == e.index + 1
        and after.region != GLOBAL
    )


def _said_of_input(at: Around) -> bool:
    """True when the subject is the picture as it was, which the wanted one is compared with."""
    subject = " ".join(p.text for p in at.parts[:6])
    return subject.startswith(
        (
            "input image is",
            "the input image is",
            "left picture is",
            "the left picture is",
            "left image is",
            "the left image is",
        )
    )


def _tone_before(at: Around, position: int) -> str:
    """The tonal attribute that an adjective directly follows, or an empty string."""
    for x in reversed(at.elements[:position]):
        if x.kind in ("be", "more", "amount", "should", "too"):
            continue
        noun = x.chunk.attr("noun") if x.kind == "attr" else None
        return noun.value if noun is not None and noun.value in ("shadows", "highlights", "blacks", "whites") else ""
    return ""


def _said_of_colours(at: Around, position: int) -> bool:
    """ "Brighter colors", "the colors brighter"."""
    after = at.after(position)
    e = at.elements[position]
    if (
        after is not None
        and after.kind == "attr"
        and after.index == e.index + 1
        and after.chunk.attr("thing")
        and after.chunk.text in ("colors", "color", "colours", "colour", "colouring", "coloring", "coloration")
    ):
        return True
    for x in reversed(at.elements[:position]):
        if x.kind == "attr" and x.chunk.text in ("colors", "color", "colours", "colour", "hues"):
            return True
        if x.kind == "region" and not x.preposition:
            return False
        if x.kind in ("attr", "head") and x.kind == "head":
            return False
    return False
