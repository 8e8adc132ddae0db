"""From parsed TOML to a checked recipe, and from what is wrong with it to a sentence."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import ValidationError

from firstsight.errors import RecipeError
from firstsight.learning.recipes.schema.recipe import Recipe
from firstsight.learning.recipes.schema.table import Table

__all__ = ["parse_recipe"]


def parse_recipe(tables: dict[str, Any], *, origin: str) -> Recipe:
    """A checked recipe from parsed TOML; RecipeError names each key that is wrong."""
    try:
        return Recipe.model_validate(tables)
    except ValidationError as problems:
        raise RecipeError(f"{origin}: {'; '.join(map(_sentence, problems.errors()))}") from None


def _sentence(problem: Any) -> str:
    # A union's tag stands in the location although it is no key: network.compact.widths.
    place = [str(part) for part in problem["loc"]]
    if len(place) > 1 and place[1] in _tags(place[0]):
        del place[1]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}; 'firstsight recipes --keys' lists those that exist"
    if problem["type"] == "missing":
        return f"{key} is missing"
    if problem["type"] == "value_error":
        return f"{key + ': ' if key else ''}{problem['ctx']['error']}"
    wanted = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{key} is {problem['input']!r}, but {wanted}"


def _tags(table: str) -> set[str]:
    """The kinds of a table that has kinds."""
    field = Recipe.model_fields.get(table)
    members = typing.get_args(field.annotation) if field else ()
    return {
        str(typing.get_args(member.model_fields["kind"].annotation)[0])
        for member in members
        if isinstance(member, type) and issubclass(member, Table)
    }
