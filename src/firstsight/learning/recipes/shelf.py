"""Finding recipes: those shipped beside this file, and TOML files of the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firstsight.errors import RecipeError
from firstsight.learning.recipes.hub import complete_tables
from firstsight.learning.recipes.schema import Recipe, parse_recipe

__all__ = ["load_recipe", "overridden", "recipe_text", "shipped_recipes"]

_SHELF = Path(__file__).parent


def shipped_recipes() -> dict[str, Recipe]:
    """Every recipe of the package, by name, in alphabetical order."""
    return {path.stem: load_recipe(path.stem) for path in sorted(_SHELF.glob("*.toml"))}


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """A shipped recipe by name or a TOML file by path, with `key=value` overrides applied.

    Values are TOML (`training.steps=20`, `data.train="my folder"`); a bare word is a string.
    Raises RecipeError for an unknown recipe, key or impossible value, and for a network of Hugging
    Face what `model_folder` raises.
    """
    path = _find(str(name_or_path))
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise RecipeError(f"{path} is no valid TOML: {problem}") from None
    return overridden(tables, overrides, origin=f"recipe {path.stem}")


def overridden(tables: dict[str, Any], overrides: Sequence[str], *, origin: str) -> Recipe:
    """A checked recipe from parsed TOML, which is changed, with `key=value` overrides applied and
    with what it leaves to the model of another."""
    for override in overrides:
        _apply(tables, override)
    complete_tables(tables)
    return parse_recipe(tables, origin=origin)


def recipe_text(name_or_path: str | Path) -> str:
    """The recipe's TOML as it is written."""
    return _find(str(name_or_path)).read_text(encoding="utf-8")


def _find(name: str) -> Path:
    shipped = _SHELF / f"{name}.toml"
    if Path(name).name == name and shipped.is_file():
        return shipped
    path = Path(name)
    if path.is_file():
        return path
    known = ", ".join(sorted(found.stem for found in _SHELF.glob("*.toml")))
    raise RecipeError(f"there is no recipe {name!r}; shipped are {known}; or name a .toml file")


def _apply(tables: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise RecipeError(
            f"the override {override!r} is not understood; write key=value, like training.steps=500"
        )
    table = tables
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RecipeError(f"the override {override!r} names no key: {part} is a plain value")
    table[parts[-1]] = _value(text.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
