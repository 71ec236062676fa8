"""Review: was it done? Reads the measurements of a rendition, never the picture's looks, and says what to correct.

The develop parameters of a recipe are already solved on the thumbnail; review verifies them on the rendition, where masks
are finer and the look has been applied too. A correction is a secant step on those parameters, at most `ROUNDS` of them,
and the best of all candidates is kept, including doing nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from agent.darkroom import Print
from agent.decide import Asked, covers
from agent.events import Measures
from models.recipe import Look, Recipe, Setting
from models.vocabulary import MAP_ATTRIBUTES, spoken

ROUNDS: Final = 3
#: A change is met when it is within this share of what was asked, or within what the eye can tell.
TOLERANCE: Final = 0.10
UNSEEN: Final = 0.015
#: New clipping, as a share of the photo, from which it is worth a word and counts against a candidate.
CLIPPED: Final = 0.02
#: Mean ΔE2000 outside the asked regions above which an edit has spilled; 1 is a just noticeable difference.
SPILL: Final = 1.0
#: Drift of skin, in ΔE2000, that an edit on something else must not cause.
SKIN: Final = 5.0
#: The same for an automatic look, which may well brighten a face.
LOOKED_SKIN: Final = 15.0
#: Share by which the picture may differ from the measurement of a change: the one is seen at another size than the other.
DISAGREE: Final = 0.15
#: What the critic may find wrong with a look beyond the photo as opened: one slight remark.
FLAWS: Final = 0.25
#: Score of leaving the photo as it was: nothing of what was asked, and no harm.
NO_CHANGE: Final = 1.0

#: Develop parameters of one rendition and what they gave: ``{"sky|brightness": (parameter, achieved)}``.
Trial = dict[str, tuple[float, float]]


class Finding(BaseModel):
    """How one asked change came out. `share` is achieved/asked; None where nothing measures the attribute."""

    model_config = ConfigDict(frozen=True)

    region: str
    attribute: str
    asked: float
    achieved: float | None
    share: float | None
    met: bool


class Verdict(BaseModel):
    """What review thinks of a made. `score`: 0 is perfect, `NO_CHANGE` is as good as nothing, more is harm."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    score: float
    findings: tuple[Finding, ...] = ()
    spill: float = 0.0
    clipped: float = 0.0
    skin_drift: float = 0.0
    soften: bool = False
    """True when the look itself goes too far and should be weaker."""
    sentences: tuple[str, ...] = ()
    opinion: dict[str, Any] = {}
    """What a served model that was shown it said (`agent.witness`); empty without."""


def judge(
    asked: tuple[Asked, ...], look: bool, made: Print, base: Measures | None = None, drifted: float = 0.0
) -> Verdict:
    """Judge a rendition against what was asked in this turn.

    `look`: the turn freed the look, so changes everywhere are wanted. `base`: measured change per region of the version
    that this turn builds on; with it, every change that stands alone is also looked for in the picture itself. `drifted`: how
    far the skin had come in that version already, in ΔE2000, which is no fault of this turn.
    """
    findings = tuple(find(a, made) for a in asked)
    if base is not None and not look:
        findings = tuple(seen(f, a, asked, made, base) for f, a in zip(findings, asked, strict=True))
    measured = [f for f in findings if f.share is not None]
    error = sum(min(abs((f.share or 0.0) - 1), 2.0) for f in measured if not f.met) / max(len(measured), 1)
    spilled = max(made.spill - SPILL, 0.0)
    clipping = max(made.clipped - CLIPPED, 0.0)
    about_skin = any(covers(a.region, "skin") for a in asked)
    drift = max(made.skin_drift - drifted - (LOOKED_SKIN if look else SKIN), 0.0) if look or not about_skin else 0.0
    # A plainly visible spill outweighs a change that was met; clipping only decides between candidates that are close.
    flawed = max(made.flaws - FLAWS, 0.0) if look else 0.0
    score = error + clipping + spilled / 2 + drift / 10 + 2 * flawed
    soften = look and made.recipe.look is not None and (clipping > 0 or drift > 0 or flawed > 0)
    sentences = [sentence(f) for f in measured if not f.met]
    if soften:
        why = "changes skin too much" if drift > 100 * clipping else "loses detail in the brightest or darkest parts"
        why = "makes the photo worse in the critic's eyes" if not drift and not clipping else why
        sentences.append(f"The look {why}; softening it.")
    if spilled:
        sentences.append("Something outside the part you named changed too.")
    return Verdict(
        # Lost detail has no correction of its own here and no sentence: the answer says how much it is.
        ok=all(f.met for f in measured) and not soften and not spilled and not clipping,
        score=round(score, 4),
        findings=findings,
        spill=made.spill,
        clipped=made.clipped,
        skin_drift=made.skin_drift,
        soften=soften,
        sentences=tuple(sentences),
    )


def find(asked: Asked, made: Print) -> Finding:
    """Compare one asked change with its measurement."""
    region, attribute = asked.region, asked.attribute
    goal = made.asked.get(region, {}).get(attribute, asked.value)
    got = made.achieved.get(region, {}).get(attribute)
    if attribute not in MAP_ATTRIBUTES or got is None:
        return Finding(region=region, attribute=attribute, asked=asked.value, achieved=None, share=None, met=True)
    met = abs(got - goal) <= max(TOLERANCE * abs(goal), UNSEEN)
    share = got / goal if abs(goal) > UNSEEN else 1.0 + (got - goal) / UNSEEN
    return Finding(region=region, attribute=attribute, asked=goal, achieved=got, share=round(share, 3), met=met)


