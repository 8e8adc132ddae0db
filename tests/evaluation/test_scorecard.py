"""A scorecard keeps its figure, and refuses to be read from what is none."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import firstsight.evaluation.scorecard as module
from firstsight.errors import DataError
from firstsight.evaluation.scorecard import Scorecard, find_commit, find_hardware, find_version

CARD = Scorecard(
    protocol="lake2015",
    measure="error_rate",
    value=0.08,
    interval=(0.057, 0.111),
    n=400,
    seed=None,
    data_name="omniglot:runs",
    data_fingerprint="ab12",
    details={"errors": 32.0},
)


def test_a_scorecard_survives_json_text() -> None:
    signed = CARD.of_model("cafe")
    assert signed.model_fingerprint == "cafe"
    assert CARD.model_fingerprint is None
    for card in (CARD, signed, replace(CARD, seed=7)):
        assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card


@pytest.mark.parametrize(
    ("key", "value"),
    [("protocol", 5), ("value", "0.08"), ("value", float("nan")), ("value", True), ("n", 0),
     ("n", 3.5), ("interval", [0.1]), ("interval", [0.1, None]), ("seed", "x"), ("seed", False),
     ("data_fingerprint", None), ("commit", 7), ("details", [])],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(key: str, value: Any) -> None:
    with pytest.raises(DataError, match=f"a scorecard has {key} = "):
        Scorecard.from_json({**CARD.to_json(), key: value})


def test_other_keys_and_versions_are_refused() -> None:
    record = CARD.to_json()
    with pytest.raises(DataError, match="'extra' is unknown in a scorecard"):
        Scorecard.from_json({**record, "extra": 1})
    del record["seed"]
    with pytest.raises(DataError, match="'seed' is missing from a scorecard"):
        Scorecard.from_json(record)
    foreigners: list[object] = [None, [], {}, {**CARD.to_json(), "schema_version": 2}]
    for foreign in foreigners:
        with pytest.raises(DataError, match="no scorecard of schema version 1"):
            Scorecard.from_json(foreign)


def test_the_hardware_is_named_without_the_machine() -> None:
    hardware = find_hardware()
    assert re.search(r", \d+ cores?$", hardware)
    assert hardware.startswith(platform.system())
    # A machine may be called what its processor is, so only a telling name is looked for.
    assert len(platform.node()) < 4 or platform.node() not in hardware


def test_a_version_is_always_named() -> None:
    assert find_version()


def checkout(folder: Path) -> None:
    """A repository with one commit of all files below `folder`."""
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.invalid"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)


def test_the_commit_is_that_of_our_own_checkout_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "ours" / "src" / "firstsight" / "evaluation" / "scorecard.py"
    foreign = tmp_path / "theirs" / "env" / "firstsight" / "evaluation" / "scorecard.py"
    for file in (ours, foreign):
        file.parent.mkdir(parents=True)
        file.write_text("1\n")
    assert_commit(monkeypatch, ours, None)
    checkout(tmp_path / "ours")
    checkout(tmp_path / "theirs")
    assert_commit(monkeypatch, ours, r"[0-9a-f]{7,}")
    assert_commit(monkeypatch, foreign, None)
    ours.write_text("2\n")
    assert_commit(monkeypatch, ours, r"[0-9a-f]{7,}-dirty")


def assert_commit(monkeypatch: pytest.MonkeyPatch, file: Path, pattern: str | None) -> None:
    monkeypatch.setattr(module, "__file__", str(file))
    commit = find_commit()
    if pattern is None:
        assert commit is None
    else:
        assert commit is not None
        assert re.fullmatch(pattern, commit)


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_commit() is None
