from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from firstsight.errors import GalleryError, NotInGallery
from firstsight.gallery.forgetting import Forgotten
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import NewPhoto

from .stores import OTHER_MODEL, bytes_of, created, digest_of, held, photo, verdict

NAME, SOURCE, PICTURE = "Unforgettable Œuvre", "holiday-in-1997.jpg", b"\x89PNG-of-that-holiday"
VECTOR = np.array([0.1234567, -7.654321, 3.1415927, 2.7182817], np.float32)
OTHER_VECTOR = np.linspace(0.111, 0.777, OTHER_MODEL.embedding_size, dtype=np.float32)
SECRETS = [
    NAME.encode(),
    SOURCE.encode(),
    PICTURE,
    VECTOR.tobytes(),
    OTHER_VECTOR.tobytes(),
    digest_of(77).encode(),
    b"a private note",
    b"a private tag",
    b"asked-about-bytes",
]


def secret() -> NewPhoto:
    return NewPhoto(digest_of(77), SOURCE, 3, 4, VECTOR, PICTURE)


def with_secrets(folder: Path) -> Gallery:
    """A gallery where something private went through every table."""
    gallery = created(folder, mug=[1, 2], cup=[3])
    gallery.enroll([(NAME, secret()), ("mug", photo(4))])
    gallery.describe(NAME, notes="a private note", tags=["a private tag"])
    asked = {"kept": b"asked-about-bytes", "vector": VECTOR}
    gallery.record(verdict("right", NAME, NAME, **asked))
    gallery.record(verdict("other", "mug", NAME, **asked))
    gallery.record(verdict("wrong", "mug", None, details={"runner-up": NAME}))
    gallery.record(verdict("wrong", "cup", None, digest=digest_of(77), vector=VECTOR))
    gallery.remember("estimate", {"of": NAME})
    gallery.stage(OTHER_MODEL, {4: OTHER_VECTOR})
    (folder / "matrix-7.f32").write_bytes(b"head" + VECTOR.tobytes())
    (folder / "matrix-abc.partial").write_bytes(VECTOR.tobytes())
    return gallery


def test_the_secrets_are_there_before(tmp_path: Path) -> None:
    with with_secrets(tmp_path / "g") as gallery:
        assert gallery.photo(4).thing == NAME
        content = bytes_of(tmp_path / "g")
        assert [each for each in SECRETS if each not in content] == []


def test_nothing_of_a_forgotten_thing_is_left_in_any_file(tmp_path: Path) -> None:
    with with_secrets(tmp_path / "g") as gallery:
        assert gallery.forget(NAME) == Forgotten(n_photos=1, n_verdicts=3)
        # While it is still open, with its log.
        content = bytes_of(tmp_path / "g")
        assert [each for each in SECRETS if each in content] == []
        assert not list((tmp_path / "g").glob("matrix-*"))
        assert held(gallery) == {"cup": [3], "mug": [1, 2, 4]}
        assert [(v.kind, v.named, v.details) for v in gallery.verdicts()] == [("wrong", "mug", {})]
        assert gallery.recall("estimate") is None
        assert gallery.staged() is not None
        with pytest.raises(NotInGallery):
            gallery.thing(NAME)
        assert gallery.check() == []
        # The other steps are as they were: a verdict, and two enrollings of which one lost a part.
        assert [step.verb for step in gallery.undo(3)] == ["verdict", "enroll", "enroll"]
        assert gallery.counts() == (0, 0)


def test_nothing_of_a_forgotten_photo_is_left_either(tmp_path: Path) -> None:
    with with_secrets(tmp_path / "g") as gallery:
        assert gallery.forget_photo(4) == Forgotten(n_photos=1, n_verdicts=1)
        content = bytes_of(tmp_path / "g")
        of_the_thing = {NAME.encode(), b"a private note", b"a private tag", b"asked-about-bytes"}
        of_verdicts = {VECTOR.tobytes()}
        left = {each for each in SECRETS if each in content}
        assert left == of_the_thing | of_verdicts
        assert gallery.thing(NAME).n_photos == 0
        assert gallery.check() == []


@pytest.mark.parametrize("how", ["removed", "merged", "renamed", "moved", "undone"])
def test_what_was_taken_out_before_is_forgotten_too(tmp_path: Path, how: str) -> None:
    with with_secrets(tmp_path / "g") as gallery:
        name = NAME
        if how == "removed":
            gallery.remove(NAME)
        elif how == "merged":
            gallery.merge(NAME, into="cup")
            name = "cup"
        elif how == "renamed":
            gallery.rename(NAME, "harmless")
            name = "harmless"
        elif how == "moved":
            gallery.move(4, "cup")
            gallery.forget_photo(4)
        else:
            gallery.remove_photo(4)
            gallery.move(1, NAME)
            gallery.undo()
        gallery.forget(name)
        content = bytes_of(tmp_path / "g")
        left = [each for each in SECRETS if each in content]
        assert left == []
        assert gallery.check() == []


