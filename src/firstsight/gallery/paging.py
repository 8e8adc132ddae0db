"""A long gallery a page at a time: each page begins where the last ended, however far in it is.

Skipping rows by number would read all that come before, and would skip or repeat things where one
is added or removed meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from firstsight.gallery import rows
from firstsight.gallery.records import Photo, Thing

__all__ = ["covers", "photos_after", "things_after"]

# Written as a comparison of rows, (a, b) > (c, d), SQLite would read the index from its beginning.
_IN_ORDER = """
SELECT id, name, notes, tags FROM thing
WHERE gone = 0
AND name COLLATE NOCASE >= :last AND (name COLLATE NOCASE > :last OR name > :last)
ORDER BY name COLLATE NOCASE, name
"""


def things_after(
    connection: sqlite3.Connection, name: str, n: int, *, containing: str = ""
) -> list[Thing]:
    """The next `n` after the thing of that name ("" begins), as `rows.things` orders them."""
    wanted = containing.casefold()
    found: list[int] = []
    if not wanted:
        asked = {"last": name, "n": n}
        found = [row[0] for row in connection.execute(f"{_IN_ORDER} LIMIT :n", asked)]
    else:
        for thing, *texts, tags in connection.execute(_IN_ORDER, {"last": name}):
            if any(wanted in text.casefold() for text in (*texts, *json.loads(tags))):
                found.append(thing)
            if len(found) == n:
                break
    by_id = {thing.id: thing for thing in rows.things_by_id(connection, found)}
    return [by_id[each] for each in found]


def photos_after(
    connection: sqlite3.Connection, thing_id: int, photo_id: int, n: int
) -> list[Photo]:
    """The next `n` photos of a thing after that number (0 begins), the oldest first."""
    return rows.photos(connection, thing_id, after=photo_id, most=n)


def covers(connection: sqlite3.Connection, thing_ids: Iterable[int]) -> dict[int, int]:
    """Of each thing the number of its first photo with a kept picture, if it has one."""
    listed = ",".join(str(int(each)) for each in thing_ids)
    # Looked for one thing at a time, so that of one with thousands of photos few are read.
    found = connection.execute(
        "SELECT id, (SELECT photo.id FROM photo JOIN picture ON picture.photo_id = photo.id "
        "WHERE thing_id = thing.id AND photo.gone = 0 ORDER BY photo.id LIMIT 1) "
        f"FROM thing WHERE id IN ({listed})"
    )
    return {int(thing): int(photo) for thing, photo in found if photo is not None}
