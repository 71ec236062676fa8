"""The Plan: what was asked, in a closed vocabulary. The only thing a language model ever produces.

A plan is relative and unresolved: it says *more brightness on the sky, a little*; `agent.decide` turns that into numbers.
Everything that comes from outside is validated here; nothing in a plan is ever executed, opened or fetched.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from models.vocabulary import ATTRIBUTES, is_region

Kind = Literal["strong", "weak", "style", "followup", "command", "question", "none"]
Word = Literal["slight", "medium", "strong"]
OutOfScope = Literal[
    "remove_object", "add_object", "replace_background", "crop", "rotate", "flip", "resize", "reshape",
    "restore_damage", "composite", "text", "other",
]  # fmt: skip

Complaint = Literal["too strong", "too weak", "wrong place", "wrong colour", "too artificial"]

#: Commands; `goto:<n>` is the one with an argument.
COMMANDS = (
    "undo", "redo", "reset", "compare", "export", "variations", "remember", "forget", "use_my_style",
    "ignore_my_style", "like", "dislike", "help",
)  # fmt: skip

#: Words of amount as a share of the full scale of a value in [-1, 1].
WORD_SIZES: dict[str, float] = {"slight": 0.12, "medium": 0.28, "strong": 0.55}

#: What labels call a repair: the attribute that stood for it, or the wish that nobody could grant.
LABELLED: dict[str, str] = {
    "deblur": "sharpness",
    "deblock": "denoise",
    "low_light": "brightness",
    "colourise": "other",
}

ShortText = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class Amount(BaseModel):
    """An explicit amount with its unit. `absolute`: a target ("contrast to 40") instead of a change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float = Field(ge=-100_000, le=100_000, allow_inf_nan=False)
    unit: Literal["stop", "kelvin", "percent", "unit"] = "percent"
    absolute: bool = False


class Edit(BaseModel):
    """One asked change: an attribute of a region, a direction and an amount."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = "global"
    attribute: str
    direction: Literal[-1, 1] = 1
    amount: Word | float | Amount = "medium"
    """A word, a bare percentage (0..1000), or an explicit amount."""

    @field_validator("region")
    @classmethod
    def _known_region(cls, name: str) -> str:
        name = name.strip().lower()
        if not is_region(name):
            raise ValueError(f"unknown region {name!r}")
        return name

    @field_validator("attribute")
    @classmethod
    def _known_attribute(cls, name: str) -> str:
        name = name.strip().lower()
        # A colour outside the mixer's eight is mapped by the planner; any plain colour word is still a valid label.
        if name not in ATTRIBUTES and not (name.startswith("hue:") and name[4:].isalpha() and len(name) <= 24):
            raise ValueError(f"unknown attribute {name!r}")
        return name

    @field_validator("amount")
    @classmethod
    def _finite(cls, amount: Any) -> Any:
        if isinstance(amount, float) and not 0 <= amount <= 1000:
            raise ValueError("a percentage lies in 0..1000")
        return amount


class Part(BaseModel):
    """Regions that are to come from a version; `version` None is the current one, no regions is still to be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: tuple[str, ...] = Field(default=(), max_length=16)
    version: int | None = Field(default=None, ge=0, le=999_999_999)

    @field_validator("regions")
    @classmethod
    def _known_regions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [n for n in names if not is_region(n)]:
            raise ValueError(f"unknown region {bad[0]!r}")
        return names


class Tree(BaseModel):
    """An act on the versions: compare two of them, rename one, or take parts of some and the rest of another.

    `versions`: the two compared, the one renamed, or the one that the rest comes from; None is the current one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    act: Literal["compare", "rename", "merge"]
    versions: tuple[int | None, ...] = Field(default=(None,), min_length=1, max_length=2)
    parts: tuple[Part, ...] = Field(default=(), max_length=8)
    label: Annotated[str, StringConstraints(max_length=60, strip_whitespace=True)] = ""


class Likeness(BaseModel):
    """A look to carry over: that of a picture which came with the message (`given`), or one with a name.

    `call`: the name that the look gets from now on; `forget`: a named look that is to be forgotten.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    given: bool = False
    look: Annotated[str, StringConstraints(max_length=40)] = ""
    call: Annotated[str, StringConstraints(max_length=40)] = ""
    forget: Annotated[str, StringConstraints(max_length=40)] = ""
    strength: float = Field(default=1.0, ge=0, le=1)


