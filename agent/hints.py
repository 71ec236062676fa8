"""What a person says that colours were ("the dress was red"), as hints of a recipe."""

from collections.abc import Collection, Sequence

from models.colour_words import chroma_of
from models.recipe import Hint, Recipe
from models.vocabulary import OBJECT_PREFIX, spoken
from tools.nouns import region_of


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
