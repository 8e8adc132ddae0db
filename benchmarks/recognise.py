"""How quickly pictures are enrolled and identified, beside what decoding and network alone cost.

python benchmarks/recognise.py     # needs the snacks pictures under FIRSTSIGHT_DATA

Prints ratios measured side by side in this run; the machine is named. Pictures are snacks scaled
to 1.1 megapixels and saved as JPEG (quality 90), so decoding costs what a photo's does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.images.preprocess import Preprocessing
from firstsight.model.embedder import Embedder, load
from firstsight.recognition.enrolling import Entry
from firstsight.recognition.recognizer import Recognizer

SIZE = (1216, 912)  # 1.1 megapixels
N_ENROLLED = 1000
REPEATS = 40


def main() -> None:
    root = Path(os.environ.get("FIRSTSIGHT_DATA", ""))
    sources = sorted((root / "snacks" / "train").glob("*/*.jpg"))[:N_ENROLLED]
    if len(sources) < N_ENROLLED:
        sys.exit("needs the snacks pictures: set FIRSTSIGHT_DATA to the folder that holds snacks/")
    print(f"{find_hardware()}, commit {find_commit()}")
    with tempfile.TemporaryDirectory() as folder:
        photos = list(enlarged(sources, Path(folder) / "photos"))
        os.environ["FIRSTSIGHT_HOME"] = str(Path(folder) / "home")
        bulk(photos)
        warm(photos[0])
        cold(photos[0])


def enlarged(sources: list[Path], to: Path) -> Iterator[Path]:
    to.mkdir()
    for number, source in enumerate(sources):
        photo = to / f"{number:04d}.jpg"
        with Image.open(source) as picture:
            picture.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC).save(photo, quality=90)
        yield photo


def bulk(photos: list[Path]) -> None:
    """Enrolling against the slower of decoding alone and the network alone, on all cores."""
    embedder = load("photos")
    seen = embedder.info.preprocessing
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decoding, pixels = timed(lambda: np.stack(list(pool.map(seen.pixels, photos))))
    network, _ = timed(lambda: embedder.embed_pixels(pixels, batch_size=32))
    with Recognizer.open("bulk", model="photos", keeps_pictures=True) as recognizer:
        enrolling, _ = timed(lambda: enroll(recognizer, photos))
    with Recognizer.open("bare", model="photos", keeps_pictures=False) as recognizer:
        without, _ = timed(lambda: enroll(recognizer, photos))
    rates = [len(photos) / each for each in (decoding, network, enrolling, without)]
    slower = min(rates[:2])
    print(
        f"bulk enroll of {len(photos)}: decoding alone {rates[0]:.1f} photos/s, network alone "
        f"{rates[1]:.1f}; enroll {rates[2]:.1f} = {100 * rates[2] / slower:.0f} % of the slower, "
        f"without kept pictures {rates[3]:.1f} = {100 * rates[3] / slower:.0f} %"
    )


def enroll(recognizer: Recognizer, photos: list[Path]) -> None:
    entries = [Entry(photo, photo.stem, str(photo)) for photo in photos]
    for result in recognizer.enroller().each(entries):
        assert result.done, result


def warm(photo: Path) -> None:
    """One question in a running process, against decoding and network one after the other."""
    with Recognizer.open_existing("bulk") as recognizer:
        seen, embedder = recognizer.embedder.info.preprocessing, recognizer.embedder
        recognizer.identify(photo)
        asked, alone = [], []
        for _ in range(REPEATS):
            alone.append(timed(lambda: decode_and_embed(embedder, seen, photo))[0])
            asked.append(timed(lambda: recognizer.identify(photo))[0])
    a, b = statistics.median(asked), statistics.median(alone)
    print(
        f"warm identify among {N_ENROLLED}: {1000 * a:.1f} ms, decoding + network "
        f"{1000 * b:.1f} ms: {a / b:.2f} times"
    )


def decode_and_embed(embedder: Embedder, seen: Preprocessing, photo: Path) -> None:
    embedder.embed_pixels(seen.pixels(photo)[None])


def cold(photo: Path) -> None:
    command = [sys.executable, "-c", "from firstsight.app.cli.main import run; run()"]
    times = []
    for _ in range(15):
        seconds, _ = timed(
            lambda: subprocess.run(
                [*command, "identify", str(photo), "--gallery", "bulk"],
                check=True,
                capture_output=True,
            )
        )
        times.append(seconds)
    print(
        f"cold identify (new process, {N_ENROLLED} enrolled): median "
        f"{statistics.median(times):.2f} s, slowest {max(times):.2f} s"
    )


Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
