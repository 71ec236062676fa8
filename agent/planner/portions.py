"""How much of what was done: "a third of that", "three times as much", "at 30 % strength"; and edits in such sizes."""

import re
from dataclasses import dataclass
from typing import Final

from agent.plan import Amount, Edit
from agent.planner.chunks import Chunk
from agent.planner.lexicon import patterns

#: The size of each word, as the conventions count it.
_SIZES: Final = {"slight": 1.0, "medium": 2.0, "strong": 4.0}

_COUNTS: Final = {
    "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "ten": 10.0,
    "twice": 2.0, "double": 2.0, "doubled": 2.0, "thrice": 3.0, "triple": 3.0, "tripled": 3.0, "treble": 3.0,
    "quadruple": 4.0, "quadrupled": 4.0,
}  # fmt: skip
_PARTS: Final = {
    "half": 0.5, "halves": 0.5, "third": 1 / 3, "thirds": 1 / 3, "quarter": 0.25, "quarters": 0.25, "fourth": 0.25,
    "fourths": 0.25, "fifth": 0.2, "fifths": 0.2, "sixth": 1 / 6, "eighth": 0.125, "tenth": 0.1, "tenths": 0.1,
}  # fmt: skip
_COUNT: Final = rf"(?:{'|'.join(_COUNTS)})"
_PART: Final = rf"(?:{'|'.join(_PARTS)})"
_NUMBER: Final = r"\d{1,3}(?:[.,]\d+)?"
_MUCH: Final = r"(?:much|strong(?:ly)?|intense(?:ly)?|heavy|hard|warm|cold|cool|bright|dark|\w+(?:ed|y|ful|ish))"
_PERCENT: Final = rf"(?P<percent>{_NUMBER}) ?(?:%|(?:per ?cent|pct)\b)"
_DONE: Final = r"(?:effect|edit|change|strength|amount|intensity|opacity|look|step)"
#: What stands behind a share that is one of something done: "of that", "as much", "the strength".
_OF: Final = (
    rf"(?: of (?:(?:that|it|this|them|what)\b(?! (?:photo|picture|image))|(?:the|its|that|your) (?:\w+ )?{_DONE}\b"
    r"|(?:the|its) (?!photo|picture|image|frame|shot|time|people|area|way)\w+[.!]*$)"
    rf"| as {_MUCH}\b| (?:the )?{_DONE}\b)"
)
#: Ways to name a share; those with a `way` count from the whole.
_SAYS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?P<by>by) (?:a |one |(?P<count>two|three) )?(?P<part>{_PART})\b",
        rf"(?:^|: ?|\b(?:a|one|to|an) )(?P<part>(?!half){_PART})[.! ]*$",
        r"\b(?P<whole>one|two|three) and a half(?: times)?(?: (?:of )?(?:that|it|as much))?",
        rf"\b(?P<part>half|third|quarter|fifth) (?P<way>again|more|stronger|less|weaker|softer)(?: (?:again|as) {_MUCH})?"
        r"(?: than (?:that|this|before))?\b",
        rf"\b(?P<count>two|three|four) (?P<part>{_PART})(?:{_OF}| (?P<way>less|weaker|more|stronger)\b)",
        rf"\b(?P<part>(?!half){_PART})(?:{_OF})",
        rf"(?<![\d.,]){_PERCENT}{_OF}",
        rf"\bat (?:only |just |about )?{_PERCENT}[.! ]*$",
        r"\b(?:down|back|up|(?:reduce|lower|cut|increase|raise|bump|dial|bring|set|turn|take) (?:it|that|this|the effect)"
        r"(?: down| up| back)?)"
        rf" to (?:only |just |about )?{_PERCENT}",
        rf"(?<![\d.,])(?P<times>{_NUMBER}|\b{_COUNT}) ?(?:x\b|times\b)"
        rf"(?: (?:of )?(?:(?:that|it|this)\b|the {_DONE}\b)| (?:as|more|stronger)\b(?: {_MUCH})?)?",
        r"\b(?:x|times) ?(?P<times>\d(?:\.\d+)?|two|three|four)\b",
        r"\b(?P<times>twice|doubled?|thrice|tripled?|treble|quadrupled?)\b",
        r"(?<!top )(?<!bottom )(?<!left )(?<!right )(?<!upper )(?<!lower )(?<!other )\b(?P<part>half)\b"
        r"(?! (?:a )?stop| of the (?:photo|picture|image|face|sky|frame))",
        r"\b(?P<halve>halve[ds]?|50 ?(?:%|percent) less)\b",
    )
)

#: Before a number that was not meant.
_WRONG: Final = re.compile(r"\b(?:not|instead of|rather than|from|was)(?: (?:the|at|about|a))?$")


