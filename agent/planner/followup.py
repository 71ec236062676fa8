"""Follow-ups: "a bit less", "same for the sky", "too warm", resolved against what the last turn applied."""

import re

from agent.plan import Amount, Edit, Plan, PlanContext
from agent.planner.chunks import Chunk, chunk
from agent.planner.complaints import BLAME, WORDS, Key
from agent.planner.lexicon import colour_axis, hue, lexicon, patterns
from agent.planner.text import words
from agent.planner.understand import Heard

#: The size of each word, as the conventions count it.
_SIZES = {"slight": 1.0, "medium": 2.0, "strong": 4.0}

_SAYS = patterns("followup")

#: An attribute as people name it, the attribute it was on a region, and how their directions go together.
_SAME_THING = {
    ("tint", "hue:green"): -1,
    ("tint", "hue:pink"): 1,
    ("tint", "hue:purple"): 1,
    ("tint", "hue:magenta"): 1,
    ("temperature", "hue:blue"): -1,
    ("temperature", "hue:teal"): -1,
    ("temperature", "hue:yellow"): 1,
    ("temperature", "hue:orange"): 1,
    ("sharpness", "blur"): -1,
    ("deblur", "blur"): -1,
}


def size(value: float) -> str:
    """The word whose size is nearest to `value`.

    >>> size(0.5), size(2), size(8)
    ('slight', 'medium', 'strong')
    """
    return "slight" if value < 1.5 else "medium" if value < 3 else "strong"


def resolve(text: str, context: PlanContext | None, own: tuple[Heard, ...], *, exact_only: bool = False) -> Plan | None:
    """The plan of a follow-up, or None when the text stands by itself.

    `exact_only`: only what names parts of the last turn ("undo the sky", "I meant the water").

    `text`: plain; `own`: what the grammar read by itself.
    """
    if context is None or not context.last_edits or len(text.split()) > 24:
        return None
    return _Turn(text, context, own).resolve(exact_only)


def inverse(edit: Edit, amount: object = None) -> Edit:
    """The edit that takes back `edit`, wholly or by `amount`."""
    return edit.model_copy(update={"direction": -edit.direction, "amount": edit.amount if amount is None else amount})


def _scaled(edit: Edit, factor: float) -> object:
    if isinstance(edit.amount, str):
        return size(_SIZES[edit.amount] * factor)
    if isinstance(edit.amount, Amount):
        return edit.amount.model_copy(update={"value": round(edit.amount.value * factor, 4)})
    return round(edit.amount * factor, 4)


