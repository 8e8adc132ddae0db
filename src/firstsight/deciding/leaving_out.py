"""A gallery tried on itself: each photo asked about with its thing, or only itself, taken out.

A thing left out is a stranger: what it is nearest to would be a false accept. A photo left out of
a thing with others is an enrolled query. Both come from one row of distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from firstsight.deciding.combining import (
    CHUNK_CELLS,
    RULES,
    GalleryVectors,
    Rule,
    combine,
    photos_each,
    prototypes,
)
from firstsight.deciding.trials import BothSides, Float64, Indices, Trials
from firstsight.similarity import Head

__all__ = [
    "MOST_PHOTOS",
    "MOST_QUERIES",
    "Asking",
    "LeftOut",
    "draw_queries",
    "drawn_together",
    "leave_one_out",
    "without_own",
]

MOST_QUERIES = 1000  # of each side, against the full gallery
MOST_PHOTOS = 20  # of one thing


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Trials of both sides by each rule, and of strangers against one photo of each thing."""

    by_rule: dict[Rule, BothSides]
    single: Trials


@dataclass(frozen=True, eq=False)
class _Answers:
    """What one way of combining gives for Q queries once their own thing is out.

    first, second: (Q,) distances of the two nearest other things (inf where there are none).
    named: (Q,) the nearest of them. own: (Q,) to the query's own thing without the query.
    """

    first: Float64
    second: Float64
    named: Indices
    own: Float64


def leave_one_out(
    head: Head,
    vectors: GalleryVectors,
    *,
    reach: float = 0.1,
    most: int = MOST_QUERIES,
    seed: int = 0,
) -> LeftOut:
    """Try a gallery on its own photos; `reach` as in `drawn_together`.

    Queries are drawn by `seed`: a photo of every thing, then a second of every thing, at most
    MOST_PHOTOS of a thing and `most` in all, for each side. A stranger's gallery is one
    thing smaller than the gallery, an enrolled thing's lacks one of its photos; so both rates are
    a shade off at very small sizes, the first too low and the second too high. Photos whose
    vectors are not finite are not asked about, and never near.
    """
    sizes = photos_each(vectors.starts, len(vectors.vectors))
    thing = np.repeat(np.arange(len(sizes)), sizes)
    usable = np.asarray(np.isfinite(vectors.vectors).all(axis=1))
    rng = np.random.default_rng(seed)
    queries, is_stranger, is_enrolled = draw_queries(thing, usable, most, rng)
    singles = vectors.starts + rng.integers(sizes)
    answers = _answer(Asking(head, vectors, singles), queries)
    asked = thing[queries]
    by_rule = {
        rule: BothSides(
            _stranger_trials(answers[rule], asked, is_stranger, reach),
            _enrolled_trials(answers[rule], asked, is_enrolled),
        )
        for rule in RULES
    }
    return LeftOut(by_rule, _stranger_trials(answers["single"], asked, is_stranger, reach))


