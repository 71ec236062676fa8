"""The nodes of the graph: each reads the state, works, and returns what it changes.

A node may be run again from its top after a crash. What it computes is then computed again; what it writes, it writes
under the id of the turn, once.
"""

import asyncio
import uuid
from typing import Any, Final

from agent import again, answer, commission, fixing, hints, likeness, tree, witness
from agent.amounts import SWITCHES
from agent.darkroom import Opened, Print, as_jpeg
from agent.decide import SMALLEST, Decision, Taste, decide
from agent.events import Measures
from agent.history import Version
from agent.plan import Plan, PlanContext
from agent.planner import pointing
from agent.review import CLIPPED, ROUNDS, SKIN, aims, corrected, judge, trial
from agent.rooms import Rooms, Say
from agent.state import FRESH, Json, State
from agent.taste import people, taste_of
from models.errors import ConversationError, PreferenceError
from models.recipe import Look, Recipe
from models.vocabulary import MAP_ATTRIBUTES, SEMANTIC_REGIONS, sought

#: Samples of a free look, and weaker strengths of a style, that are tried on the thumbnail.
SAMPLES: Final = 3
STYLE_STRENGTHS: Final = (0.75, 0.5)

MOVES: Final = ("undo", "redo", "reset", "goto")
#: Commands that `learn` answers.
LESSONS: Final = ("like", "dislike", "remember", "forget", "withdraw")


async def perceive(state: State, rooms: Rooms, say: Say) -> Json:
    """See the photo (once; afterwards it is remembered) and begin the turn afresh."""
    thread = rooms.history.thread(state["thread"])
    scene = (await rooms.opened(state["thread"])).seen.scene
    text = state.get("text", "") or state.get("command", "")
    return {
        **FRESH,
        "turn": state.get("turn") or str(uuid.uuid4()),
        "photo": thread.photo,
        "user": thread.user,
        "base": thread.current,
        "summary": scene.summary,
        "regions": [r.name for r in scene.regions],
        "messages": [{"role": "user", "text": text}] if text else [],
    }


async def recall(state: State, rooms: Rooms, say: Say) -> Json:
    """What this person liked on scenes like this one."""
    scene = (await rooms.opened(state["thread"])).seen.scene

    def look_up() -> Taste:
        return taste_of(rooms.memory, state["user"], scene) if rooms.memory.use_style(state["user"]) else Taste()

    try:
        taste = await asyncio.to_thread(look_up)
    except PreferenceError as error:
        say(str(error))
        taste = Taste()
    return {"taste": taste.model_dump(mode="json")}


async def understand(state: State, rooms: Rooms, say: Say) -> Json:
    """The message becomes a plan."""
    if command := state.get("command"):
        return {"plan": Plan(kind="command", command=command).model_dump(mode="json")}
    thread = state["thread"]
    current = rooms.history.version(thread)
    last = Plan.model_validate(current.facts["plan"]) if current.facts.get("plan") else None
    context = PlanContext(
        last_edits=last.edits if last else (),
        versions=rooms.history.thread(thread).versions,
        regions_present=tuple(state["regions"]),
        summary=state["summary"],
        names=rooms.history.names(thread),
        people=await asyncio.to_thread(people, rooms.memory, state["user"]),
        user=state["user"],
        suggestions=await _suggested(rooms, thread),
        picked=state.get("picked", ""),
        reference=bool(state.get("reference")),
        referred=bool(current.facts.get("reference")),
        colourless=hints.colourless((await rooms.opened(thread)).seen.scene, current.recipe),
        looks=await asyncio.to_thread(likeness.names, rooms.memory, state["user"]),
        step=again.stepped(current),
        disliked=current.feedback == "dislike" or "instead_of" in current.facts,
        turns=tuple(m.text for m in rooms.history.messages(thread, 12) if m.role == "user" and m.turn != state["turn"])[
            -5:
        ],
        thumbnail=await asyncio.to_thread(as_jpeg, rooms.store.path(current.preview))
        if rooms.settings.served
        else None,
    )
    plan = pointing.placed(await rooms.planner.plan(state["text"], context), context.picked)
    if plan.note:
        say(plan.note)
    return {"plan": plan.model_dump(mode="json")}


