"""What a served model that sees thinks of a photo and of a retouch. Advice only: measured numbers outrank it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from agent.plan import Edit
from agent.planner.embedded import plan_text
from agent.planner.served import prompt
from agent.planner.server import Server
from agent.planner.wire import LINE, wire_object
from models.errors import PlanError, ServerError

Model = TypeVar("Model", bound=BaseModel)

#: A wish on the wire.
WISH = r"^[ !#-\[\]-~]{1,60}$"


def _plain(said: Any) -> Any:
    """Text on one line without control characters, for a server that holds no answer to its schema."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e]+", " ", said) if isinstance(said, str) else said


Sentence = Annotated[str, BeforeValidator(_plain), StringConstraints(max_length=400, strip_whitespace=True)]


class Opinion(BaseModel):
    """Of a retouch, beside the photo as it was; shares in 0..100."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    met: int = Field(ge=0, le=100)
    spill: int = Field(ge=0, le=100)
    natural: int = Field(ge=0, le=100)
    fix: Sentence | None = None
    """A wish in plain words that would improve it."""


class Critique(BaseModel):
    """Of a photo as it is: what cannot be measured on it. All of it is opinion, none of it a measurement."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    composition: Sentence = ""
    aesthetics: Sentence = ""
    score: int = Field(ge=0, le=100)
    """How well it is composed and how much it appeals."""
    suggestions: tuple[Sentence, ...] = Field(default=(), max_length=8)


def _share() -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "maximum": 100}


def _line() -> dict[str, Any]:
    return {"type": "string", "pattern": LINE}


async def review(server: Server, request: str, before: bytes, after: bytes) -> Opinion | None:
    """What the model thinks of a retouch; None when it cannot say. `before`, `after`: JPEG bytes."""
    fix = {"anyOf": [_line(), {"type": "null"}]}
    schema = wire_object(met=_share(), spill=_share(), natural=_share(), fix=fix)
    said = f"request: {' '.join(request.split())[:1000]}"
    try:
        return await server.ask(prompt("review"), said, schema, _reader(Opinion), (before, after), must_see=True)
    except ServerError:
        return None


async def critique(
    server: Server, photo: bytes, summary: str = "", measured: Sequence[str] = (), suggested: Sequence[str] = ()
) -> Critique | None:
    """What the model thinks of a photo; None when it has no eyes. Raises `ServerError` with a sentence for the person.

    `photo`: JPEG bytes; `measured`, `suggested`: what the measured critique says and asks for. Suggestions that nobody can
    carry out, that are asked for already, or that go against what was measured are left out.
    """
    suggestions = {"type": "array", "items": {"type": "string", "pattern": WISH}, "maxItems": 3}
    schema = wire_object(composition=_line(), aesthetics=_line(), score=_share(), suggestions=suggestions)
    told = [f"scene: {summary[:500] or 'unknown'}", *(f"measured: {sentence[:200]}" for sentence in measured[:6])]
    told += [f"suggested already: {text[:80]}" for text in suggested[:6]]
    try:
        said = await server.ask(prompt("critique"), "\n".join(told), schema, _reader(Critique), (photo,), must_see=True)
    except ServerError:
        if server.sees:
            raise
        return None
    wanted = {_key(edit): edit.direction for text in suggested for edit in plan_text(text).edits}
    fit = tuple(dict.fromkeys(text for text in said.suggestions if _fits(text, wanted)))
    return said.model_copy(update={"suggestions": fit[:3]})


def _key(edit: Edit) -> tuple[str, str]:
    return edit.region, edit.attribute


def _fits(text: str, wanted: Mapping[tuple[str, str], int]) -> bool:
    """True for a wish that can be carried out and is neither asked for already nor the opposite of what was measured.

    >>> wanted = {("global", "brightness"): 1}
    >>> [_fits(t, wanted) for t in ("darken the sky", "brighter", "warmer", "crop it", "undo")]
    [False, False, True, False, False]
    """
    plan = plan_text(text)
    if not plan.edits or plan.command or plan.out_of_scope or plan.question:
        return False
    for edit in plan.edits:
        for (region, attribute), direction in wanted.items():
            same_place = region == edit.region or "global" in (region, edit.region)
            if same_place and attribute == edit.attribute and direction != edit.direction:
                return False
    return any(wanted.get(_key(edit)) is None for edit in plan.edits)


def _reader(model: type[Model]) -> Callable[[Any], Model]:
    def read(answer: Any) -> Model:
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            first = error.errors()[0]
            raise PlanError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    return read
