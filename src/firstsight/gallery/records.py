"""What a gallery holds, as plain records; rows of the store never leave it in another form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "Enrolled",
    "GalleryInfo",
    "ModelBinding",
    "NewPhoto",
    "Photo",
    "PhotoVectors",
    "Receipt",
    "Step",
    "Thing",
    "Verdict",
    "VerdictKind",
]

VerdictKind = Literal["right", "wrong", "other"]


@dataclass(frozen=True)
class ModelBinding:
    """The model that embedded a gallery's photos.

    fingerprint: sha256 hex of weights, preprocessing and head. place: how it was named when the
    gallery was made (a shipped name, or an absolute path), to open it again.
    """

    name: str
    fingerprint: str
    place: str
    embedding_size: int


@dataclass(frozen=True)
class GalleryInfo:
    """keeps_pictures: False where small pictures are left out for privacy."""

    name: str
    model: ModelBinding
    keeps_pictures: bool
    created: str
    schema_version: int


@dataclass(frozen=True)
class Thing:
    """added: UTC, ISO 8601."""

    id: int
    name: str
    notes: str
    tags: tuple[str, ...]
    n_photos: int
    added: str


@dataclass(frozen=True)
class Photo:
    """digest: sha256 hex of the content it came as. source: the file's name, as it was given.

    width_px, height_px: upright, before any reduction.
    """

    id: int
    thing: str
    digest: str
    source: str
    width_px: int
    height_px: int
    added: str
    has_picture: bool


@dataclass(frozen=True, eq=False)
class NewPhoto:
    """A photo to enroll. vector: (D,) float32. kept: the small picture, encoded, or None."""

    digest: str
    source: str
    width_px: int
    height_px: int
    vector: npt.NDArray[np.float32]
    kept: bytes | None = None


@dataclass(frozen=True)
class Enrolled:
    """What became of one photo.

    status: "new"; "already" where the same content is there under the same name (nothing is
    changed); "elsewhere" where it is there under another name, `thing` (nothing is changed).
    photo: the id of the photo that now holds this content.
    """

    status: Literal["new", "already", "elsewhere"]
    thing: str
    photo: int


@dataclass(frozen=True, eq=False)
class PhotoVectors:
    """Every photo's vector, the photos of one thing side by side.

    photos: (P,) photo ids, ordered by (thing id, photo id). vectors: (P, D) float32.
    things: (T,) thing ids, ascending. starts: (T,) the first row of each thing; every thing here
    has at least one photo, so starts rises strictly from 0.
    """

    photos: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]
    things: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.photos)


@dataclass(frozen=True)
class Receipt:
    """key: sha256 hex of what its sender calls a request. request: sha256 hex of its content."""

    key: str
    request: str


@dataclass(frozen=True)
class Step:
    """One change that can be undone.

    verb: enroll, describe, rename, move, merge, unmerge, remove, verdict or withdraw.

    told: one phrase for a person, like "merged 'cup' into 'mug'".
    """

    id: int
    verb: str
    told: str
    when: str


@dataclass(frozen=True, eq=False)
class Verdict:
    """A person's word on one answer.

    kind: "right": the name given was right. "wrong": it was not, and nobody said what it is.
    "other": it was not, it is the thing `truth`.
    named: the thing that the answer named or was nearest to (None where it is gone).
    truth: for "right" the same as named; for "other" the true thing; for "wrong" None.
    distance, margin: of the answer, as in its record; margin is None where there was no rival.
    vector: (D,) of the picture asked about. digest: of its content. kept: as in NewPhoto.
    details: what else the answer said, for the record.
    """

    kind: VerdictKind
    named: str | None
    truth: str | None
    distance: float
    margin: float | None
    digest: str
    vector: npt.NDArray[np.float32]
    kept: bytes | None = None
    when: str = ""
    id: int = 0
    details: dict[str, Any] = field(default_factory=dict)
