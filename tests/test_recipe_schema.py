"""Recipes of older schemas are read as what they meant then, wherever they are kept."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.history import History
from models import recipe as schema
from models.errors import RecipeError
from models.recipe import SCHEMA, Recipe
from tests.test_agent_history import PIXELS, new_thread, recipes

#: As the first builds wrote them.
OLD = {
    "schema_version": 1,
    "settings": [{"region": "sky", "values": {"hue:blue": 0.2}, "solved": {}}],
    "look": {"strength": 0.8, "seed": 7, "style": [], "targets": {}},
    "keep": ["face"],
}


def test_a_recipe_of_the_first_schema_is_read_as_it_was_meant() -> None:
    recipe = Recipe.from_json(json.dumps(OLD))
    assert recipe.schema_version == SCHEMA
    assert recipe.values("sky") == {"hue:blue": 0.2}
    assert recipe.keep == ("face",)
    assert recipe.look is not None
    assert (recipe.look.strength, recipe.look.seed, recipe.look.steps) == (0.8, 7, 4)
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], {"temperature": 0.2}),
        ([{"region": "global", "values": {"temperature": 0.5, "tint": 0.1}}], {"temperature": 0.5, "tint": 0.1}),
        ([{"values": {"tint": 0.1}}], {"temperature": 0.2, "tint": 0.1}),
    ],
)
def test_targets_of_a_look_are_values_of_the_whole_now(settings: list, expected: dict[str, float]) -> None:
    old = {**OLD, "settings": settings, "look": {"steps": 2, "targets": {"temperature": 0.2}}}
    recipe = Recipe.model_validate(old)
    assert recipe.values("global") == expected
    assert recipe.look is not None
    assert recipe.look.steps == 2


def test_kept_versions_migrate_when_they_are_read(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    thread = new_thread(history)
    history.add(thread, Recipe(), label="old", turn="t", **PIXELS)
    with history._db.write() as db:
        db.execute("UPDATE versions SET recipe = ? WHERE number = 1", (json.dumps(OLD),))
    assert history.version(thread, 1).recipe == Recipe.from_json(json.dumps(OLD))
    history.close()


@given(recipes)
def test_what_is_written_now_is_read_unchanged(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert schema.migrated(json.loads(recipe.to_json())) == json.loads(recipe.to_json())


@given(st.recursive(st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=8), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["look", "settings", "targets", "values", "region"]), inner)
)))  # fmt: skip
def test_old_nonsense_is_refused_in_a_sentence(inside: object) -> None:
    for look, settings in ((inside, []), ({"targets": inside}, [inside]), ({"targets": {"tint": 0.1}}, inside)):
        refused = ""
        try:
            Recipe.from_json(json.dumps({"schema_version": 1, "look": look, "settings": settings}))
        except RecipeError as error:
            refused = str(error)
        assert not refused or refused.endswith(".")


def test_every_schema_has_a_way_to_the_present_one() -> None:
    assert sorted(schema.MIGRATIONS) == list(range(1, SCHEMA))
    for version in (0, -1):
        with pytest.raises(RecipeError, match="no Burnish has written"):
            Recipe.from_json(json.dumps({"schema_version": version}))
