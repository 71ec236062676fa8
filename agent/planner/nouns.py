"""Attribute nouns: "increase the contrast", "too much noise", "fix the shadows", and amounts that imply one."""

from agent.planner.around import Around
from agent.planner.chunks import Chunk
from agent.planner.elements import GLOBAL, Element
from agent.planner.lexicon import Sense
from agent.planner.placing import Mention

#: Verbs that open the shadows; "increase", "add" and "deepen" make more of them.
_LIFTING = (
    "lift",
    "rais",
    "bring",
    "brought",
    "open",
    "boost",
    "recover",
    "pull",
    "bright",
    "light",
    "improv",
    "push",
    "bump",
    "up",
)

_DEGREES = frozenset(("low", "little", "weak", "high", "much", "strong", "heavy", "intense"))


def noun(at: Around, e: Element, position: int, sense: Sense) -> Mention | None:
    """The mention of an attribute noun; None when it asks for nothing or another word says it."""
    before = at.elements[position - 1] if position else None
    coloured = any(x.kind == "attr" and x.chunk.sense("colour") for x in at.elements)
    if (
        coloured
        and sense.form == "thing"
        and before is not None
        and before.kind == "region"
        and before.index == e.index - 1
    ):
        return None  # "blue in the background color"
    after = at.after(position)
    if (
        sense.form == "thing"
        and sense.value == "saturation"
        and before is not None
        and before.kind == "prep"
        and any(x.kind == "attr" for x in at.elements[:position])
    ):
        return None  # "add warmth to the colors"
    if (
        e.chunk.text == "light"
        and after is not None
        and after.kind == "attr"
        and after.index == e.index + 1
        and after.chunk.attr("noun", "fault")
    ):
        return None  # "light noise"
    adjacent = before is not None and before.kind in ("attr", "achromatic") and before.index == e.index - 1
    if (
        adjacent
        and before is not None
        and sense.form == "thing"
        and (before.chunk.sense("colour") or before.kind == "achromatic")
    ):
        return None  # "bring out the red color"
    if (
        adjacent
        and before is not None
        and before.chunk.attr("adj")
        and (not at.direction or _is_warmth(before))
        and sense.value != "shadows"
    ):
        return None  # "more vivid colors", "better lighting": the adjective says it
    if (
        e.index + 1 < len(at.parts)
        and at.parts[e.index + 1].text in ("tool", "tools")
        and any(p.text == "using" for p in at.parts)
    ):
        return None
    modifier, negated = at.modifier(position), at.flag("neg", position)
    if (
        adjacent
        and before is not None
        and sense.value in ("shadows", "highlights", "blacks", "whites")
        and not at.direction
    ):
        tone = before.chunk.attr("adj", "fault", "over")
        if tone is not None and tone.value in ("temperature", "tint"):
            return None  # "cool shadows": a place
        if tone is not None and tone.value in ("brightness", "sharpness", "saturation"):
            deep = before.chunk.text.startswith(("deep", "dark", "rich", "bold"))
            soft = before.chunk.text.startswith("soft") and sense.value == "highlights"
            words = {e.chunk.start, before.chunk.start}
            return Mention(sense.value, -1 if deep or soft else 1, [], None, words, form="noun", text=e.chunk.text)
    sign = _noun_sign(at, e, position, sense, modifier, negated)
    if sense.value in ("black_and_white", "blur") and not negated and sign == 0:
        sign = 1
    if sense.form == "thing" and sense.value == "saturation" and sign == 0 and _colours_come_out(at, position):
        sign = -1 if any(p.text == "less" for p in at.parts[e.index :]) else 1
    attribute = sense.value
    if attribute == "blur" and sign < 0 and not any(x.kind == "region" and x.region != GLOBAL for x in at.elements):
        attribute, sign = "deblur", 1
    if (
        attribute == "saturation"
        and sense.form == "thing"
        and "remove" in at.ops
        and sign < 0
        and not any(x.kind in ("attr", "achromatic", "cast") for x in at.elements[:position])
    ):
        some = any(p.sense("amount") for p in at.parts)
        attribute, sign = ("saturation", -1) if some else ("black_and_white", 1)
    if attribute == "blur" and "fix" in at.ops:
        attribute, sign = "deblur", 1
    if attribute == "temperature" and any(
        x.kind == "attr" and x.chunk.sense("colour") for x in at.elements[position + 1 :]
    ):
        return None  # "adjust the temperature toward orange"
    if sense.value == "shadows":
        sign = _shadow_sign(at, e.chunk, sign, modifier)
        if e.chunk.text == "shadow" and "remove" in at.ops and _casts(at, position):
            return None  # "remove the shadow of the photographer": a thing
    if sign == 0:
        return None
    mention = Mention(attribute, sign, [], None, {e.chunk.start}, form=sense.form, text=e.chunk.text)
    mention.adjusted = "fix" in at.ops and not (modifier or at.direction)
    return mention


