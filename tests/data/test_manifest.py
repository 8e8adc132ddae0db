from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstsight.data.manifest import Archives, Manifest, Source
from firstsight.errors import DataError, PictureError


def manifest(**changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "name": "letters",
        "sources": tuple(Source(Path(f"{number}.png")) for number in range(4)),
        "labels": np.array([0, 0, 1, 2]),
        "class_names": ("alpha", "beta", "gimel"),
        "class_groups": np.array([0, 0, 1]),
        "group_names": ("Greek", "Hebrew"),
        "drawers": np.array([0, 1, 0, 0]),
    }
    return Manifest(**(fields | changes))


def test_numbers_become_int64() -> None:
    labels = np.array([0, 0, 1, 2], np.uint8)
    assert manifest(labels=labels).labels.dtype == np.int64
    assert len(manifest()) == 4
    assert manifest().n_classes == 3


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"sources": (), "labels": np.array([], np.int64)}, "no pictures"),
        ({"labels": np.array([0, 0, 1])}, r"labels of letters is int64 of shape \(3,\)"),
        ({"labels": np.array([0.0, 0.0, 1.0, 2.0])}, "labels of letters is float64"),
        ({"labels": np.array([0, 0, 1, 3])}, "labels of letters has the number 3.*0 to 2"),
        ({"labels": np.array([0, 0, 1, -1])}, "labels of letters has the number -1"),
        ({"drawers": np.array([0, 1])}, "drawers"),
        ({"drawers": np.array([0, 1, 0, -2])}, "drawers of letters has the number -2.*from 0 on"),
        ({"class_groups": np.array([0, 0])}, "3 whole numbers, one for each class"),
        ({"class_groups": np.array([0, 0, 2])}, "class_groups of letters has the number 2"),
        ({"class_names": ("alpha", "beta", "alpha")}, "two class names 'alpha'"),
        ({"group_names": ("Greek", "Greek")}, "two group names 'Greek'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        manifest(**change)


def test_files_and_members_of_zips_are_read(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(b"one")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("letters/two.png", b"two")
    one = Source(tmp_path / "one.png")
    two = Source(tmp_path / "more.zip", "letters/two.png")
    assert (one.read(), two.read()) == (b"one", b"two")
    assert one.name == str(tmp_path / "one.png")
    assert two.name == str(tmp_path / "more.zip") + "/letters/two.png"


def test_one_archive_serves_many_threads(tmp_path: Path) -> None:
    members = {f"{number}.bin": bytes([number]) * 5000 for number in range(100)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    sources = [Source(tmp_path / "a.zip", name) for name in members] * 5
    with Archives() as archives, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(archives.read, sources)) == list(members.values()) * 5


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"this is no zip")
    with zipfile.ZipFile(tmp_path / "yes.zip", "w") as archive:
        archive.writestr("here.png", b"content")
    damaged = (tmp_path / "yes.zip").read_bytes().replace(b"content", b"c0ntent")
    (tmp_path / "damaged.zip").write_bytes(damaged)
    for source in (
        Source(tmp_path / "missing.png"),
        Source(tmp_path),
        Source(tmp_path / "no.zip", "here.png"),
        Source(tmp_path / "yes.zip", "elsewhere.png"),
        Source(tmp_path / "damaged.zip", "here.png"),
    ):
        with pytest.raises(PictureError) as refusal:
            source.read()
        assert source.name in str(refusal.value)


def test_a_stamp_changes_with_the_content(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    with Archives() as archives:
        gone = archives.stamp(Source(path))
        path.write_bytes(b"one")
        first = archives.stamp(Source(path))
        path.write_bytes(b"other")
        second = archives.stamp(Source(path))
    assert len({gone, first, second}) == 3
    stamps = set()
    for content in (b"one", b"two"):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("m.png", content)
        with Archives() as archives:
            stamps.add(archives.stamp(Source(tmp_path / "a.zip", "m.png")))
    assert len(stamps) == 2
