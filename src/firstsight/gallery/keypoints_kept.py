"""Keypoints of enrolled photos, found from their kept pictures when first asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

__all__ = ["keep", "kept"]


def kept(connection: sqlite3.Connection, photo_ids: Iterable[int], form: int) -> dict[int, bytes]:
    """By photo, those that were kept in this form."""
    found = dict[int, bytes]()
    for photo_id in photo_ids:
        row = connection.execute(
            "SELECT packed FROM keypoints WHERE photo_id = ? AND form = ?", (photo_id, form)
        ).fetchone()
        if row is not None:
            found[photo_id] = bytes(row[0])
    return found


def keep(connection: sqlite3.Connection, packed: Mapping[int, bytes], form: int) -> None:
    """Of photos that were forgotten meanwhile, or whose pictures are not kept, nothing."""
    for photo_id, each in packed.items():
        connection.execute(
            "INSERT OR REPLACE INTO keypoints (photo_id, form, packed) "
            "SELECT photo_id, ?, ? FROM picture WHERE photo_id = ?",
            (form, each, photo_id),
        )
