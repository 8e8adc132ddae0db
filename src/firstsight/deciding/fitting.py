"""Calibrate a model on classes that it, or sisters of it, never saw in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.deciding.calibrated import Calibrated, Operating, Pool, rounded
from firstsight.deciding.leaving_out import drawn_together
from firstsight.deciding.shares import COMPARED, Posed, fit_sharpness, join_posed
from firstsight.deciding.trials import Float64, Indices
from firstsight.errors import DataError, ShapeError
from firstsight.metrics.calibration import Calibration, fit_calibration
from firstsight.metrics.intervals import Interval, wilson
from firstsight.metrics.roc import true_accept_rate
from firstsight.sampling.pairs import PairPopulation
from firstsight.similarity import Head

__all__ = ["HeldOut", "fit_calibrated"]

RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2)
N_PAIRS = 60_000  # half of one class
GATHER_CELLS = 2**22
LEAST_CLASSES = 10
STEPS = (1, 2, 5)  # gallery sizes within each power of ten
LARGEST_SIZE = 1000
REACH = 0.1  # see drawn_together; a third of it is the largest target served well
STRANGERS, ENROLLED = 850, 300  # trials, each at every size: at most 200 KB in model.json

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Embeddings of pictures by a network that never saw their classes.

    embeddings: (N, D) finite. labels: (N,) classes, at least 10, 10 of them with two pictures.
    groups: (N,) where given, both pictures of a pair of `verify` come from one group (alphabet);
    galleries are drawn from all classes.
    Raises ShapeError where lengths differ, DataError where there are too few classes or an
    embedding is not finite.
    """

    embeddings: npt.NDArray[Any]
    labels: Labels
    groups: Labels | None = None

    def __post_init__(self) -> None:
        _require_enough(self.embeddings, self.labels)

    @property
    def thing(self) -> Indices:
        """(N,) the classes, numbered from 0."""
        return np.unique(self.labels, return_inverse=True)[1].astype(np.int64)

    @property
    def n_classes(self) -> int:
        return len(np.unique(self.labels))


def fit_calibrated(
    head: Head,
    parts: Sequence[HeldOut],
    *,
    fitted_on: dict[str, Any],
    seed: int = 0,
) -> Calibrated:
    """Everything of `Calibrated` from held-out pictures; the same seed gives the same record.

    parts: one, or several that share no class, each embedded by a network that held it out, as in
    cross-validation: then pairs and galleries are drawn within each part, and taken together.
    fitted_on: what to say of the data, like its name and fingerprint; the numbers of classes and
    pictures and the seed are added.
    """
    rng = np.random.default_rng(seed)
    verify, table = _fit_verify(head, parts, rng)
    tried = [_few(part, rng) for part in parts]
    sizes = _sizes(min(each.n_classes for each in tried) - 1)
    strangers, enrolled, sharpness = _simulate(head, tried, sizes, rng)
    facts = {
        "classes": sum(part.n_classes for part in parts),
        "pictures": sum(len(part.labels) for part in parts),
        "seed": seed,
    }
    return Calibrated(verify, table, sharpness, sizes, strangers, enrolled, {**fitted_on, **facts})


def _few(part: HeldOut, rng: np.random.Generator) -> HeldOut:
    """As many of the classes as the largest gallery takes, and a stranger."""
    thing = part.thing
    chosen = rng.permutation(int(thing.max()) + 1)[thing] <= LARGEST_SIZE
    return HeldOut(part.embeddings[chosen], thing[chosen])


def _require_enough(embeddings: npt.NDArray[Any], labels: Labels) -> None:
    if embeddings.ndim != 2 or np.shape(labels) != (len(embeddings),):
        raise ShapeError(
            f"the embeddings have shape {embeddings.shape} and the labels {np.shape(labels)}; "
            "give (N, D) and (N,)"
        )
    names, sizes = np.unique(labels, return_counts=True)
    if len(names) < LEAST_CLASSES or int((sizes > 1).sum()) < LEAST_CLASSES:
        raise DataError(
            f"{len(names)} classes, {int((sizes > 1).sum())} of them with two pictures, are too "
            f"few to calibrate on; give at least {LEAST_CLASSES} with two (300 and more serve best)"
        )
    bad = int((~np.isfinite(embeddings).all(axis=1)).sum())
    if bad:
        raise DataError(
            f"{bad} of {len(embeddings)} embeddings are not finite; "
            "check the model before calibrating it"
        )


