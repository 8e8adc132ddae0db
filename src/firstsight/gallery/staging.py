"""A second set of vectors, by another model, made beside the first and exchanged at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from firstsight.errors import GalleryError
from firstsight.gallery import rows
from firstsight.gallery.enrolling import vector_bytes
from firstsight.gallery.history import grow_generation
from firstsight.gallery.records import ModelBinding, PhotoVectors

__all__ = ["drop_stage", "former", "stage", "staged", "switch", "unstaged"]


def stage(
    connection: sqlite3.Connection, model: ModelBinding, vectors: Mapping[int, npt.NDArray[Any]]
) -> None:
    """Keep `model`'s vectors, by photo id, beside those in force.

    A photo that was forgotten since its vector was computed is passed over. Raises GalleryError
    where vectors of another model are staged or `model` is in force, and ShapeError for a vector
    that is not `model`'s.
    """
    present, current = rows.binding(connection, "staged"), rows.binding(connection, "current")
    if current is not None and current.fingerprint == model.fingerprint:
        raise GalleryError(f"'{model.name}' is the gallery's model already; stage another")
    if present is not None and present.fingerprint != model.fingerprint:
        raise GalleryError(
            f"vectors of the model '{present.name}' are staged; drop them before staging those "
            f"of '{model.name}'"
        )
    if present is None:
        connection.execute(
            "INSERT INTO model (role, name, fingerprint, place, embedding_size) "
            "VALUES ('staged', ?, ?, ?, ?)",
            (model.name, model.fingerprint, model.place, model.embedding_size),
        )
    connection.executemany(
        "INSERT OR REPLACE INTO staged (photo_id, numbers) SELECT id, ?2 FROM photo WHERE id = ?1",
        [(int(id), vector_bytes(each, model.embedding_size)) for id, each in vectors.items()],
    )


def staged(connection: sqlite3.Connection) -> tuple[ModelBinding, PhotoVectors] | None:
    model = rows.binding(connection, "staged")
    if model is None:
        return None
    return model, rows.photo_vectors(connection, "staged", model.embedding_size)


def former(connection: sqlite3.Connection) -> ModelBinding | None:
    """The staged model where it was in force before the last switch; None where it never was.

    The row of a model stands behind those from before it came, or came back, into force.
    """
    (was_in_force,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM model AS kept JOIN model AS used ON kept.rowid < used.rowid "
        "WHERE kept.role = 'staged' AND used.role = 'current')"
    ).fetchone()
    return rows.binding(connection, "staged") if was_in_force else None


def unstaged(connection: sqlite3.Connection) -> list[int]:
    """The ids of the live photos that have no staged vector, ascending."""
    found = connection.execute(
        "SELECT id FROM photo WHERE gone = 0 AND id NOT IN (SELECT photo_id FROM staged) "
        "ORDER BY id"
    )
    return [row[0] for row in found]


def switch(connection: sqlite3.Connection) -> None:
    """Put the staged vectors and their model in force, and stage those that were.

    Raises GalleryError where nothing is staged, or not every live photo is.
    """
    model, missing = rows.binding(connection, "staged"), unstaged(connection)
    if model is None:
        raise GalleryError("there is no model to switch to; stage its vectors first")
    if missing:
        raise GalleryError(
            f"{len(missing)} of the photos have no vector by '{model.name}' yet; "
            "stage those too, then switch"
        )
    for old, new in (("vector", "spare"), ("staged", "vector"), ("spare", "staged")):
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
    for old, new in (("current", "spare"), ("staged", "current"), ("spare", "staged")):
        connection.execute("UPDATE model SET role = ? WHERE role = ?", (new, old))
    connection.execute(
        "UPDATE model SET rowid = (SELECT max(rowid) + 1 FROM model) WHERE role = 'current'"
    )  # behind the other: see `former`
    connection.execute("DELETE FROM remembered")  # estimates by the other model
    grow_generation(connection)


def drop_stage(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM staged")
    connection.execute("DELETE FROM model WHERE role = 'staged'")
