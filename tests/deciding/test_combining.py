"""Photos become things as naive loops make them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.deciding.combining import RULES, combine, prototypes, thing_distances
from firstsight.errors import ShapeError
from firstsight.similarity import Cosine, Euclidean, Head, WeightedL1

from .conftest import Photos

HEADS: tuple[Head, ...] = (
    Euclidean(),
    Cosine(),
    WeightedL1(np.array([-0.5, 0.2, -1.0], np.float32), 2.0),
)


def test_best_and_mean_by_hand() -> None:
    distances = np.array([[3.0, 1.0, 5.0, 2.0], [0.0, 9.0, 4.0, 6.0]])
    starts = np.array([0, 2, 3])
    assert combine(distances, starts, "best").tolist() == [[1, 5, 2], [0, 4, 6]]
    assert combine(distances, starts, "mean").tolist() == [[2, 5, 2], [4.5, 4, 6]]
    assert combine(distances[0], starts, "best").tolist() == [1, 5, 2]


def test_prototypes_by_hand() -> None:
    vectors = np.array([[0, 0], [2, 4], [7, 7]], np.float32)
    assert prototypes(vectors, np.array([0, 2])).tolist() == [[1, 2], [7, 7]]


def test_a_distance_that_is_no_number_is_infinitely_far() -> None:
    distances = np.array([np.nan, 1.0, np.nan])
    assert combine(distances, np.array([0, 2]), "best").tolist() == [1, np.inf]
    assert combine(distances, np.array([0, 2]), "mean").tolist() == [np.inf, np.inf]
    assert combine(distances, np.array([0, 1, 2]), "best").tolist() == [np.inf, 1, np.inf]


@settings(max_examples=25)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 2**20))
def test_thing_distances_equal_a_loop_for_every_head_and_rule(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    photos = Photos.of(rng.normal(size=(sum(sizes), 3)), sizes)
    queries = rng.normal(size=(2, 3)).astype(np.float32)
    for head in HEADS:
        for rule in RULES:
            got = thing_distances(head, queries, photos, rule)
            for query, row in zip(queries, got, strict=True):
                for thing, (start, size) in enumerate(zip(photos.starts, sizes, strict=True)):
                    own = photos.vectors[start : start + size]
                    to = own.mean(axis=0)[None] if rule == "prototype" else own
                    apart = [float(head.distance(query[None], each[None])[0, 0]) for each in to]
                    wanted = np.mean(apart) if rule == "mean" else min(apart)
                    assert row[thing] == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_with_one_photo_each_all_rules_agree() -> None:
    rng = np.random.default_rng(0)
    photos, queries = Photos.of(rng.normal(size=(6, 3)), [1] * 6), rng.normal(size=(4, 3))
    best, *others = (thing_distances(Euclidean(), queries, photos, rule) for rule in RULES)
    for other in others:
        np.testing.assert_array_equal(best, other)


def test_no_queries_give_no_rows() -> None:
    photos = Photos.of(np.ones((3, 2)), [1, 2])
    for rule in RULES:
        assert thing_distances(Euclidean(), np.ones((0, 2)), photos, rule).shape == (0, 2)


@pytest.mark.parametrize("starts", [[], [1, 2], [0, 2, 2], [0, 3]])
def test_starts_that_cut_no_photos_into_things_are_refused(starts: list[int]) -> None:
    with pytest.raises(ShapeError, match="3 photos cannot be cut into things"):
        combine(np.ones(3), np.array(starts, np.int64), "best")
