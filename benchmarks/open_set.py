"""False accepts and misses on real things, some of them enrolled, the others never.

python benchmarks/open_set.py [NAME ...]   # omniglot, snacks, faces; needs FIRSTSIGHT_DATA

Each plan enrolls classes drawn at random (seed 0) with 1 and with 5 pictures each, and asks about
their other pictures and about pictures of all other classes, at a target of 1 % false accepts.
Small galleries are drawn fifty times: what is measured is the mean over them, beside the mean
that the model's calibration promises; and each gallery's own interval is held against what that
gallery showed. The untrained network is calibrated too where there is data for it, else its
threshold can come from the gallery alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from firstsight.app.contestants import Contestant, baselines_of
from firstsight.app.names import for_judging
from firstsight.app.packing import open_with_progress
from firstsight.data.packed import PackedPictures
from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.combining import thing_distances
from firstsight.deciding.estimate import estimate
from firstsight.deciding.estimated import Estimate
from firstsight.deciding.fitting import HeldOut, fit_calibrated
from firstsight.evaluation.embedding import embed_all
from firstsight.evaluation.openset import OpenSetResult, OpenSetTrials, open_set
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.model.embedder import load
from firstsight.recognition.comparing import calibrated_of

TARGET = 0.01
SHOTS = (1, 5)
N_SMALL = 50  # galleries
STRANGERS_ASKED = 2000  # pictures a small gallery
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """sizes: things in a gallery; None for half of the classes, once."""

    model: str
    data: str
    sizes: tuple[int | None, ...] = (None,)
    untrained_calibrated_on: str | None = None


PLANS = {
    "omniglot": Plan("characters", "omniglot", (20, 100, None), "omniglot:background"),
    "snacks": Plan("photos", "snacks/test"),
    "faces": Plan("photos", "faces-att"),
}


@dataclass(frozen=True, eq=False)
class Photos:
    vectors: Floats
    starts: Indices


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of pictures: enrolled (T, K), asked (n,), strangers (m,); and whose they are."""

    enrolled: Indices
    asked: Indices
    asked_thing: Indices  # 0..T-1
    strangers: Indices
    stranger_thing: Indices


def main() -> None:
    print(f"{find_hardware()}, commit {find_commit()}, target {100 * TARGET:g} %, seed 0")
    for name in sys.argv[1:] or PLANS:
        judge(PLANS[name])


def judge(plan: Plan) -> None:
    console = Console(stderr=True)
    embedder = load(plan.model)
    seen = embedder.info.preprocessing
    pictures = open_with_progress(place_of(plan.data), seen, console)
    trained = Contestant(plan.model, embedder.embed_pixels, embedder.info.head)
    # The first is the untrained network, or raw pixels where the recipe builds none.
    other = next(iter(baselines_of(embedder, console)))
    others = None
    if plan.untrained_calibrated_on:
        held_out = open_with_progress(plan.untrained_calibrated_on, seen, console)
        others = calibrated_by(other, held_out)
    print(f"\n{plan.model} on {plan.data}: {pictures.n_classes} classes, {len(pictures)} pictures")
    for who, calibrated in ((trained, calibrated_of(embedder)), (other, others)):
        vectors = embed_all(who.embed, pictures.pixels)
        for size in plan.sizes:
            for shots in SHOTS:
                report(who, calibrated, vectors, list(splits(pictures.labels, size, shots)))


def calibrated_by(who: Contestant, pictures: PackedPictures) -> Calibrated:
    part = HeldOut(embed_all(who.embed, pictures.pixels), pictures.labels)
    return fit_calibrated(who.head, [part], fitted_on={"data": pictures.name})


def place_of(data: str) -> str:
    """A known name, or a folder below FIRSTSIGHT_DATA."""
    folder = Path(os.environ.get("FIRSTSIGHT_DATA", "")) / data
    return str(folder) if folder.is_dir() and data != "omniglot" else for_judging(data)


def splits(labels: npt.NDArray[np.int64], size: int | None, shots: int) -> Iterator[Split]:
    rng = np.random.default_rng(0)
    for _ in range(N_SMALL if size else 1):
        classes = rng.permutation(int(labels.max()) + 1)
        rows = [rng.permutation(np.flatnonzero(labels == each)) for each in classes]
        n_enrolled = size or len(classes) // 2
        kept = [each for each in rows[:n_enrolled] if len(each) > shots]
        left = [each[shots:] for each in kept]
        strangers = np.concatenate(rows[n_enrolled:])
        whose = np.repeat(classes[n_enrolled:], [len(each) for each in rows[n_enrolled:]])
        some = rng.permutation(len(strangers))[: STRANGERS_ASKED if size else None]
        yield Split(
            np.stack([each[:shots] for each in kept]),
            np.concatenate(left),
            np.repeat(np.arange(len(left)), [len(each) for each in left]),
            strangers[some],
            whose[some],
        )