def _is_warmth(e: Element) -> bool:
    """ "Add warm colors" asks for warmth, not for colors."""
    sense = e.chunk.attr("adj")
    return sense is not None and sense.value == "temperature"


def _noun_sign(at: Around, e: Element, position: int, sense: Sense, modifier: int, negated: bool) -> int:
    """The direction of a noun such as "contrast"; 0 when none was said."""
    after = at.after(position)
    if at.flag("too", position):
        return 1 if any(p.text in ("little", "low", "weak") for p in at.parts) else -1
    if after is not None and after.kind == "too" and any(p.text in _DEGREES for p in at.parts[after.index :]):
        return 1 if any(p.text in ("low", "little", "weak", "weaker") for p in at.parts) else -1
    if after is not None and after.kind in ("more", "be", "too") and _direction_follows(at, position):
        return 0  # "the colors more vibrant": the adjective says it
    if after is not None and after.kind == "attr" and after.chunk.text.startswith("pop"):
        return 0  # "colors pop"
    if negated:
        enough = any(x.kind == "enough" for x in at.elements)
        return 1 if enough else 0 if at.make and not modifier else -1
    if at.direction < 0:
        return -1
    if modifier:
        return modifier
    if (
        sense.form == "thing"
        and sense.value in ("saturation", "brightness")
        and e.chunk.text in ("lighting", "color", "colors", "colour", "colours", "coloring", "colouring", "coloration")
    ):
        improved = any(p.text.startswith("improv") for p in at.head_chunks) or any(p.text == "better" for p in at.parts)
        covered = after is not None and after.kind == "cast" and after.index == e.index + 1
        if improved or covered:
            return 0
    if not at.ops and any(p.sense("oos") for p in at.head_chunks):
        return 0
    if at.direction > 0 or "add" in at.ops:
        return 1
    before = at.parts[e.index - 1] if e.index else None
    if (
        sense.form == "noun"
        and before is not None
        and before.text == "with"
        and any(p.attr("verb") for p in at.head_chunks)
    ):
        return 1
    number = next((x for x in at.elements[position + 1 : position + 3] if x.kind == "amount" and x.chunk.amount), None)
    if number is not None or any(
        x.chunk.amount and x.chunk.signed for x in at.elements[max(0, position - 2) : position]
    ):
        return (number.chunk.signed if number else 0) or 1
    adverb = at.elements[position - 1] if position else None
    if "make" in at.ops and sense.form == "noun" and adverb is not None and adverb.kind == "amount":
        return 1  # "make a bit brightness"
    if "fix" in at.ops:
        tuned = any(p.text.startswith(("adjust", "tweak", "tun", "alter", "improv", "touch")) for p in at.head_chunks)
        return 1 if tuned and sense.form == "noun" and sense.value not in ("temperature", "tint") else 0
    if any(p.text.startswith(("adjustment", "correction")) for p in at.parts[e.index + 1 : e.index + 2]):
        return 1 if sense.form == "noun" and sense.value != "temperature" else 0
    if after is not None and (after.kind in ("too", "be", "more", "neg") or _direction_follows(at, position)):
        return 0
    if at.ops == ["make"] and at.head_chunks[0].text.startswith("change") and sense.value == "contrast":
        return 1
    if not at.ops and not any(p.attr("verb") for p in at.head_chunks):
        if len(at.parts) <= (5 if sense.form == "noun" else 2):
            return 1
        lead = [p for p in at.parts[: e.index] if not (p.is_joint or p.sense("the") or p.sense("then") or p.is_stop)]
        bare = not lead or all(p.attr() for p in lead)
        return 1 if sense.form == "noun" and bare and not at.segment.purpose else 0
    return 0


def _casts(at: Around, position: int) -> bool:
    """True when the shadow belongs to a thing or lies on one, so that it is a thing to be removed itself."""
    rest = at.elements[position + 1 :]
    before = at.elements[position - 1] if position else None
    if (
        before is not None
        and before.kind == "region"
        and before.index >= at.elements[position].index - 2
        and before.region == "person"
    ):
        return True
    for x in rest:
        if x.kind == "region":
            return (
                x.preposition == "of"
                or x.region in ("left", "right", "top", "bottom", "vehicle", "ground", "background", "building")
                or x.region.startswith("object:")
                or (x.preposition == "to")
            )
    return False


