"""A second look, by the shipped model for photographs and things drawn here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import firstsight
from firstsight.deciding.combining import Rule
from firstsight.errors import UsageError
from firstsight.images.reading import read_picture
from firstsight.keypoints import FORMAT
from firstsight.recognition.comparing import calibrated_of, compare_vectors
from firstsight.recognition.nearest import Near
from firstsight.recognition.recognizer import Policy, Recognizer
from firstsight.recognition.second_look import LOOKED_AT, SecondLook, few_of_each
from tests.keypoints.prints import in_other_colours, photographed, printed

N = 5


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("second look") / "covers"
    with Recognizer.open(folder, model="photos") as recognizer:
        for number in range(N):
            recognizer.enroll(f"cover {number}", printed(number))
    return folder


@pytest.fixture
def recognizer(place: Path) -> Iterator[Recognizer]:
    with Recognizer.open(place) as opened:
        yield opened


def at_first(place: Path) -> Recognizer:
    return Recognizer.open(place, policy=Policy(second_look=False))


def test_prints_that_were_not_known_at_first_are_known_at_second(
    place: Path, recognizer: Recognizer
) -> None:
    asked = [photographed(printed(number), number) for number in range(N)]
    with at_first(place) as without:
        first = [without.identify(each) for each in asked]
    second = [recognizer.identify(each) for each in asked]
    assert sum(answer.decision == "known" for answer in first) < N
    assert [answer.thing for answer in second] == [f"cover {number}" for number in range(N)]
    for one, other in zip(first, second, strict=True):
        assert one.nearest.agreeing is None
        if one.decision != "known":
            assert other.nearest.agreeing is not None and other.nearest.agreeing > 5
            # What counts is the distance less what was brought nearer.
            assert other.nearest.nearer > 0
            assert other.threshold is not None and other.distance <= other.threshold
        if one.nearest.thing == other.nearest.thing:
            assert other.distance + other.nearest.nearer == pytest.approx(one.distance)


def test_a_search_puts_first_what_agrees(place: Path, recognizer: Recognizer) -> None:
    for number in range(N):
        asked = photographed(printed(number), number)
        matches = recognizer.search(asked, k=3)
        assert matches[0].thing == f"cover {number}"
        assert matches[0].agreeing is not None and matches[0].agreeing > 5
        distances = [match.distance for match in matches]
        assert distances == sorted(distances)
        with at_first(place) as without:
            first = {match.photo: match for match in without.search(asked, k=N)}
        for match in matches:
            assert match.distance + match.nearer == pytest.approx(first[match.photo].distance)
        (once,) = recognizer.search(asked, k=1, one_per_thing=True)
        assert once.photo == matches[0].photo
    # A vector alone shows no places.
    vector = recognizer.embedder.embed(np.asarray(asked))[0]
    assert {match.agreeing for match in recognizer.alike(vector, 3)} == {None}


def test_of_several_photos_the_one_that_agrees_most_tells(tmp_path: Path) -> None:
    with Recognizer.open(tmp_path / "g", model="photos") as recognizer:
        for number in range(3):
            back, front = printed(50 + number), printed(number)
            recognizer.enroll(f"box {number}", [np.asarray(back), np.asarray(front)])
        answer = recognizer.identify(photographed(printed(1), 1))
        assert answer.nearest.thing == "box 1"
        assert answer.nearest.agreeing is not None and answer.nearest.agreeing > 5
        fronts = recognizer.gallery.photos("box 1")
        assert answer.nearest.photo == fronts[1].id


def test_a_thing_of_many_photos_leaves_room_for_others() -> None:
    found = [Near(1, 0.1, photo) for photo in range(60)] + [Near(2, 0.2, 60), Near(3, 0.3, 61)]
    assert few_of_each(found) == [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 60), (3, 61)]
    many = [Near(thing, 0.1, thing) for thing in range(100)]
    assert few_of_each(many) == [(thing, thing) for thing in range(LOOKED_AT)]


@pytest.mark.parametrize("rule", ["mean", "prototype"])
def test_any_rule_takes_a_second_look(place: Path, rule: Rule) -> None:
    with Recognizer.open(place) as recognizer:
        standing = recognizer.settle()
        assert standing is not None
        recognizer.adopt(standing.judged_by(replace(standing.estimate, rule=rule)))
        answer = recognizer.identify(photographed(printed(2), 2))
        assert answer.nearest.thing == "cover 2"
        assert answer.nearest.nearer > 0


def test_a_print_in_other_colours_is_no_sign_of_the_same(tmp_path: Path) -> None:
    with Recognizer.open(tmp_path / "g", model="photos") as recognizer:
        for number in range(3):
            recognizer.enroll(f"cover {number}", printed(number))
        sisters = [photographed(in_other_colours(printed(number)), number) for number in range(3)]
        for asked in sisters:
            answer = recognizer.identify(asked)
            looked = answer.nearest.agreeing
            assert looked is None or answer.nearest.nearer == 0
        # But where one is shown for certain, its print tells which, in whatever light.
        with Recognizer.open(tmp_path / "g", policy=Policy(closed_set=True)) as closed:
            named = [closed.identify(asked) for asked in sisters]
        assert [each.thing for each in named] == [f"cover {number}" for number in range(3)]
        assert all(each.nearest.nearer > 0 for each in named if each.nearest.agreeing is not None)
        # Both enrolled, each gets its own, and what they share counts for the one it is.
        for number in range(3):
            recognizer.enroll(f"sister {number}", in_other_colours(printed(number)))
        for number, asked in enumerate(sisters):
            found = recognizer.search(asked, k=2)
            assert [each.thing for each in found] == [f"sister {number}", f"cover {number}"]
            assert found[0].nearer > 0 == found[1].nearer
            compared = recognizer.verify(asked, printed(number))
            assert compared.nearer == 0


def on_a_table(colour: tuple[int, int, int], seed: int, *, is_round: bool = True) -> Image.Image:
    """A plain thing in the middle of a table that is printed all over."""
    scene = printed(99).resize((400, 400))
    x, y = (125 + np.random.default_rng(seed).integers(-8, 8, 2)).tolist()
    draw = ImageDraw.Draw(scene)
    (draw.ellipse if is_round else draw.rectangle)((x, y, x + 150, y + 150), fill=colour)
    return scene


def test_a_table_that_two_things_stood_on_names_no_stranger(tmp_path: Path) -> None:
    with Recognizer.open(tmp_path / "g", model="photos") as recognizer:
        recognizer.enroll("red disc", on_a_table((150, 30, 30), 1))
        recognizer.enroll("blue disc", on_a_table((30, 60, 190), 2))
        # A square of nearly the red one's colour: what else agrees is the table.
        asked = on_a_table((200, 60, 50), 5, is_round=False)
        assert recognizer.identify(asked).decision == "unknown"
        assert [each.nearer for each in recognizer.search(asked, k=2)] == [0, 0]


def test_strangers_stay_strangers(recognizer: Recognizer) -> None:
    for number in range(20, 26):
        answer = recognizer.identify(photographed(printed(number), number))
        assert answer.thing is None
        assert answer.nearest.nearer == 0
        assert answer.nearest.agreeing == 0


def test_what_is_found_of_enrolled_photos_is_kept_and_goes_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Recognizer.open(tmp_path / "g", model="photos") as recognizer:
        for number in range(3):
            recognizer.enroll(f"cover {number}", printed(number))
        asked = photographed(printed(0), 0)
        before = recognizer.gallery.generation
        first = recognizer.identify(asked)
        assert recognizer.gallery.generation == before  # an answer is no change
        kept = recognizer.gallery.keypoints([1, 2, 3], FORMAT)
        assert sorted(kept) == [1, 2, 3]
        # Nothing is found anew of what is kept.
        monkeypatch.setattr(SecondLook, "_found_anew", lambda *_: pytest.fail("found anew"))
        assert recognizer.identify(asked).to_json() == first.to_json()
        recognizer.gallery.forget("cover 1")
        assert sorted(recognizer.gallery.keypoints([1, 2, 3], FORMAT)) == [1, 3]


def test_damaged_keypoints_are_found_anew(recognizer: Recognizer) -> None:
    asked = photographed(printed(2), 2)
    expected = recognizer.identify(asked).to_json()
    assert recognizer.gallery.keep_keypoints({number + 1: b"no" for number in range(N)}, FORMAT)
    assert recognizer.identify(asked).to_json() == expected
    assert recognizer.gallery.keypoints([3], FORMAT)[3] != b"no"


def test_without_kept_pictures_nobody_looks_twice(tmp_path: Path) -> None:
    with Recognizer.open(tmp_path / "g", model="photos", keeps_pictures=False) as recognizer:
        for number in range(3):
            recognizer.enroll(f"cover {number}", printed(number))
        answer = recognizer.identify(photographed(printed(0), 0))
        assert answer.nearest.agreeing is None
        assert not recognizer.gallery.keypoints([1, 2, 3], FORMAT)
        assert recognizer.gallery.keep_keypoints({1: b""}, 1)
        assert not recognizer.gallery.keypoints([1], 1)


def test_a_read_only_gallery_is_looked_at_too(place: Path) -> None:
    with Recognizer.open_existing(place, read_only=True) as recognizer:
        answer = recognizer.identify(photographed(printed(1), 1))
        assert answer.thing == "cover 1"


def test_what_two_things_share_tells_neither(tmp_path: Path) -> None:
    table = printed(99).resize((400, 400))
    things = [Image.new("RGB", (300, 300), colour) for colour in ("white", "black", "red")]
    with Recognizer.open(tmp_path / "g", model="photos") as recognizer:
        for number, thing in enumerate(things[:2]):
            recognizer.enroll(f"tile {number}", photographed(thing, number, table=table))
        asked = photographed(things[2], 5, table=table)
        look = SecondLook(recognizer.gallery)
        reading = read_picture(np.asarray(asked))
        seen = look.at(reading, _near(recognizer, asked), [(1, 1), (2, 2)], 20.0)
        together = sum(each.agreeing or 0 for each in seen)
        alone = look.at(reading, _near(recognizer, asked), [(1, 1)], 20.0)
        assert together < 0.3 * sum(each.agreeing or 0 for each in alone)


def _near(recognizer: Recognizer, asked: Image.Image):  # type: ignore[no-untyped-def]
    vector = recognizer.embedder.embed(np.asarray(asked))
    return recognizer._standings.current().nearest_things(vector, 2)[0]


def test_a_verdict_is_on_the_distance_of_the_first_look(recognizer: Recognizer) -> None:
    asked = photographed(printed(3), 3)
    answer = recognizer.identify(asked)
    number = recognizer.confirm(answer)
    (verdict,) = [each for each in recognizer.gallery.verdicts() if each.id == number]
    covers = [np.asarray(printed(number)) for number in range(N)]
    own = recognizer.embedder.embed([np.asarray(asked), *covers])
    expected = recognizer.embedder.distance(own[:1], own[1:])[0]
    first, second = np.sort(expected)[:2]
    assert verdict.distance == pytest.approx(float(first), abs=1e-5)
    assert verdict.margin == pytest.approx(float(second - first), abs=1e-5)
    # The first look was right where its nearest was, and only there.
    assert verdict.kind == ("right" if expected.argmin() == 3 else "other")
    assert verdict.truth == "cover 3"
    assert verdict.named == f"cover {expected.argmin()}"
    recognizer.gallery.withdraw(number)


def test_what_was_denied_does_not_agree_again(place: Path, recognizer: Recognizer) -> None:
    cover, other = printed(4), printed(4).copy()
    other.paste(printed(31).crop((0, 0, 300, 80)))  # another thing, with most of the print
    asked, again = photographed(other, 1), photographed(other, 2)
    before = recognizer.identify(asked)
    by_first = {each.thing: each for each in (before.nearest, before.runner_up) if each}
    assert by_first["cover 4"].nearer > 0
    number = recognizer.deny(before) if before.nearest.thing == "cover 4" else None
    assert number is not None
    after = recognizer.identify(again)
    found = {each.thing: each for each in (after.nearest, after.runner_up) if each}
    assert found.get("cover 4") is None or found["cover 4"].nearer < by_first["cover 4"].nearer / 2
    recognizer.gallery.withdraw(number)
    returned = recognizer.identify(again)
    assert returned.nearest.thing == "cover 4" and returned.nearest.nearer > 0
    assert recognizer.identify(photographed(cover, 4)).thing == "cover 4"


def test_two_pictures_of_one_print_are_the_same() -> None:
    embedder = firstsight.load("photos")
    asked = [read_picture(np.asarray(photographed(printed(1), seed))) for seed in (1, 2)]
    # Vectors of what looks otherwise as a whole, so that the first look calls them different.
    plain = [np.full((300, 300, 3), grey, np.uint8) for grey in (255, 60)]
    apart = embedder.embed([np.asarray(printed(1)), plain[0]])
    vectors = apart[0], apart[1]
    first = compare_vectors(embedder, asked, vectors, false_matches=0.01, second_look=False)
    second = compare_vectors(embedder, asked, vectors, false_matches=0.01)
    assert (first.same, first.agreeing, first.nearer) == (False, None, 0.0)
    assert second.agreeing is not None and second.agreeing > 8
    # More agree than count: 8 of log odds, by the slope of the model's own pairs.
    calibrated = calibrated_of(embedder)
    assert calibrated is not None
    assert second.nearer == pytest.approx(8 / -calibrated.verify.slope)
    assert second.distance == pytest.approx(first.distance - second.nearer)
    assert second.probability is not None and first.probability is not None
    assert second.probability > first.probability
    # Whichever comes first.
    turned = compare_vectors(embedder, asked[::-1], vectors[::-1], false_matches=0.01)
    assert turned.agreeing == second.agreeing
    # Of other pictures nothing agrees.
    others = [asked[0], read_picture(plain[1])]
    assert compare_vectors(embedder, others, vectors, false_matches=0.01).agreeing == 0


def test_drawings_are_not_looked_at_twice(tmp_path: Path) -> None:
    drawn = [np.asarray(printed(number).convert("L")) for number in range(2)]
    assert firstsight.verify(*drawn, model="characters").agreeing is None


def test_a_policy_says_yes_or_no() -> None:
    with pytest.raises(UsageError, match="second_look is 'no'; give True or False"):
        Policy(second_look="no")  # type: ignore[arg-type]
