"""What a served model that sees thinks of a photo and of a retouch. Advice only: measured numbers outrank it."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.planner.embedded import plan_text
from agent.planner.served import prompt
from agent.planner.server import Server
from agent.planner.wire import LINE, wire_object
from models.errors import PlanError, ServerError

Model = TypeVar("Model", bound=BaseModel)
Sentence = Annotated[str, StringConstraints(max_length=400, strip_whitespace=True)]


class Opinion(BaseModel):
    """Of a retouch, beside the photo as it was; shares in 0..100."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    met: int = Field(ge=0, le=100)
    spill: int = Field(ge=0, le=100)
    natural: int = Field(ge=0, le=100)
    fix: Sentence | None = None
    """A wish in plain words that would improve it."""


class Critique(BaseModel):
    """Of a photo as it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reasoning: Sentence = ""
    score: int = Field(ge=0, le=100)
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
        opinion = await server.ask(prompt("review"), said, schema, _reader(Opinion), (before, after))
    except ServerError:
        return None
    return opinion if server.sees else None  # without eyes it was a guess


async def critique(server: Server, photo: bytes, summary: str = "") -> Critique | None:
    """What the model thinks of a photo; None when it cannot say. Suggestions that nobody can carry out are left out."""
    suggestions = {"type": "array", "items": _line(), "maxItems": 4}
    schema = wire_object(reasoning=_line(), score=_share(), suggestions=suggestions)
    said = f"scene: {summary[:500] or 'unknown'}"
    try:
        opinion = await server.ask(prompt("critique"), said, schema, _reader(Critique), (photo,))
    except ServerError:
        return None
    if not server.sees:
        return None
    possible = tuple(s for s in opinion.suggestions if plan_text(s).edits)
    return opinion.model_copy(update={"suggestions": possible[:4]})


def _reader(model: type[Model]) -> Callable[[Any], Model]:
    def read(answer: Any) -> Model:
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            first = error.errors()[0]
            raise PlanError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    return read
