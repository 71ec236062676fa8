"""The Recipe: what was decided. Every value per region, the seed, the strength; small JSON that re-renders bit for bit."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from models.errors import RecipeError
from models.vocabulary import ATTRIBUTES, MAP_ATTRIBUTES, is_region, region_order

#: Raised with every change of meaning, together with a step in `MIGRATIONS`; older recipes are migrated when they are read.
SCHEMA: Final = 3


class Setting(BaseModel):
    """The values of one region.

    `values` is what people see and ask for: measured change in [-1, 1] for the map's attributes, strength in [-1, 1] for
    the finishing ones. `solved` holds the develop parameters that make the map's attributes come out as asked on this
    photo; an attribute that is missing there is developed open loop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = "global"
    values: dict[str, float] = Field(default_factory=dict)
    solved: dict[str, float] = Field(default_factory=dict)

    @field_validator("region")
    @classmethod
    def _region(cls, name: str) -> str:
        if not is_region(name):
            raise ValueError(f"unknown region {name!r}")
        return name

    @field_validator("values")
    @classmethod
    def _values(cls, values: dict[str, float]) -> dict[str, float]:
        for name, value in values.items():
            if name not in ATTRIBUTES:
                raise ValueError(f"unknown attribute {name!r}")
            if not -1 <= value <= 1:
                raise ValueError(f"{name} must lie in -1..1, not {value}")
        return {name: round(float(values[name]), 4) for name in ATTRIBUTES if values.get(name)}

    @field_validator("solved")
    @classmethod
    def _solved(cls, values: dict[str, float]) -> dict[str, float]:
        for name, value in values.items():
            if name not in MAP_ATTRIBUTES or not -8 <= value <= 8:
                raise ValueError(f"bad develop parameter {name!r}: {value}")
        return {name: round(float(values[name]), 5) for name in MAP_ATTRIBUTES if name in values}


#: Denoising steps of a look that should differ from others of the same photo.
VARIED_STEPS: Final = 4


class Look(BaseModel):
    """The free part: what the model decides. Identity: strength 0.

    One step already gives the expected look; samples that differ visibly by `seed` take more (`VARIED_STEPS`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: float = Field(default=1.0, ge=0, le=1.5)
    seed: int = Field(default=0, ge=0, lt=2**32)
    steps: int = Field(default=1, ge=1, le=50)
    style: tuple[float, ...] = Field(default=(), max_length=128)
    """Style vector; empty is the neutral automatic look."""
    drawn: str = Field(default="", max_length=16_384, pattern=r"^[A-Za-z0-9+/]*={0,2}$")
    """The grid of a look that an artist has drawn of this photo (`models.fit_grid.pack`); it stands instead of the model's."""

    def with_seed(self, seed: int) -> Self:
        """Another sample of the model's; seed 0 is the expected look. What an artist drew is left behind: it was one sample.

        >>> Look().with_seed(3).steps
        4
        """
        return self.model_copy(update={"seed": seed % 2**32, "steps": VARIED_STEPS if seed else 1, "drawn": ""})


class Hint(BaseModel):
    """What colour a region had, for `colourise`: CIELAB a and b; 0, 0 is grey. Without `colourise` it does nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    a: float = Field(ge=-100, le=100)
    b: float = Field(ge=-100, le=100)

    @field_validator("region")
    @classmethod
    def _region(cls, name: str) -> str:
        if not is_region(name):
            raise ValueError(f"unknown region {name!r}")
        return name

    @field_validator("a", "b")
    @classmethod
    def _rounded(cls, value: float) -> float:
        return round(float(value), 2)


def _to_2(data: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 had `look.targets`, a taste's values of the whole, which are settings like all others now; and looks took
    four steps where none were given."""
    look, settings = data.get("look"), data.get("settings", [])
    if not isinstance(look, Mapping):
        return data
    rest = {"steps": 4, **look}
    targets = rest.pop("targets", None)
    if not isinstance(targets, Mapping) or not targets or not isinstance(settings, list | tuple):
        return {**data, "look": rest}
    out: list[Any] = []
    whole: dict[str, Any] = {"region": "global", "values": {}}
    for setting in settings:
        if isinstance(setting, Mapping) and setting.get("region", "global") == "global":
            whole = dict(setting)
        else:
            out.append(setting)
    own = whole.get("values")
    whole["values"] = {**targets, **own} if isinstance(own, Mapping) else own
    return {**data, "look": rest, "settings": [whole, *out]}