async def _suggested(rooms: Rooms, thread: str) -> tuple[str, ...]:
    """What the critic asks for, and after it what the appraisal that was shown beside it did."""
    here = await rooms.opened(thread)
    said = rooms.appraisals.get(here.photo.sha256)
    return (*here.seen.scene.suggestions, *(said.suggestions if said else ()))


def after_understand(state: State) -> str:
    """Edits and looks are decided, lessons learned, and everything else is answered."""
    plan = Plan.model_validate(state["plan"])
    name = (plan.command or "").partition(":")[0]
    if name in LESSONS and not plan.edits:
        return "learn"
    if (
        plan.edits
        or plan.hints
        or (plan.likeness is not None and (plan.likeness.given or plan.likeness.look))
        or plan.protect
        or plan.complaint
        or plan.share is not None
        or (plan.tree is not None and plan.tree.act == "merge")
        or plan.kind == "weak"
        or plan.free
        or name in (*MOVES, "variations", "use_my_style", "ignore_my_style")
    ):
        return "decide"
    return "present"


async def decide_node(state: State, rooms: Rooms, say: Say) -> Json:
    """The plan becomes a recipe; or, when review has asked for another round, its correction is taken up."""
    if state["correction"]:
        decision = Decision.model_validate(state["decision"])
        recipe = Recipe.model_validate(state["correction"])
        return {"decision": decision.model_copy(update={"recipe": recipe}).model_dump(mode="json")}
    plan = Plan.model_validate(state["plan"])
    if plan.likeness is not None and not state["again"]:
        return await _alike(state, rooms, plan)
    if state["again"] or plan.complaint or plan.tree or plan.share is not None:
        return await _from_versions(state, rooms, plan)
    if plan.fix:
        return await _fixed(state, rooms)
    base, move, problem = rooms.history.version(state["thread"], state["base"]), "", ""
    name = (plan.command or "").partition(":")[0]
    if name in MOVES:
        try:
            base, move = rooms.history.target(state["thread"], plan.command or ""), plan.command or ""
        except ConversationError as error:
            problem = str(error)
    if name == "ignore_my_style" and not plan.edits and base.facts.get("given"):
        # The look that is there follows a taste: make it again without.
        plan = plan.model_copy(update={"kind": "weak"})
    here = await rooms.opened(state["thread"])
    if name == "variations" and base.recipe.look is None:
        # Samples of a look that is not there yet are samples of the one that would be.
        plan = plan.model_copy(update={"kind": "weak"})
    taste = await _taste(state, rooms, plan, here, say)
    found = await asyncio.to_thread(_find, here, _sought(plan))
    seed = base.recipe.look.seed + 1 if base.recipe.look else 0
    if state.get("retry"):
        seed = max(seed, again.next_seed(rooms.history, base))
    decision = decide(plan, base.recipe, here.seen.scene, taste, found, seed, base.facts.get("given"))
    if name == "variations":
        look = base.recipe.look or Look()
        look = (decision.recipe.look if base.recipe.look is None else None) or look
        recipe = decision.recipe.model_copy(update={"look": look.with_seed(seed).model_copy(update={"strength": 1.0})})
        decision = decision.model_copy(update={"recipe": recipe, "look": True})
    found_taste = taste.model_dump(mode="json") if taste else state["taste"]
    update: Json = {"base": base.number, "move": move, "problem": problem, "taste": found_taste}
    return {**update, "decision": decision.model_dump(mode="json")}


