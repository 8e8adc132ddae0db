"""Use case: how a gallery of half the things of a data set fares among strangers (`openset`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.combining import thing_distances
from firstsight.deciding.estimate import Estimate, estimate
from firstsight.evaluation.embedding import embed_all
from firstsight.evaluation.openset import (
    OpenSetSplit,
    OpenSetTrials,
    miss_curve,
    open_set,
    split_open_set,
)
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verification import draw_pairs, pair_distances
from firstsight.metrics.intervals import interval_by_pair

if TYPE_CHECKING:
    from firstsight.app.contestants import Contestant
    from firstsight.app.trials import Trials
    from firstsight.data.packed import PackedPictures

__all__ = ["judge_open_set"]

SPLIT, PAIRS, INTERVAL = range(70, 73)  # separate random streams of one seed
N_PAIRS = 20_000  # half of them impostors
QUERIES_AT_A_TIME = 1024

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Enrolled:
    vectors: Floats
    starts: Indices


def judge_open_set(contestant: Contestant, pictures: PackedPictures, trials: Trials) -> Scorecard:
    """FNIR, the misses, at the threshold that the gallery would go by for `false_accepts`.

    A random half of the classes is enrolled, k_shot pictures each; their other pictures and all of
    the other classes are asked about. Details: FPIR stated and measured; FMR of `verify`, where the
    model is calibrated; and the misses at thresholds chosen on these very strangers, to compare
    models by. Where nothing gives a threshold, no picture gets a name, and all are missed.
    Intervals are bootstrapped by thing. EpisodeError where classes or pictures are too few.
    """
    split = split_open_set(
        pictures.labels, trials.k_shot, np.random.default_rng([trials.seed, SPLIT])
    )
    vectors = embed_all(contestant.embed, pictures.pixels)
    n_things, shots = split.enrolled.shape
    gallery = _Enrolled(vectors[split.enrolled.ravel()], np.arange(0, n_things * shots, shots))
    found = estimate(
        contestant.head, gallery, calibrated=contestant.calibrated, target=trials.false_accepts
    )

    def distances(query: Floats) -> Floats:
        return thing_distances(contestant.head, query, gallery, found.rule)

    shown = _identified(split, vectors, distances)
    threshold = -np.inf if found.threshold is None else found.threshold
    result = open_set(
        shown, threshold=threshold, rng=np.random.default_rng([trials.seed, INTERVAL])
    )
    return Scorecard(
        protocol="openset",
        measure="misses",
        value=result.misses,
        interval=result.misses_interval,
        n=result.n_enrolled,
        seed=trials.seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={
            "false_accepts": result.false_accepts,
            "false_accepts_interval": list(result.false_accepts_interval),
            **_stated(found),
            "called_unknown": result.called_unknown,
            "misnamed": result.misnamed,
            "misses_at_own_false_accepts": {
                f"{point.at_most:g}": point.misses for point in miss_curve(shown)
            },
            **_false_matches(contestant, vectors, pictures.labels, trials),
            "things": n_things,
            "k_shot": shots,
            "strangers": result.n_strangers,
            "stranger_things": result.n_stranger_things,
            "interval_by": "thing",
        },
    )


def _identified(
    split: OpenSetSplit, vectors: Floats, distances: Callable[[Floats], Floats]
) -> OpenSetTrials:
    asked, named = _nearest(vectors[split.asked], distances)
    strangers, _ = _nearest(vectors[split.strangers], distances)
    return OpenSetTrials(
        enrolled_distance=asked,
        enrolled_right=named == split.asked_thing,
        enrolled_thing=split.asked_thing,
        stranger_distance=strangers,
        stranger_thing=split.stranger_thing,
    )


def _nearest(query: Floats, distances: Callable[[Floats], Floats]) -> tuple[Floats, Indices]:
    """Distance to the nearest thing and which it is, some queries at a time."""
    parts = []
    for start in range(0, len(query), QUERIES_AT_A_TIME):
        each = distances(query[start : start + QUERIES_AT_A_TIME])
        parts.append((each.min(axis=1), each.argmin(axis=1)))
    near, which = (np.concatenate(column) for column in zip(*parts, strict=True))
    return near, which


def _stated(found: Estimate) -> dict[str, Any]:
    """What the gallery promised before anything was asked."""
    rate = found.false_accepts
    return {
        "target_false_accepts": found.target,
        "stated_false_accepts": None if rate is None else rate.rate,
        "stated_interval": None if rate is None else list(rate.interval),
        "threshold": found.threshold,
        "basis": found.basis,
        "rule": found.rule,
        "kept": found.kept,
    }


def _false_matches(
    contestant: Contestant, vectors: Floats, labels: Indices, trials: Trials
) -> dict[str, Any]:
    """FMR of `verify`, per impostor pair, at the threshold for at most that many false accepts."""
    known: Calibrated | None = contestant.calibrated
    rows = (
        [row for row in known.table if row.false_matches <= trials.false_accepts] if known else []
    )
    if not rows:
        return {}
    pairs = draw_pairs(labels, None, N_PAIRS, np.random.default_rng([trials.seed, PAIRS]))
    impostor = ~pairs.same
    accepted = pair_distances(pairs, vectors, contestant.head)[impostor] <= rows[-1].threshold
    interval = interval_by_pair(
        accepted, pairs.of(labels)[:, impostor], np.random.default_rng([trials.seed, INTERVAL])
    )
    return {
        "false_matches": float(accepted.mean()),
        "false_matches_interval": list(interval),
        "stated_false_matches": rows[-1].false_matches,
    }
