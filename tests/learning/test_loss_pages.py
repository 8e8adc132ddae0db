"""The pages about losses say what recipes understand."""

from __future__ import annotations

import re
import tomllib
import typing
from pathlib import Path
from typing import Any

import pytest

from firstsight.learning.recipes.schema import Recipe, parse_recipe

PAGES = Path(__file__).parents[2] / "docs" / "losses"
TABLES: dict[str, Any] = {
    typing.get_args(table.model_fields["kind"].annotation)[0]: table
    for table in typing.get_args(Recipe.model_fields["loss"].annotation)
}


def test_every_loss_has_a_page_and_a_true_row_in_the_index() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    for kind, table in TABLES.items():
        assert (PAGES / f"{kind}.md").is_file()
        row = f"| [`{kind}`]({kind}.md) | {', '.join(table.heads)} | {', '.join(table.batches)} |"
        assert row in index


@pytest.mark.parametrize("page", sorted(PAGES.glob("[a-z]*.md")))
def test_the_snippet_of_each_page_is_a_recipe_that_names_its_loss(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    tables = {"name": "page", "network": {"kind": "compact"}} | tomllib.loads(snippet)
    recipe = parse_recipe(tables, origin=page.name)
    if page.stem == "cross_batch_memory":
        assert getattr(recipe.loss, "memory", None)
    else:
        assert recipe.loss.kind == page.stem
    assert text.count("$$") == 2
    for part in ("**What it is for.**", "**Batches and head.**", "**Source.**"):
        assert part in text
