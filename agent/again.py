"""The last step otherwise: another sample of its look, another strength; after a dislike, and what the reasons given mean.

Everything here is paper: recipes in, recipes out. What was disliked is told apart from what it was built on, so that
earlier steps stay as they are.
"""

from dataclasses import dataclass
from typing import Final

from agent.decide import Asked, step
from agent.history import History, Version, difference
from agent.plan import Complaint
from models.errors import ConversationError
from models.recipe import Look, Recipe

#: Strengths tried after a dislike, as a share of what was disliked; then only the question is left.
STRENGTHS: Final = (0.6, 1.5)
#: What the answers to the question make of what was disliked.
WEAKER: Final = 0.35
STRONGER: Final = 1.6
#: What makes a result look artificial, and what is left of it; of all else `CALMER`.
LOUD: Final = ("saturation", "clarity", "dehaze", "contrast", "sharpness", "vignette", "grain")
QUIET: Final = 0.35
CALMER: Final = 0.7
COLOURS: Final = ("temperature", "tint", "saturation", "black_and_white")

#: Where more of a step begins that was taken back altogether.
FAINT: Final = 0.25

QUESTION: Final = "What was wrong with it?"
#: What may be wrong with a result, to click.
COMPLAINTS: Final[tuple[Complaint, ...]] = ("too strong", "too weak", "wrong place", "wrong colour", "too artificial")


