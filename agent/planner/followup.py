"""Follow-ups: "a bit less", "same for the sky", "too warm", resolved against what the last turn applied."""

import re

from agent.plan import Edit, Plan, PlanContext
from agent.planner import protect, restricting, styles
from agent.planner.chunks import chunk
from agent.planner.complaints import BLAME, Key
from agent.planner.lexicon import lexicon, patterns
from agent.planner.naming import attributes_in, covers, keys_in, regions_in
from agent.planner.portions import find as find_portion
from agent.planner.portions import instead, inverse, scaled, towards
from agent.planner.text import words
from agent.planner.understand import Heard, understand

_SAYS = patterns("followup")

#: Which of the last edits "the first one", "the latter" is.
_ROW = {"first": 0, "former": 0, "second": 1, "latter": -1, "last": -1}
_ORDINAL = re.compile(rf"\bthe ({'|'.join(_ROW)})(?: (?:one|edit|change|of them))?\b")
#: A region and a signed number: "sky +20".
_SIGNED = re.compile(r"^(?:the )?[\w ]+?:? ?(?P<sign>[+-])\d")
#: Between the clauses of a message.
_CLAUSES = re.compile(r"[.,;!?\n]+(?!\d)|\b(?:and|but|while|whereas|though)\b")

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


def resolve(text: str, context: PlanContext | None, own: tuple[Heard, ...], *, exact_only: bool = False) -> Plan | None:
    """The plan of a follow-up, or None when the text stands by itself.

    `exact_only`: only what names parts of the last turn ("undo the sky", "I meant the water").

    `text`: plain; `own`: what the grammar read by itself.
    """
    if context is None or not context.last_edits:
        wrong = done_wrongly(text, own)
        return Plan(kind="strong", edits=tuple(wrong)) if wrong else None
    if len(text.split()) > 24:
        return None
    return _Turn(text, context, own).resolve(exact_only)


def done_wrongly(text: str, own: tuple[Heard, ...]) -> list[Edit]:
    """What takes back a change that a message says was made: "you blurred my arm". `own`: the change, as it was heard."""
    found = _SAYS["unwanted"].search(text)
    if found is None or not found["done"]:
        return []
    return [inverse(h.edit) for h in own if h.form == "verb"]


