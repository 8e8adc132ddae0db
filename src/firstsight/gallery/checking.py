"""Whether a gallery's file is whole, beyond what SQLite itself can tell."""

from __future__ import annotations

import sqlite3

from firstsight.errors import UsageError
from firstsight.gallery import rows
from firstsight.gallery.names import proper_name

__all__ = ["find_faults"]

# Each selects the ids of rows that should not be.
_IMPOSSIBLE = {
    "photos that are here belong to things that are gone": (
        "SELECT photo.id FROM photo JOIN thing ON thing.id = thing_id "
        "WHERE photo.gone = 0 AND thing.gone = 1"
    ),
    "photos lack a vector": (
        "SELECT id FROM photo WHERE gone = 0 AND id NOT IN (SELECT photo_id FROM vector)"
    ),
    "steps would change nothing": (
        "SELECT id FROM step WHERE NOT EXISTS (SELECT 1 FROM effect WHERE step_id = step.id)"
    ),
    "removed photos can be brought back by no step": (
        "SELECT id FROM photo WHERE gone = 1 AND NOT EXISTS "
        "(SELECT 1 FROM effect WHERE kind = 'photo' AND row_id = photo.id)"
    ),
}


def find_faults(connection: sqlite3.Connection) -> list[str]:
    """A sentence for each fault; it reads the whole file."""
    reports = [row[0] for row in connection.execute("PRAGMA integrity_check").fetchall()]
    faults = [] if reports == ["ok"] else [f"the file is damaged: {each}" for each in reports]
    n_dangling = len(connection.execute("PRAGMA foreign_key_check").fetchall())
    if n_dangling:
        faults.append(f"{n_dangling} rows point to rows that are not there")
    for told, query in _IMPOSSIBLE.items():
        ids = connection.execute(query).fetchall()
        if ids:
            faults.append(f"{len(ids)} {told}")
    return faults + _misfitting_vectors(connection) + _improper_names(connection)


def _misfitting_vectors(connection: sqlite3.Connection) -> list[str]:
    faults = []
    for table, role in (("vector", "current"), ("staged", "staged")):
        model = rows.binding(connection, role)
        size = 0 if model is None else model.embedding_size
        (n_odd,) = connection.execute(
            f"SELECT count(*) FROM {table} WHERE length(numbers) != ?", (4 * size,)
        ).fetchone()
        if n_odd:
            faults.append(f"{n_odd} vectors are not of the {size} numbers of the {role} model")
    return faults


def _improper_names(connection: sqlite3.Connection) -> list[str]:
    faults = []
    for (name,) in connection.execute("SELECT name FROM thing"):
        try:
            is_proper = proper_name(name) == name
        except UsageError:
            is_proper = False
        if not is_proper:
            faults.append(f"a thing has the name {name[:40]!r}, which it cannot have")
    return faults
