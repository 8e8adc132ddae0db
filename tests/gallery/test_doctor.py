from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from firstsight.errors import GalleryError, NotInGallery
from firstsight.gallery import doctor
from firstsight.gallery.copies import KeptPictures
from firstsight.gallery.doctor import Examination, examine
from firstsight.gallery.records import PhotoVectors
from firstsight.similarity import Euclidean, WeightedL1
from tests.gallery.test_neighbours import on_a_line, photo_vectors

NAMES = {10: "cup", 11: "mug", 12: "jug", 13: "pot"}


def examined(*things: list[float], threshold: float | None = None) -> Examination:
    return examine(Euclidean(), on_a_line(*things), NAMES, threshold=threshold)


def test_a_clean_gallery_is_left_in_peace() -> None:
    found = examined([0, 1, 2], [10, 11, 12], [20, 21, 22], threshold=5)
    assert found.findings == ()
    assert (found.recognised, found.n_things, found.n_photos, found.n_asked) == (1, 3, 9, 9)
    assert found.summary == (
        "Examined 9 photos of 3 things: left out, 100.0 % are recognised "
        "(95 % interval 43.9 to 100.0). Nothing to remark. Of 3 things, photos are recognised "
        "100.0 % with 1, 100.0 % with 2 of each thing; from 1 on, another gains no sure 1 point."
    )


def test_a_mislabelled_photo_is_found_and_confuses_nothing_else() -> None:
    found = examined([20, 21, 0.5], [0, 1, 2], [10, 11, 12])
    (finding,) = found.findings
    assert (finding.kind, finding.severity) == ("mislabelled", "warning")
    assert (finding.things, finding.photos) == (("cup", "mug"), (102,))
    assert finding.measure == pytest.approx(19 / 7)  # 19 too far off; usually 7 nearer to its own
    assert finding.told == (
        "photo 102 of 'cup' looks like 'mug', and not like the other photos of 'cup', which "
        "agree; move it to 'mug' or remove it"
    )
    assert found.recognised == 1


def test_two_things_taken_for_each_other_are_found_with_both_shares() -> None:
    # Cup: 0 is nearer to 1 (own 1.2), 1.2 is nearer to 1, 5 is nearer to 5.5: 3 of 3 confused.
    # Mug: 1 is nearer to 1.2; 5.5 to 5; 9, 10 and 11 to their own: 2 of 5.
    found = examined([0, 1.2, 5], [1, 5.5, 9, 10, 11], [30, 31, 32], [40, 41, 42])
    (finding,) = found.findings
    assert (finding.kind, finding.severity) == ("lookalike", "warning")
    assert finding.things == ("cup", "mug")
    assert finding.photos == (100, 101, 102, 103, 104)
    assert finding.measure == 5 / 8
    assert finding.told == (
        "3 of the 3 photos of 'cup' would be taken for 'mug' and 2 of the 5 photos of 'mug' would "
        "be taken for 'cup'; add photos that show the difference, or merge the two if they are "
        "one thing"
    )
    assert found.recognised == 9 / 14


def test_a_single_confused_photo_is_no_pattern_and_two_are_advice() -> None:
    assert examined([0, 1, 3.5], [5, 6, 7], [20, 21, 22]).findings == ()
    (finding,) = examined([0, 1, 3.5], [4, 6, 7], [20, 21, 22]).findings  # 3.5 and 4 confused
    assert (finding.kind, finding.severity, finding.measure) == ("lookalike", "advice", 2 / 6)


def test_only_photos_are_judged_by_the_threshold_where_there_is_one() -> None:
    things: list[list[float]] = [[0], [1], [20, 21, 22], [30, 31, 32]]
    kinds = [finding.kind for finding in examined(*things).findings]
    assert kinds == ["few_photos"]
    lookalike, few = examined(*things, threshold=1).findings
    assert lookalike.told.startswith(
        "the only photo of 'cup' would be taken for 'mug' and the only photo of 'mug' would be "
        "taken for 'cup'; add photos"
    )
    assert (lookalike.severity, lookalike.photos) == ("advice", (100, 101))
    assert few.things == ("cup", "mug") and few.measure == 2
    assert few.told == (
        "'cup' and 'mug' have a single photo: whether they are recognised cannot be checked; add "
        "another, from another side"
    )


def test_things_with_fewer_photos_than_help_are_named() -> None:
    rng = np.random.default_rng(0)
    faces = np.repeat(rng.normal(size=(40, 8)) * 10, 3, axis=0)  # every thing has two faces
    vectors = np.concatenate([faces + 0.01 * rng.normal(size=faces.shape), 100 + np.eye(8)[:2]])
    names = {10 + thing: f"thing {thing}" for thing in range(21)}
    found = examine(Euclidean(), photo_vectors(vectors, [6] * 20 + [2]), names, threshold=None)
    (few,) = [finding for finding in found.findings if finding.kind == "few_photos"]
    assert few.told == (
        "'thing 20' has fewer than 5 photos: here photos are recognised better with up to 5 of "
        "each thing; add some"
    )


