"""Segments to mentions: which attribute, which way, and from which words. Where and how much: `placing`."""

from agent.plan import Word
from agent.planner import placing
from agent.planner.chunks import Chunk
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

_BLURRY = frozenset(("blurry", "blurred", "fuzzy", "out of focus", "off focus", "unfocused"))

#: An adjective said of the colors: "make the colors brighter".
_COLOURS_ARE = {
    ("brightness", 1): ("saturation", 1),
    ("clarity", 1): ("saturation", 1),
    ("sharpness", -1): ("saturation", -1),
    ("contrast", -1): ("saturation", -1),
    ("brightness", -1): ("brightness", -1),
}

_APPEARING = frozenset("look looks looking looked seem seems appear appears has have had feel feels came comes".split())

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

#: Colours without a hue, as targets: "make the wall white".
_ACHROMATIC: dict[str, tuple[str, int, Word | None]] = {
    "white": ("whites", 1, None),
    "black": ("brightness", -1, "strong"),
    "gray": ("saturation", -1, "strong"),
    "grey": ("saturation", -1, "strong"),
}

#: "light blue", "bright red" on a region: the colour and this.
_SHADES = {
    "light": ("brightness", 1), "lighter": ("brightness", 1), "pale": ("saturation", -1), "dark": ("brightness", -1), "darker": ("brightness", -1),
    "bright": ("saturation", 1), "brighter": ("saturation", 1), "vivid": ("saturation", 1), "vibrant": ("saturation", 1), "deeper": ("saturation", 1),
    "rich": ("saturation", 1), "richer": ("saturation", 1),
}  # fmt: skip


def read(segment: Segment, topic: str = "", last: Mention | None = None) -> tuple[list[Mention], str]:
    """All mentions of one segment, placed and measured, and the place that "it" means afterwards.

    `topic`: the place that "it" means here; empty for the whole picture. `last`: the mention before this segment.
    """
    if segment.parts and segment.parts[0].is_stop and not topic.startswith("?"):
        topic = ""
    elements = elements_of(segment, topic.removeprefix("?"))
    mentions = _Reader(segment, elements, last).mentions()
    placing.place(segment, elements, mentions)
    placing.measure(segment, elements, mentions)
    for _, mention in mentions:
        mention.purpose = segment.purpose
        mention.words |= {segment.parts[i].start for i in segment.heads}
    return [mention for _, mention in mentions], _topic(elements, [m for _, m in mentions], topic)


def _topic(elements: list[Element], mentions: list[Mention], topic: str) -> str:
    """The place spoken of: where the last edit went, or what was complained of ("?"), which "it" means even a sentence later."""
    places = [i for i, e in enumerate(elements) if e.kind == "region" and e.chunk.text not in PRONOUNS]
    if places and elements[places[0]].region != GLOBAL and not elements[places[0]].preposition:
        following = elements[places[0] + 1 : places[0] + 2]
        if following and (following[0].kind == "be" or following[0].chunk.text in _APPEARING):
            return f"?{elements[places[0]].region}"
    if mentions and len(mentions[-1].regions) == 1:
        return "" if mentions[-1].regions[0] == GLOBAL else mentions[-1].regions[0]
    return "" if places else topic


