"""Ranking by hand, by trying every order of ties, and with broken embeddings."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.errors import DataError, ShapeError, UsageError
from firstsight.evaluation import ranking
from firstsight.evaluation.ranking import Ranking, rank
from firstsight.similarity import Cosine, Euclidean


def on_a_line(places: list[float], labels: list[int], **settings: Any) -> Ranking:
    points = np.array(places, np.float32)[:, None]
    return rank(points, np.array(labels), Euclidean(), **settings)


def test_three_queries_by_hand() -> None:
    #        a  a  b  a  b
    found = on_a_line([0, 1, 3, 7, 15], [0, 0, 1, 0, 1], ks=(1, 2, 3))
    # The first sees 1 (a), 3 (b), 7 (a): R = 2, its first two places hold one, at place 1.
    assert found.neighbours[0].tolist() == [1, 2, 3]
    assert found.distances[0].tolist() == [1, 3, 7]
    assert found.found[0].tolist() == [1, 1, 1]
    assert (found.average_precision[0], found.r_precision[0]) == (1 / 2, 1 / 2)
    # The fourth sees 3 (b), 1 (a), 0 (a): precision 1/2 at its second place.
    assert found.found[3].tolist() == [0, 1, 1]
    assert (found.average_precision[3], found.r_precision[3]) == (1 / 4, 1 / 2)
    # The last, of class b with R = 1, sees 7 (a), then 3 (b).
    assert found.found[4].tolist() == [0, 1, 1]
    assert (found.average_precision[4], found.r_precision[4]) == (0, 0)
    assert found.relevant.tolist() == [2, 2, 1, 2, 1]


def naive(distances: npt.NDArray[Any], same: npt.NDArray[np.bool_], ks: tuple[int, ...]) -> Any:
    """Means over all orders that the distances allow: found at each k, MAP@R, R-precision."""
    relevant = int(same.sum())
    figures = []
    for order in permutations(range(len(distances))):
        if any(distances[a] > distances[b] for a, b in pairwise(order)):
            continue
        hits = same[list(order)]
        precisions = [hits[: place + 1].mean() for place in range(relevant) if hits[place]]
        found = [float(hits[:k].any()) for k in ks]
        figures.append([*found, sum(precisions) / relevant, hits[:relevant].mean()])
    return np.mean(figures, axis=0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=3, max_size=7))
def test_ties_are_worth_the_mean_over_all_their_orders(pictures: list[tuple[int, int]]) -> None:
    places = np.array([place for place, _ in pictures], np.float32)
    labels = np.array([label for _, label in pictures])
    ks = (1, 2, 4)
    if np.bincount(labels).max() < 2:
        return
    ranked = rank(places[:, None], labels, Euclidean(), ks=ks)
    for number, row in enumerate(ranked.query):
        others = np.delete(np.arange(len(labels)), row)
        expected = naive(np.abs(places - places[row])[others], (labels == labels[row])[others], ks)
        ours = [
            *ranked.found[number],
            ranked.average_precision[number],
            ranked.r_precision[number],
        ]
        np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_a_constant_scores_exactly_chance() -> None:
    labels = np.repeat(np.arange(20), 5)
    ranked = rank(np.ones((100, 3), np.float32), labels, Cosine())
    np.testing.assert_allclose(ranked.precision_at_1, 4 / 99, rtol=1e-12)
    np.testing.assert_allclose(ranked.r_precision, 4 / 99, rtol=1e-12)


def test_the_order_of_the_pictures_is_of_no_use() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(30), 4)
    embeddings = rng.integers(0, 3, (120, 2)).astype(np.float32)  # many ties
    order = rng.permutation(120)
    first, other = (
        rank(embeddings[rows], labels[rows], Euclidean()) for rows in (np.arange(120), order)
    )
    np.testing.assert_allclose(first.average_precision[order], other.average_precision)
    np.testing.assert_allclose(first.found[order], other.found)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 9, 150)
    embeddings = rng.normal(size=(150, 4)).astype(np.float32)
    whole = rank(embeddings, labels, Cosine())
    monkeypatch.setattr(ranking, "CELLS", 400)  # two queries at a time
    parts = rank(embeddings, labels, Cosine())
    for name in ("query", "neighbours", "distances", "found", "average_precision", "r_precision"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_broken_embeddings_find_nothing_and_are_never_found() -> None:
    found = on_a_line([0, 1, np.nan, np.nan, 3], [0, 0, 0, 1, 1], ks=(1, 4))
    assert found.precision_at_1.tolist() == [1, 1, 0, 0, 0]
    # The first has one hit among four, the broken one of its class is none: precision 1 at place 1.
    assert found.average_precision.tolist() == [1 / 2, 1 / 2, 0, 0, 0]
    assert found.found[2].tolist() == [0, 0]


def test_a_picture_alone_in_its_class_asks_nothing_but_may_be_in_the_way() -> None:
    found = on_a_line([0, 1, 3], [0, 7, 0], ks=(1, 2))
    assert found.query.tolist() == [0, 2]
    assert found.found.tolist() == [[0, 1], [0, 1]]
    with pytest.raises(DataError, match="none of the 2 pictures has another of its class"):
        on_a_line([0, 1], [0, 1])


def test_some_queries_get_what_all_would() -> None:
    rng = np.random.default_rng(2)
    labels, embeddings = rng.integers(0, 5, 60), rng.normal(size=(60, 3)).astype(np.float32)
    every = rank(embeddings, labels, Euclidean())
    some = rank(embeddings, labels, Euclidean(), query=np.array([40, 3]))
    np.testing.assert_array_equal(some.neighbours, every.neighbours[[40, 3]])
    np.testing.assert_array_equal(some.average_precision, every.average_precision[[40, 3]])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(2, 1\) and labels \(3,\)"):
        on_a_line([0, 1], [0, 0, 0])
    for ks in ((), (2, 5), (1, 5, 5), (1, 5, 2)):
        with pytest.raises(UsageError, match="give rising numbers from 1 on"):
            on_a_line([0, 1], [0, 0], ks=ks)
