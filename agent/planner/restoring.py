"""Repairs that nobody asks for by an attribute's name: "fix it", "colourise it, the dress was red", "rescue this night shot".

What Burnish can mend has names of its own (`models.vocabulary.RESTORE_ATTRIBUTES`); most are words of the lexicon. Here is what
the words around them decide: a photo taken in the dark is not only brightened, and one that is to get its colours back is not
something that cannot be done.
"""

import re
from collections.abc import Callable
from typing import Final

from agent.plan import Edit, Hint, Plan
from agent.planner import plainer, scope
from agent.planner.chunks import chunk
from agent.planner.lexicon import lexicon
from agent.planner.protect import region_of
from agent.planner.segments import split
from agent.planner.spelling import correct
from agent.planner.text import words

_PHOTO: Final = r"(?:photo\w*|picture\w*|image\w*|pics?|shots?|snapshots?|portraits?|scans?|selfie)"
_WHOSE: Final = r"(?:(?:this|the|my|our|his|her|their|these|those|an?|some|one) )?"
_THIS: Final = rf"(?:it|this|that|these|those|{_WHOSE}(?:[\w'-]+ ){{0,3}}?{_PHOTO})"
_TO: Final = r"(?:be |been |to be |could be |needs? (?:to be )?)?"
#: "Fix it", "repair this photo", "can this be restored?", "fix what is wrong".
_FIX: Final = re.compile(
    rf"\b(?:fix|repair|mend|restore|rescue|salvage|autofix|auto fix)(?: up)? {_THIS}\b"
    r"(?! (?:colou?rs?|lighting|light|background)\b)"
    rf"|\b{_THIS} {_TO}(?:fixed|repaired|mended|restored|restoring|fixing|repairing)\b"
    r"|\b(?:fix|repair|mend) (?:whatever|what|everything|all|anything)\b"
    r"|^(?:please )?(?:fix|repair|mend|autofix|auto fix)(?: please)?[.! ]*$"
)

_COLOURISE: Final = re.compile(
    r"\b(?:re)?colou?ri[sz](?:e[ds]?|ing|ation)\b|\b(?:in|to|into) (?:full |living |real )?colou?r\b|\bcolou?r (?:this|it)\b"
)
_SURELY: Final = re.compile(r"\b(?:re)?colou?ri[sz](?:e[ds]?|ing)\b")
#: "Colourise only the dress", "colorize the grass and the deer in green".
_ONLY_THERE: Final = re.compile(
    r"\bcolou?ri[sz](?:e|ing) (?:only |just )?(?P<np>(?:the|her|his|my|their) [\w']+(?: and (?:the|her|his|my|their) [\w']+)?)"
    r"(?= *(?:$|[.,;!?]|in\b|to\b|red\b|green\b|blue\b|yellow\b|brown\b))"
)

_DARK: Final = re.compile(
    r"\bnight ?(?:time )?(?:shots?|photos?|pictures?|pics?|scenes?|images?)\b|\blow[- ]light(?:ing)?\b|\bin the dark\b"
    r"|\b(?:taken|shot|photographed) (?:late )?(?:at|by) night\b"
    r"|\b(?:rescue|save|recover|salvage)\b[^.;]*\b(?:under ?-?exposed|dark|darkness)\b"
)

#: Repairs whose opposite is a fault that nobody can put in.
_FAULTS: Final = frozenset(("deblur", "deblock"))
_WORSE: Final = re.compile(r"\b(?:more|add|increase|make (?:it|this|the \w+) (?:\w+ )?(?:blocky|shaky|pixelated))\b")

#: How somebody speaks of what was there when the photo was taken.
_PAST: Final = re.compile(r"\b(?:was|were|used to be|had been)\b")

#: Words between a thing and its colour: "the dress was a dark red".
_BETWEEN: Final = frozenset((
    "was", "were", "is", "are", "be", "been", "being", "should", "must", "had", "used", "to", "would", "a", "an", "in", "of",
    "very", "really", "quite", "light", "dark", "bright", "deep", "pale", "rich", "soft", "navy",
))  # fmt: skip
_PLAIN_COLOURS: Final = frozenset(("white", "black", "gray", "grey"))
_TONED: Final = re.compile(r"\b(?:black and white|b&w|bw|gr[ae]y ?scale|monochrome)\b")


def repaired(text: str, plan: Plan, read: Callable[[str], Plan], colourless: bool = False) -> Plan:
    """The plan of a request with the repairs that its words ask for. `text`: plain; `read` plans a part of it.

    `colourless`: the photo has no colour of its own, so that who says what colour something was speaks of a hint.

    >>> repaired("fix this photo", Plan(kind="weak"), lambda text: Plan(kind="none")).fix
    True
    """
    said = plainer.later(text)
    if ("other" in plan.out_of_scope or colourless) and _COLOURISE.search(said):
        plan = _hinted(said, _colourised(said, plan, colourless), read)
    elif colourless and plan.kind in ("strong", "none") and _PAST.search(text):
        plan = _hinted(text, plan, read)
    if any(e.attribute in _FAULTS and e.direction < 0 for e in plan.edits):
        plan = _never_worse(text, plan)
    if _DARK.search(text):
        plan = plan.model_copy(update={"edits": tuple(_lit(e) for e in plan.edits)})
    only_damage = plan.kind == "none" and not plan.edits and set(plan.out_of_scope) <= {"restore_damage"}
    if (plan.kind == "weak" or only_damage) and not plan.command and _FIX.search(text):
        plan = plan.model_copy(update={"kind": "weak", "fix": True, "question": None, "options": ()})
    return plan


