"""docs/results.md shows the scorecards that were kept, all of them and as they are."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from firstsight.errors import DataError
from firstsight.evaluation.scorecard import Scorecard
from tests.docs.pages import ROOT

KEPT = sorted((ROOT / "docs" / "results").glob("*.json"))


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "results.py"))


def test_the_page_is_what_the_kept_scorecards_say(results: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert page == results["results_page"]()


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_each_kept_scorecard_can_be_measured_again(path: Path, results: dict[str, Any]) -> None:
    command, rows = results["read_kept"](path)
    assert command.startswith(("firstsight ", "python benchmarks/"))
    for _, card in rows:
        assert card.commit and not card.commit.endswith("-dirty")
        assert card.hardware


def card(**changes: Any) -> Scorecard:
    given: dict[str, Any] = {
        "protocol": "retrieval",
        "measure": "precision_at_1",
        "value": 0.5,
        "interval": (0.4, 0.625),
        "n": 1200,
        "seed": 3,
        "data_name": "mugs",
        "data_fingerprint": "ab",
        "commit": "1234abc",
        "hardware": "Linux x86_64, 2 cores",
        "details": {"map_at_r": 0.25, "intervals": {"map_at_r": [0.2, 0.3]}},
    }
    return Scorecard(**{**given, **changes})


def print_cards(*cards: Scorecard) -> list[str]:
    """A command that prints them."""
    printed = json.dumps([{"who": "mine", **each.to_json()} for each in cards])
    return [sys.executable, "-c", f"print({printed!r})"]


def test_a_kept_scorecard_is_a_row_with_all_that_it_takes_to_believe_it(
    results: dict[str, Any], tmp_path: Path
) -> None:
    results["keep"].__globals__["FOLDER"] = tmp_path / "results"
    path = results["keep"]("mugs", print_cards(card()))
    command, rows = results["read_kept"](path)
    assert command.startswith(sys.executable)
    assert rows == [("mine", card())]
    assert results["table"](rows).splitlines()[-1] == (
        "| mine | retrieval, mugs | precision at 1<br>MAP@R | 50.00 (40.0 .. 62.5)"
        "<br>25.00 (20.0 .. 30.0) | 1,200 | 3 | 1234abc | Linux x86_64, 2 cores |"
    )


@pytest.mark.parametrize("commit", [None, "1234abc-dirty"])
def test_what_edited_code_measured_is_not_kept(
    commit: str | None, results: dict[str, Any], tmp_path: Path
) -> None:
    results["keep"].__globals__["FOLDER"] = tmp_path / "results"
    with pytest.raises(SystemExit, match="that no commit holds; commit, and measure again"):
        results["keep"]("mugs", print_cards(card(commit=commit)))
    assert not (tmp_path / "results").exists()


def test_a_card_of_another_version_is_refused(results: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="schema version"):
        list(results["rows_of"]([{"who": "mine", **card().to_json(), "schema_version": 99}]))
