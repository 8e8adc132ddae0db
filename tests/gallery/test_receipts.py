from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import GalleryError, NotInGallery, UsageError
from firstsight.gallery import receipts
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Receipt
from tests.gallery.stores import bytes_of, created, held, photo

FIRST = Receipt("k" * 64, "r" * 64)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return created(tmp_path / "g", mug=[1], cup=[2], jar=[3])


def undoing(gallery: Gallery) -> list[str]:
    return [step.told for step in gallery.undo()]


def test_what_is_sent_again_is_not_done_again(gallery: Gallery) -> None:
    gallery.rename("cup", "bowl")
    told, was_done = gallery.once(FIRST, lambda: undoing(gallery))
    assert (told, was_done) == (["renamed 'cup' to 'bowl'"], True)
    again, was_done = gallery.once(FIRST, lambda: undoing(gallery))
    assert (again, was_done) == (told, False)
    assert set(held(gallery)) == {"mug", "cup", "jar"}


def test_a_receipt_outlives_the_process_that_wrote_it(gallery: Gallery) -> None:
    gallery.once(FIRST, lambda: gallery.rename("cup", "bowl"))
    with Gallery.open(gallery.place) as other:
        assert other.once(FIRST, lambda: other.rename("bowl", "x")) == (None, False)
        assert "bowl" in held(other)


def test_what_fails_keeps_neither_its_changes_nor_its_receipt(gallery: Gallery) -> None:
    def half() -> None:
        gallery.rename("cup", "bowl")
        gallery.rename("nothing", "x")

    with pytest.raises(NotInGallery):
        gallery.once(FIRST, half)
    assert "cup" in held(gallery)
    assert gallery.once(FIRST, lambda: "done") == ("done", True)


def test_a_part_that_fails_and_is_caught_leaves_nothing_of_itself(gallery: Gallery) -> None:
    def mixed() -> str:
        gallery.rename("cup", "bowl")
        with pytest.raises(GalleryError, match="already, as 'mug'"):
            gallery.enroll([("new", photo(9)), ("new", photo(1))], partial=False)
        return "done"

    gallery.once(FIRST, mixed)
    assert held(gallery) == {"bowl": [2], "jar": [3], "mug": [1]}


def test_an_answer_is_made_fuller_unless_it_was_forgotten(gallery: Gallery) -> None:
    gallery.once(FIRST, lambda: 1)
    gallery.retell(FIRST, [1, "a-name-to-forget"])
    assert gallery.once(FIRST, lambda: 2) == ([1, "a-name-to-forget"], False)
    gallery.forget("mug")
    gallery.retell(FIRST, [1, "a-name-to-forget"])
    assert b"a-name-to-forget" not in bytes_of(gallery.place)


def test_one_key_is_for_one_request(gallery: Gallery) -> None:
    gallery.once(FIRST, lambda: 1)
    with pytest.raises(UsageError, match="use a new key for each request"):
        gallery.once(Receipt(FIRST.key, "other"), lambda: 2)


def test_forgetting_takes_the_answers_along_and_sweeps_the_file(gallery: Gallery) -> None:
    gallery.once(FIRST, lambda: gallery.rename("cup", "a-name-to-forget"))
    gallery.once(Receipt("l" * 64, "a"), lambda: "a-name-to-forget")
    second = Receipt("m" * 64, "b")
    gallery.once(second, lambda: gallery.forget("a-name-to-forget").n_photos)
    assert b"a-name-to-forget" not in bytes_of(gallery.place)
    assert gallery.once(second, lambda: 5) == (1, False)
    with pytest.raises(GalleryError, match="was done before, under the same key"):
        gallery.once(FIRST, lambda: None)


def test_the_oldest_receipts_go(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "MOST_RECEIPTS", 2)
    keys = [Receipt(str(n), "r") for n in range(3)]
    for key in keys:
        gallery.once(key, lambda: 0)
    assert [gallery.once(key, lambda: 1)[1] for key in reversed(keys)] == [False, False, True]
