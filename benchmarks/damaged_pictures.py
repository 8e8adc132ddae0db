"""Hard pictures and damaged copies of good ones: each gives a picture or one clear refusal.

python benchmarks/damaged_pictures.py DATA/hard-images [--copies 2000] [--json]

All in one process. Ends with 1 where anything but a picture or a PictureError came out, or where
the process held more than 1 GiB at any time.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from firstsight.errors import PictureError
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.images.decode import PictureLike
from firstsight.images.preprocess import Preprocessing
from firstsight.images.reading import read_picture

SEEN = (Preprocessing(size=105, invert=True), Preprocessing(size=224, mode="rgb", fit="crop"))
MOST_MEMORY_MIB = 1024
MOST_SECONDS = 20.0
SEED = 0
# Formats that the hard pictures lack; drawn from one of them.
MADE_FROM = "photo_progressive.jpg"
MADE_AS = ("AVIF", "BMP", "PPM", "TIFF", "PNG", "GIF")
LARGEST_ORIGINAL = 100_000  # bytes: damage is found in small files as well, and sooner


@dataclass
class Outcome:
    """read and refused: names of pictures; wrong: what should never happen, a sentence each."""

    read: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""

    def look_at(self, picture: PictureLike, name: str) -> None:
        started = time.perf_counter()
        try:
            flaw = _flaw_in(picture, name)
        except PictureError as refusal:
            self.refused.append(name)
            flaw = None if _is_clear(str(refusal), name) else f"refused with {str(refusal)!r}"
        except BaseException as fault:
            flaw = f"raised {type(fault).__name__}: {fault}"
        else:
            self.read.append(name)
        seconds = time.perf_counter() - started
        if seconds > self.slowest_s:
            self.slowest_s, self.slowest = seconds, name
        if seconds > MOST_SECONDS:
            flaw = f"took {seconds:.0f} s"
        if flaw:
            self.wrong.append(f"{name}: {flaw}")


def _flaw_in(picture: PictureLike, name: str) -> str | None:
    """What is wrong with the picture that was made of this, or None; may raise PictureError."""
    reading = read_picture(picture, name=name)
    for seen in SEEN:
        pixels = reading.pixels(seen)
        if pixels.shape != (seen.size, seen.size, seen.channels) or pixels.dtype != np.uint8:
            return f"gave pixels {pixels.dtype} {pixels.shape}"
        if not np.array_equal(pixels, seen.pixels(picture, name=name)):
            return "gave other pixels than its preprocessing"
    with Image.open(BytesIO(reading.kept())) as kept:
        kept.load()
        least = min(384, max(reading.size))
        if kept.mode != "RGB" or not least <= max(kept.size) < 2 * 384:
            return f"was kept as {kept.mode} {kept.size}, being {reading.size}"
    return None


def _is_clear(refusal: str, name: str) -> bool:
    """One sentence that names the picture."""
    return name in refusal and "\n" not in refusal and len(refusal) < 400 + len(name)


def originals(folder: Path) -> dict[str, bytes]:
    """Good files by name: the hard pictures that can be read, and some more formats."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".tsv", ".md") and path.stat().st_size <= LARGEST_ORIGINAL:
            try:
                read_picture(path).pixels(SEEN[0])
            except PictureError:
                continue
            found[path.name] = path.read_bytes()
    photo = read_picture(folder / MADE_FROM).image(200)
    for file_format in MADE_AS:
        stream = BytesIO()
        photo.save(stream, file_format)
        found[f"made.{file_format.lower()}"] = stream.getvalue()
    return found


def damaged_copies(good: dict[str, bytes], n: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """n copies, each damaged in one of six ways: (what was done to which, its bytes)."""
    rng = np.random.default_rng(seed)
    names = sorted(good)
    for number in range(n):
        name = names[number % len(names)]
        way = ("bytes", "header", "cut", "zeroed", "removed", "repeated")[int(rng.integers(6))]
        yield f"{name} ({way}, copy {number})", damaged(good[name], way, rng)


def damaged(data: bytes, way: str, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    start = int(rng.integers(len(data)))
    length = int(rng.integers(1, 1 + min(2000, len(data) - start)))
    if way in ("bytes", "header"):
        reach = min(128, len(data)) if way == "header" else len(data)
        for place in rng.integers(0, reach, rng.integers(1, 9)):
            changed[place] = int(rng.integers(256))
    elif way == "cut":
        del changed[start:]
    elif way == "zeroed":
        changed[start : start + length] = bytes(length)
    elif way == "removed":
        del changed[start : start + length]
    else:
        changed[start:start] = changed[start : start + length]
    return bytes(changed)


def peak_memory_mib() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts what it was started by into ru_maxrss, but not into this
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="the hard pictures, with their MANIFEST.tsv")
    parser.add_argument("--copies", type=int, default=2000)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args()
    hard, copies = Outcome(), Outcome()
    for path in sorted(chosen.folder.iterdir()):
        if path.suffix not in (".tsv", ".md"):
            hard.look_at(path, path.name)
    for name, data in damaged_copies(originals(chosen.folder), chosen.copies, SEED):
        copies.look_at(data, name)
    peak = peak_memory_mib()
    if chosen.json:
        print(json.dumps({"hard": asdict(hard), "copies": asdict(copies), "peak_mib": peak}))
    else:
        print(f"commit {find_commit()}, {find_hardware()}; seed {SEED}")
        for told, outcome in (("hard pictures", hard), ("damaged copies", copies)):
            print(
                f"{told}: {len(outcome.read)} read, {len(outcome.refused)} refused, "
                f"{len(outcome.wrong)} wrong; slowest {outcome.slowest_s:.2f} s "
                f"({outcome.slowest})"
            )
        print(f"peak memory {peak:.0f} MiB, at most {MOST_MEMORY_MIB} wanted")
        for sentence in hard.wrong + copies.wrong:
            print(sentence)
    if hard.wrong or copies.wrong or peak > MOST_MEMORY_MIB:
        sys.exit(1)


if __name__ == "__main__":
    main()
