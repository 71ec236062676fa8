"""What the command line shows: steps and answers on stderr, results on stdout, errors as one sentence."""

import json
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from models.errors import BurnishError
from ui.words import change_rows, seconds

if TYPE_CHECKING:
    from rich.console import Console

    from agent.events import Event, Result
    from agent.settings import Settings


class RefusedError(BurnishError):
    """What was typed cannot be done; the text says what to type instead."""


def console(*, quiet: bool = False) -> "Console":
    """Where people look: stderr, in colour when it is a terminal."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet, highlight=False, emoji=False)


def fail(sentence: str) -> None:
    """One sentence on stderr, on one line."""
    print(f"burnish: {' '.join(sentence.split())}", file=sys.stderr)


def put(text: str) -> None:
    """A result on stdout."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def put_json(value: Any) -> None:
    """One JSON value on stdout, on one line."""
    put(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")))


def selected(at: str | None, box: str | None) -> str:
    """The selection of `--at X,Y` or `--box X0,Y0,X1,Y1` in percent; empty without. Raises `RefusedError`."""
    said = at if at is not None else box
    if said is None:
        return ""
    if at is not None and box is not None:
        raise RefusedError("Give either --at or --box, not both.")
    try:
        numbers = [float(part) / 100 for part in said.split(",")]
    except ValueError:
        numbers = []
    option, wanted, example = ("--at", 2, "40,60") if at is not None else ("--box", 4, "20,30,60,90")
    if len(numbers) != wanted or not all(0 <= n <= 1 for n in numbers):
        raise RefusedError(f"{option} takes {wanted} numbers in percent of the photo, as in {option} {example}.")
    from agent import picking

    return (picking.point if at is not None else picking.box)(*numbers).name


async def follow(events: "AsyncIterator[Event]", screen: "Console") -> "Result":
    """Show a turn while it runs; returns its result. Raises `RefusedError` with the sentence of a turn that failed."""
    from rich.text import Text

    from agent.events import Failed, Note, Result, Step

    result: Result | None = None
    with screen.status("Starting …", spinner="dots") as status:
        async for event in events:
            if isinstance(event, Step) and event.state == "running":
                status.update(Text(event.text))
            elif isinstance(event, Step):
                screen.print(Text.assemble(("✓ ", "green"), event.text, (f"  {seconds(event.seconds)}", "dim")))
            elif isinstance(event, Note):
                screen.print(Text.assemble(("· ", "yellow"), event.text))
            elif isinstance(event, Failed):
                raise RefusedError(event.text)
            else:
                result = event
    if result is None:
        raise RefusedError("The turn ended without an answer; try it again.")
    return result


def answer(result: "Result", screen: "Console") -> None:
    """The answer of a turn and the table of what changed."""
    from rich.table import Table
    from rich.text import Text

    screen.print(Text(result.answer, style="bold"))
    rows = change_rows(result.changes)
    if rows:
        table = Table("changed", "asked", "measured", box=None, header_style="dim", padding=(0, 2))
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*row)
        screen.print(table)
    for memory in result.memory_used:
        screen.print(Text.assemble(("♥ ", "red"), f"from {memory}"))


def settings() -> "Settings":
    """The settings of this installation. Raises `RefusedError` naming the environment variable that is wrong."""
    from pydantic import ValidationError

    from agent.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "BURNISH_" + "_".join(str(part) for part in first["loc"]).upper()
        raise RefusedError(f"{name} is set wrongly: {first['msg']}; correct it or unset it.") from error