class _Reader:
    """State of reading one segment; used once."""

    def __init__(self, segment: Segment, elements: list[Element], last: Mention | None) -> None:
        self.last = last
        self.parts, self.heads, self.segment, self.elements = segment.parts, set(segment.heads), segment, elements
        self.ops = segment.ops
        self.head_chunks = [segment.parts[i] for i in segment.heads]
        self.make = any(o in ("make", "add") for o in self.ops)
        self.direction = -1 if any(o in ("down", "remove") for o in self.ops) else 1 if "up" in self.ops else 0

    def mentions(self) -> list[tuple[int, Mention]]:
        """Mentions with their position among the elements."""
        found: list[tuple[int, Mention]] = []
        taken: set[int] = set()
        for position, e in enumerate(self.elements):
            if e.kind == "head" and (sense := e.chunk.attr("verb")):
                found += [(position, mention) for mention in self._verb(e, position, sense, taken)]
            elif e.kind == "attr" and e.index not in taken and not self._belongs_to_removed(position):
                if mention := self._attribute(e, position):
                    found.append((position, mention))
            elif e.kind == "more" and (mention := self._again(e, position, found)):
                found.append((position, mention))
            elif e.kind == "amount" and (mention := self._bare_amount(e, position, found)):
                found.append((position, mention))
            elif e.kind == "cast" and e.chunk.text in ("hue", "hues") and (mention := self._bare_hue(e, position)):
                found.append((position, mention))
            elif e.kind == "achromatic" and (mention := self._achromatic(e, position)):
                found.append((position, mention))
        return found

    def _bare_hue(self, e: Element, position: int) -> Mention | None:
        """ "Increase the hue": people mean more colour."""
        before = self.elements[position - 1] if position else None
        coloured = before is not None and before.index == e.index - 1 and before.kind in ("attr", "achromatic", "cast")
        after = self._next(position)
        if coloured or self.direction <= 0 or (after is not None and after.kind in ("attr", "cast")):
            return None
        return Mention("saturation", 1, [], None, {e.chunk.start}, form="noun", text=e.chunk.text)

    def _bare_amount(self, e: Element, position: int, found: list[tuple[int, Mention]]) -> Mention | None:
        """ "Sky down 1.5 stops", "+1 ev on the people": the unit says what."""
        amount = e.chunk.amount
        if amount is None or amount.unit not in ("stop", "kelvin") or found:
            return None
        if any(x.kind in ("attr", "achromatic") for x in self.elements) or any(
            p.attr("verb") for p in self.head_chunks
        ):
            return None
        low = amount.unit == "kelvin" and amount.absolute and amount.value < 5000
        sign = e.chunk.signed or (
            -1
            if low or self.direction < 0 or any(x.kind == "more" and x.chunk.op() == "down" for x in self.elements)
            else 1
        )
        attribute = "brightness" if amount.unit == "stop" else "temperature"
        return Mention(attribute, sign, [], amount, {e.chunk.start}, form="noun", text=e.chunk.text)

    def _again(self, e: Element, position: int, found: list[tuple[int, Mention]]) -> Mention | None:
        """ "Less saturation in the background, more on her jacket": the attribute said last, or in the segment before."""
        until = next((i for i, x in enumerate(self.elements) if i > position and x.kind == "joint"), len(self.elements))
        rest = self.elements[position + 1 : until]
        if any(x.kind in ("attr", "achromatic", "cast", "more") for x in rest) or self.heads:
            return None
        places = [x for x in rest if x.kind == "region" and x.region != GLOBAL] or [
            x for x in self.elements[:position] if x.kind == "region" and x.region != GLOBAL and not rest
        ]
        last = found[-1][1] if found else self.last
        if not places or last is None:
            return None
        sign = -1 if e.chunk.op() == "down" else 1 if last.form in ("noun", "thing") else last.sign
        return Mention(last.attribute, sign, [], None, {e.chunk.start}, form="noun", text=e.chunk.text)

    # -- context of an element ----------------------------------------------------------------------------------

    def _next(self, position: int) -> Element | None:
        return self.elements[position + 1] if position + 1 < len(self.elements) else None

    def _belongs_to_removed(self, position: int) -> bool:
        """ "Remove the girl in brown", "remove the red cap": the word describes the thing to be removed."""
        if "remove" not in self.ops:
            return False
        e, after = self.elements[position], self._next(position)
        if after is not None and after.kind == "region" and not after.preposition and after.region != GLOBAL:
            between = self.parts[e.index + 1 : after.index]
            if not any(p.is_joint or p.sense("the") for p in between):
                return True
        start = max(
            (i for i, x in enumerate(self.elements[:position]) if x.kind == "head" and x.chunk.op() == "remove"),
            default=0,
        )
        for x in self.elements[start:position]:
            if x.kind == "region" and x.region != GLOBAL and not x.preposition:
                return not (x.index == e.index - 1 and e.chunk.attr("noun", "fault", "over", "thing"))
        return False

    def _modifier(self, position: int) -> int:
        """+1 after "more", -1 after "less"; it carries over "and" to the next of its kind."""
        e = self.elements[position]
        for back in range(position - 1, -1, -1):
            x = self.elements[back]
            if x.kind == "more":
                sign = -1 if x.chunk.op() == "down" else 1
                near = all(y.kind in ("amount", "region", "cast") for y in self.elements[back + 1 : position])
                if near or e.chunk.attr("noun", "thing") or (sign < 0 and not e.chunk.text.endswith("er")):
                    return sign
                return 0
            if x.kind == "head":
                return 0
        return 0

    def _flag(self, kind: str, position: int) -> bool:
        for x in reversed(self.elements[:position]):
            if x.kind == kind:
                return True
            if x.kind in ("amount", "be", "more", "should", "joint") or (x.kind == "attr" and kind == "too"):
                continue
            return False
        return False

    def _complains(self, position: int) -> bool:
        """True in "the image is dark" and "it looks dull", false in "needs to be darker" or "make it dark"."""
        e = self.elements[position]
        if self.segment.purpose or any(x.kind == "should" for x in self.elements[:position]):
            return False
        if self.make and not all(p.text in _APPEARING or p.attr("verb") for p in self.head_chunks):
            return False
        words = [p.text for p in self.parts[: e.index]]
        if any(w in _APPEARING for w in words):
            return not any(w in ("would", "like", "want", "to", "should") for w in words)
        return any(x.kind == "be" for x in self.elements[:position])

    # -- verbs --------------------------------------------------------------------------------------------------

    def _verb(self, e: Element, position: int, sense: Sense, taken: set[int]) -> list[Mention]:
        """A directional verb: its object may be an attribute ("brighten the colors") or a colour ("lighten the cyan")."""
        attribute, sign = sense.value, sense.sign
        if any(x.kind == "neg" for x in self.elements[max(0, position - 2) : position]):
            return []
        out: list[Mention] = []
        stopped = False
        for offset, other in enumerate(self.elements[position + 1 :], position + 1):
            if other.kind == "joint" and other.chunk.text == ",":
                break
            if other.kind == "attr" and attribute == "clarity" and (fault := other.chunk.attr("fault")):
                taken.add(other.index)  # "clear up the haze"
                return [
                    Mention(
                        fault.value,
                        -fault.sign,
                        [],
                        None,
                        {e.chunk.start, other.chunk.start},
                        form="noun",
                        text=other.chunk.text,
                    )
                ]
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
                if noun.value == attribute:
                    pair = (attribute, sign)
                if pair is None and noun.form == "noun" and noun.value != "black_and_white":
                    pair = (noun.value, sign)
                after = self._next(offset)
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
            ):
                if not any(
                    x.kind == "region" and x.region != GLOBAL and not x.preposition for x in self.elements[position:]
                ):
                    taken.add(other.index)
                    region = [f"object:{colour.value} areas"]
                    return [
                        Mention(
                            attribute,
                            sign,
                            region,
                            None,
                            {e.chunk.start, other.chunk.start},
                            form="noun",
                            text=other.chunk.text,
                        )
                    ]
            if other.kind in ("region", "prep") and attribute == "clarity" and other.region in ("", GLOBAL):
                continue  # "clear the image of fog"
            if other.kind == "region" and other.region == GLOBAL and attribute == "brightness" and not stopped:
                stopped = True  # "brighten the image and colors"
                continue
            if other.kind in ("region", "attr", "head") or (stopped and other.kind != "joint"):
                break
        return [Mention(attribute, sign, [], None, {e.chunk.start}, form="verb", text=e.chunk.text), *out]

    # -- nouns and adjectives -----------------------------------------------------------------------------------

    def _attribute(self, e: Element, position: int) -> Mention | None:
        c = e.chunk
        if c.sense("colour") and not c.attr():
            return self._colour(e, position)
        sense = c.attr("noun", "thing") if self._noun_position(position) else c.attr("adj", "fault", "over")
        sense = sense or c.attr("adj", "fault", "over") or c.attr()
        assert sense is not None
        if sense.form in ("noun", "thing"):
            return self._noun(e, position, sense)
        after = self._next(position)
        if (
            after is not None
            and after.kind == "attr"
            and after.index == e.index + 1
            and after.chunk.attr("noun")
            and self.direction
        ):
            return None  # "remove the harsh shadows": the noun is what changes
        if self._is_shade(e, position):
            return self._shade(e)
        if (
            after is not None
            and after.kind == "attr"
            and after.index == e.index + 1
            and (noun := after.chunk.attr("noun"))
        ):
            if noun.value in ("shadows", "highlights", "blacks", "whites"):
                return None  # "deeper blacks": the noun says it
        return self._adjective(e, position, sense)

    def _noun_position(self, position: int) -> bool:
        if any(o in ("up", "down", "remove", "add") for o in self.ops):
            return True
        before = self.elements[position - 1] if position else None
        return before is None or before.kind in ("more", "joint", "amount", "prep", "region")

    def _noun(self, e: Element, position: int, sense: Sense) -> Mention | None:
        before = self.elements[position - 1] if position else None
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
            and not self.direction
            and sense.value != "shadows"
        ):
            return None  # "more vivid colors", "better lighting": the adjective says it
        modifier, negated = self._modifier(position), self._flag("neg", position)
        if (
            adjacent
            and before is not None
            and sense.value in ("shadows", "highlights", "blacks", "whites")
            and not self.direction
        ):
            tone = before.chunk.attr("adj", "fault", "over")
            if tone is not None and tone.value in ("brightness", "sharpness", "saturation"):
                deep = before.chunk.text.startswith(("deep", "dark", "rich", "bold"))
                soft = before.chunk.text.startswith("soft") and sense.value == "highlights"
                words = {e.chunk.start, before.chunk.start}
                return Mention(sense.value, -1 if deep or soft else 1, [], None, words, form="noun", text=e.chunk.text)
        sign = self._noun_sign(e, position, sense, modifier, negated)
        if sense.value in ("black_and_white", "blur") and not negated and sign == 0:
            sign = 1
        if sense.form == "thing" and sense.value == "saturation" and sign == 0 and self._colours_come_out(position):
            sign = -1 if any(p.text == "less" for p in self.parts[e.index :]) else 1
        attribute = sense.value
        if (
            attribute == "blur"
            and sign < 0
            and not any(x.kind == "region" and x.region != GLOBAL for x in self.elements)
        ):
            attribute, sign = "sharpness", 1
        if (
            attribute == "saturation"
            and sense.form == "thing"
            and "remove" in self.ops
            and sign < 0
            and not any(x.kind in ("attr", "achromatic", "cast") for x in self.elements[:position])
        ):
            attribute, sign = "black_and_white", 1
        if attribute == "blur" and "fix" in self.ops:
            attribute, sign = "sharpness", 1
        if attribute == "temperature" and any(
            x.kind == "attr" and x.chunk.sense("colour") for x in self.elements[position + 1 :]
        ):
            return None  # "adjust the temperature toward orange"
        if sense.value == "shadows":
            sign = self._shadow_sign(e.chunk, sign, modifier)
            if e.chunk.text == "shadow" and "remove" in self.ops and self._casts(position):
                return None  # "remove the shadow of the photographer": a thing
        if sign == 0:
            return None
        mention = Mention(attribute, sign, [], None, {e.chunk.start}, form=sense.form, text=e.chunk.text)
        mention.adjusted = "fix" in self.ops and not (modifier or self.direction)
        return mention

    def _noun_sign(self, e: Element, position: int, sense: Sense, modifier: int, negated: bool) -> int:
        """The direction of a noun such as "contrast"; 0 when none was said."""
        after = self._next(position)
        if self._flag("too", position):
            return 1 if any(p.text in ("little", "low", "weak") for p in self.parts) else -1
        if (
            after is not None
            and after.kind == "too"
            and not any(p.attr("adj", "fault", "over") for p in self.parts[after.index :])
        ):
            return 1 if any(p.text in ("low", "little", "weak", "weaker") for p in self.parts) else -1
        if negated:
            enough = any(x.kind == "enough" for x in self.elements)
            return 1 if enough else 0 if self.make and not modifier else -1
        if self.direction < 0:
            return -1
        if modifier:
            return modifier
        if (
            sense.form == "thing"
            and sense.value in ("saturation", "brightness")
            and e.chunk.text
            in ("lighting", "color", "colors", "colour", "colours", "coloring", "colouring", "coloration")
        ):
            improved = any(p.text.startswith("improv") for p in self.head_chunks) or any(
                p.text == "better" for p in self.parts
            )
            covered = after is not None and after.kind == "cast" and after.index == e.index + 1
            if improved or covered:
                return 0
        if not self.ops and any(p.sense("oos") for p in self.head_chunks):
            return 0
        if self.direction > 0 or "add" in self.ops:
            return 1
        before = self.parts[e.index - 1] if e.index else None
        if sense.form == "noun" and before is not None and before.text == "with" and any(p.attr("verb") for p in self.head_chunks):
            return 1
        number = next(
            (x for x in self.elements[position + 1 : position + 3] if x.kind == "amount" and x.chunk.amount), None
        )
        if number is not None or any(
            x.chunk.amount and x.chunk.signed for x in self.elements[max(0, position - 2) : position]
        ):
            return (number.chunk.signed if number else 0) or 1
        if "fix" in self.ops:
            tuned = any(
                p.text.startswith(("adjust", "tweak", "tun", "alter", "improv", "touch")) for p in self.head_chunks
            )
            return 1 if tuned and sense.form == "noun" and sense.value not in ("temperature", "tint") else 0
        if any(p.text.startswith(("adjustment", "correction")) for p in self.parts[e.index + 1 : e.index + 2]):
            return 1 if sense.form == "noun" and sense.value != "temperature" else 0
        if after is not None and (after.kind in ("too", "be", "more", "neg") or self._direction_follows(position)):
            return 0
        if self.ops == ["make"] and self.head_chunks[0].text.startswith("change") and sense.value == "contrast":
            return 1
        if not self.ops and not any(p.attr("verb") for p in self.head_chunks):
            if len(self.parts) <= (5 if sense.form == "noun" else 2):
                return 1
            before = [
                p for p in self.parts[: e.index] if not (p.is_joint or p.sense("the") or p.sense("then") or p.is_stop)
            ]
            bare = not before or all(p.attr() for p in before)
            return 1 if sense.form == "noun" and bare and not self.segment.purpose else 0
        return 0

    def _casts(self, position: int) -> bool:
        """True when the shadow belongs to a thing or lies on one, so that it is a thing to be removed itself."""
        rest = self.elements[position + 1 :]
        before = self.elements[position - 1] if position else None
        if before is not None and before.kind == "region" and before.index >= self.elements[position].index - 2 and before.region == "person":
            return True
        for x in rest:
            if x.kind == "region":
                return x.preposition == "of" or x.region in ("left", "right", "top", "bottom", "vehicle", "ground", "background", "building") or x.region.startswith("object:") or (x.preposition == "to")
        return False

    def _colours_come_out(self, position: int) -> bool:
        """ "Make the colors stand out"."""
        words = " ".join(p.text for p in self.parts[self.elements[position].index + 1 :])
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

    def _direction_follows(self, position: int) -> bool:
        for x in self.elements[position + 1 :]:
            if x.kind == "attr" and x.chunk.attr("adj", "fault", "over"):
                return True
            if x.kind == "joint":
                return False
        return False

    def _shadow_sign(self, c: Chunk, sign: int, modifier: int) -> int:
        """Fewer or lifted shadows are +; more or deeper ones are -, but raising a "shadow value" is +."""
        if sign == 0 and any(p.text.startswith(("fix", "correct")) for p in self.head_chunks):
            return 1
        if sign == 0 or any(p.amount for p in self.parts):
            return sign
        slider = any(w in c.text for w in ("value", "detail", "level"))
        verb = " ".join(p.text for p in self.head_chunks)
        if self.direction < 0 or modifier < 0:
            return sign if slider or any(w in verb for w in ("drop", "pull", "down", "lower", "crush", "deep")) else 1
        if slider or verb.startswith(_LIFTING):
            return 1
        return -1 if modifier > 0 or self.ops else sign

    def _adjective(self, e: Element, position: int, sense: Sense) -> Mention | None:
        c = e.chunk
        modifier, too, negated = self._modifier(position), self._flag("too", position), self._flag("neg", position)
        be = self._complains(position)
        complaint = sense.form in ("fault", "over")
        bare = (
            not self.heads and not self.make and not any(x.kind in ("attr", "more") for x in self.elements[:position])
        )
        if c.text in _BLURRY and any(x.kind == "region" and x.region == "background" for x in self.elements):
            bare = False  # nobody complains of a blurry background
        flip = too or (complaint and (be or "fix" in self.ops or bare))
        if negated:
            if too or (be and complaint):
                return None
            flip = bool(self.make or modifier < 0 or self.segment.purpose) if not be else False
        sign = -sense.sign if flip else sense.sign
        if not flip:
            if modifier < 0 or (self.direction < 0 and modifier == 0 and (complaint or not c.text.endswith("er"))):
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
        if attribute in ("brightness", "clarity", "contrast", "sharpness") and self._said_of_colours(position):
            attribute, sign = _COLOURS_ARE.get((attribute, sign), (attribute, sign))
        return Mention(attribute, sign, [], None, {c.start}, form=sense.form, text=c.text)

    def _said_of_colours(self, position: int) -> bool:
        """ "Brighter colors", "the colors brighter"."""
        after = self._next(position)
        e = self.elements[position]
        if (
            after is not None
            and after.kind == "attr"
            and after.index == e.index + 1
            and after.chunk.attr("thing")
            and after.chunk.text in ("colors", "color", "colours", "colour", "colouring", "coloring", "coloration")
        ):
            return True
        for x in reversed(self.elements[:position]):
            if x.kind == "attr" and x.chunk.text in ("colors", "color", "colours", "colour", "hues"):
                return True
            if x.kind == "region" and not x.preposition:
                return False
            if x.kind in ("attr", "head") and x.kind == "head":
                return False
        return False

    # -- colours ------------------------------------------------------------------------------------------------

    def _colour(self, e: Element, position: int) -> Mention | None:
        c = e.chunk
        colour = c.sense("colour")
        assert colour is not None
        modifier, too, negated, be = (
            self._modifier(position),
            self._flag("too", position),
            self._flag("neg", position),
            self._complains(position),
        )
        after = self._next(position)
        comparative = c.text.endswith(("er", "est", "ish", "ness")) and c.text not in ("lavender", "amber")
        describes = after is not None and after.index == e.index + 1 and after.kind == "region"
        if describes and after is not None and after.region != GLOBAL and not comparative and not modifier:
            return None  # attributive: "the red car"
        if any(p.text == "from" for p in self.parts[max(0, e.index - 3) : e.index]) and any(
            p.text == "to" for p in self.parts[e.index + 1 :]
        ):
            return None
        if after is not None and after.kind == "attr" and after.index == e.index + 1 and (tone := after.chunk.attr("noun")) and tone.value == "saturation":
            return None  # "the red saturation": the noun says it
        if negated and self.make and any(x.kind == "attr" and x.chunk.sense("colour") for x in self.elements[:position]):
            return None  # "make it blue and not green"
        if self._changes_to(e.index + 1):
            return None  # "change the yellow parts to red": the first colour is what changes
        source = next(
            (
                x
                for x in self.elements[:position]
                if x.kind == "attr" and x.chunk.sense("colour") and self._changes_to(x.index + 1)
            ),
            None,
        )
        places = [x for x in self.elements if x.kind == "region" and x.region != GLOBAL]
        if source is not None and not places:
            area = [f"object:{source.chunk.sense('colour').value} areas"]  # type: ignore[union-attr]
            return Mention(f"colour:{colour.value}", 1, area, None, {c.start}, form="colour", text=c.text)
        cast = any(x.kind == "cast" for x in self.elements[position : position + 2])
        sign = 1
        if too or modifier < 0 or self.direction < 0:
            sign = -1
        elif be and (comparative or cast) and not c.text.endswith("er"):
            sign = -1
        if negated:
            sign = -1 if not be else 1
        if "fix" in self.ops and not self.make:
            sign = -1
        if (
            sign > 0
            and any(p.text.startswith(("enhanc", "intensif", "accentuat")) for p in self.head_chunks)
            and not any(x.kind == "region" and x.region != GLOBAL for x in self.elements)
        ):
            return Mention("saturation", 1, [f"object:{colour.value} areas"], None, {c.start}, form="noun", text=c.text)
        content = [p for p in self.parts if not (p.is_joint or p.sense("the") or p.is_stop)]
        if not (self.ops or modifier or too or be or comparative or len(content) <= 4):
            return None
        return Mention(f"colour:{colour.value}", sign, [], None, {c.start}, form="colour", text=c.text)

    def _changes_to(self, start: int) -> bool:
        """True when "to <colour>" follows a verb of changing."""
        if "make" not in self.ops or not any(
            p.text.startswith(("chang", "turn", "convert", "replac", "alter", "switch", "swap"))
            for p in self.head_chunks
        ):
            return False
        for i in range(start, len(self.parts) - 1):
            if self.parts[i].text in ("to", "into", "with"):
                return any(p.sense("colour") or p.text in _ACHROMATIC for p in self.parts[i + 1 : i + 5])
        return False

    def _is_shade(self, e: Element, position: int) -> bool:
        after = self._next(position)
        return (
            e.chunk.text in _SHADES
            and after is not None
            and after.index == e.index + 1
            and after.kind == "attr"
            and after.chunk.sense("colour") is not None
            and self.make
        )

    def _shade(self, e: Element) -> Mention | None:
        """ "Light blue": on a region lightness comes with the colour; on the whole picture it is only the colour."""
        if not any(x.kind == "region" and x.region != GLOBAL for x in self.elements):
            return None
        attribute, sign = _SHADES[e.chunk.text]
        return Mention(attribute, sign, [], None, {e.chunk.start}, form="adj", text=e.chunk.text)

    def _achromatic(self, e: Element, position: int) -> Mention | None:
        """ "Make the wall white": a target without a hue, on a region other than the background."""
        after = self._next(position)
        less = self._modifier(position) < 0 or self.direction < 0
        if less and e.chunk.text != "black" and not self._belongs_to_removed(position):
            attribute, sign = ("highlights", -1) if e.chunk.text == "white" else ("dehaze", 1)
            return Mention(attribute, sign, [], None, {e.chunk.start}, form="adj", text=e.chunk.text)
        if (
            not self.make
            or self.direction < 0
            or (after is not None and after.kind == "region" and not after.preposition)
        ):
            return None
        more = self._modifier(position) > 0
        places = [x.region for x in self.elements if x.kind == "region" and (more or x.region != "background")]
        attribute, sign, amount = _ACHROMATIC[e.chunk.text]
        gray = e.chunk.text in ("gray", "grey")
        if not any(p != GLOBAL for p in places):
            if gray and places:
                return Mention("black_and_white", 1, [], None, {e.chunk.start}, form="adj", text=e.chunk.text)
            return None
        if self._flag("neg", position) or self._flag("too", position):
            return None
        return Mention(attribute, sign, [], amount, {e.chunk.start}, form="adj", text=e.chunk.text)
