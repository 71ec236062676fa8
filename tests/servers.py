"""Servers that tests start themselves on loopback, on a free port, and stop at the end: PostgreSQL and Chroma."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def programs() -> Path | None:
    """Where PostgreSQL's own programs lie: on the path, or where Debian puts them."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return debian[-1].parent if debian else None


def _someone_else() -> dict[str, object]:
    """PostgreSQL refuses to run as root: then as the user that its package makes, or as nobody."""
    if os.getuid():
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            who = pwd.getpwnam(name)
            return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    return {}


class Postgres:
    """A running server; `database()` makes an empty database and gives its address."""

    def __init__(self, port: int) -> None:
        self.port = port

    def address(self, name: str) -> str:
        return f"postgresql://burnish@127.0.0.1:{self.port}/{name}"

    def database(self) -> str:
        import psycopg

        name = f"b{uuid.uuid4().hex}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of its own, with nothing in it; skips the test where there is none installed."""
    pytest.importorskip("psycopg", reason="the extra `server` is not installed")
    bin_ = programs()
    if bin_ is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    who = _someone_else()
    # Not below pytest's folder: that is closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="burnish-pg-", ignore_cleanup_errors=True) as folder:
        if who:
            os.chown(folder, int(str(who["user"])), int(str(who["group"])))
        home, port = Path(folder) / "data", free_port()
        made = subprocess.run(
            [bin_ / "initdb", "-D", home, "-U", "burnish", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True, text=True, cwd=folder, check=False, **who,  # type: ignore[call-overload]
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        options = ("-h", "127.0.0.1", "-p", str(port), "-k", folder, "-c", "max_connections=50")
        with _running([bin_ / "postgres", "-D", home, *options], folder, signal.SIGINT, **who):
            server = Postgres(port)
            _wait(server.database)
            yield server


@contextmanager
def chroma() -> Iterator[str]:
    """A `chroma run` from the wheel; gives its address."""
    program = Path(sys.executable).with_name("chroma")
    if not program.exists():
        pytest.skip("the chroma program is not installed")
    port = free_port()
    command = [program, "run", "--host", "127.0.0.1", "--port", str(port)]
    with (
        tempfile.TemporaryDirectory(prefix="burnish-chroma-", ignore_cleanup_errors=True) as folder,
        _running([*command, "--path", folder], folder, signal.SIGTERM),
    ):
        _wait(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[object], folder: str, stop: int, **who: object) -> Iterator[None]:
    with (Path(folder) / "server.log").open("wb") as log:
        process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, cwd=folder, **who)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(ready: Callable[[], object], seconds: float = 60) -> None:
    """Until `ready` raises no more."""
    end = time.monotonic() + seconds
    while True:
        try:
            ready()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
