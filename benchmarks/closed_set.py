"""How true `identify --closed-set` is where every picture shows one of the things.

    python benchmarks/closed_set.py                       # the plans below; needs FIRSTSIGHT_DATA
    python benchmarks/closed_set.py photos --gallery covers/Reference --queries covers/Palm
    python benchmarks/closed_set.py photos --data things  # one folder a thing

Things are drawn at random (seed 0), each enrolled by 1 or by 5 of its pictures, and asked about by
up to ten others: fifty galleries of 20, and so on. Said: the mean probability of the names, which
should be the share that is right; error: the mean gap of the two in ten bins of probability;
known: names at 90 % or more, and how many of those are right. Intervals by thing.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from firstsight.app.packing import open_with_progress
from firstsight.deciding.closed_set import COMPARED, decide_closed_set
from firstsight.deciding.combining import thing_distances
from firstsight.deciding.estimate import estimate
from firstsight.evaluation.embedding import embed_all
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.images.listing import list_pictures
from firstsight.metrics.intervals import bootstrap_by_cluster
from firstsight.model import Embedder, load
from firstsight.recognition.comparing import calibrated_of

SEED = 0
SIZES = (5, 20, 100)
SHOTS = (1, 5)
N_GALLERIES, MOST_ASKED = 50, 10
PLANS = (
    ("characters", "omniglot:evaluation"),
    ("photos", "faces"),
    ("photos", "snacks:test"),
)

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Enrolled:
    vectors: Floats
    starts: Indices


@dataclass(frozen=True, eq=False)
class Asked:
    """n answers. thing: (n,) which was shown; said: (n,) the probability; right, known: (n,)."""

    thing: Indices
    said: NDArray[np.float64]
    right: NDArray[np.bool_]
    known: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", help="a shipped name or a model folder")
    parser.add_argument("--gallery", nargs="+", type=Path, help="folders, one picture a thing")
    parser.add_argument("--queries", nargs="+", type=Path, help="folders, named as in the gallery")
    parser.add_argument("--data", help="instead of these: one folder a thing, or a set's name")
    given = parser.parse_args()
    if bool(given.model) != bool(given.data or (given.gallery and given.queries)):
        parser.error("give a model and --data, or a model, --gallery and --queries; or nothing")
    print(f"seed {SEED}, commit {find_commit()}, {find_hardware()}")
    print("| model, pictures | things x photos | right, % | said | error | known | of them right |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    if not given.model:
        for name, data in PLANS:
            model = load(name)
            report(model, *of_set(model, data), data)
    elif given.data:
        model = load(given.model)
        report(model, *of_set(model, given.data), given.data)
    else:
        model = load(given.model)
        report(model, *of_catalogue(model, given.gallery, given.queries), str(given.gallery[0]))


def of_set(model: Embedder, data: str) -> tuple[Floats, Indices, None]:
    console = Console(stderr=True)
    pictures = open_with_progress(data, model.info.preprocessing, console)
    return embed_all(model.embed_pixels, pictures.pixels), pictures.labels, None


def of_catalogue(
    model: Embedder, gallery: list[Path], queries: list[Path]
) -> tuple[Floats, Indices, Indices]:
    """Vectors, things, and the rows that may be enrolled."""
    known = [listed for folder in gallery for listed in list_pictures(folder)]
    numbers = {name: number for number, (_, name) in enumerate(known)}
    asked = [listed for folder in queries for listed in list_pictures(folder)]
    seen = model.info.preprocessing
    vectors = np.concatenate(
        [model.embed_pixels(seen.pixels(picture)[None]) for picture, _ in [*known, *asked]]
    )
    thing = np.array([numbers[name] for _, name in [*known, *asked]], np.int64)
    return vectors, thing, np.arange(len(known))


def report(
    model: Embedder, vectors: Floats, thing: Indices, catalogue: Indices | None, told: str
) -> None:
    n_things = int(thing.max()) + 1
    shots = SHOTS if catalogue is None else (1,)
    for n_photos in shots:
        for size in (*(each for each in SIZES if each < n_things), n_things):
            rng = np.random.default_rng([SEED, size, n_photos])
            parts = [
                asked_of(model, vectors, thing, draw(thing, catalogue, size, n_photos, rng))
                for _ in range(N_GALLERIES if size < n_things else 1)
            ]
            line = summed_up(joined(parts))
            print(f"| {model.info.name}, {told} | {size} x {n_photos} | {line} |")
            sys.stdout.flush()


def joined(parts: list[Asked]) -> Asked:
    return Asked(
        np.concatenate([part.thing for part in parts]),
        np.concatenate([part.said for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.known for part in parts]),
    )


def draw(
    thing: Indices,
    catalogue: Indices | None,
    size: int,
    n_photos: int,
    rng: np.random.Generator,
) -> tuple[Indices, Indices]:
    """Rows enrolled, those of one thing side by side, and rows asked about."""
    able = np.flatnonzero(np.bincount(thing) > n_photos)
    things = rng.choice(able, min(size, len(able)), replace=False)
    enrolled, asked = list[Indices](), list[Indices]()
    for each in things:
        own = rng.permutation(np.flatnonzero(thing == each))
        first = own[:n_photos] if catalogue is None else np.intersect1d(own, catalogue)
        enrolled.append(first)
        asked.append(np.setdiff1d(own, first)[:MOST_ASKED])
    return np.concatenate(enrolled), np.concatenate(asked)


def asked_of(
    model: Embedder, vectors: Floats, thing: Indices, drawn: tuple[Indices, Indices]
) -> Asked:
    enrolled, asked = drawn
    owners = thing[enrolled]
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    gallery = Enrolled(vectors[enrolled], starts)
    found = estimate(model.info.head, gallery, calibrated=calibrated_of(model))
    distance = thing_distances(model.info.head, vectors[asked], gallery, found.rule)
    right = owners[starts][distance.argmin(axis=1)] == thing[asked]
    decided = [
        decide_closed_set(np.sort(row)[:COMPARED].tolist(), len(starts), found.sharpness)
        for row in distance
    ]
    said = np.array([each.probability for each in decided], np.float64)
    known = np.array([each.decision == "known" for each in decided])
    return Asked(thing[asked], said, right, known)


def summed_up(asked: Asked) -> str:
    """Each thing counts once; 95 % intervals by thing."""
    bins = np.minimum((asked.said * 10).astype(int), 9)
    error = sum(
        abs(asked.said[own].sum() - asked.right[own].sum()) / len(bins)
        for own in (bins == each for each in range(10))
    )
    columns = [interval(asked.right.astype(float), asked.thing), f"{100 * asked.said.mean():.1f}"]
    columns += [f"{100 * error:.1f}", f"{100 * asked.known.mean():.1f}"]
    sure = asked.known
    columns.append(
        interval(asked.right[sure].astype(float), asked.thing[sure]) if any(sure) else "-"
    )
    return " | ".join(columns)


def interval(worth: NDArray[np.float64], thing: Indices) -> str:
    low, high = bootstrap_by_cluster(worth, thing, np.random.default_rng(SEED))
    return f"{100 * worth.mean():.1f} ({100 * low:.1f} .. {100 * high:.1f})"


if __name__ == "__main__":
    main()
