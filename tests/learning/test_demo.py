from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from ..command import here

# The shipped recipe, made tiny.
TINY = [
    part
    for override in (
        "picture.size=16", "network.stem=4", "network.widths=[8]", "network.embedding_size=8",
        "network.blocks=[1]", "batches.size=16", "training.steps=6", "training.validate_every=6",
        "data.held_out_groups=0",
    )
    for part in ("--set", override)
]  # fmt: skip


def rows_of(table: str, who: str) -> list[list[str]]:
    """The cells of each line that begins so, cut where two spaces are."""
    lines = [line.strip() for line in table.splitlines()]
    return [re.split(r"\s{2,}", line) for line in lines if line.startswith(who)]


def test_without_omniglot_it_says_so_and_runs_to_its_end_on_stand_ins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("FIRSTSIGHT_OFFLINE", "1")
    out = tmp_path / "demo"
    ended = here("demo", "--out", out, *TINY)
    assert ended.code == 0
    remarks = ended.err.splitlines()
    assert remarks[0].startswith("Omniglot cannot be had: images_background.zip was not found")
    assert "No figure below is an Omniglot figure." in remarks[1]
    assert "omniglot" not in ended.out.lower()
    assert "humans" not in ended.out  # whose figures are Omniglot's, too
    assert [cells[1] for cells in rows_of(ended.out, "a constant")] == ["10.00"]
    assert [cells[0] for cells in rows_of(ended.out, "untrained")] == ["untrained network"]

    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert scores.keys() == {"nway"}
    assert [row["who"] for row in scores["nway"]] == [
        "firstsight compact", "untrained network", "raw pixels", "a constant",
    ]  # fmt: skip
    assert {row["data_name"] for row in scores["nway"]} == {"digits"}
    with Image.open(out / "recognised.png") as sheet:
        assert min(sheet.size) > 200
    told = re.search(r"Recognised from one drawing each: (\d+) of 60", ended.out)
    assert told is not None
    rights = [cells[1] for digit in range(10) for cells in rows_of(ended.out, f"{digit} ")]
    assert sum(int(right.split(" of ")[0]) for right in rights) == int(told[1])


def test_on_real_drawings_the_figures_stand_beside_published_ones(
    data_root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "demo"
    small = ["--set", "data.train='omniglot:minimal1'"]
    ended = here("demo", "--out", out, *TINY, *small)
    assert ended.code == 0
    lake, dense = ended.out.split("dense: ")
    dense = dense.split("Recognised from one drawing")[0]
    assert "error rate %" in lake
    assert "accuracy %" in dense
    for who, error in (
        ("humans", "4.5"), ("Bayesian program learning", "3.3"), ("convolutional Siamese", "8.0"),
        ("a constant", "95.00"), ("raw pixels", None), ("untrained network", None),
        ("firstsight compact", None),
    ):  # fmt: skip
        (cells,) = rows_of(lake, who)
        assert error in (None, cells[1])
    assert [cells[1] for cells in rows_of(dense, "a constant")] == ["5.00"]
    for who in ("raw pixels", "untrained network", "firstsight compact"):
        assert len(rows_of(dense, who)) == 1
    assert not rows_of(dense, "humans")
    assert f"the picture of it: {out / 'recognised.png'}" in ended.err.splitlines()
    with Image.open(out / "recognised.png") as sheet:
        assert min(sheet.size) > 200
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert scores.keys() == {"lake2015", "dense"}
    assert scores["lake2015"][3]["value"] == 0.95

    other = here("demo", "--out", out, *TINY, *small, "--set", "training.steps=7")
    assert other.code == 1
    assert other.out == ""
    assert "another recipe (they differ in training.steps)" in other.err
