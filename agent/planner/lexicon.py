"""The lexicon: what each word or phrase may mean, with its inflected forms, read once from the tables beside this file."""

import functools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Sense:
    """One meaning. `kind`: attr, colour, cast, region, object, op, amount or a grammar word's class; `value`: the
    attribute, colour, region, operator ... ; `form`: noun, thing, adj, verb, fault, over; `sign`: its own direction."""

    kind: str
    value: str
    form: str = ""
    sign: int = 1


@dataclass(frozen=True)
class Lexicon:
    """All phrases, the longest length of one, and the single words that spelling may correct to."""

    senses: dict[Phrase, tuple[Sense, ...]]
    longest: int
    words: frozenset[str]

    def match(self, tokens: list[str], start: int) -> tuple[Phrase, tuple[Sense, ...]] | None:
        """The longest phrase that begins at `start`."""
        for length in range(min(self.longest, len(tokens) - start), 0, -1):
            phrase = tuple(tokens[start : start + length])
            if phrase in self.senses:
                return phrase, self.senses[phrase]
        return None


_IRREGULAR = {
    "have": ("has", "had"),
    "take": ("taken", "took"), "give": ("given", "gave"), "bring": ("brought",), "make": ("made",), "get": ("got", "gotten"),
    "throw": ("thrown",), "rise": ("risen",), "draw": ("drawn",), "see": ("seen",), "wear": ("worn",), "blow": ("blown",),
}  # fmt: skip


@functools.cache
def table(name: str) -> dict[str, Any]:
    """A data table beside this file, read once."""
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


@functools.cache
def patterns(section: str) -> dict[str, re.Pattern[str]]:
    """The regular expressions of a section of `patterns.toml`; the members of a list are joined by "or"."""
    return {name: re.compile("|".join(members), re.S) for name, members in table("patterns.toml")[section].items()}


@functools.cache
def word_set(name: str) -> frozenset[str]:
    """A closed list of words from `word_sets.toml`; underscores join the words of a phrase."""
    return frozenset(entry.replace("_", " ") for entry in table("word_sets.toml")[name].split())


def verb_forms(word: str) -> Iterator[str]:
    """Inflections of a regular verb; a form too many does no harm.

    >>> sorted(set(verb_forms("dim")))
    ['dim', 'dimed', 'diming', 'dimmed', 'dimming', 'dims']
    """
    yield word
    yield from _IRREGULAR.get(word, ())
    stem = word.removesuffix("e")
    if word.endswith("y") and len(word) > 2 and word[-2] not in "aeiou":
        yield from (word[:-1] + "ies", word[:-1] + "ied")
    else:
        yield word + ("es" if word.endswith(("s", "sh", "ch", "x", "z")) else "s")
        yield stem + "ed"
    yield stem + "ing"
    if len(word) >= 3 and word[-1] not in "aeiouwxy" and word[-2] in "aeiou" and word[-3] not in "aeiou":
        yield from (word + word[-1] + "ed", word + word[-1] + "ing")


def adjective_forms(word: str) -> Iterator[str]:
    """An adjective, its comparative, superlative and adverb.

    >>> sorted(set(adjective_forms("flat")))[:4]
    ['flat', 'flater', 'flatest', 'flatly']
    """
    yield word
    stem = word[:-1] + "i" if word.endswith("y") else word.removesuffix("e")
    if len(word) <= 7:
        yield from (stem + "er", stem + "est")
        if word[-1] in "bdgmnpt" and word[-2] in "aeiou":
            yield from (word + word[-1] + "er", word + word[-1] + "est")
    yield (word[:-1] + "i" if word.endswith("y") else word) + "ly"


def _phrases(entry: str, form: str) -> Iterator[Phrase]:
    """The inflected forms of an entry such as `bring_out`; the first word of a verb phrase is inflected."""
    parts = tuple(entry.split("_"))
    if form == "verb":
        for head in verb_forms(parts[0]):
            yield (head, *parts[1:])
    elif form == "adj" and len(parts) == 1:
        for word in adjective_forms(parts[0]):
            yield (word,)
    else:
        yield parts


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x")) else "s")


