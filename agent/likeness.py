"""Looks that are carried over: the reference that came with a message, and looks that people have given a name."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.plan import Plan
from agent.state import State
from models.errors import ConversationError, PreferenceError
from models.reference import Reference

if TYPE_CHECKING:
    from agent.history import Version
    from memory.taste import Memory

#: Long edge of the thumbnail of a picture to look like.
GLANCE: Final = 240


def names(memory: "Memory", user: str) -> tuple[str, ...]:
    """The names of a person's looks; none where they cannot be read, which whoever asks for one is told."""
    try:
        return tuple(memory.looks(user))
    except PreferenceError:
        return ()


def wanted(memory: "Memory", state: State, plan: Plan) -> Reference:
    """The reference that a plan means. Raises `PreferenceError` when it is no longer there."""
    like = plan.likeness
    assert like is not None
    if not like.look:
        return Reference.model_validate(state["reference"])
    found = memory.looks(state["user"]).get(like.look)
    if found is None:
        raise PreferenceError(f"You have no look called {like.look} any more.")
    return found


def glance(path: Path) -> bytes:
    """A small JPEG of a picture that is to be looked like. Raises `PhotoError` in one sentence for what is no picture."""
    import numpy as np

    from tools.photo import encode_preview, open_photo, thumbnail

    photo = open_photo(path)
    small = np.asarray(np.rint(thumbnail(photo, GLANCE) * 255), np.uint8)
    return encode_preview(small, space=photo.space)


def called(plan: Plan, reference: Reference) -> str:
    """How a sentence calls the look.

    >>> called(Plan(kind="style"), Reference(pictures=2, traits={"global": (0.0,) * 16}))
    'the 2 references'
    """
    if plan.likeness is not None and plan.likeness.look:
        return f"your look “{plan.likeness.look}”"
    if reference.pictures > 1:
        return f"the {reference.pictures} references"
    return "the drawing you gave" if reference.drawn >= 0.5 else "the reference"


def learn(memory: "Memory", user: str, plan: Plan, version: "Version") -> str:
    """Give the look of `version` a name, or forget a named one, as the plan says; the sentence that tells.

    Raises `PreferenceError`, and `ConversationError` where there is no reference's look to name.
    """
    like = plan.likeness
    assert like is not None
    if like.forget:
        return f"I have forgotten your look “{memory.forget_look(user, like.forget)}”."
    kept = version.facts.get("reference")
    if not kept:
        raise ConversationError("There is no reference's look here to name; give me a picture to look like first.")
    name = memory.name_look(user, like.call, Reference.model_validate(kept))
    return f"I call this look “{name}”; say “in my {name} look” on any photo."