async def _alike(state: State, rooms: Rooms, plan: Plan) -> Json:
    """A recipe that carries over a reference's look, or a named one, with what was asked beside it.

    Of a photo that is to be colourised it takes over the colours alone (`agent.hints`).
    """
    base, here = rooms.history.version(state["thread"], state["base"]), await rooms.opened(state["thread"])
    update: Json = {"base": base.number, "move": "", "problem": ""}
    try:
        reference = await asyncio.to_thread(likeness.wanted, rooms.memory, state, plan)
    except PreferenceError as error:
        return {**update, "problem": str(error), "decision": Decision(recipe=base.recipe).model_dump(mode="json")}
    whose, share, given = likeness.called(plan, reference), state.get("share", 1.0), base.facts.get("given")
    found = await asyncio.to_thread(_find, here, _sought(plan))
    if plan.colourises:
        lent = await rooms.darkroom.lent(here, reference, plan, share)
        decision = decide(plan, base.recipe, here.seen.scene, None, found, given=given, lent=lent)
        took = any(h in decision.recipe.hints for h in lent)
        notes = decision.notes if took else (*decision.notes, answer.nothing_lent(whose))
        decision = decision.model_copy(update={"lender": whose, "notes": notes})
    else:
        recipe = await rooms.darkroom.alike(here, reference, plan, share)
        decision = decide(plan, base.recipe, here.seen.scene, None, found, 0, given, recipe)
        decision = decision.model_copy(update={"likeness": whose})
    kept = reference.model_dump(mode="json")
    return {**update, "reference": kept, "decision": decision.model_dump(mode="json")}


async def _fixed(state: State, rooms: Rooms) -> Json:
    """A recipe that mends what the critic finds."""
    base, here = rooms.history.version(state["thread"], state["base"]), await rooms.opened(state["thread"])
    made = await rooms.darkroom.work(fixing.fix, here, base.recipe)
    decision = made.decision.model_copy(update={"lead": made.text}) if made.changed else made.decision
    problem = "" if made.changed else made.text
    return {"base": base.number, "move": "", "problem": problem, "decision": decision.model_dump(mode="json")}


async def _taste(state: State, rooms: Rooms, plan: Plan, here: Opened, say: Say) -> Taste | None:
    """The taste that this turn may follow: the person's own, a borrowed one, or none."""
    memory, user = rooms.memory, state["user"]

    def look_up() -> Taste | None:
        if plan.lasting and plan.command in ("ignore_my_style", "use_my_style"):
            memory.use_style(user, plan.command == "use_my_style")
        if plan.command == "ignore_my_style":
            return None
        if plan.like or (plan.command == "use_my_style" and not state["taste"].get("sentence")):
            # Asked for in so many words, it is used even where it is turned off for the rest.
            return taste_of(memory, user, here.seen.scene, plan.like)
        return Taste.model_validate(state["taste"])

    try:
        return await asyncio.to_thread(look_up)
    except PreferenceError as error:
        say(str(error))
        return None


async def _from_versions(state: State, rooms: Rooms, plan: Plan) -> Json:
    """A recipe that is made from those of versions: a merge, another strength of a step, another try after a dislike."""
    history, thread, base = rooms.history, state["thread"], state["base"]
    now = history.version(thread, base)
    update: Json = {"base": base, "move": "", "problem": ""}
    nothing = Decision(recipe=now.recipe).model_dump(mode="json")
    if plan.tree is not None:
        return {**update, "decision": nothing, **await _merge(state, rooms, plan)}
    if plan.share is not None and not state["again"]:
        stronger = again.shared(history, now, plan.share)
        if isinstance(stronger, str):
            return {**update, "decision": nothing, "problem": stronger}
        made_, share = stronger
        decision = Decision(
            recipe=made_.recipe,
            asked=made_.asked,
            look=made_.look,
            lead=made_.text,
            solved=share == 1,
            share=share,
            step=made_.instead_of,
        )
        return {**update, "base": made_.base.number, "decision": decision.model_dump(mode="json")}
    made: again.Another | str | None = None
    if state["again"]:
        made = again.another(history, now)
    elif plan.complaint == "wrong place":
        first = again.origin(history, now)
        question, options = await _where(state, rooms, first)
        plan = plan.model_copy(update={"question": question, "options": options})
        move = f"goto:{first.number}" if first.number != now.number else ""
        return {**update, "decision": nothing, "move": move, "plan": plan.model_dump(mode="json")}
    elif plan.complaint is not None:
        made = again.answered(history, now, plan.complaint)
    if isinstance(made, str):
        options = ("warmer", "cooler", "more colourful", "less colourful") if plan.complaint == "wrong colour" else ()
        plan = plan.model_copy(update={"question": made, "options": options})
        return {**update, "decision": nothing, "plan": plan.model_dump(mode="json")}
    if made is None:
        return {**update, "decision": nothing}
    decision = Decision(
        recipe=made.recipe,
        asked=made.asked,
        look=made.look,
        given=history.version(thread, made.instead_of).facts.get("given", {}),
        lead=made.text,
        instead_of=made.instead_of,
    )
    return {**update, "base": made.base.number, "decision": decision.model_dump(mode="json")}


