"""Scores of episodes against a naive loop, and what no model may gain from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import ShapeError, UsageError
from firstsight.evaluation.episodes import Shots, score, worth
from firstsight.sampling.episodes import Episodes
from firstsight.similarity import Cosine, Euclidean, Head, WeightedL1

HEADS: list[Head] = [Euclidean(), Cosine(), WeightedL1(np.array([-1.0, 0.5, -2.0]), 0.5)]


def random_episodes(rng: np.random.Generator, k_shot: int, n_tasks: int = 30) -> Episodes:
    """Pictures 0..39; whether they fit any classes does not matter to the arithmetic."""
    pictures = np.stack([rng.permutation(40) for _ in range(n_tasks)])
    support = pictures[:, : 4 * k_shot].reshape(n_tasks, 4, k_shot)
    return Episodes(support, pictures[:, -3:], rng.integers(4, size=(n_tasks, 3)))


def naive_score(
    episodes: Episodes, embeddings: npt.NDArray[Any], head: Head, shots: Shots
) -> list[list[float]]:
    result = []
    for support, query, truth in zip(episodes.support, episodes.query, episodes.truth, strict=True):
        worths = []
        for picture, place in zip(query, truth, strict=True):
            distances = []
            for shots_of_class in support:
                if shots == "prototype":
                    known = embeddings[shots_of_class].mean(axis=0, keepdims=True)
                else:
                    known = embeddings[shots_of_class]
                distances.append(head.distance(embeddings[[picture]], known).min())
            nearest = [k for k in range(4) if distances[k] == min(distances)]
            worths.append(1 / len(nearest) if place in nearest else 0.0)
        result.append(worths)
    return result


@pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head.kind))
@pytest.mark.parametrize("shots", ["prototype", "best"])
@pytest.mark.parametrize("k_shot", [1, 3])
def test_scores_equal_a_naive_loop(head: Head, shots: Shots, k_shot: int) -> None:
    rng = np.random.default_rng(k_shot)
    episodes = random_episodes(rng, k_shot)
    embeddings = rng.normal(size=(40, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        score(episodes, embeddings, head, shots), naive_score(episodes, embeddings, head, shots)
    )


@pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head.kind))
@pytest.mark.parametrize("shots", ["prototype", "best"])
@pytest.mark.parametrize("value", [0.0, 0.1, -3e5])
def test_a_constant_model_scores_exactly_chance(head: Head, shots: Shots, value: float) -> None:
    episodes = random_episodes(np.random.default_rng(0), k_shot=3)
    constant = np.full((40, 3), value, np.float32)
    assert (score(episodes, constant, head, shots) == 1 / 4).all()


def test_an_oracle_scores_everything() -> None:
    labels = np.repeat(np.arange(10), 4)
    support = np.array([[[0], [4], [8]], [[13], [5], [37]]])
    episodes = Episodes(support, np.array([[5], [39]]), np.array([[1], [2]]))
    one_hot = np.eye(10, dtype=np.float32)[labels]
    assert (score(episodes, one_hot, Cosine()) == 1).all()


@given(st.integers(0, 2**32))
def test_the_order_of_support_positions_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    episodes = random_episodes(rng, k_shot=1, n_tasks=8)
    embeddings = rng.integers(0, 2, size=(40, 3)).astype(np.float32)  # many ties
    order = np.stack([rng.permutation(4) for _ in range(8)])
    moved = Episodes(
        np.take_along_axis(episodes.support, order[:, :, None], axis=1),
        episodes.query,
        np.take_along_axis(np.argsort(order, axis=1), episodes.truth, axis=1),
    )
    np.testing.assert_array_equal(
        score(moved, embeddings, Euclidean()), score(episodes, embeddings, Euclidean())
    )


def test_many_episodes_are_scored_in_chunks_as_few_are() -> None:
    rng = np.random.default_rng(1)
    episodes = random_episodes(rng, k_shot=2, n_tasks=400)
    embeddings = rng.normal(size=(40, 5000)).astype(np.float32)  # 152 episodes a chunk
    first = Episodes(episodes.support[:5], episodes.query[:5], episodes.truth[:5])
    whole = score(episodes, embeddings, Euclidean())
    np.testing.assert_array_equal(whole[:5], score(first, embeddings, Euclidean()))


def test_shots_of_a_class_count_by_their_mean_or_by_the_nearest() -> None:
    embeddings = np.array([[0], [10], [4], [4], [9]], np.float32)
    episodes = Episodes(np.array([[[0, 1], [2, 3]]]), np.array([[4]]), np.array([[0]]))
    # Means 5 and 4: the query 9 is nearer to the first either way; from 3 the ways part.
    assert score(episodes, embeddings, Euclidean(), "prototype").item() == 1
    embeddings[4] = 3.5
    assert score(episodes, embeddings, Euclidean(), "best").item() == 0
    embeddings[4] = 0.5
    assert score(episodes, embeddings, Euclidean(), "best").item() == 1
    assert score(episodes, embeddings, Euclidean(), "prototype").item() == 0


def test_a_tie_is_worth_what_guessing_scores() -> None:
    distances = np.array([[1.0, 1, 2], [1, 1, 1], [2, 1, 1], [0, 1, 2]])
    assert worth(distances, np.array([0, 2, 0, 0])).tolist() == [0.5, 1 / 3, 0, 1]


def test_a_distance_that_is_not_a_number_makes_the_answer_wrong() -> None:
    distances = np.array([[np.nan, 1.0], [1.0, np.nan], [np.nan, np.nan]])
    assert worth(distances, np.array([0, 0, 0])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head.kind))
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_model_of_broken_embeddings_never_beats_chance(head: Head, poison: float) -> None:
    episodes = random_episodes(np.random.default_rng(2), k_shot=2)
    broken = np.full((40, 3), poison, np.float32)
    assert score(episodes, broken, head).mean() <= 1 / 4


def test_missing_embeddings_and_unknown_ways_are_refused() -> None:
    episodes = random_episodes(np.random.default_rng(3), k_shot=1)
    with pytest.raises(ShapeError, match="point at picture 39 but embeddings have shape"):
        score(episodes, np.ones((39, 2), np.float32), Euclidean())
    with pytest.raises(UsageError, match="shots is 'median'"):
        score(episodes, np.ones((40, 2), np.float32), Euclidean(), "median")  # type: ignore[arg-type]