def seen(finding: Finding, asked: Asked, all_asked: tuple[Asked, ...], made: Print, base: Measures) -> Finding:
    """`finding` as the picture shows it: how far the region as a whole moved, whatever the numbers of the rendition say.

    Only a change that nothing else overlaps and no kept region cuts into can be read off the picture; the others keep
    their measurement.
    """
    alone = not made.recipe.keep and all(
        a.attribute in MAP_ATTRIBUTES if a.region == asked.region else not covers(a.region, asked.region)
        for a in all_asked
    )
    after = made.changes.get(asked.region, {}).get(asked.attribute)
    if not alone or after is None or finding.share is None or abs(asked.wanted) < 2 * UNSEEN:
        return finding
    moved = after - base.get(asked.region, {}).get(asked.attribute, 0.0)
    off = abs(moved - asked.wanted)
    met = off <= max(TOLERANCE * abs(asked.wanted), UNSEEN)
    if not met and finding.met and off <= max(DISAGREE * abs(asked.wanted), 1.2 * UNSEEN):
        return finding
    share = round(moved / asked.wanted, 3)
    return finding.model_copy(update={"share": share, "achieved": round(finding.asked * share, 4), "met": met})


def sentence(finding: Finding) -> str:
    """What is off, for a person.

    >>> sentence(Finding(region="sky", attribute="brightness", asked=0.3, achieved=0.15, share=0.5, met=False))
    'The brightness of the sky changed only 50 % as much as you asked; raising it.'
    """
    where = spoken(finding.region)
    what = f"The {finding.attribute} of the {where}"
    share = finding.share or 0.0
    if share < 0:
        return f"{what} went the wrong way; turning it round."
    if share < 1:
        return f"{what} changed only {share:.0%} as much as you asked; raising it.".replace("%", " %")
    return f"{what} changed {share:.0%} of what you asked; lowering it.".replace("%", " %")


def trial(recipe: Recipe, verdict: Verdict) -> Trial:
    """The parameters of a rendered recipe beside what they achieved."""
    out: Trial = {}
    for finding in verdict.findings:
        solved = next((s.solved for s in recipe.settings if s.region == finding.region), {})
        if finding.achieved is not None and finding.attribute in solved:
            out[f"{finding.region}|{finding.attribute}"] = (solved[finding.attribute], finding.achieved)
    return out


def corrected(recipe: Recipe, verdict: Verdict, trials: list[Trial]) -> Recipe | None:
    """The next candidate after `recipe`, or None when there is nothing that a correction could change.

    `trials`: those of all renditions of this turn so far, the last one that of `recipe`. With two of them the step is a
    secant, with one it is proportional.
    """
    settings = []
    changed = False
    for setting in recipe.settings:
        solved = dict(setting.solved)
        for finding in verdict.findings:
            if finding.region == setting.region and not finding.met and finding.attribute in solved:
                name = f"{finding.region}|{finding.attribute}"
                points = [t[name] for t in trials if name in t]
                solved[finding.attribute] = advance(points, finding.asked)
                changed = True
        settings.append(Setting(region=setting.region, values=setting.values, solved=solved))
    look = recipe.look
    if verdict.soften and look is not None and look.strength > 0.3:
        look = Look.model_validate(look.model_dump() | {"strength": round(look.strength * 0.7, 3)})
        changed = True
    return recipe.but(settings=tuple(settings), look=look) if changed else None


def aims(made: Print, verdict: Verdict) -> Measures:
    """What the thumbnail should show for the picture to show what was asked; empty where the two agree.

    The other changes of a region are aimed at too: raising one alone would move them.
    """
    out: Measures = {}
    for finding in verdict.findings:
        shown = made.achieved.get(finding.region, {}).get(finding.attribute)
        if finding.achieved is None or shown is None:
            continue
        aim = min(max(shown + finding.asked - finding.achieved, -1.5), 1.5)
        out.setdefault(finding.region, {})[finding.attribute] = round(aim, 4)
    unmet = {f.region for f in verdict.findings if not f.met}
    apart = {
        f.region
        for f in verdict.findings
        if f.achieved is not None
        and abs(made.achieved.get(f.region, {}).get(f.attribute, f.achieved) - f.achieved) > UNSEEN / 4
    }
    return {region: of for region, of in out.items() if region in unmet & apart}


def advance(points: list[tuple[float, float]], goal: float) -> float:
    """The parameter to try next, from (parameter, achieved) pairs, the latest last; within [-8, 8].

    >>> advance([(0.4, 0.2)], 0.3), advance([(0.4, 0.2), (0.6, 0.25)], 0.3)
    (0.6, 0.8)
    """
    p, got = points[-1]
    if len(points) > 1 and abs(points[-1][1] - points[-2][1]) > 1e-4:
        (p0, got0), slope_limit = points[-2], 1.0
        move = (goal - got) * (p - p0) / (got - got0)
        move = min(max(move, -slope_limit), slope_limit)
    elif got * goal > 0:
        move = p * (min(max(goal / got, 0.4), 2.5) - 1)
    else:
        move = (goal - got) if abs(p) < 1e-3 else -2 * p if p * goal < 0 else 0.5 * p
    return round(min(max(p + move, -8.0), 8.0), 5)


def worth_it(score: float, strong: bool) -> bool:
    """Whether the best candidate is better than leaving the photo as it was."""
    return score < NO_CHANGE if strong else score < 2 * NO_CHANGE


def summary(verdict: Verdict, rounds: int, sentences: tuple[str, ...]) -> Mapping[str, object]:
    """The review as the result shows it."""
    return {
        "ok": verdict.ok,
        "rounds": rounds,
        "score": verdict.score,
        "spill": verdict.spill,
        "clipped": verdict.clipped,
        "skin_drift": verdict.skin_drift,
        "sentences": list(sentences),
        **({"opinion": verdict.opinion} if verdict.opinion else {}),
    }
