"""What the person who runs an installation may choose in the app: the language model, what regions are read with, the artist.

Kept in `settings.json` under the home, of which `Settings` reads what the environment leaves open. Never filled from a message:
an address that this machine asks is given by hand, on the page of settings or in the environment.
"""

import json
import logging
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from models.errors import ConversationError, ServerError

if TYPE_CHECKING:
    from agent.studio import Studio

log = logging.getLogger(__name__)

#: Settings that may be chosen, and what they are called in the environment.
CHOSEN: Final = ("llm_url", "llm_model", "llm_key", "segmenter", "artist")
#: Those that an open app takes up at once; regions that a recipe was made with stay as they are until the next start.
_AT_ONCE: Final = ("llm_url", "llm_model", "llm_key", "artist")

_LONGEST: Final = 500


def file_of(home: Path) -> Path:
    """Where choices are kept."""
    return home / "settings.json"


def kept(home: Path) -> dict[str, str]:
    """The choices kept under `home`; none where the file is missing or damaged."""
    try:
        data = json.loads(file_of(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("the kept settings cannot be read: %s", error)
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: data[name] for name in CHOSEN if isinstance(data.get(name), str) and data[name]}


def from_environment() -> dict[str, str]:
    """Choices that the environment makes, with the names of their variables: they win and cannot be changed in the app."""
    named = {name: f"BURNISH_{name.upper()}" for name in CHOSEN}
    return {name: variable for name, variable in named.items() if os.environ.get(variable)}


def segmenters() -> dict[str, str]:
    """Larger models for regions that are known to fit: name → a few words about it."""
    from tools.hub import KNOWN

    return dict(KNOWN)


def lacking(segmenter: str) -> str:
    """What keeps a model from being used on this machine, with what to do; empty when nothing does."""
    from tools.hub import missing

    return missing(segmenter)


def artists() -> dict[str, str]:
    """Artists that are known to fit: name → a few words about each."""
    from tools.artist import KNOWN

    return dict(KNOWN)


def lacking_artist(name: str) -> str:
    """What keeps an artist from being used on this machine, with what to do; empty when nothing does."""
    from tools.artist import missing

    return missing(name)


def change(studio: "Studio", values: dict[str, str]) -> None:
    """Keep choices, "" for none, and take up at once what can be. Raises `ConversationError` with what is wrong.

    Choices that the environment makes, and those not named, stay as they are.
    """
    from agent.planner import choose

    fixed = from_environment()
    wanted = {name: value.strip() for name, value in values.items() if name in CHOSEN and name not in fixed}
    if any(len(value) > _LONGEST or not value.isprintable() for value in wanted.values()):
        raise ConversationError(f"A setting has at most {_LONGEST} printable characters; correct it.")
    if wanted.get("llm_url"):
        wanted["llm_url"] = address(wanted["llm_url"])
    settings = studio.rooms.settings
    _write(file_of(settings.home), {**kept(settings.home), **wanted})
    now: dict[str, Any] = {name: wanted[name] or None for name in _AT_ONCE if name in wanted}
    if "llm_key" in now:
        now["llm_key"] = now["llm_key"] or "none"
    settings = settings.model_copy(update=now)
    studio.rooms.settings = settings
    studio.rooms.planner = choose(
        settings.llm_url, settings.llm_model, settings.llm_timeout, settings.llm_key, settings.planner
    )


def address(url: str) -> str:
    """The address of a server as it is kept. Raises `ConversationError` for what is none.

    >>> address("127.0.0.1:8000/v1")
    'http://127.0.0.1:8000/v1'
    """
    url = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or any(c.isspace() for c in url):
        raise ConversationError("This is no address of a server; write it as http://127.0.0.1:8000/v1.")
    return url


async def probe(url: str, model: str = "", key: str = "", timeout: float = 20.0) -> str:
    """What was found at an address, in one sentence, after asking the model there to plan "a bit warmer"."""
    from agent.plan import PlanContext
    from agent.planner import wire
    from agent.planner.served import prompt, situation
    from agent.planner.server import Server

    try:
        server = Server(address(url), model or None, timeout, key or "none")
        began = time.perf_counter()
        plan = await server.ask(prompt(), situation("a bit warmer", PlanContext()), wire.schema(), wire.read)
    except ServerError as error:
        return f"{str(error).rstrip('.')}. Check that it runs at {url.strip()[:200]}, and the model's name."
    except ConversationError as error:
        return str(error)
    took = time.perf_counter() - began
    warmer = any(edit.attribute == "temperature" and edit.direction > 0 for edit in plan.edits)
    understood = "understood “a bit warmer”" if warmer else "answered, but did not understand “a bit warmer”"
    return f"{server.model or 'The model'} {understood} in {took:.1f} s{'.' if warmer else '; try another model.'}"


def _write(file: Path, data: dict[str, str]) -> None:
    """Whole or not at all, for its owner's eyes: there may be a key in it."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            json.dump({name: value for name, value in data.items() if value}, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)
    except OSError as error:
        raise ConversationError(
            f"The settings cannot be kept ({error.strerror}); check the folder {file.parent}."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
