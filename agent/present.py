"""Present: the end of a turn. Keeps the new version, once, and says what was done in two or three plain sentences."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from agent import again, answer, by_hand, likeness, tree
from agent.darkroom import Print
from agent.decide import Asked, Decision, Taste
from agent.events import Change
from agent.history import Version
from agent.plan import Plan
from agent.review import CLIPPED, Verdict, summary, worth_it
from agent.rooms import Rooms, Say
from agent.state import Json, State
from agent.variety import spread
from models.errors import BurnishError, ConversationError

#: Samples that "show me other versions" makes.
VARIATIONS: Final = 4


async def present(state: State, rooms: Rooms, say: Say) -> Json:
    """Keep the version, once, and answer."""
    plan = Plan.model_validate(state["plan"])
    history, thread, turn = rooms.history, state["thread"], state["turn"]
    name = (plan.command or "").partition(":")[0]
    decision = Decision.model_validate(state["decision"]) if state["decision"] else None
    options: tuple[str, ...] = plan.options
    numbers: list[int] = []
    if state["best"] and decision:
        keep = _keep_new if decision.share is None else _keep_strength
        version, text = await keep(state, rooms, plan, decision)
        if name == "variations":
            numbers = await _variations(state, rooms, plan, decision, version)
            text = f"I made {len(numbers)} variations: versions {answer.listed(map(str, numbers))}. You see the first of them."
            options = tuple(f"go to version {n}" for n in numbers[1:])
        if state["again"]:
            text, options = answer.joined(state["lead"], text, again.QUESTION), again.COMPLAINTS
    elif state["again"]:
        version = history.version(thread)
        text, options = answer.joined(state["lead"], again.QUESTION), again.COMPLAINTS
    elif state["move"]:
        version = await asyncio.to_thread(history.move, thread, state["move"], turn)
        text = "Back to " if name != "redo" else "Forward to "
        text = f"{text}{'the photo as opened' if version.number == 0 else f'version {version.number} (“{version.label}”)'}."
        text = answer.joined(text, *(answer.not_done(plan, decision) if decision else ()), plan.question or "")
    else:
        version = history.version(thread)
        text = await _reply(state, rooms, plan, decision, version)
        if plan.kind == "none" and not plan.out_of_scope:
            options = options or (await rooms.opened(state["thread"])).seen.scene.suggestions[:3]
    if plan.likeness is not None and (plan.likeness.call or plan.likeness.forget) and not state["problem"]:
        text = await _named(state, rooms, plan, version, text)
    result = view(version, text, plan, options, state["seconds"], version.turn == turn) | {"variations": numbers}
    if plan.tree is not None and plan.tree.act == "compare" and not state["problem"]:
        result["compared"] = [version.number if n is None else n for n in plan.tree.versions]
    await asyncio.to_thread(history.say, thread, turn, "assistant", text, version.number)
    said = {"role": "assistant", "text": text, "version": version.number}
    return {"result": result, "messages": [said], "feedback": {}, "again": False}


async def _keep_new(state: State, rooms: Rooms, plan: Plan, decision: Decision) -> tuple[Version, str]:
    """The best candidate as a new version; or, when none is better than no change, the version it was based on."""
    made, verdict = Print.model_validate(state["best"]["print"]), Verdict.model_validate(state["best"]["verdict"])
    if asked := state["best"].get("asked"):
        decision = decision.model_copy(update={"asked": tuple(Asked.model_validate(a) for a in asked)})
    history, thread, turn = rooms.history, state["thread"], state["turn"]
    problems = answer.not_done(plan, decision)
    base = history.version(thread, state["base"])
    if not worth_it(verdict.score, strong=not decision.look):
        why = "I tried, but every result was further from what you asked than the photo as it is, so I changed nothing."
        version = await asyncio.to_thread(history.move, thread, state["move"], turn) if state["move"] else base
        version = history.version(thread) if decision.instead_of is not None or decision.merged else version
        return version, answer.joined(why, *problems)
    label = plan.style or ("another try" if state["again"] else state.get("text", "")) or plan.command or "edit"
    facts: dict[str, Any] = {
        "kind": plan.kind,
        "plan": plan.model_dump(mode="json"),
        "given": decision.given,
        "changes": made.changes,
        "before": made.before,
        "after": made.after,
        "review": summary(verdict, state["rounds"], tuple(state["rethought"])),
        "asked": [_change(decision, verdict, i).model_dump() for i in range(len(decision.asked))],
        "memory": _memory_used(state, decision),
        "liked": list(Taste.model_validate(state["taste"]).records) if decision.taste else [],
        "samples": decision.samples,
        "seconds": made.seconds,
    }
    if decision.likeness or decision.lender:
        facts["reference"] = state["reference"]
    if decision.instead_of is not None:
        # A follow-up speaks of what was asked for, whichever try it is about.
        first = history.version(thread, decision.instead_of)
        facts |= {
            "instead_of": first.number,
            "kind": first.facts.get("kind", "sample"),
            "plan": first.facts.get("plan"),
        }
    keep = partial(
        history.add,
        thread,
        made.recipe,
        preview=made.preview,
        thumbnail=made.thumbnail,
        label=label,
        turn=turn,
        parent=base.number,
        facts=facts,
    )
    version = await asyncio.to_thread(keep)
    did = answer.joined(decision.lead, answer.done(decision, verdict), answer.coloured(decision))
    if decision.likeness:
        did = answer.joined(answer.alike(decision.likeness, made.changes.get("global", {})), did)
    elif decision.look:
        whole = made.changes.get("global", {})
        best = f"It is the best of {decision.samples} samples." if decision.samples else ""
        did = answer.joined(answer.looked(whole), did, best)
    did = answer.joined(did, answer.repaired(made.structure), *_leaning(state, plan, decision))
    held = [answer.place(r) for r in decision.protected if r in made.recipe.keep]
    did = answer.joined(did, f"{answer.capital(answer.listed(held))} stayed exactly as before." if held else "")
    short = "That is as far as this photo goes" if state["rounds"] else "It is not quite what you asked"
    missed = [] if verdict.ok else [f"{short}: {s}" for s in _missed(verdict)[:1]]
    return version, answer.joined(did, *problems, *missed, answer.clipped(verdict, CLIPPED), plan.question or "")


async def _keep_strength(state: State, rooms: Rooms, plan: Plan, decision: Decision) -> tuple[Version, str]:
    """A step in another strength, as a version beside it; what was asked for first is what it still is."""
    made, verdict = Print.model_validate(state["best"]["print"]), Verdict.model_validate(state["best"]["verdict"])
    first = rooms.history.version(state["thread"], decision.step)
    label, facts = by_hand.strengthened(first, decision.asked, made.achieved, decision.share or 0.0)
    measured = {"changes": made.changes, "before": made.before, "after": made.after, "seconds": made.seconds}
    keep = partial(
        rooms.history.add,
        state["thread"],
        made.recipe,
        preview=made.preview,
        thumbnail=made.thumbnail,
        label=label,
        turn=state["turn"],
        parent=state["base"],
        facts={**measured, **facts},
    )
    version = await asyncio.to_thread(keep)
    did = answer.against_opened(made.changes.get("global", {})) if decision.look else answer.done(decision, verdict)
    return version, answer.joined(decision.lead, did, answer.clipped(verdict, CLIPPED))


async def _named(state: State, rooms: Rooms, plan: Plan, version: Version, text: str) -> str:
    """The answer, when a look gets a name or is forgotten."""
    try:
        said = await asyncio.to_thread(likeness.learn, rooms.memory, state["user"], plan, version)
    except BurnishError as error:
        said = str(error)
    return answer.joined(text, said) if state["best"] else said


def _missed(verdict: Verdict) -> list[str]:
    """What review could not put right, without what it would have done about it."""
    return [f"{s.partition(';')[0][:1].lower()}{s.partition(';')[0][1:].rstrip('.')}." for s in verdict.sentences]


def _change(decision: Decision, verdict: Verdict, index: int) -> Change:
    asked, finding = decision.asked[index], verdict.findings[index]
    return Change(region=asked.region, attribute=asked.attribute, asked=asked.value, achieved=finding.achieved)


def _memory_used(state: State, decision: Decision) -> list[str]:
    if not decision.taste:
        return []
    taste = Taste.model_validate(state["taste"])
    return [_reason(taste, decision), *taste.names]


def _reason(taste: Taste, decision: Decision) -> str:
    """The taste's sentence; beside a style it names what was taken of it alone."""
    if decision.look:
        return taste.sentence
    from memory.wording import phrase

    given = sorted(((abs(v), r, n, v) for r, of in decision.given.items() for n, v in of.items()), reverse=True)
    return f"{', '.join(phrase(r, n, v) for _, r, n, v in given[:3])}, as in {taste.sentence.partition(', as in ')[2]}"


