"""Talk about versions: "compare 2 and 4", "call this one golden", "keep the sky of version 2 and the rest of 4".

Read before anything else, and only where every word of the message belongs to such talk: "make the sky of version 2
brighter" is a request, not a merge.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.plan import Part, Plan, PlanContext, Tree
from agent.planner.chunks import chunk
from agent.planner.lexicon import lexicon
from agent.planner.text import plain, words

_COUNT: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ORDINAL: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
#: How a version is named. A bare number counts only beside the words of comparing or merging.
_REFERENCE: Final = (
    rf"\b(?:the )?(?:versions?|ver|v|variant|step|number|take) ?(?:number |no\.? ?)?#? ?(?P<n>\d{{1,4}}|{'|'.join(_COUNT)})\b"
    rf"|\b(?:the )?(?P<ordinal>{'|'.join(_ORDINAL)})(?: (?:one|version|edit|try))?\b"
    r"|\b(?P<original>(?:the )?(?:original|unedited|untouched)(?: (?:one|version|photo|picture|image))?)\b"
    r"|\b(?P<current>(?:this|the current|the present)(?: (?:one|version|edit|photo|picture))?|it|now)\b"
    r"|\b(?P<last>the (?:last|previous|one before|prior)(?: (?:one|version|edit))?)\b"
    r"|#? ?\b(?P<bare>\d{1,4})\b"
)
_COMPARES: Final = re.compile(
    r"\b(?:compare|comparison|diff|differences?|different|differs?|vs|versus|side by side|changed (?:between|from))\b"
)
_MERGES: Final = re.compile(r"\b(?:of|from|in|merge|combine|mix|blend|with)\b")
_REST: Final = re.compile(r"\b(?:the )?(?:rest|remainder|everything(?: else)?|all(?: else| the rest)?|others?|whole)\b")
_EXCEPT: Final = re.compile(r"\b(?:except|but not|besides|apart from|other than)\b")
#: Words that may stand around versions and regions without making the message something else.
_AROUND: Final = frozenset(
    re.findall(
        r"\S+",
        "a an and as also at be but can could do does for from give have i image in is it just keep let like me my of on"
        " onto into ok out over photo picture please plus put same see show so take that the then these this to together"
        " too try use us want we with would you your bring back pick choose get make only apply part parts version"
        " versions one ones combine merge mix blend except besides apart other than not rest remainder everything else"
        " all others whole left liked prefer preferred better nicer more was is where who were ' 's , . ? ! ; :",
    )
)
_ASKING: Final = frozenset(
    re.findall(
        r"\S+",
        "compare comparison diff difference differences different differ differs vs versus against side by between changed"
        " change changes what which where how did are was were has tell",
    )
)
_RENAME: Final = re.compile(
    r"^\W*(?:(?:please|ok|okay|now|and|let'?s|let us|can you|could you|i want to|i(?: would|'d) like to)[, ]+)*"
    r"(?:re)?(?:call|name|label|title)\s+"
    r"(?:(?:the )?(?:version|ver|v|edit|number) ?(?:number |no\.? ?)?#? ?"
    rf"(?P<n>\d{{1,4}}|{'|'.join(_COUNT)})|the (?P<ordinal>{'|'.join(_ORDINAL)})(?: (?:one|version))?"
    r"|(?:this|that|the current|the last|the latest) (?:one|version|edit|look|result)|this|that|it)"
    r"\s+(?:(?:to|as|into)\s+)?[\"“”'‘’«„]?(?P<label>[^\"“”«»„]{1,60}?)[\"“”'‘’»]?[\s.!]*$",
    re.IGNORECASE,
)
_IDIOMS: Final = frozenset(("a day", "quits", "a night", "done", "good", "off", "even", "again"))
_GOTO: Final = (
    r"^(?:please )?(?:(?:go|get|switch|jump|take me|bring me|return) )?"
    r"(?:back )?(?:to |show me |show |use |open |load )(?:the )?(?:version )?"
)


@dataclass(frozen=True)
class _Mention:
    """A version that was named: its number (None: the current one), where, and whether it can be nothing else."""

    version: int | None
    start: int
    end: int
    certain: bool


def find(text: str, context: PlanContext | None = None) -> Plan | None:
    """The plan of a message about versions, or None when it is something else.

    >>> find("compare 2 and 4").tree.versions
    (2, 4)
    >>> [(p.regions, p.version) for p in find("keep the sky of version 2 and the rest of 4").tree.parts]
    [(('sky',), 2)]
    >>> find("Call this one Golden Hour").tree.label, find("make the sky of version 2 brighter")
    ('Golden Hour', None)
    """
    context = context or PlanContext()
    if (tree := _rename(text)) is not None:
        return Plan(kind="command", tree=tree)
    said = re.sub(r"[\"“”]", "", plain(text))
    if not said or len(said.split()) > 40:
        return None
    for name, number in context.names.items():
        if re.fullmatch(rf"{_GOTO}['‘’]?{re.escape(name)}['‘’]?[.! ]*", said):
            return Plan(kind="command", command=f"goto:{number}")
    mentions = _mentions(said, context)
    if not mentions:
        return None
    if _COMPARES.search(said):
        tree = _comparison(said, mentions)
        return Plan(kind="command", command="compare", tree=tree) if tree is not None else None
    if _MERGES.search(said) and (tree := _merge(said, mentions)) is not None:
        return Plan(kind="command", tree=tree)
    return None


def _rename(text: str) -> Tree | None:
    match = _RENAME.match(text.strip()[:200])
    if match is None:
        return None
    label = " ".join(match["label"].split()).strip(" .!,'‘’")
    if not label or label.casefold() in _IDIOMS or not any(c.isalnum() for c in label):
        return None
    number = _number(match["n"].casefold()) if match["n"] else None
    if match["ordinal"]:
        number = _ORDINAL.index(match["ordinal"].casefold()) + 1
    return Tree(act="rename", versions=(number,), label=label)


def _number(word: str) -> int:
    return _COUNT.index(word) if word in _COUNT else int(word)


def _mentions(said: str, context: PlanContext) -> list[_Mention]:
    """The versions that a plain text names, in reading order."""
    names: Mapping[str, int] = context.names
    pattern = _REFERENCE
    if names:
        listed = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
        pattern = rf"\b(?:the )?(?:version )?(?P<name>{listed})\b|{pattern}"
    found = []
    for m in re.finditer(pattern, said):
        of = m.groupdict()
        version: int | None = None
        if of.get("name"):
            version = names[of["name"]]
        elif word := of["n"] or of["bare"]:
            version = _number(word)
        elif of["ordinal"]:
            version = _ORDINAL.index(of["ordinal"]) + 1
        elif of["original"]:
            version = 0
        elif of["last"]:
            version = max(context.versions - 1, 0)
        found.append(_Mention(version, m.start(), m.end(), not (of["bare"] or of["current"] or of["ordinal"])))
    return found


def _comparison(said: str, mentions: list[_Mention]) -> Tree | None:
    """Two versions, or one and the current; the plain before and after of the photo is left to the command."""
    rest = said
    for m in reversed(mentions):
        rest = f"{rest[: m.start]} {rest[m.end :]}"
    if not set(words(rest)) <= _AROUND | _ASKING:
        return None
    named = list(dict.fromkeys(m.version for m in mentions))[:2]
    if set(named) <= {None, 0}:
        return None
    one, two = (named[0], named[1]) if len(named) == 2 else (named[0], None)
    return Tree(act="compare", versions=(one, two))


def _merge(said: str, mentions: list[_Mention]) -> Tree | None:
    """Which regions come from which version; what belongs to no region is where the rest comes from."""
    # "Keep it like version 2" has a pronoun that names nothing.
    used = [m for m in mentions if m.version is not None or said[m.start : m.end] not in ("it", "now")]
    if not any(m.certain for m in used) and not (len(used) > 1 and (_REST.search(said) or "merge" in said)):
        return None
    parts: list[Part] = []
    base: list[int | None] = []
    at = 0
    for m in used:
        what = said[at : m.start]
        at = m.end
        regions, left = _regions(what)
        if not left <= _AROUND:
            return None
        if regions and not _REST.search(what):
            parts.append(Part(regions=regions, version=m.version))
        else:
            base.append(m.version)
            if regions and _EXCEPT.search(what):
                parts.append(Part(regions=regions, version=None))
    regions, left = _regions(said[at:])
    if not left <= _AROUND or (regions and not _EXCEPT.search(said[at:])):
        return None
    if regions:
        parts.append(Part(regions=regions, version=None))
    if not parts:
        if re.search(r"\b(?:merge|combine|mix|blend)\b", said) and len(base) == 2:
            return Tree(act="merge", versions=(base[1],), parts=(Part(regions=(), version=base[0]),))
        return None
    if len(set(base)) > 1 or not re.search(r"\b(?:of|from|in|on|onto|with)\b", said):
        return None
    return Tree(act="merge", versions=(base[0] if base else None,), parts=tuple(parts))


def _regions(text: str) -> tuple[tuple[str, ...], set[str]]:
    """The regions that a piece of text names, and its other words."""
    regions: list[str] = []
    left: set[str] = set()
    for c in chunk(words(text), lexicon()):
        region = ""
        if (s := c.sense("region")) and s.value != "global":
            region = s.value
        elif c.sense("object"):
            region = f"object:{c.text}"
        if region and c.text not in _AROUND:
            regions.append(region)
        else:
            left |= set(c.text.split())
    return tuple(dict.fromkeys(regions)), left
