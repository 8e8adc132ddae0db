from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from firstsight.errors import GalleryError, NotInGallery, ShapeError, UsageError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Enrolled, ModelBinding, NewPhoto

from .stores import MODEL, SIZE, created, digest_of, held, photo, verdict


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with created(tmp_path / "g", mug=[1, 2], cup=[3]) as gallery:
        yield gallery


def test_a_new_gallery_is_empty_and_knows_its_model(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "g", name="  my things ", model=MODEL) as gallery:
        assert gallery.info.name == "my things"
        assert gallery.info.model == MODEL
        assert gallery.info.keeps_pictures
        assert gallery.info.schema_version == 3
        assert gallery.place == tmp_path / "g"
        assert not gallery.read_only
        assert gallery.counts() == (0, 0)
        assert (gallery.things(), gallery.photos()) == ([], [])
        assert (gallery.steps(), gallery.verdicts()) == ([], [])
        vectors = gallery.vectors()
        assert (len(vectors), vectors.vectors.shape, len(vectors.things)) == (0, (0, SIZE), 0)
        assert gallery.check() == []


def test_what_is_enrolled_is_there_in_another_opening(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "g", name="g", model=MODEL) as gallery:
        results = gallery.enroll([("mug", photo(7, kept=b"small")), ("cup", photo(8))])
    assert results == [Enrolled("new", "mug", 1), Enrolled("new", "cup", 2)]
    with Gallery.open(tmp_path / "g") as again:
        mug = again.thing("mug")
        assert (mug.name, mug.notes, mug.tags, mug.n_photos) == ("mug", "", (), 1)
        assert mug.added.endswith("+00:00")
        (seen,) = again.photos("mug")
        assert (seen.id, seen.thing, seen.digest, seen.source) == (1, "mug", digest_of(7), "7.jpg")
        assert (seen.width_px, seen.height_px, seen.has_picture) == (30, 40, True)
        assert again.photo(1) == seen == again.holds(digest_of(7))
        assert again.holds(digest_of(9)) is None
        assert (again.picture(1), again.picture(2)) == (b"small", None)
        assert again.counts() == (2, 2)


def test_vectors_lie_thing_by_thing(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1], cup=[5]) as gallery:
        gallery.enroll([("cup", photo(6)), ("mug", photo(2)), ("pot", photo(9))])
        vectors = gallery.vectors()
    # mug is thing 1 with photos 1 and 4, cup thing 2 with photos 2 and 3, pot thing 3 with 5.
    assert vectors.photos.tolist() == [1, 4, 2, 3, 5]
    assert vectors.vectors[:, 0].tolist() == [1, 2, 5, 6, 9]
    assert vectors.vectors.shape == (5, SIZE)
    assert vectors.vectors.dtype == np.float32
    assert (vectors.things.tolist(), vectors.starts.tolist()) == ([1, 2, 3], [0, 2, 4])


def test_content_that_is_there_is_not_enrolled_twice(gallery: Gallery) -> None:
    before = gallery.generation
    assert gallery.enroll([("mug", photo(1)), ("pot", photo(3))]) == [
        Enrolled("already", "mug", 1),
        Enrolled("elsewhere", "cup", 3),
    ]
    assert gallery.generation == before
    assert len(gallery.steps()) == 1
    assert held(gallery) == {"cup": [3], "mug": [1, 2]}
    # Within one call too.
    results = gallery.enroll([("pot", photo(4)), ("pot", photo(4)), ("pan", photo(4))])
    assert [result.status for result in results] == ["new", "already", "elsewhere"]


def test_all_or_nothing_keeps_nothing_where_one_is_elsewhere(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match=r"'3.jpg' is in the gallery already, as 'cup'"):
        gallery.enroll([("pot", photo(4)), ("pot", photo(3))], partial=False)
    assert held(gallery) == {"cup": [3], "mug": [1, 2]}
    gallery.enroll([("pot", photo(4)), ("mug", photo(2))], partial=False)
    assert held(gallery)["pot"] == [4]


def test_pictures_can_be_left_out(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "g", name="g", model=MODEL, keeps_pictures=False) as gallery:
        gallery.enroll([("mug", photo(1, kept=b"private-bytes"))])
        gallery.record(verdict("right", "mug", "mug", kept=b"private-bytes"))
        assert gallery.picture(1) is None
        assert not gallery.photo(1).has_picture
        assert gallery.verdicts()[0].kept is None
    assert b"private-bytes" not in (tmp_path / "g" / "gallery.sqlite").read_bytes()


