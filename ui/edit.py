"""`burnish edit`: a conversation over one photo, from the command line."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ui.output import planned_output
from ui.terminal import RefusedError, answer, console, follow, put, put_json, settings

if TYPE_CHECKING:
    from agent.plan import Plan

#: Longest message, in characters.
MAX_TEXT: Final = 4000

#: Commands that only talk about the photo.
_TALK: Final = frozenset({"help", "compare", "export"})


def checked(text: str) -> str:
    """A message as the agent gets it. Raises `RefusedError` when it is empty, far too long or not Unicode."""
    if len(text) > MAX_TEXT:
        raise RefusedError(f"That message has {len(text)} characters; say it in at most {MAX_TEXT}.")
    if not text.strip():
        raise RefusedError('The message is empty; say what you want, for example "a bit warmer".')
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RefusedError("The message has characters that are not valid Unicode; type it again.") from error
    return text.strip()


def edit_photo(
    photo: Path,
    texts: list[str],
    *,
    reference: tuple[Path, ...] = (),
    out: Path | None,
    user: str,
    picked: str,
    feedback: Literal["like", "dislike"] | None,
    as_json: bool,
    overwrite: bool,
    how: dict[str, Any],
) -> None:
    """Run every text as a turn, then write the result, saved as `how` says. Nothing is written unless all worked.

    `reference`: pictures that the first turn looks like; without any there must be a text.
    """
    turns = [checked(text) for text in texts] or [""]
    place = planned_output(photo, out, overwrite)
    asyncio.run(_edit(photo, turns, reference, place, user, picked, feedback, as_json, {**how, "overwrite": overwrite}))


def _only_talk(plan: "Plan | None") -> bool:
    """True for a turn that is no reason to write a file."""
    if plan is None:
        return False
    named = plan.tree is not None and plan.tree.act == "rename"
    alike = plan.likeness is not None and not (plan.likeness.given or plan.likeness.look)
    return plan.kind == "question" or plan.command in _TALK or named or alike


async def _edit(
    photo: Path,
    texts: list[str],
    reference: tuple[Path, ...],
    out: Path,
    user: str,
    picked: str,
    feedback: Literal["like", "dislike"] | None,
    as_json: bool,
    how: dict[str, Any],
) -> None:
    from agent.oneshot import regions
    from agent.studio import Studio

    screen = console()
    turns: list[dict[str, Any]] = []
    changing = False
    async with await Studio.open(settings()) as studio:
        began = time.perf_counter()
        with screen.status("Looking at the photo …"):
            opened = await studio.start(photo, user)
        stages = {"open": time.perf_counter() - began}
        screen.print(opened.summary, style="dim", markup=False)
        for i, text in enumerate(texts):
            if len(texts) > 1:
                screen.print(f"“{text}”", style="italic", markup=False)
            result = await follow(studio.turn(opened.thread, text, picked, reference=() if i else reference), screen)
            plan = result.plan
            if plan is not None and not plan.edits and plan.likeness is None and (plan.kind == "none" or plan.question):
                raise RefusedError(
                    result.answer or f"I could not make out what to change in “{text[:60]}”; say it differently."
                )
            answer(result, screen)
            changing = changing or not _only_talk(plan)
            turns.append(
                {"text": text, "answer": result.answer, "plan": plan and plan.label(), "version": result.version}
            )
        said = ""
        if feedback:
            said = (await follow(studio.feedback(opened.thread, feedback), screen)).answer
            screen.print(said, style="bold", markup=False)
        began = time.perf_counter()
        written = await studio.export(opened.thread, out, **how) if changing else None
        stages["export"] = time.perf_counter() - began
        seen = await regions(studio, opened.thread) if as_json else []
    if not as_json:
        put(str(written) if written else result.answer)
        return
    put_json(
        {
            "photo": {"name": photo.name, "sha256": opened.photo, "width": opened.width, "height": opened.height},
            "turns": turns,
            "plan": result.plan and result.plan.label(),
            "recipe": result.recipe.model_dump(mode="json"),
            "regions": seen,
            "changes": [change.model_dump() for change in result.changes],
            "measured": {"before": result.measured_before, "after": result.measured_after},
            "review": result.review,
            "seconds": {**result.seconds, **{name: round(took, 4) for name, took in stages.items()}},
            "answer": result.answer,
            "feedback": said or None,
            "memory_used": list(result.memory_used),
            "memory_thumbnails": [str(path) for path in result.memory_thumbnails],
            "thread": opened.thread,
            "version": result.version,
            "output": str(written) if written else None,
        }
    )
