"""One short question with answers to click, for a request that could mean opposite things or nothing definite."""

import re
from dataclasses import dataclass

from agent.plan import Edit
from agent.planner.lexicon import patterns
from models.vocabulary import spoken

#: What people say for more and less of an attribute.
_WAYS = {
    "brightness": ("brighter", "darker"),
    "contrast": ("more contrast", "less contrast"),
    "saturation": ("more colorful", "less colorful"),
    "temperature": ("warmer", "cooler"),
    "tint": ("more magenta", "more green"),
    "sharpness": ("sharper", "softer"),
    "clarity": ("more clarity", "less clarity"),
    "shadows": ("lighter shadows", "darker shadows"),
    "highlights": ("brighter highlights", "softer highlights"),
}


@dataclass(frozen=True)
class Question:
    """A question and the answers to click; every answer is a request that is understood."""

    text: str
    options: tuple[str, ...]


def contradiction(edit: Edit) -> Question:
    """What to ask when both directions of an attribute were wished for.

    >>> contradiction(Edit(attribute="brightness")).options
    ('brighter', 'darker')
    """
    more, less = _WAYS.get(edit.attribute, (f"more {edit.attribute}", f"less {edit.attribute}"))
    where = "" if edit.region == "global" else f" {spoken(edit.region)}"
    options = (more, less) if not where else (f"make the{where} {more}", f"make the{where} {less}")
    return Question(f"Both at once cancel out: {more} or {less}?", options)


def vague(text: str) -> Question | None:
    """What to ask when a message points at something that is not there: "more", "same for the sky", "change the colors".

    >>> vague("a bit more").text, vague("brighten the sky")
    ('More of what?', None)
    """
    if len(text.split()) > 6:
        return None
    if re.search(r"^(?:please )?(?:change|do something with) (?:the |its |all )?colou?rs?\b", text):
        return Question("Which way should the colors go?", ("warmer", "cooler", "more colorful", "black and white"))
    if re.search(
        r"^\W*(?:(?:please|ok|okay|just|now|oh) )*forget (?:everything|all(?: of (?:it|that))?|it all)\W*$", text
    ):
        return Question("Forget what: the edits, or what I know of your taste?", ("undo everything", "forget my taste"))
    says = patterns("followup")
    if re.fullmatch(r"[^a-z]*", text):
        return None
    if says["same"].search(text) or says["again"].search(text) or says["opposite"].search(text):
        return Question("There is nothing to repeat yet. What should change?", ("brighter", "warmer", "more contrast"))
    if says["less"].search(text):
        return Question("Less of what?", ("darker", "less contrast", "less colorful", "softer"))
    if says["more"].search(text):
        return Question("More of what?", ("brighter", "more contrast", "more colorful", "sharper"))
    return None
