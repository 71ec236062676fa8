"""What colours were, as hints of a recipe: a person says so ("the dress was red"), or a reference shows it.

"Colourise it" beside a reference takes its colours and nothing else of its look: colourising leaves the luma of every pixel
as it is, so its tones are no part of that; and its warmth, tint and saturation are in its colours already and would be applied
a second time. Who wants its tones as well says "make it look like this" next.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from models.colour_words import chroma_of
from models.recipe import Hint, Recipe
from models.vocabulary import OBJECT_PREFIX, spoken
from tools.nouns import region_of

if TYPE_CHECKING:
    from tools.perceive import Scene

#: Mean chroma, in CIELAB units, below which a photo has no colour of its own.
LEAST_CHROMA = 1.5


def colourless(scene: "Scene", recipe: Recipe) -> bool:
    """True for a photo without colour of its own, and for one that `recipe` is giving colours."""
    of = next((r.attributes for r in scene.regions if r.name == "global"), {})
    grey = of.get("saturation", 100.0) * of.get("brightness", 100.0) / 100 < LEAST_CHROMA
    return grey or any(s.values.get("colourise") for s in recipe.settings)


def told(recipe: Recipe, colours: Sequence[tuple[str, str]], there: Collection[str]) -> tuple[Recipe, tuple[str, ...]]:
    """`recipe` with hints for (region, colour in words), and what could not be followed, in sentences.

    A thing that cannot be found by its noun is the region it belongs to, of those that are `there`. A recipe that gives no
    colours gives them from now on: who tells what colour something had speaks of a photo without.

    >>> told(Recipe(), [("object:dress", "red")], {"clothing"})[0].hints[0].region
    'clothing'
    >>> told(Recipe(), [("sky", "loud")], {"sky"})
    (Recipe(...), ('I do not know what colour loud is; say red, pale blue, brown …',))
    """
    hints, notes = [], []
    for name, words in colours:
        meant = name if name in there else region_of(name.removeprefix(OBJECT_PREFIX)) or name
        ab = chroma_of(words)
        if ab is None:
            notes.append(f"I do not know what colour {words} is; say red, pale blue, brown …")
        elif meant not in there:
            notes.append(f"I see no {spoken(name)} here that could be {words}; click on it and say so again.")
        else:
            hints.append(Hint(region=meant, a=ab[0], b=ab[1]))
    if not hints:
        return recipe, tuple(notes)
    if not any(s.values.get("colourise") for s in recipe.settings):
        recipe = recipe.with_values("global", {**recipe.values("global"), "colourise": 1.0})
    return recipe.with_hints(*hints), tuple(notes)
