from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from firstsight.data.known import cache_folder
from firstsight.data.manifest import Archives
from firstsight.data.omniglot import (
    read_background,
    read_evaluation,
    read_minimal,
    read_runs,
)
from firstsight.errors import DataError


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data folder, for what the test unpacks into it."""
    (tmp_path / "mine" / "omniglot").mkdir(parents=True)
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("FIRSTSIGHT_OFFLINE", "1")
    return tmp_path / "mine" / "omniglot"


def unzip(archive_path: Path, folder: Path) -> None:
    with ZipFile(archive_path) as archive:
        archive.extractall(folder)


def test_the_background_set_is_whole(data_root: Path) -> None:
    manifest = read_background()
    assert (manifest.n_classes, len(manifest), len(manifest.group_names)) == (964, 19_280, 30)
    assert np.bincount(manifest.labels).tolist() == [20] * 964
    assert np.bincount(manifest.drawers).tolist() == [964] * 20


def test_the_evaluation_set_is_whole(data_root: Path) -> None:
    manifest = read_evaluation()
    assert (manifest.n_classes, len(manifest), len(manifest.group_names)) == (659, 13_180, 20)


def test_the_minimal_sets_are_whole_and_lie_within_the_background_set(data_root: Path) -> None:
    background = set(read_background().class_names)
    for number, n_characters in ((1, 136), (2, 156)):
        manifest = read_minimal(1 if number == 1 else 2)
        assert (manifest.n_classes, len(manifest)) == (n_characters, 20 * n_characters)
        assert len(manifest.group_names) == 5
        assert set(manifest.class_names) <= background


def test_a_drawing_knows_its_character_its_alphabet_and_its_drawer(data_root: Path) -> None:
    manifest = read_background()
    members = [source.member for source in manifest.sources]
    row = members.index("images_background/Tifinagh/character55/0964_20.png")
    label = manifest.labels[row]
    assert manifest.class_names[label] == "Tifinagh/character55"
    assert manifest.group_names[manifest.class_groups[label]] == "Tifinagh"
    assert manifest.drawers[row] == 19


def test_the_runs_know_their_answers(data_root: Path) -> None:
    runs = read_runs()
    assert [run.name for run in runs] == [f"run{number:02d}" for number in range(1, 21)]
    # run01/class_labels.txt: item01 is class08, item02 class09, item03 class02 ... item20 class16.
    assert runs[0].truth[:3].tolist() == [7, 8, 1]
    assert runs[0].truth[19] == 15
    assert runs[0].support[7].member == "run01/training/class08.png"
    assert runs[0].query[0].member == "run01/test/item01.png"
    for run in runs:
        assert sorted(run.truth.tolist()) == list(range(20))
        assert (len(run.support), len(run.query)) == (20, 20)


def test_the_answers_of_a_run_agree_with_the_evaluation_set(data_root: Path) -> None:
    # The same drawings lie in both; the first two runs are of the alphabet Atlantean.
    evaluation = read_evaluation()
    atlantean = evaluation.group_names.index("Atlantean")
    with Archives() as archives:
        character = {
            drawn(archives.read(source)): label
            for source, label in zip(evaluation.sources, evaluation.labels, strict=True)
            if evaluation.class_groups[label] == atlantean
        }
        for run in read_runs()[:2]:
            supports = [character[drawn(archives.read(source))] for source in run.support]
            queries = [character[drawn(archives.read(source))] for source in run.query]
            assert [supports[position] for position in run.truth] == queries


def drawn(png: bytes) -> bytes:
    with Image.open(BytesIO(png)) as picture:
        return picture.convert("L").tobytes()


def test_an_unpacked_folder_reads_like_the_zip(data_root: Path, unpacked: Path) -> None:
    unzip(data_root / "omniglot" / "images_background_small1.zip", unpacked)
    from_folder = read_minimal(1)
    (unpacked / "images_background_small1").rename(unpacked / "elsewhere")
    (unpacked / "images_background_small1.zip").symlink_to(
        data_root / "omniglot" / "images_background_small1.zip"
    )
    from_zip = read_minimal(1)
    assert from_folder.class_names == from_zip.class_names
    assert from_folder.labels.tolist() == from_zip.labels.tolist()
    assert from_folder.drawers.tolist() == from_zip.drawers.tolist()
    assert from_folder.sources[0].path.name == Path(str(from_zip.sources[0].member)).name


def test_runs_unpacked_into_a_folder_read_like_the_zip(data_root: Path, unpacked: Path) -> None:
    unzip(data_root / "omniglot" / "all_runs.zip", unpacked / "all_runs")
    runs = read_runs()
    assert len(runs) == 20
    assert runs[0].truth[:3].tolist() == [7, 8, 1]


def test_a_folder_that_lacks_drawings_is_refused_with_the_counts(unpacked: Path) -> None:
    for drawer in (1, 2):
        drawing = unpacked / f"images_background/Greek/character01/0001_{drawer:02d}.png"
        drawing.parent.mkdir(parents=True, exist_ok=True)
        drawing.write_bytes(b"")
    wanted = (
        r"found 1 alphabets, 1 characters, 2 drawings \(Greek/character01 has 2 of 20 drawings\); "
        r"expected 30, 964, 19,280; unpack images_background\.zip again"
    )
    with pytest.raises(DataError, match=wanted):
        read_background()


def test_an_empty_folder_is_refused(unpacked: Path) -> None:
    (unpacked / "images_evaluation").mkdir()
    with pytest.raises(DataError, match="found 0 alphabets"):
        read_evaluation()


def write_runs(folder: Path, answers: str) -> None:
    for kind, name in (("training", "class"), ("test", "item")):
        (folder / "run01" / kind).mkdir(parents=True)
        for number in range(1, 21):
            (folder / "run01" / kind / f"{name}{number:02d}.png").write_bytes(b"")
    (folder / "run01" / "class_labels.txt").write_text(answers)


def test_a_run_that_lacks_a_file_is_refused(unpacked: Path) -> None:
    write_runs(unpacked / "all_runs", "")
    (unpacked / "all_runs" / "run01" / "test" / "item07.png").unlink()
    with pytest.raises(DataError, match=r"run01/test/item07\.png is missing \(1 of 41"):
        read_runs()


@pytest.mark.parametrize("spoil", ["", "twice", "stranger", "alone"])
def test_answers_that_do_not_pair_items_with_classes_are_refused(
    unpacked: Path, spoil: str
) -> None:
    lines = [f"run01/test/item{n:02d}.png run01/training/class{n:02d}.png" for n in range(1, 21)]
    lines[0] = {
        "": "",
        "twice": lines[1],
        "stranger": "run01/test/item01.png run01/training/class21.png",
        "alone": "run01/test/item01.png",
    }[spoil]
    write_runs(unpacked / "all_runs", "\n".join(lines))
    with pytest.raises(DataError, match="does not pair the 20 items"):
        read_runs()


def test_a_damaged_zip_is_refused_before_anything_is_read_from_it(unpacked: Path) -> None:
    (unpacked / "images_background.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(DataError, match="is damaged"):
        read_background()
    assert not (cache_folder() / "data" / "verified.json").exists()
