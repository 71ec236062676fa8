"""The served planner: an OpenAI-compatible server (vLLM) fills the plan's schema; else the embedded planner answers.

A failure costs the person a visible note, never the turn.
"""

import functools
from typing import Final

from agent.plan import LABELLED, Amount, Edit, Plan, PlanContext
from agent.planner import advice, commands, lending, wire
from agent.planner.embedded import plan_text
from agent.planner.grounding import grounded
from agent.planner.lexicon import HERE
from agent.planner.server import Server
from agent.planner.text import MAX_CHARACTERS, plain
from models.errors import ServerError

#: Stands in the note of a plan that the server should have made and did not.
INSTEAD: Final = "The built-in planner answered instead."


@functools.cache
def prompt(name: str = "prompt") -> str:
    """A prompt by the name of its file."""
    return (HERE / f"{name}.md").read_text(encoding="utf-8")


class ServedPlanner:
    """The `Planner` protocol over a server at `url` (with or without `/v1`); `model` None: the first that it serves."""

    def __init__(self, url: str, model: str | None = None, timeout: float = 30.0, key: str = "none") -> None:
        self.server = Server(url, model, timeout, key)

    async def plan(self, text: str, context: PlanContext) -> Plan:
        """Plan one message within the time-out; else the embedded plan with a note that says why."""
        own = plan_text(text, context)
        if by_code(own, text, context):
            return own
        pictures = (context.thumbnail,) if context.thumbnail else ()
        try:
            served = await self.server.ask(prompt(), situation(text, context, own), wire.schema(), wire.read, pictures)
        except ServerError as error:
            note = f"{error} {INSTEAD} {own.note or ''}"
            return own.model_copy(update={"note": note.strip()[:200]})
        return checked(served, own, text)


def by_code(own: Plan, text: str, context: PlanContext) -> bool:
    """True for what no model is asked: nothing said, acts on versions, complaints, strengths, "fix it", looks of
    references, lent taste, advice."""
    lent = lending.find(text, context) is not None
    advised = advice.answer(text, context, plan_text) is not None
    return (
        not plain(text)
        or own.tree is not None
        or own.complaint is not None
        or own.share is not None
        or own.fix
        or own.likeness is not None
        or lent
        or advised
    )


def situation(text: str, context: PlanContext, draft: Plan | None = None) -> str:
    """What the model is told beside its prompt: scene, regions, last edits, last turns, the message.

    `draft`: the embedded planner's plan for the message, for the model to keep or to mend.

    >>> situation("warmer", PlanContext(regions_present=("sky",), versions=2)).splitlines()[-1]
    'message: warmer'
    """
    lines = []
    if context.summary:
        lines.append(f"scene: {context.summary[:500]}")
    if context.regions_present:
        lines.append(f"regions in the picture: {', '.join(context.regions_present[:40])}")
    if context.last_edits:
        lines.append(f"last edits: {' · '.join(_said(e) for e in context.last_edits[:16])}")
    if context.versions:
        lines.append(f"versions so far: {context.versions}")
    lines += [f"earlier message: {turn[:300]}" for turn in context.turns[-4:]]
    written = wire.write(draft) if draft is not None else None
    if written is not None:
        lines.append(f"draft: {written}")
    message = " ".join(text.split())[:MAX_CHARACTERS]
    return "\n".join([*lines, f"message: {message}"])


def _said(edit: Edit) -> str:
    if isinstance(edit.amount, Amount):
        size = f"{edit.amount.value:g} {edit.amount.unit}"
    else:
        size = edit.amount if isinstance(edit.amount, str) else f"{edit.amount:g} %"
    return f"{edit.region} {edit.attribute} {'+' if edit.direction > 0 else '-'}{size}"


def checked(served: Plan, own: Plan, text: str) -> Plan:
    """The served plan with the numbers and the caution of code: exact amounts are read from the text, a place that
    nobody named gives way to one that was, and text aimed at the machinery never becomes a command."""
    exact = {(e.region, e.attribute): e for e in own.edits if not isinstance(e.amount, str)}
    placed = grounded(served.edits, own, text) if served.kind in ("strong", "none") else served.edits
    edits = tuple(exact.get((e.region, e.attribute), e) for e in placed)
    command, kind = served.command, served.kind
    if command and commands.without_machinery(plain(text))[1]:
        command = None
    if kind == "command" and not command:
        kind = "strong" if edits else "none"
    if own.hints and kind == "none":
        kind = "strong"
    own_words = {"free": own.free, "lasting": own.lasting and own.command == command, "hints": own.hints}
    # What a hint says is no edit beside it, whoever read it as one.
    echoed = {(e.region, e.attribute, e.direction) for e in own.echoes}
    echoed |= {(h.region, f"hue:{h.colour}", 1) for h in own.hints}
    echoes = tuple(e for e in edits if (e.region, e.attribute, e.direction) in echoed)
    edits = tuple(e for e in edits if e not in echoes)
    served = served.model_copy(update={"edits": edits, "echoes": echoes, "command": command, "kind": kind, **own_words})
    return _with_repairs(served, own)


def _with_repairs(served: Plan, own: Plan) -> Plan:
    """The served plan with the repairs that code read: a small model may know their old names only."""
    repairs = [e for e in own.edits if e.attribute in LABELLED]
    here = {(e.region, e.attribute) for e in served.edits}
    missing = [e for e in repairs if (e.region, e.attribute) not in here]
    if not missing or served.command:
        return served
    stand_ins = {(e.region, LABELLED[e.attribute]) for e in missing}
    edits = (*missing, *(e for e in served.edits if (e.region, e.attribute) not in stand_ins))
    granted = any(e.attribute == "colourise" for e in missing) and "other" not in own.out_of_scope
    wishes = tuple(w for w in served.out_of_scope if not (granted and w == "other"))
    kind = "strong" if served.kind == "none" else served.kind
    return served.model_copy(update={"edits": edits, "out_of_scope": wishes, "kind": kind})
