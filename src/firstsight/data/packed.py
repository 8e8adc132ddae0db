"""A set of pictures as one array of pixels, all of one size, with their labels."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from firstsight.data.cache import CacheEntry
from firstsight.data.decoding import Failure, Progress, decode_all
from firstsight.data.manifest import Archives, Manifest, require_consistent
from firstsight.errors import DataError, ShapeError
from firstsight.images.preprocess import Preprocessing

__all__ = ["PackedPictures", "Progress", "Unreadable", "pack"]


@dataclass(frozen=True)
class Unreadable:
    """A picture that was left out, and the sentence that says why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class PackedPictures:
    """N pictures, (N, H, W, C) uint8, of C classes in G groups; numbers as in Manifest.

    pixels: as seen, dark ink on light paper; an array, or a read-only memory map of one.
    fingerprint: sha256, in hex, over pixels, labels, drawers, groups and names; `of` works it out.
    skipped: pictures of the set that could not be read and are in none of the arrays.
    Raises ShapeError or DataError where its parts do not fit together.
    """

    name: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    drawers: NDArray[np.int64]
    class_names: tuple[str, ...]
    class_groups: NDArray[np.int64]
    group_names: tuple[str, ...]
    fingerprint: str
    skipped: tuple[Unreadable, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.dtype != np.uint8:
            raise ShapeError(
                f"pixels of {self.name} are {self.pixels.dtype} of shape {self.pixels.shape}, "
                "but must be uint8 of shape (N, H, W, C)"
            )
        require_consistent(self, len(self.pixels))

    @classmethod
    def of(
        cls,
        *,
        name: str,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        drawers: NDArray[np.int64],
        class_names: tuple[str, ...],
        class_groups: NDArray[np.int64],
        group_names: tuple[str, ...],
        skipped: tuple[Unreadable, ...] = (),
    ) -> PackedPictures:
        """A set whose fingerprint is worked out from the rest."""
        unstamped = cls(
            name, pixels, labels, drawers, class_names, class_groups, group_names, "", skipped
        )
        return replace(unstamped, fingerprint=_fingerprint(unstamped))

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    @property
    def groups(self) -> NDArray[np.int64]:
        """(N,) int64, the group of each picture."""
        groups: NDArray[np.int64] = self.class_groups[self.labels]
        return groups

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
        pixels = self.pixels if mask.all() else self.pixels[mask]
        return _rows_of(self, mask, pixels, self.skipped)


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
    except OSError:  # Unreadable pictures are no OSError here, so it is the cache: do without.
        return _packed_in_memory(manifest, preprocessing, progress)


def _packed_in_memory(
    manifest: Manifest, preprocessing: Preprocessing, progress: Progress
) -> PackedPictures:
    size = preprocessing.size
    pixels = np.empty((len(manifest), size, size, preprocessing.channels), np.uint8)
    n_kept, failures = 0, []
    for row in decode_all(manifest, preprocessing, progress):
        if isinstance(row, Failure):
            failures.append(row)
        else:
            pixels[n_kept] = row
            n_kept += 1
    return _assembled(manifest, pixels[:n_kept], failures)


def _packed_into(
    entry: CacheEntry, manifest: Manifest, preprocessing: Preprocessing, progress: Progress
) -> PackedPictures:
    size, failures = preprocessing.size, []
    with entry.writing((size, size, preprocessing.channels)) as draft:
        for row in decode_all(manifest, preprocessing, progress):
            if isinstance(row, Failure):
                failures.append(row)
            else:
                draft.append(row)
        pictures = _assembled(manifest, draft.pixels(), failures)
        # A file that could not be opened may be readable next time, and nothing would tell.
        if not any(failure.in_reading for failure in failures):
            skipped = [[failure.row, failure.reason] for failure in failures]
            draft.keep({"fingerprint": pictures.fingerprint, "skipped": skipped})
        return pictures


def _from_cache(entry: CacheEntry, manifest: Manifest) -> PackedPictures | None:
    """The entry, if it is whole: its fingerprint is worked out again from what lies there."""
    found = entry.read()
    if found is None:
        return None
    pixels, record = found
    try:
        failures = [Failure(int(row), str(reason), False) for row, reason in record["skipped"]]
        pictures = _assembled(manifest, pixels, failures)
        return pictures if pictures.fingerprint == record["fingerprint"] else None
    except (KeyError, TypeError, ValueError, IndexError, DataError, ShapeError):
        return None


def _assembled(
    manifest: Manifest, pixels: NDArray[np.uint8], failures: list[Failure]
) -> PackedPictures:
    if len(pixels) == 0:
        raise DataError(
            f"none of the {len(manifest)} pictures of {manifest.name} can be read; "
            f"the first: {failures[0].reason}"
        )
    kept = np.ones(len(manifest), np.bool_)
    kept[[failure.row for failure in failures]] = False
    skipped = tuple(
        Unreadable(manifest.sources[failure.row].name, failure.reason) for failure in failures
    )
    return _rows_of(manifest, kept, pixels, skipped)


def _rows_of(
    labelled: Manifest | PackedPictures,
    kept: NDArray[np.bool_],
    pixels: NDArray[np.uint8],
    skipped: tuple[Unreadable, ...],
) -> PackedPictures:
    """The kept rows, whose pixels these are, with classes and groups numbered anew."""
    classes, labels = np.unique(labelled.labels[kept], return_inverse=True)
    groups, class_groups = np.unique(labelled.class_groups[classes], return_inverse=True)
    return PackedPictures.of(
        name=labelled.name,
        pixels=pixels,
        labels=labels,
        drawers=labelled.drawers[kept],
        class_names=tuple(labelled.class_names[number] for number in classes),
        class_groups=class_groups,
        group_names=tuple(labelled.group_names[number] for number in groups),
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


def _fingerprint(pictures: PackedPictures) -> str:
    names = [pictures.class_names, pictures.group_names, pictures.pixels.shape]
    digest = hashlib.sha256(json.dumps(names).encode())
    for numbers in (pictures.labels, pictures.class_groups, pictures.drawers):
        digest.update(np.ascontiguousarray(numbers, dtype="<i8").data)
    # In parts: a mapped set may be larger than the memory, and one copy of it surely is too much.
    for start in range(0, len(pictures.pixels), 1024):
        digest.update(np.ascontiguousarray(pictures.pixels[start : start + 1024]).data)
    return digest.hexdigest()
