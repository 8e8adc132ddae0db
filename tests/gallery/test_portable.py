from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firstsight.errors import GalleryError, UsageError
from firstsight.gallery import schema
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.portable import backup, export, import_gallery

from .stores import OTHER_MODEL, created, everything, held, photo, verdict


def full(folder: Path) -> Gallery:
    gallery = created(folder, mug=[1, 2], cup=[3])
    gallery.enroll(
        [("pot", photo(4, kept=b"small-picture")), ("pan", photo(5, source="removed.jpg"))]
    )
    gallery.record(verdict("right", "mug", "mug"))
    gallery.remove("pan")
    gallery.stage(OTHER_MODEL, {1: np.zeros(OTHER_MODEL.embedding_size, np.float32)})
    gallery.remember("estimate", 1)
    gallery.keep_keypoints({4: b"points"}, 1)
    return gallery


def test_an_export_is_one_file_that_makes_the_same_gallery(tmp_path: Path) -> None:
    with full(tmp_path / "g") as gallery:
        export(gallery, tmp_path / "along.firstsight")
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["along.firstsight"]
        folder = import_gallery(tmp_path / "along.firstsight", tmp_path / "again")
        assert folder == tmp_path / "again"
        with Gallery.open(folder) as again:
            assert everything(again) == everything(gallery)
            assert again.picture(4) == b"small-picture"
            assert again.info == gallery.info
            assert again.check() == []
            again.enroll([("mug", photo(9))])
            assert held(again)["mug"] == [1, 2, 9]


def test_an_export_holds_nothing_that_was_removed(tmp_path: Path) -> None:
    with full(tmp_path / "g") as gallery:
        export(gallery, tmp_path / "along.firstsight")
        assert b"removed.jpg" not in (tmp_path / "along.firstsight").read_bytes()
        import_gallery(tmp_path / "along.firstsight", tmp_path / "again", name="Again")
        with Gallery.open(tmp_path / "again") as again:
            assert again.info.name == "Again"
            assert (again.steps(), again.staged(), again.recall("estimate")) == ([], None, None)
            assert again.keypoints([4], 1) == {}
        # The gallery itself keeps them all.
        assert len(gallery.steps()) == 4
        assert gallery.staged() is not None
        assert gallery.keypoints([4], 1) == {4: b"points"}


def test_a_backup_holds_everything_and_is_taken_while_others_write(tmp_path: Path) -> None:
    with full(tmp_path / "g") as gallery, Gallery.open(tmp_path / "g") as other:
        with other.snapshot():
            assert other.counts() == (3, 4)
            gallery.enroll([("tin", photo(6))])
            backup(gallery, tmp_path / "safe.firstsight")
        other.enroll([("tin", photo(7))])
        import_gallery(tmp_path / "safe.firstsight", tmp_path / "again")
        with Gallery.open(tmp_path / "again") as again:
            assert held(again) == {"cup": [3], "mug": [1, 2], "pot": [4], "tin": [6]}
            assert again.steps() == gallery.steps()[1:]
            again.undo(2)
            assert "pan" in held(again)


def test_a_backup_put_in_place_by_hand_works(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        backup(gallery, tmp_path / "safe.firstsight")
    (tmp_path / "h").mkdir()
    shutil.copy(tmp_path / "safe.firstsight", tmp_path / "h" / "gallery.sqlite")
    with Gallery.open(tmp_path / "h") as again:
        again.enroll([("mug", photo(2))])
        assert held(again) == {"mug": [1, 2]}
        with sqlite3.connect(tmp_path / "h" / "gallery.sqlite") as raw:
            assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        raw.close()


def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "x.firstsight").write_text("precious")
    with created(tmp_path / "g", mug=[1]) as gallery:
        for write in (export, backup):
            with pytest.raises(UsageError, match="is there already; choose another name"):
                write(gallery, tmp_path / "x.firstsight")
            with pytest.raises(UsageError, match="is a folder; name the file to write"):
                write(gallery, tmp_path / "g", replace=True)
        assert (tmp_path / "x.firstsight").read_text() == "precious"
        backup(gallery, tmp_path / "x.firstsight", replace=True)
        with pytest.raises(UsageError, match="part of the gallery itself"):
            export(gallery, tmp_path / "g" / "gallery.sqlite", replace=True)
        with pytest.raises(UsageError, match=r"there is no folder .*nowhere"):
            export(gallery, tmp_path / "nowhere" / "x.firstsight")
    import_gallery(tmp_path / "x.firstsight", tmp_path / "again")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20_000])


