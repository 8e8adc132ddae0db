"""Enroll, identify, verify and search through the one class that everything answers by."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import firstsight
from firstsight.errors import (
    GalleryError,
    NotInGallery,
    PictureError,
    ShapeError,
    UsageError,
)
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import ModelBinding, NewPhoto
from firstsight.images.decode import DecodeLimits, PictureLike
from firstsight.model.embedder import Embedder
from firstsight.recognition.answers import Answer, Unreadable
from firstsight.recognition.enrolling import Entry
from firstsight.recognition.recognizer import Policy, Recognizer
from tests.drawings import N_THINGS, drawing


def test_each_thing_is_nearest_to_another_drawing_of_it(recognizer: Recognizer) -> None:
    for thing in range(N_THINGS):
        answer = recognizer.identify(drawing(thing, 1))
        assert answer.nearest.thing == f"figure {thing}"
        assert answer.runner_up is not None
        assert answer.margin == pytest.approx(answer.runner_up.distance - answer.distance)


def test_the_nearest_are_those_of_a_full_sort(recognizer: Recognizer, characters: Embedder) -> None:
    asked = drawing(3, 2)
    enrolled = characters.embed([drawing(thing) for thing in range(N_THINGS)])
    expected = characters.distance(characters.embed(asked), enrolled)[0]
    answer = recognizer.identify(asked)
    order = np.argsort(expected)
    assert answer.distance == pytest.approx(float(expected[order[0]]), abs=1e-5)
    assert answer.runner_up is not None
    assert answer.runner_up.thing == f"figure {order[1]}"
    found = recognizer.search(asked, k=N_THINGS)
    assert [match.thing for match in found] == [f"figure {thing}" for thing in order]
    assert [match.distance for match in found] == pytest.approx(sorted(expected), abs=1e-5)


def test_a_picture_may_come_in_any_form(recognizer: Recognizer, files: Path) -> None:
    path = files / "asked" / "figure 2.png"
    image = Image.open(path)
    forms: list[PictureLike] = [path, str(path), path.read_bytes(), image, np.asarray(image)]
    forms.append(io.BytesIO(path.read_bytes()))
    distances = {recognizer.identify(each).distance for each in forms}
    assert len(distances) == 1


def test_one_among_many_that_cannot_be_read_is_told_and_the_rest_answered(
    recognizer: Recognizer, files: Path
) -> None:
    (files / "broken.png").write_bytes(b"no picture")
    asked = [files / "asked" / "figure 0.png", files / "broken.png", files / "missing.png"]
    asked += [files / "asked" / f"figure {thing}.png" for thing in range(1, N_THINGS)]
    answers = list(recognizer.identify_many(asked))
    assert [isinstance(each, Unreadable) for each in answers[:4]] == [False, True, True, False]
    alone = [recognizer.identify(each) for each in (asked[0], *asked[3:])]
    together = [each for each in answers if isinstance(each, Answer)]
    for one, other in zip(alone, together, strict=True):
        assert one.nearest.thing == other.nearest.thing
        assert one.distance == other.distance  # many at once round as one alone does


@pytest.mark.parametrize("name", ["unknown", "two\nlines", "x" * 201, " "])
def test_a_name_that_no_thing_may_have_is_refused_before_anything_is_read(
    recognizer: Recognizer, name: str
) -> None:
    with pytest.raises(UsageError):
        recognizer.enroll(name, "missing.png", keep=False)


def test_photos_enrolled_many_at_once_have_the_vectors_of_one_at_a_time(
    recognizer: Recognizer, files: Path
) -> None:
    pictures = sorted((files / "asked").iterdir())[:4]
    for picture in pictures[:2]:
        recognizer.enroll("by itself", picture)
    recognizer.enroll("together", pictures[2:])
    for photo in [*recognizer.gallery.photos("by itself"), *recognizer.gallery.photos("together")]:
        alone = recognizer.embedder.embed(photo.source)[0]
        np.testing.assert_array_equal(recognizer.vector_of(photo.id), alone)


def test_without_calibration_nothing_is_known_and_the_remedy_is_named(
    uncalibrated: Recognizer,
) -> None:
    answer = uncalibrated.identify(drawing(0, 1))
    assert (answer.decision, answer.thing) == ("unsure", "figure 0")
    assert answer.threshold is None
    assert "firstsight calibrate" in answer.reason


@pytest.fixture
def uncalibrated(tmp_path: Path) -> Recognizer:
    from firstsight.model.folder import copy_model_folder, resolve_model, set_calibration

    bare = copy_model_folder(resolve_model("characters"), tmp_path / "bare")
    set_calibration(bare, None)
    opened = Recognizer.open("bare", model=bare)
    for thing in range(3):
        opened.enroll(f"figure {thing}", drawing(thing))
    return opened


def test_the_shipped_model_tells_strangers_from_things(recognizer: Recognizer) -> None:
    known = [recognizer.identify(drawing(thing, 1)) for thing in range(N_THINGS)]
    strangers = [recognizer.identify(drawing(thing)) for thing in range(100, 120)]
    assert all(answer.threshold is not None for answer in known)
    assert known[0].estimate.basis == "model"
    assert sum(answer.thing == f"figure {n}" for n, answer in enumerate(known)) >= 6
    assert sum(answer.decision == "unknown" for answer in strangers) >= 15


def test_thresholds_follow_the_size_of_the_gallery(recognizer: Recognizer) -> None:
    before = recognizer.estimate().threshold
    for thing in range(N_THINGS, 40):
        recognizer.enroll(f"figure {thing}", drawing(thing))
    after = recognizer.estimate().threshold
    assert before is not None
    assert after is not None
    assert after < before


def test_a_stricter_policy_has_a_lower_threshold(recognizer: Recognizer) -> None:
    with Recognizer.open_existing("figures", policy=Policy(false_accepts=0.1)) as lenient:
        loose = lenient.estimate()
    strict = recognizer.estimate()
    assert strict.target == 0.01
    assert loose.threshold is not None
    assert strict.threshold is not None
    assert strict.threshold < loose.threshold


def test_a_policy_takes_no_word_for_a_truth_value(recognizer: Recognizer) -> None:
    wrong: Any
    for wrong in ("no", 1, None):
        with pytest.raises(UsageError, match=r"closed_set is .*; give True or False"):
            Policy(closed_set=wrong)
    wrong = "no"
    asked = recognizer.read(drawing(0, 1))
    with pytest.raises(UsageError, match="closed_set is 'no'"):
        recognizer.answer(asked, recognizer.vector_of(1), closed_set=wrong)
    with pytest.raises(UsageError, match="give DecodeLimits"):
        Policy(limits=wrong)


def test_the_very_same_picture_again_is_no_copy_of_itself(
    recognizer: Recognizer, files: Path
) -> None:
    same = files / "things" / "figure 1.png"
    (again,) = recognizer.enroll("figure 1", same)
    assert (again.status, again.advice) == ("already", ())
    (elsewhere,) = recognizer.enroll("figure 2", same)
    assert elsewhere.status == "elsewhere"
    assert "enrolled as 'figure 1'" in elsewhere.advice[0]


def test_an_estimate_is_remembered_until_the_gallery_changes(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = recognizer.estimate()

    def not_again(*given: object, **named: object) -> None:
        raise AssertionError("estimated again")

    monkeypatch.setattr("firstsight.deciding.estimate.estimate", not_again)
    with Recognizer.open_existing("figures") as other:
        assert other.estimate() == first
        with pytest.raises(AssertionError, match="estimated again"):
            other.enroll("one more", drawing(55))


def test_another_process_sees_a_new_thing_at_once(recognizer: Recognizer) -> None:
    with Recognizer.open_existing("figures") as other:
        assert other.identify(drawing(60)).nearest.thing != "late"
        recognizer.enroll("late", drawing(60))
        assert other.identify(drawing(60, 1)).nearest.thing == "late"


def test_verdicts_move_the_threshold_within_its_interval(recognizer: Recognizer) -> None:
    before = recognizer.estimate()
    assert before.threshold_interval is not None
    for thing in range(N_THINGS):  # near enough to be named, and said to be strangers
        recognizer.deny(recognizer.identify(drawing(thing, 1)))
    after = recognizer.estimate()
    low, high = before.threshold_interval
    assert before.threshold is not None
    assert after.threshold is not None
    assert low <= after.threshold < before.threshold <= high
    assert after.n_verdicts == N_THINGS
    recognizer.gallery.undo(N_THINGS)
    assert recognizer.estimate().threshold == before.threshold


def test_a_verdict_names_the_truth(recognizer: Recognizer) -> None:
    answer = recognizer.identify(drawing(2, 1))
    recognizer.confirm(answer)
    recognizer.deny(recognizer.identify(drawing(3, 1)), truth="figure 4")
    right, other = recognizer.gallery.verdicts()
    assert (right.kind, right.truth) == ("right", "figure 2")
    assert (other.kind, other.named, other.truth) == ("other", "figure 3", "figure 4")
    with pytest.raises(NotInGallery, match="figure"):
        recognizer.deny(answer, truth="figure 99")
    with pytest.raises(UsageError, match="confirm it instead"):
        recognizer.deny(answer, truth="figure 2")


def test_all_or_nothing_keeps_nothing_where_one_picture_fails(recognizer: Recognizer) -> None:
    before = recognizer.gallery.counts()
    results = recognizer.enroll("new", [drawing(70), b"no picture"], partial=False)
    assert [each.status for each in results] == ["left out", "unreadable"]
    assert recognizer.gallery.counts() == before
    results = recognizer.enroll("new", [drawing(70), b"no picture"])
    assert [each.status for each in results] == ["new", "unreadable"]


def test_all_or_nothing_keeps_nothing_where_one_is_enrolled_under_another_name(
    recognizer: Recognizer, files: Path
) -> None:
    before = recognizer.gallery.counts()
    held = files / "things" / "figure 0.png"
    results = recognizer.enroll("new", [held, drawing(70)], partial=False)
    assert [each.status for each in results] == ["left out", "left out"]
    for each in results:
        assert f"'{held}' is in the gallery already, as 'figure 0'" in (each.trouble or "")
    assert recognizer.gallery.counts() == before


def test_the_same_content_is_kept_once(recognizer: Recognizer, files: Path) -> None:
    path = files / "things" / "figure 0.png"
    again = recognizer.enroll("figure 0", path)[0]
    assert (again.status, again.done) == ("already", True)
    elsewhere = recognizer.enroll("figure 1", path)[0]
    assert (elsewhere.status, elsewhere.holder) == ("elsewhere", "figure 0")


def test_checking_saves_nothing_and_careful_leaves_out_what_is_warned_of(
    recognizer: Recognizer,
) -> None:
    before = recognizer.gallery.counts()
    blank = Image.new("L", (105, 105), 255)
    (checked,) = recognizer.enroll("nothing", blank, keep=False)
    assert checked.status == "checked"
    assert checked.advice
    (refused,) = recognizer.enroll("nothing", blank, careful=True)
    assert refused.status == "refused"
    assert recognizer.gallery.counts() == before


def test_a_check_says_what_enrolling_would(recognizer: Recognizer, files: Path) -> None:
    before = recognizer.gallery.counts()
    path = files / "things" / "figure 0.png"
    (held,) = recognizer.gallery.photos("figure 0")
    (again,) = recognizer.enroll("figure 0", path, keep=False)
    assert (again.status, again.photo, again.holder) == ("already", held.id, None)
    (elsewhere,) = recognizer.enroll("figure 1", path, keep=False)
    assert (elsewhere.status, elsewhere.photo, elsewhere.holder) == (
        "elsewhere",
        held.id,
        "figure 0",
    )
    assert recognizer.gallery.counts() == before


def test_a_check_of_many_knows_what_came_before_in_it(recognizer: Recognizer) -> None:
    shown = [("cat", drawing(70)), ("cat", drawing(70)), ("dog", drawing(70)), ("dog", drawing(71))]
    entries = [Entry(picture, thing, thing) for thing, picture in shown]
    told = {}
    for keep in (False, True):
        enroller = recognizer.enroller(keep=keep)
        # One a batch, as among thousands.
        told[keep] = [result for each in entries for result in enroller.each([each])]
    assert [(each.status, each.holder) for each in told[False]] == [
        ("checked", None),
        ("checked", None),
        ("elsewhere", "cat"),
        ("checked", None),
    ]
    assert [each.status for each in told[True]] == ["new", "already", "elsewhere", "new"]


def test_search_gives_one_photo_a_thing_where_asked(recognizer: Recognizer) -> None:
    recognizer.enroll("figure 1", [drawing(1, 4), drawing(1, 5)])
    every = recognizer.search(drawing(1, 6), k=3)
    assert [match.thing for match in every] == ["figure 1"] * 3
    one_each = recognizer.search(drawing(1, 6), k=3, one_per_thing=True)
    assert len({match.thing for match in one_each}) == 3
    assert one_each[0] == every[0]
    with pytest.raises(UsageError, match="k is 0"):
        recognizer.search(drawing(1), k=0)


def test_a_crop_is_the_part_alone(recognizer: Recognizer) -> None:
    desk = Image.new("L", (400, 300), 255)
    desk.paste(drawing(5, 1), (200, 100))
    answer = recognizer.identify(desk, crop=(200, 100, 305, 205))
    assert answer.nearest.thing == "figure 5"
    assert answer.distance == pytest.approx(recognizer.identify(drawing(5, 1)).distance, abs=1e-5)


def test_a_gallery_without_pictures_still_recognises(files: Path) -> None:
    with Recognizer.open("private", model="characters", keeps_pictures=False) as opened:
        opened.enroll("figure 0", files / "things" / "figure 0.png")
        (photo,) = opened.gallery.photos()
        assert opened.gallery.picture(photo.id) is None
        assert opened.identify(files / "asked" / "figure 0.png").nearest.thing == "figure 0"
        assert opened.identify(drawing(1)).margin is None  # nothing else to be nearer to


def test_a_new_gallery_takes_the_model_of_its_name(files: Path) -> None:
    with Recognizer.open("characters") as opened:
        assert opened.embedder.info.name == "characters"
    with Recognizer.open("mugs") as opened:
        assert opened.gallery.info.model.place == "photos"


def test_refusals_are_one_sentence(recognizer: Recognizer) -> None:
    with pytest.raises(GalleryError, match="embedded by the model characters"):
        Recognizer.open_existing("figures", model="photos")
    with pytest.raises(GalleryError, match="there is no gallery"):
        Recognizer.open_existing("nowhere")
    with (
        Recognizer.open("empty", model="characters") as empty,
        pytest.raises(GalleryError, match=r"is empty; .*firstsight enroll"),
    ):
        empty.identify(drawing(0))
    with pytest.raises(PictureError):
        recognizer.identify(b"no picture")
    with pytest.raises(UsageError, match="false_accepts"):
        Policy(false_accepts=0)
    with pytest.raises(ShapeError):
        recognizer.embedder.embed_pixels(np.zeros((1, 3, 3, 1), np.uint8))


def test_limits_are_the_policys(files: Path, recognizer: Recognizer) -> None:
    strict = Policy(limits=DecodeLimits(max_pixels=1000))
    with (
        Recognizer.open_existing("figures", policy=strict) as small,
        pytest.raises(PictureError, match="more than the 1,000"),
    ):
        small.identify(files / "asked" / "figure 0.png")


def test_verify_says_same_and_different(files: Path, recognizer: Recognizer) -> None:
    a, b = files / "things" / "figure 1.png", files / "asked" / "figure 1.png"
    compared = firstsight.verify(a, b, model="characters")
    assert compared.same is True
    assert compared == recognizer.verify(a, b)
    other = firstsight.verify(a, files / "things" / "figure 2.png", model="characters")
    assert other.same is False
    assert compared.probability is not None
    assert other.probability is not None
    assert other.probability < 0.5 < compared.probability
    assert other.distance > compared.distance


def test_a_picture_is_as_far_from_itself_as_its_place_is_crowded(characters: Embedder) -> None:
    # Cosine distance 0 to itself, and the mean of twice the number that landmarks give.
    crowding = float(characters.embed(drawing(1))[0, -1])
    compared = firstsight.verify(drawing(1), drawing(1), model="characters")
    assert compared.distance == pytest.approx(crowding, abs=1e-5)
    assert compared.distance > 0.1
    assert firstsight.verify(drawing(1), drawing(1), model="photos").distance == pytest.approx(0)


def test_a_recognizer_that_does_not_wait_goes_by_the_thresholds_of_before_until_it_adopts_new_ones(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstsight.recognition.standing.QUICKLY_ESTIMATED", 0)
    with Recognizer(
        Gallery.open(recognizer.gallery.place), recognizer.embedder, waits=False
    ) as quick:
        before = quick.identify(drawing(1, 1)).estimate
        assert quick.is_settled
        recognizer.gallery.enroll([("new", new_photo(recognizer, drawing(60)))])
        answer = quick.identify(drawing(60, 1))
        assert answer.nearest.thing == "new"
        assert answer.estimate == before
        assert not quick.is_settled
        quick.adopt(recognizer.settle())
        after = quick.identify(drawing(60, 1))
        assert quick.is_settled
        assert after.estimate == recognizer.estimate()
        assert after.estimate.n_photos == before.n_photos + 1


def new_photo(recognizer: Recognizer, picture: Image.Image) -> NewPhoto:
    return NewPhoto("d" * 64, "new.png", 105, 105, recognizer.embedder.embed(picture)[0])


def test_a_gallery_that_was_moved_to_another_model_meanwhile_is_not_answered_from(
    recognizer: Recognizer,
) -> None:
    recognizer.identify(drawing(1, 1))
    with Gallery.open(recognizer.gallery.place) as other:
        binding = ModelBinding("another", "a" * 64, "another", 512)
        photos = other.vectors().photos
        other.stage(binding, {int(each): np.ones(512, np.float32) for each in photos})
        other.switch()
    with pytest.raises(GalleryError, match="was embedded by the model another"):
        recognizer.identify(drawing(1, 1))


def test_of_an_unknown_picture_there_is_no_name_to_confirm(recognizer: Recognizer) -> None:
    stranger = recognizer.identify(drawing(70))
    assert stranger.decision == "unknown"
    with pytest.raises(UsageError, match=r"unknown, so there is no name to confirm; deny it"):
        recognizer.confirm(stranger)
    assert not recognizer.gallery.verdicts()
    nearest = stranger.nearest.thing
    with pytest.raises(UsageError, match=r"the nearest thing to .* is .*; deny the answer"):
        recognizer.confirm(stranger, "figure 2" if nearest != "figure 2" else "figure 3")
    # As of an answer by other settings, which named it.
    recognizer.confirm(stranger, nearest)
    recognizer.deny(stranger, truth=nearest)
    recognizer.deny(stranger)
    by_name, was_near, none = recognizer.gallery.verdicts()
    assert (by_name.kind, by_name.truth) == ("right", nearest)
    assert (was_near.kind, was_near.truth) == ("right", nearest)
    assert (none.kind, none.truth) == ("wrong", None)


def test_who_judges_a_picture_again_corrects_what_was_said(recognizer: Recognizer) -> None:
    before = recognizer.estimate()
    answers = [recognizer.identify(drawing(thing, 1)) for thing in range(N_THINGS)]
    for answer in answers:
        recognizer.deny(answer)
    denied = recognizer.estimate()
    assert denied.threshold is not None and before.threshold is not None
    assert denied.threshold < before.threshold
    for answer in answers:
        recognizer.confirm(answer)
    assert recognizer.estimate().threshold == before.threshold
    assert recognizer.estimate().n_verdicts == N_THINGS
    assert len(recognizer.gallery.verdicts()) == 2 * N_THINGS


def test_a_damaged_kept_estimate_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "figures"
    with Recognizer.open(place, model="characters") as recognizer:
        recognizer.enroll("figure", drawing(0))
        before = recognizer.estimate()
    with closing(sqlite3.connect(place / "gallery.sqlite")) as gallery, gallery:
        kept = json.loads(gallery.execute("SELECT value FROM remembered").fetchone()[0])
        damaged = json.dumps(kept | {"estimate": {}})
        assert gallery.execute("UPDATE remembered SET value = ?", [damaged]).rowcount == 1
    with Recognizer.open_existing(place) as recognizer:
        assert recognizer.estimate() == before
