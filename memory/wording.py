"""Taste in words: "warmer skies, as in 4 sunsets you liked; 82 % sure"."""

from collections import Counter
from dataclasses import replace
from typing import Final

from memory.estimator import Estimate, Evidence
from models.vocabulary import SPATIAL_REGIONS, TONAL_REGIONS, spoken

#: (less, more) of each attribute.
WORDS: Final = {
    "brightness": ("darker", "brighter"), "contrast": ("softer contrast in", "more contrast in"),
    "highlights": ("calmer highlights in", "brighter highlights in"),
    "shadows": ("deeper shadows in", "lifted shadows in"),
    "temperature": ("cooler", "warmer"), "tint": ("greener", "more magenta"), "saturation": ("muted", "more colourful"),
}  # fmt: skip

_PLURALS: Final = {
    "global": "pictures", "sky": "skies", "vegetation": "greens", "person": "people", "face": "faces",
    "mountain": "mountains", "building": "buildings", "subject": "subjects", "animal": "animals",
    "vehicle": "vehicles", "left": "left sides", "right": "right sides", "top": "tops", "bottom": "bottoms",
    "center": "centres",
}  # fmt: skip

#: Tags that are photos of their kind when put in the plural; others become "<tag> photos".
_KINDS: Final = {
    "sunset": "sunsets", "portrait": "portraits", "landscape": "landscapes", "beach": "beaches", "city": "cities",
    "street": "streets", "mountain": "mountains", "flower": "flowers", "animal": "animals",
}  # fmt: skip


#: Regions of place and of tone: looser than anything a person would name.
PLACES: Final = frozenset((*SPATIAL_REGIONS, *TONAL_REGIONS))
#: Difference from the whole photo at which a part is named for itself.
BEYOND: Final = 0.04


def phrase(region: str, attribute: str, value: float) -> str:
    """One change in words.

    >>> phrase("sky", "temperature", 0.2), phrase("global", "contrast", -0.1)
    ('warmer skies', 'softer contrast in pictures')
    """
    less, more = WORDS.get(attribute, (f"less {attribute} in", f"more {attribute} in"))
    return f"{more if value > 0 else less} {_PLURALS.get(region, spoken(region))}"


def kind_of(evidence: tuple[Evidence, ...]) -> tuple[str, int]:
    """The kind of scene that most of the evidence shares, in the plural, and how many likes it stands for."""
    weights: Counter[str] = Counter()
    for item in evidence:
        for tag, value in item.record.tags.items():
            if value >= 0.5:
                weights[tag] += item.weight * value  # type: ignore[assignment]
    count = len(evidence)
    if not weights:
        return ("photo like this" if count == 1 else "photos like this"), count
    tag = min(weights, key=lambda t: (-weights[t], t))
    count = sum(item.record.tags.get(tag, 0) >= 0.5 for item in evidence)
    if count == 1:
        return (tag if tag in _KINDS else f"{tag} photo"), count
    return _KINDS.get(tag, f"{tag} photos"), count


def strongest(estimate: Estimate, count: int = 3) -> list[tuple[str, str, float]]:
    """The `count` changes most worth naming: large ones whose direction is clear, of things rather than of places.

    What holds for the whole photo is not said again of its parts.
    """
    whole = estimate.values.get("global", {})
    found = [
        (r, n, v)
        for r, names in estimate.values.items()
        for n, v in names.items()
        if r == "global" or (r not in PLACES and abs(v - whole.get(n, 0.0)) >= BEYOND)
    ]
    clear = [(r, n, v) for r, n, v in found if abs(v) >= 0.03 and abs(v) >= estimate.spread[r][n]]
    return sorted(clear, key=lambda item: -abs(item[2]))[:count]


def sentence(estimate: Estimate, who: str = "you") -> Estimate:
    """The estimate with its sentence filled in; `who` liked what it rests on."""
    if not estimate.likes:
        whose = "your taste" if who == "you" else f"the taste of {who}"
        text = f"I'm still learning {whose} for scenes like this."
    else:
        kind, count = kind_of(tuple(e for e in estimate.evidence if e.record.positive))
        changes = ", ".join(phrase(*item) for item in strongest(estimate)) or "close to the neutral look"
        text = f"{changes}, as in {count} {kind} {who} liked; {estimate.sure:.0%}".replace("%", " % sure")
        if estimate.learning:
            text = f"I'm still learning: {text}"
    return replace(estimate, sentence=text)


def explanation(estimate: Estimate) -> str:
    """The sentence, every value with its spread, and the likes behind them, one line each."""
    lines = [estimate.sentence]
    for region, names in estimate.values.items():
        for name, value in names.items():
            lines.append(f"  {region} {name}: {value * 100:+.0f} ± {estimate.spread[region][name] * 100:.0f}")
    for item in estimate.evidence:
        record = item.record
        what = record.summary or record.kind
        lines.append(f"  {record.id[:8]} {record.feedback}: {what} ({item.similarity:.2f} alike, {item.weight:.0%})")
    return "\n".join(lines)
