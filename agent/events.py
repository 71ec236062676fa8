"""What a turn tells the outside while it runs: steps and notes, then exactly one `Result` or `Failed`."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agent.plan import Plan
from models.recipe import Recipe

#: Measured attributes per region: `{"sky": {"brightness": 0.61}}`.
Measures = dict[str, dict[str, float]]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Frozen):
    """A node of the graph began or ended. `text` is for people, `seconds` is set when it is done."""

    node: str
    text: str
    state: Literal["running", "done"]
    seconds: float | None = None


class Note(_Frozen):
    """One sentence worth showing while the turn goes on, such as a round of rethinking."""

    text: str


class Change(_Frozen):
    """An asked change and what was measured, as values in [-1, 1]; `achieved` is None where nothing can measure it."""

    region: str
    attribute: str
    asked: float
    achieved: float | None = None


class Result(_Frozen):
    """The end of a turn that worked."""

    thread: str
    version: int
    """The version now current; 0 is the photo as opened."""
    preview: Path
    """PNG of that version, long edge as in the settings."""
    answer: str
    """Two or three plain sentences."""
    changes: tuple[Change, ...] = ()
    options: tuple[str, ...] = ()
    """Short texts a person could send next."""
    plan: Plan | None = None
    recipe: Recipe = Recipe()
    measured_before: Measures = {}
    measured_after: Measures = {}
    review: dict[str, Any] = {}
    """`{"ok", "rounds", "spill", "clipped", "skin_drift", "sentences"}` of the rendition that was kept."""
    seconds: dict[str, float] = {}
    """Per stage."""
    compared: tuple[int, int] | None = None
    """The two versions that a comparison was about, to be shown side by side."""
    variations: tuple[int, ...] = ()
    """Versions that are samples of one look, to choose from; the first of them is the current one."""
    memory_used: tuple[str, ...] = ()
    """What this result leans on and why, and the liked photos behind it, named; empty when it leans on none."""
    memory_thumbnails: tuple[Path, ...] = ()
    """PNG thumbnails of those photos, the weightiest first; fewer than there are photos where some have none."""


class Failed(_Frozen):
    """The end of a turn that did not work: one sentence that says what to do next. Nothing was changed."""

    text: str


Event = Step | Note | Result | Failed


class Opened(_Frozen):
    """A photo was opened, or a conversation taken up again."""

    thread: str
    photo: str
    """sha256 of the file's bytes."""
    preview: Path
    """PNG of the photo as opened."""
    summary: str
    suggestions: tuple[str, ...] = ()
    width: int
    height: int


class Resumed(Opened):
    """A conversation taken up again, with all that was said and where it stands."""

    name: str
    messages: tuple["Message", ...] = ()
    result: Result


class Message(_Frozen):
    """One thing said in a conversation; `version` is the version an answer was about."""

    role: Literal["user", "assistant"]
    text: str
    version: int | None = None


class VersionView(_Frozen):
    """A node of the edit tree, as the version strip shows it."""

    number: int
    parent: int | None
    current: bool
    label: str
    thumbnail: Path
    preview: Path
    feedback: Literal["like", "dislike"] | None = None
    strength: float = 1.0
    """In what strength its step was set, 0..2; 1 is as it was made."""


class Comparison(_Frozen):
    """Two versions side by side. `differences`: region → attribute → change of the value from `one` to `two`."""

    one: VersionView
    two: VersionView
    differences: Measures
    measured: dict[str, float]
    """Measured change of the whole photo, in values."""
    text: str


class ThreadView(_Frozen):
    """A conversation that can be resumed."""

    thread: str
    name: str
    """File name of its photo."""
    created: str
    """ISO 8601, UTC."""
    versions: int
    thumbnail: Path
