from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from firstsight.errors import ShapeError
from firstsight.gallery.advising import Newcomer, advise_enrollment
from firstsight.gallery.copies import KeptPictures
from firstsight.gallery.findings import Finding, part_told, some
from firstsight.gallery.records import PhotoVectors
from firstsight.images.likeness import Likeness, likeness
from firstsight.images.quality import Flaw
from firstsight.similarity import Euclidean
from tests.gallery.test_neighbours import on_a_line
from tests.images.samples import saved_again, tiled

NAMES = {10: "cup", 11: "mug", 12: "jug", 13: "pot"}
GALLERY: list[list[float]] = [[0, 1, 2], [10, 11, 12], [20, 21, 22]]


def advised(
    value: float, name: str, *things: list[float], threshold: float | None = None, **more: Any
) -> list[Finding]:
    return advise_enrollment(
        Euclidean(),
        on_a_line(*(things or GALLERY)),
        NAMES,
        Newcomer(name, np.array([value], np.float32), **more),
        threshold=threshold,
    )


def test_a_new_thing_unlike_the_others_and_another_view_of_a_known_one_raise_nothing() -> None:
    assert advised(30, "pot", threshold=2) == []
    assert advised(3, "cup", threshold=2) == []


def test_a_look_alike_is_told_with_the_share_of_photos_it_would_take() -> None:
    # From 5.4: 5 is 0.4 away and its own nearest 1; 6 is 0.6 away; 4 is 1.4 away, its own 1.
    (finding,) = advised(5.4, "pot", [4, 5, 6, 7, 8], [20, 21])
    assert (finding.kind, finding.severity) == ("lookalike", "advice")  # two photos only
    assert (finding.things, finding.photos) == (("pot", "cup"), (101, 102))
    assert finding.measure == 2 / 5
    assert finding.told == (
        "it looks much like 'cup': 2 of its 5 photos would be confused with it; "
        "add a photo from another side"
    )


def test_photos_within_the_threshold_count_as_confused_too() -> None:
    (finding,) = advised(5.4, "pot", [4, 5, 6, 7, 8], [20, 21], threshold=1.5)
    assert (finding.severity, finding.photos, finding.measure) == ("warning", (100, 101, 102), 0.6)


def test_a_tie_counts_as_confused() -> None:
    (finding,) = advised(2, "pot", [0, 1, 3, 4], [20, 21])  # as near to 1 and 3 as 0 and 4 are
    assert finding.photos == (101, 102)


def test_the_only_photo_of_a_thing_is_judged_by_the_threshold() -> None:
    assert advised(0.5, "pot", [0], [10]) == []
    (finding,) = advised(0.5, "pot", [0], [10], threshold=1)
    assert finding.severity == "warning"
    assert "its only photo would be confused" in finding.told


def test_a_photo_under_the_wrong_name_is_told_before_it_is_saved() -> None:
    (finding,) = advised(0.5, "jug")
    assert (finding.kind, finding.severity) == ("mislabelled", "warning")
    assert finding.things == ("jug", "cup") and finding.photos == ()
    # It is 19.5 from the jugs and 0.5 from the cups. Margins here: 9, 8, 7 | 7, 8, 7 | 7, 8, 9.
    assert finding.measure == pytest.approx(19 / 8)
    assert finding.told.endswith("enroll it as 'cup', or check the name")


def test_a_thing_with_one_photo_accuses_nobody_of_a_wrong_name() -> None:
    assert advised(3, "pot", *GALLERY, [40]) == []


def test_a_copy_is_told_by_its_vector_and_nothing_else_about_it() -> None:
    (within,) = advised(2.01, "cup", threshold=5)
    assert (within.kind, within.severity, within.photos) == ("duplicate", "advice", (102,))
    assert within.told == (
        "'cup' has nearly the same picture already (photo 102); another view would help more"
    )
    (across,) = advised(2.01, "pot", threshold=5)
    assert (across.severity, across.things) == ("warning", ("pot", "cup"))
    assert across.measure == pytest.approx(0.01, abs=1e-5)


def test_a_copy_that_the_caller_knows_of_is_believed() -> None:
    (finding,) = advised(5, "pot", threshold=5, held=(104, "mug"))
    assert finding.told == (
        "nearly the same picture is enrolled as 'mug' (photo 104); check which of the two names is "
        "right"
    )


