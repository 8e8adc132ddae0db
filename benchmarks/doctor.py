"""How often the gallery's doctor is right: false alarms on clean galleries, planted faults found.

FIRSTSIGHT_DATA=... python benchmarks/doctor.py

Galleries of Omniglot drawings (background) and of glyphs, embedded by `characters`, which was
trained on the former and never saw the latter. Clean means as published: some drawers of Omniglot
drew another character than they were asked for, and the doctor says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import firstsight
from firstsight.data.catalogue import open_pictures
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.gallery.advising import Newcomer, advise_enrollment
from firstsight.gallery.doctor import Examination, examine
from firstsight.gallery.records import PhotoVectors
from firstsight.similarity import Head

GALLERIES = 200
SIZES = [(5, 4), (10, 4), (20, 5), (60, 5), (14, 10)]  # things, photos of each
THRESHOLD = 0.3  # about 1 % of strangers come nearer to one of ten characters of all alphabets


@dataclass(frozen=True)
class Drawings:
    """vectors: (N, D). rows[c]: those of class c. group: (C,) its alphabet."""

    vectors: npt.NDArray[np.float32]
    rows: list[npt.NDArray[np.int64]]
    group: npt.NDArray[np.int64]


def read(name: str) -> Drawings:
    characters = firstsight.load("characters")
    pictures = open_pictures(name, characters.info.preprocessing)
    rows = [np.flatnonzero(pictures.labels == label) for label in range(pictures.n_classes)]
    return Drawings(characters.embed_pixels(pictures.pixels), rows, pictures.class_groups)


def draw(
    drawings: Drawings, n_things: int, k_shot: int, within: bool, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """(T, K + 1) rows; the last column is kept back. within: all things from one alphabet."""
    classes = np.arange(len(drawings.rows))
    if within:
        sizes = np.bincount(drawings.group)
        group = rng.choice(np.flatnonzero(sizes >= n_things))
        classes = np.flatnonzero(drawings.group == group)
    chosen = rng.choice(classes, n_things, replace=False)
    return np.stack([rng.choice(drawings.rows[c], k_shot + 1, replace=False) for c in chosen])


def gallery_of(vectors: npt.NDArray[np.float32]) -> tuple[PhotoVectors, dict[int, str]]:
    n_things, k_shot, size = vectors.shape
    things = np.arange(n_things)
    flat = vectors.reshape(-1, size)
    held = PhotoVectors(np.arange(len(flat)), flat, things, things * k_shot)
    return held, {thing: str(thing) for thing in range(n_things)}


def judge(head: Head, vectors: npt.NDArray[np.float32]) -> Examination:
    return examine(head, *gallery_of(vectors), threshold=THRESHOLD)


def tally(head: Head, drawings: Drawings, n_things: int, k_shot: int, within: bool) -> Counter[str]:
    rng = np.random.default_rng(0)
    count: Counter[str] = Counter()
    for _ in range(GALLERIES):
        vectors = drawings.vectors[draw(drawings, n_things, k_shot, within, rng)]
        enrolled, spare = vectors[:, :-1], vectors[:, -1]
        clean = judge(head, enrolled)
        count.update({f"{it.kind} {it.severity}" for it in clean.findings})

        spoilt = enrolled.copy()
        spoilt[0, 0] = spare[1]  # a photo of 1 under the name of 0
        found = [it for it in judge(head, spoilt).findings if it.kind == "mislabelled"]
        count["planted"] += any(it.photos == (0,) and it.things == ("0", "1") for it in found)

        held, names = gallery_of(enrolled[1:])
        for name, vector in (("new", spare[0]), ("0", spare[1])):
            new = Newcomer(name, vector)
            advice = advise_enrollment(head, held, names, new, threshold=THRESHOLD)
            count[f"advice {name}"] += bool(advice)
    return count


def main() -> None:
    print(f"commit {find_commit()}, {find_hardware()}; shares of {GALLERIES} galleries in %")
    columns = {
        "mislabelled warning": "mislabelled",
        "duplicate warning": "copy across",
        "duplicate advice": "copy within",
        "lookalike warning": "alike, warning",
        "lookalike advice": "alike, advice",
        "planted": "planted found",
        "advice new": "word on a new thing",
        "advice 0": "word on a known thing",
    }
    head = firstsight.load("characters").info.head
    for name in ("omniglot:background", "glyphs"):
        drawings = read(name)
        for within in (False, True):
            for n_things, k_shot in SIZES:
                if within and n_things > 20:
                    continue
                count = tally(head, drawings, n_things, k_shot, within)
                told = [
                    f"{what} {100 * count[key] / GALLERIES:.1f}" for key, what in columns.items()
                ]
                where = "one alphabet" if within else "all alphabets"
                print(f"{name}, {where}, {n_things} x {k_shot}: {'; '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
