"""Borrowed models: larger networks of others, named by a setting, that stand in for one of Burnish's own.

A name is a hub id or a folder. What is shared by whoever borrows: whether a name can be used on this machine, the choice that
holds for the process, and the one sentence in which a load that failed is told.
"""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

from models.errors import WeightsError

T = TypeVar("T")

_INSTALL: Final = "transformers: pip install 'burnish[hub]'"


class Choice(Generic[T]):
    """The model that is borrowed for one purpose in this process, if any; loaded by `load` when first needed."""

    def __init__(self, load: Callable[[str], T]) -> None:
        self._load = load
        self._name: str | None = None

    def choose(self, name: str | None) -> None:
        """The model from now on in this process; None: Burnish's own."""
        self._name = name or None

    def choice(self) -> str | None:
        """The name of the model that was chosen; None for Burnish's own."""
        return self._name

    def chosen(self) -> T | None:
        """The model that was chosen, loaded; None for Burnish's own. Raises `WeightsError` where it cannot be loaded."""
        return self._load(self._name) if self._name else None


def folder_of(name: str) -> Path | None:
    """The folder that a name means; None for a hub id.

    >>> folder_of("owner/model") is None, folder_of("/nowhere/at/all") is None
    (True, False)
    """
    folder = Path(name).expanduser()
    return folder if folder.is_absolute() or folder.exists() else None


def missing(name: str, what: str, whole: Callable[[Path], bool], content: str, files: Sequence[str]) -> str:
    """What keeps a model from being used on this machine, as a sentence with what to do; empty when nothing does.

    `what` it is, `whole`: whether a folder has it, with the `content` that one must have; of a hub id one of `files` must be
    in the cache.
    """
    if importlib.util.find_spec("transformers") is None:
        return f"It needs {_INSTALL}."
    if (folder := folder_of(name)) is not None:
        return "" if whole(folder) else f"There is no {what} in {name}; give a folder with {content}."
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [try_to_load_from_cache(name, file) for file in files]
    except HFValidationError:
        return f"{name} is no name of a {what}; it looks like owner/model."
    return "" if any(isinstance(f, str) for f in found) else f"It is not on this machine yet: hf download {name}"


@contextmanager
def loading(what: str, name: str, setting: str, own: str = "Burnish's own") -> Iterator[None]:
    """Within, a model is loaded. Whatever goes wrong there is told in a `WeightsError` that names the `setting` to change."""
    if importlib.util.find_spec("transformers") is None:
        raise WeightsError(f"{setting} needs {_INSTALL}, or leave it unset.")
    try:
        yield
    except WeightsError:
        raise
    except Exception as error:  # whatever a library raises about files that are not ours
        raise WeightsError(
            f"The {what} {name!r} cannot be loaded ({reason(error)}). Check {setting}, or leave it unset for {own}."
        ) from error


def reason(error: Exception) -> str:
    """An error's first line, short.

    >>> reason(ValueError("no such file\\nand more")), reason(KeyError())
    ('no such file', 'KeyError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
