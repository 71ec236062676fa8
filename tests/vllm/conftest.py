"""Real vLLM servers on loopback, started when a test first needs them and stopped at the end; skips without `.venv-vllm`."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
#: A busy machine is slow to start a server, not broken.
PATIENCE = 1800


class Vllm:
    """vLLM serving one model. `url` starts it when it does not run, be it for the first time or because it was killed."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.log = folder / f"{model.name}.log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()  # several requests may find it down at once

    @property
    def url(self) -> str:
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self._start()
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it at once, its workers too."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def kill_at_work(self) -> None:
        """End it as soon as it writes an answer."""
        end = time.monotonic() + PATIENCE
        while not self._writing():
            assert time.monotonic() < end, "it was asked nothing"
            time.sleep(0.01)
        self.kill()

    def _writing(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=PATIENCE) as page:
            lines = page.read().decode().splitlines()
        return any(float(n.rsplit(" ", 1)[1]) for n in lines if n.startswith("vllm:num_requests_running"))

    def _start(self) -> None:
        self.port = free_port()
        # The key-value cache is all that needs memory; two threads of a test's machine are better spent on the app.
        own = {"VLLM_CACHE_ROOT": str(self.folder / "cache"), "VLLM_CONFIG_ROOT": str(self.folder / "config")}
        command = [str(PYTHON), str(ROOT / "serving" / "serve.py"), str(self.model), "--cpu"]
        command += ["--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, "OMP_NUM_THREADS": "1", **own}, stdout=log, stderr=log, cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).read()
                return
            time.sleep(0.3)
        self.kill()
        pytest.fail(f"vLLM did not start:\n{self.log.read_text(errors='replace')[-6000:]}")


def built(kind: str, folder: Path) -> Path:
    """A tiny model with random weights in a folder of its own."""
    place = folder / f"tiny-{kind}"
    place.mkdir()
    done = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("tiny.py")), kind, str(place)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return place


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PYTHON.exists() or not (PYTHON.parents[1] / ".installed").exists():
        pytest.skip("no .venv-vllm here; `make vllm` makes it (Linux, x86-64; 3.5 GB)")
    if sys.platform != "linux":
        pytest.skip("vLLM on a CPU runs on Linux")
    return tmp_path_factory.mktemp("vllm")


def _served(model: Path, folder: Path) -> Iterator[Vllm]:
    server = Vllm(model, folder)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def text_model(folder: Path) -> Iterator[Vllm]:
    """A model that reads."""
    yield from _served(built("text", folder), folder)


@pytest.fixture(scope="session")
def seeing_model(folder: Path) -> Iterator[Vllm]:
    """A model that reads and sees."""
    yield from _served(built("vlm", folder), folder)


@pytest.fixture(scope="session")
def planner_model(folder: Path) -> Iterator[Vllm]:
    """Our own planner model."""
    model = ROOT / "models" / "weights" / "planner"
    if not (model / "config.json").exists():
        pytest.skip("models/weights/planner is not there")
    yield from _served(model, folder)
