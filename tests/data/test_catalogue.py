from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstsight.data.catalogue import KNOWN_NAMES, open_pictures
from firstsight.errors import DataError
from firstsight.images.preprocess import Preprocessing


def shelf(root: Path) -> Path:
    for number, name in enumerate(("cup", "mug")):
        (root / name).mkdir(parents=True)
        Image.new("L", (9, 9), 100 * number).save(root / name / "1.png")
    return root


def test_a_folder_is_opened_by_its_path_and_cached(tmp_path: Path, private_cache: Path) -> None:
    pictures = open_pictures(str(shelf(tmp_path / "shelf")), Preprocessing(4))
    np.testing.assert_array_equal(pictures.pixels[:, 0, 0, 0], [0, 100])
    assert len(list((private_cache / "packed").glob("*.npy"))) == 1


def test_a_folder_below_home_may_be_written_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shelf(tmp_path / "shelf")
    assert len(open_pictures("~/shelf", Preprocessing(4))) == 2


def test_what_is_neither_a_folder_nor_known_is_refused_with_the_known_names() -> None:
    with pytest.raises(DataError, match="neither a folder nor") as refusal:
        open_pictures("omniglot:foreground", Preprocessing(4))
    assert all(name in str(refusal.value) for name in KNOWN_NAMES)


@pytest.mark.parametrize(
    ("name", "n_pictures", "n_classes", "n_groups"),
    [
        ("omniglot:background", 19_280, 964, 30),
        ("omniglot:minimal1", 2_720, 136, 5),
        ("omniglot:minimal2", 3_120, 156, 5),
    ],
)
def test_omniglot_is_opened_whole(
    data_root: Path, name: str, n_pictures: int, n_classes: int, n_groups: int
) -> None:
    pictures = open_pictures(name, Preprocessing(8))
    assert len(pictures) == n_pictures
    assert (pictures.n_classes, len(pictures.group_names)) == (n_classes, n_groups)
    assert pictures.skipped == ()
    assert np.mean(pictures.pixels) > 200
