"""The `burnish` command: thin over `agent` and `memory`. Everything heavy is imported only when a command needs it."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from models.errors import BurnishError
from ui import cli_taste, cli_user
from ui.terminal import RefusedError, fail
from ui.words import DEFAULT_USER

app = typer.Typer(
    name="burnish",
    no_args_is_help=True,
    add_completion=False,
    # Plain help: rich's takes 0.15 s longer to import and draw.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.add_typer(cli_taste.app, name="taste")
app.add_typer(cli_user.app, name="user")

PhotoArgument = Annotated[Path, typer.Argument(metavar="PHOTO", help="A JPEG, PNG, TIFF or WebP file.")]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="OUT", help="Where to write; the suffix chooses the format."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace OUT when it is there already.")]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="X,Y", help="What “this” means: a point, in percent of width and height.")
]
BoxOption = Annotated[
    str | None, typer.Option("--box", metavar="X0,Y0,X1,Y1", help="What “this” means: a box, in percent.")
]
QualityOption = Annotated[
    int, typer.Option("--quality", min=1, max=100, help="Of a JPEG or WebP; 92 is nearly perfect.")
]
BitsOption = Annotated[
    Literal["8", "16"] | None, typer.Option("--bits", help="Bits a channel of a PNG or TIFF; as the photo without it.")
]
EdgeOption = Annotated[
    int | None, typer.Option("--long-edge", metavar="PIXELS", help="Make it smaller; full size without it.")
]
SrgbOption = Annotated[bool, typer.Option("--srgb", help="Convert to sRGB, which every screen shows right.")]
MetadataOption = Annotated[
    Literal["keep", "no-place", "none"],
    typer.Option("--metadata", help="EXIF, XMP and IPTC: all, all but where it was taken, or none."),
]
UserOption = Annotated[str, typer.Option("--user", metavar="NAME", help="Whose taste is used and learned.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"burnish {version('burnish')}")
        except PackageNotFoundError:
            typer.echo("burnish (not installed)")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """A photo retoucher you talk to, and that learns your taste.

    \b
    Open it in the browser:
      burnish serve
    Or say what you want right here:
      burnish edit beach.jpg "make the sky a bit bluer and brighten the people"

    Originals are never changed. Nothing leaves this machine unless BURNISH_LLM_URL names a language model server.
    What Burnish keeps lies in your user data folder, or all of it under BURNISH_HOME when that is set.
    """


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; the default is this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    browser: Annotated[bool, typer.Option("--open", help="Open it in the browser as well.")] = False,
    auth: Annotated[
        Path | None, typer.Option("--auth", metavar="FILE", help="Who may log in: what `burnish user add` wrote.")
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Serve everybody who reaches the address, without a login.")
    ] = False,
) -> None:
    """Open the app in the browser.

    Only this machine is served unless --host names another address, and then only people who log in.

    \b
    Examples:
      burnish serve
      burnish serve --port 8000 --open
      burnish user add anna && burnish serve --host 0.0.0.0 --auth users.json
      BURNISH_LLM_URL=http://127.0.0.1:8000/v1 BURNISH_LLM_MODEL=my-model burnish serve
    """
    from ui.server import run

    run(host=host, port=port, browser=browser, auth=auth, open_to_all=open_to_all)


@app.command()
def edit(
    photo: PhotoArgument,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="What you want; each TEXT is a turn.", show_default=False)
    ] = None,
    out: OutOption = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option("--reference", metavar="PICTURE", help="A picture to look like; several are averaged."),
    ] = None,
    user: UserOption = DEFAULT_USER,
    at: AtOption = None,
    box: BoxOption = None,
    feedback: Annotated[
        Literal["like", "dislike"] | None, typer.Option(help="Tell Burnish what you think; it learns from that.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with everything measured.")] = False,
    overwrite: OverwriteOption = False,
    quality: QualityOption = 92,
    bits: BitsOption = None,
    long_edge: EdgeOption = None,
    srgb: SrgbOption = False,
    metadata: MetadataOption = "keep",
) -> None:
    """Retouch a photo with words; the result is a new file of full size.

    Without -o it is written beside PHOTO as NAME-burnished with the same suffix. Nothing is overwritten unless you say
    so. Steps go to stderr, the path of the new file (or the JSON) to stdout.

    \b
    Examples:
      burnish edit beach.jpg "make the sky a bit bluer and brighten the people"
      burnish edit beach.jpg "warmer" "a bit less" "brighten her face by 30" -o out.png
      burnish edit party.jpg "my usual" --user anna
      burnish edit party.jpg "make this brighter" --at 40,60
      burnish edit beach.jpg --reference film-still.jpg "like this, but less green, and call it Friday"
      burnish edit party.jpg "in my Friday look"
      burnish edit beach.jpg "more contrast" --feedback like      (remembered for "my usual")
      burnish edit beach.jpg "my usual" -o web.jpg --long-edge 2048 --srgb --metadata no-place
      burnish edit beach.jpg "less noise" --json > beach.json     (then: burnish apply beach.json other.jpg)
    """
    if not texts and not reference:
        raise typer.BadParameter(
            'Say what you want, as in: burnish edit beach.jpg "a bit warmer", or give a --reference'
        )
    from ui.edit import edit_photo
    from ui.output import saving
    from ui.terminal import selected

    edit_photo(
        photo,
        texts or [],
        reference=tuple(reference or ()),
        out=out,
        user=user,
        picked=selected(at, box),
        feedback=feedback,
        as_json=as_json,
        overwrite=overwrite,
        how=saving(quality, int(bits) if bits else None, long_edge, srgb, metadata),
    )


@app.command()
def plan(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What a person might say.")] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="IN.jsonl", help="Rows {id, text, context?} instead of TEXT; - reads from stdin."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say it in words instead of JSON.")] = False,
) -> None:
    """Show how a sentence is understood, without touching a photo.

    \b
    Examples:
      burnish plan "make the sky a bit bluer but leave her skin alone"
      burnish plan --explain "warmer, and two stops brighter in the shadows"
      burnish plan --batch requests.jsonl > plans.jsonl
    """
    from ui.plan import plan_batch, plan_one

    if (text is None) == (batch is None):
        raise RefusedError('Give either a TEXT or --batch IN.jsonl, as in: burnish plan "a bit warmer".')
    if batch is not None:
        plan_batch(batch, explain=explain)
    elif text is not None:
        plan_one(text, explain=explain)


@app.command()
def look(
    photo: PhotoArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole scene as one JSON object.")] = False,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a grey PNG of every region, of full size, into DIR.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Write the photo with its regions in colour.")
    ] = None,
    at: AtOption = None,
    box: BoxOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")] = False,
) -> None:
    """Say what is seen in a photo and what to ask for.

    \b
    Examples:
      burnish look beach.jpg
      burnish look beach.jpg --overlay regions.png
      burnish look beach.jpg --json --masks masks/
      burnish look beach.jpg --at 40,60 --overlay selected.png     (what "this" would mean there)
    """
    from ui.look import look_at
    from ui.terminal import selected

    picked = selected(at, box)
    look_at(photo, as_json=as_json, masks=masks, overlay=overlay, picked=picked, overwrite=overwrite)


@app.command()
def apply(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.json", help="A recipe, or what `edit --json` printed.")],
    photo: PhotoArgument,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    quality: QualityOption = 92,
    bits: BitsOption = None,
    long_edge: EdgeOption = None,
    srgb: SrgbOption = False,
    metadata: MetadataOption = "keep",
) -> None:
    """Render a saved recipe on a photo.

    On the photo it was made for, the bytes come out the same.

    \b
    Examples:
      burnish apply recipe.json beach.jpg -o again.jpg
      for f in *.jpg; do burnish apply recipe.json "$f"; done
    """
    from agent.oneshot import apply_recipe
    from ui.output import planned_output, saving
    from ui.terminal import put

    how = saving(quality, int(bits) if bits else None, long_edge, srgb, metadata)
    put(str(apply_recipe(recipe, photo, planned_output(photo, out, overwrite), overwrite=overwrite, **how)))


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exits with 0, 1 (cannot be done), 2 (typed wrongly), 70 (our fault) or 130 (stopped)."""
    # Results are UTF-8 wherever they are piped to; a terminal that lacks a sign shows "?".
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        return int(app(arguments, prog_name="burnish", standalone_mode=False) or 0)
    except BurnishError as error:
        fail(str(error))
        return 1
    except (KeyboardInterrupt, typer.Abort):
        fail("Stopped; nothing was written.")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep the interpreter from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        fail(f"{error.filename or 'A file'}: {error.strerror or error}; check the path and try again.")
        return 1
    except Exception as error:
        message = getattr(error, "format_message", None)  # a usage error of the argument parser, whatever its version
        if message is None:
            return _fault(error)
        text = str(message())
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(text)
            return 0
        command = getattr(getattr(error, "ctx", None), "command_path", "burnish")
        fail(f"{text.rstrip('.')}; see '{command} --help'.")
        return 2


def _fault(error: Exception) -> int:
    """A fault of ours: one sentence for the person, the traceback only when asked for."""
    if os.environ.get("BURNISH_DEBUG"):
        import traceback

        traceback.print_exception(error)
    fail(f"Burnish broke ({type(error).__name__}: {error}); run it again with BURNISH_DEBUG=1 to see where.")
    return 70


if __name__ == "__main__":
    main()
