"""Where the command line writes: beside the photo by default, never over anything unless told."""

import os
import tempfile
from pathlib import Path
from typing import Any, Final

from ui.terminal import RefusedError

#: Suffixes a result can be written with.
SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")


def saving(
    quality: int = 92, bits: int | None = None, long_edge: int | None = None, srgb: bool = False, metadata: str = "keep"
) -> dict[str, Any]:
    """How a result is saved, as `tools.photo.save_photo` takes it.

    >>> saving(metadata="no-place")["gps"], saving(metadata="none")["metadata"], saving(srgb=True)["profile"]
    (False, False, 'srgb')
    """
    return {
        "quality": quality, "bits": bits, "long_edge": long_edge, "profile": "srgb" if srgb else None,
        "metadata": metadata != "none", "gps": metadata == "keep",
    }  # fmt: skip


def planned_output(photo: Path, out: Path | None, overwrite: bool) -> Path:
    """The path a result goes to, checked before any work is done. Raises `RefusedError` with what to do instead."""
    if out is None:
        suffix = photo.suffix if photo.suffix.lower() in SUFFIXES else ".jpg"
        out = photo.with_name(f"{photo.stem}-burnished{suffix}")
    elif out.is_dir():
        out = out / f"{photo.stem}-burnished{photo.suffix}"
    if out.suffix.lower() not in SUFFIXES:
        raise RefusedError(
            f"{out.name} should end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}; the suffix chooses the format."
        )
    if out.exists() and photo.exists() and out.samefile(photo):
        raise RefusedError(f"{out.name} is the original, which Burnish never writes to; choose another -o.")
    return new_file(out, overwrite)


def new_file(out: Path, overwrite: bool) -> Path:
    """`out`, when a file can be made there. Raises `RefusedError` otherwise."""
    if out.exists() and not overwrite:
        raise RefusedError(f"{out} is there already; choose another name or add --overwrite.")
    if not out.parent.is_dir():
        raise RefusedError(f"There is no folder {out.parent}; make it first or choose another place.")
    try:
        # Tried, not asked: permissions alone do not tell of read-only and special file systems.
        tempfile.TemporaryFile(dir=out.parent).close()
    except OSError as error:
        raise RefusedError(f"{out} cannot be written ({error.strerror}); choose another place with -o.") from error
    if out.exists() and not os.access(out, os.W_OK):
        raise RefusedError(f"{out} is protected against writing; choose another name.")
    return out
