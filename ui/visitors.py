"""Whose browser it is: a cookie that cannot be guessed, the tabs that came with it, and the files that are theirs.

Gradio serves whatever lies in its cache to anyone who knows the path, and whatever happens in a tab to anyone who knows the
tab's number. `ui.gate` asks here first. Nothing of this is kept on the disk: after a restart pages are loaded anew.
"""

import hashlib
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final

#: Name of the cookie. It holds 256 random bits and nothing else.
COOKIE: Final = "burnish-visitor"

_COOKIE: Final = re.compile(r"[\w-]{43}")
_TAB: Final = re.compile(r"[\w-]{1,64}")

#: Tabs and uploads that are remembered; beyond, the oldest are forgotten, and with them what was allowed.
_REMEMBERED: Final = 20_000


def new_cookie() -> str:
    """The value of a new visitor's cookie."""
    return secrets.token_urlsafe(32)


def owner_of(cookie: str) -> str:
    """What stands for a visitor in the names of folders; empty for a cookie that is none of ours.

    >>> owner_of("x" * 43), owner_of("../../etc")
    ('cc0b1c2c66f3bb9fd1a081c6', '')
    """
    return hashlib.sha256(cookie.encode()).hexdigest()[:24] if _COOKIE.fullmatch(cookie) else ""


class Visitors:
    """Who may fetch what below `cache`. May be asked from several threads."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self._tabs: OrderedDict[str, str] = OrderedDict()
        self._uploads: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._public: frozenset[str] = frozenset()
        self._guard = Lock()

    def opens(self, tab: str, owner: str) -> bool:
        """Whether `owner` may speak for a tab (Gradio's session hash): the first who does, does so from then on."""
        if not owner or not _TAB.fullmatch(tab):
            return False
        with self._guard:
            known = self._tabs.setdefault(tab, owner)
            self._tabs.move_to_end(tab)
            _forget(self._tabs)
        return known == owner

    def at(self, tab: str | None) -> str:
        """Who a tab belongs to; empty for one that is not known."""
        return self._tabs.get(tab or "", "")

    def uploaded(self, owner: str, paths: Iterable[str]) -> None:
        """Files that `owner` has sent. The same file, sent by two, has one path and is both's."""
        with self._guard:
            for path in paths:
                self._uploads[owner, os.path.normpath(path)] = None
            _forget(self._uploads)

    def publish_all(self) -> None:
        """What lies in the cache now, as the page's own examples do, may be fetched by everybody."""
        self._public = frozenset(str(path) for path in self.cache.rglob("*") if path.is_file())

    def inside(self, path: str) -> bool:
        """Whether a path, as a request writes it, lies in the cache."""
        return self._place(path).startswith(f"{self.cache}{os.sep}")

    def may_fetch(self, owner: str, path: str) -> bool:
        """Whether a file is the visitor's: in a folder of theirs, sent by them, or everybody's."""
        place = self._place(path)
        if "\0" in place or not self.inside(path):
            return False
        first = Path(place).relative_to(self.cache).parts[0]
        theirs = bool(owner) and first.startswith(f"c-{owner}-")
        return theirs or (owner, place) in self._uploads or place in self._public

    def _place(self, path: str) -> str:
        # As Gradio does, a relative path is looked for in the working directory, which is the cache.
        return os.path.normpath(os.path.join(self.cache, path))


def _forget(of: "OrderedDict[str, str] | OrderedDict[tuple[str, str], None]") -> None:
    while len(of) > _REMEMBERED:
        of.popitem(last=False)
