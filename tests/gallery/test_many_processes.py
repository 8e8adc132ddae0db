"""What happens when others write, disks refuse, and processes are killed: real ones, all of it."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from firstsight.errors import GalleryError, StorageError
from firstsight.gallery.gallery import Gallery

from .stores import MODEL, created, digest_of, everything, held, photo, run, start

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")

# What every script below begins with: `photo`, as in stores.py.
BEGIN = f"""
import hashlib, os, sys
import numpy as np
from firstsight.errors import FirstsightError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.portable import backup, export
from firstsight.gallery.records import ModelBinding, NewPhoto
import difflib, platformdirs

def photo(number, kept=None):
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    vector = np.full({MODEL.embedding_size}, number)
    return NewPhoto(digest, f"{{number}}.jpg", 30, 40, vector, kept)

folder = sys.argv[1]
"""

WRITE = (
    BEGIN
    + """
first, count = int(sys.argv[2]), int(sys.argv[3])
with Gallery.open(folder) as gallery:
    print("open", flush=True)
    for number in range(first, first + count):
        (result,) = gallery.enroll([(f"thing {number % 7}", photo(number, bytes(2000)))])
        print(result.photo, flush=True)
"""
)


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with created(tmp_path / "g") as gallery:
        with (
            start(WRITE, tmp_path / "g", 100, 40) as one,
            start(WRITE, tmp_path / "g", 200, 40) as two,
        ):
            for number in range(300, 320):
                gallery.enroll([("ours", photo(number))])
            (out, err), (other_out, other_err) = one.communicate(), two.communicate()
        assert (err, other_err) == ("", "")
        ids = [int(line) for line in (out + other_out).split() if line != "open"]
        assert len(set(ids)) == 80
        assert {seen.id for seen in gallery.photos()} >= set(ids)
        numbers = sorted(n for numbers in held(gallery).values() for n in numbers)
        assert numbers == [*range(100, 140), *range(200, 240), *range(300, 320)]
        assert gallery.generation == len(gallery.steps(1000)) == 100
        assert gallery.check() == []


def test_what_another_process_writes_is_seen_at_once(tmp_path: Path) -> None:
    with created(tmp_path / "g") as gallery, start(WRITE, tmp_path / "g", 1, 5) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        for line in other.stdout:
            assert gallery.photo(int(line)).source == f"{line.strip()}.jpg"


def test_threads_share_one_gallery(tmp_path: Path) -> None:
    faults: list[BaseException] = []
    with created(tmp_path / "g") as gallery:

        def work(first: int) -> None:
            try:
                for number in range(first, first + 10):
                    gallery.enroll([(f"thing {first}", photo(number))])
                    assert gallery.holds(digest_of(number)) is not None
                    assert len(gallery.vectors()) >= 1
            except BaseException as fault:
                faults.append(fault)

        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert gallery.counts() == (4, 40)


CHANGE_FOR_EVER = (
    BEGIN
    + """
import itertools
with Gallery.open(folder) as gallery:
    start = 1000 * int(sys.argv[2])
    for number in itertools.count(start):
        name = f"thing {number}"
        gallery.enroll([(name, photo(10 * number + n, bytes(3000))) for n in range(5)])
        print("enrolled", number, flush=True)
        if number % 3 == 0:
            gallery.merge(name, into="all")
            print("merged", number, flush=True)
        if number % 3 == 1:
            gallery.forget(name)
            print("forgot", number, flush=True)
        if number % 4 == 0:
            gallery.drop_stage()
            gallery.stage(ModelBinding("m", f"{number:064x}", "m", 2),
                          {id: np.ones(2) for id in gallery.unstaged()})
            print("staged", number, flush=True)
"""
)


@posix
def test_a_killed_process_leaves_all_it_acknowledged_and_nothing_half_done(tmp_path: Path) -> None:
    rng = random.Random(0)
    created(tmp_path / "g", all=[1]).close()
    said: dict[str, set[int]] = {"enrolled": set(), "merged": set(), "forgot": set()}
    for turn in range(1, 7):
        with start(CHANGE_FOR_EVER, tmp_path / "g", turn) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(3)]
            time.sleep(rng.uniform(0, 0.4))
            process.kill()
            lines += process.stdout.readlines()
        for line in lines:
            if not line.endswith("\n"):  # killed while it said so
                continue
            what, number = line.split()
            said.setdefault(what, set()).add(int(number))
        with Gallery.open(tmp_path / "g") as gallery:
            assert gallery.check() == []
            require_acknowledged(held(gallery), said)
    assert said["merged"] and said["forgot"] and said["staged"]


def require_acknowledged(things: dict[str, list[int]], said: dict[str, set[int]]) -> None:
    for number in said["forgot"]:
        assert f"thing {number}" not in things
    for number in said["enrolled"] - said["forgot"]:
        photos = set(range(10 * number, 10 * number + 5))
        if number in said["merged"]:
            assert photos <= set(things["all"])
        elif f"thing {number}" in things:
            assert set(things[f"thing {number}"]) == photos
        else:  # the change after it was whole when the kill came, though nobody heard of it
            assert number == max(n for n in said["enrolled"] if n // 1000 == number // 1000)
            assert photos <= set(things["all"]) or photos.isdisjoint(things["all"])


HOLD = (
    BEGIN
    + """
