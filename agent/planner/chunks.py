"""Tokens to chunks: phrases with their possible senses, and explicit amounts with their units."""

import re
from dataclasses import dataclass, field

from agent.plan import Amount
from agent.planner.lexicon import Lexicon, Sense

STOPS = frozenset(".;:!?")

_NUMBER = re.compile(r"^[+\-]?\d+(?:[.,]\d+)?$")
_RATIO = re.compile(r"^([+\-]?\d+)/(\d+)$")
_UNITS = {
    "%": "percent", "percent": "percent", "pct": "percent", "percents": "percent", "percentage": "percent",
    "stop": "stop", "stops": "stop", "ev": "stop", "evs": "stop", "fstop": "stop", "fstops": "stop",
    "k": "kelvin", "kelvin": "kelvin", "kelvins": "kelvin",
    "point": "unit", "points": "unit", "unit": "unit", "units": "unit", "notches": "unit",
}  # fmt: skip
_NUMBER_WORDS = {"one": 1.0, "two": 2.0, "three": 3.0, "half": 0.5, "third": 1 / 3, "quarter": 0.25}


@dataclass(frozen=True)
class Chunk:
    """A phrase at tokens `start`..`end`, its senses, and its number with unit where it is an amount."""

    text: str
    start: int
    end: int
    senses: tuple[Sense, ...] = ()
    amount: Amount | None = None
    signed: int = 0
    """The explicit sign of a number: -1, 0 (none) or 1."""
    tokens: tuple[str, ...] = field(default=(), compare=False)

    def sense(self, kind: str) -> Sense | None:
        """The first sense of that kind."""
        return next((s for s in self.senses if s.kind == kind), None)

    def attr(self, *forms: str) -> Sense | None:
        """The first attribute sense in one of `forms` (any form if none is given)."""
        return next((s for s in self.senses if s.kind == "attr" and (not forms or s.form in forms)), None)

    def op(self) -> str:
        """The operator, or an empty string."""
        sense = self.sense("op")
        return sense.value if sense else ""

    @property
    def is_stop(self) -> bool:
        """True for punctuation that ends a clause."""
        return self.text in STOPS

    @property
    def is_joint(self) -> bool:
        """True for a comma, a slash or a conjunction."""
        return self.text in (",", "/", "&") or self.sense("conj") is not None


def _value(token: str) -> float | None:
    if _NUMBER.match(token):
        return float(token.replace(",", "."))
    if (ratio := _RATIO.match(token)) and float(ratio[2]):
        return round(float(ratio[1]) / float(ratio[2]), 2)
    return None


def _number(tokens: list[str], i: int) -> tuple[int, Amount, int] | None:
    """An explicit amount at `i`: the index after it, the amount and its sign."""
    start, signed, absolute = i, 0, False
    word = tokens[i]
    if word in ("+", "-") and i + 1 < len(tokens):
        signed = 1 if word == "+" else -1
        i += 1
    value = _value(tokens[i])
    if value is None:
        after = tokens[i + 1 : i + 4]
        if tokens[i] in _NUMBER_WORDS and tokens[i + 1 : i + 4] == ["and", "a", "half"]:
            value = _NUMBER_WORDS[tokens[i]]
        elif tokens[i] in _NUMBER_WORDS and after and (
            after[0] in ("stop", "stops", "ev", "percent")
            or (after[0] in ("a", "of") and any(w in ("stop", "ev") for w in after[1:3]))
        ):  # fmt: skip
            value = round(_NUMBER_WORDS[tokens[i]], 2)
            while tokens[i + 1] in ("a", "of"):
                i += 1
        else:
            return None
    elif tokens[i][0] in "+-":
        signed = 1 if tokens[i][0] == "+" else -1
    i += 1
    if i + 2 < len(tokens) and tokens[i] == "and" and tokens[i + 1] == "a" and tokens[i + 2] == "half":
        value, i = value + 0.5, i + 3
    for skip in (2, 1):  # "2/3 of a stop", "1 f stop"
        if (
            i + skip < len(tokens)
            and set(tokens[i : i + skip]) <= {"f", "full", "a", "of"}
            and tokens[i + skip] in _UNITS
        ):
            i += skip
            break
    unit = _UNITS.get(tokens[i]) if i < len(tokens) else None
    end = i + 1 if unit else i
    before = tokens[start - 1] if start else ""
    if before in ("to", "at") and unit != "percent":
        absolute = True
    if unit == "kelvin" and value >= 1500 and before != "by" and not signed:
        absolute = True
    return end, Amount(value=min(abs(value), 100_000), unit=unit or "unit", absolute=absolute), signed  # type: ignore[arg-type]


def chunk(tokens: list[str], lexicon: Lexicon) -> list[Chunk]:
    """Greedy longest-match segmentation of `tokens`.

    >>> from agent.planner.lexicon import lexicon
    >>> [c.text for c in chunk("bring out the dark areas a bit".split(), lexicon())]
    ['bring out', 'the', 'dark areas', 'a bit']
    """
    chunks: list[Chunk] = []
    i = 0
    while i < len(tokens):
        if number := _number(tokens, i):
            end, amount, signed = number
            text = " ".join(tokens[i:end])
            chunks.append(Chunk(text, i, end, (Sense("amount", "number"),), amount, signed, tuple(tokens[i:end])))
            i = end
            continue
        found = lexicon.match(tokens, i)
        if found:
            phrase, senses = found
            chunks.append(Chunk(" ".join(phrase), i, i + len(phrase), senses, tokens=phrase))
            i += len(phrase)
        else:
            chunks.append(Chunk(tokens[i], i, i + 1, tokens=(tokens[i],)))
            i += 1
    return chunks