def _leaning(state: State, plan: Plan, decision: Decision) -> list[str]:
    """What the look leans on: the person's taste, or why not."""
    taste = Taste.model_validate(state["taste"])
    if not (decision.look or decision.taste) or decision.instead_of is not None or decision.likeness:
        return []
    if plan.command == "ignore_my_style":
        for_good = " From now on I do without it; “use my style again” brings it back." if plan.lasting else ""
        return [f"Your taste is left out.{for_good}"]
    whose = f"{taste.whose}'s taste" if taste.whose else "your taste"
    if decision.taste and taste.likes:
        learning, _, rest = _reason(taste, decision).rpartition("learning: ")
        follows = f"It follows {whose}: {rest.rstrip('.')}."
        if decision.look:
            return [follows, "I'm still learning it." if learning else ""]
        return [f"What the style leaves open follows {whose}: {rest.rstrip('.')}."]
    if taste.whose:
        return [f"I don't know {whose} for scenes like this yet."]
    if taste.learning and taste.others:
        return ["I'm still learning your taste for scenes like this, so I stayed close to the neutral look."]
    if plan.command == "use_my_style":
        return ["I don't know your taste for scenes like this yet: press thumbs up on a result you like, and I will."]
    return []


async def _variations(state: State, rooms: Rooms, plan: Plan, decision: Decision, first: Version) -> list[int]:
    """Other samples of the look, as siblings of the first."""
    numbers = [first.number]
    here = await rooms.opened(state["thread"])
    recipes = await rooms.darkroom.work(spread, here, decision.recipe, VARIATIONS - 1)
    for index, recipe in enumerate(recipes, 1):
        turn = f"{state['turn']}/{index}"
        version = rooms.history.made_by(state["thread"], turn)
        if version is None:
            made = await rooms.darkroom.render(here, recipe)
            facts = {"kind": "sample", "changes": made.changes, "before": made.before, "after": made.after}
            keep = partial(
                rooms.history.add,
                state["thread"],
                made.recipe,
                preview=made.preview,
                thumbnail=made.thumbnail,
                label=f"variation {index + 1}",
                turn=turn,
                parent=state["base"],
                facts={**facts, "plan": plan.model_dump(mode="json"), "given": decision.given},
                current=False,
            )
            version = await asyncio.to_thread(keep)
        if version is not None:
            numbers.append(version.number)
    return numbers


