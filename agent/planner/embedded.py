"""The embedded planner: offline, instant and deterministic. A grammar reads the request; tables say what words mean."""

import re
from dataclasses import dataclass

from agent.plan import Edit, OutOfScope, Plan, PlanContext
from agent.planner import commands, followup, grammar, languages, protect, scope, styles
from agent.planner.chunks import chunk
from agent.planner.elements import GLOBAL
from agent.planner.lexicon import colour_axis, hue, lexicon
from agent.planner.placing import Mention
from agent.planner.segments import Segment, split
from agent.planner.spelling import correct
from agent.planner.spelling import known as english_words
from agent.planner.text import plain, words

_WEAK = frozenset(
    """fix correct improve improved better enhance enhanced enhancement edit retouch touch nice nicer beautiful pretty prettier professional pro
    good great awesome amazing cool presentable clean adjust help perfect quality look magic salvage restore photoshop
    photoshopped editing improvement pop worthy tidy spruce cleaned fixed balance natural realistic appealing delicious cleanup
    colorization""".split()
)

_AXES = {"warm": ("temperature", 1), "cold": ("temperature", -1), "green": ("tint", -1), "magenta": ("tint", 1)}
_THUMBS = {
    "👍": "like",
    "👎": "dislike",
    "❤": "like",
    "😍": "like",
    "🔥": "like",
    "🥰": "like",
    "💯": "like",
    "🤮": "dislike",
    "🤢": "dislike",
}

#: Said of skin these mean less local contrast, which keeps its pores; a real blur is asked for as "blur".
_SMOOTHING = frozenset("smooth smoother softer soft smoothed smoothing".split())

#: Words of a purpose clause that say what becomes visible, not what to change.
_OUTCOMES = frozenset("visible visable viewable clear clearly clearer sharp sharply seen stand".split())


#: Commands that a follow-up does not override.
_CERTAIN = frozenset(
    ("undo", "redo", "reset", "export", "compare", "use_my_style", "ignore_my_style", "remember", "forget")
)


@dataclass(frozen=True)
class Understood:
    """What the grammar read in a text: edits with the words that led to them, wishes out of scope, contradictions."""

    edits: tuple[Edit, ...]
    said: tuple[tuple[str, Edit], ...]
    wishes: tuple[OutOfScope, ...]
    contradictory: bool
    own: tuple[tuple[str, Edit, bool], ...]
    tokens: tuple[str, ...]


class EmbeddedPlanner:
    """The `Planner` protocol over `plan_text`."""

    async def plan(self, text: str, context: PlanContext) -> Plan:
        """Plan one message; instant, so it does not yield."""
        return plan_text(text, context)


def plan_text(text: str, context: PlanContext | None = None) -> Plan:
    """Plan one message. Never raises: what cannot be understood is a plan of kind `none`.

    >>> plan_text("a bit brighter, and less yellow").edits[1].attribute
    'temperature'
    """
    asked, attacked = commands.without_machinery(plain(text))
    if not asked:
        thumb = next((name for sign, name in _THUMBS.items() if sign in text[:40]), None)
        return Plan(kind="command", command=thumb) if thumb and not attacked else Plan(kind="none")
    lang, asked = languages.translate(asked, english_words())
    plan = _plan(asked, context, attacked)
    return plan if lang == "en" else plan.model_copy(update={"lang": lang})


def _plan(asked: str, context: PlanContext | None, attacked: bool) -> Plan:
    """Plan a plain English text."""
    kept, protected = protect.split_off(asked)
    heard = understand(kept)
    found = None if attacked else commands.find(asked, context.versions if context else 0)
    certain = found is not None and (found.name in _CERTAIN or found.name.startswith("goto"))
    if (plan := followup.resolve(asked, context, list(heard.own), exact_only=certain)) is not None:
        return plan
    if found and found.name not in ("help", "compare", "export") and commands.is_question(asked):
        found = None
    if found:
        return _command(found, context)
    if commands.is_question(asked):
        return Plan(kind="question")
    return _request(asked, kept, heard, protected)