@dataclass(frozen=True)
class Portion:
    """A share of what was done, and where a text says so."""

    share: float
    match: re.Match[str]


def find(text: str) -> Portion | None:
    """The share of what was done that a plain text asks for.

    >>> [find(t).share for t in ("half of that", "only 20 percent of it", "three times that", "two thirds as much")]
    [0.5, 0.2, 3.0, 0.6667]
    >>> find("a quarter less").share, find("half again as much").share, find("the left half"), find("20 % less")
    (0.75, 1.5, None, None)
    """
    for pattern in _SAYS:
        if match := pattern.search(text):
            said = match.groupdict()
            if said.get("halve"):
                share = 0.5
            elif said.get("whole"):
                share = _COUNTS.get(said["whole"], 1.0) + 0.5
            elif said.get("percent"):
                share = _value(said["percent"]) / 100
            elif said.get("times"):
                share = _COUNTS.get(said["times"]) or _value(said["times"])
            else:
                share = _COUNTS.get(said.get("count") or "", 1.0) * _PARTS[said["part"]]
                way = said.get("way") or ("less" if said.get("by") else None)
                share = share if way is None else 1 - share if way in ("less", "weaker", "softer") else 1 + share
            if 0 < share <= 10:
                return Portion(round(share, 4), match)
    return None


def _value(number: str) -> float:
    return float(number.replace(",", "."))


def instead(chunks: list[Chunk], text: str, last: tuple[Edit, ...], *, sure_only: bool) -> Edit | None:
    """The edit that makes up the difference to another number: "that was 0.5, make it 0.2", "15, not 50".

    `chunks`: those of the plain text; `sure_only`: only what can be nothing else.
    """
    says = patterns("followup")
    numbers = [
        (c.amount, " ".join(b.text for b in chunks[max(0, i - 3) : i])) for i, c in enumerate(chunks) if c.amount
    ]
    wrong = [n for n, before in numbers if _WRONG.search(before)]
    if len(numbers) > 1 and not wrong:
        wrong = [n for n, _ in numbers if n.value in {_number(e) for e in last}]
    number = next((n for n, _ in reversed(numbers) if n not in wrong), None)
    sure = says["make_it"].search(text) is not None
    loose = not sure_only and (bool(wrong) or says["rather"].search(text) is not None)
    if number is None or not (sure or loose):
        return None
    edit = next((e for e in last if _number(e) in [n.value for n in wrong]), last[-1])
    old = _number(edit)
    if old is None:
        if not sure and not wrong:
            return None
        target = Amount(value=number.value, unit=number.unit, absolute=True)
        return edit.model_copy(update={"amount": target})
    step = round(number.value - old, 4)
    unit = edit.amount.unit if isinstance(edit.amount, Amount) else "percent"
    direction = edit.direction if step > 0 else -edit.direction
    return edit.model_copy(update={"direction": direction, "amount": Amount(value=abs(step), unit=unit)})


def _number(edit: Edit) -> float | None:
    """The number of an edit's amount, None for a word."""
    if isinstance(edit.amount, str):
        return None
    return edit.amount.value if isinstance(edit.amount, Amount) else edit.amount


def size(value: float) -> str:
    """The word whose size is nearest to `value`.

    >>> size(0.5), size(2), size(8)
    ('slight', 'medium', 'strong')
    """
    return "slight" if value < 1.5 else "medium" if value < 3 else "strong"


def scaled(edit: Edit, factor: float) -> object:
    """The amount of an edit, times a factor.

    >>> scaled(Edit(attribute="contrast"), 2), scaled(Edit(attribute="contrast", amount=30.0), 0.5)
    ('strong', 15.0)
    """
    if isinstance(edit.amount, str):
        return size(_SIZES[edit.amount] * factor)
    if isinstance(edit.amount, Amount):
        return edit.amount.model_copy(update={"value": round(edit.amount.value * factor, 4)})
    return round(edit.amount * factor, 4)


def inverse(edit: Edit, amount: object = None) -> Edit:
    """The edit that takes back `edit`, wholly or by `amount`."""
    return edit.model_copy(update={"direction": -edit.direction, "amount": edit.amount if amount is None else amount})


def towards(edit: Edit, share: float) -> Edit:
    """What to do on top of `edit` so that it is there to a share.

    >>> towards(Edit(attribute="contrast", amount=30.0), 0.5).direction, towards(Edit(attribute="contrast"), 3).amount
    (-1, 'strong')
    """
    if share < 1:
        return inverse(edit, scaled(edit, 1 - share))
    return edit.model_copy(update={"amount": scaled(edit, share - 1)})
