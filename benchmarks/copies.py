"""How often `enroll` calls a photo nearly a copy: of true copies, and of photos that are none.

FIRSTSIGHT_DATA=... python benchmarks/copies.py [NAME ...]    # snacks:train, faces, ...

A gallery of 1,000 pictures (50 photos of each of 20 snacks; 5 drawings of each of 200 characters
of Omniglot's background; 5 photos of each of 40 faces: 200) is asked, with `enroll --check`, about
other pictures of the same things, and about copies of some of its own, spoilt in one way each.
Coloured paper: the drawings again, in blue ink on cream. The limits were set with the snacks and
drawings at hand, so for these the figures are no test; for faces they are.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from firstsight.data.catalogue import read_manifest
from firstsight.data.manifest import Archives, Manifest
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.recognition.recognizer import Recognizer

N_SPOILT = 200
CREAM, BLUE = (250, 240, 215), (40, 50, 140)


@dataclass(frozen=True)
class Pictures:
    """name: of the data. n_things, n_enrolled: of each; n_asked: others of each."""

    name: str
    model: str
    n_things: int
    n_enrolled: int
    n_asked: int


SETS = (
    Pictures("snacks:train", "photos", 20, 50, 50),
    Pictures("omniglot:background", "characters", 200, 5, 5),
    Pictures("faces", "photos", 40, 5, 5),
)


def encoded(image: Image.Image, quality: int = 85) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def halved(image: Image.Image) -> bytes:
    return encoded(image.resize((image.width // 2, image.height // 2)))


def cut(share: float) -> Callable[[Image.Image], bytes]:
    """Without `share` of its width and height, two thirds of it left and top."""

    def spoil(image: Image.Image) -> bytes:
        across, down = round(share * image.width), round(share * image.height)
        left, top = 2 * across // 3, 2 * down // 3
        kept = (left, top, left + image.width - across, top + image.height - down)
        return encoded(image.crop(kept))

    return spoil


SPOILT: Mapping[str, Callable[[Image.Image], bytes]] = {
    "saved as JPEG of quality 50": lambda image: encoded(image, 50),
    "halved": halved,
    "3 % cut off": cut(0.03),
    "6 % cut off": cut(0.06),
    "10 % cut off": cut(0.1),
}


def drawn(
    pictures: Pictures, manifest: Manifest
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(thing, row of the manifest) of those to enroll, and of those to ask about."""
    rng = random.Random(0)
    rows: dict[int, list[int]] = {}
    for row, label in enumerate(manifest.labels.tolist()):
        rows.setdefault(label, []).append(row)
    enrolled, asked = [], []
    for label in rng.sample(sorted(rows), pictures.n_things):
        own = rng.sample(rows[label], pictures.n_enrolled + pictures.n_asked)
        named = [(f"{label}", row) for row in own]
        enrolled += named[: pictures.n_enrolled]
        asked += named[pictures.n_enrolled :]
    return enrolled, asked


def called_copies(recognizer: Recognizer, named: Sequence[tuple[str, bytes]]) -> int:
    return sum(
        any("nearly the same picture" in told for told in result.advice)
        for thing, picture in named
        for result in recognizer.enroll(thing, picture, keep=False)
    )


def on_paper(drawing: Image.Image) -> Image.Image:
    return ImageOps.colorize(drawing.convert("L"), BLUE, CREAM)


def measured(
    pictures: Pictures, look: Callable[[Image.Image], Image.Image]
) -> Iterator[tuple[str, int, int]]:
    """(what, how many were called copies, of how many)."""
    manifest = read_manifest(pictures.name)
    enrolled, asked = drawn(pictures, manifest)
    with Archives() as archives, tempfile.TemporaryDirectory() as folder:

        def image(row: int) -> Image.Image:
            opened = Image.open(BytesIO(archives.read(manifest.sources[row])))
            return look(opened.convert("L" if opened.mode in ("1", "L") else "RGB"))

        with Recognizer.open(Path(folder) / "gallery", model=pictures.model) as recognizer:
            from firstsight.recognition.enrolling import Entry

            entries = [Entry(encoded(image(row), 95), thing, f"{row}") for thing, row in enrolled]
            list(recognizer.enroller().each(entries))
            recognizer.settle()
            others = [(thing, encoded(image(row), 95)) for thing, row in asked]
            yield "others", called_copies(recognizer, others), len(others)
            some = random.Random(1).sample(enrolled, N_SPOILT)
            for what, spoil in SPOILT.items():
                copies = [(thing, spoil(image(row))) for thing, row in some]
                yield what, called_copies(recognizer, copies), len(copies)


def main() -> None:
    wanted = sys.argv[1:] or [each.name for each in SETS]
    print(f"commit {find_commit()}, {find_hardware()}")
    for pictures in SETS:
        if pictures.name not in wanted:
            continue
        papers = {"": lambda image: image}
        if pictures.model == "characters":
            papers[", coloured paper"] = on_paper
        for paper, look in papers.items():
            for what, n, of in measured(pictures, look):
                share = f"{100 * n / of:.1f} %"
                print(
                    f"{pictures.name}{paper}, {what}: {n} of {of} called copies ({share})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