async def _merge(state: State, rooms: Rooms, plan: Plan) -> Json:
    """The decision of a merge, or why there is none."""
    act = plan.tree
    assert act is not None
    here = await rooms.opened(state["thread"])
    try:
        if not any(part.regions for part in act.parts):
            one, two = (rooms.history.version(state["thread"], n) for n in (act.parts[0].version, act.versions[0]))
            question, options = tree.which(one, two)
            return {"plan": plan.model_copy(update={"question": question, "options": options}).model_dump(mode="json")}
        named = [r for part in act.parts for r in part.regions if sought(r)]
        found = await asyncio.to_thread(_find, here, named)
        there = tree.regions_there(((r.name, r.area) for r in here.seen.scene.regions), found)
        made = tree.merged(rooms.history, state["thread"], act, there)
    except ConversationError as error:
        return {"problem": str(error)}
    if not made.text:
        return {"problem": answer.joined(*made.notes)}
    now = rooms.history.version(state["thread"])
    if again.same(made.recipe, now.recipe):
        return {"problem": answer.joined("That is already so; I changed nothing.", *made.notes)}
    decision = Decision(recipe=made.recipe, notes=made.notes, lead=made.text, solved=made.solved, merged=True)
    return {"base": made.base.number, "decision": decision.model_dump(mode="json")}


async def _where(state: State, rooms: Rooms, first: Version) -> tuple[str, tuple[str, ...]]:
    """Where a change that was in the wrong place should be, to click."""
    here = await rooms.opened(state["thread"])
    used = {s.region for s in first.recipe.settings}
    named = [r.name for r in here.seen.scene.regions if r.name in SEMANTIC_REGIONS and r.area >= SMALLEST]
    options = [f"I meant the {name}" for name in named if name not in used]
    return "Where should it be instead?", tuple(options[:5])


def after_decide(state: State) -> str:
    """Only a recipe that is new is rendered."""
    decision = Decision.model_validate(state["decision"])
    new = (
        decision.look
        or decision.merged
        or bool(decision.told or decision.lent)
        or decision.instead_of is not None
        or decision.share is not None
        or any(abs(a.wanted) >= 0.005 for a in decision.asked)
        or bool(decision.protected)
    )
    return "render" if new and not state["problem"] else "present"


async def render(state: State, rooms: Rooms, say: Say) -> Json:
    """Render the candidate at preview size and measure it."""
    decision = Decision.model_validate(state["decision"])
    here = await rooms.opened(state["thread"])
    update: Json = {}
    if not state["correction"]:
        plan = Plan.model_validate(state["plan"])
        decision, drawn = await commission.drawn(state, rooms, here, plan, decision, say)
        if not drawn:
            decision = await _sampled(state, rooms, here, decision)
        update = {"decision": decision.model_dump(mode="json")}
    made = await rooms.darkroom.render(here, decision.recipe, solved=bool(state["correction"]) or decision.solved)
    return {**update, "candidate": made.model_dump(mode="json")}


