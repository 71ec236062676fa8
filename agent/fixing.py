"""Fix it: nobody says what is wrong, so the critic does. What it finds is mended in canonical order, and it looks again.

Repairs first (`tools.restore.diagnose`), then the critic's own suggestions, planned as if typed, or instead the automatic
look, whichever the judge of `models.judge` scores higher. A step that does not raise the score, or that loses detail, is left
out; where none helps, the photo stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from agent.decide import Decision, decide
from agent.plan import Edit, Plan
from agent.review import CLIPPED
from models.recipe import Look, Recipe
from models.repair import FINE
from models.vocabulary import MAP_ATTRIBUTES, RESTORE_ATTRIBUTES

if TYPE_CHECKING:
    from agent.darkroom import Opened
    from tools.restore import Fault

#: Long edge on which a step is judged, in pixels.
JUDGED_AT: Final = 1024
#: A step has to raise the score by this, of 100.
WORTH: Final = 1.0
#: At most this many of the critic's requests are tried.
MOST: Final = 4
#: What another repair has done already.
COVERED: Final = {"brightness": "low_light", "shadows": "low_light", "contrast": "dehaze", "sharpness": "deblur"}


@dataclass(frozen=True)
class Judged:
    """A recipe as the judge scores its picture: 0..100 a facet and `overall`; share of the photo that lost its detail."""

    recipe: Recipe
    scores: dict[str, float]
    clipped: float

    @property
    def overall(self) -> float:
        """The whole score; 0 where there is no judge."""
        return self.scores.get("overall", 0.0)


@dataclass(frozen=True)
class Fixed:
    """What mending came to: the decision, the sentence that says why, and whether anything has changed."""

    decision: Decision
    text: str
    changed: bool
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    """`before` and `after`, as `Judged.scores`."""


def judged(here: "Opened", recipe: Recipe) -> Judged:
    """A recipe, solved, rendered and scored."""
    from models.judge import scores
    from tools.retouch import retouch, solve

    ready = solve(here.seen, recipe)
    made = retouch(here.photo, here.seen, ready, JUDGED_AT)
    return Judged(recipe, scores(np.asarray(made.preview, np.float32) / np.float32(255)), made.clipped)


def wanted(faults: "Sequence[Fault]", suggestions: Sequence[str]) -> list[Edit]:
    """The edits to try, in canonical order: of every fault, then of what the critic asks for and no repair has done.

    >>> [edit.attribute for edit in wanted((), ("reduce the noise", "brighten it a bit"))]
    ['denoise', 'brightness']
    """
    from agent.planner.embedded import plan_text

    edits = {("global", f.attribute): Edit(attribute=f.attribute, amount=100 * f.strength) for f in faults}
    mended = {f.attribute for f in faults}
    for text in suggestions[:MOST]:
        for edit in plan_text(text).edits:
            if COVERED.get(edit.attribute) not in mended:
                edits.setdefault((edit.region, edit.attribute), edit)
    order = (*RESTORE_ATTRIBUTES, *MAP_ATTRIBUTES)
    return sorted(edits.values(), key=lambda e: order.index(e.attribute) if e.attribute in order else len(order))


def fix(here: "Opened", base: Recipe) -> Fixed:
    """Mend a photo on top of the recipe `base`. Deterministic."""
    from tools.restore import diagnose

    scene = here.seen.scene
    faults = [f for f in diagnose(here.photo, here.seen) if not base.values("global").get(f.attribute)]
    before = best = judged(here, base)
    kept: list[Edit] = []
    reasons: list[str] = []
    said = {f.attribute: f.sentence for f in faults}
    # What is finer than the picture that is judged cannot show on it: there the measurement at full size decides.
    unseen = max(here.photo.pixels.shape[:2]) > 1.5 * JUDGED_AT
    after_repairs = best
    for edit in wanted(faults, scene.suggestions):
        trial = judged(here, decide(Plan(kind="strong", edits=(*kept, edit)), base, scene).recipe)
        sure = unseen and edit.attribute in FINE and edit.attribute in said
        helps = trial.overall >= best.overall + WORTH or (sure and trial.overall >= best.overall - WORTH)
        if helps and trial.clipped <= max(best.clipped, CLIPPED):
            kept.append(edit)
            best = trial
            reasons += [said[edit.attribute]] if edit.attribute in said else []
        if edit.attribute in RESTORE_ATTRIBUTES:
            after_repairs = best
    decision = decide(Plan(kind="strong", edits=tuple(kept)), base, scene)
    if base.look is None:
        repairs = tuple(e for e in kept if e.attribute in RESTORE_ATTRIBUTES)
        looked = judged(here, after_repairs.recipe.model_copy(update={"look": Look()}))
        if looked.overall >= best.overall + WORTH and looked.clipped <= max(best.clipped, CLIPPED):
            best = looked
            decision = decide(Plan(kind="weak", edits=repairs), base, scene)
    both = {"before": before.scores, "after": best.scores}
    if best is before:
        text = f"I looked for faults and found none that I can mend{_of(before)}, so I changed nothing."
        return Fixed(Decision(recipe=base), text, False, both)
    # A fault that was measured says more than the critic's words for the same.
    reasons = reasons or list(scene.critique[:2])
    text = " ".join(("I looked for faults.", *reasons, scored(before.scores, best.scores)))
    return Fixed(decision, text.strip(), True, both)


def _of(found: Judged) -> str:
    return f" (score {found.overall:.0f} of 100)" if found.scores else ""


def scored(before: dict[str, float], after: dict[str, float]) -> str:
    """The score before and after, and what moved most, in a sentence; empty where there is no judge.

    >>> scored({"overall": 40, "noise": 50, "haze": 90}, {"overall": 70, "noise": 88, "haze": 90})
    'My score for it goes from 40 to 70 of 100 (noise 50 → 88).'
    """
    if not before or not after:
        return ""
    moved = sorted((n for n in before if n != "overall"), key=lambda n: -abs(after[n] - before[n]))
    told = ", ".join(f"{n} {before[n]:.0f} → {after[n]:.0f}" for n in moved[:3] if abs(after[n] - before[n]) >= 2)
    tail = f" ({told})" if told else ""
    return f"My score for it goes from {before['overall']:.0f} to {after['overall']:.0f} of 100{tail}."
