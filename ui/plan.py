"""`burnish plan`: how sentences are understood."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from agent.plan import WORD_SIZES, Amount, Edit, Plan, PlanContext
from models.errors import BurnishError
from ui.edit import checked
from ui.terminal import RefusedError, fail, put, put_json, settings
from ui.words import attribute_name, region_name

if TYPE_CHECKING:
    from agent.planner import Planner

    #: Words of a message and the edit they led to.
    Reasons = Sequence[tuple[str, Edit]]

_UNITS = {"stop": " stops", "kelvin": " K", "percent": " %", "unit": ""}


def plan_one(text: str, *, explain: bool) -> None:
    """Print the plan of one sentence: JSON on one line, or words."""
    plan = asyncio.run(_planner().plan(checked(text), PlanContext()))
    if explain:
        put(in_words(plan, _reasons(text)))
    else:
        put_json(plan.label())
    if plan.note:
        print(plan.note, file=sys.stderr)


def plan_batch(rows: Path, *, explain: bool) -> None:
    """One plan per row `{id, text, context?}`, in order, the row's id kept. Bad rows are named on stderr.

    Raises `RefusedError` at the end when there were bad rows.
    """
    if bad := asyncio.run(_batch(rows, explain)):
        raise RefusedError(f"{bad} rows could not be read; correct them and run the batch again.")


async def _batch(rows: Path, explain: bool) -> int:
    planner, bad = _planner(), 0
    with ExitStack() as stack:
        for number, line in enumerate(_lines(rows, stack), 1):
            if not line.strip():
                continue
            try:
                row = _row(line)
                context = PlanContext.model_validate(row.get("context") or {})
                plan = await planner.plan(str(row["text"]), context)
            except (BurnishError, ValueError) as error:
                fail(f"Row {number}: {str(error).splitlines()[0]}")
                bad += 1
                continue
            put_json(
                {
                    "id": row.get("id"),
                    **({"explained": in_words(plan, _reasons(str(row["text"])))} if explain else plan.label()),
                }
            )
    return bad


def _planner() -> "Planner":
    from agent.planner import choose

    chosen = settings()
    return choose(chosen.llm_url, chosen.llm_model, chosen.llm_timeout)


def _reasons(text: str) -> "Reasons":
    """The words behind each edit; only the embedded planner can tell."""
    from agent.planner import explain

    return [] if settings().served else explain(text)


def _lines(rows: Path, stack: ExitStack) -> Iterator[str]:
    if str(rows) == "-":
        return iter(sys.stdin)
    try:
        file: IO[str] = stack.enter_context(rows.open(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise RefusedError(f"{rows} cannot be read: {error.strerror}; give a file with one JSON row a line.") from error
    return iter(file)


def _row(line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RefusedError('is not JSON; write {"id": …, "text": …} on one line.') from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise RefusedError('has no text; write {"id": …, "text": …} on one line.')
    return row


def in_words(plan: Plan, because: "Reasons" = ()) -> str:
    """A plan for people, a line an edit.

    >>> print(in_words(Plan(kind="strong", edits=(Edit(region="sky", attribute="saturation", amount="slight"),))))
    a strong request
      Sky: more saturation, slightly (12 %)
    """
    lines = [f"a {plan.kind} request" if plan.kind in ("strong", "weak", "style") else plan.kind]
    if plan.style:
        lines.append(f"  look: {plan.style}")
    for edit in plan.edits:
        words = next((words for words, found in because if found == edit), "")
        lines.append(f"  {region_name(edit.region)}: {_edit(edit)}{f'   ← “{words}”' if words else ''}")
    lines += [f"  leave alone: {', '.join(region_name(r).lower() for r in plan.protect)}"] if plan.protect else []
    lines += [f"  command: {plan.command}"] if plan.command else []
    lines += (
        [f"  not possible: {', '.join(o.replace('_', ' ') for o in plan.out_of_scope)}"] if plan.out_of_scope else []
    )
    lines += [f"  question: {plan.question} ({' / '.join(plan.options)})"] if plan.question else []
    return "\n".join(lines)


def _edit(edit: Edit) -> str:
    what = attribute_name(edit.attribute)
    way = "more" if edit.direction > 0 else "less"
    if isinstance(edit.amount, Amount):
        size = f"{edit.amount.value:g}{_UNITS[edit.amount.unit]}"
        return f"{what} to {size}" if edit.amount.absolute else f"{way} {what}, by {size}"
    if isinstance(edit.amount, str):
        word = {"slight": "slightly", "medium": "clearly", "strong": "strongly"}[edit.amount]
        return f"{way} {what}, {word} ({WORD_SIZES[edit.amount]:.0%})".replace("%)", " %)")
    return f"{way} {what}, by {edit.amount:g} %"
