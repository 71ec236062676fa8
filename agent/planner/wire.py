"""The plan on the wire: its JSON schema for structured output, and reading an answer back into a `Plan`.

Written for grammars such as xgrammar's: enums, bounded integers and `pattern`; `maxLength` lets control characters through.
"""

import functools
import json
import re
from typing import Any, get_args

from pydantic import ValidationError

from agent.plan import COMMANDS, Amount, Edit, Kind, OutOfScope, Plan, Word
from agent.planner.lexicon import table
from agent.planner.protect import region_of
from models.errors import PlanError
from models.vocabulary import ATTRIBUTES, REGIONS, is_region

#: One line of plain text without quotes, backslashes or controls. Beyond 128 repetitions xgrammar 0.2 fails on every request.
LINE = r"^[ !#-\[\]-~]{1,120}$"
_OBJECT = r"^object:[a-z]{2,20}( [a-z]{2,20})?$"
_GOTO = r"^goto:[1-9][0-9]{0,2}$"


def schema() -> dict[str, Any]:
    """The JSON schema of a plan: every property required, nothing else allowed.

    >>> schema()["properties"]["edits"]["items"]["properties"]["amount"]["anyOf"][1]
    {'type': 'integer', 'minimum': -100, 'maximum': 100}
    """
    region = {"anyOf": [{"type": "string", "enum": list(REGIONS)}, {"type": "string", "pattern": _OBJECT}]}
    line = {"anyOf": [{"type": "string", "pattern": LINE}, {"type": "null"}]}
    edit = wire_object(
        region=region,
        attribute={"type": "string", "enum": attributes()},
        direction={"type": "integer", "enum": [1, -1]},
        amount={
            "anyOf": [
                {"type": "string", "enum": list(get_args(Word))},
                {"type": "integer", "minimum": -100, "maximum": 100},
            ]
        },
    )
    command = {
        "anyOf": [{"type": "string", "enum": list(COMMANDS)}, {"type": "string", "pattern": _GOTO}, {"type": "null"}]
    }
    return wire_object(
        kind={"type": "string", "enum": list(get_args(Kind))},
        edits={"type": "array", "items": edit, "maxItems": 16},
        out_of_scope={"type": "array", "items": {"type": "string", "enum": list(get_args(OutOfScope))}, "maxItems": 6},
        command=command,
        protect={"type": "array", "items": region, "maxItems": 6},
        style=line,
        lang={"type": "string", "pattern": "^[a-z]{2}$"},
        note=line,
        question=line,
        options={"type": "array", "items": {"type": "string", "pattern": LINE}, "maxItems": 4},
    )  # fmt: skip


@functools.cache
def attributes() -> list[str]:
    """Attributes on the wire: the vocabulary's, and the colour words that are mapped to its colours when they are rendered."""
    hues = (f"hue:{name}" for name in table("colours.toml")["hue"])
    return list(dict.fromkeys((*ATTRIBUTES, *hues)))


