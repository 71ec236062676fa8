"""`burnish look`: what is seen in a photo."""

from pathlib import Path
from typing import TYPE_CHECKING

from ui.output import new_file
from ui.terminal import RefusedError, put, put_json
from ui.words import attribute_name, points, region_name

if TYPE_CHECKING:
    from tools.perceive import Scene


def look_at(photo: Path, *, as_json: bool, masks: Path | None, overlay: Path | None, overwrite: bool) -> None:
    """Print the scene, and write masks and the overlay where asked."""
    from agent.oneshot import look, save_masks, save_overlay

    if masks is not None and masks.exists() and not masks.is_dir():
        raise RefusedError(f"{masks} is a file; --masks takes a folder.")
    if overlay is not None:
        if overlay.suffix.lower() != ".png":
            raise RefusedError(f"{overlay.name} should end in .png.")
        new_file(overlay, overwrite)
    view = look(photo)
    written = save_masks(view, masks, overwrite=overwrite) if masks is not None else {}
    if overlay is not None:
        save_overlay(view, overlay, overwrite=overwrite)
    scene = view.seen.scene
    if as_json:
        extra = {"masks": {name: str(path) for name, path in written.items()}} if masks is not None else {}
        put_json({**scene.model_dump(mode="json"), **extra, **({"overlay": str(overlay)} if overlay else {})})
    else:
        put(in_words(scene))


def in_words(scene: "Scene") -> str:
    """A scene for people: what it is, its regions, what could be better, what to ask for."""
    lines = [scene.summary, f"{scene.width} × {scene.height} pixels", ""]
    for seen in scene.regions:
        values = ", ".join(f"{attribute_name(k)} {points(v)}" for k, v in seen.attributes.items())
        lines.append(f"  {region_name(seen.name):<14} {seen.area:>6.1%}  {values}")
    if scene.critique:
        lines += ["", "What could be better:", *(f"  - {text}" for text in scene.critique)]
    if scene.suggestions:
        lines += ["", "You could say:", *(f'  "{text}"' for text in scene.suggestions)]
    return "\n".join(lines)