def _colours_come_out(at: Around, position: int) -> bool:
    """ "Make the colors stand out"."""
    words = " ".join(p.text for p in at.parts[at.elements[position].index + 1 :])
    return any(
        w in words
        for w in (
            "stand out",
            "come out",
            "show up",
            "shine",
            "come alive",
            "come through",
            "comes out",
            "stands out",
            "strong",
            "intense",
            "deep",
        )
    )


def _direction_follows(at: Around, position: int) -> bool:
    for x in at.elements[position + 1 :]:
        if x.kind == "attr" and x.chunk.attr("adj", "fault", "over"):
            return True
        if x.kind == "joint":
            return False
    return False


def _shadow_sign(at: Around, c: Chunk, sign: int, modifier: int) -> int:
    """Fewer or lifted shadows are +; more or deeper ones are -, but raising a "shadow value" is +."""
    if sign == 0 and any(p.text.startswith(("fix", "correct")) for p in at.head_chunks):
        return 1
    if sign == 0 or any(p.amount for p in at.parts):
        return sign
    slider = any(w in c.text for w in ("value", "detail", "level"))
    verb = " ".join(p.text for p in at.head_chunks)
    if at.direction < 0 or modifier < 0:
        return sign if slider or any(w in verb for w in ("drop", "pull", "down", "lower", "crush", "deep")) else 1
    if slider or verb.startswith(_LIFTING):
        return 1
    return -1 if modifier > 0 or at.ops else sign


def bare_hue(at: Around, e: Element, position: int) -> Mention | None:
    """ "Increase the hue": people mean more colour."""
    before = at.elements[position - 1] if position else None
    coloured = before is not None and before.index == e.index - 1 and before.kind in ("attr", "achromatic", "cast")
    after = at.after(position)
    if coloured or at.direction <= 0 or (after is not None and after.kind in ("attr", "cast")):
        return None
    return Mention("saturation", 1, [], None, {e.chunk.start}, form="noun", text=e.chunk.text)


def bare_amount(at: Around, e: Element, position: int, found: list[tuple[int, Mention]]) -> Mention | None:
    """ "Sky down 1.5 stops", "+1 ev on the people": the unit says what."""
    amount = e.chunk.amount
    if amount is None or amount.unit not in ("stop", "kelvin") or found:
        return None
    if any(x.kind in ("attr", "achromatic") for x in at.elements) or any(p.attr("verb") for p in at.head_chunks):
        return None
    low = amount.unit == "kelvin" and amount.absolute and amount.value < 5000
    sign = e.chunk.signed or (
        -1 if low or at.direction < 0 or any(x.kind == "more" and x.chunk.op() == "down" for x in at.elements) else 1
    )
    attribute = "brightness" if amount.unit == "stop" else "temperature"
    return Mention(attribute, sign, [], amount, {e.chunk.start}, form="noun", text=e.chunk.text)


def again(at: Around, e: Element, position: int, found: list[tuple[int, Mention]]) -> Mention | None:
    """ "Less saturation in the background, more on her jacket": the attribute said last, or in the segment before."""
    until = next((i for i, x in enumerate(at.elements) if i > position and x.kind == "joint"), len(at.elements))
    rest = at.elements[position + 1 : until]
    if any(x.kind in ("attr", "achromatic", "cast", "more") for x in rest) or at.heads:
        return None
    places = [x for x in rest if x.kind == "region" and x.region != GLOBAL] or [
        x for x in at.elements[:position] if x.kind == "region" and x.region != GLOBAL and not rest
    ]
    last = found[-1][1] if found else at.last
    if not places or last is None:
        return None
    sign = -1 if e.chunk.op() == "down" else 1 if last.form in ("noun", "thing") else last.sign
    return Mention(last.attribute, sign, [], None, {e.chunk.start}, form="noun", text=e.chunk.text)


def bare_area(at: Around, e: Element, found: list[tuple[int, Mention]]) -> Mention | None:
    """ "Boost the greens", "reds less intense": saturation of those areas."""
    if (
        not e.region.endswith(" areas")
        or found
        or any(x.kind in ("attr", "achromatic", "amount_of") for x in at.elements)
    ):
        return None
    mores = [x.chunk.op() for x in at.elements if x.kind == "more"]
    sign = -1 if at.direction < 0 or "down" in mores else 1 if at.direction > 0 or mores else 0
    if sign == 0 or "remove" in at.ops:
        return None
    return Mention("saturation", sign, [e.region], None, {e.chunk.start}, form="noun", text=e.chunk.text)
