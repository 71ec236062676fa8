"""The Chroma index of scene embeddings: fast candidates for a search, never the truth.

It lives in a folder of its own beside the log and can be thrown away at any time. It is opened by one process at a
time (an operating-system lock; Chroma's `PersistentClient` is not made for two) and trusted only if it was closed
properly: closing writes a manifest with the hash of every file, opening removes it. Anything else (no manifest, another
log, encoder or schema, one changed byte) puts the folder aside and builds a new one from the log. Embeddings are always
passed in; Chroma's own embedding function, which would load a model from the network, is never set.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from memory.log import Log, Row
from models.errors import PreferenceError

#: Layout of the index folder and of the collections.
INDEX_SCHEMA: Final = 1
MANIFEST: Final = "manifest.json"
#: Wide enough that the five nearest of 100 000 clustered embeddings are found (tests/bench/memory.py measures it).
HNSW: Final = {"space": "cosine", "ef_construction": 200, "ef_search": 400, "max_neighbors": 32}
BATCH: Final = 2000


class FolderLock:
    """An exclusive lock between processes; the operating system frees it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """True when this object now holds the lock; never waits."""
        if self._file is not None:
            return True
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.name == "nt":  # pragma: no cover
                import msvcrt

                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._file = handle
        return True

    def release(self) -> None:
        """Give the lock back; does nothing without it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def collection_name(identity: str, user: str) -> str:
    """One collection a user, named by a hash: no text of a person or a photo reaches Chroma.

    >>> collection_name("log", "Anna")
    'burnish-50e9d4c8d55fa3939dc53ae95895bb338442e4fa'
    """
    return "burnish-" + hashlib.sha256(f"{identity}\0{user}".encode()).hexdigest()[:40]


def check_url(url: str) -> str:
    """The address of a Chroma server. Raises `PreferenceError` for anything but http and https.

    >>> check_url("http://127.0.0.1:8000")
    'http://127.0.0.1:8000'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PreferenceError("The address of the Chroma server must look like http://host:8000; correct it.")
    return url


