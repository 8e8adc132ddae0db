"""What a gallery lost when its processes were killed 200 times, and when two wrote for a minute.

A process changes the gallery without pause and says so after each change; it is killed (kill -9)
at a random moment. Then: everything it had said must be there, nothing may be half-done, SQLite's
integrity check and ours must find nothing, all vectors must be of the model in force, and no byte
of what was forgotten may be in any file.

python benchmarks/gallery_crashes.py
"""

from __future__ import annotations

import hashlib
import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import ModelBinding, NewPhoto

KILLS = 200
LONGEST_S = 0.3
MINUTE_S = 60.0
A_FRESH_GALLERY_EVERY = 40
PHOTOS_A_THING = 5


def photo(number: int, version: int) -> NewPhoto:
    """Photo `number`; its vector says which photo it is, and by which model."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    vector = np.array([number, version], np.float32)
    return NewPhoto(digest, f"source-{number}.jpg", 30, 40, vector, bytes(3000))


def model(version: int) -> ModelBinding:
    return ModelBinding(f"version {version}", f"{version:064x}", str(version), 2)


def version_of(gallery: Gallery) -> int:
    return int(gallery.info.model.place)


def thing(number: int) -> str:
    return f"thing {number} of these"


def enroll(gallery: Gallery, number: int) -> None:
    photos = [
        photo(PHOTOS_A_THING * number + n, version_of(gallery)) for n in range(PHOTOS_A_THING)
    ]
    gallery.enroll([(thing(number), each) for each in photos])


def merge(gallery: Gallery, number: int) -> None:
    enroll(gallery, number)
    gallery.merge(thing(number), into="all")


def forget(gallery: Gallery, number: int) -> None:
    enroll(gallery, number)
    gallery.forget(thing(number))


def upgrade(gallery: Gallery, number: int) -> None:
    enroll(gallery, number)
    gallery.drop_stage()
    version = version_of(gallery) + 1
    of_photo = dict(zip(gallery.vectors().photos, gallery.vectors().vectors[:, 0], strict=True))
    for start in range(0, len(of_photo), 50):
        ids = gallery.unstaged()[:50]
        assert start == 0 or gallery.staged() is not None
        gallery.stage(model(version), {id: np.array([of_photo[id], version]) for id in ids})
    gallery.switch()


CHANGES = {"enroll": enroll, "merge": merge, "forget": forget, "upgrade": upgrade}


def work(folder: Path, kind: str, first: int, until: float) -> None:
    """Change and say so, for ever or until that time."""
    with Gallery.open(folder) as gallery:
        print("ready", flush=True)
        for number in itertools.count(first):
            if time.time() > until:
                return
            CHANGES[kind](gallery, number)
            print(number, flush=True)


def started(folder: Path, kind: str, first: int, until: float) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, str(folder), kind, str(first), str(until)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed(folder: Path, kind: str, first: int, after_s: float) -> list[int]:
    """The numbers whose change was acknowledged before the kill."""
    with started(folder, kind, first, float("inf")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        return [int(line) for line in process.stdout]


def faults(folder: Path, kind: str, acknowledged: list[int], first: int) -> Iterator[str]:
    """What is wrong after a kill."""
    if kind == "forget":
        yield from traces(folder, acknowledged)
    with Gallery.open(folder) as gallery:
        yield from gallery.check()
        vectors = gallery.vectors()
        if (vectors.vectors[:, 1] != version_of(gallery)).any():
            yield "vectors are not of the model in force"
        held = set(vectors.vectors[:, 0].astype(int).tolist())
        names = {each.name for each in gallery.things()}
        in_all = gallery.thing("all").n_photos
        lone = sum(each.n_photos for each in gallery.things()) - in_all
        if lone % PHOTOS_A_THING or (in_all - 1) % PHOTOS_A_THING:
            yield "a change was kept in part"
        for number in acknowledged:
            of_it = set(range(PHOTOS_A_THING * number, PHOTOS_A_THING * (number + 1)))
            if kind == "forget" and (of_it & held or thing(number) in names):
                yield f"{number} was forgotten and is there"
            if kind != "forget" and not of_it <= held:
                yield f"{number} was kept and is gone"
            if kind == "merge" and thing(number) in names:
                yield f"{number} was merged and is not"
    if kind == "forget":  # the one at work may be there, or be forgotten: then without traces
        last = max(acknowledged, default=first - 1) + 1
        yield from traces(folder, [last] if thing(last) not in names else [])


def traces(folder: Path, forgotten: list[int]) -> Iterator[str]:
    content = b"\0".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    for number in forgotten:
        sources = range(PHOTOS_A_THING * number, PHOTOS_A_THING * (number + 1))
        if any(text.encode() in content for text in (thing(number), f"source-{sources[0]}.jpg")):
            yield f"{number} was forgotten and left traces"


def fresh(root: Path, turn: int) -> Path:
    folder = root / str(turn)
    with Gallery.create(folder, name="crashes", model=model(0)) as gallery:
        gallery.enroll([("all", photo(10**6, 0))])
    return folder


def kill_many(root: Path) -> None:
    rng = random.Random(0)
    found: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    folder, first = root, 0
    for turn in range(KILLS):
        kind = list(CHANGES)[turn % len(CHANGES)]
        if turn % A_FRESH_GALLERY_EVERY == 0:
            folder, first = fresh(root, turn), 0
        acknowledged = killed(folder, kind, first, rng.uniform(0, LONGEST_S))
        changes[kind] += len(acknowledged)
        found.update(faults(folder, kind, acknowledged, first))
        first = max(acknowledged, default=first - 1) + 10
    done = ", ".join(f"{changes[kind]} of {kind}" for kind in CHANGES)
    print(f"{KILLS} kills; acknowledged changes: {done}; faults: {dict(found) or 'none'}")


def write_together(root: Path) -> None:
    folder = fresh(root, KILLS)
    until = time.time() + MINUTE_S
    writers = [started(folder, "enroll", first, until) for first in (0, 10**5)]
    outputs = [writer.communicate()[0].split()[1:] for writer in writers]
    with Gallery.open(folder) as gallery:
        expected = sum(map(len, outputs)) * PHOTOS_A_THING + 1
        print(
            f"two writers for {MINUTE_S:.0f} s: {' and '.join(str(len(each)) for each in outputs)} "
            f"changes, exit codes {[writer.returncode for writer in writers]}; "
            f"photos {gallery.counts()[1]} of {expected}; faults: {gallery.check() or 'none'}"
        )


def main() -> None:
    if len(sys.argv) > 1:
        folder, kind, first, until = sys.argv[1:]
        work(Path(folder), kind, int(first), float(until))
        return
    print(f"commit {find_commit()}, {find_hardware()}")
    with tempfile.TemporaryDirectory() as root:
        kill_many(Path(root))
        write_together(Path(root))


if __name__ == "__main__":
    main()