async def _sampled(state: State, rooms: Rooms, here: Opened, decision: Decision) -> Decision:
    """The decision with the best of several samples: of a look by seed, of a style by strength. Tried on the thumbnail."""
    plan, look = Plan.model_validate(state["plan"]), decision.recipe.look
    if decision.likeness or decision.share is not None or plan.fix:
        return decision
    if decision.look and look is not None and plan.command != "variations":
        looks = [look.with_seed(look.seed + i) for i in range(SAMPLES)]
        recipes = [decision.recipe.model_copy(update={"look": each}) for each in looks]
        chosen, _ = await rooms.darkroom.best(here, recipes)
        return decision.model_copy(update={"recipe": recipes[chosen], "samples": SAMPLES})
    if plan.kind == "style" and decision.asked and not decision.protected:
        return await _gentle(state, rooms, here, decision)
    return decision


async def _gentle(state: State, rooms: Rooms, here: Opened, decision: Decision) -> Decision:
    """A style is meant to be strong: only detail that it would lose on this photo makes it weaker."""
    _, (full,) = await rooms.darkroom.best(here, [decision.recipe])
    if full.clipped <= CLIPPED:
        return decision
    base = rooms.history.version(state["thread"], state["base"]).recipe
    recipes = [_switched(again.scaled(decision.recipe, base, share), decision.recipe) for share in STYLE_STRENGTHS]
    _, found = await rooms.darkroom.best(here, recipes)
    losses = [sample.clipped for sample in found]
    kept = next((i for i, lost in enumerate(losses) if lost <= CLIPPED), losses.index(min(losses)))
    if losses[kept] >= full.clipped:
        return decision
    recipe = recipes[kept]
    note = f"At full strength it would lose too much detail here, so you see {STYLE_STRENGTHS[kept]:.0%} of it."
    asked = tuple(again.asked_now(a, recipe, base) for a in decision.asked)
    notes = (*decision.notes, note.replace("%", " %"))
    share = STYLE_STRENGTHS[kept]
    given = {region: {n: round(v * share, 4) for n, v in of.items()} for region, of in decision.given.items()}
    update = {"recipe": recipe, "asked": asked, "notes": notes, "samples": len(recipes) + 1, "given": given}
    return decision.model_copy(update=update)


def _switched(recipe: Recipe, full: Recipe) -> Recipe:
    """`recipe` with its switches all on again: half black and white is another look."""
    for setting in full.settings:
        on = {n: v for n, v in setting.values.items() if n in SWITCHES}
        if on:
            recipe = recipe.with_values(setting.region, {**recipe.values(setting.region), **on})
    return recipe


