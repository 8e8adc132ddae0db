from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.gallery.matrix import PhotoMatrix
from firstsight.gallery.records import PhotoVectors
from firstsight.recognition import nearest as nearest_module
from firstsight.recognition.nearest import Near, nearest_things
from firstsight.similarity import Cosine, CrowdedCosine, Euclidean, Head, WeightedL1

Floats = npt.NDArray[np.float32]
Rule = Literal["best", "mean", "prototype"]

SIZE = 8
HEADS: list[Head] = [
    Euclidean(),
    Cosine(),
    CrowdedCosine(),
    WeightedL1(np.linspace(-1, 0.5, SIZE), 0.3),
]
RULES: tuple[Rule, ...] = ("best", "mean", "prototype")

each_head = pytest.mark.parametrize("head", HEADS, ids=lambda head: head.kind)
each_rule = pytest.mark.parametrize("rule", RULES)


def gallery(vectors: npt.NDArray[Any], sizes: list[int]) -> PhotoVectors:
    """Things 10, 11, ... of so many photos each; photos 100, 101, ..."""
    starts = np.cumsum([0, *sizes[:-1]])
    numbers = 100 + np.arange(len(vectors))
    return PhotoVectors(numbers, vectors.astype(np.float32), 10 + np.arange(len(sizes)), starts)


def found_by(
    head: Head, photos: PhotoVectors, queries: Floats, k: int, rule: Rule
) -> list[list[Near]]:
    matrix = PhotoMatrix(photos, head)
    if rule != "prototype":
        return nearest_things(matrix, queries, k, rule=rule)
    rows = np.arange(len(photos.things))
    means = np.stack([photos.vectors[own].mean(axis=0) for own in rows_of(photos)])
    alone = PhotoMatrix(PhotoVectors(rows, means, photos.things, rows), head)
    return nearest_things(matrix, queries, k, rule="best", means=alone)


def rows_of(photos: PhotoVectors) -> list[slice]:
    ends = [*photos.starts[1:], len(photos)]
    return [slice(start, end) for start, end in zip(photos.starts, ends, strict=True)]


def one_by_one(head: Head, photos: PhotoVectors, query: Floats, rule: Rule) -> list[Near]:
    """The naive way: every thing by itself, then a full sort."""
    found = []
    for thing, own in zip(photos.things, rows_of(photos), strict=True):
        apart = np.nan_to_num(head.distance(query[None], photos.vectors[own])[0], nan=np.inf)
        if rule == "best":
            distance = apart.min()
        elif rule == "mean":
            distance = apart.mean()
        else:
            mean = photos.vectors[own].mean(axis=0)
            distance = head.distance(query[None], mean[None])[0, 0]
        found.append(Near(int(thing), float(distance), int(photos.photos[own][apart.argmin()])))
    return sorted(found, key=lambda near: (near.distance, near.thing))


def require_as_one_by_one(
    head: Head, photos: PhotoVectors, queries: Floats, k: int, rule: Rule
) -> None:
    for query, found in zip(queries, found_by(head, photos, queries, k, rule), strict=True):
        expected = one_by_one(head, photos, query, rule)
        own = {near.thing: near for near in expected}
        distances = [near.distance for near in found]
        # Which of two that are equally far but for rounding comes first is left open here.
        assert distances == close([near.distance for near in expected[:k]])
        assert distances == close([own[near.thing].distance for near in found])
        assert distances == sorted(distances)
        assert len({near.thing for near in found}) == len(found)
        if rule == "best":
            vectors = photos.vectors[[near.photo - 100 for near in found]]
            assert distances == close(head.distance(query[None], vectors)[0])


def close(distances: Sequence[float] | Floats) -> Any:
    return pytest.approx(list(distances), rel=1e-6, abs=1e-6)


def random_vectors(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, SIZE)).astype(np.float32)


def test_the_nearest_by_hand() -> None:
    vectors = np.array([[3, 4], [0, 1], [0, 2], [6, 8], [0, 3]], np.float32)
    photos = gallery(vectors, [1, 2, 2])
    query = np.zeros((1, 2), np.float32)
    assert found_by(Euclidean(), photos, query, 3, "best") == [
        [Near(11, 1, 101), Near(12, 3, 104), Near(10, 5, 100)]
    ]
    assert found_by(Euclidean(), photos, query, 2, "mean") == [
        [Near(11, 1.5, 101), Near(10, 5, 100)]
    ]
    (found,) = found_by(Euclidean(), photos, query, 1, "prototype")
    assert found == [Near(11, 1.5, 101)]


@each_head
@each_rule
def test_many_queries_find_what_each_finds_one_by_one(head: Head, rule: Rule) -> None:
    sizes = np.random.default_rng(0).integers(1, 5, 60).tolist()
    photos = gallery(random_vectors(sum(sizes)), sizes)
    require_as_one_by_one(head, photos, random_vectors(20, seed=1), 3, rule)
    require_as_one_by_one(head, photos, photos.vectors[:5], 2, rule)


@each_head
@each_rule
def test_an_answer_does_not_depend_on_its_company(
    head: Head, rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = gallery(random_vectors(900), [3] * 300)
    queries = np.concatenate([random_vectors(30, seed=1), photos.vectors[:3]])
    together = found_by(head, photos, queries, 5, rule)
    for query, found in zip(queries, together, strict=True):
        assert found_by(head, photos, query[None], 5, rule) == [found]
    assert found_by(head, photos, queries[::-1].copy(), 5, rule) == together[::-1]
    monkeypatch.setattr(nearest_module, "CELLS_AT_ONCE", 2_000)
    monkeypatch.setattr(nearest_module, "ROWS_AT_ONCE", 7)
    assert found_by(head, photos, queries, 5, rule) == together


@each_head
@each_rule
def test_equal_things_come_in_the_order_of_their_numbers(head: Head, rule: Rule) -> None:
    # Everything at one distance: a collapsed model.
    photos = gallery(np.tile(random_vectors(1), (400, 1)), [2] * 200)
    for found in found_by(head, photos, random_vectors(3, seed=1), 4, rule):
        assert [near.thing for near in found] == [10, 11, 12, 13]
        assert [near.photo for near in found] == [100, 102, 104, 106]


@each_head
def test_a_photo_without_numbers_is_infinitely_far(head: Head) -> None:
    vectors = random_vectors(6)
    vectors[[0, 4]] = np.nan
    photos = gallery(vectors, [2, 2, 1, 1])
    for found in found_by(head, photos, random_vectors(5, seed=1), 4, "best"):
        assert found[-1].thing == 12
        assert found[-1].distance == np.inf
        assert {near.thing: near.photo for near in found}[10] == 101


@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from(HEADS), st.sampled_from(RULES))
@settings(max_examples=60, deadline=None)
def test_any_small_gallery_is_searched_exactly(seed: int, k: int, head: Head, rule: Rule) -> None:
    # Whole numbers: distances of which many are exactly equal.
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, rng.integers(1, 30)).tolist()
    photos = gallery(rng.integers(-2, 3, (sum(sizes), SIZE)), sizes)
    queries = rng.integers(-2, 3, (3, SIZE)).astype(np.float32)
    require_as_one_by_one(head, photos, queries, k, rule)


def test_nothing_asked_nothing_found() -> None:
    assert found_by(Cosine(), gallery(random_vectors(2), [2]), random_vectors(0), 2, "best") == []
