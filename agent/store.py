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

from models.errors import ConversationError, PhotoError

_SHA = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_CHUNK = 1 << 20


class Store:
    """Blobs under `folder`. Safe for several processes and threads at once."""

    def __init__(self, folder: Path):
        self.folder = folder

    def put(self, data: bytes, suffix: str) -> str:
        """Keep `data`; returns its sha256. Keeping the same bytes again costs nothing."""
        sha = hashlib.sha256(data).hexdigest()
        place = self._place(sha, suffix)
        if not place.exists():
            _write(place, data)
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
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(draft, place)
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
        raise ConversationError("A stored picture of this conversation is missing; open the photo again.")

    def __contains__(self, sha: str) -> bool:
        return bool(_SHA.fullmatch(sha)) and any((self.folder / sha[:2]).glob(f"{sha}*"))

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
        return freed

    def _place(self, sha: str, suffix: str) -> Path:
        return self.folder / sha[:2] / f"{sha}{suffix if _SUFFIX.fullmatch(suffix) else ''}"


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