@pytest.mark.parametrize(
    ("vector", "complaint"),
    [
        (np.zeros(SIZE + 1, np.float32), r"shape \(5,\).*gives \(4,\)"),
        (np.zeros((1, SIZE), np.float32), r"shape \(1, 4\)"),
        (np.array([0, 1, 2, np.nan], np.float32), "not finite"),
    ],
)
def test_a_vector_of_another_model_is_refused(
    gallery: Gallery, vector: NewPhoto, complaint: str
) -> None:
    odd = NewPhoto(digest_of(9), "9.jpg", 1, 1, vector)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=complaint):
        gallery.enroll([("mug", photo(8)), ("mug", odd)])
    assert held(gallery) == {"cup": [3], "mug": [1, 2]}


def test_names_are_one_however_they_are_typed(gallery: Gallery) -> None:
    gallery.enroll([("cafe\u0301", photo(10)), ("  caf\u00e9 ", photo(11))])
    assert gallery.thing("cafe\u0301").n_photos == 2
    assert gallery.thing("caf\u00e9").name == "caf\u00e9"


def test_a_file_name_that_is_no_text_is_kept_readably(gallery: Gallery) -> None:
    gallery.enroll([("mug", photo(9, source="na\udcefve.jpg"))])
    assert gallery.photos("mug")[-1].source == "na\\udcefve.jpg"


def test_what_is_not_there_is_refused_with_names_like_it(gallery: Gallery) -> None:
    with pytest.raises(NotInGallery, match=r"nothing named 'Mugs'; did you mean 'mug'\?"):
        gallery.thing("Mugs")
    with pytest.raises(NotInGallery, match="list its things"):
        gallery.photos("xylophone")
    for ask in (gallery.photo, gallery.picture, gallery.remove_photo, gallery.forget_photo):
        with pytest.raises(NotInGallery, match="no photo with the number 99"):
            ask(99)
    with pytest.raises(NotInGallery, match="no verdict with the number 5"):
        gallery.withdraw(5)


def test_an_empty_gallery_says_that_it_is(tmp_path: Path) -> None:
    with created(tmp_path / "g") as gallery, pytest.raises(NotInGallery, match="it is empty"):
        gallery.thing("mug")


def test_things_are_listed_by_name_in_parts_and_by_what_they_contain(gallery: Gallery) -> None:
    gallery.enroll([("Bowl", photo(4)), ("apple", photo(5))])
    gallery.describe("mug", notes="from the Kitchen", tags=["Blue", "big"])
    names = [thing.name for thing in gallery.things()]
    assert names == ["apple", "Bowl", "cup", "mug"]
    assert [thing.name for thing in gallery.things(offset=1, limit=2)] == ["Bowl", "cup"]
    for text, expected in (
        ("OW", ["Bowl"]),
        ("kitchen", ["mug"]),
        ("blue", ["mug"]),
        ("up", ["cup"]),
        ("%", []),
    ):
        assert [thing.name for thing in gallery.things(containing=text)] == expected


def test_notes_and_tags_are_set_apart(gallery: Gallery) -> None:
    gallery.describe("mug", notes=" two\nlines ")
    gallery.describe("mug", tags=["a", "b", " a "])
    mug = gallery.thing("mug")
    assert (mug.notes, mug.tags) == ("two\nlines", ("a", "b"))
    with pytest.raises(UsageError, match="needs notes or tags"):
        gallery.describe("mug")


def test_renaming_keeps_the_photos(gallery: Gallery) -> None:
    gallery.rename("mug", "beaker")
    assert held(gallery) == {"beaker": [1, 2], "cup": [3]}
    assert gallery.steps()[0].told == "renamed 'mug' to 'beaker'"
    with pytest.raises(GalleryError, match="a thing named 'cup' already; merge the two"):
        gallery.rename("beaker", "cup")
    before = gallery.generation
    gallery.rename("cup", " cup ")
    assert gallery.generation == before


