"""What must stay as it is: "leave her skin alone", "except the sky", "without blowing out the clouds"."""

import functools
import re
from collections.abc import Callable

from agent.planner.chunks import chunk
from agent.planner.elements import NOT_THINGS
from agent.planner.lexicon import lexicon, table
from agent.planner.text import words

#: Parts of a person, which stay in colour while the whole picture loses it.
_PARTS = frozenset(("clothing", "hair", "eyes", "face", "skin", "teeth", "object:lips"))

#: "Remove everything except the dog": what is left out goes.
_REMOVING = re.compile(r"\b(?:remove|delete|erase|get rid of|take out|crop out|cut out|drop) (?:out )?$")

#: Nouns that name no place to protect.
_NOT_PLACES = frozenset(("global", "object:it", "object:everything else", "object:rest", "object:else"))


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """The ways to say a protection, with their named parts filled in."""
    section = table("patterns.toml")["protect"]
    parts = {
        name.removeprefix("part_"): text.replace("\n", "") for name, text in section.items() if name.startswith("part_")
    }
    return tuple(
        re.compile(re.sub(r"@(np|end|stays|verbs|ing)@", lambda m: parts[m[1]], say)) for say in section["say"]
    )


def split_off(text: str) -> tuple[str, list[str]]:
    """The request without its protections, and the protected regions.

    >>> split_off("brighten the photo but leave her skin alone")
    ('brighten the photo but .', ['skin'])
    >>> split_off("blur everything except the dog")
    ('blur the background', ['animal'])
    """
    found: list[str] = []

    def take(match: re.Match[str]) -> str:
        regions = _regions(match["np"])
        if not regions:
            return match.group()
        selective = "rest" in match.groupdict()
        found.extend(r for r in regions if r not in found)
        if match.groupdict().get("all"):
            before = text[: match.start()]
            if _REMOVING.search(before[-24:]):
                return "the background . "
            return "the background" if re.search(r"\b(?:blur|black and white|desaturate|grayscale|focus)\b", text) or re.search(
                r"\b(?:darken|dim|make)\b", before[-12:]
            ) else match["all"] + " . "  # fmt: skip
        monochrome = re.search(
            r"\b(?:black and white|b&w|bw|gr[ae]y ?scale|monochrome|(?:take|remove) (?:all )?(?:of )?(?:the )?colou?rs?)\b",
            text,
        )
        if selective and not monochrome:  # "only the flower in colour"
            return " the background black and white . "
        if match.groupdict().get("rest"):
            return " the background "
        if (
            monochrome
            and re.search(r"\bexcept\b|\bbut\b|\bother than\b|\bonly\b", match.group())
            and not set(regions) & _PARTS
        ):
            return " in the background . "
        return " . "

    rest = text
    for pattern in _patterns():
        rest = pattern.sub(_guarded(take), rest)
    if not found:
        return text, []
    return re.sub(r"\s+", " ", rest).strip(), found


def _guarded(take: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        return take(match) if len(match["np"].split()) <= 12 else match.group()

    return replace


def _regions(noun_phrase: str) -> list[str]:
    """Regions named in a noun phrase; the last noun of each conjunct counts. Empty when it is not made of nouns."""
    out: list[str] = []
    for part in re.split(r",|\band\b|\bor\b|&|/", noun_phrase):
        if part.strip():
            region = region_of(part)
            if region is None:
                return out
            if region not in _NOT_PLACES and region not in out:
                out.append(region)
    return out


def region_of(part: str) -> str | None:
    """The region a short noun phrase names, or None.

    >>> region_of("the man's red tie"), region_of("her lips"), region_of("the boats"), region_of("too much")
    ('clothing', 'object:lips', 'vehicle', None)
    """
    chunks = chunk(words(part), lexicon())
    last: str | None = None
    for i, c in enumerate(chunks):
        if c.text in ("white", "black", "'s") or c.sense("the") or c.sense("colour"):
            continue
        joins = c.sense("at") or c.sense("of")
        if (
            last
            and last not in ("left", "right", "top", "bottom")
            and (joins or c.sense("be") or c.text in ("that", "who"))
        ):
            inner = (
                region_of(" ".join(x.text for x in chunks[i + 1 :])) if joins and last.startswith("object:") else None
            )
            return inner if inner and not inner.startswith("object:") else last  # "the reflections in the water"
        noun, sense, thing = c.attr("noun"), c.sense("region"), c.sense("object")
        if noun is not None and noun.value in ("shadows", "highlights"):
            last = noun.value
        elif sense is not None:
            last = sense.value if sense.value != "global" or last is None else last
        elif thing is not None:
            last = f"object:{c.text}"
        elif c.attr() or c.op() or c.sense("amount") or c.sense("too") or c.sense("purpose"):
            of_something = i + 1 < len(chunks) and chunks[i + 1].sense("of") is not None  # "the texture of the fur"
            if of_something or (c.attr("thing", "noun") and last):
                continue
            return None if last is None and not c.attr("adj") else last
        elif c.text in ("it", "its", "they") or (last and c.text.endswith("ing")):
            break
        elif not c.senses and c.text.isalpha() and len(c.text) > 2:
            if c.text in NOT_THINGS:
                if last:
                    break
                continue
            last = f"object:{c.text}"
    return last
