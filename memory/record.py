"""The Preference: what one explicit act of feedback taught. Typed, small, free of text that a photo or a chat wrote."""

import json
import math
import re
import time
import uuid
from array import array
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from models.errors import PreferenceError
from models.recipe import Recipe
from models.vocabulary import ATTRIBUTES, is_region, region_order

#: Raised with every change of meaning; `migrate` brings older records up.
SCHEMA: Final = 1

#: What a record says whose scene encoder was not named. Embeddings of different encoders never meet.
ENCODER: Final = "1"

MAX_USER = 200
MAX_EMBEDDING = 1024

Feedback = Literal["like", "dislike", "remember", "withdrawn"]
Kind = Literal["strong", "weak", "style", "followup", "command", "sample", "slider"]
Source = Literal["slider", "asked", "given"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9 _-]{0,39}$")]

#: EXIF facts worth keeping. Whatever else a file says about itself is dropped: it is not the person's word.
FACTS: Final = ("iso", "focal_length", "aperture", "exposure_time", "datetime", "hour", "camera", "lens", "flash")

_PLAIN = re.compile(r"[^\w .,:;/+()%-]")


class Preference(BaseModel):
    """One like, dislike, "remember this", or the withdrawal of an earlier one.

    `deviation[region][attribute]` is the measured change of the judged result *relative to the neutral automatic look
    of the same photo*: 0 is the neutral look, full scale is 1, and a difference of two looks lies in [-2, 2].
    `source` says where each of those values came from: moved on a slider, asked for in words, or merely given to the
    person and not objected to. A value that is not named there was given.

    >>> record = Preference(user="anna", feedback="like", embedding=(1.0, 0.0), deviation={"sky": {"temperature": 0.2}})
    >>> Preference.from_json(record.to_json()) == record
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: str(uuid.uuid4()), pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    schema_version: int = SCHEMA
    user: str
    time: float = Field(default_factory=time.time, ge=0, lt=1e11, allow_inf_nan=False)
    """Seconds since 1970, UTC."""
    feedback: Feedback
    photo: Sha256 = ""
    encoder: str = Field(default=ENCODER, pattern=r"^[\w.-]{1,40}$")
    """The identity of what made the embedding (of its weights); filled in when the record is stored."""
    embedding: tuple[float, ...] = Field(default=(), max_length=MAX_EMBEDDING)
    """Scene embedding; any length but all of one encoder equal. Kept with unit norm and float32 precision."""
    tags: dict[Tag, float] = Field(default_factory=dict, max_length=128)
    facts: dict[str, str | float] = Field(default_factory=dict)
    summary: str = Field(default="", max_length=200)
    """A few words made by code from tags and values."""
    deviation: dict[str, dict[str, float]] = Field(default_factory=dict, max_length=64)
    source: dict[str, dict[str, Source]] = Field(default_factory=dict, max_length=64)
    recipe: Recipe | None = None
    style: tuple[float, ...] = Field(default=(), max_length=128)
    kind: Kind = "weak"
    weight: float = Field(default=1.0, ge=0, le=10)
    """Evidence weight; 1 is a plain like."""
    thumbnail: Sha256 = ""
    target: str = ""
    """The id of the record that a withdrawal takes back."""

    @field_validator("user")
    @classmethod
    def _user(cls, name: str) -> str:
        return check_user(name)

    @field_validator("embedding", "style")
    @classmethod
    def _vector(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(math.isfinite(v) and abs(v) < 1e6 for v in values):
            raise ValueError("a vector has a value that is not a finite number")
        return values

    @field_validator("embedding")
    @classmethod
    def _unit(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        norm = math.sqrt(math.fsum(v * v for v in values))
        if values and norm < 1e-6:
            raise ValueError("the embedding is zero")
        # Already unit: left alone, so that reading back what was written changes nothing.
        scale = 1.0 if not values or abs(norm - 1) < 1e-4 else 1 / norm
        return tuple(array("f", (v * scale for v in values)))

    @field_validator("tags")
    @classmethod
    def _tags(cls, tags: dict[str, float]) -> dict[str, float]:
        if not all(math.isfinite(v) for v in tags.values()):
            raise ValueError("a tag has a value that is not a finite number")
        return {name: round(min(max(value, 0.0), 1.0), 4) for name, value in sorted(tags.items())}

    @field_validator("facts")
    @classmethod
    def _facts(cls, facts: dict[str, str | float]) -> dict[str, str | float]:
        return {name: plain(v, 64) if isinstance(v, str) else v for name, v in facts.items() if name in FACTS}

    @field_validator("summary")
    @classmethod
    def _summary(cls, text: str) -> str:
        return plain(text, 200)

    @field_validator("deviation")
    @classmethod
    def _deviation(cls, regions: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        for region, values in regions.items():
            if not is_region(region):
                raise ValueError(f"unknown region {region!r}")
            for name, value in values.items():
                if name not in ATTRIBUTES:
                    raise ValueError(f"unknown attribute {name!r}")
                if not -2 <= value <= 2:
                    raise ValueError(f"{region} {name} must lie in -2..2, not {value}")
        return {
            region: {n: round(float(regions[region][n]), 5) for n in ATTRIBUTES if n in regions[region]}
            for region in sorted(regions, key=region_order)
        }

    @field_validator("source")
    @classmethod
    def _source(cls, regions: dict[str, dict[str, Source]]) -> dict[str, dict[str, Source]]:
        for region, values in regions.items():
            if not is_region(region) or any(name not in ATTRIBUTES for name in values):
                raise ValueError(f"unknown region or attribute in source: {region!r}")
        return regions

    @property
    def positive(self) -> bool:
        """True for a like or a "remember this"."""
        return self.feedback in ("like", "remember")

    def source_of(self, region: str, attribute: str) -> Source:
        """Where a value came from: said for the region, else for the whole photo, else told from the kind of request."""
        for place in (region, "global"):
            if said := self.source.get(place, {}).get(attribute):
                return said
        value = self.deviation.get(region, {}).get(attribute, 0.0)
        if self.source or self.kind in ("weak", "sample", "command") or abs(value) < 0.03:
            return "given"
        return "slider" if self.kind == "slider" else "asked"

    def to_json(self) -> str:
        """JSON of one line; the embedding is in it."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes | Mapping[str, Any]) -> "Preference":
        """Read a record, migrating older schemas. Raises `PreferenceError` in one sentence."""
        try:
            data = dict(text) if isinstance(text, Mapping) else _parse(text)
            return cls.model_validate(migrate(data))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the top"
            raise PreferenceError(f"This preference is damaged at {where}: {first['msg']}; leave it out.") from error


