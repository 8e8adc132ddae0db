"""Steps that can be undone: each keeps the old value of every field that it changed.

A row is never deleted by a step. One that a step makes counts as having been `gone` before, so
that undoing a step, of whatever kind, is to put the old values back, the last one first.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from firstsight.errors import GalleryError, NotInGallery, UsageError
from firstsight.gallery import rows
from firstsight.gallery.connection import Store
from firstsight.gallery.records import Step

__all__ = [
    "Change",
    "changing",
    "drop_steps",
    "grow_generation",
    "now",
    "steps_that_made",
    "undo_steps",
    "undo_these",
]

MOST_STEPS = 1_000

# What a step may change. An imported file is not trusted to name anything else.
_FIELDS = {
    "thing": {"name", "notes", "tags", "gone", "merged_into"},
    "photo": {"thing_id", "gone"},
    "verdict": {"named_id", "truth_id", "gone"},
}


class Change:
    """One step being made: changes fields and writes down what they were."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._effects: list[tuple[str, int, str, object, object]] = []
        self._told: list[str | int] = []

    def put(self, kind: str, row_id: int, field: str, new: object) -> None:
        """Set one field of one row of the table `kind`."""
        (old,) = self.connection.execute(
            f"SELECT {field} FROM {kind} WHERE id = ?", (row_id,)
        ).fetchone()
        if old != new:
            self.connection.execute(f"UPDATE {kind} SET {field} = ? WHERE id = ?", (new, row_id))
            self._effects.append((kind, row_id, field, old, new))

    def made(self, kind: str, row_id: int) -> None:
        """This step inserted that row."""
        self._effects.append((kind, row_id, "gone", 1, 0))

    def tell(self, *parts: str | int) -> None:
        """What the step did, for a person. Numbers stand for things, whatever their names."""
        self._told = list(parts)

    @property
    def is_empty(self) -> bool:
        return not self._effects

    def write(self, verb: str) -> None:
        step_id = self.connection.execute(
            'INSERT INTO step (verb, told, "when") VALUES (?, ?, ?)',
            (verb, json.dumps(self._told, ensure_ascii=False), now()),
        ).lastrowid
        self.connection.executemany(
            "INSERT INTO effect (step_id, kind, row_id, field, old, new) VALUES (?, ?, ?, ?, ?, ?)",
            ((step_id, *effect) for effect in self._effects),
        )


@contextmanager
def changing(store: Store, verb: str) -> Iterator[Change]:
    """One transaction and one step; neither where nothing changes in it."""
    with store.writing() as connection:
        change = Change(connection)
        yield change
        if not change.is_empty:
            change.write(verb)
            grow_generation(connection)
            _drop_old_steps(connection)


def undo_steps(connection: sqlite3.Connection, n: int) -> list[Step]:
    """Put back what the last `n` steps changed; gives them, the newest first.

    Raises NotInGallery where there is no step, and GalleryError where one needs what was
    forgotten since; then the caller must keep nothing of it.
    """
    if n < 1:
        raise UsageError(f"{n} steps cannot be undone; give 1 or more")
    undone = rows.steps(connection, n)
    if not undone:
        raise NotInGallery("there is nothing to undo: the gallery has no steps")
    for step in undone:
        try:
            photos = _take_back(connection, step.id)
            fits = _is_consistent(connection, photos)
        except sqlite3.IntegrityError:
            fits = False
        if not fits:
            raise GalleryError(
                f"the step '{step.told}' cannot be undone, because it needs something that was "
                "forgotten, or embedded by another model, since; nothing was undone"
            )
        drop_steps(connection, [step.id])
    grow_generation(connection)
    return undone


