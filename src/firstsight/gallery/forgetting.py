"""Forgetting: what cannot be undone, and leaves no byte behind in the gallery's folder.

First the rows go, in one transaction. Then the file is swept: SQLite overwrites deleted rows
with zeros (`secure_delete`), but moving rows between pages can leave old copies behind (measured
with SQLite 3.40: 1 of 2,400 deleted names), so the whole file is written anew (VACUUM), the
write-ahead log is cut to nothing, and the disposable matrices beside the store are deleted.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from contextlib import suppress
from dataclasses import dataclass

from firstsight.errors import GalleryError, NotInGallery, StorageError, storing
from firstsight.gallery import receipts, rows
from firstsight.gallery.connection import Store
from firstsight.gallery.history import drop_steps, grow_generation
from firstsight.gallery.names import proper_name

__all__ = [
    "Forgotten",
    "forget",
    "forget_photo",
    "heirs",
    "is_left",
    "sweep_after_forgetting",
    "sweep_if_left",
]

DISPOSABLE = ("matrix-*", "*.partial")

OPENING_PATIENCE_S = 0.2

SHORT = 3  # characters; such a name is part of many words

_LISTED = "(SELECT value FROM json_each(?))"

_NAMED_AND_MERGED = """
WITH RECURSIVE chosen (id) AS (
    SELECT id FROM thing WHERE name = ?
    UNION
    SELECT thing.id FROM thing JOIN chosen ON merged_into = chosen.id WHERE gone = 1
)
SELECT id FROM chosen
"""

_MERGED_INTO = """
WITH RECURSIVE chosen (id) AS (
    SELECT merged_into FROM thing WHERE name = :name AND gone = 1
    UNION
    SELECT merged_into FROM thing JOIN chosen USING (id) WHERE gone = 1
)
SELECT name FROM thing JOIN chosen USING (id) WHERE gone = 0 AND name != :name ORDER BY name
"""

# Those that the things have, and those that they had.
_EVERY_NAME = """
SELECT name FROM thing WHERE id IN (SELECT value FROM json_each(:things))
UNION
SELECT old FROM effect WHERE kind = 'thing' AND field = 'name'
    AND row_id IN (SELECT value FROM json_each(:things))
UNION
SELECT new FROM effect WHERE kind = 'thing' AND field = 'name'
    AND row_id IN (SELECT value FROM json_each(:things))
