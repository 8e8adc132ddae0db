"""How true the probabilities of `identify` are, and of `identify --closed-set`.

    python benchmarks/probabilities.py                     # the plans below; needs FIRSTSIGHT_DATA
    python benchmarks/probabilities.py photos --gallery covers/Reference --queries covers/Palm
    python benchmarks/probabilities.py photos --data things  # one folder a thing

Things are drawn at random (seed 0), each enrolled by 1 or by 5 of its pictures, and asked about by
up to ten others: fifty galleries of 20, and so on. Closed: every picture shows one of the things.
Open: half of all that comes shows strangers, of as many other things; at 1 % false accepts. Said:
the mean probability of the names, which should be the share that is right; error: the mean gap of
the two in ten bins of probability. Known: names given at 90 % or more; named: any name, known or
unsure, which is what a target of false accepts speaks of. Intervals by thing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from firstsight.app.packing import open_with_progress
from firstsight.deciding.combining import thing_distances
from firstsight.deciding.decide import Decision, decide, decide_closed_set
from firstsight.deciding.estimate import Estimate, estimate
from firstsight.deciding.shares import COMPARED
from firstsight.evaluation.embedding import embed_all
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.images.listing import list_pictures
from firstsight.metrics.intervals import bootstrap_by_cluster
from firstsight.model import Embedder, load
from firstsight.recognition.comparing import calibrated_of

SEED = 0
SIZES = (1, 2, 3, 5, 10, 20, 100)
SHOTS = (1, 5)
N_GALLERIES, MOST_ASKED = 50, 10
OPEN = "- | - | - | - | -"  # no thing is left to be a stranger
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
    """n answers. thing: (n,) which was shown; said: (n,) the probability.
    right, known, named: (n,).
    weight: (n,) sums to 1 over a gallery.
    """

    thing: Indices
    said: NDArray[np.float64]
    right: NDArray[np.bool_]
    known: NDArray[np.bool_]
    named: NDArray[np.bool_]
    weight: NDArray[np.float64]


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
    closed = "right, % | said | error | known | of them right"
    print(
        f"| model, pictures | things, photos | closed: {closed} | open: error | known | strangers "
        "known | named rightly | strangers named |"
    )
    print("| --- " * 12 + "|")
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
            closed, enrolled, strangers = list[Asked](), list[Asked](), list[Asked]()
            for _ in range(N_GALLERIES if size < n_things else 1):
                known, asked, others = draw(thing, catalogue, size, n_photos, rng)
                gallery = Gallery.of(model, vectors, thing, known)
                closed.append(gallery.asked(asked, decide_closed_set))
                if len(others):
                    enrolled.append(gallery.asked(asked, decide))
                    strangers.append(gallery.asked(others, decide))
            line = told_closed(joined(closed))
            line += " | " + (told_open(joined(enrolled), joined(strangers)) if strangers else OPEN)
            print(f"| {model.info.name}, {told} | {size} x {n_photos} | {line} |")
            sys.stdout.flush()


def joined(parts: list[Asked]) -> Asked:
    return Asked(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("thing", "said", "right", "known", "named", "weight")
        )
    )


def draw(
    thing: Indices,
    catalogue: Indices | None,
    size: int,
    n_photos: int,
    rng: np.random.Generator,
) -> tuple[Indices, Indices, Indices]:
    """Rows enrolled, those of one thing side by side; rows asked about, of these and of others."""
    able = rng.permutation(np.flatnonzero(np.bincount(thing) > n_photos))
    enrolled, asked, others = list[Indices](), list[Indices](), [np.zeros(0, np.int64)]
    for place, each in enumerate(able[: 2 * size]):
        own = rng.permutation(np.flatnonzero(thing == each))
        first = own[:n_photos] if catalogue is None else np.intersect1d(own, catalogue)
        rest = np.setdiff1d(own, first)[:MOST_ASKED]
        if place < size:
            enrolled.append(first)
            asked.append(rest)
        else:
            others.append(rest)
    return np.concatenate(enrolled), np.concatenate(asked), np.concatenate(others)


@dataclass(frozen=True, eq=False)
class Gallery:
    """vectors, thing: (N, ...) of all pictures; owners: of the things enrolled."""

    model: Embedder
    vectors: Floats
    thing: Indices
    enrolled: Enrolled
    owners: Indices
    found: Estimate

    @classmethod
    def of(cls, model: Embedder, vectors: Floats, thing: Indices, known: Indices) -> Gallery:
        owners = thing[known]
        starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
        enrolled = Enrolled(vectors[known], starts)
        found = estimate(model.info.head, enrolled, calibrated=calibrated_of(model))
        return cls(model, vectors, thing, enrolled, owners[starts], found)

    def asked(self, rows: Indices, deciding: Callable[..., Decision]) -> Asked:
        head, found = self.model.info.head, self.found
        distance = thing_distances(head, self.vectors[rows], self.enrolled, found.rule)
        decided = [
            deciding(np.sort(row)[:COMPARED].tolist(), len(self.owners), found) for row in distance
        ]
        return Asked(
            self.thing[rows],
            np.array([each.probability for each in decided], np.float64),
            self.owners[distance.argmin(axis=1)] == self.thing[rows],
            np.array([each.decision == "known" for each in decided]),
            np.array([each.decision != "unknown" for each in decided]),
            np.full(len(rows), 1 / max(1, len(rows))),
        )


def told_closed(asked: Asked) -> str:
    said = f"{100 * asked.said.mean():.1f} | {100 * error(asked):.1f}"
    sure = asked.known
    of_them = interval(asked.right[sure].astype(float), asked.thing[sure]) if any(sure) else "-"
    right = interval(asked.right.astype(float), asked.thing)
    return f"{right} | {said} | {100 * sure.mean():.1f} | {of_them}"


def told_open(enrolled: Asked, strangers: Asked) -> str:
    shares = (
        (enrolled.known, enrolled.thing),
        (strangers.known, strangers.thing),
        (enrolled.named & enrolled.right, enrolled.thing),
        (strangers.named, strangers.thing),
    )
    told = [interval(share.astype(float), thing) for share, thing in shares]
    return " | ".join([f"{100 * error(joined([enrolled, strangers])):.1f}", *told])


def error(asked: Asked) -> float:
    bins = np.minimum((asked.said * 10).astype(int), 9)
    gaps = asked.weight * (asked.said - asked.right)
    return float(sum(abs(gaps[bins == each].sum()) for each in range(10)) / asked.weight.sum())


def interval(worth: NDArray[np.float64], thing: Indices) -> str:
    low, high = bootstrap_by_cluster(worth, thing, np.random.default_rng(SEED))
    return f"{100 * worth.mean():.1f} ({100 * low:.1f} .. {100 * high:.1f})"


if __name__ == "__main__":
    main()