def explain(text: str, context: PlanContext | None = None) -> list[tuple[str, Edit]]:
    """Which words led to which edit, in reading order; the whole text for edits that come from a look or the last turn."""
    asked, _ = commands.without_machinery(plain(text))
    _, asked = languages.translate(asked, english_words())
    kept, _ = protect.split_off(asked)
    said = dict((edit, words) for words, edit in understand(kept).said)
    return [(said.get(edit, asked), edit) for edit in plan_text(text, context).edits]


def understand(text: str) -> Understood:
    """Read a plain text with the grammar."""
    text = scope.rewrite(text)
    tokens = correct(words(text))
    segments = split(chunk(tokens, lexicon()))
    edits: dict[tuple[str, str], Edit] = {}
    said: list[tuple[str, Edit]] = []
    own: list[tuple[str, Edit, bool]] = []
    used: set[int] = set()
    contradictory = False
    topic = ""
    last: Mention | None = None
    for segment in segments:
        if segment.purpose == "hard":
            continue
        mentions, topic = grammar.read(segment, topic, last)
        last = mentions[-1] if mentions else last
        for mention in mentions:
            if mention.purpose and (
                mention.text in _OUTCOMES or (mention.form in ("noun", "thing") and not _there_is(segment))
            ):
                continue
            used |= mention.words
            phrase = " ".join(c.text for c in segment.parts if c.start in mention.words)
            for edit in to_edits(mention):
                key = (edit.region, edit.attribute)
                if key in edits and edits[key].direction != edit.direction:
                    contradictory = True
                if key not in edits:
                    edits[key] = edit
                    said.append((phrase, edit))
                    own.append((mention.form, edit, edit.region != GLOBAL))
    for region, attribute in list(edits):
        # "Sharpen it, make it clear" is one wish said twice, and so is "too misty, make it clear".
        if attribute == "clarity" and any((region, other) in edits for other in ("sharpness", "dehaze")):
            if any(
                phrase.split()[-1:] and "clear" in phrase
                for phrase, e in said
                if (e.region, e.attribute) == (region, attribute)
            ):
                del edits[region, attribute]
    wishes = tuple(scope.out_of_scope(text, segments, used))
    return Understood(tuple(edits.values()), tuple(said), wishes, contradictory, tuple(own), tuple(tokens))


def _there_is(segment: Segment) -> bool:
    """ "So that there is more contrast" asks for it."""
    texts = [c.text for c in segment.parts]
    return "there" in texts and ("is" in texts or "are" in texts)


def _command(found: commands.Found, context: PlanContext | None) -> Plan:
    if not found.rest:
        return Plan(kind="command", command=found.name)
    rest, protected = protect.split_off(found.rest)
    heard = understand(rest)
    return Plan(kind="command", command=found.name, edits=heard.edits[:48], protect=tuple(protected))


def _request(asked: str, kept: str, heard: Understood, protected: list[str]) -> Plan:
    if heard.contradictory and re.search(r"\bsame time\b|\bboth\b|\bsimultaneous\w*|\bbut also\b", asked):
        return Plan(kind="none", note="These wishes pull against each other; which one matters more?")
    style = styles.find(kept)
    if style is not None and heard.edits and not styles.outweighs(style, kept, [said for said, _ in heard.said]):
        style = None
    if style is not None and heard.wishes and not heard.edits and not styles.outweighs(style, kept, []):
        style = None  # "brighten it and add a sepia tone" is a request in plain words
    if style is None and not heard.edits:
        style = styles.nearest(kept)
    edits = [e for said, e in heard.said if e in heard.edits and (style is None or not styles.own_words(style, said))]
    if style is not None:
        own = {(e.region, e.attribute) for e in edits}
        edits += [e for e in style.edits if (e.region, e.attribute) not in own]
        note = f"I don't know “{style.said}”; the nearest look I have is {style.name}." if style.nearest else None
        return Plan(kind="style", edits=tuple(edits[:48]), style=style.name, protect=tuple(protected),
                    out_of_scope=heard.wishes, note=note)  # fmt: skip
    if edits:
        return Plan(kind="strong", edits=tuple(edits[:48]), out_of_scope=heard.wishes, protect=tuple(protected))
    if _WEAK.intersection(heard.tokens) and not heard.wishes:
        return Plan(kind="weak", protect=tuple(protected))
    return Plan(kind="none", out_of_scope=heard.wishes)


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