def _never_worse(text: str, plan: Plan) -> Plan:
    """ "More blocky" cannot be had; "improve the motion blur" means less of it."""
    if not _WORSE.search(text):
        better = (e.model_copy(update={"direction": 1}) if e.attribute in _FAULTS else e for e in plan.edits)
        return plan.model_copy(update={"edits": tuple(better)})
    left = tuple(e for e in plan.edits if e.attribute not in _FAULTS)
    wishes = tuple(dict.fromkeys((*plan.out_of_scope, "other")))
    return plan.model_copy(update={"edits": left, "out_of_scope": wishes, "kind": plan.kind if left else "none"})


def _lit(edit: Edit) -> Edit:
    """What was taken in the dark is lit, noise and all, and not only brightened."""
    lit = edit.attribute == "brightness" and edit.direction > 0 and edit.region == "global"
    return edit.model_copy(update={"attribute": "low_light"}) if lit else edit


def _colourised(text: str, plan: Plan, colourless: bool) -> Plan:
    rest = _COLOURISE.sub(" ", text)
    segments = split(chunk(correct(words(rest)), lexicon()))
    others = "other" in scope.out_of_scope(rest, segments, set())
    if others and not _SURELY.search(text):
        return plan
    places = [r for m in _ONLY_THERE.finditer(text) for part in m["np"].split(" and ") if (r := region_of(part))]
    places = [r for r in places if r not in ("global", "person", "subject")] or ["global"]
    # "Colour it" asks for more colour where there is some.
    instead = ("black_and_white", "saturation") if colourless else ("black_and_white",)
    edits = tuple(e for e in plan.edits if e.region != "global" or e.attribute not in instead)
    colours = tuple(Edit(region=r, attribute="colourise") for r in dict.fromkeys(places))
    wishes = tuple(w for w in plan.out_of_scope if w != "other" or others)
    return plan.model_copy(update={"kind": "strong", "edits": (*colours, *edits)[:48], "out_of_scope": wishes})


def _hinted(text: str, plan: Plan, read: Callable[[str], Plan]) -> Plan:
    """The plan with the hints of its text; what their words would be as edits is no edit beside them."""
    told = _told(text)
    if not told:
        return plan
    said = {_sort(e) for clause in told.values() for e in read(clause).edits}
    said |= {(h.region, f"hue:{h.colour}", 1) for h in told}
    echoes = tuple(e for e in plan.edits if _sort(e) in said and e.attribute != "colourise")
    return plan.model_copy(
        update={
            "kind": "strong",
            "edits": tuple(e for e in plan.edits if e not in echoes),
            "echoes": echoes,
            "hints": tuple(told),
            "question": None,
            "options": (),
        }
    )


def _sort(edit: Edit) -> tuple[str, str, int]:
    return edit.region, edit.attribute, edit.direction


def hints(text: str) -> tuple[Hint, ...]:
    """What had which colour, as a text says it.

    >>> [(h.region, h.colour) for h in hints("the dress was dark red, with blue eyes")]
    [('clothing', 'red'), ('eyes', 'blue')]
    """
    return tuple(_told(text))


def _told(text: str) -> dict[Hint, str]:
    """What had which colour, and the words that say so; at most one colour a region."""
    tokens = words(_TONED.sub(" ", text))
    out: dict[str, tuple[Hint, str]] = {}
    for i, token in enumerate(tokens):
        colour = _colour(token)
        if not colour:
            continue
        place, clause = (
            region_of(tokens[i + 1]) if i + 1 < len(tokens) and tokens[i + 1].isalpha() else None,
            tokens[i : i + 2],
        )
        if place is None:
            back = i - 1
            while back >= 0 and (tokens[back] in _BETWEEN or _colour(tokens[back])):
                back -= 1
            place = region_of(tokens[back]) if back >= 0 and tokens[back].isalpha() else None
            clause = tokens[max(back, 0) : i + 1]
        if place and place not in ("global", "shadows", "highlights"):
            out.setdefault(place, (Hint(region=place, colour=colour), " ".join(clause)))
    return dict([*out.values()][:16])


def _colour(token: str) -> str:
    """The colour that a word names, or an empty string. "Bluer" names none: it asks for more of what is there.

    >>> _colour("crimson"), _colour("blue"), _colour("bluer"), _colour("redder")
    ('crimson', 'blue', '', '')
    """
    if token.endswith("er") and any(_colour(token[:-n]) for n in (1, 2, 3)):
        return ""
    if token in _PLAIN_COLOURS:
        return "gray" if token == "grey" else token
    senses = lexicon().senses.get((token,), ())
    return next((s.value for s in senses if s.kind == "colour"), "")
