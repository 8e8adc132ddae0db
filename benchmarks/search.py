"""Exact search against a bare matrix product, and a cold process that opens the mapped matrix.

python benchmarks/search.py [--photos 100000 1000000]

Targets: search within 1.3 times numpy's product and argpartition; cold at a million 0.6 s.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.matrix import PhotoMatrix, read_matrix
from firstsight.gallery.records import ModelBinding, NewPhoto, PhotoVectors
from firstsight.similarity import Cosine, Euclidean, Head, WeightedL1

Floats = npt.NDArray[np.float32]

SIZE = 128
K = 10
QUERIES = 15
COLD_RUNS = 5
PHOTOS_A_THING = 10


def unit_vectors(n: int, seed: int) -> Floats:
    """Clusters of ten, as photos of things are, on the unit sphere."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((-(-n // PHOTOS_A_THING), SIZE), dtype=np.float32)
    vectors = np.repeat(centres, PHOTOS_A_THING, axis=0)[:n]
    vectors += 0.5 * rng.standard_normal(vectors.shape, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def as_photos(vectors: Floats) -> PhotoVectors:
    n = len(vectors)
    starts = np.arange(0, n, PHOTOS_A_THING)
    return PhotoVectors(np.arange(n), vectors, np.arange(len(starts)), starts)


def bare(vectors: Floats, query: Floats) -> npt.NDArray[np.intp]:
    similarity = vectors @ query
    top = np.argpartition(-similarity, K)[:K]
    return top[np.argsort(-similarity[top])]


def nearest(matrix: PhotoMatrix, query: Floats) -> object:
    return matrix.nearest(query[None], K)


def in_turn(*searches: Callable[[Floats], object], queries: Floats) -> list[float]:
    """Median seconds of each; they take turns, so that a busy moment meets all of them."""
    seconds: list[list[float]] = [[] for _ in searches]
    for query in queries:
        for search, taken in zip(searches, seconds, strict=True):
            started = time.perf_counter()
            search(query)
            taken.append(time.perf_counter() - started)
    return [statistics.median(each[1:]) for each in seconds]


def compare(n: int) -> None:
    vectors, queries = unit_vectors(n, 0), unit_vectors(QUERIES, 1)
    photos = as_photos(vectors)
    heads: list[Head] = [Euclidean(), Cosine()]
    matrices = [PhotoMatrix(photos, head) for head in heads]
    searches: list[Callable[[Floats], object]] = [partial(bare, vectors)]
    searches += [partial(nearest, each) for each in matrices]
    searches += [each.distances for each in matrices]
    base, *ours = in_turn(*searches, queries=queries)
    print(f"{n:>9,} x {SIZE}: bare product + top-{K} {base * 1e3:8.2f} ms")
    for seconds, told in zip(
        ours,
        [f"{what} {head.kind}" for what in ("nearest", "distances") for head in heads],
        strict=True,
    ):
        print(f"{told:>30s} {seconds * 1e3:8.2f} ms = {seconds / base:5.2f} times")
    learned = PhotoMatrix(photos, WeightedL1(np.linspace(-1, -0.1, SIZE), 3.0))
    (seconds,) = in_turn(partial(nearest, learned), queries=queries[:3])
    print(f"{'nearest weighted_l1':>30s} {seconds * 1e3:8.2f} ms")


def fill(folder: Path, n: int) -> None:
    vectors = unit_vectors(n, 0)
    model = ModelBinding("benchmark", "0" * 64, "benchmark", SIZE)
    with Gallery.create(folder, name="benchmark", model=model, keeps_pictures=False) as gallery:
        for start in range(0, n, 50_000):
            gallery.enroll(
                [
                    (
                        f"thing {row // PHOTOS_A_THING}",
                        NewPhoto(f"{row:064x}", f"{row}.png", 32, 32, vectors[row]),
                    )
                    for row in range(start, min(n, start + 50_000))
                ]
            )


COLD = """
import sys, numpy as np
from pathlib import Path
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.matrix import read_matrix
from firstsight.similarity import Euclidean
with Gallery.open(Path(sys.argv[1])) as gallery:
    matrix = read_matrix(gallery, Euclidean())
    matrix.nearest(np.ones((1, 128), np.float32), 10)
"""


def cold(n: int) -> None:
    with tempfile.TemporaryDirectory(prefix="firstsight-") as folder:
        place = Path(folder) / "gallery"
        fill(place, n)
        with Gallery.open(place) as gallery:
            started = time.perf_counter()
            read_matrix(gallery, Euclidean())
            print(f"{n:>9,} photos: matrix built in {time.perf_counter() - started:6.2f} s", end="")
        taken = []
        for _ in range(COLD_RUNS):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", COLD, str(place)], check=True)
            taken.append(time.perf_counter() - started)
        print(f"; cold process to answer {statistics.median(taken):6.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[100_000, 1_000_000])
    counts = parser.parse_args().photos
    print(f"commit {find_commit()}, {find_hardware()}; medians")
    for n in counts:
        compare(n)
    for n in counts:
        cold(n)


if __name__ == "__main__":
    main()