from pathlib import Path
from firstsight.gallery.lock import WriterLock
with WriterLock(Path(folder) / "gallery.lock").held(5):
    print("held", flush=True)
    sys.stdin.readline()
"""
)


@contextmanager
def locked_by_another(folder: Path) -> Iterator[None]:
    with start(HOLD, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("\n")


def test_a_busy_gallery_is_read_and_says_that_it_is_busy(tmp_path: Path) -> None:
    created(tmp_path / "g", mug=[1]).close()
    with (
        Gallery.open(tmp_path / "g", patience_s=0.1) as gallery,
        locked_by_another(tmp_path / "g"),
    ):
        with pytest.raises(GalleryError, match=r"busy: another process has been writing.*0\.1 s"):
            gallery.remove("mug")
        assert held(gallery) == {"mug": [1]}
        assert not gallery.remember("estimate", 1)
    with Gallery.open(tmp_path / "g") as gallery:
        gallery.remove("mug")


def test_a_lock_that_another_program_holds_is_respected(tmp_path: Path) -> None:
    created(tmp_path / "g", mug=[1]).close()
    other = sqlite3.connect(tmp_path / "g" / "gallery.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Gallery.open(tmp_path / "g", patience_s=0.1) as gallery:
        with pytest.raises(GalleryError, match="is busy: another program holds it"):
            gallery.remove("mug")
        other.execute("ROLLBACK")
        gallery.remove("mug")
    other.close()


FILL = (
    BEGIN
    + """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
gallery = Gallery.open(folder)
if sys.argv[2] != "none":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
kept = 0
try:
    for number in range(1000):
        gallery.enroll([("big", photo(number, os.urandom(20_000)))])
        kept += 1
except FirstsightError as fault:
    print(type(fault).__name__, "|", fault)
print(kept)
if sys.argv[2] != "none":
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000,) * 2)
for write in (export, backup):
    try:
        from pathlib import Path
        write(gallery, Path(sys.argv[3]) / "copy.firstsight")
    except FirstsightError as fault:
        print(type(fault).__name__, "|", fault)
print(gallery.counts()[1])
print(gallery.check())
gallery.close()
"""
)


def require_refused_and_whole(out: str, folder: Path, reason: str) -> None:
    refusal, kept, export_refusal, backup_refusal, count, faults = out.splitlines()
    for line in (refusal, export_refusal, backup_refusal):
        assert line.startswith("StorageError | "), line
        assert reason in line
    assert int(kept) == int(count) > 0
    assert faults == "[]"
    assert not list(folder.parent.rglob("copy.firstsight*"))
    with Gallery.open(folder) as gallery:
        assert gallery.check() == []
        assert gallery.counts() == (1, int(kept))


@posix
def test_files_that_may_not_grow_lose_nothing(tmp_path: Path) -> None:
    created(tmp_path / "g").close()
    out = run(FILL, tmp_path / "g", 400_000, tmp_path)
    require_refused_and_whole(out, tmp_path / "g", "a limit on file sizes")


@posix
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """A disk of 2 MB of our own, in a name space of our own where the system lets us."""
    disk = tmp_path / "disk"
    disk.mkdir()
    inside = (
        f'mount -t tmpfs -o size=2m none {disk} && {sys.executable} -c "$MAKE" {disk}/g && '
        f'{sys.executable} -c "$FILL" {disk}/g none {disk} && cp -r {disk}/g {tmp_path}/g'
    )
    make = BEGIN + f"Gallery.create(folder, name='g', model={MODEL!r}).close()"
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False).returncode:
        pytest.skip("a disk of our own: this system gives no name space to mount one in")
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", inside],
        env={**os.environ, "MAKE": make, "FILL": FILL},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    require_refused_and_whole(done.stdout, tmp_path / "g", "the disk is full")


READ_ONLY = (
    BEGIN
    + """
def refusal(change):
    try:
        change()
    except FirstsightError as fault:
        return f"{type(fault).__name__} | {fault}"
    return "no refusal"

if os.getuid() == 0:
    os.setuid(65534)
gallery = Gallery.open(folder)
print(gallery.read_only, gallery.counts(), len(gallery.vectors()), gallery.info.name)
print(refusal(lambda: gallery.remove("mug")))
print(refusal(lambda: gallery.forget("mug")))
print(gallery.remember("estimate", 1), gallery.recall("estimate"))
print(gallery.check())
print("ready", flush=True)
for line in sys.stdin:
    print(gallery.counts(), flush=True)
