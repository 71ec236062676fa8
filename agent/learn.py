"""Learn: a thumb pressed on a version becomes a typed preference. Nothing else ever writes to memory."""

import asyncio
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from agent.darkroom import Opened, as_jpeg
from agent.events import Measures
from agent.history import Version
from agent.plan import Plan
from agent.present import view
from agent.rooms import Rooms, Say
from agent.state import FRESH, Json, State
from models.vocabulary import MAP_ATTRIBUTES, TONAL_REGIONS

if TYPE_CHECKING:
    from memory.estimator import Estimate
    from memory.record import Preference
    from tools.perceive import Scene

#: Deviations below this are the noise of measuring; they say nothing about a taste.
NOISE: Final = 0.01
#: What is learned of a region that nobody spoke of. The tails of its tones are too few pixels to say anything.
PLAIN: Final = ("brightness", "temperature", "tint", "saturation")
#: The words of an act of feedback on what is on the screen, and of nothing else.
_POINTING: Final = """
remember save keep store note memorise memorize learn always every time times next later future now on from the for as in to
of and so exactly just please ok okay yes yeah thanks thank you can could would will i me my mine we us want like love prefer
this that it s these one ones look looks style edit edits version result setting settings recipe preset usual taste favourite
favorite photo photos picture pictures other is are be way do use great good perfect nice right mind too also all with again
here"""
PRESS: Final = "Press thumbs up on a result that is right, or say “remember this” beside it, and I will remember it."
NOT_TOLD: Final = "I learn your taste from results you like, not from descriptions."
_KINDS = ("strong", "weak", "style", "followup", "command", "sample", "slider")
Verb = Literal["like", "dislike", "remember"]


def preference(
    verb: Verb, version: Version, user: str, scene: "Scene", changes: Measures, neutral: Measures, turn: str
) -> "Preference":
    """The record of one act of feedback.

    `changes`: measured change of each region in the judged version, `neutral`: that of the neutral automatic look on the
    same photo; what was liked is their difference. Finishing attributes have no measurement, so their values stand for it.
    Its id follows from the thread, version and turn: the same press is never learned twice.
    """
    from memory.record import Preference

    deviation: dict[str, dict[str, float]] = {}
    source: dict[str, dict[str, Any]] = {}
    spoken = "slider" if version.facts.get("kind") == "slider" else "asked"
    given = version.facts.get("given", {})
    for region, moved in changes.items():
        base, set_here = neutral.get(region, {}), version.recipe.values(region)
        if region in TONAL_REGIONS and not set_here:
            continue  # what they hold is said by the tones of the whole
        names = MAP_ATTRIBUTES if region == "global" else (*PLAIN, *(n for n in MAP_ATTRIBUTES if n in set_here))
        values: dict[str, float] = {n: _bounded(moved.get(n, 0.0) - base.get(n, 0.0)) for n in names}
        if values := {n: v for n, v in values.items() if abs(v) >= NOISE}:
            deviation[region] = values
    for setting in version.recipe.settings:
        finishing = {n: v for n, v in setting.values.items() if n not in MAP_ATTRIBUTES}
        if finishing:
            deviation.setdefault(setting.region, {}).update(finishing)
        # What an earlier taste gave and nobody objected to must not confirm itself; what was changed since, they said.
        mine = given.get(setting.region, {})
        source[setting.region] = {
            n: "given" if n in mine and abs(v - mine[n]) < NOISE else spoken for n, v in setting.values.items()
        }
    kind = version.facts.get("kind", "weak")
    return Preference(
        id=str(uuid.uuid5(uuid.UUID(version.thread), f"{version.number}/{verb}/{turn}")),
        user=user,
        feedback=verb,
        photo=scene.photo,
        embedding=scene.embedding,
        tags=scene.tags,
        facts=scene.facts,
        summary=_summary(version),
        deviation=deviation,
        source=source,
        recipe=version.recipe,
        style=version.recipe.look.style if version.recipe.look else (),
        kind=kind if kind in _KINDS else "weak",
    )


def expected(rooms: Rooms, photo: Path, user: str, like: str | None = None) -> "Estimate":
    """What `user` would want on the file `photo`, which is only looked at. `like`: somebody else's taste, if shared."""
    from tools.perceive import perceive
    from tools.photo import open_photo

    scene = perceive(open_photo(photo)).scene
    return rooms.memory.estimate(user, scene.embedding, [r.name for r in scene.regions], like, scene.tags)


def _bounded(value: float) -> float:
    return round(min(max(value, -2.0), 2.0), 4)


def _summary(version: Version) -> str:
    return version.label[:200]


