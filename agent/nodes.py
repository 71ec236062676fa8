"""The nodes of the graph: each reads the state, works, and returns what it changes.

A node may be run again from its top after a crash. What it computes is then computed again; what it writes, it writes
under the id of the turn, once.
"""

import asyncio
import uuid
from typing import Any, Final

from agent import answer
from agent.darkroom import Opened, Print, as_jpeg
from agent.decide import Decision, Taste, decide
from agent.plan import Plan, PlanContext
from agent.review import ROUNDS, corrected, judge, trial
from agent.rooms import Rooms, Say
from agent.state import FRESH, Json, State
from models.errors import ConversationError, PreferenceError
from models.recipe import Look, Recipe
from models.vocabulary import OBJECT_PREFIX

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
    if not any(scene.embedding):
        return {"taste": Taste().model_dump(mode="json")}

    def look_up() -> Taste:
        memory, user = rooms.memory, state["user"]
        if not memory.use_style(user):
            return Taste()
        found = memory.estimate(user, scene.embedding, state["regions"])
        values = {r: v for r, of in found.values.items() if (v := {n: x for n, x in of.items() if abs(x) >= 0.01})}
        names = [e.record.summary or e.record.kind for e in found.evidence[:3]]
        return Taste(values=values, style=found.style, sentence=found.sentence, names=tuple(names))

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
        turns=tuple(m.text for m in rooms.history.messages(thread, 12) if m.role == "user" and m.turn != state["turn"])[
            -5:
        ],
        thumbnail=await asyncio.to_thread(as_jpeg, rooms.store.path(current.preview))
        if rooms.settings.served
        else None,
    )
    plan = await rooms.planner.plan(state["text"], context)
    if plan.note:
        say(plan.note)
    ignore = state.get("ignore_taste", False)
    if plan.command in ("ignore_my_style", "use_my_style"):
        ignore = plan.command == "ignore_my_style"
    return {"plan": plan.model_dump(mode="json"), "ignore_taste": ignore}


def after_understand(state: State) -> str:
    """Edits and looks are decided, lessons learned, and everything else is answered."""
    plan = Plan.model_validate(state["plan"])
    name = (plan.command or "").partition(":")[0]
    if name in LESSONS and not plan.edits:
        return "learn"
    if (
        plan.edits
        or plan.protect
        or plan.kind == "weak"
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
    taste = None if state.get("ignore_taste") else Taste.model_validate(state["taste"])
    objects = {e.region for e in plan.edits} | set(plan.protect)
    found = await asyncio.to_thread(_find, here, [r for r in objects if r.startswith(OBJECT_PREFIX)])
    seed = base.recipe.look.seed + 1 if base.recipe.look else 0
    decision = decide(plan, base.recipe, here.seen.scene, taste, found, seed, base.facts.get("given"))
    if name == "variations":
        look = base.recipe.look or Look()
        recipe = base.recipe.model_copy(update={"look": look.model_copy(update={"seed": seed, "strength": 1.0})})
        decision = decision.model_copy(update={"recipe": recipe, "look": True})
    return {"base": base.number, "move": move, "problem": problem, "decision": decision.model_dump(mode="json")}


def after_decide(state: State) -> str:
    """Only a recipe that is new is rendered."""
    decision = Decision.model_validate(state["decision"])
    new = decision.look or any(abs(a.wanted) >= 0.005 for a in decision.asked) or bool(decision.protected)
    return "render" if new and not state["problem"] else "present"


async def render(state: State, rooms: Rooms, say: Say) -> Json:
    """Render the candidate at preview size and measure it."""
    recipe = Decision.model_validate(state["decision"]).recipe
    here = await rooms.opened(state["thread"])
    made = await rooms.darkroom.render(here, recipe, solved=bool(state["correction"]))
    return {"candidate": made.model_dump(mode="json")}


async def review(state: State, rooms: Rooms, say: Say) -> Json:
    """Judge the candidate, keep the best so far, and ask for another round where a correction may help."""
    decision, made = Decision.model_validate(state["decision"]), Print.model_validate(state["candidate"])
    base = rooms.history.version(state["thread"], state["base"])
    verdict = judge(decision.asked, decision.look, made, base.facts.get("changes", {}))
    best = state["best"]
    worse = bool(best) and verdict.score > best["verdict"]["score"]
    if not best or verdict.score < best["verdict"]["score"]:
        best = {"print": state["candidate"], "verdict": verdict.model_dump(mode="json")}
    trials = [*state["trials"], trial(made.recipe, verdict)]
    update: Json = {"best": best, "trials": trials, "correction": {}, "candidate": {}}
    if not verdict.ok and not worse and state["rounds"] < ROUNDS and not _stuck(trials):
        points = [{name: (p[0], p[1]) for name, p in t.items()} for t in trials]
        recipe = corrected(made.recipe, verdict, points)
        if recipe is not None and recipe != made.recipe:
            sentence = answer.joined(*verdict.sentences[:2])
            say(sentence)
            update |= {"correction": recipe.model_dump(mode="json"), "rounds": state["rounds"] + 1}
            update["rethought"] = [*state["rethought"], sentence]
    return update


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
    """ "Remember that I always want it warmer" is learned once it has been done."""
    plan = Plan.model_validate(state["plan"])
    return "learn" if plan.command in LESSONS and plan.edits else "feedback"


def after_learn(state: State) -> str:
    """A reason given with a dislike is the next message; otherwise wait for the person."""
    return "perceive" if state["feedback"].get("reason") else "feedback"


def _find(here: Opened, names: list[str]) -> list[str]:
    from tools.perceive import region

    return [name for name in names if region(here.seen, name) is not None]
