"""A plain text as the grammar understands it: edits with the words that led to them, and wishes out of scope."""

from dataclasses import dataclass

from agent.plan import Edit, OutOfScope
from agent.planner import faults, grammar, plainer, scope
from agent.planner.chunks import chunk
from agent.planner.elements import GLOBAL
from agent.planner.lexicon import colour_axis, hue, lexicon, patterns, word_set
from agent.planner.placing import Mention
from agent.planner.segments import Segment, split
from agent.planner.spelling import correct
from agent.planner.text import words

_AXES = {"warm": ("temperature", 1), "cold": ("temperature", -1), "green": ("tint", -1), "magenta": ("tint", 1)}

#: Said of skin these mean less local contrast, which keeps its pores; a real blur is asked for as "blur".
_SMOOTHING = word_set("understand_smoothing")

#: Words of a purpose clause that say what becomes visible, not what to change.
_OUTCOMES = word_set("understand_outcomes")


@dataclass(frozen=True)
class Heard:
    """One edit, and what was heard of it."""

    edit: Edit
    phrase: str
    """The words that led to it, in reading order."""
    form: str
    """noun, thing, adj, verb, fault, over or colour."""
    heads: str
    """The operators and verbs of its segment."""
    purpose: bool
    """True when it was said in a clause of purpose."""


@dataclass(frozen=True)
class Understood:
    """What was understood of a text."""

    heard: tuple[Heard, ...]
    wishes: tuple[OutOfScope, ...]
    contradictory: Edit | None
    """An edit whose opposite was asked for as well."""
    tokens: tuple[str, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits alone."""
        return tuple(h.edit for h in self.heard)


def understand(text: str) -> Understood:
    """Read a plain English text with the grammar.

    >>> [h.phrase for h in understand("brighten the sky and sharpen it").heard]
    ['brighten sky', 'sharpen it']
    """
    text = plainer.later(faults.named(plainer.negated(scope.rewrite(text))))
    tokens = correct(words(patterns("scope")["size"].sub(" ", text)))
    segments = split(chunk(tokens, lexicon()))
    heard: dict[tuple[str, str], Heard] = {}
    used: set[int] = set()
    contradictory: Edit | None = None
    topic = ""
    last: Mention | None = None
    for segment in segments:
        if segment.purpose == "hard" or _without(segment):
            continue
        mentions, topic = grammar.read(segment, topic, last)
        last = mentions[-1] if mentions else last
        heads = " ".join(segment.parts[i].text for i in segment.heads)
        for mention in mentions:
            if mention.purpose and _only_an_outcome(mention, segment):
                continue
            used |= mention.words
            phrase = " ".join(c.text for c in segment.parts if c.start in mention.words)
            for edit in to_edits(mention):
                key = (edit.region, edit.attribute)
                if key in heard and heard[key].edit.direction != edit.direction:
                    contradictory = contradictory or edit
                heard.setdefault(key, Heard(edit, phrase, mention.form, heads, bool(mention.purpose)))
    wishes = tuple(scope.out_of_scope(text, segments, used))
    return Understood(tuple(_once(heard)), wishes, contradictory, tuple(tokens))


def _without(segment: Segment) -> bool:
    """ "Without losing the colors": a caution, no wish."""
    heads = [segment.parts[i].text for i in segment.heads]
    return len(heads) > 1 and heads[0] == "without"


def _once(heard: dict[tuple[str, str], Heard]) -> list[Heard]:
    """ "Sharpen it, make it clear" is one wish said twice, and so is "too misty, make it clear"."""
    return [
        h
        for (region, attribute), h in heard.items()
        if not (attribute == "clarity" and "clear" in h.phrase
                and ((region, "sharpness") in heard or (region, "dehaze") in heard))
    ]  # fmt: skip


def _only_an_outcome(mention: Mention, segment: Segment) -> bool:
    """ "So that faces are visible" asks for nothing more; "so that there is more contrast" does."""
    if mention.text in _OUTCOMES:
        return True
    return mention.form in ("noun", "thing") and mention.attribute != "black_and_white" and not _there_is(segment)


def _there_is(segment: Segment) -> bool:
    """ "So that there is more contrast" asks for it."""
    texts = [c.text for c in segment.parts]
    return "there" in texts and ("is" in texts or "are" in texts)


def to_edits(mention: Mention) -> list[Edit]:
    """The edits of a mention: one a region, colours resolved to casts (whole picture) or hues (a region)."""
    out = []
    for region in dict.fromkeys(mention.regions):
        attribute, sign = mention.attribute, mention.sign
        if attribute == "vignette":
            region = GLOBAL
        if region == "edges" and attribute == "brightness" and sign < 0:
            region, attribute, sign = GLOBAL, "vignette", 1
        if attribute == "blur" and mention.text.startswith(("smooth", "airbrush")):
            if region not in ("skin", "face", "hair", "person"):
                continue
            region = "skin" if region == "person" else region
        if region == "skin" and attribute in ("blur", "sharpness") and mention.text in _SMOOTHING:
            attribute, sign = "clarity", -1
        if attribute.startswith("colour:"):
            colour = attribute[7:]
            axis = colour_axis(colour)
            if region == GLOBAL and axis in _AXES:
                attribute, direction = _AXES[axis]
                sign *= direction
            elif region == GLOBAL:
                attribute = "tint" if sign < 0 else "hue:red"
            else:
                attribute = f"hue:{hue(colour)}"
        out.append(
            Edit(region=region, attribute=attribute, direction=1 if sign > 0 else -1, amount=mention.amount or "medium")
        )
    return out
