"""Which queries of drawn episodes a model answers rightly."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError, UsageError
from firstsight.sampling.episodes import Episodes
from firstsight.similarity import Head

__all__ = ["Shots", "score", "worth"]

Shots = Literal["prototype", "best"]

GATHER_CELLS = 2**23  # numbers gathered at a time: 32 MB of float32


def score(
    episodes: Episodes, embeddings: npt.NDArray[Any], head: Head, shots: Shots = "prototype"
) -> npt.NDArray[np.float64]:
    """What each query's answer is worth, (T, Q) in 0..1: 1 right, 0 wrong, between in a tie.

    embeddings: (n, D), one row for each picture that the episodes point at.
    shots: several shots of a class count as their mean embedding ("prototype"; Snell et al. 2017)
    or by the nearest of them ("best").

    A tie among m nearest positions that holds the truth is worth 1/m, what guessing among them
    scores on average. So a model that maps everything to one point scores exactly chance, 1/N,
    and none profits from where the truth stands. A NaN among a query's distances is a wrong answer.
    Raises ShapeError where embeddings are missing.
    """
    if shots not in get_args(Shots):
        raise UsageError(f"shots is {shots!r}; give one of {', '.join(get_args(Shots))}")
    last = max(int(episodes.support.max(initial=-1)), int(episodes.query.max(initial=-1)))
    if embeddings.ndim != 2 or len(embeddings) <= last:
        raise ShapeError(
            f"the episodes point at picture {last} but embeddings have shape {embeddings.shape}; "
            "give (n, D) embeddings of the pictures that the episodes were drawn from"
        )
    n_pictures = episodes.support[:1].size + episodes.query[:1].size  # of one episode
    step = max(1, GATHER_CELLS // max(1, n_pictures * embeddings.shape[1]))
    result = np.empty(episodes.query.shape)
    for start in range(0, len(episodes), step):
        part = slice(start, start + step)
        distances = _distances(
            embeddings[episodes.support[part]], embeddings[episodes.query[part]], head, shots
        )
        result[part] = worth(distances, episodes.truth[part])
    return result


def worth(distances: npt.NDArray[Any], truth: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """What choosing the nearest position is worth, as `score` says.

    distances: (..., N). truth: (...) positions 0..N-1. Returns (...) in 0..1.
    """
    # Where a distance is NaN so is the minimum; then nothing equals it and the answer is wrong.
    nearest = distances == distances.min(axis=-1, keepdims=True)
    hit = np.take_along_axis(nearest, truth[..., None], axis=-1)[..., 0]
    shared: npt.NDArray[np.float64] = hit / np.maximum(nearest.sum(axis=-1), 1)
    return shared


def _distances(
    support: npt.NDArray[Any], query: npt.NDArray[Any], head: Head, shots: Shots
) -> npt.NDArray[np.float32]:
    """support (T, N, K, D) and query (T, Q, D) to (T, Q, N)."""
    tasks, n_way, k_shot, size = support.shape
    if shots == "best":
        each = head.distance(query, support.reshape(tasks, n_way * k_shot, size))
        nearest: npt.NDArray[np.float32] = each.reshape(tasks, -1, n_way, k_shot).min(axis=-1)
        return nearest
    with np.errstate(invalid="ignore", over="ignore"):  # broken embeddings answer wrongly, quietly
        prototypes = support.mean(axis=2)
    return head.distance(query, prototypes)
