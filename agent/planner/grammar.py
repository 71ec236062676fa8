"""Segments to mentions: which attribute, which way, where, how much, and from which words."""

from dataclasses import dataclass, field

from agent.plan import Amount, Word
from agent.planner.chunks import Chunk
from agent.planner.lexicon import colour_axis, hue
from agent.planner.segments import Segment

GLOBAL = "global"

#: A verb that takes an attribute as its object: (the verb's attribute, the object's attribute) -> what is meant.
_VERB_ON_NOUN = {
    ("brightness", "saturation", 1): ("saturation", 1),
    ("brightness", "saturation", -1): ("brightness", -1),
    ("sharpness", "saturation", 1): ("sharpness", 1),
    ("sharpness", "saturation", -1): ("saturation", -1),
    ("sharpness", "clarity", 1): ("sharpness", 1),
    ("sharpness", "shadows", -1): ("shadows", 1),
    ("sharpness", "highlights", -1): ("highlights", -1),
    ("sharpness", "brightness", -1): ("contrast", -1),
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

#: Words that are never an `object:<noun>`.
_NOT_THINGS = frozenset(
    """quality effect effects level levels way value values version bit request thanks thank help feel mood vibe thing
    things part parts area areas side desired original one ones amount percent moment time times place person's result
    something anything nothing stuff lot much more less very well same kind sort type style layer tool slider point end
    edit edits photoshop job work mind favor favour size shape resolution background's appearance right next first last
    rest please hello hi hey someone everyone can could would will we you they he she i it there here just also too
    people's left's feature features life attention emphasis accents portion aspect aspects range natural look visibility
    outside inside day night morning adjustment adjustments intensity settings setting effect's command focus point
    balance tones overall scheme hue hues than like other others what which who how when where why if only even still
    feeling sense impression atmosphere issue problem difference differences number""".split()
)


@dataclass
class Mention:
    """One asked change, before it becomes an `Edit`."""

    attribute: str
    sign: int
    regions: list[str]
    amount: Word | Amount | None
    words: set[int]
    purpose: str = ""
    form: str = ""
    text: str = ""
    adjusted: bool = False
    """True for "adjust the contrast": no direction was said."""


@dataclass
class Reading:
    """What the grammar found in a message."""

    mentions: list[Mention] = field(default_factory=list)
    protect: list[str] = field(default_factory=list)
    negated: bool = False


@dataclass
class _Element:
    kind: str  # attr, region, joint, amount, more, too, neg, prep, be, head
    index: int
    chunk: Chunk
    region: str = ""
    preposition: str = ""


def read(segment: Segment) -> Reading:
    """All mentions of one segment."""
    return _Reader(segment).read()


class _Reader:
    """State of reading one segment; used once."""

    def __init__(self, segment: Segment) -> None:
        self.parts, self.heads, self.segment = segment.parts, set(segment.heads), segment
        self.ops = segment.ops
        self.head_chunks = [segment.parts[i] for i in segment.heads]
        self.out = Reading()
        self.make = any(o in ("make", "add") for o in self.ops)
        self.direction = -1 if any(o in ("down", "remove") for o in self.ops) else 1 if "up" in self.ops else 0
        self.first_head = min(self.heads, default=len(self.parts))

    def read(self) -> Reading:
        elements = self._elements()
        mentions = self._mentions(elements)
        self._place(elements, mentions)
        self._amounts(elements, mentions)
        self.out.mentions = [m for _, m in mentions]
        for mention in self.out.mentions:
            mention.purpose = self.segment.purpose
            mention.words |= {self.parts[i].start for i in self.heads}
        return self.out

    # -- regions and grammar words ------------------------------------------------------------------------------

    def _elements(self) -> list[_Element]:
        found: list[_Element] = []
        skip = -1
        for i, c in enumerate(self.parts):
            if i <= skip:
                continue
            nxt = self.parts[i + 1] if i + 1 < len(self.parts) else None
            prep = self._preposition(i)
            if i in self.heads:
                found.append(_Element("head", i, c))
            elif c.text in ("instead", "rather") or (c.text == "than"):
                break
            elif c.sense("amount"):
                found.append(_Element("amount", i, c))
            elif c.text in ("more", "less", "better", "extra") or (
                c.op() in ("up", "down") and not c.attr() and i > self.first_head
            ):
                found.append(_Element("more", i, c))
            elif c.sense("too"):
                found.append(_Element("too", i, c))
            elif c.sense("neg") or (c.text == "no" and nxt and nxt.attr()):
                found.append(_Element("neg", i, c))
            elif c.sense("be"):
                found.append(_Element("be", i, c))
            elif c.sense("should"):
                found.append(_Element("should", i, c))
            elif c.is_joint:
                found.append(_Element("joint", i, c))
            elif c.sense("enough"):
                found.append(_Element("enough", i, c))
            elif self._is_tonal_region(i):
                found.append(_Element("region", i, c, "shadows" if c.text.startswith("shadow") else "highlights", prep))
            elif c.attr() or c.sense("colour"):
                if (area := self._colour_area(i)) is not None:
                    found.append(_Element("region", i, c, area, prep))
                else:
                    found.append(_Element("attr", i, c))
            elif c.sense("region") or c.text == "it":
                sense = c.sense("region")
                found.append(_Element("region", i, c, sense.value if sense else GLOBAL, prep))
            elif thing := c.sense("object"):
                found.append(_Element("region", i, c, f"object:{thing.value}", prep))
            elif c.sense("cast"):
                found.append(_Element("cast", i, c))
            elif noun := self._unknown_noun(i):
                found.append(_Element("region", i, c, f"object:{noun}", prep))
            elif c.sense("at") or c.sense("of"):
                found.append(_Element("prep", i, c))
        return self._compounds(found)

    def _preposition(self, i: int) -> str:
        for c in reversed(self.parts[max(0, i - 4) : i]):
            if c.sense("of") or c.sense("at"):
                return c.text
            if c.sense("the") or c.sense("colour") or (not c.senses and c.text.isalpha()):
                continue
            return ""
        return ""

    def _is_tonal_region(self, i: int) -> bool:
        """ "in the shadows", "brightness of the highlights": a place, not the attribute."""
        c = self.parts[i]
        if c.text not in ("shadows", "highlights"):
            return False
        return bool(self._preposition(i)) and any(p.attr() for p in self.parts[:i])

    def _colour_area(self, i: int) -> str | None:
        """ "the greens" are green areas."""
        c = self.parts[i]
        colour = c.sense("colour")
        if colour is None or not c.text.endswith("s") or c.text.endswith("ness"):
            return None
        return f"object:{colour.value} areas" if any(o in ("up", "make", "down") for o in self.ops) else None

    def _unknown_noun(self, i: int) -> str:
        c = self.parts[i]
        if c.senses or not c.text.isalpha() or len(c.text) < 3 or c.text in _NOT_THINGS or not c.text.isascii():
            return ""
        before = self.parts[i - 1] if i else None
        after = self.parts[i + 1] if i + 1 < len(self.parts) else None
        if c.text.endswith(("ly", "ing")) or (after is not None and not after.senses and after.text.isalpha()
                                             and after.text not in _NOT_THINGS):  # fmt: skip
            return ""
        determined = any(p.sense("the") for p in self.parts[max(0, i - 3) : i])
        after_head = before is not None and (i - 1) in self.heads
        return c.text if determined or after_head else ""

    def _compounds(self, found: list[_Element]) -> list[_Element]:
        """Merge neighbours that name one place: "man 's face", "background wall", "sky in the background"."""
        out: list[_Element] = []
        for e in found:
            last = out[-1] if out else None
            if e.kind == "region" and last is not None and last.kind == "region":
                between = [c.text for c in self.parts[last.index + 1 : e.index]]
                near = not e.preposition and all(t in ("'s", "own") for t in between)
                if near:
                    keep = last if e.region == GLOBAL or (e.region.startswith("object:") and "'s" in between
                                                          and not e.chunk.senses) else e  # fmt: skip
                    out[-1] = _Element("region", e.index, keep.chunk, keep.region, last.preposition)
                    continue
                if e.preposition and last.region != GLOBAL:
                    continue
            if (
                e.kind == "region"
                and e.preposition
                and len(out) >= 2
                and out[-1].kind == "prep"
                and out[-2].kind == "region"
            ):
                if out[-2].region == GLOBAL:
                    out.pop()
                    out[-1] = e if e.region != GLOBAL and e.preposition != "of" else out[-1]
                elif out[-2].region in ("left", "right", "top", "bottom", "center", "edges") and e.preposition == "of":
                    out.pop()
                else:
                    out.pop()
                continue
            out.append(e)
        return out

    # -- mentions -----------------------------------------------------------------------------------------------

    def _mentions(self, elements: list[_Element]) -> list[tuple[int, Mention]]:
        found: list[tuple[int, Mention]] = []
        taken: set[int] = set()
        for position, e in enumerate(elements):
            if e.kind == "head" and (sense := e.chunk.attr("verb")):
                mention = self._verb(e, elements[position + 1 :], sense.value, sense.sign, taken)
                if mention:
                    found.append((position, mention))
            elif e.kind == "attr" and e.index not in taken:
                mention = self._attribute(e, position, elements)
                if mention:
                    found.append((position, mention))
        return found

    def _verb(self, e: _Element, rest: list[_Element], attribute: str, sign: int, taken: set[int]) -> Mention | None:
        """A directional verb: its object may be an attribute ("brighten the colors")."""
        for other in rest:
            if other.kind == "attr" and (noun := other.chunk.attr("noun", "thing")):
                pair = _VERB_ON_NOUN.get((attribute, noun.value, sign))
                if noun.value == attribute and noun.form in ("noun", "thing"):
                    pair = (attribute, sign)
                if pair is None and noun.form == "noun":
                    pair = (noun.value, sign)
                if pair is None:
                    break
                if self._later_direction(other, rest):
                    break
                taken.add(other.index)
                return Mention(
                    pair[0], pair[1], [], None, {e.chunk.start, other.chunk.start}, form="noun", text=other.chunk.text
                )
            if other.kind in ("region", "attr", "head"):
                break
        return Mention(attribute, sign, [], None, {e.chunk.start}, form="verb", text=e.chunk.text)

    def _later_direction(self, e: _Element, rest: list[_Element]) -> bool:
        after = rest[rest.index(e) + 1 : rest.index(e) + 3]
        return any(x.kind == "attr" and x.chunk.attr("adj") for x in after[:1])

    def _attribute(self, e: _Element, position: int, elements: list[_Element]) -> Mention | None:
        c = e.chunk
        before = elements[:position]
        modifier = self._modifier(before, e)
        too = self._flag("too", before, e)
        negated = self._flag("neg", before, e)
        be = self._complains(before, e)
        colour = c.sense("colour")
        if colour is not None and not c.attr():
            return self._colour(e, position, elements, modifier, too, negated, be)
        sense = (
            c.attr("noun", "thing")
            if self._noun_position(e, elements, position)
            else c.attr("adj", "fault", "over", "verb")
        )
        sense = sense or c.attr()
        assert sense is not None
        words = {c.start}
        if sense.form in ("noun", "thing"):
            sign = self._noun_sign(e, sense.form, modifier, too, negated, position, elements)
            if sign == 0:
                return None
            mention = Mention(sense.value, sign, [], None, words, form=sense.form, text=c.text)
            mention.adjusted = not (modifier or self.direction or too or negated) and "fix" in self.ops
            return mention
        sign = sense.sign
        flip = too or (be and sense.form in ("fault", "over"))
        if sense.form in ("fault", "over") and ("fix" in self.ops or (not self.heads and not self.make and not before)):
            flip = True
        if negated:
            if too:
                return None
            flip = self.make or modifier < 0 if not be else False
            if be and sense.form in ("fault", "over"):
                return None
        if flip:
            sign = -sign
        if modifier < 0 and not flip:
            sign = -sign
        elif self.direction < 0 and modifier == 0 and (sense.form in ("fault", "over") or not c.text.endswith("er")):
            sign = -sign if not flip else sign
        attribute = sense.value
        if (
            attribute == "sharpness"
            and sense.sign < 0
            and sign < 0
            and c.text in ("blurry", "blurred", "fuzzy", "out of focus")
        ):
            attribute, sign = "blur", 1
        if attribute == "brightness" and c.text in ("visible", "visable", "viewable") and sign < 0:
            sign = 1
        return Mention(attribute, sign, [], None, words, form=sense.form, text=c.text)

    def _noun_position(self, e: _Element, elements: list[_Element], position: int) -> bool:
        if any(o in ("up", "down", "remove", "add") for o in self.ops):
            return True
        before = elements[position - 1] if position else None
        return before is None or before.kind in ("more", "joint", "amount", "prep", "region")

    def _modifier(self, before: list[_Element], e: _Element) -> int:
        """+1 after "more", -1 after "less"; it carries over "and" to the next of its kind."""
        for x in reversed(before):
            if x.kind == "more":
                sign = -1 if x.chunk.op() == "down" else 1
                noun = e.chunk.attr("noun", "thing") is not None
                near = all(y.kind in ("amount", "region", "cast") for y in before[before.index(x) + 1 :])
                if near or noun or (sign < 0 and not e.chunk.text.endswith("er")):
                    return sign
                return 0
            if x.kind in ("head", "be", "region") and x.kind != "head":
                continue
            if x.kind == "head":
                return 0
        return 0

    def _flag(self, kind: str, before: list[_Element], e: _Element) -> bool:
        for x in reversed(before):
            if x.kind == kind:
                return True
            if x.kind in ("amount", "be", "more", "should"):
                continue
            if x.kind == "joint" or (x.kind == "attr" and kind == "too"):
                continue
            return False
        return False

    def _complains(self, before: list[_Element], e: _Element) -> bool:
        """True in "the image is dark", false in "needs to be darker" or "make it dark"."""
        if any(x.kind == "should" for x in before) or self.make or self.segment.purpose:
            return False
        return any(x.kind == "be" for x in before) or any(
            self.parts[i].text in ("looks", "look", "looking", "has", "have", "seems", "appears")
            for i in range(e.index)
        )

    def _noun_sign(
        self, e: _Element, form: str, modifier: int, too: bool, negated: bool, position: int, elements: list[_Element]
    ) -> int:
        if too:
            return 1 if any(self.parts[i].text in ("little", "low") for i in range(e.index)) or self._says_low() else -1
        if negated:
            return 1 if any(x.kind == "enough" for x in elements) else (-1 if not self.make else 0)
        if self.direction < 0:
            return -1
        if modifier:
            return modifier
        if self.direction > 0 or "add" in self.ops:
            return 1
        after = elements[position + 1] if position + 1 < len(elements) else None
        number = next((x for x in elements[position + 1 : position + 3] if x.kind == "amount" and x.chunk.amount), None)
        if number is not None:
            return number.chunk.signed or 1
        if "fix" in self.ops:
            return 1 if form == "noun" and any(
                self.parts[i].text.startswith(("adjust", "tweak", "tune", "alter", "improv", "correct_c", "fix c"))
                for i in self.heads
            ) else 0  # fmt: skip
        if after is not None and (
            after.kind in ("attr", "too", "be", "more", "neg") or self._direction_follows(elements, position)
        ):
            return 0
        if not self.ops and not any(p.attr("verb") for p in self.head_chunks):
            if len(self.parts) <= (5 if form == "noun" else 2):
                return 1
            return 1 if form == "noun" and not self.segment.purpose and self._bare(e) else 0
        if "make" in self.ops and form == "noun":
            return 0
        return 0

    def _bare(self, e: _Element) -> bool:
        before = [p for p in self.parts[: e.index] if not (p.is_joint or p.sense("the"))]
        return not before or all(p.attr() for p in before)

    def _says_low(self) -> bool:
        return any(p.text in ("low", "little", "weak", "weaker") for p in self.parts)

    def _direction_follows(self, elements: list[_Element], position: int) -> bool:
        for x in elements[position + 1 :]:
            if x.kind == "attr" and x.chunk.attr("adj", "fault", "over"):
                return True
            if x.kind == "joint":
                return False
        return False

    # -- colours ------------------------------------------------------------------------------------------------

    def _colour(
        self, e: _Element, position: int, elements: list[_Element], modifier: int, too: bool, negated: bool, be: bool
    ) -> Mention | None:
        colour = e.chunk.sense("colour")
        assert colour is not None
        nxt = elements[position + 1] if position + 1 < len(elements) else None
        comparative = e.chunk.text.endswith(("er", "est", "ish", "ness")) and e.chunk.text not in (
            "silver",
            "lavender",
            "amber",
        )
        adjacent_noun = nxt is not None and nxt.index == e.index + 1 and nxt.kind == "region" and not nxt.preposition
        if adjacent_noun and not comparative and not modifier and nxt is not None and nxt.region != GLOBAL:
            return None  # attributive: "the red car"
        if self._preposition(e.index) == "from" and any(p.text == "to" for p in self.parts[e.index + 1 :]):
            return None
        sign = 1
        if too or modifier < 0 or self.direction < 0:
            sign = -1
        elif (
            be
            and (comparative or any(x.kind == "cast" for x in elements[position:]))
            and not e.chunk.text.endswith("er")
        ):
            sign = -1
        if negated:
            sign = -1 if not be else 1
        if "fix" in self.ops and not self.make:
            sign = -1
        if not self.ops and not modifier and not too and not be and not comparative and not self._fragment():
            return None
        return Mention(f"colour:{colour.value}", sign, [], None, {e.chunk.start}, form="colour", text=e.chunk.text)

    def _fragment(self) -> bool:
        return len([p for p in self.parts if not p.is_joint and not p.sense("the") and not p.is_stop]) <= 4

    # -- where --------------------------------------------------------------------------------------------------

    def _place(self, elements: list[_Element], mentions: list[tuple[int, Mention]]) -> None:
        by_position = dict(mentions)
        current: list[str] = []
        pending: list[Mention] = []
        listing = False
        for position, e in enumerate(elements):
            mention = by_position.get(position)
            if e.kind == "region":
                if e.preposition and pending:
                    self._give(pending, e, append=listing)
                    listing = True
                    continue
                if listing and pending and position and elements[position - 1].kind == "joint":
                    self._give(pending, e, append=True)
                    continue
                verbs = [
                    m for m in pending if m.form == "verb" or (m.form == "noun" and not m.regions and not e.preposition)
                ]
                if verbs and not e.preposition and all(m.form == "verb" for m in verbs):
                    self._give(verbs, e, append=listing)
                    listing = True
                    if not self._adjective_ahead(elements, position):
                        continue
                if not listing or not current:
                    current = []
                if position and elements[position - 1].kind == "joint" and current and not listing:
                    current = [*current, e.region]
                else:
                    current = (
                        [e.region] if not current or not self._joined(elements, position) else [*current, e.region]
                    )
                listing = False
            elif mention is not None:
                right = elements[position + 1] if position + 1 < len(elements) else None
                attributive = (
                    right is not None and right.kind == "region" and not right.preposition
                    and right.index == e.index + 1 and mention.form in ("adj", "colour", "fault")
                )  # fmt: skip
                if attributive and right is not None:
                    mention.regions = [right.region]
                    mention.words.add(right.chunk.start)
                elif current:
                    mention.regions = list(current)
                if listing:
                    pending = []
                listing = False
                pending.append(mention) if not mention.regions or mention.form in ("verb",) else None
            elif e.kind == "joint" and e.chunk.text == ",":
                listing = listing and True
        for _, mention in mentions:
            if not mention.regions:
                mention.regions = [GLOBAL]

    def _joined(self, elements: list[_Element], position: int) -> bool:
        return position >= 2 and elements[position - 1].kind == "joint" and elements[position - 2].kind == "region"

    def _adjective_ahead(self, elements: list[_Element], position: int) -> bool:
        nxt = elements[position + 1] if position + 1 < len(elements) else None
        return nxt is not None and nxt.kind == "attr"

    def _give(self, pending: list[Mention], e: _Element, *, append: bool) -> None:
        for mention in pending:
            if append and mention.regions and mention.regions != [GLOBAL]:
                mention.regions = [*mention.regions, e.region]
            elif append and mention.regions == [GLOBAL] and e.region != GLOBAL:
                mention.regions = [*mention.regions, e.region]
            elif not mention.regions:
                mention.regions = [e.region]
            mention.words.add(e.chunk.start)

    # -- how much -----------------------------------------------------------------------------------------------

    def _amounts(self, elements: list[_Element], mentions: list[tuple[int, Mention]]) -> None:
        for position, e in enumerate(elements):
            if e.kind != "amount":
                continue
            amount: Word | Amount = e.chunk.amount or e.chunk.sense("amount").value  # type: ignore[union-attr, assignment]
            targets = self._targets(position, elements, mentions)
            for mention in targets:
                if mention.amount is None or isinstance(amount, Amount):
                    mention.amount = amount
                    mention.words.add(e.chunk.start)
                    if e.chunk.signed < 0 and isinstance(amount, Amount) and self.direction == 0:
                        mention.sign = -1
                    elif e.chunk.signed > 0 and isinstance(amount, Amount) and self.direction == 0:
                        mention.sign = 1

    def _targets(self, position: int, elements: list[_Element], mentions: list[tuple[int, Mention]]) -> list[Mention]:
        nxt = elements[position + 1] if position + 1 < len(elements) else None
        if elements[position].chunk.amount and any(p < position for p, _ in mentions):
            return [[m for p, m in mentions if p < position][-1]]
        before_item = nxt is not None and nxt.kind in ("attr", "more", "too", "amount", "neg") and nxt.kind != "joint"
        if before_item:
            ahead = [(p, m) for p, m in mentions if p > position]
            if ahead and self._after_joint(position, elements):
                return [m for _, m in ahead]
            return [m for _, m in ahead] or [m for _, m in mentions]
        behind = [m for p, m in mentions if p < position]
        if nxt is not None and nxt.kind in ("region", "cast") and position and elements[position - 1].kind == "head":
            return [m for _, m in mentions]
        if behind:
            noun_run = [m for m in behind if m.form in ("noun", "thing", "verb")]
            return behind if len(noun_run) == len(behind) else behind[-1:]
        return [m for _, m in mentions]

    def _after_joint(self, position: int, elements: list[_Element]) -> bool:
        return position > 0 and elements[position - 1].kind == "joint"
