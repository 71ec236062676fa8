"""What the rest of Burnish calls: remember a like, recall it on a similar scene, estimate a taste, forget."""

import atexit
import base64
import contextlib
import hashlib
import json
import logging
import shutil
import threading
import uuid
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from memory.estimator import Estimate, estimate
from memory.index import Index, check_url
from memory.log import MAX_THUMBNAIL, Log, Row
from memory.record import ENCODER, Preference, check_user
from memory.wording import explanation, sentence
from models.errors import BurnishError, PreferenceError
from models.reference import Reference

#: Nearest records an estimate looks at; beyond them the kernel is next to nothing.
NEIGHBOURS: Final = 96
#: Records of an older scene encoder that are looked at by their tags alone, the newest ones.
TAGGED: Final = 200
#: Seconds that an estimate waits for older records to get embeddings of the present encoder; the rest follows behind it.
PATIENCE: Final = 3.0
#: Records that get their new embeddings in one transaction.
REPLAYED: Final = 16
#: Parsed records kept in memory, about 10 kB each.
CACHE: Final = 2000
#: Named looks of a person.
MAX_LOOKS: Final = 200
#: Layout of an export.
EXPORT: Final = 1

#: The embedding that the present encoder makes of an older record, from its photo or its thumbnail (a JPEG); None without.
Embed = Callable[[Preference, bytes | None], Sequence[float] | None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hit:
    """A remembered record and the cosine similarity of its scene, -1..1."""

    record: Preference
    similarity: float


class _Scan:
    """The records of one user in memory: ids, which may be found, and their unit embeddings; grows with the log."""

    def __init__(self, generation: int, size: int) -> None:
        self.generation, self.size = generation, size
        self.last = 0
        self.ids: list[str] = []
        self.at: dict[str, int] = {}
        self.matrix = np.zeros((0, size), np.float32)
        self.liked = np.zeros(0, bool)
        self.standing = np.zeros(0, bool)

    def extend(self, rows: Sequence[Row]) -> None:
        new = [r for r in rows if r.embedding is not None and r.embedding.size == self.size]
        new = [r for r in new if r.feedback != "withdrawn"]
        if new:
            self.at |= {r.id: len(self.ids) + i for i, r in enumerate(new)}
            self.ids += [r.id for r in new]
            self.matrix = np.concatenate([self.matrix, [r.embedding for r in new if r.embedding is not None]])
            self.liked = np.concatenate([self.liked, [r.feedback != "dislike" for r in new]])
            self.standing = np.concatenate([self.standing, np.ones(len(new), bool)])
        for row in rows:
            if row.feedback == "withdrawn" and row.target in self.at:
                self.standing[self.at[row.target]] = False
        self.last = rows[-1].seq

    def candidates(self, embedding: NDArray[np.float32], count: int, liked: bool) -> list[str]:
        usable = self.standing & self.liked if liked else self.standing
        count = min(count, int(usable.sum()))
        if not count:
            return []
        near = np.where(usable, self.matrix @ embedding, -2)
        return [self.ids[i] for i in np.argpartition(-near, count - 1)[:count]]


class Memory:
    """Preferences of everyone on this installation, in `folder`. May be used from several threads.

    `chroma_url`: a Chroma server as `http://host:8000` instead of the index in the folder. `encoder`: identity of the scene
    encoder whose embeddings are passed in; records of another one are embedded anew by `embed` (see `replay`) and compared by
    their tags until then. `database`: a PostgreSQL server that keeps the log for several hosts.
    """

    def __init__(
        self,
        folder: Path,
        chroma_url: str | None = None,
        encoder: str = ENCODER,
        database: str | None = None,
        embed: Embed | None = None,
    ) -> None:
        self.folder, self.encoder = Path(folder), encoder
        self._embed = embed
        self._replaying: threading.Thread | None = None
        self._stop = threading.Event()
        self._older: dict[str, tuple[int, Sequence[str]]] = {}
        if chroma_url:
            check_url(chroma_url)
        self.log = Log(self.folder, database)
        self.index = Index(self.folder / "index", self.log, encoder, chroma_url)
        self._guard = threading.RLock()
        self._scans: dict[tuple[str, int], _Scan] = {}
        self._cache: dict[str, Preference] = {}
        self._cached = -1
        self._wrote = False
        self._closed = False
        self._at_exit = weakref.WeakMethod(self.close)
        atexit.register(_call, self._at_exit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing: only ever called by code after an explicit act of feedback.

    def like(self, record: Preference, thumbnail: bytes | None = None) -> Preference:
        """Remember a like; on return it is on the disk. `thumbnail`: a small JPEG, at most 256 kB."""
        return self._store(record, "like", thumbnail)

    def dislike(self, record: Preference, thumbnail: bytes | None = None) -> Preference:
        """Remember what was rejected."""
        return self._store(record, "dislike", thumbnail)

    def remember(self, record: Preference, thumbnail: bytes | None = None) -> Preference:
        """Remember an explicit "remember this"."""
        return self._store(record, "remember", thumbnail)

    def withdraw(self, user: str, record_id: str) -> Preference:
        """Take a like or dislike back. The log keeps that it was given and withdrawn; `forget` removes it for good."""
        found = self.log.records(check_user(user), [record_id])
        if not found or found[0].feedback == "withdrawn":
            raise PreferenceError(
                f"There is no preference {record_id[:40]!r} of yours; `burnish taste list` shows them."
            )
        record = Preference(user=user, feedback="withdrawn", target=record_id, encoder=self.encoder)
        return self._store(record, "withdrawn", None)

    def _store(self, record: Preference, feedback: str, thumbnail: bytes | None) -> Preference:
        if thumbnail is not None:
            if len(thumbnail) > MAX_THUMBNAIL:
                raise PreferenceError("The thumbnail of a preference is over 256 kB; pass a smaller one.")
            record = record.model_copy(update={"thumbnail": hashlib.sha256(thumbnail).hexdigest()})
        if feedback != "withdrawn" and not record.embedding:
            raise PreferenceError("A preference needs the embedding of its scene; look at the photo again.")
        if record.encoder not in (ENCODER, self.encoder):
            raise PreferenceError("This scene was seen by another scene encoder; look at the photo again.")
        record = record.model_copy(update={"feedback": feedback, "encoder": self.encoder})
        with self._guard:
            self.log.append(record, thumbnail)
            self._wrote = True
            if self.index.ready:
                self._indexed(lambda: self.index.catch_up(record.user))
        return record

    # Reading

    def recall(self, user: str, embedding: Sequence[float], k: int = 5, liked: bool = True) -> list[Hit]:
        """The `k` nearest records of `user`, most similar first; likes alone, or dislikes too with `liked=False`."""
        query = np.asarray(embedding, np.float64)
        norm = float(np.linalg.norm(query))
        if not query.size or not np.isfinite(norm) or norm < 1e-9:
            raise PreferenceError("The scene has no embedding to compare with; look at the photo again.")
        query /= norm
        check_user(user)
        with self._guard:
            ids = self._candidates(user, query.astype(np.float32), max(64, 2 * k), liked)
            found = self.log.vectors(user, ids, self.encoder)
            near = [(_cosine(vector, query), when, name) for name, when, vector in found]
            best = sorted(near, key=lambda n: (-n[0], -n[1], n[2]))[:k]
            records = self._records(user, [name for _, _, name in best])
        return [Hit(record, similarity) for record, (similarity, _, _) in zip(records, best, strict=True)]

    def _records(self, user: str, ids: Sequence[str]) -> Sequence[Preference]:
        """The user's own records, parsed once; rows never change, and a deletion empties the cache."""
        if (generation := self.log.generation) != self._cached:
            self._cache.clear()
            self._cached = generation
        if missing := [name for name in ids if name not in self._cache]:
            if len(self._cache) > CACHE:
                self._cache.clear()
                missing = list(ids)
            self._cache |= {r.id: r for r in self.log.records(user, missing, self.encoder)}
        found = [self._cache[name] for name in ids]
        if any(r.user != user for r in found):
            raise PreferenceError("A stored preference belongs to another user and was not used; restart Burnish.")
        return found

    def _candidates(self, user: str, query: NDArray[np.float32], count: int, liked: bool) -> list[str]:
        if self.index.ready:
            found = self._indexed(lambda: self.index.candidates(user, query, count, liked))
            if found is not None:
                return found
        return self._scan(user, query.size).candidates(query, count, liked)

    def _indexed(self, call: Callable[[], Any]) -> Any:
        """The answer of the index, or None after closing it: the log answers whenever the index cannot."""
        try:
            return call()
        except BaseException as error:
            self.index.close(clean=False)
            if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
                raise
            return None

    def _scan(self, user: str, size: int) -> _Scan:
        generation = self.log.generation
        scan = self._scans.get((user, size))
        if scan is None or scan.generation != generation:
            scan = self._scans[user, size] = _Scan(generation, size)
        if self.log.last(user) > scan.last:
            scan.extend(self.log.rows(user, self.encoder, scan.last))
        return scan

    def estimate(
        self,
        user: str,
        embedding: Sequence[float],
        regions: Iterable[str],
        like: str | None = None,
        tags: Mapping[str, float] | None = None,
    ) -> Estimate:
        """What `user` would want on this scene, whose tags are `tags`.

        `like`: somebody else's taste. Raises `PreferenceError` if that person has not shared it.
        """
        whose = check_user(user)
        if like is not None and like != user:
            if check_user(like) not in self.shared():
                raise PreferenceError(f"{like} has not shared a taste here; ask them to, or use your own.")
            whose = like
        older = self._of_older(whose)
        if older and self._embed is not None and self._replaying is None:
            self.replay(PATIENCE)
            older = self._of_older(whose)
        near = self.recall(whose, embedding, NEIGHBOURS, liked=False)
        by_tags = self._by_tags(whose, older[:TAGGED]) if tags else ()
        hits = chain(((h.record, h.similarity) for h in near), ((record, None) for record in by_tags))
        return sentence(estimate(hits, tuple(regions), tags=tags), "you" if whose == user else whose)

    def _of_older(self, user: str) -> Sequence[str]:
        """Ids of the user's records that no vector of the present encoder stands for, newest first."""
        generation = self.log.generation
        known = self._older.get(user)
        if known is None or known[0] != generation:
            known = self._older[user] = generation, [name for _, name in self.log.outdated(self.encoder, user)]
        return known[1]

    def _by_tags(self, user: str, ids: Sequence[str]) -> Sequence[Preference]:
        """Records without their embedding: vectors of different encoders must never meet."""
        if not ids:
            return ()
        with self._guard:
            records = self._records(user, self.log.standing(user, ids))
        return [r.model_copy(update={"embedding": ()}) for r in records if r.tags]

    def explain(
        self, user: str, embedding: Sequence[float], regions: Iterable[str], tags: Mapping[str, float] | None = None
    ) -> str:
        """Some lines for a person: what would be used on this scene, and which likes it comes from."""
        return explanation(self.estimate(user, embedding, regions, tags=tags))

    def list(self, user: str) -> list[Preference]:
        """The standing records of `user`, newest first."""
        records = self.log.records(check_user(user))
        gone = {r.target for r in records if r.feedback == "withdrawn"}
        return [r for r in reversed(records) if r.feedback != "withdrawn" and r.id not in gone]

    def thumbnail(self, user: str, record: Preference) -> bytes | None:
        """The JPEG of one of the user's own records, None without one."""
        return self.log.thumbnail(check_user(user), record.thumbnail) if record.thumbnail else None

    def pictures(self, user: str, ids: Iterable[str]) -> tuple[Path, ...]:
        """PNG files of the user's own standing records `ids`, for showing; those without a thumbnail are left out.

        They are copies that `forget` deletes with what they are of.
        """
        found = self.log.records(check_user(user), self.log.standing(user, ids))
        out = [_picture(self.folder / "pictures", r.thumbnail, self.thumbnail(user, r)) for r in found]
        return tuple(dict.fromkeys(path for path in out if path is not None))

    # Choices

    def use_style(self, user: str, on: bool | None = None) -> bool:
        """Whether the taste of `user` is applied at all ("without my style" for good); set it with `on`."""
        if on is not None:
            self.log.choose(check_user(user), "use_style", "1" if on else "0")
        return self.log.choice(check_user(user), "use_style", "1") == "1"

    def share(self, user: str, on: bool) -> None:
        """Let the other people on this installation ask for "like <user>", or stop it."""
        self.log.choose(check_user(user), "shared", "1" if on else "0")

    def shared(self) -> Sequence[str]:
        """Who has shared a taste."""
        return self.log.choosers("shared", "1")

    # Forgetting and moving

    # Looks that were named: kept and forgotten like preferences, used only when they are asked for by name.

    def looks(self, user: str) -> dict[str, Reference]:
        """The named looks of `user`, by name."""
        try:
            return {n: Reference.model_validate_json(body) for n, body in self.log.looks(check_user(user)).items()}
        except ValidationError as error:
            raise PreferenceError("A stored look is damaged; bring it back with `burnish taste import`.") from error

    def name_look(self, user: str, name: str, look: Reference) -> str:
        """Keep a look under a name, instead of one that had it; returns the name as kept."""
        name = look_name(name)
        known = self.looks(check_user(user))
        same = next((n for n in known if n.casefold() == name.casefold()), name)
        if same not in known and len(known) >= MAX_LOOKS:
            raise PreferenceError(f"There are {MAX_LOOKS} looks already; forget one first.")
        self.log.keep_looks(user, {same: look.model_dump_json()})
        return same

    def forget_look(self, user: str, name: str) -> str:
        """Forget a named look for good; returns its name as it was kept."""
        same = next((n for n in self.looks(user) if n.casefold() == name.strip().casefold()), None)
        if same is None:
            raise PreferenceError(f"You have no look called {name[:40]!r}; `burnish taste looks` shows them.")
        self.log.delete_look(user, same)
        return same

    def forget(self, user: str, what: str) -> int:
        """Delete for good one record by its id, `"all"`, or a kind of scene by its tag. Returns how many went."""
        check_user(user)
        if what == "all":
            ids = None
        else:
            records = self.log.records(user)
            ids = [r.id for r in records if r.id == what] or [r.id for r in records if of_kind(r, what)]
            if not ids:
                raise PreferenceError(
                    f"You have no preference {what[:40]!r}; give an id or a kind of scene from `burnish taste list`."
                )
        with self._guard:
            count = self.log.delete(user, ids)
            self._scans.clear()
            shutil.rmtree(self.folder / "pictures", ignore_errors=True)
            self.index.purge(user)
        return count

    def export_json(self, user: str) -> str:
        """Everything of `user` as JSON: records, withdrawals, thumbnails, choices."""
        records = self.log.records(check_user(user))
        jpegs = {r.thumbnail: self.log.thumbnail(user, r.thumbnail) for r in records if r.thumbnail}
        data = {
            "burnish_taste": EXPORT,
            "user": user,
            "use_style": self.use_style(user),
            "shared": user in self.shared(),
            "records": [json.loads(r.to_json()) for r in records],
            "thumbnails": {name: base64.b64encode(jpeg).decode() for name, jpeg in jpegs.items() if jpeg},
            "looks": {name: look.model_dump(mode="json") for name, look in self.looks(user).items()},
        }
        return json.dumps(data, ensure_ascii=False, indent=1)

    def import_json(self, text: str | bytes, user: str | None = None) -> int:
        """Take an export in; records that are here already are left alone. Returns how many are new.

        `user`: whose they become; without it, the exporting user's. Raises `PreferenceError`, and then stores nothing.
        """
        try:
            data = json.loads(text)
            if data["burnish_taste"] != EXPORT:
                raise PreferenceError("This export is of a newer Burnish; update it.")
            whose = check_user(data["user"] if user is None else user)
            records = [Preference.from_json(r | {"user": whose}) for r in data["records"]]
            if any(r["user"] != data["user"] for r in data["records"]):
                raise PreferenceError("This export mixes several people's preferences; export one person at a time.")
            jpegs = {k: base64.b64decode(v, validate=True) for k, v in dict(data.get("thumbnails", {})).items()}
            looks = {look_name(n): Reference.model_validate(v) for n, v in dict(data.get("looks", {})).items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise PreferenceError("This file is not an export of Burnish preferences; export it again.") from error
        for name, jpeg in jpegs.items():
            if hashlib.sha256(jpeg).hexdigest() != name or len(jpeg) > MAX_THUMBNAIL:
                raise PreferenceError("This export has a damaged thumbnail; export it again.")
        with self._guard:
            kept = {n.casefold() for n in self.log.looks(whose)}
            fresh = {n: look.model_dump_json() for n, look in looks.items() if n.casefold() not in kept}
            if len(kept) + len(fresh) > MAX_LOOKS:
                raise PreferenceError(f"With these there would be more than {MAX_LOOKS} looks; forget some first.")
            known = {r.id for r in self.log.records(whose)}
            new = [(r, jpegs.get(r.thumbnail)) for r in records if r.id not in known]
            if new:
                self.log.extend(new)
                self._wrote = True
                self._older.clear()
                if self._replaying is not None and not self._replaying.is_alive():
                    # What was brought in may be of an older encoder too.
                    self._replaying = None
            if isinstance(data.get("use_style"), bool):
                self.use_style(whose, data["use_style"])
            self.log.keep_looks(whose, fresh)
        return len(new)

    # Life

    def replay(self, wait: float | None = None) -> None:
        """Give the records of older scene encoders embeddings of the present one, newest first, in the background.

        Begun once a process, and again after an import; what a kill cuts off is done at the next start. Waits up to `wait`
        seconds; None: to the end.
        """
        with self._guard:
            if self._embed is None or self._closed:
                return
            if self._replaying is None:
                self._replaying = threading.Thread(target=self._replay, name="taste-replay", daemon=True)
                self._replaying.start()
        self._replaying.join(wait)

    def _replay(self) -> None:
        tried: set[str] = set()
        try:
            while rest := [(user, name) for user, name in self.log.outdated(self.encoder) if name not in tried]:
                for start in range(0, len(rest), REPLAYED):
                    part = rest[start : start + REPLAYED]
                    made = [(name, vector) for user, name in part if (vector := self._embedded(user, name)) is not None]
                    self.log.reembed(self.encoder, made)
                    tried |= {name for _, name in part}
                    if self._stop.is_set():
                        return
        except PreferenceError:
            _log.exception(
                "older preferences could not be brought to the present scene encoder; tried again at the next start"
            )

    def _embedded(self, user: str, name: str) -> Sequence[float] | None:
        """The present encoder's embedding of one record; None where there is nothing to look at."""
        found = [] if self._stop.is_set() else self.log.records(user, [name])
        if not found or self._embed is None:
            return None
        try:
            return self._embed(found[0], self.thumbnail(user, found[0]))
        except BurnishError:
            return None
        except Exception:
            _log.exception("a liked photo could not be looked at again")
            return None

    def warm(self, wait: bool = False) -> None:
        """Open the index, in the background unless `wait`; until it is ready, searches scan the log."""
        thread = threading.Thread(target=self._open_index, name="taste-index", daemon=True)
        thread.start()
        if wait:
            thread.join()

    def _open_index(self) -> None:
        self.replay()
        with self._guard, contextlib.suppress(PreferenceError):
            if not self._closed:
                self.index.open()

    def close(self) -> None:
        """Bring the index up to date if this process wrote something, and close. Safe to call twice."""
        self._stop.set()
        if self._replaying is not None:
            self._replaying.join()
        with self._guard:
            if self._closed:
                return
            self._closed = True
            with contextlib.suppress(PreferenceError):
                if self._wrote and not self.index.ready:
                    self.index.open()
                self.index.close()
            self.log.close()


def look_name(name: str) -> str:
    """A look's name as it is kept. Raises `PreferenceError` for one that a sentence could not speak of.

    >>> look_name("  Friday   night ")
    'Friday night'
    """
    name = " ".join(str(name).split())
    if not 0 < len(name) <= 40 or not all(c.isalnum() or c in " '-_" for c in name):
        raise PreferenceError("The name of a look is up to 40 letters and digits; choose another.")
    return name


def _picture(folder: Path, name: str, jpeg: bytes | None) -> Path | None:
    """A thumbnail as a PNG file of its owner's alone; None for one that is no picture."""
    import cv2

    path = folder / f"{name}.png"
    if not jpeg:
        return None
    if not path.exists():
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            return None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f".{uuid.uuid4().hex}"
        draft.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        draft.replace(path)
    return path


def _call(close: weakref.WeakMethod[Callable[[], None]]) -> None:
    if method := close():
        method()


def kinds(records: Iterable[Preference]) -> dict[str, int]:
    """The kinds of scene of records by their leading tags, with how many there are of each, the most frequent first."""
    count = Counter(tag for r in records for tag in r.tags if of_kind(r, tag))
    return dict(sorted(count.items(), key=lambda item: (-item[1], item[0])))


def of_kind(record: Preference, tag: str) -> bool:
    """True when `tag` is one of the leading tags of the record's scene."""
    strongest = max(record.tags.values(), default=0.0)
    return record.tags.get(tag.strip().lower(), 0.0) >= max(0.5, 0.6 * strongest) > 0


def _cosine(vector: NDArray[np.float32], query: NDArray[np.float64]) -> float:
    # Summed one by one and rounded: the same number whether it was found by the index or by a scan.
    return round(float((vector * query).sum()), 6)
