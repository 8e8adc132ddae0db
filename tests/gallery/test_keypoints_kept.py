from __future__ import annotations

from pathlib import Path

from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import VerdictKind

from .stores import created, digest_of, photo, verdict


def test_keypoints_are_kept_of_photos_whose_pictures_are(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.enroll([("pot", photo(2, kept=b"picture")), ("pan", photo(3, kept=b"other"))])
        before = gallery.generation
        assert gallery.keep_keypoints({1: b"a", 2: b"b", 3: b"c", 99: b"d"}, 1)
        assert gallery.generation == before
        assert gallery.keypoints([1, 2, 3, 99], 1) == {2: b"b", 3: b"c"}
        assert gallery.keypoints([2, 3], 2) == {}  # of another form there are none
        assert gallery.keep_keypoints({2: b"new"}, 2)
        assert (gallery.keypoints([2], 1), gallery.keypoints([2], 2)) == ({}, {2: b"new"})
        assert gallery.check() == []


def test_they_go_when_the_photo_is_forgotten_and_not_before(tmp_path: Path) -> None:
    secret = b"points of a secret"
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.enroll([("pot", photo(2, kept=b"picture"))])
        gallery.keep_keypoints({2: secret}, 1)
        gallery.remove("pot")
        assert gallery.keypoints([2], 1) == {2: secret}  # it may be undone
        gallery.forget("pot")
        assert gallery.keypoints([2], 1) == {}
    assert all(secret not in path.read_bytes() for path in (tmp_path / "g").iterdir())


def test_a_gallery_that_cannot_be_written_keeps_none(tmp_path: Path) -> None:
    with created(tmp_path / "g") as gallery:
        gallery.enroll([("pot", photo(1, kept=b"picture"))])
    with Gallery.open(tmp_path / "g", read_only=True) as gallery:
        assert not gallery.keep_keypoints({1: b"a"}, 1)
        assert gallery.keypoints([1], 1) == {}


def test_pictures_that_were_denied_are_those_of_the_last_word(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1], cup=[2]) as gallery:
        mug, cup = gallery.thing("mug").id, gallery.thing("cup").id
        said: list[tuple[VerdictKind, str, str | None]] = [
            ("wrong", "mug", None),
            ("other", "mug", "cup"),
            ("right", "mug", "mug"),
            ("wrong", "cup", None),
            ("wrong", "mug", None),
        ]
        for number, (kind, named, truth) in enumerate(said):
            gallery.record(
                verdict(kind, named, truth, digest=digest_of(20 + number), kept=b"%d" % number)
            )
        assert gallery.mistakable(mug, 5) == [b"4", b"1", b"0"]
        assert gallery.mistakable(mug, 2) == [b"4", b"1"]
        assert gallery.mistakable(cup, 5) == [b"3"]
        gallery.record(
            verdict("right", "mug", "mug", digest=digest_of(24), kept=b"4")
        )  # thought better of
        gallery.withdraw(1)
        assert gallery.mistakable(mug, 5) == [b"1"]


def test_what_is_enrolled_by_now_was_denied_no_longer(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1], cup=[2]) as gallery:
        mug = gallery.thing("mug").id
        gallery.record(verdict("wrong", "mug", None, digest=digest_of(7), kept=b"seven"))
        assert gallery.mistakable(mug, 5) == [b"seven"]
        gallery.enroll([("cup", photo(7))])
        assert gallery.mistakable(mug, 5) == [b"seven"]  # another thing still
        gallery.move(3, "mug")
        assert gallery.mistakable(mug, 5) == []