class Hint(BaseModel):
    """What colour something had, for a photo that is to get its colours back; `colour` is a word, as "red"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    colour: Annotated[str, StringConstraints(pattern=r"^[a-z ]{2,24}$")]

    @field_validator("region")
    @classmethod
    def _known_region(cls, name: str) -> str:
        if not is_region(name):
            raise ValueError(f"unknown region {name!r}")
        return name


class Plan(BaseModel):
    """What one message asks for.

    >>> Plan(kind="strong", edits=[Edit(region="sky", attribute="saturation", amount="slight")]).edits[0].direction
    1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    edits: tuple[Edit, ...] = Field(default=(), max_length=48)
    out_of_scope: tuple[OutOfScope, ...] = ()
    command: str | None = None
    protect: tuple[str, ...] = ()
    """Regions that must stay exactly as they are."""
    style: ShortText | None = None
    """A look by name, as "film noir"; its edits are in `edits`."""
    lang: str = "en"
    note: ShortText | None = None
    """What the planner wants the person to know, such as a word it could not place."""
    question: ShortText | None = None
    """One short clarifying question, with `options` to click."""
    options: tuple[ShortText, ...] = Field(default=(), max_length=6)
    tree: Tree | None = None
    """What to do with versions; read by code alone, no part of the labels."""
    complaint: Complaint | None = None
    """What was wrong with a result that was disliked; read by code alone."""
    like: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Whose taste to follow instead of the person's own, one of `PlanContext.people`; read by code alone."""
    free: bool = False
    """True when, beside its edits, the rest of the photo is left to the look and the taste; read by code alone."""
    likeness: Likeness | None = None
    """A reference's look, or a named one; read by code alone."""
    fix: bool = False
    """True when whatever the critic finds wrong is to be mended ("fix it"); of kind `weak`, and read by code alone."""
    hints: tuple[Hint, ...] = Field(default=(), max_length=16)
    """What had which colour, where the photo is to be colourised; read by code alone."""
    echoes: tuple[Edit, ...] = Field(default=(), max_length=48)
    """Edits that the words of `hints` would be if they were no hints; labels have them, and nothing carries them out."""
    share: float | None = Field(default=None, ge=0, le=2)
    """The last step in another strength, as a share of how strong it is now; read by code alone."""
    lasting: bool = False
    """True when `ignore_my_style` or `use_my_style` is meant for good, not for this turn; read by code alone."""

    @field_validator("protect")
    @classmethod
    def _known_regions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for n in (n.strip().lower() for n in names) if is_region(n)))

    @field_validator("command")
    @classmethod
    def _known_command(cls, name: str | None) -> str | None:
        if name is None or name in COMMANDS or (name.startswith("goto:") and name[5:].isdigit() and len(name) <= 9):
            return name
        raise ValueError(f"unknown command {name!r}")

    @property
    def colourises(self) -> bool:
        """True when the photo is to get colours; a reference beside it lends those, not its look."""
        return any(e.attribute == "colourise" and e.direction > 0 for e in self.edits)

    def label(self) -> dict[str, Any]:
        """The label fields alone, as JSON-ready values, in the words that labels have: `absolute` only where it is true,
        the repairs by what they were called before there were any (`LABELLED`), and hints as the edits that they were."""
        fields = {"kind", "edits", "out_of_scope", "command", "protect", "style", "lang"}
        label = self.model_dump(mode="json", include=fields)
        label["edits"] += [echo.model_dump(mode="json") for echo in self.echoes]
        kept: dict[tuple[str, str], dict[str, Any]] = {}
        for edit in label["edits"]:
            edit["attribute"] = LABELLED.get(edit["attribute"], edit["attribute"])
            kept.setdefault((edit["region"], edit["attribute"]), edit)
        label["edits"] = [edit for edit in kept.values() if edit["attribute"] != "other"]
        if len(label["edits"]) < len(kept):
            label["out_of_scope"] += [] if "other" in label["out_of_scope"] else ["other"]
        ungranted = len(label["edits"]) < len(kept) or (self.fix and "restore_damage" in label["out_of_scope"])
        if ungranted and not label["edits"]:
            label["kind"] = "none"
        for edit in label["edits"]:
            if isinstance(edit["amount"], dict) and not edit["amount"]["absolute"]:
                del edit["amount"]["absolute"]
        return label


class PlanContext(BaseModel):
    """What a planner may know besides the text: the last turn's edits, the versions and the regions in the picture."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    last_edits: tuple[Edit, ...] = ()
    versions: int = 0
    regions_present: tuple[str, ...] = ()
    summary: str = ""
    """One or two sentences on the scene, for a served model."""
    turns: tuple[str, ...] = ()
    """The last few messages of the person, oldest first."""
    names: dict[str, int] = {}
    """Versions that the person has given a name: lower case name → number."""
    people: dict[str, bool] = {}
    """Everybody on this installation by name, and whether their taste may be borrowed; no served model is told."""
    user: str = ""
    """The name of the person who speaks."""
    suggestions: tuple[str, ...] = ()
    """Requests that the critic suggests for this photo."""
    picked: str = ""
    """The region that "this" and "the selection" mean (`models.pick`); empty when nothing is selected."""
    reference: bool = False
    """True when a picture came with the message, to be looked like."""
    referred: bool = False
    """True when the current version came of a reference, so that "call it" may mean its look."""
    colourless: bool = False
    """True when the photo has no colour of its own, or is being colourised: what colour a thing *was* is then a hint."""
    looks: tuple[str, ...] = ()
    """Names of the person's own looks; no served model is told."""
    disliked: bool = False
    """True when a result was just disliked and what was wrong with it has been asked."""
    step: bool = False
    """True when the current version is a step whose strength can be set."""
    thumbnail: bytes | None = None
    """A JPEG, long edge at most 1280 px, for a served model that sees."""
