"""Where and how much: regions and amounts given to the mentions of a segment."""

from dataclasses import dataclass

from agent.plan import Amount, Word
from agent.planner.elements import GLOBAL, Element
from agent.planner.segments import Segment

_PARTS = frozenset(("eyes", "hair", "face", "skin", "teeth", "clothing"))

Mentions = list[tuple[int, "Mention"]]


@dataclass
class Mention:
    """One asked change, before it becomes an `Edit`."""

    attribute: str
    """An attribute, or `colour:<word>` until its region is known."""
    sign: int
    regions: list[str]
    amount: Word | Amount | None
    words: set[int]
    """Token indexes of the words that led here."""
    purpose: str = ""
    form: str = ""
    text: str = ""
    adjusted: bool = False
    """True for "adjust the contrast": no direction was said."""


def place(segment: Segment, elements: list[Element], mentions: Mentions) -> None:
    """Give every mention its regions; `global` where none is said.

    "Increase the contrast of the sky", "make the sky bluer", "bluer sky", "sky contrast", "brighten the man and the dog".
    """
    by_position = dict(mentions)
    current: list[str] = []  # the places a following adjective speaks of
    said: set[int] = set()  # the words that named them
    pending: list[Mention] = []  # mentions whose place may still follow
    giving = False  # the last place went to the pending mentions; another may join it
    for position, e in enumerate(elements):
        mention = by_position.get(position)
        before = elements[position - 1] if position else None
        joined = before is not None and before.kind == "joint"
        if (
            e.kind == "region"
            and e.chunk.text in ("overall", "whole", "entire", "all")
            and _names_attribute(elements, position)
        ):
            continue  # "the overall colors of the lady"
        if e.kind == "head" and e.chunk.op() == "remove":
            pending = []  # "darken and remove the stain": the stain is not darkened
        if e.kind == "region" and e.preposition == "of" and e.region == "person" and set(current) & _PARTS:
            continue  # "the eye color of the man"
        if e.kind == "region":
            after_verb = pending and not e.preposition and all(m.form == "verb" for m in pending)
            if (
                pending
                and (e.preposition or after_verb or (giving and joined) or e.chunk.text in ("overall", "everywhere"))
                and not _speaks_ahead(elements, position, giving and joined)
            ):
                for m in pending:
                    _give(m, e, more=giving)
                giving = True
                if not after_verb:
                    continue
            if e.region == GLOBAL and not pending and e.chunk.text == "it" and current:
                continue
            listed = joined and position >= 2 and elements[position - 2].kind == "region"
            current = [*current, e.region] if listed and current else [e.region]
            said = {*said, e.chunk.start} if listed and said else {e.chunk.start}
            if not after_verb:
                giving = False
        elif mention is not None:
            right = elements[position + 1] if position + 1 < len(elements) else None
            if _attributive(e, right, mention) and right is not None:
                mention.regions = [right.region]
                mention.words.add(right.chunk.start)
                giving = False
                continue
            if giving:
                pending = []
                giving = False
            if _fresh(elements, position, mention, any_form=True):
                pending = []
            last = not any(x.kind == "region" for x in elements[position + 1 :])
            if mention.regions:
                pass
            elif (
                current
                and current != [GLOBAL]
                and (mention.form != "verb" or last)
                and not _fresh(elements, position, mention)
            ):
                mention.regions = list(current)
                mention.words |= said
            else:
                pending.append(mention)
        elif e.kind == "more" and giving:
            pending, giving = [], False
    for _, mention in mentions:
        if not mention.regions:
            mention.regions = [GLOBAL]


def _names_attribute(elements: list[Element], position: int) -> bool:
    nxt = elements[position + 1] if position + 1 < len(elements) else None
    return (
        nxt is not None
        and nxt.kind == "attr"
        and nxt.index == elements[position].index + 1
        and nxt.chunk.attr("noun", "thing") is not None
    )


def _fresh(elements: list[Element], position: int, mention: Mention, *, any_form: bool = False) -> bool:
    """ "Grass greener, more contrast": a noun with its own "more" after a boundary starts anew."""
    if (
        (mention.form not in ("noun", "thing") and not any_form)
        or not position
        or elements[position - 1].kind != "more"
    ):
        return False
    back = position - 2
    while back >= 0 and elements[back].kind == "amount":
        back -= 1
    return back >= 0 and elements[back].kind == "joint" and (not any_form or elements[back].chunk.text == ",")


def _speaks_ahead(elements: list[Element], position: int, joined: bool) -> bool:
    """True when the place belongs to what follows: "brighten the man, the background darker"."""
    nxt = elements[position + 1] if position + 1 < len(elements) else None
    return (
        joined
        and nxt is not None
        and (nxt.kind in ("attr", "more", "amount") and elements[position].preposition == "")
        and _is_adjective(elements, position)
    )


