"""Galleries of tiny vectors, and what they hold as plain values."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import ModelBinding, NewPhoto, Verdict, VerdictKind

SIZE = 4
MODEL = ModelBinding("tiny", "f" * 64, "tiny", SIZE)
OTHER_MODEL = ModelBinding("wider", "e" * 64, "wider", SIZE + 2)


def digest_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def photo(number: int, *, kept: bytes | None = None, source: str | None = None) -> NewPhoto:
    """Photo `number`: its content, its name and its vector say which it is."""
    vector = np.full(SIZE, number, np.float32)
    return NewPhoto(digest_of(number), source or f"{number}.jpg", 30, 40, vector, kept)


def verdict(kind: VerdictKind, named: str | None, truth: str | None, **fields: Any) -> Verdict:
    vector = np.arange(SIZE, dtype=np.float32)
    values: dict[str, Any] = {
        "distance": 0.5,
        "margin": 0.25,
        "digest": digest_of(-1),
        "vector": vector,
    } | fields
    return Verdict(kind, named, truth, **values)


def created(folder: Path, **things: list[int]) -> Gallery:
    """A new gallery with these photos, by number, under these names; nothing where none."""
    gallery = Gallery.create(folder, name="test", model=MODEL)
    if things:
        gallery.enroll([(name, photo(n)) for name, numbers in things.items() for n in numbers])
    return gallery


def held(gallery: Gallery) -> dict[str, list[int]]:
    """The numbers of the photos of each thing, by their vectors."""
    number = {
        id: int(vector[0])
        for id, vector in zip(gallery.vectors().photos, gallery.vectors().vectors, strict=True)
    }
    return {
        thing.name: sorted(number[photo.id] for photo in gallery.photos(thing.name))
        for thing in gallery.things()
    }


def everything(gallery: Gallery) -> tuple[Any, ...]:
    """All that can be seen of a gallery and comes back when steps are undone."""
    vectors = gallery.vectors()
    verdicts = [(v.id, v.kind, v.named, v.truth, v.digest) for v in gallery.verdicts()]
    return (
        gallery.things(),
        gallery.photos(),
        verdicts,
        vectors.photos.tolist(),
        vectors.vectors.tolist(),
        vectors.things.tolist(),
        vectors.starts.tolist(),
    )


def bytes_of(folder: Path) -> bytes:
    """All bytes of all files in the folder, one after the other."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that runs `script`."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(script: str, *arguments: object) -> str:
    """What `script` prints in a process of its own that must end well."""
    with start(script, *arguments) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out
