"""How long a page of a large gallery takes, the first one and one far in.

    python benchmarks/paging.py
    python benchmarks/paging.py --photos 1000000

Things have four photos each, and one has as many as all the others together. Prints the median
of repeated pages of 48, and how long a search by name takes that finds something late and one
that finds nothing. A page is what the web page asks for (`things_after` with covers,
`photos_after`). Seed 0.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import ModelBinding, NewPhoto

MODEL = ModelBinding(name="none", fingerprint="0" * 64, place="nowhere", embedding_size=2)
A_PAGE = 48
A_STEP = 5_000
PHOTOS_EACH = 4
CROWDED = "the crowded one"


def fill(gallery: Gallery, n_photos: int) -> list[str]:
    """Gives the names of the things, in the order of the list."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"))
    draws = np.random.default_rng(0).choice(letters, (n_photos // (2 * PHOTOS_EACH), 12))
    names = sorted({"".join(row) for row in draws}, key=lambda name: (name.lower(), name))
    owners = np.repeat(names, PHOTOS_EACH).tolist()
    owners += [CROWDED] * (n_photos - len(owners))
    for start in range(0, n_photos, A_STEP):
        part = owners[start : start + A_STEP]
        gallery.enroll([(name, photo(start + row)) for row, name in enumerate(part)])
    return names


def photo(number: int) -> NewPhoto:
    return NewPhoto(f"{number:064x}", f"{number}.png", 8, 8, np.array([1, number], np.float32), b"")


def milliseconds(ask: Callable[[], object], times: int = 30) -> float:
    ask()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append(1e3 * (time.perf_counter() - began))
    return median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    n_photos = parser.parse_args().photos
    with (
        tempfile.TemporaryDirectory() as folder,
        Gallery.create(Path(folder) / "g", name="paged", model=MODEL) as gallery,
    ):
        names = fill(gallery, n_photos)
        crowd = [each.id for each in gallery.photos(CROWDED)]
        print(f"{n_photos:,} photos of {len(names) + 1:,} things, pages of {A_PAGE}")

        def things(after: str, containing: str = "") -> None:
            found = gallery.things_after(after, A_PAGE + 1, containing=containing)
            gallery.covers(each.id for each in found)

        deep = names[int(0.95 * len(names))]
        before_crowded = [name for name in names if name.lower() < CROWDED][-1]
        pages: dict[str, Callable[[], object]] = {
            "things, first page": lambda: things(""),
            "things, 95 % in": lambda: things(deep),
            "things, the crowded one first": lambda: things(before_crowded),
            "photos of one thing, first page": lambda: gallery.photos_after(CROWDED, 0, A_PAGE),
            "photos of one thing, 95 % in": lambda: gallery.photos_after(
                CROWDED, crowd[int(0.95 * len(crowd))], A_PAGE
            ),
            "search by name, found late": lambda: things("", names[-1]),
            "search by name, found nowhere": lambda: things("", "#"),
            "how many there are": gallery.counts,
        }
        for told, ask in pages.items():
            sys.stdout.write(f"{told:32} {milliseconds(ask):7.2f} ms\n")


if __name__ == "__main__":
    main()