def _parse(text: str | bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PreferenceError("This preference is not readable JSON; export it again from Burnish.") from error
    if not isinstance(data, dict):
        raise PreferenceError("This preference is not a JSON object; export it again from Burnish.")
    return data


def migrate(data: dict[str, Any]) -> dict[str, Any]:
    """A record's JSON brought to the present schema, step by step. Raises `PreferenceError` for a newer one."""
    version = data.get("schema_version")
    if not isinstance(version, int):
        raise PreferenceError("This preference has no schema_version; export it again from Burnish.")
    if version > SCHEMA:
        raise PreferenceError(f"This preference has schema {version}, newer than this Burnish; update it.")
    return data


def check_user(name: object) -> str:
    """A user's name: any Unicode text of 1..200 characters. It is never used as a path.

    Raises `PreferenceError` for anything else.

    >>> check_user("../Anna ☀")
    '../Anna ☀'
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_USER:
        raise PreferenceError(f"A user's name is a text of 1 to {MAX_USER} characters; choose another.")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PreferenceError("A user's name has a character that is not valid Unicode; choose another.") from error
    return name


def plain(text: str, length: int) -> str:
    """`text` without control characters or markup, at most `length` characters.

    >>> plain("Canon <b>EOS</b>\\n", 64)
    'Canon bEOS/b'
    """
    return _PLAIN.sub("", text.replace("\n", " ")).strip()[:length]