def _to_3(data: dict[str, Any]) -> dict[str, Any]:
    """Schema 3 has fields more, each of which changes nothing where it is missing: `look.drawn`, `hints`."""
    return data


#: From a schema to the next one, as JSON; applied one after the other.
MIGRATIONS: Final[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _to_2, 2: _to_3}


def migrated(data: dict[str, Any]) -> dict[str, Any]:
    """A recipe's JSON in the present schema; what is not older is returned as it is.

    >>> migrated({"schema_version": 1, "look": {"seed": 3}})["look"]
    {'steps': 4, 'seed': 3}
    """
    version = data.get("schema_version", SCHEMA)
    while isinstance(version, int) and version in MIGRATIONS:
        data = {**MIGRATIONS[version](data), "schema_version": version + 1}
        version += 1
    return data


class Recipe(BaseModel):
    """A whole retouch, relative to the photo as opened. `Recipe()` is the identity.

    >>> Recipe().is_identity
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA
    settings: tuple[Setting, ...] = Field(default=(), max_length=64)
    look: Look | None = None
    keep: tuple[str, ...] = ()
    """Regions whose pixels are not touched by anything."""
    hints: tuple[Hint, ...] = Field(default=(), max_length=32)
    """What colours a photo without colour had; at most one a region."""

    @model_validator(mode="before")
    @classmethod
    def _older(cls, data: Any) -> Any:
        return migrated(data) if isinstance(data, dict) else data

    @field_validator("keep")
    @classmethod
    def _keep(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [n for n in names if not is_region(n)]:
            raise ValueError(f"unknown region {bad[0]!r}")
        return tuple(sorted(set(names), key=region_order))

    @field_validator("hints")
    @classmethod
    def _hints(cls, hints: tuple[Hint, ...]) -> tuple[Hint, ...]:
        if len({h.region for h in hints}) != len(hints):
            raise ValueError("a region has two hints")
        return tuple(sorted(hints, key=lambda h: region_order(h.region)))

    @model_validator(mode="after")
    def _one_setting_a_region(self) -> Self:
        names = [s.region for s in self.settings]
        if len(set(names)) != len(names):
            raise ValueError("a region appears twice")
        ordered = tuple(sorted((s for s in self.settings if s.values), key=lambda s: region_order(s.region)))
        if ordered != self.settings:
            object.__setattr__(self, "settings", ordered)
        return self

    @property
    def is_identity(self) -> bool:
        """True when rendering returns the photo as it is."""
        return not self.settings and (self.look is None or self.look.strength == 0)

    def values(self, region: str) -> dict[str, float]:
        """The values of `region`; empty where it has none."""
        return next((dict(s.values) for s in self.settings if s.region == region), {})

    def with_values(self, region: str, values: dict[str, float], solved: dict[str, float] | None = None) -> "Recipe":
        """A recipe in which `region` has exactly `values` (and the develop parameters `solved`)."""
        rest = tuple(s for s in self.settings if s.region != region)
        setting = Setting(region=region, values=values, solved=solved or {})
        return self.but(settings=(*rest, setting))

    def with_hints(self, *hints: Hint) -> "Recipe":
        """A recipe with these hints as well, each in place of an older one for its region."""
        new = {h.region: h for h in (*self.hints, *hints)}
        return self.but(hints=tuple(new.values()))

    def but(self, **changes: Any) -> "Recipe":
        """The same recipe but for some of its fields.

        >>> Recipe(keep=("sky",)).but(look=Look()).keep
        ('sky',)
        """
        return Recipe(**{name: getattr(self, name) for name in type(self).model_fields} | changes)

    def to_json(self) -> str:
        """Canonical JSON: the same recipe gives the same text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Recipe":
        """Read a recipe, migrating older schemas. Raises `RecipeError` with the reason in one sentence."""
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecipeError("This recipe is not readable JSON; export it again from Burnish.") from error
        if not isinstance(data, dict) or not isinstance(data.get("schema_version"), int):
            raise RecipeError("This file is not a Burnish recipe: it has no schema_version.")
        if data["schema_version"] > SCHEMA:
            raise RecipeError(f"This recipe has schema {data['schema_version']}, newer than this Burnish; update it.")
        if data["schema_version"] < min(MIGRATIONS):
            raise RecipeError(f"This recipe has schema {data['schema_version']}, which no Burnish has written.")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RecipeError(f"This recipe is damaged at {where}: {first['msg']}.") from error