def test_flaws_of_the_picture_are_passed_on_also_into_an_empty_gallery() -> None:
    none = np.zeros(0, np.int64)
    empty = PhotoVectors(none, np.zeros((0, 1), np.float32), none, none)
    (finding,) = advise_enrollment(
        Euclidean(),
        empty,
        {},
        Newcomer(
            "cup", np.zeros(1, np.float32), flaws=[Flaw("blurred", "it is blurred; hold still")]
        ),
        threshold=None,
    )
    assert (finding.kind, finding.severity) == ("flaw", "advice")
    assert finding.told == "of the photo: it is blurred; hold still"


def test_warnings_come_before_advice() -> None:
    flaws = [Flaw("tiny", "it is too small")]
    found = advised(0.5, "jug", flaws=flaws)
    assert [finding.severity for finding in found] == ["warning", "advice"]


def test_a_collapsed_model_says_that_all_looks_alike() -> None:
    found = advised(1, "pot", [1, 1, 1], [1, 1, 1], [1, 1, 1])
    assert {(finding.kind, finding.measure) for finding in found} == {("lookalike", 1.0)}


def test_a_vector_of_another_model_is_refused() -> None:
    vectors = on_a_line(*GALLERY)
    with pytest.raises(ShapeError, match=r"shape \(2,\).*embed both with the gallery's model"):
        advise_enrollment(
            Euclidean(), vectors, NAMES, Newcomer("pot", np.zeros(2, np.float32)), threshold=None
        )


def test_names_and_parts_are_told_in_few_words() -> None:
    assert some(["a"]) == "'a'"
    assert some(["a", "b"]) == "'a' and 'b'"
    assert some(["a", "b", "c"]) == "'a', 'b' and 'c'"
    assert some(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"
    assert part_told(1, 1, "its") == "its only photo"
    assert part_told(2, 5, "the") == "2 of the 5 photos"
    assert part_told(3, 8, "its") == "38 % of its 8 photos"


RED = Likeness(0, is_grey=False)


def copied(
    value: float, bits: int, *, is_grey: bool = False, things: list[list[float]] | None = None
) -> bool:
    """Whether `value` is called a copy where the picture differs from all others in `bits`."""
    kept = KeptPictures(lambda photo: b"", "rgb", {100 + row: RED for row in range(20)})
    found = advise_enrollment(
        Euclidean(),
        on_a_line(*(things or GALLERY)),
        NAMES,
        Newcomer("pot", np.array([value], np.float32), likeness=Likeness(2**bits - 1, is_grey)),
        threshold=None,
        pictures=kept,
    )
    return any(finding.kind == "duplicate" for finding in found)


def test_whoever_differs_in_more_bits_must_be_nearer_to_be_a_copy() -> None:
    # Photos of one thing here lie 1 apart.
    assert copied(2.49, 8) and not copied(2.51, 8)
    assert copied(2.24, 14) and not copied(2.26, 14)
    assert not copied(2, 15)
    assert copied(2.14, 2, is_grey=True) and not copied(2.16, 2, is_grey=True)
    assert copied(2.04, 4, is_grey=True) and not copied(2.06, 4, is_grey=True)
    assert copied(2.49, 0, is_grey=True) and not copied(2, 5, is_grey=True)


def test_among_too_few_photos_to_say_what_is_usual_pictures_decide_alone() -> None:
    assert copied(2, 14, things=[[0]]) and not copied(0, 15, things=[[0]])
    assert advised(0, "cup", [0], threshold=None) == []  # neither vector nor picture can tell


def test_one_picture_by_its_pixels_is_a_copy_whatever_its_vector_says() -> None:
    picture = tiled().filter(ImageFilter.GaussianBlur(20)).convert("L")
    kept = KeptPictures(
        lambda photo: b"", "grey", {100 + row: likeness(picture) for row in range(20)}
    )

    def is_copied(shown: Image.Image) -> bool:
        far = Newcomer("pot", np.array([2.45], np.float32), likeness=likeness(shown))
        found = advise_enrollment(
            Euclidean(), on_a_line(*GALLERY), NAMES, far, threshold=None, pictures=kept
        )
        return any(finding.kind == "duplicate" for finding in found)

    assert is_copied(saved_again(picture, 50, 0.5))
    assert not is_copied(ImageOps.mirror(picture))