async def review(state: State, rooms: Rooms, say: Say) -> Json:
    """Judge the candidate, keep the best so far, and ask for another round where a correction may help."""
    decision, made = Decision.model_validate(state["decision"]), Print.model_validate(state["candidate"])
    base = rooms.history.version(state["thread"], state["base"])
    before, after = await _read(state, rooms, decision, base, made)
    verdict = judge(decision.asked, decision.look, after, before, await _drifted(state, rooms, base, made))
    if decision.share is not None:
        # How strong it should be has been said; there is nothing to correct about that.
        return {
            "best": {"print": state["candidate"], "verdict": verdict.model_dump(mode="json")},
            "candidate": {},
            "correction": {},
        }
    verdict = await witness.heard(state, rooms, verdict, base, made)
    best = state["best"]
    worse = bool(best) and verdict.score > best["verdict"]["score"]
    if not best or verdict.score < best["verdict"]["score"]:
        best = {"print": state["candidate"], "verdict": verdict.model_dump(mode="json")}
        if verdict.opinion:
            # A doubted style is asked for in another strength next; this is what was asked of this one.
            best["asked"] = [a.model_dump(mode="json") for a in decision.asked]
    trials = [*state["trials"], trial(made.recipe, verdict)]
    opinions = state.get("opinions", 0) + bool(verdict.opinion)
    update: Json = {"best": best, "trials": trials, "correction": {}, "candidate": {}, "opinions": opinions}
    if witness.doubted(verdict) and opinions < witness.ASKED and state["rounds"] < ROUNDS:
        if tried := await witness.another(state, rooms, decision, base, made, verdict):
            decision, recipe_, sentence = tried
            say(sentence)
            update |= {"correction": recipe_.model_dump(mode="json"), "rounds": state["rounds"] + 1}
            update |= {"rethought": [*state["rethought"], sentence], "decision": decision.model_dump(mode="json")}
    elif not verdict.ok and not worse and state["rounds"] < ROUNDS and not _stuck(trials):
        points = [{name: (p[0], p[1]) for name, p in t.items()} for t in trials]
        recipe = corrected(made.recipe, verdict, points)
        if recipe is not None and (wanted := aims(made, verdict)):
            recipe = await rooms.darkroom.aimed(await rooms.opened(state["thread"]), recipe, wanted)
        if recipe is not None and recipe != made.recipe:
            sentence = answer.joined(*verdict.sentences[:2])
            say(sentence)
            update |= {"correction": recipe.model_dump(mode="json"), "rounds": state["rounds"] + 1}
            update["rethought"] = [*state["rethought"], sentence]
    return update


async def _read(state: State, rooms: Rooms, decision: Decision, base: Version, made: Print) -> tuple[Measures, Print]:
    """The changes of the base, and the candidate, with the asked regions read closely off the pictures."""
    before: Measures = base.facts.get("changes", {})
    regions = {a.region for a in decision.asked if a.attribute in MAP_ATTRIBUTES}
    if not regions or decision.look:
        return before, made
    here = await rooms.opened(state["thread"])
    shown = await rooms.darkroom.shown(here, made.preview, regions)
    fresh = base.recipe.is_identity
    was = {} if fresh else await rooms.darkroom.shown(here, base.preview, regions)
    return {**before, **was}, made.model_copy(update={"changes": {**made.changes, **shown}})


async def _drifted(state: State, rooms: Rooms, base: Version, made: Print) -> float:
    """How far skin had drifted in the version that a candidate builds on; read only where the candidate's may count."""
    if made.skin_drift <= SKIN or base.recipe.is_identity:
        return 0.0
    known = base.facts.get("review", {}).get("skin_drift")
    if known is None:
        here = await rooms.opened(state["thread"])
        known = (await rooms.darkroom.render(here, base.recipe, solved=True)).skin_drift
    return float(known)


def _stuck(trials: list[Any]) -> bool:
    """True when the last round moved nothing: the frame does not allow more."""
    if len(trials) < 2:
        return False
    names = trials[-1].keys() & trials[-2].keys()
    return bool(names) and all(abs(trials[-1][n][1] - trials[-2][n][1]) < 0.002 for n in names)


def after_review(state: State) -> str:
    """Another round, or on to the person."""
    return "decide" if state["correction"] else "present"


def after_present(state: State) -> str:
    """ "Warmer, and remember this" is learned once it has been done."""
    plan = Plan.model_validate(state["plan"])
    return "learn" if plan.command in LESSONS and plan.edits else "feedback"


def after_learn(state: State) -> str:
    """A reason given with a dislike is the next message, a dislike alone shows something else; then wait for the person."""
    if state["again"]:
        return "decide"
    return "perceive" if state["feedback"].get("reason") else "feedback"


def _sought(plan: Plan) -> list[str]:
    """Regions of a plan that have to be looked for in the photo."""
    named = {e.region for e in plan.edits} | {h.region for h in plan.hints} | set(plan.protect)
    return [r for r in named if sought(r)]


def _find(here: Opened, names: list[str]) -> list[str]:
    from tools.perceive import region

    return [name for name in names if region(here.seen, name) is not None]
