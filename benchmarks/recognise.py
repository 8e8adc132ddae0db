"""How quickly pictures are enrolled and identified, beside what decoding and network alone cost.

python benchmarks/recognise.py     # needs snacks/ and weights/ under FIRSTSIGHT_DATA
python benchmarks/recognise.py --beside OTHER/src    # and another version, run by run in turn
python benchmarks/recognise.py --cold                # only new processes, with `photos`

Pictures are snacks scaled to 1.1 megapixels and saved as JPEG (quality 90), so decoding costs what
a photo's does. Ratios are measured side by side in this run. Seconds of CPU (user and system, of
all threads) are printed beside those of the clock: other work on the machine hardly touches them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import firstsight
from firstsight.app.pretrained import make_pretrained
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.model.embedder import load
from firstsight.recognition.recognizer import Recognizer

SIZE = (1216, 912)  # 1.1 megapixels
WARM_REPEATS = 40
COLD_REPEATS = 11
CORES = os.cpu_count() or 1
OURS = Path(firstsight.__file__).parent.parent

# Run by another process, and perhaps another version: enroll all photos of a folder.
ENROLL = """
import json, sys, time
from pathlib import Path
from firstsight.recognition.enrolling import Entry
from firstsight.recognition.recognizer import Recognizer
folder, name, model, keeps = sys.argv[1:]
entries = [Entry(each, each.stem, str(each)) for each in sorted(Path(folder).iterdir())]
with Recognizer.open(name, model=model, keeps_pictures=keeps == "keeps") as recognizer:
    wall, cpu = time.perf_counter(), time.process_time()
    assert all(result.done for result in recognizer.enroller().each(entries))
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
    recognizer.settle()
"""

# `firstsight identify`, noting when the first picture is opened, and what it all took.
IDENTIFY = """
import json, os, sys, time
started, *sys.argv[1:] = float(sys.argv[1]), *sys.argv[2:]
from PIL import Image
opened, noted = Image.open, []
def noting(*given, **named):
    noted.append(time.time() - started)
    return opened(*given, **named)
Image.open = noting
from firstsight.app.cli.main import run
try:
    run()
finally:
    spent = os.times()
    print(json.dumps([noted[0], spent.user + spent.system]), file=sys.stderr)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and seconds of CPU on all cores together."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--beside", type=Path, help="the src folder of another version")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--cold", action="store_true", help="only new processes, with `photos`")
    given = parser.parse_args()
    root = Path(os.environ.get("FIRSTSIGHT_DATA", ""))
    sources = sorted((root / "snacks" / "train").glob("*/*.jpg"))[: given.photos]
    if len(sources) < given.photos:
        sys.exit("needs the snacks pictures: set FIRSTSIGHT_DATA to the folder that holds snacks/")
    print(f"{find_hardware()}, commit {find_commit()}; {given.photos} photos of 1.1 megapixels")
    versions = {"now": OURS} | ({"before": given.beside.resolve()} if given.beside else {})
    with tempfile.TemporaryDirectory() as place:
        photos = list(enlarged(sources, Path(place) / "photos"))
        if given.cold:
            for version, source in versions.items():
                enroll(source, Path(place), photos, "photos", "keeps", version)
            cold(photos[0], "photos", versions, Path(place))
            return
        squeezenet = str(make_pretrained("squeezenet1_1", Path(place) / "squeezenet1_1"))
        for model in ("photos", squeezenet):
            print(f"\n{Path(model).name}")
            bulk(photos, model, versions, Path(place))
            warm(photos[0], model, Path(place))
        print("\ncold `firstsight identify`, a new process each")
        for version, source in versions.items():
            enroll(source, Path(place), photos, "characters", "keeps", version)
        for model in ("photos", squeezenet, "characters"):
            cold(photos[0], model, versions, Path(place))


def enlarged(sources: list[Path], to: Path) -> Iterator[Path]:
    to.mkdir()
    for number, source in enumerate(sources):
        photo = to / f"{number:04d}.jpg"
        with Image.open(source) as picture:
            picture.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC).save(photo, quality=90)
        yield photo


