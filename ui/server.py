"""Start the app: environment, private cache, limits, and a clean end."""

import asyncio
import contextlib
import importlib
import inspect
import ipaddress
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ui.accounts import Accounts
from ui.gate import MAX_UPLOAD, Gate
from ui.shelf import CACHE_VARIABLE, close_cache, open_cache
from ui.terminal import RefusedError, settings
from ui.visitors import Visitors

if TYPE_CHECKING:
    from agent.settings import Settings
    from agent.studio import Studio
    from ui.desk import Desk

_WARM: Final = "warm"

#: Seconds that getting ready waits for a first page, so as not to slow it down.
_PAGE_FIRST: Final = 4.0

#: Read by Gradio and its dependencies at import: nothing is reported, looked up or shared.
QUIET: Final = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_ALLOWED_PATHS": "",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
}


#: What a browser on this machine may call it.
LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "[::1]"))

#: What stands above the login of Gradio's own page, which takes no style sheet.
_GREETING: Final = (
    "<strong>Burnish</strong>, a photo retoucher you talk to. Log in with the name and password you were given."
    "<style>.wrap { min-height: 90vh; background: none !important; } .panel { width: min(420px, 92vw); border-radius: 12px; "
    "padding: 20px 24px 24px !important; } .form { background: none !important; gap: 14px !important; } "
    ".form label > span, .form .block { overflow: visible; } .form label span { text-transform: capitalize; }</style>"
)


def run(host: str, port: int, browser: bool, auth: Path | None = None, open_to_all: bool = False) -> None:
    """Serve until interrupted. Raises `RefusedError` when the address or the file of users cannot be used.

    `auth`: the file of those who may log in; without it, only this machine is served unless `open_to_all`.
    """
    chosen = settings()
    _check_address(host, port)
    if auth is None and not open_to_all and not _loopback(host):
        raise RefusedError(
            f"{host} can be reached by others, who could see and change everything here. Let them log in: "
            "burnish user add NAME, then add --auth users.json; or serve everybody with --open-to-all."
        )
    accounts = Accounts(auth.absolute()) if auth is not None else None
    if accounts is not None and not accounts.users():
        raise RefusedError(f"Nobody may log in yet; add somebody with: burnish user add NAME --file {auth}")
    cache = open_cache(chosen.home)
    here = Path.cwd()
    try:
        os.environ.update({**QUIET, CACHE_VARIABLE: str(cache)})
        # Gradio may serve files below the working directory; an empty one has none.
        os.chdir(cache)
        _import_gradio()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # Strangers who need no login get no say in which servers this one asks.
        arrived = threading.Event()
        chosen = chosen.model_copy(update={"home": _absolute(chosen.home, here)})
        desk = _desk(chosen, cache, accounts, open_to_all, arrived)
        # Without a login only this machine itself is served, so only its own names lead here.
        names = LOOPBACK | {host.lower()} if accounts is None and not open_to_all else frozenset()
        _serve(desk, host, port, browser, names, arrived)
    finally:
        os.chdir(here)
        close_cache(cache)
    if any(thread.name == _WARM and thread.is_alive() for thread in threading.enumerate()):
        # Inside compiled code, where an orderly end of the interpreter would abort it noisily. All else is closed.
        sys.stdout.flush()
        os._exit(0)


def _desk(
    chosen: "Settings", cache: Path, accounts: Accounts | None, settled: bool, arrived: threading.Event
) -> "Desk":
    """`arrived` is set once a first page is there and the studio open."""
    from ui.desk import Desk

    async def open_studio() -> "Studio":
        # Imported off the loop when the first page asks: the page itself need not wait for it.
        studio = await asyncio.to_thread(importlib.import_module, "agent.studio")
        opened: Studio = await studio.Studio.open(chosen)
        # The index is checked, and memories of an older scene encoder are looked at again, behind the first page.
        opened.memory.warm()
        arrived.set()
        return opened

    return Desk(open_studio, cache, Visitors(cache), accounts, settled and accounts is None)


def _import_gradio() -> None:
    """Spared what takes half of its time: it parses the source of each of its components to write a type stub for editors
    beside it, unless a component has no source file."""

    def nowhere(_: object) -> str:
        raise OSError("a component without a source file")

    found, inspect.getfile = inspect.getfile, nowhere  # type: ignore[assignment]
    try:
        importlib.import_module("gradio")
    finally:
        inspect.getfile = found


def _serve(desk: "Desk", host: str, port: int, browser: bool, names: frozenset[str], arrived: threading.Event) -> None:
    from starlette.middleware import Middleware

    from ui.app import build
    from ui.theme import STYLES, theme

    @asynccontextmanager
    async def life(_: Any) -> AsyncIterator[None]:
        yield
        await desk.close()

    page = build(desk).queue(max_size=64, default_concurrency_limit=8)
    desk.visitors.publish_all()
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
        auth=desk.accounts.check if desk.accounts else None,
        auth_message=_GREETING,
        allowed_paths=[],
        theme=theme(),
        css="\n".join(file.read_text(encoding="utf-8") for file in STYLES),
        app_kwargs={
            "lifespan": life,
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
            "middleware": [Middleware(Gate, visitors=desk.visitors, names=names)],
        },
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    print(f"Burnish: http://{shown}:{port} (Ctrl-C stops it)", flush=True)
    threading.Thread(target=_warm, args=(arrived,), name=_WARM, daemon=True).start()
    page.block_thread()


def _warm(arrived: threading.Event) -> None:
    """Get ready for the first photo while the page is being looked at."""
    arrived.wait(_PAGE_FIRST)
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


def _loopback(host: str) -> bool:
    """Whether all addresses of a host are this machine's own."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return all(ipaddress.ip_address(address[4][0]).is_loopback for address in found)
    except (OSError, ValueError):
        return False


def _absolute(path: Path, here: Path) -> Path:
    return path if path.is_absolute() else here / path
