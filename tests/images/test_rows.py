from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firstsight.images.rows import ChosenRows, choose

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 3, 4, 1), np.uint8)


@pytest.fixture
def mapped(tmp_path: Path) -> NDArray[np.uint8]:
    np.save(tmp_path / "pixels.npy", PIXELS)
    opened: NDArray[np.uint8] = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    return opened


@pytest.mark.parametrize(
    "key",
    [
        3,
        -1,
        slice(1, 4),
        slice(None, None, -2),
        np.array([4, 0, 0]),
        np.arange(6) % 2 == 0,
        (2, 0, 1, 0),
        (slice(0, 3), [0, -1]),
        (slice(None), slice(None), 0),
        (np.array([1, 1]), 2),
        (..., 0),
    ],
    ids=repr,
)
def test_chosen_rows_are_indexed_as_the_array_of_them_would_be(key: Any) -> None:
    rows = np.array([11, 0, 3, 5, 5, 8])
    np.testing.assert_array_equal(ChosenRows(PIXELS, rows)[key], PIXELS[rows][key])


def test_chosen_rows_know_their_size_and_become_an_array() -> None:
    chosen = ChosenRows(PIXELS, np.array([2, 9]))
    assert (chosen.shape, chosen.ndim, len(chosen)) == ((2, 3, 4, 1), 4, 2)
    assert (chosen.dtype, chosen.nbytes) == (np.dtype(np.uint8), 24)
    np.testing.assert_array_equal(chosen, PIXELS[[2, 9]])
    np.testing.assert_array_equal(np.asarray(chosen, np.float32), PIXELS[[2, 9]])
    np.testing.assert_array_equal(np.stack(list(chosen)), PIXELS[[2, 9]])


@given(st.lists(st.booleans(), min_size=12, max_size=12), st.data())
def test_choosing_twice_is_choosing_from_what_was_chosen(
    first: list[bool], data: st.DataObject
) -> None:
    once = np.array(first)
    again = np.array(
        data.draw(st.lists(st.booleans(), min_size=sum(first), max_size=sum(first))), bool
    )
    lazily = choose(ChosenRows(PIXELS, np.arange(12)), once)
    np.testing.assert_array_equal(choose(lazily, again), PIXELS[once][again])
    np.testing.assert_array_equal(choose(choose(PIXELS, once), again), PIXELS[once][again])


def test_of_a_mapped_file_no_pixels_are_copied(mapped: NDArray[np.uint8]) -> None:
    mask = np.arange(12) % 3 == 0
    chosen = choose(mapped, mask)
    assert isinstance(chosen, ChosenRows)
    assert chosen.whole is mapped
    assert choose(chosen, np.array([True, False, True, False])).rows.tolist() == [0, 6]  # type: ignore[attr-defined]
    assert choose(mapped, np.ones(12, bool)) is mapped
