"""A content-addressed store: photos and previews by the sha256 of their bytes; nothing is kept twice or changed.

A blob is one file ``blobs/ab/ab12….png``; its suffix is for people and for programs that look at names. Files are
written beside their place and renamed into it: a reader sees all of a blob or none of it, also after a crash.
"""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import ConversationError, PhotoError

if TYPE_CHECKING:
    from agent.depot import Depot

_SHA = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_CHUNK = 1 << 20


class Store:
    """Blobs under `folder`. Safe for several processes and threads at once.

    `depot`: where they are kept for all hosts; `folder` is then this host's cache of it.
    """

    def __init__(self, folder: Path, depot: "Depot | None" = None):
        self.folder = folder
        self.depot = depot

    def put(self, data: bytes, suffix: str) -> str:
        """Keep `data`; returns its sha256. Keeping the same bytes again costs nothing."""
        sha = hashlib.sha256(data).hexdigest()
        place = self._place(sha, suffix)
        if not _fresh(place):
            _write(place, data)
        self._share(sha, place)
        return sha

    def put_file(self, path: Path, limit: int) -> str:
        """Copy a file of at most `limit` bytes in, without ever holding it whole; returns its sha256.

        Raises `PhotoError` when it cannot be read, is no plain file or is larger.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{uuid.uuid4().hex}"
        digest, size = hashlib.sha256(), 0
        try:
            if not path.is_file():
                what = "a folder" if path.is_dir() else "not there" if not path.exists() else "not a plain file"
                raise PhotoError(f"{path.name or path} is {what}; choose a photo file.")
            with path.open("rb") as source, draft.open("wb") as copy:
                while chunk := source.read(_CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise PhotoError(f"{path.name} is larger than {limit >> 20} MB; choose a smaller file.")
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            sha = digest.hexdigest()
            place = self._place(sha, path.suffix.lower())
            if not _fresh(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(draft, place)
            self._share(sha, place)
            return sha
        except OSError as error:
            raise PhotoError(f"{path.name} cannot be read: {error.strerror or error}.") from error
        finally:
            draft.unlink(missing_ok=True)

    def path(self, sha: str) -> Path:
        """Where a blob lies. Raises `ConversationError` when it is gone."""
        if _SHA.fullmatch(sha):
            found = sorted((self.folder / sha[:2]).glob(f"{sha}*"))
            if found:
                return found[0]
            if self.depot is not None and (fetched := self._fetch(self.depot, sha)):
                return fetched
        raise ConversationError("A stored picture of this conversation is missing; open the photo again.")

    def __contains__(self, sha: str) -> bool:
        if not _SHA.fullmatch(sha):
            return False
        here = any((self.folder / sha[:2]).glob(f"{sha}*"))
        return here or (self.depot is not None and self.depot.suffix(sha) is not None)

    def collect(self, referenced: Collection[str], *, older_than: float = 3600.0) -> int:
        """Delete blobs that nothing refers to and drafts left by a crash; returns the bytes freed.

        Blobs younger than `older_than` seconds stay: a turn may be about to refer to them.
        """
        freed = 0
        latest = time.time() - older_than
        keep = frozenset(referenced)
        for file in [*self.folder.glob("??/*"), *self.folder.glob(".*")]:
            try:
                facts = file.stat()
                if file.is_file() and file.name[:64] not in keep and facts.st_mtime <= latest:
                    file.unlink()
                    freed += facts.st_size
            except FileNotFoundError:  # another process collects too
                continue
        if self.depot is not None:
            freed += self.depot.collect(keep, older_than=older_than)
        return freed

    def close(self) -> None:
        """Close the connection to the depot, if there is one."""
        if self.depot is not None:
            self.depot.close()

    def _share(self, sha: str, place: Path) -> None:
        if self.depot is not None:
            self.depot.put(sha, place.suffix, place)

    def _fetch(self, depot: "Depot", sha: str) -> Path | None:
        """Bring a blob from the depot; None when it has none, or another than its hash says."""
        suffix = depot.suffix(sha)
        if suffix is None:
            return None
        place = self._place(sha, suffix)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{uuid.uuid4().hex}")
        try:
            if not depot.fetch(sha, draft):
                return None
            os.replace(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        return place

    def _place(self, sha: str, suffix: str) -> Path:
        return self.folder / sha[:2] / f"{sha}{suffix if _SUFFIX.fullmatch(suffix) else ''}"


def _fresh(place: Path) -> bool:
    """True when a blob is there; its age begins anew, so that nobody collects what is about to be referred to."""
    try:
        os.utime(place)
    except FileNotFoundError:
        return False
    return True


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{uuid.uuid4().hex}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, place)
    finally:
        draft.unlink(missing_ok=True)
