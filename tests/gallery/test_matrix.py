from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.errors import ShapeError, UsageError
from firstsight.gallery import matrix as matrix_module
from firstsight.gallery.connection import LOCK_FILE
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.lock import WriterLock
from firstsight.gallery.matrix import PhotoMatrix, read_matrix
from firstsight.gallery.records import ModelBinding, NewPhoto, PhotoVectors
from firstsight.similarity import Cosine, CrowdedCosine, Euclidean, Head, WeightedL1

Floats = npt.NDArray[np.float32]

SIZE = 8
HEADS: list[Head] = [
    Euclidean(),
    Cosine(),
    CrowdedCosine(),
    WeightedL1(np.linspace(-1, 0.5, SIZE), 0.3),
]
MODEL = ModelBinding("tiny", "f" * 64, "tiny", SIZE)

each_head = pytest.mark.parametrize("head", HEADS, ids=lambda head: head.kind)


def photos(vectors: npt.NDArray[Any]) -> PhotoVectors:
    """As many things as photos."""
    rows = np.arange(len(vectors))
    return PhotoVectors(rows, vectors.astype(np.float32), rows, rows)


def random_vectors(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, SIZE)).astype(np.float32)


def sorted_by_head(head: Head, queries: Floats, vectors: Floats, k: int) -> tuple[Any, Any]:
    """The naive way: every distance by the head, sorted, the lower row first."""
    distances = head.distance(queries, vectors)
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, rows, axis=1), rows


def require_as_sorted(head: Head, queries: Floats, vectors: Floats, k: int) -> None:
    distances, rows = PhotoMatrix(photos(vectors), head).nearest(queries, k)
    expected_distances, expected_rows = sorted_by_head(head, queries, vectors, k)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(distances, expected_distances)


def test_the_nearest_by_hand() -> None:
    vectors = np.array([[3, 4], [0, 1], [0, 0], [6, 8]], np.float32)
    query = np.zeros((1, 2), np.float32)
    distances, rows = PhotoMatrix(photos(vectors), Euclidean()).nearest(query, 3)
    assert rows.tolist() == [[2, 1, 0]]
    assert distances.tolist() == [[0, 1, 5]]


@each_head
@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 5), (300, 7), (20_000, 10)])
def test_the_nearest_are_those_of_a_full_sort(head: Head, n: int, k: int) -> None:
    require_as_sorted(head, random_vectors(6, seed=1), random_vectors(n), k)


@each_head
def test_equal_photos_come_in_the_order_of_their_rows(head: Head) -> None:
    vectors = np.tile(random_vectors(5), (1_000, 1))
    require_as_sorted(head, vectors[:2], vectors, 30)
    # Everything at one distance: a collapsed model.
    require_as_sorted(head, vectors[:1], np.tile(vectors[1], (5_000, 1)), 20)


@each_head
def test_differences_below_the_products_rounding_are_told_apart(head: Head) -> None:
    # Near a far point float32 products are all alike; the head still sees who is nearer.
    rng = np.random.default_rng(2)
    vectors = (100 + rng.normal(scale=1e-4, size=(3_000, SIZE))).astype(np.float32)
    require_as_sorted(head, vectors[:4], vectors, 10)


@each_head
@pytest.mark.parametrize("scale", [1e-42, 1e-37, 1e-20, 1e-12, 1e12, 1e18, 1e21, 1e37])
def test_very_small_and_very_large_vectors_are_compared_rightly(head: Head, scale: float) -> None:
    vectors = random_vectors(400)
    vectors[::3] *= np.float32(scale)
    require_as_sorted(head, random_vectors(2, seed=1), vectors, 12)
    tiny_or_huge = random_vectors(2, seed=1) * np.float32(scale)
    require_as_sorted(head, tiny_or_huge, vectors, 12)
    found, _ = PhotoMatrix(photos(vectors), head).distances(tiny_or_huge)
    expected = head.distance(tiny_or_huge, vectors)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@each_head
def test_vectors_without_direction_or_number_do_not_disturb_the_others(head: Head) -> None:
    vectors = random_vectors(2_000)
    vectors[5] = 0
    vectors[7] = np.nan
    vectors[9, 0] = np.inf
    queries = np.concatenate([random_vectors(2, seed=1), np.zeros((1, SIZE), np.float32)])
    require_as_sorted(head, queries, vectors, 10)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 600), st.sampled_from(HEADS))
@settings(max_examples=60, deadline=None)
def test_any_small_grid_of_vectors_is_searched_exactly(
    seed: int, k: int, n: int, head: Head
) -> None:
    # Whole numbers: distances of which many are exactly equal.
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (n, SIZE)).astype(np.float32)
    queries = rng.integers(-2, 3, (3, SIZE)).astype(np.float32)
    require_as_sorted(head, queries, vectors, k)


@each_head
def test_many_queries_are_cut_into_parts(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_module, "_CELLS_AT_ONCE", 3 * 500)
    require_as_sorted(head, random_vectors(10, seed=1), random_vectors(500), 4)


