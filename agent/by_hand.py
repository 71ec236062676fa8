"""What was done on the sliders rather than in words: what its versions are called, and what is kept about their making."""

from collections.abc import Mapping
from typing import Any, Final

from agent.answer import points
from agent.decide import Asked
from agent.events import Change, Measures
from agent.history import Version
from models.vocabulary import spoken

#: Facts of a step that hold in any strength.
LASTING: Final = ("kind", "plan", "given", "memory", "liked")
#: Most values that a version's name tells one by one.
TOLD: Final = 2


def named(region: str, steps: Mapping[str, float]) -> str:
    """What a version made on the sliders is called: what was moved, and to which side, where a few words say it.

    >>> named("sky", {"brightness": 0.2}), named("global", {"hue:blue": -0.1, "tint": 0.1}), named("global", {})
    ('sky brightness +20', 'blue −10, tint +10', 'by hand')
    """
    where = "" if region == "global" else f"{spoken(region)} "
    moved = [f"{name.removeprefix('hue:').replace('_', ' ')} {points(step)}" for name, step in steps.items()]
    return f"{where}{', '.join(moved)}" if 0 < len(moved) <= TOLD else f"{where}by hand"


def strengthened(
    first: Version, asked: tuple[Asked, ...], achieved: Measures, share: float
) -> tuple[str, dict[str, Any]]:
    """Name and facts of the version that shows the step of `first` at `share`.

    `asked`: what is asked of it; `achieved`: what was measured on it.
    """
    changes = [
        Change(
            region=a.region, attribute=a.attribute, asked=a.value, achieved=achieved.get(a.region, {}).get(a.attribute)
        )
        for a in asked
    ]
    kept = {name: first.facts[name] for name in LASTING if name in first.facts}
    facts = {
        **kept,
        "asked": [change.model_dump() for change in changes],
        "strength": share,
        "strength_of": first.number,
    }
    return f"{first.label[:90]} · {share:.0%}".replace("%", " %"), facts
