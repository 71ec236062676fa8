"""The embedded planner: offline, instant and deterministic. A grammar reads the request; tables say what words mean."""

import re
from dataclasses import replace

from agent.plan import Edit, Plan, PlanContext
from agent.planner import (
    advice,
    clarify,
    commands,
    complaints,
    followup,
    languages,
    lending,
    likeness,
    optics,
    plainer,
    pointing,
    protect,
    restoring,
    strength,
    styles,
    tree,
)
from agent.planner.lexicon import word_set
from agent.planner.spelling import known as english_words
from agent.planner.text import plain
from agent.planner.understand import Heard, Understood, understand

_WEAK = word_set("embedded_weak")

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

#: Turns a style off or on beyond this turn.
_FOR_GOOD = re.compile(
    r"\b(?:never|any ?more|no longer|from now on|for good|for ever|forever|permanently|always|in (?:the )?future|stop)\b"
)

#: A clause that leaves the whole photo to the look, beside edits: "make it nice, but brighten her face".
_GOOD = r"(?:good|nice|better|great|beautiful|lovely|awesome|amazing|fantastic|professional|pretty|its best)"
_NEXT = r"(?:then|also|please|make|give|get|turn|add|the|her|his|my|their|brighten|darken|lift|raise|lower|sharpen|warm|cool)"
_FREEING = re.compile(
    rf"\b(?:make|get) (?:it|this|the (?:whole )?(?:photo|picture|image|shot))(?: all)?(?: look)?(?: really| very| just)?"
    rf" {_GOOD}(?=\s*(?:[,.;!:]|but\b|though\b|while\b|with\b|and {_NEXT}\b|$))"
    r"|\b(?:auto[- ]?(?:enhance|fix)(?: (?:it|this))?|do your (?:thing|magic))(?=\s*(?:[,.;!:]|but\b|and\b|$))"
)

#: A clause of its own that wants it better, beside a wish that cannot be granted: "crop it and enhance".
_ALSO_BETTER = re.compile(
    r"(?:^|\band\b|[,.;!/&]|\balso\b|\bany\b(?: other)?|\bsome\b)\s*"
    r"(?:please |also |then |do |some |any |other |maybe |just |generally )*"
    r"(?:(?:enhance|improve|retouch|beautify|touch(?:ed|ing)?[- ]up)"
    r"(?! (?:the |his |her |my )?(?:city|view|skin|face|hair|eyes)\b)"
    r"|fix (?:the )?(?:colou?r\w*|light\w*)"
    r"|(?:colou?r|light\w*)(?: ?(?:/|and|or) ?\w+)? (?:fix\w*|enhanc\w*|correct\w*|adjust\w*|edit\w*)"
    r"|editing of the (?:lighting|colou?rs?))"
)

#: Commands that a follow-up does not override.
_CERTAIN = frozenset(
    (
        "undo",
        "redo",
        "reset",
        "export",
        "compare",
        "use_my_style",
        "ignore_my_style",
        "remember",
        "forget",
        "variations",
        "help",
    )
)


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
    if (alike := likeness.answer(text, context, plan_text)) is not None:
        return alike
    if (about := tree.find(text, context) or complaints.answer(text, context)) is not None:
        return about
    if (focused := optics.answer(text, context, plan_text)) is not None:
        return focused
    if (lent := lending.answer(text, context, plan_text)) is not None:
        return lent
    if (advised := advice.answer(text, context, plan_text)) is not None:
        return advised
    asked, attacked = commands.without_machinery(plain(text))
    if not asked:
        thumb = next((name for sign, name in _THUMBS.items() if sign in text[:40]), None)
        return Plan(kind="command", command=thumb) if thumb and not attacked else Plan(kind="none")
    lang, asked = languages.translate(asked, english_words())
    picked = context.picked if context else ""
    plan = pointing.placed(_plan(pointing.rewrite(asked) if picked else asked, context, attacked), picked)
    return plan if lang == "en" else plan.model_copy(update={"lang": lang})


