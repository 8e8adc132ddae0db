"""New photos under names: what is new is kept, what is there already is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import GalleryError, ShapeError
from firstsight.gallery import rows
from firstsight.gallery.history import Change, now
from firstsight.gallery.names import proper_name, require_telling
from firstsight.gallery.records import Enrolled, NewPhoto, Photo

__all__ = ["EnrolledElsewhere", "add_thing", "enroll", "storable", "vector_bytes"]


class EnrolledElsewhere(GalleryError):
    """One of several photos, to be kept all or none, is there under another name."""


def enroll(
    change: Change, entries: Sequence[tuple[str, NewPhoto]], *, partial: bool
) -> list[Enrolled]:
    """Keep the new ones of `entries`; what became of each, in their order.

    Raises EnrolledElsewhere for content that is there under another name, unless `partial`;
    UsageError for a bad name, and ShapeError for a vector that is not the model's.
    """
    (keeps_pictures,) = change.connection.execute("SELECT keeps_pictures FROM gallery").fetchone()
    model = rows.binding(change.connection, "current")
    assert model is not None
    results: list[Enrolled] = []
    named: dict[str, int] = {}
    for text, photo in entries:
        name = proper_name(text)
        numbers = vector_bytes(photo.vector, model.embedding_size)
        known = rows.photo_of_content(change.connection, photo.digest)
        if known is not None:
            results.append(_there_already(known, name, photo, partial))
            continue
        if name not in named:
            named[name] = rows.find_thing(change.connection, name) or add_thing(change, name)
        photo_id = _insert(change, named[name], photo, numbers)
        if keeps_pictures and photo.kept is not None:
            change.connection.execute(
                "INSERT INTO picture (photo_id, encoded) VALUES (?, ?)", (photo_id, photo.kept)
            )
        results.append(Enrolled("new", name, photo_id))
    n_new = sum(result.status == "new" for result in results)
    _tell(change, list(named.values()), n_new)
    return results


def _there_already(known: Photo, name: str, photo: NewPhoto, partial: bool) -> Enrolled:
    if known.thing == name:
        return Enrolled("already", known.thing, known.id)
    if not partial:
        raise EnrolledElsewhere(
            f"'{storable(photo.source)}' is in the gallery already, as '{known.thing}', so it was "
            f"not enrolled as '{name}', nor was any other; move it, or leave it out"
        )
    return Enrolled("elsewhere", known.thing, known.id)


def add_thing(change: Change, name: str) -> int:
    """The id of a new thing of that name, which no live thing may have."""
    require_telling(name)
    made = change.connection.execute(
        "INSERT INTO thing (name, notes, tags, added, gone) VALUES (?, '', '[]', ?, 0)",
        (name, now()),
    )
    thing_id = _id_of(made)
    change.made("thing", thing_id)
    return thing_id


def vector_bytes(vector: npt.NDArray[Any], size: int) -> bytes:
    """`size` finite numbers as little-endian float32; ShapeError for anything else."""
    numbers = np.asarray(vector)
    if numbers.shape != (size,):
        raise ShapeError(
            f"a vector of shape {numbers.shape} came for a gallery whose model gives "
            f"({size},); embed the picture with the gallery's model"
        )
    numbers = numbers.astype("<f4")
    if not np.isfinite(numbers).all():
        raise ShapeError("a vector has a number that is not finite; check the model")
    return numbers.tobytes()


def storable(source: str) -> str:
    """File names that are no UTF-8 reach Python with halves of characters in them."""
    return source.encode("utf-8", "backslashreplace").decode("utf-8")


def _insert(change: Change, thing_id: int, photo: NewPhoto, numbers: bytes) -> int:
    made = change.connection.execute(
        "INSERT INTO photo (thing_id, digest, source, width_px, height_px, added, gone) "
        "VALUES (?, ?, ?, ?, ?, ?, 0)",
        (
            thing_id,
            photo.digest,
            storable(photo.source),
            int(photo.width_px),
            int(photo.height_px),
            now(),
        ),
    )
    photo_id = _id_of(made)
    change.connection.execute(
        "INSERT INTO vector (photo_id, numbers) VALUES (?, ?)", (photo_id, numbers)
    )
    change.made("photo", photo_id)
    return photo_id


def _tell(change: Change, things: Sequence[int], n_photos: int) -> None:
    photos = "1 photo" if n_photos == 1 else f"{n_photos} photos"
    if len(things) == 1:
        change.tell(f"enrolled {photos} of ", things[0])
    else:
        change.tell(f"enrolled {photos} of {len(things)} things")


def _id_of(made: sqlite3.Cursor) -> int:
    assert made.lastrowid is not None
    return made.lastrowid