def test_a_name_that_another_thing_once_had_is_forgotten_there_too(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.rename("mug", "sekret")
        gallery.rename("sekret", "mug")
        gallery.enroll([("sekret", photo(2))])
        gallery.forget("sekret")
        assert b"sekret" not in bytes_of(tmp_path / "g")
        assert held(gallery) == {"mug": [1]}
        assert [step.verb for step in gallery.steps()] == ["enroll"]


def test_the_same_content_removed_elsewhere_is_forgotten_with_it(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.enroll([("cup", secret()), ("cup", photo(2))])
        gallery.remove_photo(2)
        gallery.enroll([("mug", secret())])
        gallery.forget_photo(4)
        content = bytes_of(tmp_path / "g")
        assert [each for each in SECRETS if each in content] == []
        gallery.undo(5)
        assert gallery.check() == []


def test_a_removed_photo_can_be_forgotten_by_its_number(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.enroll([("mug", secret())])
        gallery.remove_photo(2)
        assert gallery.forget_photo(2).n_photos == 1
        assert SOURCE.encode() not in bytes_of(tmp_path / "g")


def test_the_file_is_written_anew_so_that_no_unused_page_is_left(tmp_path: Path) -> None:
    """Zeroing deleted rows alone can leave copies behind; see the module's first lines."""
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.enroll([("cup", photo(n, kept=bytes(10_000))) for n in range(2, 52)])
        forgotten = gallery.forget("cup")
        assert forgotten.n_photos == 50
        with sqlite3.connect(gallery.place / "gallery.sqlite") as raw:
            assert raw.execute("PRAGMA freelist_count").fetchone() == (0,)
        raw.close()
        assert len(bytes_of(tmp_path / "g")) < 50 * 10_000
        assert (tmp_path / "g" / "gallery.sqlite-wal").stat().st_size < 10_000
        assert (held(gallery), gallery.check()) == ({"mug": [1]}, [])


def test_a_reader_in_the_way_is_told_of_and_the_sweep_made_up_for(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    with_secrets(folder).close()
    with (
        Gallery.open(folder) as reader,
        Gallery.open(folder, patience_s=0.2) as writer,
        reader.snapshot(),
    ):
        assert reader.counts() == (3, 5)
        with pytest.raises(
            GalleryError, match=r"it is forgotten, but.*another process still reads"
        ):
            writer.forget(NAME)
        assert NAME not in held(writer)
    with Gallery.open(folder):
        content = bytes_of(folder)
        assert [each for each in SECRETS if each in content] == []


def test_what_is_not_there_cannot_be_forgotten(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        before = gallery.generation
        with pytest.raises(NotInGallery, match="nothing named 'mugs'; did you mean 'mug'"):
            gallery.forget("mugs")
        assert gallery.generation == before


@pytest.mark.parametrize(
    ("name", "source", "goes"),
    [
        ("n", "n/7.png", True),
        ("n", "letter-N.png", True),
        ("n", "known.png", False),
        ("n", "z/7.png", False),
        ("7", "z/7.png", True),
        ("7", "z/17.png", False),
        ("anna", "holiday/IMG_1997_AnnaMüller2.jpg", True),
        ("王", "王的杯子.jpg", True),
        ("known", "z/7.png", False),
        ("picture", "z/7.png", False),
    ],
)
def test_a_verdict_s_picture_is_forgotten_where_its_name_holds_that_of_the_thing(
    tmp_path: Path, name: str, source: str, *, goes: bool
) -> None:
    details = {"decision": "known", "picture": source}
    with created(tmp_path / "g", **{name: [1], "mug": [2]}) as gallery:
        gallery.record(verdict("wrong", "mug", None, details=details))
        gallery.forget(name)
        (kept,) = gallery.verdicts()
    assert kept.details == ({} if goes else details)


def test_what_was_merged_away_leaves_its_photos_to_its_heirs(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1], cup=[2], bowl=[3]) as gallery:
        gallery.merge("mug", into="cup")
        gallery.merge("cup", into="bowl")
        assert (gallery.heirs("mug"), gallery.heirs("cup"), gallery.heirs("bowl")) == (
            ["bowl"],
            ["bowl"],
            [],
        )
        with pytest.raises(NotInGallery, match="nothing named 'dish'"):
            gallery.heirs("dish")
        assert gallery.forget("mug") == Forgotten(n_photos=0, n_verdicts=0)
        assert b"mug" not in bytes_of(tmp_path / "g")
        assert held(gallery) == {"bowl": [1, 2, 3]}
        gallery.remove("bowl")
        assert gallery.heirs("cup") == []
        assert gallery.forget("bowl").n_photos == 3
        assert gallery.check() == []