def draw_queries(
    thing: Indices, usable: npt.NDArray[np.bool_], most: int, rng: np.random.Generator
) -> tuple[Indices, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Rows to ask about, and which of them serve as strangers and as enrolled photos.

    thing, usable: (P,) of each photo. A photo of every thing, then a second of every thing, at most
    MOST_PHOTOS of a thing and `most` in all, for each side.
    """
    sizes = np.bincount(thing)
    shuffled = rng.permutation(len(thing))
    by_thing = shuffled[np.argsort(thing[shuffled], kind="stable")]
    turn = np.empty(len(thing), np.int64)  # 0 for one photo of each thing, 1 for the next
    turn[by_thing] = np.arange(len(thing)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # Things in a drawn order within each turn, so that no thing goes first by its age.
    order = np.lexsort((rng.permutation(len(sizes))[thing], turn))
    order = order[usable[order] & (turn[order] < MOST_PHOTOS)]
    strangers = order[:most]
    enrolled = order[sizes[thing[order]] > 1][:most]
    queries = np.union1d(strangers, enrolled)
    return queries, np.isin(queries, strangers), np.isin(queries, enrolled)


def _answer(asking: Asking, queries: Indices) -> dict[str, _Answers]:
    step = max(1, CHUNK_CELLS // asking.n_photos)
    chunks = range(0, max(1, len(queries)), step)
    blocks = [asking.answers(queries[start : start + step]) for start in chunks]
    return {
        way: _Answers(
            *(
                np.concatenate([getattr(block[way], name) for block in blocks])
                for name in ("first", "second", "named", "own")
            )
        )
        for way in blocks[0]
    }


class Asking:
    """Asks a gallery about its own photos. singles: (T,) a row of each thing; thing: (P,)."""

    def __init__(self, head: Head, vectors: GalleryVectors, singles: Indices) -> None:
        self._head, self._vectors, self._starts = head, vectors.vectors, vectors.starts
        self._singles, self.n_photos = singles, len(vectors.vectors)
        self._sizes = photos_each(vectors.starts, len(vectors.vectors))
        self.thing = np.repeat(np.arange(len(self._sizes)), self._sizes)
        self._means = prototypes(vectors.vectors, vectors.starts)

    def answers(self, queries: Indices) -> dict[str, _Answers]:
        """By each rule, and by "single": against one photo of each thing."""
        to_things, own = self.compared(queries)
        asked = self.thing[queries]
        return {way: _nearest_others(to_things[way], asked, own[way]) for way in to_things}

    def compared(
        self, queries: Indices
    ) -> tuple[dict[str, npt.NDArray[np.float32]], dict[str, Float64]]:
        """By the same ways: (Q, T) distances to things, and (Q,) to the own without the query."""
        rows, asked = np.arange(len(queries)), self.thing[queries]
        to_photos = self._head.distance(self._vectors[queries], self._vectors)
        own = {"mean": self._mean_own(to_photos, queries), "prototype": self._means_own(queries)}
        to_photos[rows, queries] = np.inf
        each = np.arange(len(self._sizes))
        to_means = self._head.distance(self._vectors[queries], self._means)
        to_things = {
            "best": combine(to_photos, self._starts, "best"),
            "mean": combine(to_photos, self._starts, "mean"),
            "prototype": combine(to_means, each, "best"),
            "single": combine(to_photos[:, self._singles], each, "best"),
        }
        own["best"] = own["single"] = to_things["best"][rows, asked].astype(np.float64)
        return to_things, own

    def _mean_own(self, to_photos: npt.NDArray[np.float32], queries: Indices) -> Float64:
        """(Q,) the mean distance to the other photos of the query's thing; inf without any."""
        own = np.full(len(queries), np.inf)
        for row, query in enumerate(queries):
            start, size = self._starts[self.thing[query]], self._sizes[self.thing[query]]
            if size > 1:
                distances = np.delete(to_photos[row, start : start + size], query - start)
                own[row] = np.float32(distances.mean(dtype=np.float64))
        return np.where(np.isnan(own), np.inf, own)

    def _means_own(self, queries: Indices) -> Float64:
        """(Q,) the distance to the mean of the thing's other photos; inf without any."""
        sizes = self._sizes[self.thing[queries]][:, None]
        asked = self._vectors[queries]
        sums = self._means[self.thing[queries]].astype(np.float64) * sizes
        others = ((sums - asked) / np.maximum(sizes - 1, 1)).astype(np.float32)
        own = self._head.paired(asked, others).astype(np.float64)
        return np.where((sizes[:, 0] > 1) & ~np.isnan(own), own, np.inf)


def _nearest_others(to_things: npt.NDArray[np.float32], asked: Indices, own: Float64) -> _Answers:
    rows = np.arange(len(asked))
    others = without_own(to_things, asked)
    named = others.argmin(axis=1)
    first = others[rows, named].astype(np.float64)
    others[rows, named] = np.inf
    return _Answers(first, others.min(axis=1).astype(np.float64), named, own)


def without_own(to_things: npt.NDArray[np.float32], asked: Indices) -> npt.NDArray[np.float32]:
    """(Q, T) distances, infinite to the thing that each query shows, asked (Q,)."""
    others = to_things.copy()
    others[np.arange(len(asked)), asked] = np.inf
    return others


def _stranger_trials(
    answers: _Answers, asked: Indices, chosen: npt.NDArray[np.bool_], reach: float
) -> Trials:
    first, second = answers.first[chosen], answers.second[chosen]
    asked, named = asked[chosen], answers.named[chosen]
    return Trials.of_things(
        first,
        _margin(first, second),
        np.zeros(len(first), np.bool_),
        asked,
        drawn_together(asked, named, first, reach=reach),
    )


def _enrolled_trials(answers: _Answers, asked: Indices, chosen: npt.NDArray[np.bool_]) -> Trials:
    own, first, second = answers.own[chosen], answers.first[chosen], answers.second[chosen]
    right = own < first  # a tie is no recognition: a collapsed model must not score
    nearest = np.where(right, own, first)
    runner_up = np.where(right, first, np.minimum(own, second))
    return Trials.of_things(nearest, _margin(nearest, runner_up), right, asked[chosen])


def drawn_together(asked: Indices, named: Indices, distance: Float64, *, reach: float) -> Indices:
    """(n,) for each trial the smallest of the things that its own is drawn together with.

    Two things that name each other are one closeness seen twice: both are false accepts, or
    neither is. Drawn apart they would promise an interval up to a third too narrow. Only the
    nearest share `reach` of trials links things; what lies beyond is accepted by no threshold.
    """
    near = np.argsort(distance, kind="stable")[: ceil(min(reach, 1.0) * len(distance))]
    near = near[np.isfinite(distance[near])]
    links = set(zip(asked[near].tolist(), named[near].tolist(), strict=True))
    first = np.arange(int(asked.max(initial=-1)) + 1)

    def root(thing: int) -> int:
        while first[thing] != thing:
            thing = int(first[thing])
        return thing

    for one, other in links:
        if (other, one) in links:
            low, high = sorted((root(one), root(other)))
            first[high] = low
    roots = np.array([root(thing) for thing in range(len(first))], np.int64)
    return roots[asked]


def _margin(nearest: Float64, runner_up: Float64) -> Float64:
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(runner_up), runner_up - nearest, np.nan)
