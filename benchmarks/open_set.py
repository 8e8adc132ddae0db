"""False accepts and misses on real things, half of them enrolled, half never.

python benchmarks/open_set.py [MODEL DATA ...]   # needs FIRSTSIGHT_DATA

For each model and data set: half of the classes (seed 0) are enrolled with 1 and with 5 pictures
each; their other pictures and all pictures of the other classes are asked about, at a target of 1 %
false accepts. Beside the stated rate and interval stands what was measured, and the misses; the
same for the untrained network, whose threshold can come from the gallery alone.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.console import Console

from firstsight.app.evaluating import Contestant, baselines_of
from firstsight.app.names import for_judging
from firstsight.app.packing import open_with_progress
from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.combining import thing_distances
from firstsight.deciding.estimate import estimate
from firstsight.evaluation.openset import OpenSetTrials, open_set
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.model.embedder import load
from firstsight.recognition.comparing import calibrated_of

PLANS = [
    ("characters", "omniglot"),
    ("photos", "snacks/test"),
    ("photos", "faces-att"),
]
TARGET = 0.01
SHOTS = (1, 5)
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


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
    given = sys.argv[1:]
    plans = list(zip(given[::2], given[1::2], strict=True)) or PLANS
    for model, data in plans:
        judge(model, data)


def judge(model: str, data: str) -> None:
    console = Console(stderr=True)
    embedder = load(model)
    pictures = open_with_progress(place_of(data), embedder.info.preprocessing, console)
    trained = Contestant(model, embedder.embed_pixels, embedder.info.head)
    # The first is the untrained network, or raw pixels where the recipe builds none.
    others = [next(iter(baselines_of(embedder, console)))]
    print(f"\n{model} on {data}: {pictures.n_classes} classes, {len(pictures)} pictures")
    for who, calibrated in [(trained, calibrated_of(embedder)), *((each, None) for each in others)]:
        vectors = who.embed(pictures.pixels)
        for shots in SHOTS:
            report(who, calibrated, vectors, split(pictures.labels, shots))


def place_of(data: str) -> str:
    """A known name, or a folder below FIRSTSIGHT_DATA."""
    import os
    from pathlib import Path

    folder = Path(os.environ.get("FIRSTSIGHT_DATA", "")) / data
    return str(folder) if folder.is_dir() and data != "omniglot" else for_judging(data)


def split(labels: npt.NDArray[np.int64], shots: int) -> Split:
    rng = np.random.default_rng(0)
    classes = rng.permutation(int(labels.max()) + 1)
    half = len(classes) // 2
    rows = [rng.permutation(np.flatnonzero(labels == each)) for each in classes]
    kept = [each for each in rows[:half] if len(each) > shots]
    left = [each[shots:] for each in kept]
    return Split(
        np.stack([each[:shots] for each in kept]),
        np.concatenate(left),
        np.repeat(np.arange(len(left)), [len(each) for each in left]),
        np.concatenate(rows[half:]),
        np.repeat(np.arange(half, len(rows)), [len(each) for each in rows[half:]]),
    )


def report(who: Contestant, calibrated: Calibrated | None, vectors: Floats, parts: Split) -> None:
    n_things, shots = parts.enrolled.shape
    gallery = Photos(vectors[parts.enrolled.ravel()], np.arange(0, n_things * shots, shots))
    found = estimate(who.head, gallery, calibrated=calibrated, target=TARGET)
    if found.threshold is None:
        print(f"  {who.name:22s} {shots} each: {found.kept}")
        return
    asked, strangers = (
        thing_distances(who.head, vectors[rows], gallery, found.rule)
        for rows in (parts.asked, parts.strangers)
    )
    result = open_set(
        OpenSetTrials(
            enrolled_distance=asked.min(axis=1),
            enrolled_right=asked.argmin(axis=1) == parts.asked_thing,
            enrolled_thing=parts.asked_thing,
            stranger_distance=strangers.min(axis=1),
            stranger_thing=parts.stranger_thing,
        ),
        threshold=found.threshold,
        rng=np.random.default_rng(0),
    )
    assert found.false_accepts is not None
    low, high = (100 * each for each in found.false_accepts.interval)
    inside = "inside" if low <= 100 * result.false_accepts <= high else "OUTSIDE"
    print(
        f"  {who.name:22s} {shots} each ({n_things} things, by {found.basis}, {found.rule}): "
        f"stated {100 * found.false_accepts.rate:.2f} % ({low:.2f} .. {high:.2f}), measured "
        f"{100 * result.false_accepts:.2f} % "
        f"({100 * result.false_accepts_interval[0]:.2f} .. "
        f"{100 * result.false_accepts_interval[1]:.2f}), {inside}; "
        f"misses {100 * result.misses:.1f} % "
        f"({100 * result.misses_interval[0]:.1f} .. {100 * result.misses_interval[1]:.1f})"
    )


if __name__ == "__main__":
    main()
