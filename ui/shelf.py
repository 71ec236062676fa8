"""The files a browser may fetch: previews and exports, linked into a private folder of this process and no other place.

Gradio serves whatever lies in its cache folder to anyone who knows the path. So the cache belongs to this process alone,
every conversation has a folder there whose name cannot be guessed, and `ui.gate` hands its files to its owner only; photos
themselves never enter it.
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Collection
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


def folder(cache: Path, owner: str) -> Path:
    """A new folder in the cache for one conversation of `owner` (`ui.visitors`); its name ends in 192 random bits."""
    place = cache / f"c-{owner}-{secrets.token_urlsafe(24)}"
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


def publish_memory(picture: Path | bytes, name: str, user: str, place: Path) -> str:
    """Make the picture of a memory of `user` fetchable under `place`, so that `sweep` finds it; returns the path there.

    `picture`: a file, or the bytes of a JPEG; `name`: what it is known by, as its sha256.
    """
    copy = place / f"taste-{_sign(user)}-{name}{picture.suffix if isinstance(picture, Path) else '.jpg'}"
    if not copy.exists():
        # Copied, never linked: the file may be deleted while it is shown.
        copy.write_bytes(picture.read_bytes() if isinstance(picture, Path) else picture)
    return str(copy)


def sweep(cache: Path, user: str, kept: Collection[str]) -> int:
    """Delete the published pictures of memories of `user` but those named `kept`, and exports; returns how many went."""
    sign = _sign(user)
    shown = [*cache.glob(f"c-*/taste-{sign}-*"), *cache.glob("c-*/burnish-taste.json")]
    gone = [file for file in shown if file.stem.removeprefix(f"taste-{sign}-") not in kept]
    for file in gone:
        file.unlink(missing_ok=True)
    return len(gone)


def _sign(user: str) -> str:
    return hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()[:12]


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
