"""Receipts: what a request did, under its sender's key, so that sent again it is not done again.

They are written in the transaction of the change itself: a crash keeps both or neither.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from firstsight.errors import GalleryError, UsageError
from firstsight.gallery.history import now
from firstsight.gallery.records import Receipt

__all__ = ["MOST_RECEIPTS", "blank", "find", "keep", "retell"]

MOST_RECEIPTS = 10_000  # the oldest go first


def find(connection: sqlite3.Connection, receipt: Receipt) -> tuple[Any] | None:
    """The kept answer, in a tuple; None where this key is new.

    Raises UsageError where the key came with another request, GalleryError where its answer was
    forgotten with what it spoke of.
    """
    row = connection.execute(
        "SELECT request, answer FROM receipt WHERE key = ?", (receipt.key,)
    ).fetchone()
    if row is None:
        return None
    request, answer = row
    if answer is None:
        raise GalleryError(
            "this was done before, under the same key, and something was forgotten since, its "
            "answer with it; look at the things for how they stand now"
        )
    if request != receipt.request:
        raise UsageError(
            "the key came before, with another request; use a new key for each request"
        )
    return (json.loads(answer),)


def keep(connection: sqlite3.Connection, receipt: Receipt, answer: Any) -> None:
    connection.execute(
        'INSERT INTO receipt (key, request, answer, "when") VALUES (?, ?, ?, ?)',
        (receipt.key, receipt.request, json.dumps(answer, ensure_ascii=False), now()),
    )
    connection.execute(
        "DELETE FROM receipt WHERE rowid <= (SELECT max(rowid) FROM receipt) - ?",
        (MOST_RECEIPTS,),
    )


def retell(connection: sqlite3.Connection, receipt: Receipt, answer: Any) -> None:
    """Put another answer in the place of the one that is kept, unless that was forgotten."""
    connection.execute(
        "UPDATE receipt SET answer = ? WHERE key = ? AND answer IS NOT NULL",
        (json.dumps(answer, ensure_ascii=False), receipt.key),
    )


def blank(connection: sqlite3.Connection) -> None:
    """Forget what every answer said; that something was done under its key is kept."""
    connection.execute("UPDATE receipt SET request = '', answer = NULL")
