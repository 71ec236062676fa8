"""The files a browser may fetch: previews and exports, linked into a private folder of this process and no other place.

Gradio serves whatever lies in its cache folder to anyone who knows the path. So the cache belongs to this process alone,
and every conversation has a folder there whose name cannot be guessed; photos themselves never enter it.
"""

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path

#: Name of the environment variable from which Gradio takes its cache folder, at import.
CACHE_VARIABLE = "GRADIO_TEMP_DIR"


def open_cache(home: Path) -> Path:
    """A fresh private cache folder under `home` for this process; those of processes that are gone are removed."""
    root = home.resolve() / "cache"
    root.mkdir(parents=True, exist_ok=True)
    for old in root.glob("app-*"):
        owner = old.name.split("-")[1]
        if owner.isdigit() and int(owner) != os.getpid() and not _alive(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    place = root / f"app-{os.getpid()}-{secrets.token_hex(4)}"
    place.mkdir(mode=0o700)
    return place


def close_cache(place: Path) -> None:
    """Remove the folder and all that was published in it, also while an event that was cut off still writes there."""
    for _ in range(50):
        shutil.rmtree(place, ignore_errors=True)
        if not place.exists():
            return
        time.sleep(0.1)


def folder(cache: Path) -> Path:
    """A new folder in the cache for one conversation; its name is 192 random bits."""
    place = cache / f"c-{secrets.token_urlsafe(24)}"
    place.mkdir(mode=0o700)
    return place


def publish(file: Path, place: Path) -> str:
    """Make `file` fetchable under `place`; returns the path there. The same file is linked once."""
    copy = place / file.name
    if not copy.exists():
        try:
            os.link(file, copy)
        except FileExistsError:  # another event published it meanwhile
            pass
        except OSError:  # another file system
            shutil.copyfile(file, copy)
    # Gradio deletes by age of use; a file that is shown again is young again.
    with contextlib.suppress(OSError):
        os.utime(copy)
    return str(copy)


def export_name(photo: str, suffix: str) -> str:
    """The name a download gets: the photo's own, with `-burnished`.

    >>> export_name("../My beach.HEIC.jpg", ".png")
    'My beach.HEIC-burnished.png'
    """
    stem = re.sub(r"[^\w .,()+-]", "_", Path(photo).stem).strip(". ")[:80] or "photo"
    return f"{stem}-burnished{suffix}"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
