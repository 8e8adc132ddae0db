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

_IN_ORDER = """
SELECT id, name, notes, tags FROM thing
WHERE gone = 0 AND (name COLLATE NOCASE, name) > (?, ?)
ORDER BY name COLLATE NOCASE, name
"""


def things_after(
    connection: sqlite3.Connection, name: str, n: int, *, containing: str = ""
) -> list[Thing]:
    """The next `n` after the thing of that name ("" begins), as `rows.things` orders them."""
    wanted = containing.casefold()
    found: list[int] = []
    if not wanted:
        found = [row[0] for row in connection.execute(f"{_IN_ORDER} LIMIT ?", (name, name, n))]
    else:
        for thing, *texts, tags in connection.execute(_IN_ORDER, (name, name)):
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
    found = connection.execute(
        "SELECT thing_id, min(photo.id) FROM photo JOIN picture ON picture.photo_id = photo.id "
        f"WHERE gone = 0 AND thing_id IN ({listed}) GROUP BY thing_id"
    )
    return {int(thing): int(photo) for thing, photo in found}
