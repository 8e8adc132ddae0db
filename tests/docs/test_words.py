"""Names that pages mention in code: recipe keys, recipes, Python names."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import firstsight
from firstsight.learning.recipes.reference import recipe_keys
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.shelf import shipped_recipes
from tests.docs.pages import PAGES, ROOT, read_page

KEYS = {key.name for key in recipe_keys()}
TABLES = "|".join(name for name, field in Recipe.model_fields.items() if name + "." in str(KEYS))
A_KEY = re.compile(rf"((?:{TABLES})\.[a-z][a-z0-9_.\[\]]*)(?:\s*=.*)?")
FILES = (".csv", ".json", ".jsonl", ".md", ".npy", ".onnx", ".py", ".toml", ".zip", ".safetensors")
RECIPES = re.compile(r"\brecipes?:? ((?:`[\w-]+`(?:, | and )?)+)", re.IGNORECASE)

by_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@by_page
def test_each_recipe_key_in_a_sentence_is_in_the_schema(path: Path) -> None:
    for span in read_page(path).spans:
        key = A_KEY.fullmatch(span)
        if key and not key[1].endswith(FILES):
            tables = {name for name in KEYS if name.startswith(key[1] + ".")}
            assert key[1] in KEYS or tables, f"`{span}`: a recipe has no such key"


@by_page
def test_each_recipe_in_a_sentence_is_shipped(path: Path) -> None:
    for named in RECIPES.findall(path.read_text(encoding="utf-8")):
        assert set(re.findall(r"`([\w-]+)`", named)) <= shipped_recipes().keys()


@by_page
def test_each_python_block_compiles_and_imports_what_there_is(path: Path) -> None:
    for language, text in read_page(path).blocks:
        if language == "python":
            for module, name in names_taken(ast.parse(text)):
                home = importlib.import_module(module)
                assert not name or hasattr(home, name), f"{module} has no {name}"


@by_page
def test_each_name_of_the_package_in_a_sentence_exists(path: Path) -> None:
    for span in read_page(path).spans:
        named = re.match(r"firstsight\.(\w+)(?:\(|$)", span)
        if named:
            known = named[1] in firstsight.__all__ or find_spec(f"firstsight.{named[1]}")
            assert known, f"`{span}`: there is no such name"


def names_taken(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(module, name) of what is imported from firstsight, and of what is used as firstsight.NAME.

    An empty name: the module alone.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("firstsight"):
            yield from ((str(node.module), each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names if "firstsight" in each.name)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "firstsight":
            yield "firstsight", node.attr


def test_a_key_that_no_recipe_has_is_found_out() -> None:
    assert A_KEY.fullmatch("training.stepps")
    assert "training.stepps" not in KEYS
    assert not A_KEY.fullmatch("firstsight.load")