def bulk(photos: list[Path], model: str, versions: dict[str, Path], place: Path) -> None:
    """Enrolling against decoding alone and the network alone, each on all cores at its best."""
    network = load(model).on_one_core
    seen = network.info.preprocessing
    with ThreadPoolExecutor(CORES) as pool:
        pixels: list[np.ndarray] = []
        decoding = cost(lambda: pixels.extend(pool.map(seen.pixels, photos)))
        embedding = cost(
            lambda: list(pool.map(lambda each: network.embed_pixels(each[None]), pixels))
        )
    slower = max(decoding.wall, embedding.wall)
    work = decoding.cpu + embedding.cpu
    per = 1000 / len(photos)
    print(
        f"  alone, on {CORES} cores: decoding {decoding.wall * per:.2f} ms a photo "
        f"({decoding.cpu * per:.2f} ms of CPU), network {embedding.wall * per:.2f} "
        f"({embedding.cpu * per:.2f})"
    )
    print(
        f"  both need {work * per:.2f} ms of CPU a photo, at best {work * per / CORES:.2f} ms by "
        f"the clock: {100 * max(decoding.cpu, embedding.cpu) / work:.0f} % of the slower alone"
    )
    for version, source in versions.items():
        for keeps in ("keeps", "without"):
            took = enroll(source, place, photos, model, keeps, version)
            print(
                f"  {version}: enroll, {keeps} pictures: {took.wall * per:.2f} ms a photo "
                f"({took.cpu * per:.2f} of CPU): {100 * slower / took.wall:.0f} % of the slower "
                f"alone, {100 * work / CORES / took.wall:.0f} % of what can be attained "
                f"(by CPU {100 * work / took.cpu:.0f} %)"
            )


def enroll(
    source: Path, place: Path, photos: list[Path], model: str, keeps: str, version: str = "now"
) -> Cost:
    name = gallery_of(place, model, version) + ("" if keeps == "keeps" else "-bare")
    told = python(source, [ENROLL, str(photos[0].parent), name, model, keeps]).stdout
    return Cost(*json.loads(told))


def warm(photo: Path, model: str, place: Path) -> None:
    """One question in a running process, against decoding and network one after the other."""
    with Recognizer.open_existing(gallery_of(place, model)) as recognizer:
        embedder = recognizer.embedder
        seen = embedder.info.preprocessing
        recognizer.identify(photo)
        asked, alone = [], []
        for _ in range(WARM_REPEATS):
            alone.append(cost(lambda: embedder.embed_pixels(seen.pixels(photo)[None])))
            asked.append(cost(lambda: recognizer.identify(photo)))
    a, b = median(asked), median(alone)
    print(
        f"  warm identify: {1000 * a.wall:.1f} ms, decoding + network {1000 * b.wall:.1f} ms: "
        f"{a.wall / b.wall:.2f} times (by CPU {a.cpu / b.cpu:.2f})"
    )


def cold(photo: Path, model: str, versions: dict[str, Path], place: Path) -> None:
    """From starting Python to its end, and to the moment when the picture is opened."""
    took: dict[str, list[Cost]] = {version: [] for version in versions}
    first: dict[str, list[float]] = {version: [] for version in versions}
    for turn in range(COLD_REPEATS + 1):
        for version, source in versions.items():
            known = gallery_of(place, model, version)
            start = time.time()
            ended = python(
                source, [IDENTIFY, str(start), "identify", str(photo), "--gallery", known]
            )
            wall = time.time() - start
            decoding, cpu = json.loads(ended.stderr.splitlines()[-1])
            if turn:  # the first run may have to estimate the gallery anew
                took[version].append(Cost(wall, cpu))
                first[version].append(decoding)
    for version in versions:
        usual = median(took[version])
        print(
            f"  {Path(model).name}, {version}: median {usual.wall:.2f} s (least "
            f"{min(each.wall for each in took[version]):.2f}, {usual.cpu:.2f} of CPU), of which "
            f"{statistics.median(first[version]):.2f} s (least {min(first[version]):.2f}) until "
            "decoding begins"
        )


def gallery_of(place: Path, model: str, version: str = "now") -> str:
    return str(place / "galleries" / f"{Path(model).name}-{version}")


def python(source: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(source)}
    return subprocess.run(
        [sys.executable, "-c", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )


def cost(work: Callable[[], object]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(each.wall for each in costs),
        statistics.median(each.cpu for each in costs),
    )


if __name__ == "__main__":
    main()