class Index:
    """The index over `log` in `folder`, or on a Chroma server; `ready` tells whether it may be asked."""

    def __init__(self, folder: Path, log: Log, encoder: str, url: str | None = None) -> None:
        self.folder, self.log, self.encoder, self.url = folder, log, encoder, url
        self.ready = False
        self.note = ""
        """Why the index was rebuilt or is not used, for a person; empty when all is well."""
        self._lock = FolderLock(folder.with_suffix(".lock"))
        self._client: Any = None
        self._collections: dict[str, Any] = {}
        self._done: dict[str, int] = {}
        self._generation = -1
        self._size = 0
        self._retired = False
        self._home = folder

    def open(self) -> bool:
        """Check the index, rebuild it where needed, and bring it up to date. False: not to be had now, scan the log."""
        if self.ready or self._retired:
            return self.ready
        try:
            if self.url:
                self._open_server(self.url)
            elif not self._lock.acquire():
                self.note = "another Burnish is using the search index"
                return False
            else:
                self._open_folder()
            self.ready = True
            return self.catch_up()
        except PreferenceError:
            self.close(clean=False)
            raise
        except BaseException as error:
            # Chroma's native part panics with a BaseException of its own; the log answers instead.
            self.close(clean=False)
            if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
                raise
            self.note = f"the search index cannot be used ({type(error).__name__})"
            return False

    def _open_folder(self) -> None:
        self._home, reason, damaged = _trusted(self.folder, self._expected())
        self._generation = self.log.generation
        if not reason:
            self._client = _persistent(self._home)
            self._done = json.loads((self.folder / MANIFEST).read_bytes())["done"]
            # Chroma compacts its files even when it is only asked; the stamp is made anew on closing.
            (self.folder / MANIFEST).unlink()
            return
        if self.folder.exists():
            self.note = f"the search index was rebuilt: {reason}"
            _quarantine(self.folder) if damaged else shutil.rmtree(self.folder)
        # A new inner folder each time: Chroma keeps what it knows of a path for the life of the process.
        self._home = self.folder / uuid.uuid4().hex[:12]
        self._home.mkdir(parents=True, mode=0o700)
        self._client = _persistent(self._home)

    def _open_server(self, url: str) -> None:
        import chromadb

        parts = urlsplit(url)
        self._client = chromadb.HttpClient(
            host=str(parts.hostname),
            port=parts.port or (443 if parts.scheme == "https" else 8000),
            ssl=parts.scheme == "https",
            settings=_settings(),
        )
        self._generation = self.log.generation

    def _expected(self) -> dict[str, Any]:
        return {"schema": INDEX_SCHEMA, "log": self.log.identity, "encoder": self.encoder,
                "generation": self.log.generation, "size": self.log.size(self.encoder)}  # fmt: skip

    def _collection(self, user: str, liked: bool) -> Any:
        """Likes and dislikes of a user lie apart: a filter costs seconds among 100 000."""
        key = f"{user}\0{liked}"
        if key not in self._collections:
            self._collections[key] = self._client.get_or_create_collection(
                collection_name(f"{self.log.identity}/{self.encoder}/{self._size}/{liked}", user),
                embedding_function=None,
                configuration={"hnsw": HNSW},
            )
        return self._collections[key]

    def catch_up(self, user: str | None = None) -> bool:
        """Add what the log has and the index has not. False: something was deleted from the log, and the index is gone."""
        self._size = self._size or self.log.size(self.encoder)
        if self.log.generation != self._generation:
            if not self.url:
                self.retire()
                return False
            # Collections of a server are checked against the log again, one by one.
            self._collections.clear()
            self._done.clear()
            self._generation = self.log.generation
        for name in self.log.users() if user is None else [user]:
            key = collection_name(self.log.identity, name)
            if self.url and key not in self._done:
                self._done[key] = self._server_state(name)
            if self.log.last(name) > self._done.get(key, 0):
                rows = self.log.rows(name, self.encoder, self._done.get(key, 0))
                self._add(name, rows)
                self._done[key] = rows[-1].seq
        return True

    def _server_state(self, user: str) -> int:
        """0 after emptying a server's collections that do not hold exactly the log's rows; else the last number."""
        rows = self._standing(self.log.rows(user, self.encoder))
        for liked in (True, False):
            there = self._collection(user, liked).get(include=[])["ids"]
            if sorted(there) != sorted(r.id for r in rows if (r.feedback != "dislike") == liked):
                self._delete(user)
                return 0
        return self.log.last(user)

    def _delete(self, user: str) -> None:
        for liked in (True, False):
            with contextlib.suppress(Exception):
                self._client.delete_collection(self._collection(user, liked).name)
            self._collections.pop(f"{user}\0{liked}", None)

    def _standing(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that are not withdrawn and have an embedding of the size that is indexed."""
        gone = {r.target for r in rows if r.feedback == "withdrawn"}
        fit = [r for r in rows if r.embedding is not None and r.embedding.size == self._size]
        return [r for r in fit if r.feedback != "withdrawn" and r.id not in gone]

    def _add(self, user: str, rows: Sequence[Row]) -> None:
        gone = [r.target for r in rows if r.feedback == "withdrawn"]
        standing = self._standing(rows)
        for liked in (True, False):
            new = [r for r in standing if (r.feedback != "dislike") == liked]
            collection = self._collection(user, liked)
            for start in range(0, len(new), BATCH):
                part = new[start : start + BATCH]
                collection.upsert(ids=[r.id for r in part], embeddings=[r.embedding for r in part])
            if gone:
                collection.delete(ids=gone)

    def candidates(self, user: str, embedding: NDArray[np.float32], count: int, liked: bool) -> list[str] | None:
        """Ids of about the `count` nearest records of `user`, to be ranked exactly from the log. None: scan the log."""
        if not self.catch_up(user) or embedding.size != self._size:
            return None
        ids: list[str] = []
        for kind in (True,) if liked else (True, False):
            found = self._collection(user, kind).query(query_embeddings=[embedding], n_results=count, include=[])
            ids += found["ids"][0]
        return ids

    def purge(self, user: str) -> bool:
        """Remove every trace of forgotten records of `user` now. False: the process that holds the index will."""
        if self.url:
            if not self.open():
                return False
            self._delete(user)
            return self.catch_up()
        if not self._lock.acquire():
            return False
        self.retire()
        return True

    def retire(self) -> None:
        """Delete the index and do without one until the next start.

        A new one may not be built here: Chroma writes buffers to disk that still hold what this process has freed.
        """
        self._retired = True
        self.note = "the search index is built again at the next start, because something was forgotten"
        self._lock.acquire()
        self.ready = False
        self._drop_client()
        _erase(self.folder)
        self._lock.release()

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        self._collections.clear()
        self._done.clear()
        if client is not None:
            with contextlib.suppress(Exception):
                client.close()

    def close(self, clean: bool = True) -> None:
        """Close the index; `clean` stamps it, so that the next start trusts it."""
        home, done, was_open = self._home, dict(self._done), self.ready and self._client is not None
        self.ready = False
        self._drop_client()
        if clean and was_open and not self.url:
            if self.log.generation != self._generation:
                _erase(self.folder)
            else:
                stamp = self._expected() | {"size": self._size, "home": home.name, "done": done}
                _write(self.folder / MANIFEST, stamp | {"files": dict(_hashes(home))})
        self._lock.release()


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False, allow_reset=False)


def _persistent(folder: Path) -> Any:
    import chromadb

    return chromadb.PersistentClient(str(folder), settings=_settings())


def _hashes(home: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            yield str(path.relative_to(home)), hashlib.file_digest(file, "sha256").hexdigest()


def _trusted(folder: Path, expected: dict[str, Any]) -> tuple[Path, str, bool]:
    """The inner folder of a sound index and ""; or the reason why it is not sound, and whether it is damaged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        home = folder / str(manifest["home"])
        for key, value in expected.items():
            if manifest[key] != value:
                return home, f"its {key} has changed", False
        if home.parent != folder or dict(_hashes(home)) != manifest["files"]:
            return home, "its files are damaged", True
        return home, "", False
    except FileNotFoundError:
        return folder, "it was not closed properly", False
    except (OSError, ValueError, KeyError, TypeError):
        return folder, "its manifest is damaged", True


def _quarantine(folder: Path) -> None:
    """Move a damaged index aside, keeping only the newest such folder."""
    for old in folder.parent.glob(folder.name + ".damaged-*"):
        shutil.rmtree(old, ignore_errors=True)
    folder.rename(folder.with_name(f"{folder.name}.damaged-{time.time_ns()}"))


def _erase(folder: Path) -> None:
    """Delete the index and every damaged one that was moved aside."""
    for path in (folder, *folder.parent.glob(folder.name + ".damaged-*")):
        shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, data: dict[str, Any]) -> None:
    fresh = path.with_suffix(".tmp")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
