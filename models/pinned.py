"""Weight files that ship with Burnish: found in `models/weights/`, checked against their pinned sha256, then loaded.

Every weight file is `weights/<name>/model.safetensors`, pinned by `weights/<name>/pin.json`: `{"sha256": …}`.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

FOLDER: Final = Path(__file__).parent / "weights"


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pinned_sha256(name: str, folder: Path | None = None) -> str:
    """The sha256 that `pin.json` of weight set `name` asks for. Raises `WeightsError`."""
    path = (folder or FOLDER) / name / "pin.json"
    try:
        value = json.loads(path.read_text("utf-8"))["sha256"]
    except FileNotFoundError as error:
        raise WeightsError(f"The weights {name!r} are not installed ({path} is missing); reinstall Burnish.") from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise WeightsError(f"{path} is damaged; reinstall Burnish.") from error
    return str(value)


def available(name: str, folder: Path | None = None) -> bool:
    """True if the weight set is there at all; it may still prove to be the wrong one."""
    return ((folder or FOLDER) / name / "model.safetensors").is_file()


def checked(name: str, expected: str | None = None, folder: Path | None = None) -> Path:
    """The weight file of a set, after its sha256 has been compared with `expected` (default: the pinned one).

    Raises `WeightsError` if the file is missing or is another file than the pinned one.
    """
    path = (folder or FOLDER) / name / "model.safetensors"
    wanted = expected or pinned_sha256(name, folder)
    if not path.is_file():
        raise WeightsError(f"The weights {name!r} are not installed ({path} is missing); reinstall Burnish.")
    if sha256(path) != wanted:
        raise WeightsError(f"{path} is not the file that was pinned (its sha256 differs); reinstall Burnish.")
    return path


def load_safetensors(name: str, expected: str | None = None, folder: Path | None = None) -> "dict[str, Tensor]":
    """The tensors of a weight set that `checked` finds right. Raises `WeightsError` also if the file cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = checked(name, expected, folder)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} cannot be read; reinstall Burnish.") from error


def pin(name: str, folder: Path | None = None) -> str:
    """Write `pin.json` for the weight file of `name` as it is now; for training commands. Returns the sha256."""
    place = (folder or FOLDER) / name
    digest = sha256(place / "model.safetensors")
    (place / "pin.json").write_text(json.dumps({"sha256": digest}, indent=2) + "\n", "utf-8")
    return digest
