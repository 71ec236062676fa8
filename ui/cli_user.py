"""`burnish user`: who may log in to an app that is served with `--auth`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ui.terminal import RefusedError, put

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Say who may log in to an app that is served to others.

    \b
    Examples:
      burnish user add anna
      burnish user add ben --admin --file team.json
      burnish serve --host 0.0.0.0 --auth team.json
    """,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name to log in with, and of the taste.")]
FileOption = Annotated[Path, typer.Option("--file", metavar="FILE", help="Where users are kept; only you may read it.")]


@app.command()
def add(
    name: NameArgument,
    file: FileOption = Path("users.json"),
    admin: Annotated[bool, typer.Option("--admin", help="May also change the settings that hold for all.")] = False,
) -> None:
    """Add a person, or give one a new password; it is asked for, or read from stdin when that is no terminal."""
    from ui.accounts import account, change

    if sys.stdin.isatty():
        password = typer.prompt(f"Password for {name}", hide_input=True, err=True)
        if typer.prompt("Once more", hide_input=True, err=True) != password:
            raise RefusedError("The two passwords differ; nothing was changed. Try it again.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    change(file, name, account(password, admin))
    put(f"{name} may log in; start the app with: burnish serve --auth {file}")


@app.command()
def remove(name: NameArgument, file: FileOption = Path("users.json")) -> None:
    """Take a person out; what was learned from them stays until `burnish taste forget --all --user NAME`."""
    from ui.accounts import change

    change(file, name, None)
    put(f"{name} may no longer log in.")


@app.command("list")
def show(file: FileOption = Path("users.json")) -> None:
    """Show who may log in."""
    from ui.accounts import read

    users = read(file)
    put("\n".join(f"{name}{'  (admin)' if user.admin else ''}" for name, user in users.items()) or "Nobody yet.")