def _fit_verify(
    head: Head, parts: Sequence[HeldOut], rng: np.random.Generator
) -> tuple[Calibration, tuple[Operating, ...]]:
    distances, between, n_before = [], [], 0
    for part in parts:
        distance, classes = _pairs(head, part, 2 * (N_PAIRS // len(parts) // 2), rng)
        distances.append(distance)
        between.append(classes + n_before)
        n_before += part.n_classes
    distance = np.concatenate(distances)
    genuine, impostor, apart = distance[0::2], distance[1::2], np.concatenate(between, axis=1)
    n_between = len(np.unique(np.sort(apart, axis=0), axis=1).T)
    fitted = fit_calibration(genuine, impostor)
    slope, intercept = rounded([min(fitted.slope, 0.0), fitted.intercept])
    assert slope is not None and intercept is not None
    rates = [rate for rate in RATES if n_between >= 3 / rate]  # 45 pairs even of 10 classes
    table = tuple(_operating(genuine, impostor, apart, rate) for rate in rates)
    return Calibration(slope, intercept), table


def _pairs(
    head: Head, part: HeldOut, n_pairs: int, rng: np.random.Generator
) -> tuple[Float64, Indices]:
    """(n,) distances, of one class and of two in turn; (2, n / 2) the classes of the latter."""
    thing, embeddings = part.thing, part.embeddings
    pairs = PairPopulation(thing, part.groups).draw(n_pairs, rng)
    step = max(1, GATHER_CELLS // embeddings.shape[1])
    distance = np.concatenate(
        [
            head.paired(embeddings[pairs[0, i : i + step]], embeddings[pairs[1, i : i + step]])
            for i in range(0, n_pairs, step)
        ]
    )
    return distance.astype(np.float64), thing[pairs[:, 1::2]]


def _operating(genuine: Float64, impostor: Float64, between: Indices, rate: float) -> Operating:
    accepted, threshold = true_accept_rate(genuine, impostor, false_accept_rate=rate)
    if not np.isfinite(threshold):  # too many at the smallest distance: accept none of them
        threshold = float(np.nextafter(impostor.min(), -np.inf))
        accepted = float((genuine <= threshold).mean())
    low, high = dyadic_interval(impostor <= threshold, between)
    low, high, misses = (float(f"{share:.6g}") for share in (low, high, 1 - accepted))
    return Operating(rate, threshold, (low, high), misses)


def dyadic_interval(hits: npt.NDArray[np.bool_], between: Indices) -> Interval:
    """95 % interval of a rate over pairs of classes that have classes in common.

    hits: (n,). between: (2, n) the classes of each pair. Two pairs depend on each other where
    they share a class; the variance sums over exactly those (Aronow, Samii and Assenova 2015,
    eq. 6), and Wilson's interval takes the number of independent pairs that it amounts to (as
    Korn and Graubard 1998 do).
    """
    n, rate = len(hits), float(hits.mean())
    if not 0 < rate < 1:
        return wilson(n * rate, n)
    gaps = hits - rate
    classes = np.bincount(between[0], gaps, between.max() + 1)
    classes += np.bincount(between[1], gaps, between.max() + 1)
    ordered = np.sort(between, axis=0)
    same_pair = np.unique(ordered[0] * (between.max() + 1) + ordered[1], return_inverse=True)[1]
    shared = np.bincount(same_pair, gaps)  # counted by both of its classes
    variance = float((classes**2).sum() - (shared**2).sum()) / n**2
    independent = min(n, rate * (1 - rate) / variance) if variance > 0 else n
    return wilson(rate * max(1.0, independent), max(1.0, independent))


def _sizes(largest: int) -> tuple[int, ...]:
    """1, 2, 5, 10, 20, 50 ... and the largest that the classes allow, one of them being out."""
    steps = (step * 10**power for power in range(len(str(largest))) for step in STEPS)
    return (*(size for size in steps if size < largest), largest)


def _simulate(
    head: Head, parts: Sequence[HeldOut], sizes: tuple[int, ...], rng: np.random.Generator
) -> tuple[Pool, Pool, float]:
    """Rounds of one enrolled photo a class; each class asks about another, with it in and out.

    Also how sharply distances tell the class that is in from the others.
    """
    strangers, enrolled, questions, n_before = _Gathered(), _Gathered(), _Gathered(), 0
    for number, part in enumerate(parts, start=1):
        most, most_enrolled = (number * n // len(parts) for n in (STRANGERS, ENROLLED))
        while len(strangers) < most:
            asked, named, own, to_others = _play_round(head, part, sizes, rng)
            asked, named = asked + n_before, named + n_before
            strangers.add(asked, named, *_as_stranger(to_others, sizes), most=most)
            enrolled.add(asked, asked, *_as_enrolled(own, to_others, sizes), most=most_enrolled)
            questions.add(own, to_others, most=most_enrolled)
        n_before += part.n_classes
    own, to_others = questions.columns()
    return strangers.pool(), enrolled.pool(), _sharpness(own, to_others, sizes)


def _sharpness(own: Float64, to_others: Float64, sizes: tuple[int, ...]) -> float:
    """Of the questions at every gallery size above one, each size counting alike.

    own: (R,) distances to the right thing; to_others: (R, C) to others, in each trial's order.
    """
    posed = None
    for size in sizes[1:]:
        nearest = np.sort(to_others[:, : size - 1], axis=1)[:, :COMPARED]
        n_beyond = np.full(len(own), float(size - 1 - nearest.shape[1]))
        further = Posed(own, nearest, n_beyond, np.ones(len(own)))
        posed = further if posed is None else join_posed(posed, further)
    assert posed is not None  # ten classes and more were required
    (kept,) = rounded([fit_sharpness(posed, None)])
    assert kept is not None
    return kept


Side = tuple[Float64, Float64, npt.NDArray[np.bool_]]


def _play_round(
    head: Head, part: HeldOut, sizes: tuple[int, ...], rng: np.random.Generator
) -> tuple[Indices, Indices, Float64, Float64]:
    """The classes asked about, those named in the largest gallery, and distances.

    These are (R,) to the class's own photo, and (R, sizes[-1]) to those of others.
    """
    photo, query = _draw_round(part.thing, rng)
    asked = rng.permutation(np.flatnonzero(query >= 0))
    pictures, enrolled = part.embeddings[query[asked]], part.embeddings[photo]
    distance = head.distance(pictures, enrolled).astype(np.float64)
    # Each trial meets the others in an order of its own; a smaller gallery is its beginning.
    others = np.stack([_others(len(photo), each, rng) for each in asked])[:, : sizes[-1]]
    to_others = np.take_along_axis(distance, others, axis=1)
    named = others[np.arange(len(asked)), to_others.argmin(axis=1)]
    own = distance[np.arange(len(asked)), asked]
    return asked, named, own, to_others


def _draw_round(thing: Indices, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """One photo to enroll of each class, and another to ask about (-1 where there is none)."""
    shuffled = rng.permutation(len(thing))
    by_thing = shuffled[np.argsort(thing[shuffled], kind="stable")]
    starts = np.searchsorted(thing[by_thing], np.arange(thing.max() + 1))
    sizes = np.diff(np.append(starts, len(thing)))
    query = by_thing[np.minimum(starts + 1, len(thing) - 1)]
    return by_thing[starts], np.where(sizes > 1, query, -1)


def _others(n: int, asked: int, rng: np.random.Generator) -> Indices:
    order = rng.permutation(n).astype(np.int64)
    return np.delete(order, np.flatnonzero(order == asked))


def _as_stranger(to_others: Float64, sizes: tuple[int, ...]) -> Side:
    """(R, S) distances, margins, rightness from (R, C - 1) distances in each trial's order."""
    nearest = np.stack([to_others[:, :size].min(axis=1) for size in sizes], axis=1)
    second = [np.partition(to_others[:, :size], 1, axis=1)[:, 1] for size in sizes[1:]]
    alone = np.full(len(to_others), np.nan)
    runner_up = np.stack([alone, *second], axis=1)
    return nearest, runner_up - nearest, np.zeros(nearest.shape, np.bool_)


def _as_enrolled(own: Float64, to_others: Float64, sizes: tuple[int, ...]) -> Side:
    """As `_as_stranger`, but the thing's own photo takes the place of one other."""
    in_gallery = np.column_stack([own, to_others])
    nearest, margin, right = _as_stranger(in_gallery, sizes)
    for column, size in enumerate(sizes[1:], start=1):
        right[:, column] = own < in_gallery[:, 1:size].min(axis=1)
    right[:, 0] = True
    return nearest, margin, right


class _Gathered:
    """Trials, round after round: columns of equal length."""

    def __init__(self) -> None:
        self._rounds: list[tuple[npt.NDArray[Any], ...]] = []

    def __len__(self) -> int:
        return sum(len(columns[0]) for columns in self._rounds)

    def add(self, *columns: npt.NDArray[Any], most: int) -> None:
        """Of a round, as far as `most` in all allows: the thing asked about, the one named in the
        largest gallery (or itself), distance, margin, right.
        """
        left = most - len(self)
        if left > 0:
            self._rounds.append(tuple(column[:left] for column in columns))

    def columns(self) -> list[npt.NDArray[Any]]:
        return list(map(np.concatenate, zip(*self._rounds, strict=True)))

    def pool(self) -> Pool:
        thing, named, distance, margin, right = self.columns()
        cluster = drawn_together(thing, named, distance[:, -1], reach=REACH)
        return Pool(thing, cluster, _as_kept(distance), _as_kept(margin, digits=4), right)


def _as_kept(numbers: Float64, *, digits: int = 6) -> Float64:
    """(R, S) numbers as they come back from model.json."""
    return np.array([rounded(row, digits=digits) for row in numbers], np.float64)
