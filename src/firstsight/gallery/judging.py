"""A person's word on answers: kept with what was asked about, and taken back when wrong."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from firstsight.errors import NotInGallery, UsageError
from firstsight.gallery import rows
from firstsight.gallery.enrolling import vector_bytes
from firstsight.gallery.history import Change, now
from firstsight.gallery.names import proper_name
from firstsight.gallery.records import Verdict

__all__ = ["carry", "last_words", "mistakable", "record", "withdraw"]


def record(change: Change, verdict: Verdict) -> int:
    """The id of the verdict, now kept; `when` and `id` of what came are not looked at.

    Raises NotInGallery where it speaks of a thing that is not there, and UsageError where its
    kind and the things it names do not fit together.
    """
    _require_sense(verdict)
    connection = change.connection
    named, truth = (
        None if name is None else rows.thing_id(connection, proper_name(name))
        for name in (verdict.named, verdict.truth)
    )
    (keeps_pictures,) = connection.execute("SELECT keeps_pictures FROM gallery").fetchone()
    model = rows.binding(connection, "current")
    assert model is not None
    verdict_id = connection.execute(
        "INSERT INTO verdict (kind, named_id, truth_id, distance, margin, digest, fingerprint, "
        'numbers, encoded, details, "when", gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)',
        (
            verdict.kind,
            named,
            truth,
            float(verdict.distance),
            None if verdict.margin is None else float(verdict.margin),
            verdict.digest,
            model.fingerprint,
            vector_bytes(verdict.vector, model.embedding_size),
            verdict.kept if keeps_pictures else None,
            json.dumps(verdict.details, ensure_ascii=False),
            now(),
        ),
    ).lastrowid
    assert verdict_id is not None
    change.made("verdict", verdict_id)
    if verdict.kind == "other" and truth is not None:
        change.tell("was told that an answer is ", truth)
    elif named is not None:
        change.tell("was told that the answer ", named, f" is {verdict.kind}")
    else:
        change.tell(f"was told that an answer is {verdict.kind}")
    return verdict_id


def last_words(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Of several verdicts on one picture the last: who judges again corrects what was said."""
    return list({verdict.digest: verdict for verdict in verdicts}.values())


def mistakable(connection: sqlite3.Connection, thing_id: int, most: int) -> list[bytes]:
    """Kept pictures that came near to a thing and, by the last word on each, do not show it.

    Not one that is enrolled as that thing by now.
    Of the last `most` such verdicts, whichever model's answers they were on.
    """
    rows_found = connection.execute(
        "SELECT encoded FROM verdict AS said WHERE named_id = ? AND gone = 0 AND kind <> 'right' "
        "AND encoded IS NOT NULL AND NOT EXISTS (SELECT 1 FROM verdict AS later WHERE gone = 0 "
        "AND later.digest = said.digest AND later.id > said.id) "
        "AND NOT EXISTS (SELECT 1 FROM photo "
        "WHERE photo.digest = said.digest AND photo.gone = 0 AND photo.thing_id = said.named_id) "
        "ORDER BY id DESC LIMIT ?",
        (thing_id, most),
    )
    return [bytes(encoded) for (encoded,) in rows_found]


def withdraw(change: Change, verdict_id: int) -> None:
    row = change.connection.execute(
        "SELECT 1 FROM verdict WHERE id = ? AND gone = 0", (verdict_id,)
    ).fetchone()
    if row is None:
        raise NotInGallery(
            f"the gallery holds no verdict with the number {verdict_id}; list the verdicts for "
            "their numbers"
        )
    change.put("verdict", verdict_id, "gone", 1)
    change.tell(f"withdrew verdict {verdict_id}")


def carry(connection: sqlite3.Connection, verdicts: Sequence[Verdict]) -> None:
    """Put verdicts, by their numbers, in the words of the model that is in force now.

    Kind, nearest thing, distance, margin and vector are that model's; one that was withdrawn or
    forgotten meanwhile is passed over. Raises NotInGallery where a thing is not there.
    """
    model = rows.binding(connection, "current")
    assert model is not None
    for verdict in verdicts:
        _require_sense(verdict)
        named = None if verdict.named is None else rows.thing_id(connection, verdict.named)
        connection.execute(
            "UPDATE verdict SET kind = ?, named_id = ?, distance = ?, margin = ?, numbers = ?, "
            "fingerprint = ? WHERE id = ? AND gone = 0",
            (
                verdict.kind,
                named,
                float(verdict.distance),
                None if verdict.margin is None else float(verdict.margin),
                vector_bytes(verdict.vector, model.embedding_size),
                model.fingerprint,
                verdict.id,
            ),
        )


def _require_sense(verdict: Verdict) -> None:
    fits = {
        "right": verdict.named is not None and verdict.truth == verdict.named,
        "wrong": verdict.truth is None,
        "other": verdict.truth is not None and verdict.truth != verdict.named,
    }
    if not fits.get(verdict.kind, False):
        raise UsageError(
            f"a verdict '{verdict.kind}' cannot name {verdict.named!r} with the truth "
            f"{verdict.truth!r}; see the record Verdict for what fits"
        )