def test_copies_are_told_by_vectors_where_no_picture_was_kept() -> None:
    found = examined([0, 1, 2, 2.01], [10, 11, 12], [20, 21, 21.5, 12.02])
    across, within = found.findings
    assert (across.severity, across.things, across.photos) == (
        "warning",
        ("mug", "jug"),
        (106, 110),
    )
    assert "nearly the same picture; remove the one that is wrong" in across.told
    assert (within.severity, within.things, within.photos) == ("advice", ("cup",), (102, 103))
    assert within.told.startswith("2 photos of 'cup' are nearly the same picture")
    assert found.recognised == 1  # of the rest
    # Two photos of the mug are left, so only the other two things can show two shots.
    assert found.kshot is not None and found.kshot.n_things == 2


def drawn(seed: int, *, quality: int | None = None) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    encoded = BytesIO()
    image = Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC)
    if quality:
        image.save(encoded, "JPEG", quality=quality)
    else:
        image.save(encoded, "PNG")
    return encoded.getvalue()


def test_kept_pictures_decide_what_is_a_copy() -> None:
    vectors = on_a_line([0, 1, 2, 2.1], [10, 11, 12, 12.01], [20, 21, 22])
    # 102 and 103 are one picture; 106 and 107 are two that the model sees alike.
    kept = {100 + row: drawn(row) for row in range(11)} | {103: drawn(2, quality=60)}
    (finding,) = examine(
        Euclidean(), vectors, NAMES, threshold=None, pictures=KeptPictures(kept.get, "grey")
    ).findings
    assert (finding.kind, finding.photos) == ("duplicate", (102, 103))


def test_pictures_that_are_damaged_or_gone_leave_it_to_the_vectors() -> None:
    def damaged(photo: int) -> bytes:
        if photo == 101:
            raise NotInGallery("photo 101 was removed")
        return b"no picture"

    vectors = on_a_line([0, 0.01, 1, 2], [10, 11, 12], [20, 21, 22])
    (finding,) = examine(
        Euclidean(), vectors, NAMES, threshold=None, pictures=KeptPictures(damaged, "grey")
    ).findings
    assert finding.photos == (100, 101)


def test_distances_below_zero_are_no_copies_by_themselves() -> None:
    head = WeightedL1(-np.ones(1), 5.0)  # the distance on the line, less 5
    vectors = on_a_line([0, 1, 2, 2.01], [10, 11, 12], [20, 21, 22])
    (finding,) = examine(head, vectors, NAMES, threshold=None).findings
    assert (finding.kind, finding.photos) == ("duplicate", (102, 103))


def test_a_collapsed_model_confuses_all_and_accuses_no_photo() -> None:
    same = photo_vectors(np.ones((12, 2)), [3, 3, 3, 3])
    found = examine(Euclidean(), same, NAMES, threshold=0.5)
    assert {finding.kind for finding in found.findings} == {"lookalike"}
    assert found.recognised == 0.5  # ties
    assert found.kshot is not None and found.kshot.points[0].accuracy == pytest.approx(1 / 4)


def test_large_galleries_are_sampled_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MOST_DISTANCES", 10**6)
    vectors = photo_vectors(np.random.default_rng(0).normal(size=(3000, 2)), [3] * 1000)
    names = {10 + thing: f"thing {thing}" for thing in range(1000)}
    found = examine(Euclidean(), vectors, names, threshold=None, seed=4)
    assert (found.n_photos, found.n_asked, found.seed) == (3000, 1000, 4)
    assert "Examined 3,000 photos of 1,000 things, asking about 1,000 drawn with seed 4" in (
        found.summary
    )
    again = examine(Euclidean(), vectors, names, threshold=None, seed=4)
    assert found == again


def test_warnings_come_first_and_all_of_it_is_json() -> None:
    found = examined([20, 21, 0.5], [0, 1, 2], [10, 11, 12], [40], threshold=1)
    assert [finding.severity for finding in found.findings] == ["warning", "advice"]
    record = json.loads(json.dumps(found.to_json()))
    assert record["findings"][0]["things"] == ["cup", "mug"]
    assert record["findings"][0]["photos"] == [102]
    assert record["kshot"]["points"][0]["shots"] == 1
    assert record["summary"] == found.summary
    assert "1 warning and 1 piece of advice." in found.summary


def test_one_thing_alone_and_one_photo_alone_can_be_examined() -> None:
    alone = examined([0, 1, 2])
    assert (alone.recognised, alone.kshot, alone.findings) == (None, None, ())
    assert alone.summary == "Examined 3 photos of 1 thing. Nothing to remark."
    (few,) = examined([0]).findings
    assert few.kind == "few_photos" and few.told.startswith("'cup' has a single photo")


def test_a_thing_that_went_meanwhile_is_named_by_its_id() -> None:
    found = examine(Euclidean(), on_a_line([0], [5, 6]), {11: "mug"}, threshold=None)
    assert found.findings[0].things == ("#10",)


def test_an_empty_gallery_is_refused() -> None:
    none = np.zeros(0, np.int64)
    empty = PhotoVectors(none, np.zeros((0, 3), np.float32), none, none)
    with pytest.raises(GalleryError, match=r"the gallery is empty.*enroll a photo"):
        examine(Euclidean(), empty, {}, threshold=None)
