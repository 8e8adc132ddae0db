"""A gallery's photos as questions, with all that lies near: shares are fitted to these."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from firstsight.deciding.combining import CHUNK_CELLS, GalleryVectors, Rule
from firstsight.deciding.leaving_out import Asking, draw_queries, without_own
from firstsight.deciding.shares import COMPARED, Posed
from firstsight.deciding.trials import Float64, Indices, Trials
from firstsight.similarity import Head

__all__ = ["MOST_POSED", "apart", "pose", "posed_by_verdicts"]

MOST_POSED = 300  # photos


def pose(head: Head, vectors: GalleryVectors, rule: Rule, *, seed: int = 0) -> Posed:
    """Photos of things with others, at most MOST_POSED, asked about as enrolled: which is it?

    Each is left out in turn, and each thing counts once. Of a gallery of two things or more.
    """
    asking, _, enrolled = _asking(head, vectors, seed)
    k = min(COMPARED, len(vectors.starts) - 1)
    own, near = list[Float64](), list[npt.NDArray[np.float32]]()
    for rows in _parts(enrolled, asking):
        to_things, to_own = asking.compared(rows)
        others = without_own(to_things[rule], asking.thing[rows])
        near.append(np.sort(np.partition(others, k - 1, axis=1)[:, :k], axis=1))
        own.append(to_own[rule])
    posed = np.concatenate([np.zeros(0), *own])
    kept = np.isfinite(posed)  # its thing's other photos may be damaged
    return Posed(
        own=posed[kept],
        others=np.concatenate([np.zeros((0, k)), *near])[kept].astype(np.float64),
        n_beyond=np.full(int(kept.sum()), len(vectors.starts) - 1.0 - k),
        weight=_each_thing_once(asking.thing[enrolled[kept]]),
    )


def posed_by_verdicts(told: Trials) -> Posed:
    """Answers that were judged, on things that are enrolled. Only the two nearest are known of
    them: where the name was right, it and one other; where it was wrong, the right thing was at
    best the runner-up.
    """
    told = told.take(np.isfinite(told.margin))
    near, far = told.distance, told.distance + told.margin
    return Posed(
        own=np.where(told.right, near, far),
        others=np.where(told.right, far, near)[:, None],
        n_beyond=np.zeros(len(told)),
        weight=told.weight,
    )


def apart(
    head: Head, vectors: GalleryVectors, rule: Rule, told: Trials, *, seed: int = 0
) -> tuple[Float64, Float64]:
    """(n,) finite distances of pictures to things that they do not show, and (n,) how many pairs of
    things each counts for.

    Photos of the gallery, at most MOST_POSED, and strangers that were told: what is not known of
    these counts as near as the runner-up, which errs to the safe side.
    """
    asking, strangers, _ = _asking(head, vectors, seed)
    asked = asking.thing[strangers]
    between = [
        without_own(asking.compared(rows)[0][rule], asking.thing[rows])
        for rows in _parts(strangers, asking)
    ]
    distances = np.concatenate([np.zeros((0, len(vectors.starts))), *between]).astype(np.float64)
    weight = np.broadcast_to(_each_thing_once(asked)[:, None], distances.shape)
    known = np.isfinite(distances)  # neither to the own thing nor to damaged ones
    told = told.take(np.isfinite(told.margin))
    n_rest = np.full(len(told), len(vectors.starts) - 1.0)
    return (
        np.concatenate([distances[known], told.distance, told.distance + told.margin]),
        np.concatenate([weight[known], np.ones(len(told)), n_rest]) / 2,  # a pair is seen twice
    )


def _asking(head: Head, vectors: GalleryVectors, seed: int) -> tuple[Asking, Indices, Indices]:
    """Who asks the gallery, and the rows to ask about as strangers and as enrolled photos."""
    asking = Asking(head, vectors, np.asarray(vectors.starts))
    usable = np.asarray(np.isfinite(vectors.vectors).all(axis=1))
    rng = np.random.default_rng(seed)
    queries, is_stranger, is_enrolled = draw_queries(asking.thing, usable, MOST_POSED, rng)
    return asking, queries[is_stranger], queries[is_enrolled]


def _parts(queries: Indices, asking: Asking) -> Iterator[Indices]:
    step = max(1, CHUNK_CELLS // asking.n_photos)
    return (queries[start : start + step] for start in range(0, len(queries), step))


def _each_thing_once(thing: Indices) -> Float64:
    member, counts = np.unique(thing, return_inverse=True, return_counts=True)[1:]
    weight: Float64 = (1 / counts)[member]
    return weight
