from __future__ import annotations

import copy
import hashlib
import json
import os
import resource
import subprocess
import sys
import zipfile
from concurrent.futures import Executor
from dataclasses import replace
from io import BytesIO
from multiprocessing import current_process
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from firstsight.data.decoding import _processes, decode_all
from firstsight.data.manifest import Manifest, Source
from firstsight.data.packed import PackedPictures, pack
from firstsight.errors import DataError, ShapeError, StorageError
from firstsight.images.preprocess import Preprocessing
from firstsight.images.rows import ChosenRows

PREPROCESSING = Preprocessing(8)
N_CLASSES = 5
N_EACH = 30


def drawing(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def manifest_of(sources: list[Source]) -> Manifest:
    n_classes = len(sources) // N_EACH
    return Manifest(
        name="noise",
        sources=tuple(sources),
        labels=np.repeat(np.arange(n_classes), N_EACH),
        class_names=tuple("abcdefgh"[:n_classes]),
        class_groups=np.arange(n_classes) // 2,
        group_names=("first", "second", "third", "fourth")[: (n_classes + 1) // 2],
        drawers=np.tile(np.arange(N_EACH), n_classes),
    )


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """150 pictures of five classes: even ones are files, odd ones lie in a zip."""
    sources = []
    with zipfile.ZipFile(tmp_path / "noise.zip", "w") as archive:
        for number in range(N_CLASSES * N_EACH):
            name = f"{number}.png"
            if number % 2:
                archive.writestr(name, png(drawing(number)))
                sources.append(Source(tmp_path / "noise.zip", name))
            else:
                (tmp_path / name).write_bytes(png(drawing(number)))
                sources.append(Source(tmp_path / name))
    return manifest_of(sources)


@pytest.fixture
def by_processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Even few pictures are shared out to processes; holds how many, once for each packing."""
    counts: list[int] = []

    def counted(n_workers: int) -> Executor | None:
        counts.append(n_workers)
        return _processes(n_workers)

    monkeypatch.setattr("firstsight.data.decoding._WORTH_PROCESSES", 0)
    monkeypatch.setattr("firstsight.data.decoding.cpu_count", lambda: 2)
    monkeypatch.setattr("firstsight.data.decoding._processes", counted)
    return counts


def entries(cache: Path, pattern: str) -> list[Path]:
    return sorted(cache.glob(pattern))


def test_every_picture_is_packed_in_order(manifest: Manifest) -> None:
    told: list[tuple[int, int]] = []
    pictures = pack(manifest, PREPROCESSING, cache=None, progress=lambda *each: told.append(each))
    assert pictures.pixels.shape == (150, 8, 8, 1)
    for number in range(150):
        np.testing.assert_array_equal(pictures.pixels[number, :, :, 0], drawing(number))
    np.testing.assert_array_equal(pictures.labels, np.repeat(np.arange(5), 30))
    np.testing.assert_array_equal(pictures.groups, np.repeat([0, 0, 1, 1, 2], 30))
    assert (len(pictures), pictures.n_classes, pictures.skipped) == (150, 5, ())
    assert told == [(64, 150), (128, 150), (150, 150)]


def test_packing_again_reads_the_cache_alone(manifest: Manifest, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = pack(manifest, PREPROCESSING, cache=cache)
    assert isinstance(first.pixels, np.memmap)
    plain = pack(manifest, PREPROCESSING, cache=None)
    assert plain.fingerprint == first.fingerprint
    before = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    told: list[tuple[int, int]] = []
    again = pack(manifest, PREPROCESSING, cache=cache, progress=lambda *each: told.append(each))
    assert told == [(150, 150)]
    assert isinstance(again.pixels, np.memmap)
    assert not again.pixels.flags.writeable
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.pixels, plain.pixels)
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == before
    assert len(before) == 2


def test_changed_pictures_labels_or_preprocessing_are_packed_anew(
    manifest: Manifest, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    seen = {pack(manifest, PREPROCESSING, cache=cache).fingerprint}
    seen.add(pack(manifest, Preprocessing(6), cache=cache).fingerprint)
    seen.add(
        pack(
            replace(manifest, labels=1 - manifest.labels // 3), PREPROCESSING, cache=cache
        ).fingerprint
    )
    seen.add(
        pack(replace(manifest, class_names=tuple("vwxyz")), PREPROCESSING, cache=cache).fingerprint
    )
    seen.add(
        pack(
            replace(manifest, drawers=manifest.drawers + 1), PREPROCESSING, cache=cache
        ).fingerprint
    )
    manifest.sources[0].path.write_bytes(png(drawing(1000)))
    changed = pack(manifest, PREPROCESSING, cache=cache)
    np.testing.assert_array_equal(changed.pixels[0, :, :, 0], drawing(1000))
    assert len(seen | {changed.fingerprint}) == 6
    assert len(entries(cache, "*.npy")) == 6


def damage_pixels(cache: Path) -> None:
    (path,) = entries(cache, "*.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut_pixels(cache: Path) -> None:
    (path,) = entries(cache, "*.npy")
    path.write_bytes(path.read_bytes()[:-100])


def empty_pixels(cache: Path) -> None:
    (path,) = entries(cache, "*.npy")
    path.write_bytes(b"")


def pickle_pixels(cache: Path) -> None:
    (path,) = entries(cache, "*.npy")
    np.save(path, np.array([{"not": "pixels"}]), allow_pickle=True)


def other_pixels(cache: Path) -> None:
    (path,) = entries(cache, "*.npy")
    np.save(path, np.zeros((3, 8, 8, 1)))


def lose_pixels(cache: Path) -> None:
    (path,) = entries(cache, "*.npy")
    path.unlink()


def lose_record(cache: Path) -> None:
    (path,) = entries(cache, "*.json")
    path.unlink()


def rewrite_record(text: str) -> Any:
    def rewrite(cache: Path) -> None:
        (path,) = entries(cache, "*.json")
        record = json.loads(path.read_text())
        path.write_text(text.replace("KEY", record["key"]).replace("STAMP", str(record["pixels"])))

    return rewrite


DAMAGES = {
    "one bit of the pixels": damage_pixels,
    "pixels cut short": cut_pixels,
    "no bytes": empty_pixels,
    "a pickle": pickle_pixels,
    "other pixels": other_pixels,
    "no pixels": lose_pixels,
    "no record": lose_record,
    "half a record": rewrite_record('{"key": "KEY", "ver'),
    "no table": rewrite_record("[]"),
    "another key": rewrite_record('{"key": "x", "version": 1}'),
    "another version": rewrite_record('{"key": "KEY", "version": 0}'),
    "missing parts": rewrite_record('{"key": "KEY", "version": 4, "pixels": STAMP}'),
    "skipped rows out of range": rewrite_record(
        '{"key": "KEY", "version": 4, "pixels": STAMP, "digests": "", "fingerprint": "",'
        ' "skipped": [[999, ""]]}'
    ),
    "skipped rows of nonsense": rewrite_record(
        '{"key": "KEY", "version": 4, "pixels": STAMP, "digests": "", "fingerprint": "",'
        ' "skipped": 7}'
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_cache_entry_is_rebuilt(damage: Any, manifest: Manifest, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    wanted = pack(manifest, PREPROCESSING, cache=cache).fingerprint
    damage(cache)
    told: list[tuple[int, int]] = []
    rebuilt = pack(manifest, PREPROCESSING, cache=cache, progress=lambda *each: told.append(each))
    assert len(told) == 3
    assert rebuilt.fingerprint == wanted
    np.testing.assert_array_equal(rebuilt.pixels[5, :, :, 0], drawing(5))
    told.clear()
    pack(manifest, PREPROCESSING, cache=cache, progress=lambda *each: told.append(each))
    assert told == [(150, 150)]


def test_a_cache_that_cannot_be_made_costs_only_the_cache(
    manifest: Manifest, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    pictures = pack(manifest, PREPROCESSING, cache=tmp_path / "file")
    np.testing.assert_array_equal(pictures.pixels[7, :, :, 0], drawing(7))


def test_a_disk_that_is_full_half_way_costs_only_the_cache(
    manifest: Manifest, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        pictures = pack(manifest, PREPROCESSING, cache=cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(pictures) == 150
    np.testing.assert_array_equal(pictures.pixels[149, :, :, 0], drawing(149))
    assert list(cache.iterdir()) == []


def test_stopping_half_way_leaves_nothing_behind(manifest: Manifest, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(manifest, PREPROCESSING, cache=tmp_path / "cache", progress=stop)
    assert list((tmp_path / "cache").iterdir()) == []


def test_processes_pack_the_very_same(
    manifest: Manifest, by_processes: list[int], tmp_path: Path
) -> None:
    manifest.sources[40].path.write_bytes(b"no picture")
    packed = pack(manifest, PREPROCESSING, cache=tmp_path / "cache")
    assert isinstance(packed.pixels, np.memmap)
    plain = pack(manifest, PREPROCESSING, cache=None)
    assert by_processes == [2]  # without a cache there is no place that processes could share
    assert packed.fingerprint == plain.fingerprint
    assert packed.skipped == plain.skipped
    np.testing.assert_array_equal(packed.pixels, plain.pixels)


def test_a_disk_that_is_full_and_a_stop_are_no_different_with_processes(
    manifest: Manifest, by_processes: list[int], tmp_path: Path
) -> None:
    test_a_disk_that_is_full_half_way_costs_only_the_cache(manifest, tmp_path)
    test_stopping_half_way_leaves_nothing_behind(manifest, tmp_path)
    assert by_processes == [2, 2]


def test_a_process_that_dies_is_told_of(manifest: Manifest, by_processes: list[int]) -> None:
    with pytest.raises(DataError, match="decoded pictures of noise ended unexpectedly"):
        decode_all(manifest, PREPROCESSING, lambda *_: os._exit(1), lambda *_: None, apart=True)


def test_a_script_is_not_run_again_by_the_processes(
    manifest: Manifest, by_processes: list[int], tmp_path: Path
) -> None:
    for number, source in enumerate(manifest.sources):
        path = tmp_path / "folder" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read())
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from firstsight.data import decoding\n"
        "from firstsight.data.folder import read_folder\n"
        "from firstsight.data.packed import pack\n"
        "from firstsight.images.preprocess import Preprocessing\n"
        "decoding._WORTH_PROCESSES, decoding.cpu_count = 0, lambda: 2\n"
        f"print(len(pack(read_folder(Path({str(tmp_path / 'folder')!r})), Preprocessing(8), "
        f"cache=Path({str(tmp_path / 'cache')!r}))))\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("150\n", "", 0)


def test_where_no_processes_are_to_be_had_threads_decode(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("firstsight.data.decoding._WORTH_PROCESSES", 0)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "loky", None)
        assert len(pack(manifest, PREPROCESSING, cache=tmp_path / "cache")) == 150

    def refuse(*_: Any) -> None:
        raise NotImplementedError("system provides too few semaphores")

    with monkeypatch.context() as without:
        without.setattr("loky.ProcessPoolExecutor", refuse)
        assert len(pack(manifest, PREPROCESSING, cache=tmp_path / "more")) == 150
    with monkeypatch.context() as without:
        without.setattr(current_process(), "_config", {"daemon": True})  # may have no children
        assert len(pack(manifest, PREPROCESSING, cache=tmp_path / "most")) == 150


def test_unreadable_pictures_are_left_out_and_named(manifest: Manifest, tmp_path: Path) -> None:
    for number in (0, 40):
        manifest.sources[number].path.write_bytes(b"no picture")
    for _ in range(2):  # packed, then from the cache
        pictures = pack(manifest, PREPROCESSING, cache=tmp_path / "cache")
        assert len(pictures) == 148
        np.testing.assert_array_equal(pictures.pixels[0, :, :, 0], drawing(1))
        np.testing.assert_array_equal(pictures.pixels[39, :, :, 0], drawing(41))
        np.testing.assert_array_equal(np.bincount(pictures.labels), [29, 29, 30, 30, 30])
        assert [skipped.name for skipped in pictures.skipped] == [
            manifest.sources[0].name,
            manifest.sources[40].name,
        ]
        assert "no picture that can be read" in pictures.skipped[0].reason
        assert manifest.sources[0].name in pictures.skipped[0].reason
    assert len(entries(tmp_path / "cache", "*.npy")) == 1


def test_a_picture_that_was_missing_is_looked_for_again(manifest: Manifest, tmp_path: Path) -> None:
    path = manifest.sources[2].path
    content = path.read_bytes()
    path.unlink()
    assert len(pack(manifest, PREPROCESSING, cache=tmp_path / "cache")) == 149
    assert list((tmp_path / "cache").iterdir()) == []
    path.write_bytes(content)
    assert len(pack(manifest, PREPROCESSING, cache=tmp_path / "cache")) == 150


def test_classes_whose_pictures_are_all_unreadable_vanish(
    manifest: Manifest, tmp_path: Path
) -> None:
    sources = list(manifest.sources)
    sources[30:60] = [Source(tmp_path / f"gone{number}.png") for number in range(30)]
    pictures = pack(replace(manifest, sources=tuple(sources)), PREPROCESSING, cache=None)
    assert pictures.class_names == ("a", "c", "d", "e")
    np.testing.assert_array_equal(pictures.class_groups, [0, 1, 1, 2])


@pytest.mark.parametrize("cached", [True, False])
def test_a_set_without_a_readable_picture_is_refused(cached: bool, tmp_path: Path) -> None:
    manifest = manifest_of([Source(tmp_path / f"{number}.png") for number in range(60)])
    with pytest.raises(DataError, match=r"none of the 60 pictures of noise.*0\.png"):
        pack(manifest, PREPROCESSING, cache=tmp_path / "cache" if cached else None)


def tiny(
    n_each: tuple[int, ...] = (2, 1, 3), groups: tuple[int, ...] = (0, 0, 1)
) -> PackedPictures:
    labels = np.repeat(np.arange(len(n_each)), n_each)
    return PackedPictures.of(
        name="tiny",
        pixels=np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1),
        labels=labels,
        drawers=np.concatenate([np.arange(n) for n in n_each]),
        class_names=tuple("abcdefgh"[: len(n_each)]),
        class_groups=np.array(groups),
        group_names=tuple("xyz"[: max(groups) + 1]),
    )


def test_selecting_keeps_order_and_closes_gaps() -> None:
    chosen = tiny().select(np.array([False, False, True, False, True, True]))
    np.testing.assert_array_equal(np.ravel(chosen.pixels), [2, 4, 5])
    np.testing.assert_array_equal(chosen.labels, [0, 1, 1])
    np.testing.assert_array_equal(chosen.drawers, [0, 1, 2])
    assert chosen.class_names == ("b", "c")
    np.testing.assert_array_equal(chosen.class_groups, [0, 1])
    assert chosen.group_names == ("x", "y")
    last = tiny().select(np.array([False] * 5 + [True]))
    assert (last.class_names, last.group_names) == (("c",), ("y",))
    np.testing.assert_array_equal(last.groups, [0])


@given(st.lists(st.booleans(), min_size=12, max_size=12).filter(any))
def test_selected_pictures_keep_the_names_of_their_class_and_group(keep: list[bool]) -> None:
    whole = tiny((3, 1, 4, 4), (1, 0, 1, 2))
    mask = np.array(keep)
    chosen = whole.select(mask)

    def told(pictures: PackedPictures) -> list[tuple[int, str, str]]:
        return [
            (
                int(pictures.pixels[row, 0, 0, 0]),
                pictures.class_names[pictures.labels[row]],
                pictures.group_names[pictures.groups[row]],
            )
            for row in range(len(pictures))
        ]

    assert told(chosen) == [each for each, kept in zip(told(whole), keep, strict=True) if kept]
    assert set(chosen.labels.tolist()) == set(range(chosen.n_classes))
    assert set(chosen.groups.tolist()) == set(range(len(chosen.group_names)))


def test_selecting_everything_changes_nothing() -> None:
    assert tiny().select(np.ones(6, np.bool_)).fingerprint == tiny().fingerprint


def test_impossible_selections_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(6,\) bool"):
        tiny().select(np.ones(5, np.bool_))
    with pytest.raises(ShapeError, match="int64"):
        tiny().select(np.ones(6, np.int64))
    with pytest.raises(DataError, match="nothing of tiny is left"):
        tiny().select(np.zeros(6, np.bool_))


def test_the_fingerprint_covers_pixels_numbers_and_names_but_not_the_sets_name() -> None:
    whole = tiny()
    fields: dict[str, Any] = {
        "name": whole.name,
        "pixels": whole.pixels,
        "labels": whole.labels,
        "drawers": whole.drawers,
        "class_names": whole.class_names,
        "class_groups": whole.class_groups,
        "group_names": whole.group_names,
    }
    changes: list[dict[str, Any]] = [
        {"pixels": 255 - np.asarray(whole.pixels)},
        {"labels": np.array([0, 0, 1, 2, 2, 1])},
        {"drawers": whole.drawers + 1},
        {"class_names": ("a", "b", "d")},
        {"class_groups": np.array([0, 1, 1])},
        {"group_names": ("x", "z")},
    ]
    stamps = {PackedPictures.of(**(fields | change)).fingerprint for change in changes}
    assert len(stamps | {whole.fingerprint}) == 7
    renamed = PackedPictures.of(**(fields | {"name": "other"}))
    assert renamed.fingerprint == whole.fingerprint
    assert len(whole.fingerprint) == len(hashlib.sha256().hexdigest())


def test_the_digests_are_those_of_the_files_and_of_pixels_where_there_are_none(
    manifest: Manifest, tmp_path: Path
) -> None:
    for _ in range(2):  # packed, then from the cache
        pictures = pack(manifest, PREPROCESSING, cache=tmp_path / "cache")
        for row in (0, 1, 149):
            encoded = manifest.sources[row].read()
            assert pictures.digests[row].tobytes() == hashlib.sha256(encoded).digest()
    drawn = tiny()
    assert drawn.digests[2].tobytes() == hashlib.sha256(bytes([2])).digest()
    chosen = pictures.select(np.arange(150) > 147)
    np.testing.assert_array_equal(chosen.digests, pictures.digests[148:])


def test_the_same_files_have_one_fingerprint_however_they_are_fitted(manifest: Manifest) -> None:
    squashed = pack(manifest, Preprocessing(6), cache=None)
    framed = pack(manifest, Preprocessing(6, fit="ink"), cache=None)
    assert not np.array_equal(squashed.pixels, framed.pixels)
    assert squashed.fingerprint == framed.fingerprint


def test_a_part_of_a_cached_set_is_read_from_the_file_when_asked_for(
    manifest: Manifest, tmp_path: Path
) -> None:
    pictures = pack(manifest, PREPROCESSING, cache=tmp_path / "cache")
    mask = np.arange(150) % 7 == 3
    chosen = pictures.select(mask)
    assert isinstance(chosen.pixels, ChosenRows)
    assert chosen.pixels.whole is pictures.pixels
    plain = pack(manifest, PREPROCESSING, cache=None).select(mask)
    np.testing.assert_array_equal(chosen.pixels, plain.pixels)
    assert chosen.fingerprint == plain.fingerprint


def test_copying_what_holds_a_set_does_not_copy_the_set(manifest: Manifest, tmp_path: Path) -> None:
    pictures = pack(manifest, PREPROCESSING, cache=tmp_path / "cache")
    assert copy.deepcopy([pictures])[0] is pictures


def test_without_a_cache_a_large_set_is_refused_rather_than_kept_in_memory(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("firstsight.data.packed._MOST_IN_MEMORY_BYTES", 150 * 64 - 1)
    with pytest.raises(StorageError, match=r"takes 0\.0 GB once packed.*set FIRSTSIGHT_CACHE"):
        pack(manifest, PREPROCESSING, cache=tmp_path / "file")


def test_pixels_of_another_type_or_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="float64"):
        replace(tiny(), pixels=np.zeros((6, 1, 1, 1)))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"\(6, 1, 1\)"):
        replace(tiny(), pixels=np.zeros((6, 1, 1), np.uint8))
    with pytest.raises(DataError, match="labels"):
        replace(tiny(), pixels=np.zeros((5, 1, 1, 1), np.uint8))
    with pytest.raises(ShapeError, match=r"digests .* \(5, 32\), but must be uint8 .* \(6, 32\)"):
        replace(tiny(), digests=np.zeros((5, 32), np.uint8))


def test_packed_files_are_plain_numpy_files(manifest: Manifest, tmp_path: Path) -> None:
    pack(manifest, PREPROCESSING, cache=tmp_path / "cache")
    (path,) = entries(tmp_path / "cache", "*.npy")
    stored = np.load(path, allow_pickle=False)
    assert stored.shape == (150, 8, 8, 1)
    assert stored.dtype == np.uint8
    assert path.stat().st_size == 128 + 150 * 64