async def _reply(state: State, rooms: Rooms, plan: Plan, decision: Decision | None, version: Version) -> str:
    """The answer to what changes nothing: a question, help, a wish that is out of scope, an impossible step."""
    problems = answer.not_done(plan, decision) if decision else answer.not_done(plan, Decision(recipe=version.recipe))
    if state["problem"]:
        return answer.joined(state["problem"], *problems)
    if plan.command == "help":
        return answer.HELP
    if plan.tree is not None:
        return await asyncio.to_thread(_on_tree, rooms, version, plan)
    if plan.command == "compare":
        return f"Drag the line over the photo to compare. {answer.standing(version.number, version.recipe)}"
    if plan.command == "export":
        return await _export(state, rooms, version)
    if plan.command == "ignore_my_style":
        if plan.lasting:
            return "From now on I do without your taste; “use my style again” brings it back."
        return "Your taste is not in this version. “Never use my style” leaves it out for good."
    if plan.question:
        return plan.question
    if plan.kind == "question":
        return answer.explained(state["text"], version.number, version.recipe)
    if problems:
        return answer.joined(*problems)
    if plan.edits or decision:
        return "That is already so; I changed nothing."
    return "I could not make out what to change. Say it in other words, for example “a bit brighter” or “make the sky bluer”."


def _on_tree(rooms: Rooms, version: Version, plan: Plan) -> str:
    """Carry out a renaming or a comparison; a merge that needs a word more has asked for it."""
    act, thread = plan.tree, version.thread
    if act is None or act.act == "merge":
        return plan.question or ""
    try:
        one, *more = (rooms.history.version(thread, n) for n in act.versions)
        if act.act == "compare":
            return tree.compared(one, more[0] if more else version)
        kept = rooms.history.rename(thread, one.number, act.label)
    except ConversationError as error:
        return str(error)
    return f"{answer.capital(tree.named(kept))} is called “{kept.label}” now; “go to {kept.label}” brings it back."


async def _export(state: State, rooms: Rooms, version: Version) -> str:
    try:
        path = await save(rooms, state["thread"], version, None)
    except BurnishError as error:
        return str(error)
    return f"Saved at full size as {path.name} in {path.parent}."


async def save(rooms: Rooms, thread: str, version: Version, out: Path | None, **how: Any) -> Path:
    """Export a version; without `out`, under a free name in the exports folder. Raises `PhotoError`."""
    about = rooms.history.thread(thread)
    here = await rooms.darkroom.open(about.photo, about.name)
    if out is None:
        folder = rooms.settings.home / "exports"
        folder.mkdir(parents=True, exist_ok=True)
        suffix = f".{str(how.get('format') or here.photo.format).lower()}".replace("jpeg", "jpg")
        stem = f"{Path(about.name).stem[:80]}-v{version.number}"
        names = (folder / f"{stem}{f'-{n}' if n else ''}{suffix}" for n in range(10_000))
        out = next(path for path in names if not path.exists())
    return await rooms.darkroom.export(here, version.recipe, out, **how)


def view(
    version: Version,
    text: str,
    plan: Plan | None = None,
    options: tuple[str, ...] = (),
    seconds: Mapping[str, float] | None = None,
    new: bool = False,
) -> Json:
    """A result as small JSON: `agent.events.Result` with the hash of its preview instead of the path.

    `new`: this turn made the version, so that what was changed and how it was checked is part of the answer.
    """
    facts = version.facts
    made: Mapping[str, Any] = facts if new else {}
    return {
        "version": version.number,
        "preview": version.preview,
        "answer": text,
        "options": list(options),
        "plan": plan.model_dump(mode="json") if plan else None,
        "recipe": version.recipe.model_dump(mode="json"),
        "changes": made.get("asked", []),
        "measured_before": facts.get("before", {}),
        "measured_after": facts.get("after", {}),
        "review": made.get("review", {}),
        "seconds": {**made.get("seconds", {}), **(seconds or {})},
        "memory_used": made.get("memory", []),
        "memory_records": made.get("liked", []),
    }
