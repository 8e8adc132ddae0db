"""What landmarks do for strangers: acquaintances missed where 1 % of strangers' pictures are named.

python benchmarks/crowding.py MODEL ...   # each trained with classes held out

Galleries are drawn from the classes that the model held out, strangers are the others of those;
the threshold is the one at which exactly 1 % of the strangers' pictures pass, so that only the
order of distances counts. Landmarks are centres of five pictures a class learned from. Beside it:
20-way one-shot accuracy inside a group (alphabet), by the same distances.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from rich.console import Console

from firstsight.app.crowding import centres_of
from firstsight.app.packing import open_with_progress
from firstsight.app.unseen import all_but_held_out, only_unseen
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.model.embedder import load

TARGET = 0.01
GALLERIES = ((20, 1), (20, 5), (100, 1), (100, 5))  # things, photos each
N_GALLERIES = 30
STRANGERS_ASKED = 1500
NEAREST, SHARES = (1, 2, 3, 5, 10), (0.25, 0.5, 0.75, 1.0)
FEWER = (20, 50, 100, 200, 400)  # landmarks, drawn from all
N_TRIALS = 3000

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Between = Callable[[Labels, Labels], Floats]  # rows asked, rows enrolled: distances


def main() -> None:
    print(f"{find_hardware()}, commit {find_commit()}, target {100 * TARGET:g} %, seed 0")
    for place in sys.argv[1:]:
        judge(place)


def judge(place: str) -> None:
    console = Console(stderr=True)
    model = load(place)
    name = model.info.recipe["data"]["train"]
    pictures = open_with_progress(name, model.info.preprocessing, console)
    unseen = only_unseen(model.info, pictures, console)
    landmarks = centres_of(model, all_but_held_out(model.info, pictures))
    embeddings = model.embed_pixels(unseen.pixels)[:, : landmarks.shape[1]]
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    apart = 1 - units @ units.T
    near = -np.sort(-(units @ landmarks.T), axis=1)[:, : max(NEAREST)]
    print(f"\n{place}: {unseen.n_classes} classes held out, {len(landmarks)} landmarks")
    heads = [f"{size} x {shots}" for size, shots in GALLERIES]
    print(f"{'landmarks':>9} {'share':>5} {'one-shot':>8}  missed, %: {'  '.join(heads)}")

    def tell(label: str, share: float, crowding: Floats) -> None:
        between = by_crowding(apart, crowding)
        missed = [misses(between, unseen.labels, size, shots) for size, shots in GALLERIES]
        accuracy = one_shot(between, unseen.labels, unseen.groups)
        figures = "  ".join(f"{100 * each:6.1f}" for each in missed)
        print(f"{label:>9} {share:5.2f} {100 * accuracy:8.2f}             {figures}", flush=True)

    tell("none", 0, np.zeros(len(units), np.float32))
    for n in NEAREST:
        for share in SHARES:
            tell(f"{n} nearest", share, share * near[:, :n].mean(axis=1))
    order = np.random.default_rng(0).permutation(len(landmarks))
    for n_landmarks in FEWER:
        few = -np.sort(-(units @ landmarks[order[:n_landmarks]].T), axis=1)[:, :2]
        tell(f"2 of {n_landmarks}", 0.5, 0.5 * few.mean(axis=1))


def by_crowding(apart: Floats, crowding: Floats) -> Between:
    def between(asked: Labels, enrolled: Labels) -> Floats:
        added = (crowding[asked][:, None] + crowding[enrolled]) / 2
        return np.asarray(apart[np.ix_(asked, enrolled)] + added, np.float32)

    return between


def misses(between: Between, labels: Labels, size: int, shots: int) -> float:
    rng = np.random.default_rng(0)
    known, right, strange = [], [], []
    for _ in range(N_GALLERIES):
        classes = rng.permutation(int(labels.max()) + 1)
        rows = [rng.permutation(np.flatnonzero(labels == each)) for each in classes]
        enrolled = np.concatenate([each[:shots] for each in rows[:size]])
        asked = np.concatenate([each[shots:] for each in rows[:size]])
        whose = np.repeat(np.arange(size), [len(each) - shots for each in rows[:size]])
        strangers = rng.permutation(np.concatenate(rows[size:]))[:STRANGERS_ASKED]
        to_things, to_strangers = (
            between(each, enrolled).reshape(len(each), size, shots).min(axis=2)
            for each in (asked, strangers)
        )
        known.append(to_things.min(axis=1))
        right.append(to_things.argmin(axis=1) == whose)
        strange.append(to_strangers.min(axis=1))
    threshold = np.quantile(np.concatenate(strange), TARGET)
    named = np.concatenate(right) & (np.concatenate(known) <= threshold)
    return float(1 - named.mean())


def one_shot(between: Between, labels: Labels, groups: Labels, n_way: int = 20) -> float:
    rng = np.random.default_rng(1)
    right = []
    for number in range(N_TRIALS // n_way):
        group = np.unique(groups)[number % len(np.unique(groups))]
        classes = rng.permutation(np.unique(labels[groups == group]))[:n_way]
        two = np.array([rng.permutation(np.flatnonzero(labels == each))[:2] for each in classes])
        nearest = between(two[:, 0], two[:, 1]).argmin(axis=1)
        right.append((nearest == np.arange(len(classes))).mean())
    return float(np.mean(right))


if __name__ == "__main__":
    main()
