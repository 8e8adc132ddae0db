"""A set of pictures as one array of pixels, all of one size, with their labels."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from firstsight.data.cache import CacheEntry
from firstsight.data.decoding import DIGEST_BYTES, Decoded, Failure, Progress, decode_all
from firstsight.data.manifest import Archives, Manifest, require_consistent
from firstsight.errors import DataError, ShapeError, StorageError
from firstsight.images.preprocess import Preprocessing
from firstsight.images.rows import PixelRows, choose

__all__ = ["PackedPictures", "Progress", "Unreadable", "pack"]

# What a cache that cannot be written may cost in memory instead.
_MOST_IN_MEMORY_BYTES = 2**31


@dataclass(frozen=True)
class Unreadable:
    """A picture that was left out, and the sentence that says why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class PackedPictures:
    """N pictures, (N, H, W, C) uint8, of C classes in G groups; numbers as in Manifest.

    pixels: as seen, dark ink on light paper; an array, a read-only memory map of one, or chosen
        rows of such a map, which are read when they are asked for.
    digests: (N, 32) uint8, sha256 of what each picture was made from: its encoded bytes, or the
        pixels themselves where there are none.
    fingerprint: sha256, in hex, over digests, labels, drawers, groups and names; `of` works it out.
    skipped: pictures of the set that could not be read and are in none of the arrays.
    Raises ShapeError or DataError where its parts do not fit together.
    """

    name: str
    pixels: PixelRows
    labels: NDArray[np.int64]
    drawers: NDArray[np.int64]
    class_names: tuple[str, ...]
    class_groups: NDArray[np.int64]
    group_names: tuple[str, ...]
    digests: NDArray[np.uint8]
    fingerprint: str
    skipped: tuple[Unreadable, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.dtype != np.uint8:
            raise ShapeError(
                f"pixels of {self.name} are {self.pixels.dtype} of shape {self.pixels.shape}, "
                "but must be uint8 of shape (N, H, W, C)"
            )
        require_consistent(self, len(self.pixels))
        if self.digests.shape != (len(self), DIGEST_BYTES) or self.digests.dtype != np.uint8:
            raise ShapeError(
                f"digests of {self.name} are {self.digests.dtype} of shape {self.digests.shape}, "
                f"but must be uint8 of shape ({len(self)}, {DIGEST_BYTES})"
            )

    @classmethod
    def of(
        cls,
        *,
        name: str,
        pixels: PixelRows,
        labels: NDArray[np.int64],
        drawers: NDArray[np.int64],
        class_names: tuple[str, ...],
        class_groups: NDArray[np.int64],
        group_names: tuple[str, ...],
        digests: NDArray[np.uint8] | None = None,
        skipped: tuple[Unreadable, ...] = (),
    ) -> PackedPictures:
        """A set whose fingerprint, and digests where none are given, are worked out from the rest.

        The pictures are the same to it whatever size they were packed at, but for a change of
        shape.
        """
        digests = _digests(pixels) if digests is None else digests
        numbered = (labels, drawers, class_names, class_groups, group_names)
        unstamped = cls(name, pixels, *numbered, digests, "", skipped)
        return replace(unstamped, fingerprint=_fingerprint(unstamped))

    def fingerprint_at(self, side: int) -> str:
        """What the fingerprint is where the same files are packed at `side` px."""
        return _fingerprint(self, side)

    def __len__(self) -> int:
        return len(self.pixels)

    def __deepcopy__(self, memo: dict[int, Any]) -> PackedPictures:
        # Whoever copies what holds it (an average of weights does) must not copy a whole file.
        return self

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    @property
    def groups(self) -> NDArray[np.int64]:
        """(N,) int64, the group of each picture."""
        groups: NDArray[np.int64] = self.class_groups[self.labels]
        return groups

    @property
    def full_names(self) -> list[tuple[str, str]]:
        """As in Manifest."""
        groups = (self.group_names[number] for number in self.class_groups)
        return list(zip(groups, self.class_names, strict=True))

    def select(self, mask: NDArray[np.bool_]) -> PackedPictures:
        """The pictures where mask (N,) bool is True, in order; empty classes and groups vanish.

        Raises ShapeError for another mask and DataError where nothing is left.
        """
        if mask.shape != (len(self),) or mask.dtype != np.bool_:
            raise ShapeError(
                f"a mask of shape {mask.shape} and type {mask.dtype} came where "
                f"({len(self)},) bool was wanted"
            )
        if not mask.any():
            raise DataError(
                f"nothing of {self.name} is left by this selection; select less tightly"
            )
        pixels = choose(self.pixels, mask)
        return _rows_of(self, mask, (pixels, self.digests[mask]), self.skipped)


def pack(
    manifest: Manifest,
    preprocessing: Preprocessing,
    *,
    cache: Path | None,
    progress: Progress | None = None,
) -> PackedPictures:
    """Decode and fit every picture once, on all cores; from `cache` at once if it is there.

    cache: a folder for packed sets, whose pixels are then memory-mapped; None keeps them in
        memory, and so does a cache that cannot be written.
    progress: told (pictures done, pictures in all), from the calling thread.
    Unreadable pictures are left out and listed in `skipped`. Raises DataError where none is left.
    """
    progress = progress or (lambda done, total: None)
    if cache is None:
        return _packed_in_memory(manifest, preprocessing, progress)
    entry = CacheEntry(cache, _key(manifest, preprocessing))
    known = _from_cache(entry, manifest)
    if known is not None:
        progress(len(manifest), len(manifest))
        return known
    try:
        return _packed_into(entry, manifest, preprocessing, progress)
    except OSError as refusal:  # Unreadable pictures are none here, so it is the cache.
        _require_room_in_memory(manifest, preprocessing, cache, refusal)
        return _packed_in_memory(manifest, preprocessing, progress)


def _packed_in_memory(
    manifest: Manifest, preprocessing: Preprocessing, progress: Progress
) -> PackedPictures:
    pixels = np.empty((len(manifest), *_shape(preprocessing)), np.uint8)

    def keep(start: int, pictures: NDArray[np.uint8]) -> None:
        pixels[start : start + len(pictures)] = pictures

    decoded = decode_all(manifest, preprocessing, keep, progress)
    for place, row in enumerate(decoded.rows.tolist()):
        if place != row:
            pixels[place] = pixels[row]
    return _assembled(manifest, pixels[: len(decoded.rows)], decoded)


def _packed_into(
    entry: CacheEntry, manifest: Manifest, preprocessing: Preprocessing, progress: Progress
) -> PackedPictures:
    with entry.writing(_shape(preprocessing)) as draft:

        def settle(done: int, total: int) -> None:
            draft.settle(done)
            progress(done, total)

        decoded = decode_all(manifest, preprocessing, draft.rows.put, settle, apart=True)
        pictures = _assembled(manifest, draft.pixels(decoded.rows), decoded)
        # A file that could not be opened may be readable next time, and nothing would tell.
        if not any(failure.in_reading for failure in decoded.failures):
            record = {
                "fingerprint": pictures.fingerprint,
                "digests": decoded.digests.tobytes().hex(),
                "skipped": [[failure.row, failure.reason] for failure in decoded.failures],
            }
            draft.keep(record)
        return pictures


def _from_cache(entry: CacheEntry, manifest: Manifest) -> PackedPictures | None:
    """The entry, if it is whole: its fingerprint is worked out again from what lies there."""
    found = entry.read()
    if found is None:
        return None
    pixels, record = found
    try:
        failures = [Failure(int(row), str(reason), False) for row, reason in record["skipped"]]
        rows = np.delete(np.arange(len(manifest)), [failure.row for failure in failures])
        digests = np.frombuffer(bytes.fromhex(record["digests"]), np.uint8)
        decoded = Decoded(rows, digests.reshape(-1, DIGEST_BYTES), failures)
        pictures = _assembled(manifest, pixels, decoded)
        return pictures if pictures.fingerprint == record["fingerprint"] else None
    except (KeyError, TypeError, ValueError, IndexError, DataError, ShapeError):
        return None


def _shape(preprocessing: Preprocessing) -> tuple[int, int, int]:
    return preprocessing.size, preprocessing.size, preprocessing.channels


def _require_room_in_memory(
    manifest: Manifest, preprocessing: Preprocessing, cache: Path, refusal: OSError
) -> None:
    n_bytes = len(manifest) * math.prod(_shape(preprocessing))
    if n_bytes > _MOST_IN_MEMORY_BYTES:
        raise StorageError(
            f"{manifest.name} takes {n_bytes / 1e9:.1f} GB once packed, and the cache in {cache} "
            f"could not be written ({refusal.strerror or refusal}); free some room, or set "
            "FIRSTSIGHT_CACHE to a folder with more"
        ) from refusal


def _assembled(manifest: Manifest, pixels: NDArray[np.uint8], decoded: Decoded) -> PackedPictures:
    failures = decoded.failures
    if len(pixels) == 0:
        raise DataError(
            f"none of the {len(manifest)} pictures of {manifest.name} can be read; "
            f"the first: {failures[0].reason}"
        )
    kept = np.zeros(len(manifest), np.bool_)
    kept[decoded.rows] = True
    skipped = tuple(
        Unreadable(manifest.sources[failure.row].name, failure.reason) for failure in failures
    )
    return _rows_of(manifest, kept, (pixels, decoded.digests), skipped)


def _rows_of(
    labelled: Manifest | PackedPictures,
    kept: NDArray[np.bool_],
    content: tuple[PixelRows, NDArray[np.uint8]],
    skipped: tuple[Unreadable, ...],
) -> PackedPictures:
    """The kept rows, whose pixels and digests these are, with classes and groups numbered anew."""
    classes, labels = np.unique(labelled.labels[kept], return_inverse=True)
    groups, class_groups = np.unique(labelled.class_groups[classes], return_inverse=True)
    pixels, digests = content
    return PackedPictures.of(
        name=labelled.name,
        pixels=pixels,
        labels=labels,
        drawers=labelled.drawers[kept],
        class_names=tuple(labelled.class_names[number] for number in classes),
        class_groups=class_groups,
        group_names=tuple(labelled.group_names[number] for number in groups),
        digests=digests,
        skipped=skipped,
    )


def _key(manifest: Manifest, preprocessing: Preprocessing) -> str:
    """sha256 over all that decides what is packed, without reading the pictures."""
    with Archives() as archives:
        stamps = [archives.stamp(source) for source in manifest.sources]
    # Another Pillow may decode and resize a little differently.
    content = [PIL.__version__, manifest.name, manifest.class_names, manifest.group_names, stamps]
    digest = hashlib.sha256(json.dumps([content, preprocessing.to_json()]).encode())
    for numbers in (manifest.labels, manifest.class_groups, manifest.drawers):
        digest.update(np.ascontiguousarray(numbers, dtype="<i8").data)
    return digest.hexdigest()


def _fingerprint(pictures: PackedPictures, side: int | None = None) -> str:
    n, height, width, channels = pictures.pixels.shape
    shape = (n, side or height, side or width, channels)
    names = [pictures.class_names, pictures.group_names, shape]
    digest = hashlib.sha256(json.dumps(names).encode())
    for numbers in (pictures.labels, pictures.class_groups, pictures.drawers):
        digest.update(np.ascontiguousarray(numbers, dtype="<i8").data)
    digest.update(np.ascontiguousarray(pictures.digests).data)
    return digest.hexdigest()


def _digests(pixels: PixelRows) -> NDArray[np.uint8]:
    found = np.empty((len(pixels), DIGEST_BYTES), np.uint8)
    for row in range(len(pixels)):
        content = np.ascontiguousarray(pixels[row]).data
        found[row] = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
    return found
