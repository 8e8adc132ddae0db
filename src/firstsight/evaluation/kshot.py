"""How many photos a thing needs: accuracy with 1, 2, 3, 5 of them, and where another stops helping.

Every point is measured on the same things, with the same photos asked about, and what is enrolled
for K photos is part of what is enrolled for more. So points differ by the number of photos alone,
and the gain from one to the next is a paired difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from firstsight.errors import EpisodeError, ShapeError, UsageError
from firstsight.evaluation.episodes import worth
from firstsight.metrics.intervals import Interval, bootstrap_by_cluster, interval_by_cluster
from firstsight.similarity import Head

__all__ = [
    "WORTHWHILE",
    "KShotCurve",
    "KShotPoint",
    "Rule",
    "kshot_curve",
]

Rule = Literal["best", "mean", "prototype"]
Indices = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

WORTHWHILE = 0.01  # accuracy that one more photo must gain to be worth taking
ENOUGH_THINGS = 10  # fewer give intervals too wide to be of use
MOST_THINGS = 300  # measured; with MOST_ASKED they bound time and memory whatever P is
MOST_ASKED = 4  # photos of a thing asked about in one draw


@dataclass(frozen=True)
class KShotPoint:
    """Accuracy with `shots` photos of each thing, and its 95 % interval; shares in 0..1.

    gain: in accuracy by each further photo, up to the next point; None at the last.
    """

    shots: int
    accuracy: float
    interval: Interval
    gain: float | None
    gain_interval: Interval | None


@dataclass(frozen=True)
class KShotCurve:
    """points: by rising shots, all on the same n_things.

    n_left_out: things not measured, with too few photos or more than were drawn. n_way: things to
    choose among. worthwhile: the gain that makes another photo worth it. enough_at: the fewest
    shots after which another photo is not known to gain that much: its 95 % interval begins at or
    below `worthwhile`; None where every step on the curve gains more.
    """

    points: tuple[KShotPoint, ...]
    n_things: int
    n_left_out: int
    n_way: int
    rule: Rule
    repeats: int
    seed: int
    worthwhile: float
    enough_at: int | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def told(self) -> str:
        """The curve as a sentence."""
        parts = [f"{100 * point.accuracy:.1f} % with {point.shots}" for point in self.points]
        told = f"Of {self.n_way} things, photos are recognised {', '.join(parts)} of each thing"
        if len(self.points) == 1:
            return f"{told}; things with more photos would show whether more help."
        if self.enough_at is None:
            return f"{told}; more photos keep helping."
        gain = f"{100 * self.worthwhile:.0f} point" + ("" if self.worthwhile == 0.01 else "s")
        return f"{told}; from {self.enough_at} on, another gains no sure {gain}."


def kshot_curve(
    head: Head,
    vectors: npt.NDArray[Any],
    starts: npt.NDArray[Any],
    *,
    shots: Sequence[int] = (1, 2, 3, 5),
    n_way: int | None = None,
    rule: Rule = "best",
    seed: int = 0,
    repeats: int = 20,
) -> KShotCurve:
    """Identify photos of things that are enrolled with K others of their photos, drawn at random.

    vectors: (P, D), the photos of one thing side by side. starts: (T,) first row of each thing.
    n_way: how many things each photo is to be told among; None: all that are measured.
    repeats: draws of photos; the accuracy of a thing is the mean over them, each thing counts the
    same, and intervals are `interval_by_cluster`.

    Only things with more photos than the last point's shots are measured, so the last points are
    left out where they would leave fewer than ENOUGH_THINGS, or fewer than half of those that
    could show the first point where these are few; at most MOST_THINGS, drawn by `seed`. A tie is
    worth what guessing scores, a NaN is wrong, as in `episodes.worth`. Memory stays near 100 MB.
    Raises EpisodeError where fewer than two things have enough photos, UsageError, ShapeError.
    """
    _require_sensible(shots, n_way, rule, repeats)
    counts = _count_photos(len(vectors), starts)
    usable = _usable_shots(counts, shots)
    rng = np.random.default_rng(seed)
    measured = np.flatnonzero(counts > usable[-1])
    if len(measured) > MOST_THINGS:
        measured = np.sort(rng.choice(measured, MOST_THINGS, replace=False))
    trial = _Trial(head, np.asarray(vectors), usable, rule)
    n_way = min(n_way or len(measured), len(measured))
    total = np.zeros((len(usable), len(measured)))
    for _ in range(repeats):
        photos = [
            starts[t] + rng.permutation(counts[t])[: usable[-1] + MOST_ASKED] for t in measured
        ]
        for block, n_asked in _blocks(len(measured), n_way, rng):
            total[:, block[:n_asked]] += trial.accuracies([photos[t] for t in block], n_asked)
    points = _points(total / repeats, usable, rng)
    enough = [p.shots for p in points if p.gain_interval and p.gain_interval[0] <= WORTHWHILE]
    return KShotCurve(
        points=points,
        n_things=len(measured),
        n_left_out=len(counts) - len(measured),
        n_way=n_way,
        rule=rule,
        repeats=repeats,
        seed=seed,
        worthwhile=WORTHWHILE,
        enough_at=enough[0] if enough else None,
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    head: Head
    vectors: npt.NDArray[Any]
    shots: tuple[int, ...]
    rule: Rule

    def accuracies(self, photos: list[Indices], n_asked: int) -> Float64:
        """(len(shots), n_asked) accuracy of the first things among all N whose photos came.

        photos: for each thing its rows: the last shots to enroll, and then those to ask about.
        """
        most = self.shots[-1]
        support = self.vectors[np.stack([rows[:most] for rows in photos], axis=1)]  # (K, N, D)
        asked = [rows[most:] for rows in photos[:n_asked]]
        truth = np.repeat(np.arange(n_asked), [len(rows) for rows in asked])
        query = self.vectors[np.concatenate(asked)]
        scores = [worth(distances, truth) for distances in self._distances(query, support)]
        sizes = np.bincount(truth)
        return np.stack([np.bincount(truth, score) / sizes for score in scores])

    def _distances(
        self, query: npt.NDArray[Any], support: npt.NDArray[Any]
    ) -> Iterator[npt.NDArray[np.float32]]:
        """(Q, N) for each number of shots."""
        most, n_things, size = support.shape
        if self.rule == "prototype":
            for k in self.shots:
                with np.errstate(invalid="ignore", over="ignore"):  # broken ones answer wrongly
                    prototypes = support[:k].mean(axis=0)
                yield self.head.distance(query, prototypes)
            return
        each = self.head.distance(query, support.reshape(most * n_things, size))
        each = each.reshape(len(query), most, n_things)
        for k in self.shots:
            first = each[:, :k]
            yield first.min(axis=1) if self.rule == "best" else first.mean(axis=1)


def _usable_shots(counts: Indices, shots: Sequence[int]) -> tuple[int, ...]:
    """The first of `shots`, as far as enough things have a photo more than that."""
    able = [int((counts > k).sum()) for k in shots]
    if able[0] < 2:
        raise EpisodeError(
            f"cannot draw a K-shot curve: {able[0]} of {len(counts)} things have more than "
            f"{shots[0]} photo{'s' if shots[0] > 1 else ''}; add photos to at least two things"
        )
    needed = max(2, min(ENOUGH_THINGS, (able[0] + 1) // 2))
    return tuple(k for k, n_things in zip(shots, able, strict=True) if n_things >= needed)


def _blocks(n_things: int, n_way: int, rng: np.random.Generator) -> Iterator[tuple[Indices, int]]:
    """Draws of `n_way` things, and how many of the first of them to ask about.

    Every thing is asked about once; the last draw is filled up with rivals alone.
    """
    order = rng.permutation(n_things)
    for start in range(0, n_things, n_way):
        block = order[start : start + n_way]
        yield np.concatenate([block, order[: n_way - len(block)]]), len(block)


def _points(
    accuracy: Float64, shots: tuple[int, ...], rng: np.random.Generator
) -> tuple[KShotPoint, ...]:
    """accuracy: (len(shots), T) of each thing."""
    things = np.arange(accuracy.shape[1])
    points = []
    for place, k in enumerate(shots):
        gain, gain_interval = None, None
        if place + 1 < len(shots):
            gains = (accuracy[place + 1] - accuracy[place]) / (shots[place + 1] - k)
            gain = float(gains.mean())
            gain_interval = bootstrap_by_cluster(gains, things, rng)
        interval = interval_by_cluster(accuracy[place], things, rng)
        points.append(KShotPoint(k, float(accuracy[place].mean()), interval, gain, gain_interval))
    return tuple(points)


def _count_photos(n_photos: int, starts: npt.NDArray[Any]) -> Indices:
    counts = np.diff(np.append(starts, n_photos)).astype(np.int64)
    if np.ndim(starts) != 1 or not len(starts) or starts[0] != 0 or counts.min() < 1:
        raise ShapeError(
            f"{n_photos} photos cannot be cut into things at {np.asarray(starts)[:5]}...; "
            "give each thing's first row, rising from 0, with a photo for every thing"
        )
    return counts


def _require_sensible(shots: Sequence[int], n_way: int | None, rule: str, repeats: int) -> None:
    if not shots or shots[0] < 1 or any(b <= a for a, b in pairwise(shots)):
        raise UsageError(f"shots are {tuple(shots)}; give rising numbers from 1, such as 1, 2, 5")
    if n_way is not None and n_way < 2:
        raise UsageError(f"n_way is {n_way}; give at least 2 things to choose among, or None")
    if rule not in get_args(Rule):
        raise UsageError(f"rule is {rule!r}; give one of {', '.join(get_args(Rule))}")
    if repeats < 1:
        raise UsageError(f"repeats is {repeats}; give at least 1 draw")