def _scribble(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    file.write_bytes(bytes(content))


def _by_sql(*statements: str) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        with sqlite3.connect(file) as raw:
            for statement in statements:
                raw.execute(statement)
        raw.close()

    return damage


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda file: file.write_bytes(b""), "no firstsight gallery"),
        (
            lambda file: file.write_text("just a text, longer than a header of SQLite" * 9),
            "damaged",
        ),
        (_cut, "damaged"),
        (_scribble, "damaged"),
        (_by_sql("PRAGMA application_id = 7"), "no firstsight gallery"),
        (_by_sql("PRAGMA user_version = 99"), "newer firstsight .*99"),
        (_by_sql("CREATE TABLE more (x)"), "tables of .* are not those"),
        (_by_sql("DROP TABLE remembered"), "tables of .* are not those"),
        (
            _by_sql("CREATE TRIGGER t AFTER INSERT ON thing BEGIN DELETE FROM thing; END"),
            "tables of .* are not those",
        ),
        (_by_sql("UPDATE vector SET numbers = x'00' WHERE photo_id = 1"), "1 vectors are not of"),
        (_by_sql("DELETE FROM vector WHERE photo_id = 1"), "1 photos lack a vector"),
        (_by_sql("UPDATE thing SET gone = 1 WHERE id = 1"), "belong to things that are gone"),
        (_by_sql("UPDATE thing SET name = 'a' || char(27) WHERE id = 1"), "which it cannot have"),
        (_by_sql("UPDATE photo SET thing_id = 99 WHERE id = 1"), "point to rows that are not"),
        (_by_sql("DELETE FROM gallery"), "says nothing of itself"),
        (_by_sql("DELETE FROM model"), "says nothing of itself"),
    ],
)
def test_a_foreign_or_damaged_file_makes_no_gallery(
    tmp_path: Path, damage: Callable[[Path], None], complaint: str
) -> None:
    file = tmp_path / "x.firstsight"
    with created(tmp_path / "g", mug=[1, 2], cup=[3]) as gallery:
        export(gallery, file)
    damage(file)
    with pytest.raises(GalleryError, match=complaint) as refusal:
        import_gallery(file, tmp_path / "again")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "again" / "gallery.sqlite").exists()
    assert not list((tmp_path / "again").glob("*.partial*"))


def test_importing_over_a_gallery_is_refused(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        export(gallery, tmp_path / "x.firstsight")
        with pytest.raises(GalleryError, match=r"there is a gallery at .* already"):
            import_gallery(tmp_path / "x.firstsight", tmp_path / "g")
        with pytest.raises(GalleryError, match="there is no file"):
            import_gallery(tmp_path / "y.firstsight", tmp_path / "h")
        assert held(gallery) == {"mug": [1]}


def test_a_file_of_an_older_version_becomes_one_of_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        export(gallery, tmp_path / "old.firstsight")
    newer = (*schema.MIGRATIONS, "CREATE TABLE colour (id INTEGER PRIMARY KEY) STRICT;")
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    with monkeypatch.context() as patch, pytest.raises(GalleryError, match="open it once where"):
        patch.setattr("os.access", lambda *_: False)
        Gallery.open(tmp_path / "g")
    for folder in (import_gallery(tmp_path / "old.firstsight", tmp_path / "h"), tmp_path / "g"):
        with Gallery.open(folder) as gallery:
            assert gallery.info.schema_version == 4
            assert held(gallery) == {"mug": [1]}
        with sqlite3.connect(folder / "gallery.sqlite") as raw:
            assert raw.execute("SELECT count(*) FROM colour").fetchone() == (0,)
        raw.close()