def undo_these(connection: sqlite3.Connection, step_ids: Iterable[int]) -> list[Step]:
    """As `undo_steps`, of steps that must be the last ones; GalleryError where others came since.

    NotInGallery where one of them is there no more.
    """
    wanted = set(step_ids)
    (n_there,) = connection.execute(
        "SELECT count(*) FROM step WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(wanted)),),
    ).fetchone()
    if not wanted or n_there < len(wanted):
        raise NotInGallery("this was taken back already, or can be undone no more")
    others = [step for step in rows.steps(connection, len(wanted)) if step.id not in wanted]
    if others:
        raise GalleryError(
            "nothing was undone, for that would take back what was done since: "
            f"{others[0].told}; undo that first, or leave both"
        )
    return undo_steps(connection, len(wanted))


def steps_that_made(
    connection: sqlite3.Connection, photos: Iterable[int], verdicts: Iterable[int]
) -> list[int]:
    """The steps by which these came, as far as they can still be undone, in their order."""
    found: set[int] = set()
    for kind, ids in (("photo", photos), ("verdict", verdicts)):
        made = connection.execute(
            "SELECT min(step_id) FROM effect WHERE kind = ? AND field = 'gone' AND new = 0 "
            "AND row_id IN (SELECT value FROM json_each(?)) GROUP BY row_id",
            (kind, json.dumps(list(ids))),
        )
        found.update(row[0] for row in made)
    return sorted(found)


def _take_back(connection: sqlite3.Connection, step_id: int) -> list[int]:
    """Put the old values back; gives the ids of the photos that were touched."""
    effects = connection.execute(
        "SELECT kind, row_id, field, old FROM effect WHERE step_id = ? ORDER BY id DESC",
        (step_id,),
    ).fetchall()
    for kind, row_id, field, old in effects:
        if field not in _FIELDS.get(kind, ()):
            raise GalleryError(
                f"the gallery is damaged: a step changed '{field}' of '{kind}', which no step "
                "does; put a backup or an export in its place"
            )
        connection.execute(f"UPDATE {kind} SET {field} = ? WHERE id = ?", (old, row_id))
    return [row_id for kind, row_id, _, _ in effects if kind == "photo"]


def _is_consistent(connection: sqlite3.Connection, photos: Sequence[int]) -> bool:
    """Whether every live photo is in a live thing, and each of `photos` that lives has a vector.

    Names and contents that are there twice are refused by the unique indices.
    """
    (is_orphan,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM photo WHERE gone = 0 AND thing_id IN "
        "(SELECT id FROM thing WHERE gone = 1))"
    ).fetchone()
    (lacks_vector,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM photo WHERE gone = 0 AND id IN "
        "(SELECT value FROM json_each(?)) AND id NOT IN (SELECT photo_id FROM vector))",
        (json.dumps(photos),),
    ).fetchone()
    return not is_orphan and not lacks_vector


def drop_steps(connection: sqlite3.Connection, step_ids: Iterable[int]) -> None:
    """Forget how to undo these steps, and purge the removed rows that only they could restore."""
    for step_id in step_ids:
        touched = connection.execute(
            "SELECT DISTINCT kind, row_id FROM effect WHERE step_id = ?", (step_id,)
        ).fetchall()
        connection.execute("DELETE FROM step WHERE id = ?", (step_id,))
        for purged in ("photo", "verdict"):
            connection.executemany(
                f"DELETE FROM {purged} WHERE id = ? AND gone = 1 AND NOT EXISTS "
                f"(SELECT 1 FROM effect WHERE kind = '{purged}' AND row_id = {purged}.id)",
                [(row_id,) for kind, row_id in touched if kind == purged],
            )
    connection.execute(
        "DELETE FROM thing WHERE gone = 1 "
        "AND NOT EXISTS (SELECT 1 FROM photo WHERE thing_id = thing.id) "
        "AND NOT EXISTS (SELECT 1 FROM effect WHERE kind = 'thing' AND row_id = thing.id)"
    )


def _drop_old_steps(connection: sqlite3.Connection) -> None:
    old = connection.execute(
        "SELECT id FROM step ORDER BY id DESC LIMIT -1 OFFSET ?", (MOST_STEPS,)
    ).fetchall()
    if old:
        drop_steps(connection, [row[0] for row in old])


def grow_generation(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE gallery SET generation = generation + 1")


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