def test_a_photo_moves_to_a_thing_that_is_there_or_new(gallery: Gallery) -> None:
    gallery.move(2, "cup")
    assert held(gallery) == {"cup": [2, 3], "mug": [1]}
    assert gallery.steps()[0].told == "moved photo 2 from 'mug' to 'cup'"
    gallery.move(1, "pot")
    assert held(gallery) == {"cup": [2, 3], "mug": [], "pot": [1]}
    # A thing without photos has no rows among the vectors.
    assert gallery.vectors().things.tolist() == [2, 3]


def test_merging_gives_photos_and_verdicts_to_the_other(gallery: Gallery) -> None:
    right = gallery.record(verdict("right", "cup", "cup"))
    apart = gallery.record(verdict("other", "mug", "cup"))
    gallery.merge("cup", into="mug")
    assert held(gallery) == {"mug": [1, 2, 3]}
    assert [(v.id, v.named, v.truth) for v in gallery.verdicts()] == [(right, "mug", "mug")]
    assert gallery.steps()[0].told == "merged 'cup' into 'mug'"
    gallery.unmerge("cup")
    assert held(gallery) == {"cup": [3], "mug": [1, 2]}
    assert [(v.id, v.named, v.truth) for v in gallery.verdicts()] == [
        (right, "cup", "cup"),
        (apart, "mug", "cup"),
    ]
    with pytest.raises(UsageError, match="into itself"):
        gallery.merge("cup", into="cup")


def test_unmerging_works_after_other_steps(gallery: Gallery) -> None:
    gallery.enroll([("pot", photo(5)), ("cup", photo(4)), ("pot", photo(6))])
    gallery.merge("cup", into="mug")
    gallery.rename("mug", "beaker")
    gallery.move(3, "pot")  # by hand: stays there
    gallery.enroll([("beaker", photo(7))])
    gallery.merge("beaker", into="pot")  # cup's photos come along
    gallery.unmerge("cup")
    assert held(gallery) == {"cup": [4], "pot": [1, 2, 3, 5, 6, 7]}
    gallery.unmerge("beaker")
    assert held(gallery) == {"beaker": [1, 2, 7], "cup": [4], "pot": [3, 5, 6]}


def test_what_cannot_be_unmerged_says_why(gallery: Gallery) -> None:
    with pytest.raises(NotInGallery, match="nothing named 'cup' was merged"):
        gallery.unmerge("cup")
    gallery.merge("cup", into="mug")
    gallery.enroll([("cup", photo(9))])
    with pytest.raises(GalleryError, match="a thing named 'cup' already; rename that one first"):
        gallery.unmerge("cup")
    gallery.rename("cup", "goblet")
    gallery.remove("mug")
    with pytest.raises(GalleryError, match="'mug', which has its photos, was removed since"):
        gallery.unmerge("cup")
    assert held(gallery) == {"goblet": [9]}


def test_of_two_merged_under_one_name_the_last_comes_back(gallery: Gallery) -> None:
    gallery.merge("cup", into="mug")
    gallery.enroll([("cup", photo(9))])
    gallery.merge("cup", into="mug")
    gallery.unmerge("cup")
    assert held(gallery) == {"cup": [9], "mug": [1, 2, 3]}


def test_removed_things_and_photos_are_out_and_their_contents_free(gallery: Gallery) -> None:
    gallery.remove("mug")
    gallery.remove_photo(3)
    assert held(gallery) == {"cup": []}
    assert gallery.counts() == (1, 0)
    assert gallery.holds(digest_of(1)) is None
    assert [step.told for step in gallery.steps(2)] == [
        "removed photo 3 of 'cup'",
        "removed 'mug'",
    ]
    assert gallery.enroll([("tin", photo(1))])[0].status == "new"


def test_a_verdict_is_kept_with_all_that_was_said(gallery: Gallery) -> None:
    said = verdict(
        "other", "cup", "mug", margin=None, kept=b"small", details={"rivals": ["mug", 0.5]}
    )
    number = gallery.record(said)
    (kept,) = gallery.verdicts()
    assert (kept.id, kept.kind, kept.named, kept.truth) == (number, "other", "cup", "mug")
    assert (kept.distance, kept.margin, kept.digest) == (0.5, None, said.digest)
    assert (kept.kept, kept.details) == (b"small", {"rivals": ["mug", 0.5]})
    np.testing.assert_array_equal(kept.vector, said.vector)
    assert kept.when.endswith("+00:00")
    gallery.remove("cup")
    assert gallery.verdicts()[0].named is None
    gallery.withdraw(number)
    assert gallery.verdicts() == []


