"""Distances against naive float64 loops, and the promises that every head makes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firstsight.errors import ModelFolderError, ShapeError
from firstsight.similarity import (
    Cosine,
    CrowdedCosine,
    Euclidean,
    Head,
    WeightedL1,
    head_from_json,
)

Array = npt.NDArray[Any]

WEIGHTS = np.array([0.5, -2.0, 1.0, 0.25, -0.125], np.float32)
HEADS: list[Head] = [Euclidean(), Cosine(), CrowdedCosine(), WeightedL1(WEIGHTS, bias=0.75)]

vectors = arrays(np.float32, (3, 5), elements=st.floats(-1e6, 1e6, width=32))
every_head = pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head.kind))


def naive(head: Head, a: Array, b: Array) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    if isinstance(head, WeightedL1):
        total = sum(float(w) * abs(x - y) for w, x, y in zip(head.weights, a, b, strict=True))
        return -float(total + head.bias)
    if isinstance(head, Euclidean):
        return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5)
    if isinstance(head, CrowdedCosine):
        return naive(Cosine(), a[:-1], b[:-1]) + float(a[-1] + b[-1]) / 2
    lengths = [float(np.sqrt(sum(x * x for x in v))) for v in (a, b)]
    if 0 in lengths:
        return 1.0
    # Half the squared chord is 1 - cosine without the cancellation.
    return float(sum((a / lengths[0] - b / lengths[1]) ** 2) / 2)


def naive_table(head: Head, a: Array, b: Array) -> Array:
    return np.array([[naive(head, x, y) for y in b] for x in a])


@every_head
@pytest.mark.parametrize("offset", [0.0, 1.0, 1000.0])
def test_distances_equal_a_naive_loop(head: Head, offset: float) -> None:
    rng = np.random.default_rng(7)
    a = (rng.normal(size=(11, 5)) + offset).astype(np.float32)
    b = (rng.normal(size=(7, 5)) + offset).astype(np.float32)
    wanted = naive_table(head, a, b)
    # Weights of both signs cancel, so their sum is only as good as its largest terms (about 10).
    near = 5e-6 if head.kind == "weighted_l1" else 0
    np.testing.assert_allclose(head.distance(a, b), wanted, rtol=1e-5, atol=near)
    np.testing.assert_allclose(head.paired(a[:7], b), np.diag(wanted), rtol=1e-5, atol=near)


@given(vectors, vectors)
def test_euclidean_is_accurate_whatever_the_magnitudes(a: Array, b: Array) -> None:
    np.testing.assert_allclose(
        Euclidean().distance(a, b), naive_table(Euclidean(), a, b), rtol=1e-5, atol=1e-30
    )


@pytest.mark.parametrize("nudge", [1e-7, 1e-6, 1e-4, 1e-2])
def test_near_identical_vectors_keep_their_small_distance(nudge: float) -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(40, 64)).astype(np.float32) * 100
    b = a + (rng.normal(size=a.shape) * nudge * 100).astype(np.float32)
    wanted = np.array([naive(Euclidean(), x, y) for x, y in zip(a, b, strict=True)])
    np.testing.assert_allclose(np.diag(Euclidean().distance(a, b)), wanted, rtol=1e-5)
    np.testing.assert_allclose(Euclidean().paired(a, b), wanted, rtol=1e-5)


@every_head
def test_a_picture_is_at_the_least_distance_from_itself(head: Head) -> None:
    a = np.random.default_rng(2).normal(size=(9, 5)).astype(np.float32)
    itself = {"weighted_l1": -0.75, "crowded_cosine": a[:, -1]}.get(head.kind, 0.0)
    assert (np.diag(head.distance(a, a)) == itself).all()
    assert (head.paired(a, a) == itself).all()


@every_head
def test_a_collapsed_model_gives_exactly_equal_distances(head: Head) -> None:
    a = np.full((1100, 5), 0.1, np.float32)  # more than one tile
    assert len(np.unique(head.distance(a, a[:600]))) == 1


@every_head
def test_leading_dimensions_are_compared_one_by_one(head: Head) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(4, 6, 3, 5)), rng.normal(size=(4, 6, 2, 5))
    result = head.distance(a, b)
    assert result.shape == (4, 6, 3, 2)
    for place in np.ndindex(4, 6):
        np.testing.assert_allclose(result[place], head.distance(a[place], b[place]), rtol=1e-6)


@every_head
def test_nothing_against_something_is_an_empty_table(head: Head) -> None:
    some = np.ones((3, 5), np.float32)
    assert head.distance(some[:0], some).shape == (0, 3)
    assert head.distance(some, some[:0]).shape == (3, 0)
    assert head.paired(some[:0], some[:0]).shape == (0,)


@every_head
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_broken_embedding_spoils_its_own_distances_only(head: Head, poison: float) -> None:
    a = np.random.default_rng(4).normal(size=(5, 5)).astype(np.float32)
    broken = a.copy()
    broken[2, 1] = poison
    for result in (head.distance(a, broken), head.distance(broken, a).T):
        assert not np.isfinite(result[:, 2]).any()
        sound = np.delete(result, 2, axis=1)
        np.testing.assert_allclose(sound, np.delete(head.distance(a, a), 2, axis=1), atol=1e-6)


def test_cosine_of_a_zero_vector_is_one_without_a_warning() -> None:
    a = np.array([[0, 0], [3, 4]], np.float32)
    np.testing.assert_allclose(Cosine().distance(a, a), [[1, 1], [1, 0]], atol=1e-7)
    assert Cosine().paired(a, a).tolist() == [1, 0]


def test_cosine_by_hand() -> None:
    a = np.array([[1, 0]], np.float32)
    b = np.array([[5, 0], [0, 2], [-1, 0], [1, 1]], np.float32)
    np.testing.assert_allclose(Cosine().distance(a, b), [[0, 1, 2, 1 - 0.5**0.5]], rtol=1e-6)


def test_crowded_cosine_by_hand() -> None:
    # A right angle, and half of 0.5 and 0.25; the first has its own crowding from itself.
    a, b = np.array([[2.0, 0.0, 0.5]]), np.array([[0.0, 3.0, 0.25], [1.0, 0.0, 0.5]])
    assert CrowdedCosine().distance(a, b).tolist() == [[1.375, 0.5]]
    assert CrowdedCosine().paired(a, b[:1]).tolist() == [1.375]
    with pytest.raises(ShapeError, match="give a direction and its crowding"):
        CrowdedCosine().distance(np.ones((1, 1)), np.ones((1, 1)))


def test_weighted_l1_by_hand() -> None:
    head = WeightedL1(np.array([-1.0, 0.5]), bias=2.0)
    # -(-1 * |1 - 4| + 0.5 * |2 - 0| + 2) = -(-3 + 1 + 2) = 0
    assert head.distance(np.array([[1.0, 2.0]]), np.array([[4.0, 0.0]])).item() == 0


def test_large_tables_never_hold_a_number_for_each_pair_and_dimension() -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(size=(300, 4096)).astype(np.float32)
    for head in (Euclidean(), Cosine(), WeightedL1(rng.normal(size=4096), bias=0.0)):
        tracemalloc.start()
        head.distance(a, a)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 150e6  # all pairs at once would take 1,475 MB in float32


def test_embeddings_of_different_sizes_are_refused() -> None:
    small, large = np.ones((2, 3)), np.ones((2, 4))
    for head in (Euclidean(), Cosine(), WeightedL1(np.ones(3), 0.0)):
        with pytest.raises(ShapeError, match=r"\(2, 3\) and \(2, 4\); give"):
            head.distance(small, large)
        with pytest.raises(ShapeError, match="cannot pair"):
            head.paired(small, large)
    with pytest.raises(ShapeError, match="3 weights but the embeddings have 4"):
        WeightedL1(np.ones(3), 0.0).distance(large, large)


@pytest.mark.parametrize(
    ("weights", "bias"),
    [(np.ones((2, 2)), 0.0), (np.ones(0), 0.0), ([np.nan], 0.0), ([1.0], np.inf)],
)
def test_weights_that_cannot_serve_are_refused(weights: Any, bias: float) -> None:
    with pytest.raises(ShapeError, match="weighted_l1 got"):
        WeightedL1(weights, bias)


@every_head
def test_heads_survive_json(head: Head) -> None:
    again = head_from_json(head.to_json())
    a = np.random.default_rng(6).normal(size=(4, 5)).astype(np.float32)
    assert again.kind == head.kind
    np.testing.assert_array_equal(again.distance(a, a), head.distance(a, a))


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "hamming"},
        {},
        [],
        {"kind": ["cosine"]},
        {"kind": "cosine", "scale": 2},
        {"kind": "weighted_l1", "weights": [1.0]},
        {"kind": "weighted_l1", "weights": "many", "bias": 0.0},
        {"kind": "weighted_l1", "weights": [[1.0]], "bias": 0.0},
        {"kind": "weighted_l1", "weights": [1.0], "bias": None},
    ],
)
def test_a_record_of_no_head_is_refused(record: object) -> None:
    with pytest.raises(ModelFolderError, match="comparison head"):
        head_from_json(record)