def wire_object(**properties: Any) -> dict[str, Any]:
    """A JSON schema object: every property required, nothing else allowed."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def read(answer: Any) -> Plan:
    """A served model's answer as a validated plan: amounts clamped, unknown regions mapped or dropped with a note.

    Raises `PlanError` with what is wrong, in words a model can use to repair it.

    >>> edit = {"region": "clouds", "attribute": "brightness", "direction": 1, "amount": 250}
    >>> plan = read({"kind": "strong", "edits": [edit]})
    >>> plan.edits[0].region, plan.edits[0].amount.value
    ('sky', 100.0)
    """
    if not isinstance(answer, dict):
        raise PlanError("The answer must be one JSON object with the fields of the schema.")
    dropped: list[str] = []
    edits: dict[tuple[str, str], Edit] = {}
    for raw in _list(answer, "edits"):
        edit = _edit(raw, dropped)
        if edit is not None:
            edits.setdefault((edit.region, edit.attribute), edit)
    protect = [region for name in _list(answer, "protect") if (region := _region(str(name)))]
    known = set(get_args(OutOfScope))
    command = answer.get("command") or None
    note = _line(answer.get("note"))
    if dropped:
        note = f"I left out what I could not place: {', '.join(dict.fromkeys(dropped))}."[:200]
    try:
        return Plan(
            kind=answer.get("kind", "none"),
            edits=tuple(edits.values())[:48],
            out_of_scope=tuple(dict.fromkeys(o for o in _list(answer, "out_of_scope") if o in known)),
            command=str(command).strip().lower() if command else None,
            protect=tuple(protect),
            style=_line(answer.get("style")),
            lang=str(answer.get("lang") or "en")[:5],
            note=note,
            question=_line(answer.get("question")),
            options=tuple(o for raw in _list(answer, "options")[:6] if (o := _line(raw))),
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PlanError(f"{where}: {first['msg']}") from error


def write(plan: Plan) -> str | None:
    """The answer that `read` makes `plan` of, as the server's grammar spaces it; None where the wire cannot carry it.

    Exact amounts in stops or Kelvin are words on the wire; code reads them from the text.

    >>> write(Plan(kind="weak"))[:44]
    '{"kind": "weak", "edits": [], "out_of_scope"'
    """
    edits = []
    for edit in plan.edits:
        if edit.attribute not in attributes() or not (edit.region in REGIONS or re.fullmatch(_OBJECT, edit.region)):
            return None
        amount: str | int
        if isinstance(edit.amount, str):
            amount = edit.amount
        elif isinstance(edit.amount, Amount) and (edit.amount.unit in ("stop", "kelvin") or edit.amount.absolute):
            amount = "medium"
        else:
            value = edit.amount.value if isinstance(edit.amount, Amount) else edit.amount
            amount = edit.direction * max(1, min(100, round(abs(value))))
        edits.append(
            {"region": edit.region, "attribute": edit.attribute, "direction": edit.direction, "amount": amount}
        )
    if len(edits) > 16 or any(not (r in REGIONS or re.fullmatch(_OBJECT, r)) for r in plan.protect):
        return None
    style = plan.style if plan.style and re.fullmatch(LINE, plan.style) else None
    answer = {
        "kind": plan.kind, "edits": edits, "out_of_scope": list(plan.out_of_scope)[:6], "command": plan.command,
        "protect": list(plan.protect)[:6], "style": style, "lang": plan.lang[:2], "note": None, "question": None,
        "options": [],
    }  # fmt: skip
    return json.dumps(answer)


def _list(answer: dict[str, Any], name: str) -> list[Any]:
    value = answer.get(name) or []
    if not isinstance(value, list):
        raise PlanError(f"{name} must be a list.")
    return value


def _line(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return re.sub(r"[\x00-\x1f\x7f]+", " ", value).strip()[:200] or None


def _region(name: str) -> str | None:
    """A region of the vocabulary for any name, or None.

    >>> _region("The Clouds"), _region("object:Blue Door"), _region("../etc")
    ('sky', 'object:blue door', None)
    """
    name = re.sub(r"\s+", " ", name.strip().lower())
    if is_region(name):
        return name
    bare = name.removeprefix("object:").removeprefix("region:").replace("_", " ")
    if not re.fullmatch(r"[a-z' -]{2,40}", bare):
        return None
    found = region_of(bare)
    return found if found and is_region(found) else None


def _edit(raw: Any, dropped: list[str]) -> Edit | None:
    if not isinstance(raw, dict):
        raise PlanError("Every edit must be an object with region, attribute, direction and amount.")
    said = str(raw.get("region") or "global")
    region = _region(said)
    if region is None:
        dropped.append(re.sub(r"[^\w :'-]", "", said)[:40] or "a region")
        return None
    amount: Any = raw.get("amount", "medium")
    direction = -1 if str(raw.get("direction", 1)).lstrip("+") in ("-1", "-1.0", "less") else 1
    if isinstance(amount, bool) or amount is None:
        amount = "medium"
    if isinstance(amount, int | float):
        value = max(-100.0, min(100.0, float(amount))) if amount == amount else 0.0
        if value == 0:
            return None
        direction = -1 if value < 0 else direction
        amount = Amount(value=abs(value), unit="unit")
    elif isinstance(amount, str) and amount not in get_args(Word):
        amount = "medium"
    try:
        return Edit(region=region, attribute=str(raw.get("attribute", "")), direction=direction, amount=amount)  # type: ignore[arg-type]
    except ValidationError as error:
        raise PlanError(
            f"edit on {region}: {error.errors()[0]['msg']}; attributes are {', '.join(ATTRIBUTES)}"
        ) from error
