"""The real app as a process of its own, on loopback and a free port, stopped at the end."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port

ROOT = Path(__file__).parents[1]


@contextmanager
def served(home: Path, *options: str) -> Iterator[str]:
    """`burnish serve` over a home, without what the environment of the tests may say; gives its address."""
    port, log = free_port(), home / "server.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BURNISH_")}
    environment |= {"BURNISH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "ui.cli", "serve", "--port", str(port), *options],
            env=environment, stdout=out, stderr=out,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            if server.poll() is not None:
                pytest.fail(f"the server ended: {log.read_text()}")
            try:
                urllib.request.urlopen(url, timeout=5).read()
                break
            except (OSError, urllib.error.URLError):
                time.sleep(0.2)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(180)  # a busy machine is slow to end, too
    assert "Traceback" not in log.read_text(), log.read_text()[-4000:]
    assert not list((home / "cache").glob("app-*")), "the private cache is removed at the end"