@functools.cache
def lexicon() -> Lexicon:
    """The whole lexicon, built once (about 20 ms)."""
    senses: dict[Phrase, list[Sense]] = {}

    def add(phrase: Phrase, sense: Sense) -> None:
        known = senses.setdefault(phrase, [])
        if all((s.kind, s.form if s.kind == "attr" else "") != (sense.kind, sense.form if s.kind == "attr" else "")
               for s in known):  # fmt: skip
            known.append(sense)

    forms = {"noun": ("noun", 1), "thing": ("thing", 1), "more": ("adj", 1), "less": ("adj", -1), "do": ("verb", 1),
             "undo": ("verb", -1), "fault": ("fault", -1), "over": ("over", 1)}  # fmt: skip
    for attribute, groups in table("lexicon.toml").items():
        for group, entries in groups.items():
            form, sign = forms[group]
            for entry in entries.split():
                for phrase in _phrases(entry, form):
                    add(phrase, Sense("attr", attribute, form, sign))
    colours = table("colours.toml")
    for axis, entries in colours["axis"].items():
        for entry in entries.split():
            add(tuple(entry.split("_")), Sense("colour", entry, axis))
    for pair in colours["forms"]["words"].split(";"):
        base, made = pair.split(":")
        for word in made.split():
            add((word,), Sense("colour", base.strip(), "adj"))
    for entry in colours["cast"]["words"].split():
        add(tuple(entry.split("_")), Sense("cast", entry))
    for region, entries in table("regions.toml")["regions"].items():
        for entry in entries.split():
            phrase = tuple(entry.split("_"))
            add(phrase, Sense("region", region))
            if region not in ("global", "left", "right", "top", "bottom"):
                add((*phrase[:-1], _plural(phrase[-1])), Sense("region", region))
    for entry in table("regions.toml")["objects"]["words"].split():
        phrase = tuple(entry.split("_"))
        add(phrase, Sense("object", " ".join(phrase)))
        add((*phrase[:-1], _plural(phrase[-1])), Sense("object", " ".join(phrase)))
    operators = table("operators.toml")
    for value, entries in operators["operator"].items():
        for entry in entries.split():
            for phrase in _phrases(entry, "verb"):
                add(phrase, Sense("op", value))
    for value, entries in operators["amount"].items():
        for entry in entries.split():
            add(tuple(entry.split("_")), Sense("amount", value))
    for value, groups in table("scope.toml").items():
        for entry in groups.get("verb", "").split():
            for phrase in _phrases(entry, "verb"):
                add(phrase, Sense("oos", value))
        for entry in groups.get("cue", "").split():
            add(tuple(entry.split("_")), Sense("cue", value))
    for kind, entries in table("grammar_words.toml")["words"].items():
        for entry in entries.split():
            add(tuple(entry.split("_")), Sense(kind.rstrip("_"), entry))
    return Lexicon(
        senses={phrase: tuple(known) for phrase, known in senses.items()},
        longest=max(map(len, senses)),
        words=frozenset(phrase[0] for phrase in senses if len(phrase) == 1 and len(phrase[0]) > 3),
    )


@functools.cache
def colour_axis(colour: str) -> str:
    """The axis of a colour word as a cast of the whole picture: warm, cold, green, magenta or red.

    >>> colour_axis("violet")
    'magenta'
    """
    return next(axis for axis, entries in table("colours.toml")["axis"].items() if colour in entries.split())


@functools.cache
def hue(colour: str) -> str:
    """The name of a colour in `hue:<colour>`.

    >>> hue("violet")
    'purple'
    """
    return next((name for name, entries in table("colours.toml")["hue"].items() if colour in entries.split()), "orange")
