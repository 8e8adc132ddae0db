from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.data.catalogue import open_pictures
from firstsight.data.mnist import is_idx, read_idx_pictures
from firstsight.errors import DataError, DataUnavailable
from firstsight.images.preprocess import Preprocessing

INK = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
LABELS = np.array([7, 2, 7, 7, 2], np.uint8)


def idx(array: NDArray[np.uint8]) -> bytes:
    head = bytes([0, 0, 8, array.ndim])
    return head + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


def write(folder: Path, pictures: bytes, labels: bytes, *, zipped: bool) -> Path:
    ending = ".gz" if zipped else ""
    for name, content in (("images-idx3", pictures), ("labels-idx1", labels)):
        file = folder / f"own-{name}-ubyte{ending}"
        file.write_bytes(gzip.compress(content) if zipped else content)
    return folder / f"own-images-idx3-ubyte{ending}"


@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_light_ink_on_dark_becomes_dark_ink_on_light(tmp_path: Path, zipped: bool) -> None:
    file = write(tmp_path, idx(INK), idx(LABELS), zipped=zipped)
    pictures = open_pictures(str(file), Preprocessing(4))
    np.testing.assert_array_equal(pictures.pixels[:, :, :, 0], 255 - INK)
    assert pictures.class_names == ("2", "7")
    np.testing.assert_array_equal(pictures.labels, [1, 0, 1, 1, 0])
    np.testing.assert_array_equal(pictures.drawers, [0, 0, 1, 2, 1])


@pytest.mark.parametrize(
    ("pictures", "labels", "sentence"),
    [
        (idx(INK)[:-1], idx(LABELS), "its head says 80 bytes and others follow"),
        (idx(INK) + b"0", idx(LABELS), "its head says 80 bytes"),
        (idx(INK), idx(LABELS[:4]), "5 pictures and 4 labels"),
        (idx(LABELS), idx(LABELS), "it begins with 00 00 08 01"),
        (b"", idx(LABELS), "it begins with nothing"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, idx(LABELS), "it claims to be of shape"),
        (bytes([0, 0, 8, 3]) + b"\0" * 5, idx(LABELS), "no idx file"),
    ],
)
def test_damaged_files_are_refused(
    pictures: bytes, labels: bytes, sentence: str, tmp_path: Path
) -> None:
    file = write(tmp_path, pictures, labels, zipped=False)
    with pytest.raises(DataError, match=sentence):
        read_idx_pictures(file, Preprocessing(4), name="own")


def test_a_gzip_that_is_none_and_missing_labels_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, idx(INK), idx(LABELS), zipped=True)
    (tmp_path / "own-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"no labels beside it; put own-labels-idx1-ubyte\.gz"):
        read_idx_pictures(file, Preprocessing(4), name="own")
    file.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="no idx file"):
        read_idx_pictures(file, Preprocessing(4), name="own")


def test_only_files_called_like_mnists_pictures_are_taken_for_them() -> None:
    assert is_idx(Path("train-images-idx3-ubyte"))
    assert is_idx(Path("x/t10k-images-idx3-ubyte.gz"))
    assert not is_idx(Path("t10k-labels-idx1-ubyte.gz"))


def test_the_real_digits_are_ten_thousand(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    pictures = open_pictures("mnist", Preprocessing(28), progress=lambda *each: told.append(each))
    assert (len(pictures), pictures.class_names) == (10_000, tuple("0123456789"))
    # The counts of the digits 0 to 9 among the test digits, as everybody knows them.
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(pictures.labels).tolist() == counts
    assert np.mean(pictures.pixels) > 200
    assert told[-1] == (10_000, 10_000)
    monkeypatch.delenv("FIRSTSIGHT_DATA")
    with pytest.raises(DataUnavailable, match=r"mnist was not found; set FIRSTSIGHT_DATA"):
        open_pictures("mnist", Preprocessing(28))