@dataclass(frozen=True, eq=False)
class Tried:
    """One gallery: what it stated, and what it showed."""

    stated: Estimate
    shown: OpenSetTrials
    result: OpenSetResult


def tried(
    who: Contestant, calibrated: Calibrated | None, vectors: Floats, parts: Split
) -> Tried | Estimate:
    n_things, shots = parts.enrolled.shape
    gallery = Photos(vectors[parts.enrolled.ravel()], np.arange(0, n_things * shots, shots))
    found = estimate(who.head, gallery, calibrated=calibrated, target=TARGET)
    if found.threshold is None:
        return found
    asked, strangers = (
        thing_distances(who.head, vectors[rows], gallery, found.rule)
        for rows in (parts.asked, parts.strangers)
    )
    # Distances beyond the threshold, so that galleries can be taken together.
    shown = OpenSetTrials(
        enrolled_distance=asked.min(axis=1) - found.threshold,
        enrolled_right=asked.argmin(axis=1) == parts.asked_thing,
        enrolled_thing=parts.asked_thing,
        stranger_distance=strangers.min(axis=1) - found.threshold,
        stranger_thing=parts.stranger_thing,
    )
    return Tried(found, shown, open_set(shown, threshold=0, rng=np.random.default_rng(0)))


def report(
    who: Contestant, calibrated: Calibrated | None, vectors: Floats, several: list[Split]
) -> None:
    n_things, shots = several[0].enrolled.shape
    head = f"  {who.name:20s} {n_things:3d} things, {shots} each"
    galleries = [tried(who, calibrated, vectors, parts) for parts in several]
    ready = [each for each in galleries if isinstance(each, Tried)]
    if len(ready) < len(galleries):
        without = next(each for each in galleries if isinstance(each, Estimate))
        print(f"{head}: {without.kept}")
    elif len(ready) == 1:
        print(f"{head}: {one(ready[0])}")
    else:
        print(f"{head}, {len(ready)} galleries: {many(ready)}")


def one(gallery: Tried) -> str:
    stated, result = gallery.stated, gallery.result
    assert stated.false_accepts is not None
    inside = "inside" if holds(gallery) else "OUTSIDE"
    low, high = stated.false_accepts.interval
    return (
        f"by {stated.basis}, {stated.rule}: stated {percent(stated.false_accepts.rate)} "
        f"({percent(low)} .. {percent(high)}), measured {percent(result.false_accepts)} % "
        f"({interval(result.false_accepts_interval)}), {inside}; misses {percent(result.misses)} % "
        f"({interval(result.misses_interval)})"
    )


def many(galleries: list[Tried]) -> str:
    rules = {each.stated.rule for each in galleries}
    lowered = sum(each.stated.on_average is None for each in galleries)
    average = next(each.stated.on_average for each in galleries if each.stated.on_average)
    low, high = average.interval
    shown = [each.shown for each in galleries]
    together = OpenSetTrials(
        np.concatenate([each.enrolled_distance for each in shown]),
        np.concatenate([each.enrolled_right for each in shown]),
        np.concatenate([each.enrolled_thing for each in shown]),
        np.concatenate([each.stranger_distance for each in shown]),
        np.concatenate([each.stranger_thing for each in shown]),
    )
    pooled = open_set(together, threshold=0, rng=np.random.default_rng(0))
    inside = "inside" if low <= pooled.false_accepts <= high else "OUTSIDE"
    return (
        f"by model, {' or '.join(sorted(rules))}: stated {percent(average.rate)} "
        f"({interval(average.interval)}) on average, measured {percent(pooled.false_accepts)} % "
        f"({interval(pooled.false_accepts_interval)} by stranger), {inside}; "
        f"own intervals hold in {sum(map(holds, galleries))} of {len(galleries)} galleries "
        f"({lowered} lowered); misses {percent(pooled.misses)} %"
    )


def holds(gallery: Tried) -> bool:
    """Is what was measured inside the interval that was stated for this gallery?"""
    assert gallery.stated.false_accepts is not None
    low, high = gallery.stated.false_accepts.interval
    return low <= gallery.result.false_accepts <= high


def percent(share: float) -> str:
    return f"{100 * share:.2f}"


def interval(ends: tuple[float, float]) -> str:
    return f"{percent(ends[0])} .. {percent(ends[1])}"


if __name__ == "__main__":
    main()