@each_head
def test_all_distances_agree_with_the_head(head: Head) -> None:
    vectors = random_vectors(5_000)
    vectors[17] = 0
    queries = vectors[[3, 17, 20]]
    found, off = PhotoMatrix(photos(vectors), head).distances(queries)
    assert found.dtype == np.float32
    expected = head.distance(queries, vectors)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
    assert (np.abs(found - expected) <= off[:, None] + 1e-6).all()
    assert found[0, 3] == head.distance(queries[:1], queries[:1])[0, 0]


@each_head
def test_photos_that_are_almost_the_query_get_the_heads_own_distance(head: Head) -> None:
    vectors = (100 + np.random.default_rng(2).normal(scale=1e-4, size=(500, SIZE))).astype("f4")
    found, _ = PhotoMatrix(photos(vectors), head).distances(vectors[3:5])
    np.testing.assert_array_equal(found, head.distance(vectors[3:5], vectors))


@each_head
def test_an_empty_gallery_has_no_nearest(head: Head) -> None:
    empty = PhotoMatrix(photos(np.zeros((0, SIZE))), head)
    distances, rows = empty.nearest(random_vectors(3), 5)
    assert distances.shape == rows.shape == (3, 0)
    assert empty.distances(random_vectors(3))[0].shape == (3, 0)
    assert len(empty) == 0


def test_questions_that_make_no_sense_are_refused() -> None:
    searched = PhotoMatrix(photos(random_vectors(3)), Euclidean())
    with pytest.raises(ShapeError, match=r"\(1, 9\) came where \(Q, 8\) was wanted"):
        searched.nearest(np.zeros((1, 9), np.float32), 1)
    with pytest.raises(ShapeError, match="gallery's own model"):
        searched.distances(np.zeros((1, 9), np.float32))
    with pytest.raises(UsageError, match="k is 0"):
        searched.nearest(random_vectors(1), 0)


# The mapped file, with a threshold low enough for a test.


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gallery]:
    monkeypatch.setattr(matrix_module, "MAPPED_FROM", 100)
    with Gallery.create(tmp_path / "gallery", name="mugs", model=MODEL) as made:
        enroll(made, 150)
        yield made


def enroll(gallery: Gallery, n: int, *, seed: int = 0) -> None:
    """n photos of n / 3 things."""
    gallery.enroll(
        [
            (f"thing {seed} {row // 3}", NewPhoto(f"{seed} {row}", "a.png", 4, 4, vector))
            for row, vector in enumerate(random_vectors(n, seed))
        ]
    )


def caches(gallery: Gallery) -> list[Path]:
    return sorted(gallery.place.glob("matrix-*"))


def is_mapped(matrix: PhotoMatrix) -> bool:
    base: Any = matrix.photos.vectors
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    return base is not None


def require_true(gallery: Gallery) -> PhotoMatrix:
    """What is read is what the store holds; gives it."""
    read, truth = read_matrix(gallery, Euclidean()), gallery.vectors()
    for field in ("photos", "vectors", "things", "starts"):
        np.testing.assert_array_equal(getattr(read.photos, field), getattr(truth, field))
    require_as_sorted(Euclidean(), random_vectors(2, seed=9), truth.vectors, 5)
    found = read.nearest(random_vectors(2, seed=9), 5)
    expected = PhotoMatrix(truth, Euclidean()).nearest(random_vectors(2, seed=9), 5)
    np.testing.assert_array_equal(found, expected)
    return read


def test_a_small_gallery_is_read_from_the_store(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "gallery", name="mugs", model=MODEL) as small:
        enroll(small, 30)
        assert not is_mapped(require_true(small))
        assert caches(small) == []


def test_a_large_gallery_is_mapped_and_the_file_is_used_again(gallery: Gallery) -> None:
    assert is_mapped(require_true(gallery))
    (first,) = caches(gallery)
    written = first.stat().st_mtime_ns
    assert is_mapped(require_true(gallery))
    assert [path.stat().st_mtime_ns for path in caches(gallery)] == [written]


@pytest.mark.parametrize("size", [1, 3, 8])
def test_any_embedding_size_and_count_fits_the_file(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix_module, "MAPPED_FROM", 1)
    model = ModelBinding("tiny", "f" * 64, "tiny", size)
    with Gallery.create(tmp_path / "gallery", name="mugs", model=model) as odd:
        vectors = random_vectors(7)[:, :size]
        odd.enroll(
            [("mug", NewPhoto(str(row), "", 1, 1, each)) for row, each in enumerate(vectors)]
        )
        read = read_matrix(odd, Euclidean())
        assert is_mapped(read)
        np.testing.assert_array_equal(read.photos.vectors, vectors)


def test_every_change_makes_the_file_stale_and_old_ones_go(gallery: Gallery) -> None:
    changes: list[Callable[[], object]] = [
        lambda: enroll(gallery, 3, seed=5),
        lambda: gallery.remove("thing 0 4"),
        lambda: gallery.undo(),
        lambda: gallery.merge("thing 0 1", into="thing 0 2"),
        lambda: gallery.move(gallery.photos("thing 0 5")[0].id, "thing 0 6"),
        lambda: gallery.forget("thing 0 7"),
    ]
    for change in changes:
        require_true(gallery)
        change()
        assert is_mapped(require_true(gallery))
        assert len(caches(gallery)) == 1


