from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from firstsight.data import digits
from firstsight.data.catalogue import open_pictures
from firstsight.data.digits import read_digits
from firstsight.data.sources import locate_digits
from firstsight.errors import DataError, DataUnavailable
from firstsight.images.preprocess import Preprocessing

EIGHT = Preprocessing(size=8)


def test_all_1797_digits_are_read() -> None:
    pictures = read_digits(EIGHT)
    # The published distribution of the test set, digit by digit.
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(pictures.labels).tolist() == counts
    assert pictures.class_names == tuple("0123456789")
    assert pictures.group_names == ("digits",)
    assert pictures.pixels.shape == (1797, 8, 8, 1)


def test_the_first_digit_is_a_zero_with_dark_ink_on_light_paper() -> None:
    pictures = read_digits(EIGHT)
    table = locate_digits()
    assert table is not None
    first = [float(value) for value in gzip.decompress(table.read_bytes()).split()[0].split(b",")]
    assert int(first[64]) == pictures.labels[0] == 0
    expected = [round(255 - value * 255 / 16) for value in first[:64]]
    assert pictures.pixels[0].ravel().tolist() == expected


def test_drawers_count_within_each_digit() -> None:
    pictures = read_digits(EIGHT)
    seen: dict[int, int] = {}
    for label, drawer in zip(pictures.labels.tolist(), pictures.drawers.tolist(), strict=True):
        assert drawer == seen.get(label, 0)
        seen[label] = drawer + 1


def test_digits_come_at_the_size_asked_for() -> None:
    assert read_digits(Preprocessing(size=28, mode="rgb")).pixels.shape == (1797, 28, 28, 3)


def test_reading_the_digits_does_not_import_scikit_learn() -> None:
    source = Path(digits.__file__).read_text(encoding="utf-8")
    assert "import sklearn" not in source
    if "sklearn" not in sys.modules:
        read_digits(EIGHT)
        assert "sklearn" not in sys.modules


def test_without_scikit_learn_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # With nothing on the path, importlib.metadata finds no distribution, as in a light install.
    monkeypatch.setattr(sys, "path", [])
    assert locate_digits() is None
    with pytest.raises(DataUnavailable, match=r"pip install 'firstsight\[train\]'"):
        read_digits(EIGHT)


@pytest.mark.parametrize("rows", ["", "1,2,3\n", "a,b\n", ",".join(["99"] * 64 + ["0"]) + "\n"])
def test_a_table_of_something_else_is_refused(tmp_path: Path, rows: str) -> None:
    table = tmp_path / "digits.csv.gz"
    table.write_bytes(gzip.compress((rows * 1797).encode()))
    with pytest.raises(DataError, match="is not the table of digits"):
        read_digits(EIGHT, table=table)


def test_a_table_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    whole = locate_digits()
    assert whole is not None
    table = tmp_path / "digits.csv.gz"
    table.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(DataError, match="install scikit-learn again"):
        read_digits(EIGHT, table=table)


def test_digits_come_by_name_at_the_size_asked_for() -> None:
    assert open_pictures("digits", Preprocessing(12)).pixels.shape == (1797, 12, 12, 1)