"""

# Fields that say which thing a row belongs to.
_OWNERS = "('thing_id', 'merged_into', 'named_id', 'truth_id')"


@dataclass(frozen=True)
class Forgotten:
    """How much was forgotten, removed things and photos included."""

    n_photos: int
    n_verdicts: int


def forget(connection: sqlite3.Connection, name: str) -> Forgotten:
    """Purge every thing of that name, also removed and merged ones, and all that was of it.

    What was merged into it goes with it.
    """
    name = proper_name(name)
    things = _ids(connection, _NAMED_AND_MERGED, name)
    if not things:
        raise rows.no_such_thing(connection, name)
    owners = json.dumps(things)
    names = connection.execute(_EVERY_NAME, {"things": owners}).fetchall()
    photos = _ids(connection, f"SELECT id FROM photo WHERE thing_id IN {_LISTED}", owners)
    forgotten = _purge(connection, things, photos)
    # Another thing may once have been called so: it keeps its name of today.
    renaming = "SELECT DISTINCT step_id FROM effect WHERE field = 'name' AND ?1 IN (old, new)"
    drop_steps(connection, _ids(connection, renaming, name))
    _blank_details(connection, [each for (each,) in names])
    return forgotten


def heirs(connection: sqlite3.Connection, name: str) -> list[str]:
    """The things that those of this name were merged into: they keep its photos if it is forgotten.

    NotInGallery where there is no thing of that name, not even a removed or merged one.
    """
    name = proper_name(name)
    if not _ids(connection, _NAMED_AND_MERGED, name):
        raise rows.no_such_thing(connection, name)
    return [row[0] for row in connection.execute(_MERGED_INTO, {"name": name})]


def forget_photo(connection: sqlite3.Connection, photo_id: int) -> Forgotten:
    """Purge one photo, also a removed one."""
    photos = _ids(connection, "SELECT id FROM photo WHERE id = ?", photo_id)
    if not photos:
        raise NotInGallery(
            f"the gallery holds no photo with the number {photo_id}; list a thing's photos "
            "for their numbers"
        )
    return _purge(connection, [], photos)


def sweep(store: Store, *, patience_s: float | None = None) -> None:
    """Leave no trace of deleted rows in the folder.

    Raises GalleryError or StorageError where something is in the way; the gallery stays marked
    and the next to open it tries again.
    """
    with store.alone(patience_s) as connection:
        connection.execute("VACUUM")
        (is_read,) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[:1]
        if is_read:
            raise GalleryError("another process still reads the gallery as it was")
        for pattern in DISPOSABLE:
            for path in store.folder.glob(pattern):
                with storing(path):
                    path.unlink(missing_ok=True)
        connection.execute("UPDATE gallery SET unswept = 0")


def sweep_after_forgetting(store: Store) -> None:
    """Sweep; where that cannot be done now, say that the rows are gone nevertheless."""
    try:
        sweep(store)
    except (GalleryError, StorageError) as fault:
        raise type(fault)(
            f"it is forgotten, but unused parts of the file still have traces of it: {fault}; "
            "they are swept when the gallery is next opened"
        ) from fault


def is_left(store: Store) -> bool:
    """Whether something was forgotten, and the file not swept since."""
    with store.reading() as connection:
        return bool(connection.execute("SELECT unswept FROM gallery").fetchone()[0])


def sweep_if_left(store: Store) -> None:
    """Finish what a crash or a full disk cut short; not being able to is no reason to refuse."""
    if is_left(store):
        with suppress(GalleryError, StorageError):
            sweep(store, patience_s=OPENING_PATIENCE_S)


def _purge(connection: sqlite3.Connection, things: list[int], photos: list[int]) -> Forgotten:
    """Delete those rows, what speaks of them, and the steps that cannot do without them."""
    contents = json.dumps(
        _ids(connection, f"SELECT digest FROM photo WHERE id IN {_LISTED}", json.dumps(photos))
    )
    # The same content may lie under another name too, removed.
    photos = sorted(
        {*photos, *_ids(connection, f"SELECT id FROM photo WHERE digest IN {_LISTED}", contents)}
    )
    owners = json.dumps(things)
    verdicts = sorted(
        {
            *_ids(connection, f"SELECT id FROM verdict WHERE digest IN {_LISTED}", contents),
            *_ids(connection, f"SELECT id FROM verdict WHERE named_id IN {_LISTED}", owners),
            *_ids(connection, f"SELECT id FROM verdict WHERE truth_id IN {_LISTED}", owners),
        }
    )
    for kind, ids in (("photo", photos), ("verdict", verdicts), ("thing", things)):
        connection.executemany(
            f"DELETE FROM effect WHERE kind = '{kind}' AND row_id = ?", [(each,) for each in ids]
        )
    # A step that brought something else into or out of what is forgotten cannot be undone.
    for value in ("old", "new"):
        query = (
            f"SELECT DISTINCT step_id FROM effect WHERE field IN {_OWNERS} AND {value} IN {_LISTED}"
        )
        drop_steps(connection, _ids(connection, query, owners))
    for kind, ids in (("photo", photos), ("verdict", verdicts), ("thing", things)):
        connection.executemany(f"DELETE FROM {kind} WHERE id = ?", [(each,) for each in ids])
    empty = "SELECT id FROM step WHERE NOT EXISTS (SELECT 1 FROM effect WHERE step_id = step.id)"
    drop_steps(connection, _ids(connection, empty))
    connection.execute("DELETE FROM remembered")
    receipts.blank(connection)
    connection.execute("UPDATE gallery SET unswept = 1")
    grow_generation(connection)
    return Forgotten(n_photos=len(photos), n_verdicts=len(verdicts))


def _blank_details(connection: sqlite3.Connection, names: list[str]) -> None:
    """Empty the details of verdicts that hold one of the names, as a picture's name may."""
    for verdict, text in connection.execute("SELECT id, details FROM verdict").fetchall():
        said = [value for key, value in json.loads(text).items() if key != "decision"]
        told = json.dumps(said, ensure_ascii=False)
        if any(_holds(told, json.dumps(each, ensure_ascii=False)[1:-1]) for each in names):
            connection.execute("UPDATE verdict SET details = '{}' WHERE id = ?", (verdict,))


def _holds(text: str, name: str) -> bool:
    """Whatever the capitals. A short name must be a word there: `n` is in n.png, not in known."""
    text, name = (unicodedata.normalize("NFC", each).casefold() for each in (text, name))
    if len(name) > SHORT:
        return name in text
    return any(
        not _runs_on(text[found.start() - 1 : found.start()], name[0])
        and not _runs_on(name[-1], text[found.end() : found.end() + 1])
        for found in re.finditer(re.escape(name), text)
    )


def _runs_on(left: str, right: str) -> bool:
    """Whether a word, or a number, goes on from one sign to the next.

    Scripts without small letters may write words without a gap, so nothing is known of theirs.
    """
    return (left.islower() and right.islower()) or (left.isdigit() and right.isdigit())


def _ids(connection: sqlite3.Connection, query: str, *values: object) -> list[int]:
    return [row[0] for row in connection.execute(query, values).fetchall()]
