"""Requests in words, made: sentences from the lexicon and `lessons.toml`, patterns run backwards, typing errors."""

import functools
import random
import re
from typing import Any, Final

from agent.planner.commands import ways
from agent.planner.lexicon import lexicon, table
from models.vocabulary import REGIONS

SLOT: Final = re.compile(r"\{(\w+)\}")
_NEIGHBOURS: Final = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wqewtyuiopsdfghjklaxzcvbnm", strict=False))


@functools.cache
def _words() -> dict[str, list[tuple[str, Any]]]:
    """Slot name → phrases of the lexicon that fill it, each with its sense."""
    out: dict[str, list[tuple[str, Any]]] = {}
    for phrase, senses in lexicon().senses.items():
        said, sense = " ".join(phrase), senses[0]
        slot = {
            "attr": {"noun": "attr", "thing": "attr", "adj": "adj", "verb": "verb", "fault": "fault"}.get(sense.form, ""),
            "op": sense.value, "amount": "amount", "region": "region", "object": "region", "colour": "colour",
        }.get(sense.kind, "")  # fmt: skip
        if slot and len(said) > 1:
            out.setdefault(slot, []).append((said, sense))
    return out


@functools.cache
def saying(slot: str, value: str, kind: str = "") -> list[str]:
    """Phrases of a slot that mean `value` ("" for any)."""
    return [
        said
        for said, sense in _words()[slot]
        if (not value or sense.value == value) and (not kind or sense.kind == kind)
    ]


@functools.cache
def _meanings(slot: str) -> list[str]:
    return sorted({sense.value for _, sense in _words()[slot]})


def fill(template: str, rng: random.Random) -> str:
    """A sentence from a template of `lessons.toml`."""

    def slot(match: re.Match[str]) -> str:
        name = match[1].rstrip("2")
        if name in ("place", "kept"):
            if rng.random() < 0.75:  # the regions alike, whatever the number of their nouns
                region = rng.choice(REGIONS)
                noun = rng.choice(saying("region", region, "region") or [region])
            else:
                noun = rng.choice(saying("region", "", "object"))
            return rng.choice(("the ", "the ", "the ", "her ", "his ", "my ", "")) + noun
        if name in ("attr", "adj", "verb", "fault"):
            return rng.choice(saying(name, rng.choice(_meanings(name))))  # the attributes alike
        if name == "amount":
            return rng.choice(saying("amount", "")) if rng.random() < 0.5 else ""
        if name in ("up", "down", "remove", "add", "colour"):
            return rng.choice(saying(name, ""))
        if name == "thing":
            return "the " + rng.choice(saying("region", "", "object"))
        if name == "it":
            return rng.choice(("it", "the photo", "the picture", "this", "the whole image", "everything"))
        if name == "number":
            return str(rng.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 80)))
        if name == "n":
            return str(rng.randint(1, 6))
        if name == "nth":
            return rng.choice(("first", "second", "third", "fourth", "1st", "2nd", "3rd"))
        if name == "clause":
            return fill(rng.choice(templates("clauses", "say")), rng)
        if name == "look":
            return rng.choice(_looks())
        return match[0]

    return " ".join(SLOT.sub(slot, template).split())


@functools.cache
def templates(section: str, name: str) -> list[str]:
    """A list of `lessons.toml`."""
    return list(table("lessons.toml")[section][name])


@functools.cache
def _looks() -> list[str]:
    return [
        name
        for look, row in table("styles.toml").items()
        for name in (look, *row.get("sure", ()), *row.get("also", ()))
    ]


@functools.cache
def backwards() -> list[tuple[str, re.Pattern[str]]]:
    """The patterns of commands and follow-ups, by the command or kind that they stand for."""
    rows = list(ways())
    follow = [("followup", re.compile(p, re.S)) for name, ps in table("patterns.toml")["followup"].items() for p in ps]
    return rows + follow


def said_by(pattern: re.Pattern[str], rng: random.Random) -> str:
    """A text that the pattern was written for: branches at random, repeats short, assertions left out.

    >>> said_by(re.compile(r"^(?:undo|revert) that$"), random.Random(1)) in ("undo that", "revert that")
    True
    """
    from re import _parser  # type: ignore[attr-defined]

    def walk(items: Any) -> str:
        out = ""
        for op, value in items:
            name = str(op)
            if name == "LITERAL":
                out += chr(value)
            elif name == "BRANCH":
                out += walk(rng.choice(value[1]))
            elif name == "SUBPATTERN":
                out += walk(value[3])
            elif name in ("MAX_REPEAT", "MIN_REPEAT"):
                low, high, inside = value
                wild = str(inside[0][0]) in ("IN", "ANY", "NOT_LITERAL")
                out += "".join(walk(inside) for _ in range(low if wild else rng.randint(low, min(int(high), low + 1))))
            elif name == "IN":
                letters = [chr(v) for o, v in value if str(o) == "LITERAL"]
                digits = any(str(o) == "CATEGORY" and "DIGIT" in str(v) for o, v in value)
                out += rng.choice(letters) if letters else ("2" if digits else " ")
        return out

    return " ".join(walk(_parser.parse(pattern.pattern)).split())


def mistyped(text: str, rng: random.Random) -> str:
    """The text with one or two typing errors in longer words."""
    words = text.split(" ")
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(words))
        word = words[at]
        if len(word) < 5 or not word.isascii() or not word.isalpha():
            continue
        i = rng.randrange(1, len(word) - 1)
        words[at] = rng.choice(
            (
                word[:i] + word[i + 1] + word[i] + word[i + 2 :],
                word[:i] + word[i + 1 :],
                word[:i] + word[i] + word[i:],
                word[:i] + _NEIGHBOURS.get(word[i], word[i]) + word[i + 1 :],
            )
        )
    return " ".join(words)