def _plan(asked: str, context: PlanContext | None, attacked: bool) -> Plan:
    """Plan a plain English text."""
    if not (asked := plainer.first(commands.without_negated(asked))):
        return Plan(kind="none")
    kept, protected = protect.split_off(asked)
    heard = understand(kept)

    def read(part: str) -> Plan:
        kept, protected = protect.split_off(part)
        return _request(part, kept, understand(kept), protected)

    found = None if attacked else commands.find(asked, context.versions if context else 0)
    if commands.asks(asked, found):
        return Plan(kind="question")
    certain = found is not None and (found.name in _CERTAIN or found.name.startswith("goto"))
    if found is None and (plan := strength.answer(asked, context, heard.heard)) is not None:
        return plan
    if (plan := followup.resolve(asked, context, heard.heard, exact_only=certain)) is not None:
        return plan
    if found and found.name not in ("help", "compare", "export") and commands.is_question(asked):
        found = None
    if found:
        return _command(found, asked)
    if commands.is_question(asked):
        return Plan(kind="question")
    plan = _request(asked, kept, heard, protected)
    return restoring.repaired(asked, plan, read, context is not None and context.colourless)


def explain(text: str, context: PlanContext | None = None) -> list[tuple[str, Edit]]:
    """Which words led to which edit, in reading order; the whole text for edits that come from a look or the last turn."""
    asked, _ = commands.without_machinery(plain(text))
    _, asked = languages.translate(asked, english_words())
    kept, _ = protect.split_off(plainer.first(asked))
    said = {h.edit: h.phrase for h in understand(kept).heard}
    return [(said.get(edit, asked), edit) for edit in plan_text(text, context).edits]


def _command(found: commands.Found, asked: str) -> Plan:
    if found.name == "use_my_style" and re.search(r"\b(?:never|stop|no longer)\b", asked):
        found = replace(found, name="ignore_my_style")
    again = found.name == "use_my_style" and re.search(r"\bagain\b", asked) is not None
    lasting = again or (found.name in ("use_my_style", "ignore_my_style") and _FOR_GOOD.search(asked) is not None)
    if not found.rest:
        return Plan(kind="command", command=found.name, lasting=lasting)
    rest, protected = protect.split_off(found.rest)
    heard = understand(rest)
    # "Make it look good, without my style" is a look all the same.
    free = found.name == "ignore_my_style" and bool(_WEAK.intersection(heard.tokens))
    return Plan(kind="command", command=found.name, edits=heard.edits[:48], protect=tuple(protected), free=free,
                lasting=lasting)  # fmt: skip


def _request(asked: str, kept: str, heard: Understood, protected: list[str]) -> Plan:
    if heard.contradictory and re.search(r"\bsame time\b|\bboth\b|\bsimultaneous\w*|\bbut also\b", asked):
        ask = clarify.contradiction(heard.contradictory)
        return Plan(kind="none", question=ask.text, options=ask.options)
    style = styles.find(kept)
    if style is not None and heard.edits and not styles.outweighs(style, kept, heard.heard):
        style = None
    if style is not None and heard.wishes and not heard.edits:
        style = None  # "brighten it and add a sepia tone" is a request in plain words
    if style is None and not heard.edits:
        style = styles.nearest(kept)
    edits = [h.edit for h in heard.heard if style is None or not (styles.own_words(style, h.phrase) or _bare(h))]
    if style is not None:
        own = {(e.region, e.attribute) for e in edits}
        edits += [e for e in style.edits if (e.region, e.attribute) not in own]
        note = f"I don't know “{style.said}”; the nearest look I have is {style.name}." if style.nearest else None
        return Plan(kind="style", edits=tuple(edits[:48]), style=style.name, protect=tuple(protected),
                    out_of_scope=heard.wishes, note=note)  # fmt: skip
    if edits:
        free = _FREEING.search(kept) is not None
        return Plan(
            kind="strong", edits=tuple(edits[:48]), out_of_scope=heard.wishes, protect=tuple(protected), free=free
        )
    if _WEAK.intersection(heard.tokens) and (not heard.wishes or _ALSO_BETTER.search(kept)):
        return Plan(kind="weak", protect=tuple(protected), out_of_scope=heard.wishes)
    vague = None if heard.wishes or protected else clarify.vague(asked)
    return Plan(kind="none", out_of_scope=heard.wishes, protect=tuple(protected),
                question=vague.text if vague else None, options=vague.options if vague else ())  # fmt: skip


def _bare(heard: Heard) -> bool:
    """ "Dark" in "dark and dramatic" is part of the look, no complaint."""
    return heard.form in ("fault", "over") and not heard.heads