@pytest.mark.parametrize(
    ("kind", "named", "truth"),
    [
        ("right", "mug", None),
        ("right", "mug", "cup"),
        ("right", None, None),
        ("wrong", "mug", "cup"),
        ("other", "mug", None),
        ("other", "mug", "mug"),
        ("perhaps", "mug", "mug"),
    ],
)
def test_a_verdict_that_makes_no_sense_is_refused(
    gallery: Gallery, kind: str, named: str | None, truth: str | None
) -> None:
    with pytest.raises(UsageError, match=f"a verdict '{kind}'"):
        gallery.record(verdict(kind, named, truth))  # type: ignore[arg-type]
    with pytest.raises(NotInGallery, match="nothing named 'pan'"):
        gallery.record(verdict("right", "pan", "pan"))
    assert gallery.verdicts() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda gallery: gallery.enroll([("mug", photo(9))]),
        lambda gallery: gallery.describe("mug", notes="x"),
        lambda gallery: gallery.rename("mug", "x"),
        lambda gallery: gallery.move(1, "cup"),
        lambda gallery: gallery.merge("mug", into="cup"),
        lambda gallery: gallery.remove("mug"),
        lambda gallery: gallery.remove_photo(1),
        lambda gallery: gallery.record(verdict("wrong", "mug", None)),
        lambda gallery: gallery.undo(),
        lambda gallery: gallery.forget("mug"),
        lambda gallery: gallery.forget_photo(1),
    ],
)
def test_every_change_makes_the_generation_grow(
    gallery: Gallery, change: Callable[[Gallery], object]
) -> None:
    before = gallery.generation
    with Gallery.open(gallery.place) as other:
        change(other)
    assert gallery.generation > before


def test_what_is_remembered_is_no_change(gallery: Gallery) -> None:
    before = gallery.generation, gallery.steps()
    assert gallery.recall("threshold") is None
    assert gallery.remember("threshold", {"at": 0.5, "names": ["é"]})
    assert gallery.remember("threshold", {"at": 0.25})
    assert gallery.recall("threshold") == {"at": 0.25}
    assert (gallery.generation, gallery.steps()) == before


def test_a_snapshot_does_not_see_what_others_write(gallery: Gallery) -> None:
    with Gallery.open(gallery.place) as other:
        with gallery.snapshot():
            before = gallery.generation
            other.enroll([("pot", photo(4))])
            assert gallery.generation == before
            assert held(gallery) == {"cup": [3], "mug": [1, 2]}
            with pytest.raises(GalleryError, match="inside a snapshot"):
                gallery.remove("mug")
        assert held(gallery) == {"cup": [3], "mug": [1, 2], "pot": [4]}


def test_a_closed_gallery_says_so(gallery: Gallery) -> None:
    gallery.close()
    gallery.close()
    with pytest.raises(GalleryError, match="was closed; open it again"):
        gallery.things()


def test_a_gallery_is_made_once(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match=r"there is a gallery at .* already"):
        Gallery.create(gallery.place, name="other", model=MODEL)
    assert gallery.info.name == "test"


def test_the_log_of_a_deleted_gallery_is_not_taken_for_the_new_ones(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as old:
        log = (tmp_path / "g" / "gallery.sqlite-wal").read_bytes()
        assert log and held(old) == {"mug": [1]}
    (tmp_path / "g" / "gallery.sqlite").unlink()
    (tmp_path / "g" / "gallery.sqlite-wal").write_bytes(log)
    other = ModelBinding("new", "d" * 64, "new", SIZE)
    with Gallery.create(tmp_path / "g", name="new", model=other) as new:
        assert (new.counts(), new.info.model, new.check()) == ((0, 0), other, [])


def test_a_making_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    for leftover in ("gallery.sqlite.partial", "gallery.sqlite.partial-journal"):
        (tmp_path / "g" / leftover).write_bytes(b"half a gallery" * 1000)
    with created(tmp_path / "g", mug=[1]) as gallery:
        assert (held(gallery), gallery.check()) == ({"mug": [1]}, [])
    assert sorted(path.name for path in (tmp_path / "g").iterdir()) == [
        "gallery.lock",
        "gallery.sqlite",
    ]
