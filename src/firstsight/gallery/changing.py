"""Naming, moving, merging and removing what is there; each is one step that can be undone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from firstsight.errors import GalleryError, NotInGallery, UsageError
from firstsight.gallery import rows
from firstsight.gallery.enrolling import add_thing
from firstsight.gallery.history import Change
from firstsight.gallery.names import proper_name, proper_notes, proper_tags, require_telling

__all__ = ["describe", "merge", "move", "remove", "remove_photo", "rename", "unmerge"]


def describe(change: Change, name: str, notes: str | None, tags: Iterable[str] | None) -> None:
    if notes is None and tags is None:
        raise UsageError("describing needs notes or tags; give one of them")
    thing = rows.thing_id(change.connection, proper_name(name))
    if notes is not None:
        change.put("thing", thing, "notes", proper_notes(notes))
    if tags is not None:
        change.put("thing", thing, "tags", json.dumps(proper_tags(tags), ensure_ascii=False))
    change.tell("described ", thing)


def rename(change: Change, old: str, new: str) -> None:
    old, new = proper_name(old), proper_name(new)
    thing = rows.thing_id(change.connection, old)
    if old != new:
        require_telling(new)
        _require_free(change.connection, new, "merge the two, or choose another name")
        change.put("thing", thing, "name", new)
        change.tell(f"renamed '{old}' to '{new}'")


def move(change: Change, photo_id: int, to: str) -> None:
    name = proper_name(to)
    photo = rows.photo(change.connection, photo_id)
    if photo.thing != name:
        origin = rows.thing_id(change.connection, photo.thing)
        target = rows.find_thing(change.connection, name) or add_thing(change, name)
        change.put("photo", photo_id, "thing_id", target)
        change.tell(f"moved photo {photo_id} from ", origin, " to ", target)


def merge(change: Change, name: str, into: str) -> None:
    """The photos of `name`, and the verdicts on it, become those of `into`; `name` goes.

    A verdict that told the two apart makes no sense any more, and goes too.
    """
    connection = change.connection
    thing = rows.thing_id(connection, proper_name(name))
    target = rows.thing_id(connection, proper_name(into))
    if thing == target:
        raise UsageError(f"'{name}' cannot be merged into itself; name two things")
    change.put("thing", thing, "gone", 1)
    change.put("thing", thing, "merged_into", target)
    for photo in _photos_of(connection, thing):
        change.put("photo", photo, "thing_id", target)
    both = {"one": thing, "other": target}
    for verdict in _ids(
        connection,
        "SELECT id FROM verdict WHERE gone = 0 AND ((named_id = :one AND truth_id = :other) "
        "OR (named_id = :other AND truth_id = :one))",
        both,
    ):
        change.put("verdict", verdict, "gone", 1)
    for field in ("named_id", "truth_id"):
        on_it = f"SELECT id FROM verdict WHERE gone = 0 AND {field} = :one"
        for verdict in _ids(connection, on_it, both):
            change.put("verdict", verdict, field, target)
    change.tell("merged ", thing, " into ", target)


def unmerge(change: Change, name: str) -> None:
    """Bring back the thing that was merged away last under `name`.

    Its photos and verdicts come back from the thing that has them by merging; what was moved
    or removed by hand since stays as it is.
    """
    connection, name = change.connection, proper_name(name)
    thing, step = _merged_away(connection, name)
    holder = _holder(connection, thing)
    _require_free(connection, name, "rename that one first")
    change.put("thing", thing, "gone", 0)
    change.put("thing", thing, "merged_into", None)
    effects = connection.execute(
        "SELECT kind, row_id, field FROM effect WHERE step_id = ? AND kind != 'thing' ORDER BY id",
        (step,),
    ).fetchall()
    for kind, row_id, field in effects:
        if field == "gone":
            change.put("verdict", row_id, "gone", 0)
        elif _came_by_merging(change, step, (kind, row_id, field), holder):
            change.put(kind, row_id, field, thing)
    change.tell("unmerged ", thing, " from ", holder)


def remove(change: Change, name: str) -> None:
    thing = rows.thing_id(change.connection, proper_name(name))
    change.put("thing", thing, "gone", 1)
    for photo in _photos_of(change.connection, thing):
        change.put("photo", photo, "gone", 1)
    change.tell("removed ", thing)


def remove_photo(change: Change, photo_id: int) -> None:
    thing = rows.thing_id(change.connection, rows.photo(change.connection, photo_id).thing)
    change.put("photo", photo_id, "gone", 1)
    change.tell(f"removed photo {photo_id} of ", thing)


def _merged_away(connection: sqlite3.Connection, name: str) -> tuple[int, int]:
    """The thing that was merged away last under `name`, and the step that did it."""
    row = connection.execute(
        "SELECT thing.id, step_id FROM thing JOIN effect ON kind = 'thing' AND row_id = thing.id "
        "WHERE thing.name = ? AND thing.gone = 1 AND merged_into IS NOT NULL "
        "AND field = 'merged_into' AND effect.new IS NOT NULL ORDER BY effect.id DESC LIMIT 1",
        (name,),
    ).fetchone()
    if row is None:
        raise NotInGallery(
            f"nothing named '{name}' was merged into another thing lately; list the last steps"
        )
    return row[0], row[1]


def _holder(connection: sqlite3.Connection, thing: int) -> int:
    """The live thing that `thing` became a part of, over any number of merges."""
    holder = thing
    while True:
        merged_into, gone, name = connection.execute(
            "SELECT merged_into, gone, name FROM thing WHERE id = ?", (holder,)
        ).fetchone()
        if not gone:
            return holder
        if merged_into is None:
            raise GalleryError(
                f"'{name}', which has its photos, was removed since; undo that first"
            )
        holder = int(merged_into)


def _came_by_merging(
    change: Change, since_step: int, row: tuple[str, int, str], holder: int
) -> bool:
    """Whether the row is here, with `holder`, and nobody moved it by hand since that step."""
    kind, row_id, field = row
    return bool(
        change.connection.execute(
            f"SELECT EXISTS (SELECT 1 FROM {kind} WHERE id = :row AND gone = 0 "
            f"AND {field} = :holder) AND NOT EXISTS (SELECT 1 FROM effect "
            "JOIN step ON step.id = step_id WHERE step_id > :since AND kind = :kind "
            "AND row_id = :row AND field = :field AND verb NOT IN ('merge', 'unmerge'))",
            {"kind": kind, "row": row_id, "field": field, "holder": holder, "since": since_step},
        ).fetchone()[0]
    )


def _require_free(connection: sqlite3.Connection, name: str, remedy: str) -> None:
    if rows.find_thing(connection, name) is not None:
        raise GalleryError(f"the gallery has a thing named '{name}' already; {remedy}")


def _photos_of(connection: sqlite3.Connection, thing: int) -> list[int]:
    return _ids(
        connection, "SELECT id FROM photo WHERE thing_id = :one AND gone = 0", {"one": thing}
    )


def _ids(connection: sqlite3.Connection, query: str, values: dict[str, int]) -> list[int]:
    return [row[0] for row in connection.execute(query, values).fetchall()]