@dataclass(frozen=True)
class Another:
    """What to render instead of a version: the recipe, the version it builds on, and a sentence. `look`: a new sample."""

    recipe: Recipe
    base: Version
    text: str
    look: bool
    instead_of: int

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The changes against `base`, for review and the answer."""
        return tuple(
            Asked(region=region, attribute=name, wanted=change, value=self.recipe.values(region).get(name, 0.0))
            for region, steps in difference(self.base.recipe, self.recipe).items()
            for name, change in steps.items()
            if name != "look"
        )


def scaled(recipe: Recipe, base: Recipe, factor: float, loud: float | None = None) -> Recipe:
    """`base` with `factor` of what `recipe` changes in it; with `loud`, that share of the attributes in `LOUD`.

    >>> scaled(Recipe().with_values("sky", {"tint": 0.4}), Recipe(), 0.5).values("sky")
    {'tint': 0.2}
    """
    look = recipe.look
    if look is not None and look != base.look:
        strength = min(look.strength * (factor if loud is None else loud), 1.5)
        look = Look.model_validate(look.model_dump() | {"strength": round(strength, 3)})
    out = base.but(look=look, keep=recipe.keep, hints=recipe.hints)
    for region, steps in difference(base, recipe).items():
        for name, change in steps.items():
            if name != "look":
                is_loud = loud is not None and (name in LOUD or name.startswith("hue:"))
                out = step(out, region, name, change * (loud if is_loud and loud is not None else factor))[0]
    return out


def asked_now(asked: Asked, recipe: Recipe, base: Recipe) -> Asked:
    """What is asked of a recipe that was made weaker or stronger."""
    before, after = (r.values(asked.region).get(asked.attribute, 0.0) for r in (base, recipe))
    return asked.model_copy(update={"wanted": round(after - before, 4), "value": after})


def has_own_look(version: Version, base: Version) -> bool:
    """True when this version freed a look of its own."""
    look, before = version.recipe.look, base.recipe.look
    return look is not None and (before is None or (look.seed, look.style) != (before.seed, before.style))


def fresh_seed(history: History, version: Version) -> int:
    """A seed of a look that no version beside this one has."""
    return _fresh(history, version.thread, version.parent)


def next_seed(history: History, base: Version) -> int:
    """A seed of a look that no version made of this one has."""
    return _fresh(history, base.thread, base.number)


def _fresh(history: History, thread: str, parent: int | None) -> int:
    looks = [v.recipe.look for v in history.versions(thread) if v.parent == parent]
    return 1 + max((look.seed for look in looks if look), default=0)


def origin(history: History, version: Version) -> Version:
    """The version that was first disliked, of which this one may be another try."""
    return history.version(version.thread, int(version.facts.get("instead_of", version.number)))


def another(history: History, version: Version) -> Another | None:
    """What to show instead of a version that was disliked; None when there is nothing new to try."""
    if version.parent is None:
        return None
    base, first = history.version(version.thread, version.parent), origin(history, version)
    if has_own_look(version, base) and version.recipe.look is not None:
        look = version.recipe.look.with_seed(fresh_seed(history, version))
        recipe = version.recipe.model_copy(update={"look": look})
        return Another(recipe, base, "Here is another sample instead.", True, first.number)
    tries = sum(v.facts.get("instead_of") == first.number for v in history.versions(version.thread))
    if tries >= len(STRENGTHS):
        return None
    recipe = scaled(first.recipe, base.recipe, STRENGTHS[tries])
    if same(recipe, base.recipe) or same(recipe, first.recipe):
        return None
    how = "gentler" if STRENGTHS[tries] < 1 else "stronger"
    return Another(recipe, base, f"Here is a {how} one instead.", False, first.number)


def at_strength(history: History, version: Version, share: float) -> Another:
    """The step that made a version, in another strength: 0 takes it back, 1 is as it was made, 2 twice of it.

    Raises `ConversationError` for the photo as opened and for a share outside 0..2.
    """
    if not 0 <= share <= 2:
        raise ConversationError("The strength of a step lies between 0 and 200 percent.")
    first = history.version(version.thread, int(version.facts.get("strength_of", version.number)))
    if first.parent is None:
        raise ConversationError("This is the photo as opened; make a change first, then set how strong it is.")
    base = history.version(first.thread, first.parent)
    text = f"The last step at {share:.0%}.".replace("%", " %")
    recipe = first.recipe if share == 1 else scaled(first.recipe, base.recipe, share)
    return Another(recipe, base, text, has_own_look(first, base), first.number)


def stepped(version: Version) -> bool:
    """True for a version that a step made, whose strength can be set."""
    return version.parent is not None


def shared(history: History, version: Version, share: float) -> tuple[Another, float] | str:
    """The last step in `share` of the strength that it has now, and that as a share of how it was made; or why not."""
    if not stepped(version):
        return "This is the photo as opened; make a change first, then say how strong it should be."
    now = float(version.facts.get("strength", 1.0))
    wanted = round(min(share * max(now, FAINT), 2.0), 4)
    if wanted == now:
        return f"The last step is at {now:.0%} already; say what else should change.".replace("%", " %")
    return at_strength(history, version, wanted), wanted


def answered(history: History, version: Version, complaint: Complaint) -> Another | str:
    """What an answer to the question makes of the disliked version; a question of its own where that is not enough."""
    first = origin(history, version)
    if first.parent is None:
        return "This is the photo as opened; there is nothing to take back."
    base = history.version(first.thread, first.parent)
    own_look = has_own_look(first, base)
    if complaint == "too artificial":
        recipe, text = scaled(first.recipe, base.recipe, CALMER, QUIET), "Calmer, with less of what looks artificial."
    elif complaint == "too strong":
        recipe, text = scaled(first.recipe, base.recipe, WEAKER), "A good deal weaker."
    elif complaint == "too weak":
        recipe, text = scaled(first.recipe, base.recipe, STRONGER), "Stronger."
    else:
        recipe, text = uncoloured(first.recipe, base.recipe), "The colours are as before; the light is kept."
        if own_look and first.recipe.look is not None:
            look = first.recipe.look.with_seed(fresh_seed(history, first))
            recipe, text = first.recipe.model_copy(update={"look": look}), "Another sample, with other colours."
            return Another(recipe, base, text, True, first.number)
        if same(recipe, base.recipe) or same(recipe, first.recipe):
            return "Which way should the colours go?"
    if same(recipe, version.recipe):
        return "That is as far as it goes; say it in your own words."
    return Another(recipe, base, text, own_look, first.number)


def uncoloured(recipe: Recipe, base: Recipe) -> Recipe:
    """`recipe` with the colours of `base`."""
    out = recipe
    for region, steps in difference(base, recipe).items():
        for name, change in steps.items():
            if name in COLOURS or name.startswith("hue:"):
                out = step(out, region, name, -change)[0]
    return out


def same(a: Recipe, b: Recipe) -> bool:
    """True when two recipes ask for the same, whatever was solved for them."""
    return not difference(a, b) and a.keep == b.keep