gallery.close()
model = ModelBinding("m", "f" * 64, "m", 2)
print(refusal(lambda: Gallery.create(folder + "/inside", name="x", model=model)))
"""
)


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A folder that another user may enter, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for path in (folder, folder / "g"):
            path.chmod(0o755)
        shutil.rmtree(folder)


@posix
@pytest.mark.parametrize("leftover_log", [False, True])
def test_a_folder_that_may_not_be_written_is_read(leftover_log: bool) -> None:
    with open_to_all() as root:
        gallery = created(root / "g", mug=[1, 2])
        if leftover_log:  # as a killed process leaves it: the photos are in the log alone
            shutil.copytree(root / "g", root / "h")
        gallery.close()
        if leftover_log:
            shutil.rmtree(root / "g")
            (root / "h").rename(root / "g")
        for path in (root / "g").iterdir():
            path.chmod(0o444)
        (root / "g").chmod(0o555)
        with start(READ_ONLY, root / "g") as process:
            out, err = process.communicate("\n", timeout=60)
        assert err == ""
        lines = out.splitlines()
        assert lines[0] == "True (1, 2) 2 test"
        assert "GalleryError | " in lines[1] and "open for reading only" in lines[1]
        assert "open for reading only" in lines[2]
        assert lines[3:6] == ["False None", "[]", "ready"]
        assert lines[7].startswith("StorageError | could not write")


@posix
def test_who_may_only_read_sees_what_the_owner_writes() -> None:
    if os.getuid() != 0:
        pytest.skip("two users: only root can become another")
    with open_to_all() as root:
        created(root / "g", mug=[1, 2]).close()
        with start(READ_ONLY, root / "g") as process:
            assert process.stdout is not None and process.stdin is not None
            while process.stdout.readline() != "ready\n":
                pass
            with Gallery.open(root / "g") as owner:
                owner.enroll([("cup", photo(3))])
                process.stdin.write("\n")
                process.stdin.flush()
                assert process.stdout.readline() == "(2, 3)\n"
                owner.enroll([("pot", photo(4))])
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "(3, 4)\n"
            process.communicate()


def test_reading_only_can_be_asked_for(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as writer:
        before = everything(writer)
        with Gallery.open(tmp_path / "g", read_only=True) as reader:
            assert reader.read_only
            assert everything(reader) == before
            with pytest.raises(GalleryError, match="open for reading only"):
                reader.enroll([("mug", photo(2))])
            writer.enroll([("mug", photo(2))])
            assert held(reader) == {"mug": [1, 2]}


def test_what_is_no_gallery_says_so(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"there is no gallery at .*nowhere; enroll something"):
        Gallery.open(tmp_path / "nowhere")
    (tmp_path / "g").mkdir()
    file = tmp_path / "g" / "gallery.sqlite"
    file.write_bytes(b"")
    with pytest.raises(GalleryError, match="no firstsight gallery"):
        Gallery.open(tmp_path / "g")
    file.write_text("This is a text of some length, certainly more than a header. " * 20)
    with pytest.raises(GalleryError, match="damaged or no gallery"):
        Gallery.open(tmp_path / "g")
    with sqlite3.connect(tmp_path / "other.sqlite") as raw:
        raw.execute("CREATE TABLE thing (id)")
    raw.close()
    (tmp_path / "other.sqlite").replace(file)
    with pytest.raises(GalleryError, match="no firstsight gallery"):
        Gallery.open(tmp_path / "g")


def test_a_damaged_gallery_says_so(tmp_path: Path) -> None:
    created(tmp_path / "g", mug=list(range(200))).close()
    file = tmp_path / "g" / "gallery.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(GalleryError, match="damaged"), Gallery.open(tmp_path / "g") as gallery:
        gallery.vectors()
        gallery.photos()
    scribbled = bytearray(whole)
    scribbled[8192:] = os.urandom(len(whole) - 8192)
    file.write_bytes(bytes(scribbled))
    with pytest.raises(GalleryError, match="damaged"), Gallery.open(tmp_path / "g") as gallery:
        gallery.things()
        gallery.vectors()
    file.unlink()
    file.mkdir()
    with pytest.raises((GalleryError, StorageError)):
        Gallery.open(tmp_path / "g")


def test_vectors_of_odd_lengths_are_damage(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1, 2]) as gallery:
        with sqlite3.connect(tmp_path / "g" / "gallery.sqlite") as raw:
            raw.execute("UPDATE vector SET numbers = ?", (np.ones(3, "<f4").tobytes(),))
        raw.close()
        with pytest.raises(GalleryError, match="vectors are not all of 4 numbers"):
            gallery.vectors()