class _Turn:
    """One message beside the edits of the last turn; used once."""

    def __init__(self, text: str, context: PlanContext, own: tuple[Heard, ...]) -> None:
        self.text, self.context, self.last, self.own = text, context, context.last_edits, own
        self.present = context.regions_present
        self.chunks = chunk(words(text), lexicon())
        self.named = self._regions_in(text)
        self.said = [key for _, key in keys_in(text)]
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
        if not (self.own or self.said or self.named) and (
            edit := instead(self.chunks, text, self.last, sure_only=exact_only)
        ):
            return self.plan([edit])
        if (plan := self._several(exact_only)) is not None:
            return plan
        if taken_back := restricting.returned(text, self.last, self.present):
            return self.plan(taken_back)
        if (plan := self._undo_part()) is not None:
            return plan
        if moved := restricting.meant(text, self.last, self.present, own=bool(self.own)):
            return self.plan(moved)
        if exact_only:
            return None
        if not self._foreign() and (plan := self._placed()) is not None:
            return plan
        if re.search(r"\b(?:meant|wanted)\b", text) and (opposite := self._opposite_word()):
            return self.plan(opposite)
        if _SAYS["opposite"].search(text):
            return self.plan(self._reversed())
        if (plan := self._portion()) is not None:
            return plan
        if self.named and not self.own and (signed := _SIGNED.search(text)):
            return self.plan(self._moved_or_chosen(1 if signed["sign"] == "+" else -1, "medium"))
        if (plan := self._unwanted() or self._complaint() or self._likened()) is not None:
            return plan
        only = bool(_SAYS["only"].search(text)) and bool(self.named)
        if only and not _SAYS["more"].search(text) and not _SAYS["less"].search(text) and not standing:
            others = [inverse(e) for e in self.last if e.region not in self.named]
            return self.plan(others, protect=tuple(self.named)) if others else None
        if self.named and self._is_copy() and not self._contrary(standing):
            edits = self._moved(1.0)
            if re.search(
                r"\b(?:but|only|just) (?:a bit |a little |much |slightly )?"
                r"(?:softer|less|subtler|weaker|gentler|lighter)\b|\bsofter\b",
                text,
            ):
                edits = [e.model_copy(update={"amount": scaled(e, 0.5)}) for e in edits]
            elif re.search(r"\bbut (?:a bit |a little |much |even )?(?:stronger|more)\b", text):
                edits = [e.model_copy(update={"amount": scaled(e, 2)}) for e in edits]
            return self.plan(edits)
        if (plan := self._by_attribute()) is not None:
            return plan
        if standing or self._foreign():
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
        return [inverse(pair[0], scaled(pair[0], 2)) for pair in found if pair is not None and pair[1]]

    def _portion(self) -> Plan | None:
        """ "Half of that", "three times as much on the trees"."""
        portion = find_portion(self.text)
        if portion is None or self._fresh_numbers() or self._foreign():
            return None
        elsewhere = [r for r in self.named if not any(covers(e.region, r) for e in self.last)]
        chosen = self._chosen()
        if elsewhere:
            return self.plan(
                [
                    e.model_copy(update={"region": r, "amount": scaled(e, portion.share)})
                    for r in elsewhere
                    for e in chosen
                ]
            )
        edits = [towards(e, portion.share) for e in chosen]
        return self.plan(self._in_named(edits))

    def _several(self, exact_only: bool) -> Plan | None:
        """ "Sky more, water less", "warmth: half. contrast: double.", "half of that, and brighten her face": every clause
        speaks of a part of the last edits, or one of them all and the others for themselves."""
        clauses = [c.strip() for c in _CLAUSES.split(self.text) if c.strip()]
        if len(clauses) < 2:
            return None
        edits: list[Edit] = []
        fresh: list[Edit] = []
        kept: list[str] = []
        scopes: list[frozenset[str]] = []
        stays = False
        for clause in clauses:
            said, protected = protect.split_off(clause)
            turn = _Turn(clause, self.context, understand(said).heard)
            if _SAYS["stays"].search(clause) and not _SAYS["less"].search(clause.replace("is enough", "stays")):
                kept += turn.named
                stays |= bool(turn.named or attributes_in(clause))
                continue
            if protected and not re.search(r"\w", said):
                kept += protected
                stays = True
                continue
            if (plan := turn.resolve(exact_only=False)) is not None and plan.kind == "followup":
                edits += plan.edits
                kept += plan.protect
            elif turn.own and turn._foreign() and not exact_only:
                fresh += [h.edit for h in turn.own]
                kept += protected
                continue
            else:
                return None
            named = {e.attribute for e in self.last if e.attribute.split(":")[0] in attributes_in(clause)}
            if _ORDINAL.search(clause) and len(self.last) > 1:
                named = {f"{e.region} {e.attribute}" for e in turn._chosen()}
            scopes.append(frozenset(turn.named or named))
        parted = len(set(scopes)) > 1 and frozenset() not in scopes
        if not edits or not (parted or ((fresh or stays) and len(scopes) == 1)):
            return None
        changed = {e.attribute for e in edits}
        edits += [e for e in fresh if e.region != "global" or e.attribute not in changed]
        return self.plan(edits, protect=tuple(r for r in kept if r not in {e.region for e in edits}))

    def _placed(self) -> Plan | None:
        """ "On everything", "everywhere except the sky", "just the top"."""
        if edits := restricting.spread(self.text, tuple(self._chosen())):
            return self.plan(edits)
        found = restricting.spared(self.text, self.last, self.present) or restricting.only(
            self.text, self.last, self.present
        )
        return self.plan(found[0], protect=found[1]) if found else None

    def _reversed(self) -> list[Edit]:
        """The opposite of the last edits; in a region that they did not reach it is no correction, and as strong as they."""
        elsewhere = [r for r in self.named if not any(covers(e.region, r) for e in self.last)]
        if elsewhere:
            return [inverse(e).model_copy(update={"region": r}) for r in elsewhere for e in self._chosen()]
        return self._in_named([inverse(e, scaled(e, 2)) for e in self._chosen()])

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
        regions, attributes = self._regions_in(scope), attributes_in(scope)
        chosen = [e for e in self.last if e.region in regions or e.attribute.split(":")[0] in attributes]
        if (
            not chosen
            or len(chosen) == len(self.last) > 1
            or (len(self.last) == 1 and not re.search(r"\b(?:undo|revert|put|bring|off|lose|drop)\b", self.text))
        ):
            return None
        return self.plan([inverse(e) for e in chosen], protect=tuple(r for r in keep if r not in regions))

    def _unwanted(self) -> Plan | None:
        """ "You blurred my arm", "I don't like the dark corners": what was done is taken back there."""
        found = _SAYS["unwanted"].search(self.text)
        if found is None or len(self.text.split()) > 12 or re.search(r"\btoo\b|\bover\w+", self.text):
            return None
        if find_portion(self.text) is not None:
            return None
        said = next(words for words in found.groups() if words)
        regions = [r for r in self._regions_in(said) if r not in ("edges", "shadows", "highlights")]
        edits: list[Edit] = []
        for key in dict.fromkeys(key for _, key in keys_in(said)):
            edit = self._explained(key, regions, continuing=False)
            if edit is not None and (found["done"] or edit.attribute == key[0] or key in BLAME):
                edits += [inverse(edit).model_copy(update={"region": r}) for r in regions or [edit.region]]
        if found["milder"]:
            edits = [e.model_copy(update={"amount": "slight"}) for e in edits]
        elif found["done"] and not edits:
            edits = done_wrongly(self.text, self.own)
        elif not edits and not self.own and _SAYS["disliked"].search(self.text):
            edits = [
                inverse(e).model_copy(update={"region": r}) for r in regions for e in self.last if covers(e.region, r)
            ]
        return self.plan(edits) if edits else None

    def _likened(self) -> Plan | None:
        """ "Now it looks like a horror movie": what the last edits share with that look is too much."""
        look = styles.described(self.text)
        if look is None or self.own:
            return None
        recipe = {(e.attribute, e.direction) for e in look.edits}
        blamed = [e for e in self.last if (e.attribute, e.direction) in recipe]
        amount = "medium" if _SAYS["way"].search(self.text) else "slight"
        return self.plan([inverse(e, amount) for e in blamed]) if blamed else None

    def _complaint(self) -> Plan | None:
        """ "Too dark now", "the skin looks orange", "still blurry"."""
        still = bool(_SAYS["still"].search(self.text))
        complains = re.search(
            r"\b(?:too|way|over\w+|looks?|looking|went|gone|got|turned|became|is|are|should not be|still|now|bit)\b",
            self.text,
        )
        if not complains or re.search(r"\bnot? (?:too|very)\b", self.text):
            return None
        if re.search(r"\btoo[.! ]*$", self.text) and any(h.form == "verb" for h in self.own):
            return None
        if any(re.search(r"(?:er|ier)$", w) for w in self.text.split() if w in self._comparatives()):
            return None
        edits: list[Edit] = []
        liked = [
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
                r"\b(?:too|way|over\w+|looks?|went|gone|got|turned|became|is|are|should not be|still|now|see)\b", clause
            ):
                continue
            edits += self._blamed(clause, still)
        if not edits:
            return None
        return self.plan(edits, protect=tuple(liked))

    def _blamed(self, clause: str, still: bool) -> list[Edit]:
        keys = [key for _, key in keys_in(clause)]
        if re.search(r"\b(?:not|no) \w+ enough\b|\bnot enough\b", clause):
            return []
        amount = "medium" if _SAYS["way"].search(clause) or re.search(r"\bway\b", clause) else "slight"
        out: list[Edit] = []
        regions = [r for r in self._regions_in(clause) if r != "global"]
        for key in keys:
            if still and (edit := self._explained((key[0], -key[1]), regions, continuing=True)) is not None:
                there = regions[0] if regions and regions[0] not in ("shadows", "highlights", "edges") else edit.region
                out.append(edit.model_copy(update={"region": there, "amount": "slight" if self.slight else "medium"}))
            elif not still and (edit := self._explained(key, regions, continuing=False)) is not None:
                region = edit.region if not regions or regions[0] in ("shadows", "highlights", "edges") else regions[0]
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
            form, edit, named = h.form, h.edit, h.edit.region not in ("global", "edges")
            found = self._same_attribute(h)
            if found is None:
                continue
            old, less = found
            if form in ("noun", "verb") and edit.region != "edges" and not self._relative(less, old):
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
        if re.search(r"\b(?:it|that|this) (?:even |a bit |a little |some |much )?(?:more|further)\b", self.text):
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
            if (edit.region, edit.attribute, old.attribute) == ("edges", "brightness", "vignette"):
                return old, edit.direction > 0
        for old in reversed(self.last):  # a cast of the whole is the colour of a region; less blur is more sharpness
            towards = _SAME_THING.get((edit.attribute, old.attribute))
            if towards is not None and ("blur" not in old.attribute or "blur" in heard.phrase):
                return old, edit.direction * towards != old.direction
        return None

    def _in_named(self, edits: list[Edit]) -> list[Edit]:
        """Edits in the regions named that they reach; as they are where none is named."""
        there = [e.model_copy(update={"region": r}) for r in self.named for e in edits if covers(e.region, r)]
        return there or edits

    def _foreign(self) -> bool:
        """True when the message wishes for something that the last turn did nothing about: then that is what it is about."""
        return any(self._same_attribute(h) is None for h in self.own)

    def _chosen(self) -> list[Edit]:
        """The last edits meant: those whose attribute, region or place in the row is named, else all."""
        if (row := _ORDINAL.search(self.text)) and len(self.last) > 1:
            return [self.last[_ROW[row[1]]]]
        attributes = {a.split(":")[0] for a in attributes_in(self.text)}
        chosen = [e for e in self.last if e.attribute.split(":")[0] in attributes]
        if not chosen and self.named:
            chosen = [e for e in self.last if e.region in self.named]
        return chosen or list(self.last)

    def _moved(self, factor: float) -> list[Edit]:
        """Copies of the last edits on the regions named."""
        chosen = self._chosen()
        targets = [r for r in self.named if r not in {e.region for e in self.last}] or self.named
        return [
            e.model_copy(update={"region": r, "amount": scaled(e, factor) if factor != 1 else e.amount})
            for r in targets
            for e in chosen
        ]

    def _moved_or_chosen(self, sign: int, amount: str) -> list[Edit]:
        out = []
        number = next((c.amount for c in self.chunks if c.amount), None) if " than " not in self.text else None
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

    def _regions_in(self, text: str) -> list[str]:
        return regions_in(text, self.present)
