"""`burnish taste`: what was learned, and forgetting it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ui.terminal import RefusedError, put, put_json, settings
from ui.words import DEFAULT_USER, attribute_name, points, region_name

if TYPE_CHECKING:
    from agent.rooms import Rooms
    from memory.record import Preference
    from memory.taste import Memory

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""See, move or forget what was learned from you.

    \b
    Examples:
      burnish taste list
      burnish taste show 3f2a81c0
      burnish taste explain beach.jpg
      burnish taste forget 3f2a81c0
      burnish taste export -o my-taste.json
    """,
)

UserOption = Annotated[str, typer.Option("--user", metavar="NAME", help="Whose taste.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]


@app.command("list")
def show_all(user: UserOption = DEFAULT_USER, as_json: JsonOption = False) -> None:
    """List what was liked and disliked, newest first: id, day, feedback, kind of scene, words."""
    with _memory() as memory:
        records = memory.list(user)
    if as_json:
        put_json([_facts(record) for record in records])
    elif not records:
        put(f'Nothing learned for "{user}" yet; like a result in the app, or add --feedback like to burnish edit.')
    else:
        from memory.taste import kinds

        rows = [(r, ", ".join([*kinds([r])][:2])) for r in records]
        wide = max(len(kind) for _, kind in rows)
        put("\n".join(f"{r.id[:8]}  {_day(r)}  {r.feedback:<8}  {kind:<{wide}}  {_what(r)}" for r, kind in rows))


@app.command()
def looks(
    user: UserOption = DEFAULT_USER,
    forget: Annotated[str | None, typer.Option("--forget", metavar="NAME", help="Forget this look for good.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the looks that got a name ("call it Friday"), or forget one.

    \b
    Examples:
      burnish taste looks
      burnish taste looks --forget Friday
    """
    with _memory() as memory:
        gone = memory.forget_look(user, forget) if forget else ""
        kept = memory.looks(user)
    if as_json:
        put_json({name: look.model_dump(mode="json") for name, look in kept.items()})
    elif gone:
        put(f'The look "{gone}" of "{user}" is forgotten.')
    else:
        from_what = {n: f"{k.pictures} pictures" if k.pictures > 1 else k.name for n, k in kept.items()}
        put("\n".join(f"{name}  (from {what})" for name, what in from_what.items()) or f'"{user}" has no looks yet.')


@app.command("show")
def show_one(
    which: Annotated[str, typer.Argument(metavar="ID", help="The beginning of an id from `burnish taste list`.")],
    user: UserOption = DEFAULT_USER,
    as_json: JsonOption = False,
) -> None:
    """Show one memory: the photo it came from and every value that was learned."""
    with _memory() as memory:
        record = _find(memory, user, which)
    if as_json:
        put_json(_facts(record))
        return
    lines = [f"{record.feedback} of {_day(record)}: {_what(record)}", f"id {record.id}"]
    for region, values in record.deviation.items():
        lines.append(f"  {region_name(region)}")
        lines += [f"    {attribute_name(name):<16} {points(value):>4}" for name, value in values.items()]
    put("\n".join(lines))


@app.command()
def explain(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A JPEG, PNG, TIFF or WebP file.")],
    user: UserOption = DEFAULT_USER,
    like: Annotated[
        str | None, typer.Option("--like", metavar="NAME", help="Somebody else's taste, if they shared it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what "my usual" would do to PHOTO, how sure that is, and which memories it comes from.

    \b
    Examples:
      burnish taste explain beach.jpg
      burnish taste explain beach.jpg --like anna
    """
    from agent.learn import expected
    from memory.wording import explanation

    with _rooms() as rooms:
        found = expected(rooms, photo, user, like)
        on = rooms.memory.use_style(user)
    if as_json:
        put_json(
            {
                "use": on, "sentence": found.sentence, "learning": found.learning, "likes": found.likes,
                "others": found.others, "sure": found.sure, "values": found.values, "spread": found.spread,
                "evidence": [{"id": e.record.id, "similarity": e.similarity, "weight": e.weight} for e in found.evidence],
            }
        )  # fmt: skip
        return
    put(explanation(found))
    if not on:
        put(f'It is not used: the taste of "{user}" is turned off; `burnish taste use on` turns it on.')


@app.command()
def use(
    state: Annotated[Literal["on", "off"] | None, typer.Argument(help="Without it: say how it is.")] = None,
    user: UserOption = DEFAULT_USER,
) -> None:
    """Follow what was learned, or do without it from now on."""
    with _memory() as memory:
        on = memory.use_style(user, None if state is None else state == "on")
    put(f'The taste of "{user}" is {"used" if on else "not used"}.')


@app.command()
def share(
    state: Annotated[Literal["on", "off"] | None, typer.Argument(help="Without it: say how it is.")] = None,
    user: UserOption = DEFAULT_USER,
) -> None:
    """Let the other people on this installation borrow this taste, or stop it."""
    with _memory() as memory:
        if state is not None:
            memory.share(user, state == "on")
        on = user in memory.shared()
    put(f'The taste of "{user}" is {"shared" if on else "not shared"} with the others here.')


@app.command()
def forget(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[ID|KIND]", help="The beginning of an id, or a kind of scene such as sunset."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Forget everything of this user.")] = False,
    user: UserOption = DEFAULT_USER,
) -> None:
    """Delete memories for good: one, a kind of scene, or all of them.

    \b
    Examples:
      burnish taste forget 3f2a81c0
      burnish taste forget sunset
      burnish taste forget --all --user anna
    """
    if (which is None) != everything:
        raise RefusedError("Say what to forget: an id from `burnish taste list`, a kind of scene, or --all.")
    with _memory() as memory:
        if which is None:
            count = memory.forget(user, "all")
        else:
            matches = [r.id for r in memory.list(user) if r.id.startswith(which)] if len(which) >= 4 else []
            if len(matches) > 1:
                raise RefusedError(f"{len(matches)} ids begin with {which}; give more of it.")
            # "all" as a word could be a slip; only the flag means everything.
            if which == "all":
                raise RefusedError("To forget everything, write: burnish taste forget --all.")
            count = memory.forget(user, matches[0] if matches else which)
    put(f"Forgot {count} {'memory' if count == 1 else 'memories'} of {user}.")


@app.command("export")
def export_taste(
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUT.json", help="Where to write; stdout without it.")
    ] = None,
    user: UserOption = DEFAULT_USER,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT when it is there already.")] = False,
) -> None:
    """Write everything learned as one JSON file, to keep or to move to another machine."""
    from ui.output import new_file

    if out is not None:
        new_file(out, overwrite)
    with _memory() as memory:
        text = memory.export_json(user)
    if out is None:
        put(text)
    else:
        out.write_text(text, encoding="utf-8")
        put(str(out))


@app.command("import")
def import_taste(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="What `burnish taste export` wrote; - is stdin.")],
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Whose it becomes; the exporting user's without it.")
    ] = None,
) -> None:
    """Take an export in; what is known already is left alone."""
    if file.is_dir():
        raise RefusedError(f"{file} is a folder; give the JSON file that `burnish taste export` wrote.")
    text = sys.stdin.read() if str(file) == "-" else file.read_bytes()
    with _memory() as memory:
        count = memory.import_json(text, user)
    put(f"{count} new {'memory' if count == 1 else 'memories'}.")


@contextmanager
def _rooms() -> "Iterator[Rooms]":
    """The rooms of this installation, closed afterwards."""
    from agent.rooms import Rooms

    rooms = Rooms(settings())
    try:
        yield rooms
    finally:
        rooms.close()


@contextmanager
def _memory() -> "Iterator[Memory]":
    """The memory of this installation, closed afterwards."""
    with _rooms() as rooms:
        yield rooms.memory


def _find(memory: "Memory", user: str, which: str) -> "Preference":
    matches = [record for record in memory.list(user) if record.id.startswith(which)]
    if len(matches) != 1:
        found = "nothing" if not matches else f"{len(matches)} memories"
        raise RefusedError(
            f"{found.capitalize()} of {user} begins with {which[:40]!r}; `burnish taste list` shows the ids."
        )
    return matches[0]


def _facts(record: "Preference") -> dict[str, object]:
    """The record without what only the index needs."""
    data: dict[str, object] = json.loads(record.to_json())
    return {name: value for name, value in data.items() if name not in ("embedding", "style")}


def _day(record: "Preference") -> str:
    from datetime import datetime

    return datetime.fromtimestamp(record.time).strftime("%Y-%m-%d %H:%M")


def _what(record: "Preference") -> str:
    return record.summary or record.kind
