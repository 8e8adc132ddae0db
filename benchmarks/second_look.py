"""What a second look is worth: `identify` with and without keypoints that agree.

    python benchmarks/second_look.py photos --gallery covers/Reference --queries covers/Palm
    python benchmarks/second_look.py photos --data things  # one folder a thing

Things are drawn at random (seed 0), each enrolled by one of its pictures in a gallery of its own,
and asked about by up to five others: twenty galleries of 5, and so on; and so are as many things
that are not enrolled. Every answer is the Recognizer's, at 1 % false accepts. Said: the mean
probability of the names in a closed set, which should be the share that is right. In %, intervals
by thing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import NewPhoto
from firstsight.images.listing import list_pictures
from firstsight.images.reading import Reading, read_picture
from firstsight.keypoints import agreeing, find_keypoints
from firstsight.metrics.intervals import bootstrap_by_cluster
from firstsight.model import Embedder, load
from firstsight.recognition.binding import binding_of
from firstsight.recognition.policy import Policy
from firstsight.recognition.recognizer import Recognizer

SEED = 0
SIZES = (1, 2, 5, 20, 100)
N_GALLERIES, MOST_ASKED, MOST_OF_ONE = 20, 5, 12
N_TIMED = 40  # pictures

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pictures:
    """N pictures, read and embedded. thing: (N,); able: (N,) whether each may be enrolled."""

    readings: Sequence[Reading]
    vectors: NDArray[np.float32]
    thing: Indices
    able: NDArray[np.bool_]


@dataclass
class Told:
    """Of n answers: whether each named a thing, and the right one; what it said of how likely that
    is, where it could; the thing (n,) that was shown.
    """

    named: list[bool] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    said: list[float] = field(default_factory=list)
    thing: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def shares(self) -> str:
        worth = np.array(self.named, float) * np.array(self.right, float)
        return interval(worth, np.array(self.thing))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="a shipped name or a model folder")
    parser.add_argument("--gallery", nargs="+", type=Path, help="folders, one picture a thing")
    parser.add_argument("--queries", nargs="+", type=Path, help="folders, named as in the gallery")
    parser.add_argument("--data", type=Path, help="instead of these: one folder a thing")
    given = parser.parse_args()
    if bool(given.data) == bool(given.gallery and given.queries):
        parser.error("give --data, or --gallery and --queries")
    model = load(given.model)
    if given.data:
        pictures = of_folders(model, given.data)
    else:
        pictures = of_catalogue(model, given.gallery, given.queries)
    print(f"seed {SEED}, commit {find_commit()}, {find_hardware()}")
    closed = "closed set, right | said"
    print(f"| things | look | {closed} | open: named rightly | strangers named | ms an answer |")
    print("| --- " * 7 + "|")
    n_things = int(pictures.thing.max()) + 1
    for size in (*(each for each in SIZES if each < n_things), n_things):
        for second in (False, True):
            print(row(model, pictures, size, 1 if size == n_things else N_GALLERIES, second=second))
    print(costs(pictures))


def costs(pictures: Pictures) -> str:
    """Of keypoints alone, in one thread."""
    begun = time.perf_counter()
    found = [find_keypoints(reading.image()) for reading in pictures.readings[:N_TIMED]]
    between = time.perf_counter()
    for one in found:
        for other in found:
            agreeing(one, other)
    ended = time.perf_counter()
    a_picture, a_pair = (between - begun) / len(found), (ended - between) / len(found) ** 2
    return (
        f"keypoints of a picture (decoded anew): {1000 * a_picture:.0f} ms; "
        f"which of two pictures' agree: {1000 * a_pair:.2f} ms"
    )


def row(model: Embedder, pictures: Pictures, size: int, n_galleries: int, *, second: bool) -> str:
    rng = np.random.default_rng([SEED, size])
    closed, enrolled, strangers = (Told() for _ in range(3))
    for _ in range(n_galleries):
        known, asked, others = draw(pictures, size, rng)
        with (
            tempfile.TemporaryDirectory() as folder,
            gallery_of(model, pictures, known, Path(folder), second=second) as recognizer,
        ):
            ask(recognizer, pictures, asked, closed, closed_set=True)
            ask(recognizer, pictures, asked, enrolled, closed_set=False)
            ask(recognizer, pictures, others, strangers, closed_set=False)
    named = interval(np.array(strangers.named, float), np.array(strangers.thing))
    seconds = [told.seconds / max(1, len(told.named)) for told in (enrolled, strangers)]
    look = "second" if second else "first alone"
    said = f"{100 * np.mean(closed.said):.1f}" if closed.said else "-"
    taken = f"{500 * sum(seconds):.0f}"
    columns = (size, look, closed.shares(), said, enrolled.shares(), named, taken)
    return "| " + " | ".join(map(str, columns)) + " |"


def ask(
    recognizer: Recognizer, pictures: Pictures, rows: Indices, told: Told, *, closed_set: bool
) -> None:
    for each in rows:
        begun = time.perf_counter()
        answer = recognizer.answer(
            pictures.readings[each], pictures.vectors[each], closed_set=closed_set
        )
        told.seconds += time.perf_counter() - begun
        told.named.append(answer.thing is not None)
        if answer.probability is not None:
            told.said.append(answer.probability)
        told.right.append(answer.nearest.thing == str(pictures.thing[each]))
        told.thing.append(int(pictures.thing[each]))


def draw(
    pictures: Pictures, size: int, rng: np.random.Generator
) -> tuple[Indices, Indices, Indices]:
    """Rows enrolled, one a thing; rows asked about, of these and of as many others."""
    enrolled, asked, others = list[int](), list[Indices](), [np.zeros(0, np.int64)]
    for place, thing in enumerate(rng.permutation(int(pictures.thing.max()) + 1)[: 2 * size]):
        own = rng.permutation(np.flatnonzero(pictures.thing == thing))
        first = own[pictures.able[own]][0]
        rest = own[own != first][:MOST_ASKED]
        if place < size:
            enrolled.append(int(first))
            asked.append(rest)
        else:
            others.append(rest)
    return np.array(enrolled), np.concatenate(asked), np.concatenate(others)


def gallery_of(
    model: Embedder, pictures: Pictures, rows: Indices, folder: Path, *, second: bool
) -> Recognizer:
    gallery = Gallery.create(folder / "gallery", name="gallery", model=binding_of(model, "photos"))
    gallery.enroll([(str(pictures.thing[each]), new_photo(pictures, int(each))) for each in rows])
    return Recognizer(gallery, model, Policy(second_look=second))


def new_photo(pictures: Pictures, row: int) -> NewPhoto:
    reading = pictures.readings[row]
    width, height = reading.size
    return NewPhoto(
        reading.digest, reading.name, width, height, pictures.vectors[row], reading.kept()
    )


def of_catalogue(model: Embedder, gallery: Sequence[Path], queries: Sequence[Path]) -> Pictures:
    known = [listed for folder in gallery for listed in list_pictures(folder)]
    numbers = {name: number for number, (_, name) in enumerate(known)}
    asked = [listed for folder in queries for listed in list_pictures(folder)]
    thing = np.array([numbers[name] for _, name in [*known, *asked]], np.int64)
    able = np.arange(len(thing)) < len(known)
    return seen(model, [picture for picture, _ in [*known, *asked]], thing, able)


def of_folders(model: Embedder, folder: Path) -> Pictures:
    """At most so many pictures a thing, taken evenly."""
    by_name: dict[str, list[Path]] = {}
    for picture, name in list_pictures(folder):
        by_name.setdefault(name, []).append(picture)
    files, numbers = list[Path](), list[int]()
    for number, own in enumerate(by_name.values()):
        for place in np.linspace(0, len(own), min(MOST_OF_ONE, len(own)), endpoint=False):
            files.append(own[int(place)])
            numbers.append(number)
    return seen(model, files, np.array(numbers), np.ones(len(files), np.bool_))


def seen(
    model: Embedder, files: Sequence[Path], thing: Indices, able: NDArray[np.bool_]
) -> Pictures:
    readings = [read_picture(each) for each in files]
    seen_as = model.info.preprocessing
    vectors = [model.embed_pixels(each.pixels(seen_as)[None]) for each in readings]
    return Pictures(readings, np.concatenate(vectors), thing, able)


def interval(worth: NDArray[np.float64], thing: Indices) -> str:
    if not len(worth):
        return "-"
    low, high = bootstrap_by_cluster(worth, thing, np.random.default_rng(SEED))
    return f"{100 * worth.mean():.1f} ({100 * low:.1f} .. {100 * high:.1f})"


if __name__ == "__main__":
    main()
