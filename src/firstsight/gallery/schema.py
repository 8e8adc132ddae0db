"""The tables of a gallery, and how a file of an older version becomes one of this version.

Nothing is deleted when a person removes something: `gone` is set, and `effect` keeps the old
value of every field that a step changed, so that undoing is to put old values back.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from firstsight.errors import GalleryError

__all__ = ["APPLICATION_ID", "migrate", "require_gallery", "require_structure", "version_here"]

APPLICATION_ID = 0x46537447  # "FStG"
LEAST_SQLITE = (3, 37, 0)  # the first with STRICT tables

# Vectors and pictures have tables of their own, so that listing photos reads neither, and an
# upgrade can exchange all vectors by renaming two tables. Ids are never given out twice.
_VERSION_1 = """
CREATE TABLE gallery (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    keeps_pictures INTEGER NOT NULL,
    created TEXT NOT NULL,
    generation INTEGER NOT NULL,
    unswept INTEGER NOT NULL
) STRICT;
CREATE TABLE model (
    role TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    place TEXT NOT NULL,
    embedding_size INTEGER NOT NULL
) STRICT;
CREATE TABLE thing (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    notes TEXT NOT NULL,
    tags TEXT NOT NULL,
    added TEXT NOT NULL,
    gone INTEGER NOT NULL,
    merged_into INTEGER REFERENCES thing ON DELETE SET NULL
) STRICT;
CREATE UNIQUE INDEX thing_by_name ON thing (name) WHERE gone = 0;
CREATE INDEX thing_gone ON thing (name) WHERE gone = 1;
CREATE INDEX thing_merged ON thing (merged_into) WHERE merged_into IS NOT NULL;
CREATE TABLE photo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    thing_id INTEGER NOT NULL REFERENCES thing,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL,
    added TEXT NOT NULL,
    gone INTEGER NOT NULL
) STRICT;
CREATE INDEX photo_of_thing ON photo (thing_id, gone);
CREATE UNIQUE INDEX photo_by_content ON photo (digest) WHERE gone = 0;
CREATE INDEX photo_gone ON photo (digest) WHERE gone = 1;
CREATE TABLE picture (
    photo_id INTEGER PRIMARY KEY REFERENCES photo ON DELETE CASCADE,
    encoded BLOB NOT NULL
) STRICT;
CREATE TABLE vector (
    photo_id INTEGER PRIMARY KEY REFERENCES photo ON DELETE CASCADE,
    numbers BLOB NOT NULL
) STRICT;
CREATE TABLE staged (
    photo_id INTEGER PRIMARY KEY REFERENCES photo ON DELETE CASCADE,
    numbers BLOB NOT NULL
) STRICT;
CREATE TABLE verdict (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    named_id INTEGER REFERENCES thing ON DELETE SET NULL,
    truth_id INTEGER REFERENCES thing ON DELETE SET NULL,
    distance REAL NOT NULL,
    margin REAL,
    digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    numbers BLOB NOT NULL,
    encoded BLOB,
    details TEXT NOT NULL,
    "when" TEXT NOT NULL,
    gone INTEGER NOT NULL
) STRICT;
CREATE INDEX verdict_named ON verdict (named_id);
CREATE INDEX verdict_truth ON verdict (truth_id);
CREATE TABLE step (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    verb TEXT NOT NULL,
    told TEXT NOT NULL,
    "when" TEXT NOT NULL
) STRICT;
CREATE TABLE effect (
    id INTEGER PRIMARY KEY,
    step_id INTEGER NOT NULL REFERENCES step ON DELETE CASCADE,
    kind TEXT NOT NULL,
    row_id INTEGER NOT NULL,
    field TEXT NOT NULL,
    old ANY,
    new ANY
) STRICT;
CREATE INDEX effect_of_step ON effect (step_id);
CREATE INDEX effect_on_row ON effect (kind, row_id);
CREATE TABLE remembered (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT;
"""

# What a request over HTTP did is kept under the key that came with it, so that one sent again is
# not done again. Things are listed by name, page by page.
_VERSION_2 = """
CREATE TABLE receipt (
    key TEXT PRIMARY KEY NOT NULL,
    request TEXT NOT NULL,
    answer TEXT,
    "when" TEXT NOT NULL
) STRICT;
CREATE INDEX thing_in_order ON thing (name COLLATE NOCASE, name) WHERE gone = 0;
"""

# Found from the kept picture when first asked for, so a photo without one has no row here. form: of
# what is packed; another one is found anew.
_VERSION_3 = """
CREATE TABLE keypoints (
    photo_id INTEGER PRIMARY KEY REFERENCES picture ON DELETE CASCADE,
    form INTEGER NOT NULL,
    packed BLOB NOT NULL
) STRICT;
"""

# Entry i turns version i into version i + 1.
MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3)


def version_here() -> int:
    """The schema version that this firstsight writes."""
    return len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file of `version` (0: an empty one) to this version, inside one transaction."""
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version_here()}")


def require_gallery(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a gallery file; GalleryError where it is none, or a newer one."""
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        raise GalleryError(
            f"this Python has SQLite {sqlite3.sqlite_version}; a gallery needs 3.37 or newer: "
            "use another build of Python"
        )
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID or version < 1:
        raise GalleryError(
            f"{path} is no firstsight gallery; name a gallery, or a file that "
            "`firstsight gallery export` wrote"
        )
    if version > version_here():
        raise GalleryError(
            f"the gallery {path} was written by a newer firstsight (its version is {version}, "
            f"this one knows {version_here()}); upgrade firstsight"
        )
    described = connection.execute(
        "SELECT (SELECT count(*) FROM gallery), (SELECT count(*) FROM model WHERE role = 'current')"
    ).fetchone()
    if described != (1, 1):
        raise GalleryError(
            f"the gallery {path} is damaged, as it says nothing of itself; put a backup or an "
            "export in its place"
        )
    return int(version)


def require_structure(connection: sqlite3.Connection, path: Path) -> None:
    """GalleryError unless the tables, columns and indices are exactly those of this version.

    A foreign file with triggers or views could otherwise run what its author wished.
    """
    with_ours = sqlite3.connect(":memory:")
    try:
        migrate(with_ours, 0)
        if _structure(connection) != _structure(with_ours):
            raise GalleryError(
                f"the tables of {path} are not those of a firstsight gallery; "
                "import a file that `firstsight gallery export` wrote"
            )
    finally:
        with_ours.close()


def _structure(connection: sqlite3.Connection) -> dict[str, object]:
    """What each table and index is; not its text, which renaming tables changes."""
    found: dict[str, object] = {}
    entries = connection.execute("SELECT type, name, tbl_name FROM sqlite_schema").fetchall()
    strict = {row[1]: row[5] for row in connection.execute("PRAGMA table_list")}
    for kind, name, table in entries:
        if kind == "table" and not name.startswith("sqlite_"):
            columns = connection.execute("SELECT * FROM pragma_table_info(?)", (name,)).fetchall()
            keys = connection.execute(
                "SELECT * FROM pragma_foreign_key_list(?)", (name,)
            ).fetchall()
            found[name] = (columns, keys, strict[name])
        elif name.startswith("sqlite_autoindex_"):
            found[f"primary key of {table}"] = True
        else:
            found[name] = (kind, table)
    return found
