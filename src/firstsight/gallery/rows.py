"""From the rows of the store to records; every function here only reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import GalleryError, NotInGallery
from firstsight.gallery.names import nearest_names
from firstsight.gallery.records import (
    GalleryInfo,
    ModelBinding,
    Photo,
    PhotoVectors,
    Step,
    Thing,
    Verdict,
)

ROWS_AT_ONCE = 10_000  # so that a million vectors are not held as objects too

_THING = """
SELECT id, name, notes, tags, added,
    (SELECT count(*) FROM photo WHERE photo.thing_id = thing.id AND photo.gone = 0)
FROM thing WHERE gone = 0
"""
_PHOTO = """
SELECT photo.id, thing.name, digest, source, width_px, height_px, photo.added,
    EXISTS (SELECT 1 FROM picture WHERE picture.photo_id = photo.id)
FROM photo JOIN thing ON thing.id = photo.thing_id WHERE photo.gone = 0
"""
_VERDICT = """
SELECT verdict.id, kind, named.name, truth.name, distance, margin, digest, numbers, encoded,
    details, "when"
FROM verdict
LEFT JOIN thing AS named ON named.id = named_id AND named.gone = 0
LEFT JOIN thing AS truth ON truth.id = truth_id AND truth.gone = 0
WHERE verdict.gone = 0
"""


def gallery_info(connection: sqlite3.Connection) -> GalleryInfo:
    name, keeps, created = connection.execute(
        "SELECT name, keeps_pictures, created FROM gallery"
    ).fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    model = binding(connection, "current")
    assert model is not None
    return GalleryInfo(name, model, bool(keeps), created, version)


def binding(connection: sqlite3.Connection, role: str) -> ModelBinding | None:
    row = connection.execute(
        "SELECT name, fingerprint, place, embedding_size FROM model WHERE role = ?", (role,)
    ).fetchone()
    return None if row is None else ModelBinding(*row)


def things(
    connection: sqlite3.Connection, containing: str, offset: int, limit: int | None
) -> list[Thing]:
    """By name, capitals and small letters alike; `containing` in name, notes or a tag."""
    rows = connection.execute(f"{_THING} ORDER BY name COLLATE NOCASE, name")
    found = [_thing(row) for row in rows]
    if containing:
        wanted = containing.casefold()
        found = [
            each
            for each in found
            if any(wanted in text.casefold() for text in (each.name, each.notes, *each.tags))
        ]
    return found[offset : None if limit is None else offset + limit]


def things_by_id(connection: sqlite3.Connection, thing_ids: Iterable[int]) -> list[Thing]:
    """In no particular order; those that are gone are left out."""
    listed = ",".join(str(int(each)) for each in thing_ids)
    return [_thing(row) for row in connection.execute(f"{_THING} AND id IN ({listed})")]


def thing(connection: sqlite3.Connection, name: str) -> Thing:
    row = connection.execute(f"{_THING} AND name = ?", (name,)).fetchone()
    if row is None:
        raise no_such_thing(connection, name)
    return _thing(row)


def names(
    connection: sqlite3.Connection, thing_ids: Iterable[int], *, also_gone: bool = False
) -> dict[int, str]:
    """The names of these things, by id; unless `also_gone`, of those that are here."""
    listed = ",".join(str(int(each)) for each in thing_ids)
    found = connection.execute(
        f"SELECT id, name FROM thing WHERE gone <= ? AND id IN ({listed})", (also_gone,)
    )
    return {int(thing): str(name) for thing, name in found}


def thing_id(connection: sqlite3.Connection, name: str) -> int:
    """The id of the thing of that name; NotInGallery, with names like it, where there is none."""
    found = find_thing(connection, name)
    if found is None:
        raise no_such_thing(connection, name)
    return found


def find_thing(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT id FROM thing WHERE gone = 0 AND name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def no_such_thing(connection: sqlite3.Connection, name: str) -> NotInGallery:
    names = [row[0] for row in connection.execute("SELECT name FROM thing WHERE gone = 0")]
    near = nearest_names(name, names)
    if near:
        remedy = "did you mean " + " or ".join(f"'{each}'" for each in near) + "?"
    else:
        remedy = "list its things for the names" if names else "it is empty"
    return NotInGallery(f"the gallery holds nothing named '{name}'; {remedy}")


def photos(
    connection: sqlite3.Connection, of_thing: int | None, *, after: int = 0, most: int | None = None
) -> list[Photo]:
    """after: the number that they follow. most: how many; None gives all."""
    limit = -1 if most is None else most  # as SQLite says "all"
    order = "AND photo.id > ? ORDER BY photo.thing_id, photo.id LIMIT ?"
    if of_thing is None:
        rows = connection.execute(f"{_PHOTO} {order}", (after, limit))
    else:
        rows = connection.execute(
            f"{_PHOTO} AND photo.thing_id = ? {order}", (of_thing, after, limit)
        )
    return [_photo(row) for row in rows]


def photo(connection: sqlite3.Connection, photo_id: int) -> Photo:
    row = connection.execute(f"{_PHOTO} AND photo.id = ?", (photo_id,)).fetchone()
    if row is None:
        raise NotInGallery(
            f"the gallery holds no photo with the number {photo_id}; list a thing's photos "
            "for their numbers"
        )
    return _photo(row)


def photo_of_content(connection: sqlite3.Connection, digest: str) -> Photo | None:
    row = connection.execute(f"{_PHOTO} AND digest = ?", (digest,)).fetchone()
    return None if row is None else _photo(row)


def counts(connection: sqlite3.Connection) -> tuple[int, int]:
    (n_things,) = connection.execute("SELECT count(*) FROM thing WHERE gone = 0").fetchone()
    (n_photos,) = connection.execute("SELECT count(*) FROM photo WHERE gone = 0").fetchone()
    return n_things, n_photos


def photo_vectors(connection: sqlite3.Connection, table: str, size: int) -> PhotoVectors:
    """The vectors of the live photos. table: "vector" or "staged". size: D."""
    # In the order of the file, which CROSS JOIN insists on; sorting here is twice as fast.
    joined = f"FROM {table} CROSS JOIN photo ON photo.id = photo_id WHERE gone = 0"
    (n_photos,) = connection.execute(f"SELECT count(*) {joined}").fetchone()
    ids, owners = np.empty(n_photos, np.int64), np.empty(n_photos, np.int64)
    vectors = np.empty((n_photos, size), np.float32)
    cursor = connection.execute(f"SELECT photo_id, thing_id, numbers {joined}")
    for start in range(0, n_photos, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        ids[part], owners[part], blobs = zip(*cursor.fetchmany(ROWS_AT_ONCE), strict=True)
        if any(len(blob) != 4 * size for blob in blobs):
            raise GalleryError(
                f"the gallery is damaged: its vectors are not all of {size} numbers; "
                "put a backup or an export in its place"
            )
        vectors[part] = _floats(b"".join(blobs)).reshape(-1, size)
    order = np.lexsort((ids, owners))
    things, starts = np.unique(owners[order], return_index=True)
    return PhotoVectors(ids[order], vectors[order], things, starts.astype(np.int64))


def steps(connection: sqlite3.Connection, limit: int) -> list[Step]:
    """The last `limit` steps, the newest first."""
    rows = connection.execute(
        'SELECT id, verb, told, "when" FROM step ORDER BY id DESC LIMIT ?', (limit,)
    ).fetchall()
    return [Step(row[0], row[1], _told(connection, json.loads(row[2])), row[3]) for row in rows]


def _told(connection: sqlite3.Connection, parts: Sequence[str | int]) -> str:
    """Numbers stand for things, by the name that each has now."""
    return "".join(part if isinstance(part, str) else _name(connection, part) for part in parts)


def _name(connection: sqlite3.Connection, thing: int) -> str:
    row = connection.execute("SELECT name FROM thing WHERE id = ?", (thing,)).fetchone()
    return "something forgotten" if row is None else f"'{row[0]}'"


def verdicts(connection: sqlite3.Connection, fingerprint: str | None) -> list[Verdict]:
    """In the order they were given; of the answers of that model alone, unless it is None."""
    only = "" if fingerprint is None else "AND fingerprint = ?"
    rows = connection.execute(
        f"{_VERDICT} {only} ORDER BY verdict.id", () if fingerprint is None else (fingerprint,)
    )
    return [_verdict(row) for row in rows]


def _thing(row: Sequence[Any]) -> Thing:
    return Thing(
        id=row[0],
        name=row[1],
        notes=row[2],
        tags=tuple(json.loads(row[3])),
        n_photos=row[5],
        added=row[4],
    )


def _photo(row: Sequence[Any]) -> Photo:
    return Photo(*(*row[:7], bool(row[7])))


def _verdict(row: Sequence[Any]) -> Verdict:
    return Verdict(
        kind=row[1],
        named=row[2],
        truth=row[3],
        distance=row[4],
        margin=row[5],
        digest=row[6],
        vector=_floats(row[7]),
        kept=row[8],
        when=row[10],
        id=row[0],
        details=json.loads(row[9]),
    )


def _floats(numbers: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(numbers, "<f4").astype(np.float32, copy=False)


def recalled(connection: sqlite3.Connection, key: str) -> Any:
    row = connection.execute("SELECT value FROM remembered WHERE key = ?", (key,)).fetchone()
    return None if row is None else json.loads(row[0])
