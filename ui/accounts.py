"""Who may log in: a file of names and hashed passwords, written by `burnish user add`.

Passwords are stretched with scrypt (RFC 7914) at 2^15 blocks of 1 kB, three times over: 0.2 s and 32 MB for a guess. The file
is read again when it has changed, so that people can be added and removed while the app runs.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ui.terminal import RefusedError

#: Cost of a password: blocks, block size, passes. Kept with each, so that a later Burnish may raise it.
COST: Final = (2**15, 8, 3)
#: Most that a file may ask for: it must not be able to take all of the memory.
_DEAREST: Final = (2**18, 16, 16)

SHORTEST: Final = 8
LONGEST: Final = 1000
_NAME: Final = 80

#: Wrong passwords for a name before it has to wait, and for how long, in seconds.
TRIES: Final = 5
PAUSE: Final = 30.0


class Account(BaseModel):
    """One person's entry. `hash` and `salt` are base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cost: tuple[int, int, int] = COST
    salt: str
    hash: str
    admin: bool = False


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    burnish_users: int = Field(default=1, ge=1, le=1)
    users: dict[str, Account] = {}


def stretched(password: str, salt: bytes, cost: tuple[int, int, int] = COST) -> bytes:
    """The 32 bytes that stand for a password."""
    n, r, p = cost
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=128 * n * r * 2 + (1 << 20), dklen=32)


def account(password: str, admin: bool = False) -> Account:
    """A new entry. Raises `RefusedError` for a password that is too short."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise RefusedError(f"A password has {SHORTEST} to {LONGEST} characters; choose another, a few words say.")
    salt = secrets.token_bytes(16)
    made = stretched(password, salt)
    return Account(salt=base64.b64encode(salt).decode(), hash=base64.b64encode(made).decode(), admin=admin)


class Accounts:
    """The people in a file."""

    def __init__(self, file: Path) -> None:
        """Raises `RefusedError` when the file is missing, open to others, or none of ours."""
        self.file = file
        self._read_at: tuple[int, int] = (0, 0)
        self._users: dict[str, Account] = {}
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        # Each guess takes 32 MB; strangers must not be able to make it a hundred times that.
        self._places = asyncio.Semaphore(2)
        # What an unknown name is checked against, so that it takes as long as a known one.
        self._nobody = account(secrets.token_urlsafe(16))
        self.users()

    def users(self) -> dict[str, Account]:
        """Everyone, as the file says now. Raises `RefusedError`."""
        state = _state(self.file)
        if state != self._read_at:
            self._users, self._read_at = read(self.file), state
        return self._users

    def is_admin(self, name: str) -> bool:
        """Whether this person may change what holds for all."""
        found = self.users().get(name)
        return found is not None and found.admin

    async def check(self, name: str, password: str) -> bool:
        """Whether this is the person's password; a name that has been tried too often waits."""
        tries, last = self._wrong.get(name, (0, 0.0))
        if tries >= TRIES and time.monotonic() - last < PAUSE:
            return False
        known = self.users().get(name)
        async with self._places:
            right = await asyncio.to_thread(_fits, password[: LONGEST + 1], known or self._nobody)
        if right and known is not None:
            self._wrong.pop(name, None)
            return True
        self._wrong[name] = (tries + 1 if tries < TRIES else 1, time.monotonic())
        while len(self._wrong) > 1000:
            self._wrong.popitem(last=False)
        return False


def _fits(password: str, known: Account) -> bool:
    made = stretched(password, base64.b64decode(known.salt), known.cost)
    return hmac.compare_digest(made, base64.b64decode(known.hash))


def read(file: Path) -> dict[str, Account]:
    """The people in a file. Raises `RefusedError` with what to do."""
    how = f"burnish user add NAME --file {file}"
    try:
        with file.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode
            text = source.read(1 << 22)
    except FileNotFoundError as error:
        raise RefusedError(f"There is no file of users {file}; make it with: {how}") from error
    except OSError as error:
        raise RefusedError(f"The file of users {file} cannot be read ({error.strerror}); check the path.") from error
    if os.name == "posix" and mode & 0o077:
        raise RefusedError(f"Others on this machine may read or change {file}; take that away with: chmod 600 {file}")
    try:
        found = _File.model_validate_json(text).users
    except ValidationError as error:
        raise RefusedError(f"{file} is not a file of Burnish users; choose another, or make one with: {how}") from error
    if any(any(a > b or a < 1 for a, b in zip(u.cost, _DEAREST, strict=True)) for u in found.values()):
        raise RefusedError(f"A password in {file} would cost too much to check; set it anew with: {how}")
    return found


def change(file: Path, name: str, entry: Account | None) -> None:
    """Put a person into the file, or take them out with None; others are left alone. Raises `RefusedError`."""
    if not name or name != " ".join(name.split()) or len(name) > _NAME or not name.isprintable():
        raise RefusedError(f"A name has 1 to {_NAME} printable characters, without spaces at its ends; choose another.")
    users = dict(read(file)) if file.exists() else {}
    if entry is None and name not in users:
        raise RefusedError(f"There is no user “{name}” in {file}; burnish user list --file {file} shows who is.")
    users.pop(name, None)
    if entry is not None:
        users[name] = entry
    data: dict[str, Any] = _File(users=dict(sorted(users.items()))).model_dump(mode="json")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(data, out, indent=1, ensure_ascii=False)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)
    except OSError as error:
        raise RefusedError(f"{file} cannot be written ({error.strerror}); choose another --file.") from error
    finally:
        draft.unlink(missing_ok=True)


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 1)
    return found.st_mtime_ns, found.st_ino