def points_here(text: str) -> bool:
    """True when `text` says nothing but that the result on the screen is to be kept in mind, in any language we read.

    A description ("remember that I like pure green"), a name or an order is no feedback on a result.

    >>> points_here("please remember this look for next time"), points_here("merk dir das")
    (True, True)
    >>> points_here("remember that I like pure green"), points_here("I am Anna, remember this")
    (False, False)
    """
    from agent.planner.languages import translate
    from agent.planner.spelling import known
    from agent.planner.text import plain

    _, gloss = translate(plain(text), known())
    words = re.findall(r"[^\W\d_]+", gloss.casefold())
    return bool(words) and set(words) <= set(_POINTING.split())


async def learn(state: State, rooms: Rooms, say: Say) -> Json:
    """A thumb, or an explicit word on taste, goes to memory. Nothing else does."""
    history, thread, user = rooms.history, state["thread"], state["user"]
    pressed = state["feedback"]
    plan = Plan.model_validate(state["plan"]) if state["plan"] and not pressed else None
    kind = pressed.get("kind") if pressed else (plan.command if plan else "")
    turn = (pressed.get("turn") if pressed else None) or state["turn"]
    version = history.version(thread)
    forgotten: Json = {}
    if kind == "dislike" and plan is not None and plan.edits:
        # What was disliked is what stood there before the wish beside it was done; that has been answered.
        before = history.version(thread, state["base"])
        if before.number:
            await _teach("dislike", rooms, await rooms.opened(thread), user, before, turn)
        return {"feedback": {}}
    if kind == "remember" and not pressed and not state.get("command") and not points_here(state["text"]):
        if plan is not None and plan.edits:
            # It has been done; whether it is liked is for them to say.
            say(PRESS)
            return {"feedback": {}}
        text = f"{NOT_TOLD} {PRESS}"
    elif kind == "forget":
        count = await asyncio.to_thread(rooms.memory.forget, user, "all")
        text = f"I forgot everything about your taste: {count} preferences are deleted for good."
        forgotten = {"taste": {}}
    elif version.number == 0:
        text = "This is the photo as opened; change something first, then tell me whether you like it."
    elif kind == "withdraw":
        text = await asyncio.to_thread(_withdraw, rooms, user, version)
    else:
        here = await rooms.opened(state["thread"])
        text, version = await _teach(str(kind), rooms, here, user, version, turn)
        if kind == "dislike" and not pressed.get("reason"):
            # Something else is shown instead; the turn ends in `present`, under the same id.
            disliked = Plan(kind="command", command="dislike")
            start = {**FRESH, "turn": turn, "base": version.number, "plan": disliked.model_dump(mode="json")}
            return {**start, "feedback": pressed, "again": True, "lead": text, "taste": state.get("taste", {})}
    result = view(version, text, plan, (), state["seconds"])
    # The text of a reason is answered by the turn that it becomes, not here.
    if not (pressed and pressed.get("reason")):
        await asyncio.to_thread(history.say, thread, turn, "assistant", text, version.number)
    update: Json = {
        **forgotten,
        "result": result,
        "messages": [{"role": "assistant", "text": text, "version": version.number}],
    }
    if pressed and pressed.get("reason") and kind == "dislike":
        return {**update, "text": pressed["reason"], "turn": turn, "command": ""}
    return {**update, "feedback": {}}


async def _teach(kind: str, rooms: Rooms, here: Opened, user: str, version: Version, turn: str) -> tuple[str, Version]:
    verb = {"like": "like", "dislike": "dislike"}.get(kind, "remember")
    scene = here.seen.scene
    if not any(scene.embedding):
        return "I can't tell what kind of photo this is, so there is nothing to remember it by.", version
    if version.feedback == ("dislike" if verb == "dislike" else "like") and verb != "remember":
        return "I have noted that already.", version
    neutral = await rooms.darkroom.neutral(here)

    def write() -> Version:
        if version.facts.get("record"):
            # The opposite thumb replaces the first one.
            _withdraw(rooms, user, version)
        record = preference(verb, version, user, scene, version.facts.get("changes", {}), neutral, turn)  # type: ignore[arg-type]
        known = {r.id for r in rooms.memory.list(user)}
        if record.id not in known:
            write = {"like": rooms.memory.like, "dislike": rooms.memory.dislike, "remember": rooms.memory.remember}[
                verb
            ]
            write(record, as_jpeg(rooms.store.path(version.thumbnail)))
        return rooms.history.set_feedback(
            version.thread, version.number, "dislike" if verb == "dislike" else "like", record.id
        )

    noted = await asyncio.to_thread(write)
    if verb == "dislike":
        return "Noted: not like this.", noted
    tag = next(iter(scene.tags), "")
    return (
        f"Thank you, I will remember this for {f'{tag} photos' if tag else 'photos like this'}; say “my usual” to get it.",
        noted,
    )


def _withdraw(rooms: Rooms, user: str, version: Version) -> str:
    record = version.facts.get("record")
    if not record:
        return "There is no thumb to take back on this version."
    if record in {r.id for r in rooms.memory.list(user)}:
        rooms.memory.withdraw(user, record)
    rooms.history.set_feedback(version.thread, version.number, None)
    return "Taken back; I no longer count it."
