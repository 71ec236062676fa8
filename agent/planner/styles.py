"""Looks by name: the curated table, finding one in a message, and the nearest one for a look nobody has heard of."""

import functools
import re
from dataclasses import dataclass
from typing import cast

from agent.plan import Edit, Word
from agent.planner.lexicon import patterns, table, word_set
from agent.planner.understand import Heard

_SHORT = re.compile(r"^(?:([a-z: ]+)\.)?([a-z_:]+)([+-])(?::(slight|strong))?$")

#: Words that say a look is wanted, and fillers that may stand beside its name.
_CUES = word_set("styles_cues")
_FILLERS = word_set("styles_fillers")


@dataclass(frozen=True)
class Style:
    """A look found in a message."""

    name: str
    edits: tuple[Edit, ...]
    said: str
    """The words that named it."""
    nearest: bool = False
    """True when the name was unknown and this is the nearest look of the table."""


@functools.cache
def _looks() -> dict[str, tuple[tuple[Edit, ...], tuple[str, ...], tuple[str, ...], frozenset[str]]]:
    return {
        name: (
            tuple(_edit(short) for short in entry["edits"].split()),
            tuple(entry.get("sure", [])),
            tuple(entry.get("also", [])),
            frozenset(entry.get("hints", "").split()),
        )
        for name, entry in table("styles.toml").items()
    }


def _edit(short: str) -> Edit:
    match = _SHORT.match(short)
    assert match, short
    region, attribute, sign, amount = match.groups()
    size = cast(Word, amount or "medium")
    return Edit(region=region or "global", attribute=attribute, direction=1 if sign == "+" else -1, amount=size)


@functools.cache
def _names() -> tuple[tuple[str, str, bool], ...]:
    """(phrase, look, sure), longest phrase first."""
    rows = [(p, look, True) for look, (_, sure, _, _) in _looks().items() for p in (*sure, look.lower())]
    rows += [(p, look, False) for look, (_, _, also, _) in _looks().items() for p in also]
    return tuple(sorted(dict.fromkeys(rows), key=lambda row: (-len(row[0]), not row[2], row[1])))


def find(text: str) -> Style | None:
    """The look a message asks for, by the names in the table. `text`: plain text.

    >>> find("give it a film noir feel").name, find("brighten my sister at her summer party"), find("autumn colors, cozy").name
    ('film noir', None, 'cozy autumn')
    """
    said = _without_described(text)
    if said != text and not said.strip(" ,.;:!?"):
        return None
    return _find(said)


def described(text: str) -> Style | None:
    """The look that a message says the photo has: "it looks like a horror movie", which is no wish for it.

    >>> described("it looks like a horror movie").name, described("make it look like a horror movie")
    ('horror movie', None)
    """
    said = " ".join(text[m.start() : m.end()] for m in _descriptions(text))
    return _find(said) if said else None


def _descriptions(text: str) -> list[re.Match[str]]:
    """Where a text says what the photo looks like."""
    says = patterns("styles")
    out: list[re.Match[str]] = []
    for clause in re.finditer(r"[^,.;:!?\n]+", text):
        for match in says["described"].finditer(text, clause.start(), clause.end()):
            if not says["wished"].search(text[clause.start() : match.start()]):
                out.append(match)
    return out


def _without_described(text: str) -> str:
    for match in reversed(_descriptions(text)):
        text = text[: match.start()] + text[match.end() :]
    return text


def _find(text: str) -> Style | None:
    """The look that a text without descriptions names."""
    spaced = " " + re.sub(r"[^\w' ]+", " ", text.replace("-", " ")) + " "
    spaced = re.sub(r" +", " ", spaced)
    words = spaced.split()
    content = [w for w in words if w not in _FILLERS and w not in _CUES]
    best: tuple[float, str, str] | None = None
    for phrase, look, sure in _names():
        at = spaced.find(f" {phrase} ")
        if at < 0 or patterns("styles")["removing"].search(spaced[: at + 1]):
            continue
        covered = len([w for w in content if w in _vocabulary(look)])
        mostly = covered >= 0.6 * len(content) and len(content) <= 6
        if not (sure or mostly or _cued(spaced, at, phrase)):
            continue
        score = len(phrase.split()) + 0.01 * len(phrase) + 0.6 * covered + 0.5 * sure
        if best is None or score > best[0]:
            best = (score, look, phrase)
    if best is None:
        return None
    return Style(best[1], _looks()[best[1]][0], best[2])


def known(name: str) -> bool:
    """True for the name of a look in the table.

    >>> known("film noir"), known("anything a model made up")
    (True, False)
    """
    return name in _looks()


@functools.cache
def _vocabulary(look: str) -> frozenset[str]:
    """All words that belong to a look."""
    _, sure, also, hints = _looks()[look]
    return frozenset(w for phrase in (*sure, *also, look.lower()) for w in phrase.split()) | hints


def _cued(spaced: str, at: int, phrase: str) -> bool:
    """True when "look", "style" ... or "like a" stands beside the name."""
    before, after = spaced[:at].split()[-4:], spaced[at + len(phrase) + 2 :].split()[:2]
    return any(w in _CUES for w in after[:2]) or any(w in ("style", "vibe", "like") for w in before)


def outweighs(style: Style, text: str, heard: tuple[Heard, ...]) -> bool:
    """True when a message is about the look, although the grammar read edits in it: "warm sunset feel, dress white".

    `heard`: those edits.
    """
    named = re.escape(style.said)
    if re.search(
        rf"{named}[\w ]{{0,12}} (?:look|style|styled|vibes?|feel|feeling|mood|aesthetic|theme|inspired)\b", text
    ):
        return True
    if any(h.edit.region != "global" and not own_words(style, h.phrase) for h in heard):
        return False
    known = _vocabulary(style.name)
    content = [w for w in re.findall(r"[a-z0-9]+", text) if w not in _FILLERS and w not in _CUES]
    if content and len([w for w in content if w in known]) >= 0.5 * len(content):
        return True
    return bool(heard) and all(word in known for h in heard for word in h.phrase.split())


def own_words(style: Style, said: str) -> bool:
    """True when the words of an edit only describe the look: "dark" in "dark academia"."""
    return all(w in _vocabulary(style.name) or w in _FILLERS or w in _CUES for w in said.split())


def nearest(text: str) -> Style | None:
    """For a look that is not in the table: the one that shares most words or letters with it, marked `nearest`.

    >>> nearest("swamp witch vibes").nearest
    True
    """
    match = patterns("styles")["unknown"].search(re.sub(r"[^\w' ]+", " ", text))
    if not match:
        return None
    said = (match["a"] or match["b"] or "").strip()
    wanted = {w for w in said.split() if w not in _FILLERS and w not in _CUES}
    if not wanted:
        return None
    best, score = "", 0.0
    for look in _looks():
        known = _vocabulary(look)
        shared = len(wanted & known) + 0.9 * max((_alike(a, b) for a in wanted for b in known), default=0.0)
        if shared > score:
            best, score = look, shared
    if score < 0.7:
        return None
    return Style(best, _looks()[best][0], said, nearest=True)


def _alike(a: str, b: str) -> float:
    """Dice coefficient of letter trigrams, 0 for short words."""
    if min(len(a), len(b)) < 4:
        return 0.0
    x, y = ({f" {w} "[i : i + 3] for i in range(len(w))} for w in (a, b))
    dice = 2 * len(x & y) / (len(x) + len(y))
    return dice if dice >= 0.6 else 0.0
