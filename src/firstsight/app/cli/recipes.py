"""`firstsight recipes`."""

from __future__ import annotations

from firstsight.app.cli.speaking import print_json, print_table
from firstsight.learning.recipes.shelf import load_recipe, recipe_text, shipped_recipes

__all__ = ["show"]


def show(name: str | None, *, keys: bool, as_json: bool) -> None:
    if keys:
        _list_keys(as_json=as_json)
    elif name is None:
        _list_recipes(as_json=as_json)
    elif as_json:
        print_json(load_recipe(name).model_dump(mode="json"))
    else:
        load_recipe(name)  # a broken one is refused, not printed
        print(recipe_text(name), end="")  # noqa: T201


def _list_recipes(*, as_json: bool) -> None:
    shelf = shipped_recipes()
    if as_json:
        print_json({name: recipe.model_dump(mode="json") for name, recipe in shelf.items()})
        return
    rows = [(name, recipe.description) for name, recipe in shelf.items()]
    print_table("Recipes", ("name", "what it is"), rows)


def _list_keys(*, as_json: bool) -> None:
    from firstsight.learning.recipes.reference import recipe_keys

    keys = recipe_keys()
    if as_json:
        print_json([key._asdict() for key in keys])
        return
    rows = [(key.name, key.kind, key.default, key.meaning) for key in keys]
    print_table("Keys of a recipe", ("key", "value", "default", "meaning"), rows)