def test_the_vectors_of_another_model_are_never_taken_for_its_own(gallery: Gallery) -> None:
    require_true(gallery)
    other = ModelBinding("other", "e" * 64, "other", SIZE)
    ids = [photo.id for photo in gallery.photos()]
    gallery.stage(other, dict(zip(ids, random_vectors(len(ids), seed=3), strict=True)))
    gallery.switch()
    switched = require_true(gallery).photos.vectors.copy()
    gallery.switch()
    assert not np.array_equal(require_true(gallery).photos.vectors, switched)


@pytest.mark.parametrize("place", [0, 30, 4096, 5000, 9000, -1])
def test_a_damaged_file_is_written_anew(gallery: Gallery, place: int) -> None:
    require_true(gallery)
    (path,) = caches(gallery)
    whole = bytearray(path.read_bytes())
    whole[place] ^= 0x10
    path.write_bytes(whole)
    assert is_mapped(require_true(gallery))
    (path,) = caches(gallery)
    assert path.read_bytes() != whole


@pytest.mark.parametrize("length", [0, 10, 4096, 5000, -1])
def test_a_short_file_is_written_anew(gallery: Gallery, length: int) -> None:
    require_true(gallery)
    (path,) = caches(gallery)
    path.write_bytes(path.read_bytes()[:length])
    assert is_mapped(require_true(gallery))


def test_a_file_that_grew_or_is_something_else_is_written_anew(gallery: Gallery) -> None:
    for content in (lambda old: old + b"\0" * 8, lambda old: b"{}" * 5000, lambda old: old[::-1]):
        require_true(gallery)
        (path,) = caches(gallery)
        path.write_bytes(content(path.read_bytes()))
        require_true(gallery)


def test_zeroed_blocks_are_noticed(gallery: Gallery) -> None:
    # What a power cut may leave of a file whose blocks never reached the disk.
    require_true(gallery)
    (path,) = caches(gallery)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(4096) + whole[8192:])
    require_true(gallery)


def test_a_restored_backup_at_the_same_generation_is_not_mistaken(
    gallery: Gallery, tmp_path: Path
) -> None:
    gallery.close()
    store = gallery.place / "gallery.sqlite"
    before = store.read_bytes()

    def read_after(content: bytes, *, seed: int | None) -> tuple[int, bytes]:
        store.write_bytes(content)  # put back by hand, beside the matrix that lies there
        with Gallery.open(gallery.place) as opened:
            if seed is not None:
                enroll(opened, 3, seed=seed)
            require_true(opened)
            generation = opened.generation
        return generation, store.read_bytes()

    first, first_content = read_after(before, seed=1)
    second, _ = read_after(before, seed=2)
    third, _ = read_after(first_content, seed=None)
    assert first == second == third


def test_an_unwritable_folder_is_searched_all_the_same(gallery: Gallery) -> None:
    gallery.close()
    with Gallery.open(gallery.place, read_only=True) as reading:
        assert not is_mapped(require_true(reading))
        assert caches(reading) == []
    with Gallery.open(gallery.place) as writing:
        require_true(writing)
    with Gallery.open(gallery.place, read_only=True) as reading:
        assert is_mapped(require_true(reading))


def test_a_full_disk_is_no_reason_to_refuse(gallery: Gallery) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
        require_true(gallery)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)
    assert caches(gallery) == []
    assert is_mapped(require_true(gallery))


def test_a_busy_writer_is_not_waited_for_long(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstsight.gallery.matrix_file._LOCK_PATIENCE_S", 0.05)
    writer = WriterLock(gallery.place / LOCK_FILE)
    with writer.held(1):
        assert not is_mapped(require_true(gallery))
        assert caches(gallery) == []
    writer.close()


def test_forgetting_deletes_the_file(gallery: Gallery) -> None:
    require_true(gallery)
    gallery.forget("thing 0 1")
    assert caches(gallery) == []


WRITER = """
import sys
from pathlib import Path
import numpy as np
from firstsight.gallery import matrix
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import NewPhoto
from firstsight.similarity import Euclidean
matrix.MAPPED_FROM = 100
with Gallery.open(Path(sys.argv[1])) as gallery:
    for number in range(10**6):
        vector = np.full(8, number, np.float32)
        gallery.enroll([("more", NewPhoto(sys.argv[2] + str(number), "", 1, 1, vector))])
        matrix.read_matrix(gallery, Euclidean())
        print(number, flush=True)
"""


def test_a_process_killed_at_any_moment_leaves_no_wrong_matrix(gallery: Gallery) -> None:
    rng = np.random.default_rng(4)
    for attempt in range(4):
        command = [sys.executable, "-c", WRITER, str(gallery.place), f"{attempt} "]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(float(rng.uniform(0, 0.1)))
            os.kill(writer.pid, signal.SIGKILL)
        require_true(gallery)
        assert len(caches(gallery)) == 1