def _is_adjective(elements: list[Element], position: int) -> bool:
    for x in elements[position + 1 : position + 4]:
        if x.kind == "attr":
            return x.chunk.attr("adj", "fault", "over") is not None or x.chunk.sense("colour") is not None
        if x.kind not in ("more", "amount"):
            return False
    return False


def _attributive(e: Element, right: Element | None, mention: Mention) -> bool:
    return (
        right is not None
        and right.kind == "region"
        and not right.preposition
        and right.index == e.index + 1
        and mention.form in ("adj", "colour", "fault", "over")
    )


def _give(mention: Mention, e: Element, *, more: bool) -> None:
    if more and mention.regions:
        if e.region not in mention.regions:
            mention.regions.append(e.region)
    elif not mention.regions:
        mention.regions = [e.region]
    mention.words.add(e.chunk.start)


def measure(segment: Segment, elements: list[Element], mentions: Mentions) -> None:
    """Give mentions their amounts; an adverb covers all items that share its verb."""
    direction = -1 if any(o in ("down", "remove") for o in segment.ops) else 1 if "up" in segment.ops else 0
    for position, e in enumerate(elements):
        if e.kind != "amount":
            continue
        sense = e.chunk.sense("amount")
        assert sense is not None
        if position and elements[position - 1].kind == "too" and e.chunk.text == "much":
            continue  # "too much"
        nxt = elements[position + 1] if position + 1 < len(elements) else None
        nxt = (
            elements[position + 2] if nxt is not None and nxt.kind == "joint" and position + 2 < len(elements) else nxt
        )
        if e.chunk.text == "very" and nxt is not None and nxt.kind == "amount":
            continue  # "very, very slightly"
        for mention in _targets(position, elements, mentions):
            if e.chunk.amount is not None:
                mention.amount = _with_unit(e.chunk.amount, mention, e.chunk.text)
                if mention.amount.absolute and mention.amount.unit == "kelvin":
                    mention.sign = 1 if mention.amount.value >= 5000 else -1
                elif mention.amount.absolute and any(
                    p.text == "up" for p in segment.parts[max(0, e.index - 3) : e.index]
                ):
                    mention.sign = 1
                if e.chunk.signed and direction == 0:
                    mention.sign = e.chunk.signed
                elif mention.form == "fault" and not segment.heads and mention.attribute == "denoise":
                    mention.sign = -1  # "grain 15"
            elif mention.amount is None:
                mention.amount = sense.value  # type: ignore[assignment]
            mention.words.add(e.chunk.start)


def _with_unit(amount: Amount, mention: Mention, text: str) -> Amount:
    """ "Exposure +0.3" is in stops."""
    fraction = "." in text or "/" in text or mention.text == "exposure"
    if amount.unit == "unit" and mention.attribute == "brightness" and amount.value <= 5 and fraction:
        return amount.model_copy(update={"unit": "stop"})
    return amount


def _run(position: int, elements: list[Element], mentions: Mentions) -> list[Mention]:
    """The mentions after an adverb that it covers: up to the next place or the next adverb of its own."""
    out: list[Mention] = []
    by_position = dict(mentions)
    for p in range(position + 1, len(elements)):
        if p in by_position:
            out.append(by_position[p])
        elif out and (
            elements[p].kind in ("region", "amount")
            or (elements[p].kind == "joint" and elements[p].chunk.text == "," and len(out) > 0 and _own(elements, p))
        ):
            break
    return out


def _own(elements: list[Element], joint: int) -> bool:
    """True when what follows a comma has a "more" of its own."""
    return any(x.kind in ("more", "region") for x in elements[joint + 1 : joint + 3])


def _targets(position: int, elements: list[Element], mentions: Mentions) -> list[Mention]:
    after = elements[position + 1] if position + 1 < len(elements) else None
    behind = [m for p, m in mentions if p < position]
    ahead = [m for p, m in mentions if p > position]
    if elements[position].chunk.amount is not None:
        return behind[-1:] or ahead[:1]
    if after is not None and after.kind in ("attr", "more", "too", "amount", "neg", "achromatic"):
        return _run(position, elements, mentions) or behind
    if (
        after is not None
        and after.kind in ("region", "cast", "head")
        and position
        and elements[position - 1].kind == "head"
    ):
        return [m for _, m in mentions]
    if behind:
        return behind if all(m.form in ("noun", "thing", "verb") for m in behind) else behind[-1:]
    return ahead