class _Turn:
    """One message beside the edits of the last turn; used once."""

    def __init__(self, text: str, context: PlanContext, own: tuple[Heard, ...]) -> None:
        self.text, self.last, self.own = text, context.last_edits, own
        self.present = context.regions_present
        self.chunks = chunk(words(text), lexicon())
        self.named = self._named_regions()
        self.said = self._said()
        self.slight = bool(_SAYS["slight"].search(text))
        self.much = bool(_SAYS["much"].search(text))

    def plan(self, edits: list[Edit], protect: tuple[str, ...] = (), note: str | None = None) -> Plan:
        unique: dict[tuple[str, str], Edit] = {}
        for edit in edits:
            unique.setdefault((edit.region, edit.attribute), edit)
        return Plan(kind="followup", edits=tuple(unique.values()), protect=protect, note=note)

    def resolve(self, exact_only: bool) -> Plan | None:
        text = self.text
        standing = [h.edit for h in self.own if h.edit.region != "global" or h.form in ("noun", "verb")]
        if (plan := self._numbers()) or (plan := self._meant()) or (plan := self._undo_part()):
            return plan
        if exact_only:
            return None
        if (
            _SAYS["everywhere"].search(text)
            and not standing
            and not self.own
            and any(e.region != "global" for e in self.last)
        ):
            return self.plan([e.model_copy(update={"region": "global"}) for e in self._chosen()])
        if re.search(r"\b(?:meant|wanted)\b", text) and (meant := self._opposite_word()):
            return self.plan(meant)
        if (
            re.search(r"^(?:ok |good |fine |nice )?,? ?(?:but )?not (?:on|in|for) ", text)
            and self.named
            and not self.own
        ):
            return self.plan([inverse(e).model_copy(update={"region": r}) for r in self.named for e in self.last])
        if _SAYS["opposite"].search(text):
            return self.plan([inverse(e, _scaled(e, 2)) for e in self._chosen()])
        if _SAYS["half"].search(text) and not self.named:
            return self.plan([inverse(e, _scaled(e, 0.5)) for e in self._chosen(by_blame=False)])
        if _SAYS["fraction"].search(text):
            return self.plan([inverse(e, _scaled(e, 0.34)) for e in self._chosen()])
        if _SAYS["double"].search(text) and not self._fresh_numbers():
            return self.plan(self._moved(2.0) if self.named else list(self._chosen()))
        if (plan := self._complaint()) is not None:
            return plan
        only = bool(_SAYS["only"].search(text)) and bool(self.named)
        if only and not _SAYS["more"].search(text) and not _SAYS["less"].search(text) and not standing:
            others = [inverse(e) for e in self.last if e.region not in self.named]
            return self.plan(others, protect=tuple(self.named)) if others else None
        if self.named and self._is_copy() and not self._contrary(standing):
            edits = self._moved(1.0)
            if re.search(
                r"\bbut (?:a bit |a little |much |slightly )?(?:softer|less|subtler|weaker|gentler|lighter)\b|\bsofter\b",
                text,
            ):
                edits = [e.model_copy(update={"amount": _scaled(e, 0.5)}) for e in edits]
            elif re.search(r"\bbut (?:a bit |a little |much |even )?(?:stronger|more)\b", text):
                edits = [e.model_copy(update={"amount": _scaled(e, 2)}) for e in edits]
            return self.plan(edits)
        if (plan := self._by_attribute()) is not None:
            return plan
        if standing:
            return None
        if _SAYS["less"].search(text):
            amount = "medium" if _SAYS["way"].search(text) else "slight"
            return self.plan(self._moved_or_chosen(-1, amount))
        if _SAYS["again"].search(text):
            return self.plan(self._moved(1.0) if self.named else list(self._chosen()))
        if _SAYS["more"].search(text):
            not_there = tuple(r for r in self.named if re.search(r"\b(?:not|except|but not)\b", text))
            amount = "slight" if self.slight else "strong" if self.much else "medium"
            if not_there:
                return self.plan([e.model_copy(update={"amount": amount}) for e in self.last], protect=not_there)
            return self.plan(self._moved_or_chosen(1, amount))
        return None

    # -- kinds --------------------------------------------------------------------------------------------------

    def _opposite_word(self) -> list[Edit]:
        """ "No, I meant darker": the opposite of what was done."""
        found = [self._same_attribute(h) for h in self.own]
        return [inverse(pair[0], _scaled(pair[0], 2)) for pair in found if pair is not None and pair[1]]

    def _numbers(self) -> Plan | None:
        """ "That was 0.5, make it 0.2": the difference."""
        number = next((c.amount for c in reversed(self.chunks) if c.amount), None)
        edit = self.last[-1]
        if (
            number is None
            or not re.search(r"\bmake (?:it|that)\b|\b(?:set|change) (?:it|that) to\b|\binstead\b", self.text)
            or self.own
            or self.said
        ):
            return None
        old = edit.amount.value if isinstance(edit.amount, Amount) else edit.amount
        if isinstance(old, str):
            target = Amount(value=number.value, unit=number.unit, absolute=True)
            return self.plan([edit.model_copy(update={"amount": target})])
        step = round(number.value - old, 4)
        unit = edit.amount.unit if isinstance(edit.amount, Amount) else "percent"
        direction = edit.direction if step > 0 else -edit.direction
        return self.plan(
            [edit.model_copy(update={"direction": direction, "amount": Amount(value=abs(step), unit=unit)})]
        )

    def _meant(self) -> Plan | None:
        match = re.search(
            r"\b(?:i )?(?:meant|mean)\b(?P<a>[^,.;]*?)(?:,? ?(?:and )?not(?P<b>[\w' ]+)|[,.;]|$)", self.text
        )
        if match:
            wanted, wrong = self._regions_in(match["a"]), self._regions_in(match["b"] or "")
        elif (
            (match := re.search(r"\bnot (?P<b>[\w' ]+?)(?:,| but) (?:the )?(?P<a>[\w' ]+)$", self.text))
            and not self.own
        ) or (match := re.search(r"\b(?:swap|switch)\b.*?(?P<a>[\w' ]+?) instead of (?P<b>[\w' ]+)", self.text)):
            wanted, wrong = self._regions_in(match["a"]), self._regions_in(match["b"])
        elif match := re.search(r"\bwrong (?:one|area|region|part|place|spot)\b(?P<a>[\w', ]*)", self.text):
            wanted, wrong = self._regions_in(match["a"]), []
        else:
            return None
        if not wanted:
            return None
        old = [e for e in self.last if e.region in wrong] or [e for e in self.last if e.region not in wanted]
        copies = [e.model_copy(update={"region": region}) for region in wanted for e in old]
        return self.plan([*(inverse(e) for e in old), *copies]) if old else None

    def _undo_part(self) -> Plan | None:
        if not _SAYS["partial_undo"].search(self.text) or re.search(r"\b(?:too|as well|same|half)\b", self.text):
            return None
        if re.search(r"\b(?:put|bring)\b", self.text) and not re.search(r"\bback\b", self.text):
            return None
        keep_match = re.search(
            r"\b(?:keep|leave|liked?|love|but not|not)\b(?P<k>[^,.;]*?)(?:$|[,.;]|\bbut\b|\band (?:undo|revert|put|remove))",
            self.text,
        )
        keep = self._regions_in(keep_match["k"]) if keep_match else []
        if match := _SAYS["undo_all_but"].search(self.text):
            keep = self._regions_in(match["k"])
            return (
                self.plan([inverse(e) for e in self.last if e.region not in keep], protect=tuple(keep))
                if keep
                else None
            )
        if (
            re.search(r"\b(?:rest|everything else|others?|all else|remaining)\b", self.text)
            and keep
            and re.search(r"\b(?:undo|revert|reset|remove|drop)\b", self.text)
        ):
            return self.plan([inverse(e) for e in self.last if e.region not in keep], protect=tuple(keep))
        undo = _SAYS["undo_what"].search(self.text)
        scope = undo["u"] if undo else ""
        if re.search(r"\b(?:those|that|them|these|it)\b", scope) and (
            match := re.search(r"\bnot (?:the |so much the )?(?P<u>[\w ]+)", self.text)
        ):
            scope = match["u"]
        regions, attributes = self._regions_in(scope), self._attributes_in(scope)
        chosen = [e for e in self.last if e.region in regions or e.attribute.split(":")[0] in attributes]
        if (
            not chosen
            or len(chosen) == len(self.last) > 1
            or (len(self.last) == 1 and not re.search(r"\b(?:undo|revert|put|bring|off|lose|drop)\b", self.text))
        ):
            return None
        return self.plan([inverse(e) for e in chosen], protect=tuple(r for r in keep if r not in regions))

    def _complaint(self) -> Plan | None:
        """ "Too dark now", "the skin looks orange", "still blurry"."""
        still = bool(_SAYS["still"].search(self.text))
        complains = re.search(
            r"\b(?:too|way|over\w+|looks?|looking|went|gone|got|turned|became|is|are|still|now|bit)\b", self.text
        )
        if not complains or re.search(r"\bnot? (?:too|very)\b", self.text):
            return None
        if any(re.search(r"(?:er|ier)$", w) for w in self.text.split() if w in self._comparatives()):
            return None
        edits: list[Edit] = []
        protect = [
            r
            for r in self.named
            if re.search(
                rf"\b(?:love|like|keep|liked)\b(?:(?!\bbut\b)[^.,;])*\b{re.escape(self._word_of(r))}\b", self.text
            )
        ]
        clauses = re.split(r"[.,;!?]|\bbut\b|\band\b(?=.*\b(?:too|is|are|looks?)\b)", self.text)
        for clause in clauses:
            if re.search(r"\b(?:love|liked?|nice|good|great|keep)\b", clause) and not re.search(r"\btoo\b", clause):
                continue
            if not re.search(
                r"\b(?:too|way|over\w+|looks?|went|gone|got|turned|became|is|are|still|now|see)\b", clause
            ):
                continue
            edits += self._blamed(clause, still)
        if not edits:
            return None
        return self.plan(edits, protect=tuple(protect))

    def _blamed(self, clause: str, still: bool) -> list[Edit]:
        keys = [key for _, key in self._keys_in(clause)]
        if re.search(r"\b(?:not|no) \w+ enough\b|\bnot enough\b", clause):
            return []
        amount = "medium" if _SAYS["way"].search(clause) or re.search(r"\bway\b", clause) else "slight"
        out: list[Edit] = []
        regions = [r for r in self._regions_in(clause) if r != "global"]
        for key in keys:
            if still and (edit := self._explained((key[0], -key[1]), regions, continuing=True)) is not None:
                out.append(edit.model_copy(update={"amount": "slight" if self.slight else "medium"}))
            elif not still and (edit := self._explained(key, regions, continuing=False)) is not None:
                region = edit.region if not regions or regions[0] in ("shadows", "highlights") else regions[0]
                out.append(inverse(edit, amount).model_copy(update={"region": region}))
        if not out and _SAYS["everything"].search(clause) and not still and not keys:
            out = [inverse(e, amount) for e in self._chosen()]
        if not out and re.search(
            r"\b(?:colou?rs?) (?:are|is|look)\b.*\b(?:mess|bad|wrong|weird|off|awful|overdone)\b", clause
        ):
            out = [inverse(e, amount) for e in self.last if e.attribute in ("saturation", "temperature", "tint")]
        return out

    def _explained(self, key: Key, regions: list[str], *, continuing: bool) -> Edit | None:
        candidates = BLAME.get(key, (key,))
        if continuing:
            candidates = (*((a, -s) for a, s in BLAME.get((key[0], -key[1]), ((key[0], -key[1]),))), key)
        for attribute, sign in candidates:
            for edit in reversed(self.last):
                same = edit.attribute == attribute or (attribute == "hue" and edit.attribute.startswith("hue:"))
                if same and edit.direction == sign:
                    return edit
        return None

    def _by_attribute(self) -> Plan | None:
        """ "Warmer still", "less vignette", "a touch less green", "crispier": the last edit named again."""
        edits: list[Edit] = []
        for h in self.own:
            form, edit, named = h.form, h.edit, h.edit.region != "global"
            found = self._same_attribute(h)
            if found is None:
                continue
            old, less = found
            if form in ("noun", "verb") and not self._relative(less, old):
                continue
            if named and edit.region not in {e.region for e in self.last}:
                continue
            amount: object = edit.amount
            if isinstance(edit.amount, str):
                amount = "slight" if self.slight or (less and not self.much) else "strong" if self.much else "medium"
            if re.search(r"\btoo\b", self.text) and less:
                amount = "medium" if _SAYS["way"].search(self.text) else "slight"
            direction = -old.direction if less else old.direction
            region = edit.region if named else old.region
            edits.append(old.model_copy(update={"direction": direction, "amount": amount, "region": region}))
        if not edits or len(edits) < len(self.own):
            return None
        return self.plan(edits)

    def _relative(self, less: bool, old: Edit) -> bool:
        """True when a noun or verb speaks of the last edit: "less vignette", "even more contrast"."""
        if less and re.search(r"\b(?:less|back off|ease|easy|dial|take|not so|pull)\b", self.text):
            return True
        if re.search(r"\b(?:still|even|further|than (?:this|that|before))\b", self.text):
            return True
        again = re.match(r"^(?:\w+ )?(?:more|still more|even more) \w+[.! ]*$", self.text)
        return again is not None and old.region != "global"

    # -- choosing -----------------------------------------------------------------------------------------------

    def _same_attribute(self, heard: Heard) -> tuple[Edit, bool] | None:
        """The last edit that `heard` speaks of, and whether it asks for less of it."""
        edit = heard.edit
        for old in reversed(self.last):
            if old.attribute == edit.attribute:
                return old, old.direction != edit.direction
        for old in reversed(self.last):  # a cast of the whole is the colour of a region; less blur is more sharpness
            towards = _SAME_THING.get((edit.attribute, old.attribute))
            if towards is not None and ("blur" not in old.attribute or "blur" in heard.phrase):
                return old, edit.direction * towards != old.direction
        return None

    def _chosen(self, *, by_blame: bool = True) -> list[Edit]:
        """The last edits meant: those whose attribute or region is named, else all."""
        attributes = {a.split(":")[0] for a in self._attributes_in(self.text)}
        chosen = [e for e in self.last if e.attribute.split(":")[0] in attributes]
        if not chosen and self.named:
            chosen = [e for e in self.last if e.region in self.named]
        return chosen or list(self.last)

    def _moved(self, factor: float) -> list[Edit]:
        """Copies of the last edits on the regions named."""
        chosen = self._chosen()
        targets = [r for r in self.named if r not in {e.region for e in self.last}] or self.named
        return [
            e.model_copy(update={"region": r, "amount": _scaled(e, factor) if factor != 1 else e.amount})
            for r in targets
            for e in chosen
        ]

    def _moved_or_chosen(self, sign: int, amount: str) -> list[Edit]:
        out = []
        number = next((c.amount for c in self.chunks if c.amount), None)
        for e in self._chosen():
            for region in self.named or [e.region]:
                out.append(
                    e.model_copy(update={"direction": e.direction * sign, "amount": number or amount, "region": region})
                )
        return out

    def _is_copy(self) -> bool:
        return bool(_SAYS["same"].search(self.text) or _SAYS["again"].search(self.text)) and not re.search(
            r"\btoo (?!$|[.!?])\w+", self.text
        )

    def _contrary(self, standing: list[Edit]) -> bool:
        """True when the message has edits of its own beside "too" or "also": then it stands by itself."""
        return bool(standing) and not re.search(r"\bsame\b|\bwhat(?:ever)? you did\b", self.text)

    def _fresh_numbers(self) -> bool:
        return any(c.amount and c.amount.unit in ("stop", "kelvin") for c in self.chunks)

    # -- words --------------------------------------------------------------------------------------------------

    def _comparatives(self) -> set[str]:
        return {c.text for c in self.chunks if c.attr("adj") and c.text.endswith("er")}

    def _word_of(self, region: str) -> str:
        for c in self.chunks:
            if (s := c.sense("region")) and s.value == region:
                return c.text
        return region.removeprefix("object:")

    def _named_regions(self) -> list[str]:
        return self._regions_in(self.text)

    def _regions_in(self, text: str) -> list[str]:
        out: list[str] = []
        chunks = chunk(words(text), lexicon())
        for i, c in enumerate(chunks):
            region = ""
            if (s := c.sense("region")) and s.value != "global":
                region = s.value
            elif (s := c.sense("object")) or f"object:{c.text}" in self.present:
                region = f"object:{c.text}"
            if region == "object:mountain" and "object:mountains" in self.present:
                region = "object:mountains"
            if c.text in ("back", "right", "left", "top", "bottom", "her", "him", "me") and not self._placed(chunks, i):
                continue
            if c.text in ("man", "dude", "back"):
                continue
            if region and region not in out:
                out.append(region)
        return out

    def _placed(self, chunks: list[Chunk], i: int) -> bool:
        before = chunks[i - 1] if i else None
        after = chunks[i + 1] if i + 1 < len(chunks) else None
        if chunks[i].text == "right" and after is not None and after.text in ("?", "now", ","):
            return False
        return before is not None and (before.sense("the") is not None or before.sense("at") is not None) and (
            chunks[i].text not in ("her", "him", "me") or after is None or not after.sense("region")
        )  # fmt: skip

    def _attributes_in(self, text: str) -> set[str]:
        found = {key[0] for _, key in self._keys_in(text)}
        for c in chunk(words(text), lexicon()):
            if (s := c.attr()) and not (c.sense("region") and not c.attr("noun")):
                found.add(s.value)
            if c.text in ("colors", "colours", "color", "colour"):
                found |= {"saturation"}
            if c.text in ("grain",):
                found.add("denoise")
        return found

    def _said(self) -> list[Key]:
        return [key for _, key in self._keys_in(self.text)]

    def _keys_in(self, text: str) -> list[tuple[str, Key]]:
        """Words of a text that describe a look, as (word, (attribute, direction))."""
        out: list[tuple[str, Key]] = []
        for c in chunk(words(text), lexicon()):
            if c.text in WORDS:
                out.append((c.text, WORDS[c.text]))
            elif (s := c.sense("colour")) and not c.sense("region"):
                axis = {
                    "warm": ("temperature", 1),
                    "cold": ("temperature", -1),
                    "green": ("tint", -1),
                    "magenta": ("tint", 1),
                    "red": ("hue:red", 1),
                }
                out.append((c.text, axis[colour_axis(s.value)]))
            elif s := c.attr("adj", "fault", "over", "verb"):
                out.append((c.text, (s.value, s.sign)))
            elif (s := c.attr("noun")) and c.text not in ("shadows", "highlights"):
                out.append((c.text, (s.value, 1)))
        return out


def hue_name(colour: str) -> str:
    """`hue:<colour>` for a colour word."""
    return f"hue:{hue(colour)}"
