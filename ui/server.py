"""Start the app: environment, private cache, limits, and a clean end."""

import asyncio
import contextlib
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ui.shelf import CACHE_VARIABLE, close_cache, open_cache
from ui.terminal import RefusedError, settings

if TYPE_CHECKING:
    from agent.settings import Settings
    from agent.studio import Studio

_WARM: Final = "warm"

#: Largest upload; `tools.photo` refuses larger files as well.
MAX_UPLOAD: Final = "200mb"

#: Read by Gradio and its dependencies at import: nothing is reported, looked up or shared.
QUIET: Final = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_ALLOWED_PATHS": "",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
}


def run(host: str, port: int, browser: bool) -> None:
    """Serve until interrupted. Raises `RefusedError` when the address cannot be used."""
    chosen = settings()
    _check_address(host, port)
    cache = open_cache(chosen.home)
    here = Path.cwd()
    try:
        os.environ.update({**QUIET, CACHE_VARIABLE: str(cache)})
        # Gradio may serve files below the working directory; an empty one has none.
        os.chdir(cache)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _serve(chosen.model_copy(update={"home": _absolute(chosen.home, here)}), cache, host, port, browser)
    finally:
        os.chdir(here)
        close_cache(cache)
    if any(thread.name == _WARM and thread.is_alive() for thread in threading.enumerate()):
        # Inside compiled code, where an orderly end of the interpreter would abort it noisily. All else is closed.
        sys.stdout.flush()
        os._exit(0)


def _serve(chosen: "Settings", cache: Path, host: str, port: int, browser: bool) -> None:
    from ui.app import build
    from ui.desk import Desk
    from ui.theme import STYLE, theme

    async def open_studio() -> "Studio":
        # Imported off the loop when the first page asks: the page itself need not wait for it.
        studio = await asyncio.to_thread(importlib.import_module, "agent.studio")
        opened: Studio = await studio.Studio.open(chosen)
        # The index is checked, and memories of an older scene encoder are looked at again, behind the first page.
        opened.memory.warm()
        return opened

    desk = Desk(open_studio, cache)

    @asynccontextmanager
    async def life(_: Any) -> AsyncIterator[None]:
        yield
        await desk.close()

    page = build(desk).queue(max_size=64, default_concurrency_limit=8)
    page.launch(
        prevent_thread_lock=True,
        server_name=host,
        server_port=port,
        inbrowser=browser,
        quiet=True,
        share=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        run_history=False,
        show_error=False,
        footer_links=[],
        max_file_size=MAX_UPLOAD,
        allowed_paths=[],
        theme=theme(),
        css=STYLE.read_text(encoding="utf-8"),
        app_kwargs={"lifespan": life, "docs_url": None, "redoc_url": None, "openapi_url": None},
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    print(f"Burnish: http://{shown}:{port} (Ctrl-C stops it)", flush=True)
    threading.Thread(target=_warm, name=_WARM, daemon=True).start()
    page.block_thread()


def _warm() -> None:
    """Get ready for the first photo while the page is being looked at."""
    from agent.oneshot import warm
    from ui.examples import example_photos

    # What is missing or broken is said to the person whose request meets it.
    with contextlib.suppress(Exception):
        for photo, _ in example_photos()[:1]:
            warm(photo)


def _check_address(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except socket.gaierror as error:
        raise RefusedError(f"{host} is no address of this machine; try --host 127.0.0.1.") from error
    except OSError as error:
        raise RefusedError(
            f"{host}:{port} cannot be used ({error.strerror}); try --port {port % 65535 + 1}."
        ) from error


def _absolute(path: Path, here: Path) -> Path:
    return path if path.is_absolute() else here / path
