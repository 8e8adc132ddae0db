from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstsight.data.catalogue import KNOWN_NAMES, open_pictures, read_manifest, read_parts
from firstsight.data.known import known_folders
from firstsight.errors import DataError, DataUnavailable
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
    with pytest.raises(DataError, match="neither a folder, a CSV file nor") as refusal:
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


@pytest.mark.parametrize(
    ("name", "n_pictures", "n_classes"),
    [("faces", 400, 40), ("snacks:val", 955, 20)],
)
def test_sets_brought_by_hand_are_opened_by_name(
    data_root: Path, name: str, n_pictures: int, n_classes: int
) -> None:
    pictures = open_pictures(name, Preprocessing(8, "rgb", fit="crop"))
    assert (len(pictures), pictures.n_classes, pictures.name) == (n_pictures, n_classes, name)
    known = known_folders()[name]
    own = open_pictures(str(data_root / known.folder / known.part), Preprocessing(8, "rgb"))
    assert own.n_classes == n_classes


def test_a_set_that_nobody_brought_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTSIGHT_DATA", raising=False)
    with pytest.raises(DataUnavailable, match=r"FIRSTSIGHT_DATA to a folder with snacks/train in"):
        open_pictures("snacks:train", Preprocessing(4))


def test_a_set_from_the_cache_that_lacks_pictures_is_refused(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRSTSIGHT_DATA", raising=False)
    shelf(private_cache / "data" / "faces-att")
    with pytest.raises(DataError, match=r"faces is not whole: 2 pictures in .* where 400"):
        open_pictures("faces", Preprocessing(4))


def test_a_ready_made_part_is_named_behind_a_colon(tmp_path: Path) -> None:
    shelf(tmp_path / "set" / "test")
    shelf(tmp_path / "set" / "train")
    (tmp_path / "set" / ".hidden").mkdir()
    part = read_manifest(f"{tmp_path / 'set'}:train")
    assert part.name == "set:train"
    assert part.sources[0].path == tmp_path / "set" / "train" / "cup" / "1.png"
    assert list(read_parts(str(tmp_path / "set"))) == ["train", "test"]
    assert list(read_parts(str(tmp_path / "set" / "train"))) == [""]
    with pytest.raises(DataError, match="has no part 'val'; name one of its folders"):
        read_manifest(f"{tmp_path / 'set'}:val")


def test_a_folder_with_a_colon_in_its_name_is_meant_whole(tmp_path: Path) -> None:
    shelf(tmp_path / "a:b")
    assert read_manifest(str(tmp_path / "a:b")).name == "a:b"


def test_a_file_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"notes.txt is no data set; name a folder"):
        open_pictures(str(tmp_path / "notes.txt"), Preprocessing(4))
