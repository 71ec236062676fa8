"""`burnish look`: what is seen in a photo."""

from pathlib import Path

from models.errors import ServerError
from ui.output import new_file
from ui.terminal import RefusedError, fail, put, put_json


def look_at(
    photo: Path, *, as_json: bool, masks: Path | None, overlay: Path | None, picked: str, overwrite: bool
) -> None:
    """Print the scene, and write masks and the overlay where asked; `picked` is a selection to show as well."""
    from agent import appraisal
    from agent.oneshot import in_words, look, opinion, save_masks, save_overlay

    if masks is not None and masks.exists() and not masks.is_dir():
        raise RefusedError(f"{masks} is a file; --masks takes a folder.")
    if overlay is not None:
        if overlay.suffix.lower() != ".png":
            raise RefusedError(f"{overlay.name} should end in .png.")
        new_file(overlay, overwrite)
    view = look(photo)
    written = save_masks(view, masks, picked=picked, overwrite=overwrite) if masks is not None else {}
    if overlay is not None:
        save_overlay(view, overlay, picked=picked, overwrite=overwrite)
    scene = view.seen.scene
    try:
        said = opinion(view)
    except ServerError as error:
        said = None
        fail(f"{error} The photo was looked at without it.")
    if as_json:
        extra = {"masks": {name: str(path) for name, path in written.items()}} if masks is not None else {}
        opined = {"opinion": said.model_dump(mode="json")} if said else {}
        put_json({**scene.model_dump(mode="json"), **extra, **({"overlay": str(overlay)} if overlay else {}), **opined})
    else:
        put(in_words(view))
        if said is not None:
            put(f"\n{appraisal.in_words(said)}")
