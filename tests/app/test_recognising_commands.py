"""Enroll, identify, verify, search and the rest, typed as people type them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from firstsight.gallery.places import gallery_place, list_galleries
from firstsight.model.folder import read_model_info, resolve_model, write_model_folder
from firstsight.recognition.recognizer import Recognizer
from firstsight.similarity import Cosine
from tests.command import Ended, command_line, environment, firstsight, here, save_classes
from tests.drawings import N_THINGS, drawing


@pytest.fixture
def gallery(files: Path) -> Path:
    """The gallery `figures`, enrolled by the command line; gives the folder of the files."""
    ended = here("enroll", files / "things", "--gallery", "figures", "--model", "characters")
    assert ended.code == 0, ended.err
    assert ended.out.count("enrolled as") == N_THINGS
    return files


def test_a_folder_is_enrolled_and_others_are_identified(gallery: Path) -> None:
    ended = here("identify", gallery / "asked", gallery / "strangers", "--gallery", "figures")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert len(lines) == N_THINGS + 3
    named = [line.split(": ", 1)[1].split(" (")[0] for line in lines]
    right = sum(name == f"figure {thing}" for thing, name in enumerate(named[:N_THINGS]))
    assert right >= 6
    assert "unknown" in named[N_THINGS:]
    assert "strangers' pictures" in ended.err


def test_where_each_shows_one_of_the_things_every_picture_gets_a_name(gallery: Path) -> None:
    asked = (gallery / "asked", gallery / "strangers", "--gallery", "figures", "--closed-set")
    ended = here("identify", *asked)
    assert ended.code == 0
    assert "unknown" not in ended.out
    assert "every picture is taken to show one of 8 things" in ended.err
    told = [json.loads(line) for line in here("identify", *asked, "--json").out.splitlines()]
    assert all(each["closed_set"] and each["threshold"] is None for each in told)
    known = [each["thing"] for each in told[:N_THINGS] if each["decision"] == "known"]
    assert len(known) >= 6
    assert min(each["probability"] for each in told if each["decision"] == "known") >= 0.9


def test_the_command_and_python_give_the_same_answer(gallery: Path) -> None:
    asked = [gallery / "asked" / f"figure {thing}.png" for thing in range(N_THINGS)]
    ended = firstsight("identify", *asked, "--gallery", "figures", "--json")
    assert ended.code == 0
    said = [json.loads(line) for line in ended.out.splitlines()]
    with Recognizer.open_existing("figures") as recognizer:
        for path, one in zip(asked, said, strict=True):
            answer = recognizer.identify(path).to_json()
            assert one.pop("distance") == pytest.approx(answer.pop("distance"), abs=1e-5)
            for key in ("picture", "decision", "thing", "threshold", "estimate"):
                assert one[key] == answer[key]


def test_a_picture_from_standard_input(gallery: Path) -> None:
    path = gallery / "asked" / "figure 4.png"
    done = subprocess.run(
        command_line("identify", "-", "--gallery", "figures", "--json"),
        input=path.read_bytes(),
        capture_output=True,
        env=environment(),
        check=True,
    )
    said = json.loads(done.stdout)
    assert said["picture"] == "standard input"
    assert said["nearest"]["thing"] == "figure 4"


def test_names_that_the_output_has_no_letters_for_are_escaped(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    picture, at = files / "фото.png", ("--gallery", "figures", "--model", "characters")
    drawing(0).save(picture)
    ended = firstsight("enroll", "ナ😀", picture, *at)
    assert ended.code == 0, ended.err
    assert r"\u0444\u043e\u0442\u043e.png: enrolled as '\u30ca\ud83d\ude00'" in ended.out
    ended = firstsight("identify", picture, "--json", *at)
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert (said["picture"], said["thing"]) == (str(picture), "ナ😀")
    listed = firstsight("things", "--gallery", "figures")
    assert r"\u30ca\ud83d\ude00" in listed.out
    ended = firstsight("identify", files / "ナ.png", *at)
    assert r"\u30ca.png could not be read" in ended.sentence


def test_one_unreadable_picture_among_many(gallery: Path) -> None:
    (gallery / "asked" / "broken.png").write_bytes(b"nothing")
    ended = here("identify", gallery / "asked", "--gallery", "figures")
    assert ended.code == 1
    assert len(ended.out.splitlines()) == N_THINGS + 1
    assert "1 of 9 pictures could not be read" in ended.err
    ended = here("identify", gallery / "asked" / "broken.png", "--gallery", "figures")
    assert ended.code == 1
    assert "broken.png is no picture" in ended.sentence


def test_a_picture_too_small_for_the_crop_stops_no_other(gallery: Path) -> None:
    small = gallery / "asked" / "small.png"
    Image.new("L", (1, 1)).save(small)
    at = ("--gallery", "figures", "--crop", "0,0,100,100")
    ended = here("identify", gallery / "asked", *at)
    assert ended.code == 1
    assert len(ended.out.splitlines()) == N_THINGS + 1
    assert f"the crop 0, 0, 100, 100 is no part of {small}, which is 1 x 1 pixels" in ended.err
    assert "1 of 9 pictures could not be read" in ended.err
    ended = here("enroll", "cat", gallery / "asked", *at)
    assert ended.code == 1
    assert ended.out.count("enrolled as 'cat'") == N_THINGS
    assert f"{small}: left out: cannot be read" in ended.out
    none = here("identify", gallery / "asked", "--gallery", "figures", "--crop", "9,9,9,9")
    assert none.code == 2
    assert "the crop 9, 9, 9, 9 is empty" in none.sentence


def test_a_folder_without_pictures_stops_no_other_answer(gallery: Path) -> None:
    empty = gallery / "empty"
    empty.mkdir()
    ended = here("identify", gallery / "asked" / "figure 0.png", empty, "--gallery", "figures")
    assert ended.code == 1
    assert len(ended.out.splitlines()) == 1
    assert (
        ended.err.splitlines()[-1] == f"error: the folder {empty} holds no pictures; name another"
    )
    alone = here("identify", empty, "--gallery", "figures")
    assert alone.code == 2
    assert "holds no pictures" in alone.sentence


def test_an_empty_gallery_and_one_of_another_model_are_told_what_to_type(gallery: Path) -> None:
    asked = gallery / "asked" / "figure 0.png"
    Recognizer.open("mugs", model="characters").close()
    assert "firstsight enroll NAME PICTURE --gallery mugs" in (
        here("identify", asked, "--gallery", "mugs").sentence
    )
    assert "firstsight upgrade --gallery figures --model NEW" in (
        here("identify", asked, "--gallery", "figures", "--model", "photos").sentence
    )


def test_things_that_cannot_have_their_names_are_left_out_and_the_others_enrolled(
    files: Path,
) -> None:
    shown = files / "shown"
    for thing, name in enumerate(("cup", "unknown", "two\nlines", "x" * 201)):
        (shown / name).mkdir(parents=True)
        drawing(thing).save(shown / name / "photo.png")
    asked = ("enroll", shown, "--model", "characters", "--gallery")
    checked = here(*asked, "checked", "--check")
    assert checked.code == 1
    assert checked.out.count("no thing may have that name") == 3
    ended = here(*asked, "some")
    assert ended.code == 1
    assert f"{shown / 'unknown' / 'photo.png'} was left out: a thing cannot be named" in ended.err
    assert "has the control character" in ended.err
    assert "has 201 characters" in ended.err
    assert len(ended.err.splitlines()) == 4
    assert "3 of 4 pictures were not enrolled" in ended.err
    (enrolled,) = json.loads(here("things", "--gallery", "some", "--json").out)
    assert enrolled["name"] == "cup"
    none = here(*asked, "none", "--all-or-nothing", "--json")
    assert none.code == 1
    told = [json.loads(line) for line in none.out.splitlines()]
    assert sorted(each["status"] for each in told) == ["left out"] + 3 * ["misnamed"]
    assert "there is no gallery" in here("things", "--gallery", "none").sentence


def test_all_or_nothing_leaves_all_out_where_one_is_enrolled_under_another_name(
    gallery: Path,
) -> None:
    held, new = gallery / "things" / "figure 0.png", gallery / "asked" / "figure 1.png"
    ended = here("enroll", "cat", held, new, "--all-or-nothing", "--gallery", "figures")
    assert ended.code == 1
    assert ended.out == f"{held}: left out with the others\n{new}: left out with the others\n"
    assert ended.err.count("is in the gallery already, as 'figure 0'") == 1
    assert ended.err.endswith("error: 2 of 2 pictures were not enrolled\n")
    assert len(json.loads(here("things", "--gallery", "figures", "--json").out)) == N_THINGS


def test_where_nothing_is_enrolled_no_new_gallery_stays(files: Path) -> None:
    picture, broken, blank = (files / name for name in ("things", "broken.png", "blank.png"))
    broken.write_bytes(b"nothing")
    Image.new("L", (105, 105), 255).save(blank)
    mine = files / "mine"
    mine.mkdir()
    for gallery in ("new", files / "other", mine):
        to = ("--gallery", gallery, "--model", "characters")
        assert here("enroll", "cat", picture, *to, "--check").code == 0
        assert here("enroll", "cat", broken, *to).code == 1
        assert here("enroll", "cat", blank, *to, "--careful").code == 1
    assert list_galleries() == []
    assert not gallery_place("new").exists()
    assert not (files / "other").exists()
    assert list(mine.iterdir()) == []  # it was there before


def _at_once(*commands: tuple[str | Path, ...]) -> list[Ended]:
    """Each in a process of its own, all at the same moment."""
    processes = [
        subprocess.Popen(
            command_line(*command),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for command in commands
    ]
    written = [process.communicate(timeout=300) for process in processes]
    return [
        Ended(process.returncode, *each) for process, each in zip(processes, written, strict=True)
    ]


def test_two_processes_make_the_same_gallery_at_once(files: Path) -> None:
    to = ("--gallery", "both", "--model", "characters")
    pictures = [files / "things" / f"figure {thing}.png" for thing in range(2)]
    one, other = _at_once(*(("enroll", picture.stem, picture, *to) for picture in pictures))
    assert (one.code, other.code) == (0, 0), one.err + other.err
    enrolled = json.loads(here("things", "--gallery", "both", "--json").out)
    assert [each["name"] for each in enrolled] == ["figure 0", "figure 1"]


def test_two_processes_make_the_same_gallery_by_two_models(files: Path) -> None:
    picture = files / "things" / "figure 0.png"
    ended = _at_once(
        *(
            ("enroll", "figure 0", picture, "--gallery", "both", "--model", model)
            for model in ("characters", "photos")
        )
    )
    assert sorted(each.code for each in ended) == [0, 1]
    refused = next(each for each in ended if each.code)
    assert "the gallery 'both' was embedded by the model" in refused.sentence


def test_an_empty_gallery_that_was_there_before_stays(files: Path) -> None:
    Recognizer.open("old", model="characters").close()
    assert here("enroll", "cat", files / "things", "--gallery", "old", "--check").code == 0
    assert list_galleries() == [gallery_place("old")]


def test_a_picture_in_the_place_of_a_name_is_refused(files: Path) -> None:
    ended = here("enroll", *sorted((files / "things").iterdir())[:2])
    assert ended.code == 2
    assert "figure 0.png is a picture where the thing's name was wanted" in ended.sentence


def test_folders_in_the_place_of_a_name_are_refused(files: Path) -> None:
    for name in ("banana", "cake", "grape"):
        (files / "my" / name).mkdir(parents=True)
        drawing(len(name)).save(files / "my" / name / "photo.png")
    to = ("--gallery", "fruit", "--model", "characters")
    several = here("enroll", "my/banana", "my/cake", "my/grape", *to, cwd=files)  # my/*
    assert several.code == 2
    assert "my/banana is a folder where the thing's name was wanted" in several.sentence
    assert several.sentence.endswith("firstsight enroll my --gallery fruit")
    inside = here("enroll", "banana", "cake", "grape", *to, cwd=files / "my")  # *
    assert inside.code == 2
    assert inside.sentence.endswith("firstsight enroll . --gallery fruit")
    assert here("enroll", "banana/", "cake/", *to, cwd=files / "my").code == 2  # */
    # A folder called like the thing is there by chance.
    assert here("enroll", "banana", "cake", *to, cwd=files / "my").code == 0
    group = here("enroll", "my/grape", "my/grape/photo.png", *to, cwd=files)
    assert "enrolled as 'my/grape'" in group.out


def test_an_empty_name_is_not_the_working_folder(gallery: Path) -> None:
    at = ("--gallery", "figures")
    things = gallery / "things"
    nothing = here("enroll", "", *at, cwd=things)
    assert nothing.code == 2
    assert "the name is empty" in nothing.sentence
    for command in (("identify",), ("enroll", "cat"), ("search",), ("verify", "figure 0.png")):
        ended = here(*command, "", *at, cwd=things)
        assert ended.code == 2
        assert "the name of a picture is empty" in ended.sentence


def test_a_check_says_of_what_is_enrolled_that_it_is(gallery: Path) -> None:
    picture, at = gallery / "things" / "figure 0.png", ("--gallery", "figures", "--check")
    again = here("enroll", "figure 0", picture, *at)
    assert (again.code, again.out) == (0, f"{picture}: already enrolled as 'figure 0'\n")
    other = here("enroll", "cat", picture, *at)
    assert other.code == 1
    assert other.out == f"{picture}: left out: the same picture is enrolled as 'figure 0'\n"
    assert other.err.splitlines()[-1] == "error: 1 of 1 pictures would not be enrolled"


def test_what_is_printed_is_the_name_that_was_saved(files: Path) -> None:
    picture = files / "things" / "figure 0.png"
    ended = here("enroll", " cat ", picture, "--gallery", "cats", "--model", "characters")
    assert "enrolled as 'cat'" in ended.out


def test_verify_and_search_and_their_sheets(gallery: Path, tmp_path: Path) -> None:
    a, b = gallery / "things" / "figure 1.png", gallery / "asked" / "figure 1.png"
    ended = here("verify", a, b, "--model", "characters")
    assert ended.code == 0
    assert ended.out.startswith("same (")
    ended = here("verify", a, b, "--gallery", "figures", "--json")
    assert json.loads(ended.out)["same"] is True
    sheet = tmp_path / "alike.png"
    ended = here("search", b, "-k", "3", "--gallery", "figures", "--sheet", sheet)
    assert ended.out.startswith("1. figure 1 (")
    assert len(ended.out.splitlines()) == 3
    assert sheet.read_bytes().startswith(b"\x89PNG")
    plain = sheet.read_bytes()
    known = ("search", b, "-k", "3", "--gallery", "figures", "--sheet", sheet)
    assert here(*known, "--is", "figure 1").code == 0
    assert sheet.read_bytes() != plain
    refused = here(*known, "--is", "figure 99")
    assert refused.code == 1
    assert "figure 99" in refused.sentence


def test_why_draws_a_sheet_and_says_a_sentence(gallery: Path, tmp_path: Path) -> None:
    to = tmp_path / "why.png"
    asked = gallery / "asked" / "figure 1.png"
    ended = here("why", asked, "--gallery", "figures", "--to", to)
    assert ended.code == 0
    assert "figure 1" in ended.out
    assert to.read_bytes().startswith(b"\x89PNG")


def test_why_looks_where_to_draw_before_it_draws(tmp_path: Path) -> None:
    ended = here("why", "missing.png", "--to", tmp_path)
    assert ended.code == 1
    assert f"{tmp_path} is a folder; name a file in it" in ended.sentence


def test_a_sheet_replaces_no_photo(gallery: Path) -> None:
    asked = gallery / "asked" / "figure 1.png"
    photo = gallery / "photo.jpg"
    drawing(1, 1).save(photo)
    misnamed = gallery / "photo.png"
    misnamed.write_bytes(photo.read_bytes())
    at = ("--gallery", "figures")

    def refused(*arguments: str | Path) -> str:
        before = [each.read_bytes() for each in (asked, photo, misnamed)]
        ended = here(*arguments, *at, cwd=gallery)
        assert ended.code == 2
        assert [each.read_bytes() for each in (asked, photo, misnamed)] == before
        return ended.sentence

    itself = "is a picture that is asked about, and the sheet would replace it"
    assert itself in refused("why", photo, "--to", "photo.jpg")
    assert itself in refused("identify", gallery / "asked", "--sheet", "asked/figure 1.png")
    assert itself in refused("search", asked, "--sheet", asked)
    assert "sheets are PNG files" in refused("why", asked, "--to", photo)
    assert "sheets are PNG files" in refused("show", "figure 1", "--sheet", "sheet")
    assert "photo.png is there and is no PNG file" in refused(
        "identify", asked, "--sheet", misnamed
    )


def test_why_tells_how_far_it_is(gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int]] = []
    advanced: list[None] = []

    @contextmanager
    def counted(verb: str, total: int) -> Iterator[Callable[[], None]]:
        told.append((verb, total))
        yield lambda: advanced.append(None)

    monkeypatch.setattr("firstsight.app.picturing.progress_of", counted)
    to = gallery / "why.png"
    assert (
        here("why", gallery / "asked" / "figure 1.png", "--gallery", "figures", "--to", to).code
        == 0
    )
    assert told == [("hiding parts", 2 * 196)]
    assert 100 < len(advanced) <= 2 * 197 + 1


def test_things_are_looked_after(gallery: Path, tmp_path: Path) -> None:
    def typed(*arguments: str | Path) -> str:
        ended = here(*arguments, "--gallery", "figures")
        assert ended.code == 0, ended.err
        return ended.out

    assert "renamed" in typed("rename", "figure 0", "zigzag")
    typed("describe", "zigzag", "--notes", "drawn on Monday", "--tag", "sharp")
    shown = json.loads(typed("show", "zigzag", "--json"))
    assert (shown["notes"], shown["tags"]) == ("drawn on Monday", ["sharp"])
    number = shown["photos"][0]["id"]
    typed("move", str(number), "--to", "figure 1")
    typed("undo")
    typed("merge", "figure 1", "--into", "zigzag")
    typed("unmerge", "figure 1")
    typed("remove", "figure 2")
    assert "figure 2" not in typed("things")
    typed("undo")
    assert "figure 2" in typed("things")
    assert "forgot 'figure 3'" in typed("forget", "figure 3", "--yes")
    assert len(json.loads(typed("things", "--json"))) == N_THINGS - 1
    assert len(json.loads(typed("history", "--json"))) > 3
    typed("show", "zigzag", "--sheet", tmp_path / "thing.png")
    assert (tmp_path / "thing.png").exists()


def test_what_was_removed_or_merged_can_be_forgotten_by_its_name(gallery: Path) -> None:
    at = ("--gallery", "figures")
    before = b"".join(path.read_bytes() for path in gallery_place("figures").iterdir())
    assert b"figure 3" in before
    for change in (("remove", "figure 3"), ("merge", "figure 4", "--into", "figure 5")):
        assert here(*change, *at).code == 0
    forgotten = here("forget", "figure 3", "--yes", *at)
    assert forgotten.out == "forgot 'figure 3': 1 photos, 0 verdicts\n"
    forgotten = here("forget", "figure 4", "--yes", *at)
    assert forgotten.out == "forgot 'figure 4': 0 photos, 0 verdicts\n"
    assert "merged into 'figure 5' are its own, and stay" in forgotten.err
    after = b"".join(path.read_bytes() for path in gallery_place("figures").iterdir())
    assert b"figure 3.png" not in after
    assert here("forget", "figure 3", "--yes", *at).code == 1


def test_confirm_and_deny_are_verdicts_that_can_be_withdrawn(gallery: Path) -> None:
    asked = gallery / "asked"
    at = ("--gallery", "figures")
    assert "right: it is 'figure 1'" in here("confirm", asked / "figure 1.png", *at).out
    denied = here("deny", asked / "figure 2.png", "--is", "figure 3", *at)
    assert "not 'figure 2': it is 'figure 3'" in denied.out
    assert "stranger" in here("deny", asked / "figure 4.png", *at).out + denied.err
    listed = json.loads(here("verdicts", *at, "--json").out)
    assert [each["kind"] for each in listed] == ["right", "other", "wrong"]
    told = here("verdicts", *at).err.split()
    assert told[:3] == ["take", "one", "back:"]
    ended = here(*told[4:])
    assert (told[3], ended.code) == ("firstsight", 0), ended.err
    assert len(json.loads(here("verdicts", *at, "--json").out)) == 2


def test_a_gallery_travels_as_a_file(gallery: Path, tmp_path: Path) -> None:
    file = tmp_path / "figures.firstsight"
    assert here("gallery", "export", file, "--gallery", "figures").code == 0
    assert here("gallery", "import", file, "--name", "copy").code == 0
    assert here("gallery", "backup", tmp_path / "b.firstsight", "--gallery", "copy").code == 0
    for verb in ("export", "backup"):
        again = ("gallery", verb, file, "--gallery", "figures")
        refused = here(*again)
        assert refused.code == 2
        assert "is there already; choose another name, or replace it (--replace" in refused.err
        assert here(*again, "--replace").code == 0
    names = {each["name"] for each in json.loads(here("gallery", "list", "--json").out)}
    assert names == {"figures", "copy"}
    said = json.loads(here("gallery", "info", "copy", "--json").out)
    assert (said["things"], said["model"]["name"]) == (N_THINGS, "characters")
    ended = here("gallery", "import", gallery / "asked" / "figure 0.png", "--name", "x")
    assert ended.code == 1
    assert "figure 0.png" in ended.sentence


def test_the_doctor_looks_at_the_whole_gallery(gallery: Path) -> None:
    drawing(1, 1).save(gallery / "wrong.png")
    wrong = gallery / "wrong.png"
    ended = here("enroll", "figure 5", wrong, "--gallery", "figures", "--check")
    assert ended.code == 0
    assert "figure 1" in ended.err  # it looks like that one
    ended = here("doctor", "--gallery", "figures", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["findings"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("identify", "x.png", "--gallery", "nowhere"), 1, "there is no gallery"),
        (("enroll", "mug"), 2, "is no folder; give a name and at least one picture"),
        (("enroll", "Unknown", "x.png"), 2, "a thing cannot be named 'Unknown'"),
        (("identify", "x.png", "--crop", "1,2,3"), 2, "left,top,right,bottom"),
        (("things", "--gallery", "a:b"), 2, "cannot name a gallery"),
        (("remove",), 2, "name a thing"),
        (("describe", "mug"), 2, "nothing to change"),
        (("upgrade",), 2, "--model NEW"),
        (("calibrate", "characters"), 2, "--data"),
        (("calibrate", "characters", "--data", "x"), 1, "--to FOLDER"),
        (("calibrate", "m", "--data", "x", "--same-means", " "), 2, "--same-means is empty"),
        (("calibrate", "m", "--sister", "s", "--same-means", "x"), 2, "goes with --data"),
        (("verify", "-", "-"), 2, "not both"),
    ],
)
def test_a_mistake_ends_in_one_sentence(arguments: tuple[str, ...], code: int, told: str) -> None:
    ended = here(*arguments)
    assert ended.code == code
    assert told in ended.sentence


@pytest.mark.parametrize(
    "command",
    [
        ("undo",),
        ("history", "--limit"),
        ("things", "--limit"),
        ("things", "--offset"),
        ("move", "--to", "x"),
        ("remove", "--photo"),
        ("forget", "--yes", "--photo"),
        ("verdicts", "--withdraw"),
        ("search", "x.png", "-k"),
    ],
)
def test_a_number_beyond_all_photos_is_refused(command: tuple[str, ...]) -> None:
    ended = here(*command, str(2**63))
    assert ended.code == 2
    assert f"{2**63} is too large; give at most {2**63 - 1}." in ended.err


@pytest.mark.parametrize("command", [("identify",), ("enroll", "mug"), ("verify", "a.png")])
@pytest.mark.parametrize("option", ["--max-mib", "--max-megapixels"])
@pytest.mark.parametrize("amount", ["nan", "inf", "1e308"])
def test_a_limit_is_a_number(command: tuple[str, ...], option: str, amount: str) -> None:
    ended = here(*command, "x.png", option, amount)
    assert ended.code == 2
    assert f"Invalid value for '{option}': {amount.partition('e')[0]}" in ended.err


def test_a_name_that_is_not_enrolled_is_told_with_those_like_it(gallery: Path) -> None:
    ended = here("rename", "figur 1", "x", "--gallery", "figures")
    assert ended.code == 1
    assert "figure 1" in ended.sentence


def test_an_upgrade_shows_what_would_change_then_switches_and_goes_back(
    gallery: Path, tmp_path: Path
) -> None:
    ended = here("upgrade", "--model", "photos", "--gallery", "figures", "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert (said["photos"], said["switched"]) == (N_THINGS, False)
    info = json.loads(here("gallery", "info", "figures", "--json").out)
    assert info["model"]["name"] == "characters"
    ended = here("upgrade", "--model", "photos", "--gallery", "figures", "--switch")
    assert ended.code == 1  # one photo a thing: nothing could be measured
    assert "not switched" in ended.err
    ended = here("upgrade", "--model", "photos", "--gallery", "figures", "--force")
    assert "switched to photos" in ended.out
    asked = gallery / "asked" / "figure 1.png"
    assert here("identify", asked, "--gallery", "figures").code == 0
    assert "characters again" in here("upgrade", "--back", "--gallery", "figures").out
    ended = here("upgrade", "--model", "characters", "--gallery", "figures")
    assert "is of the model characters already" in ended.sentence


def model_in_force() -> str:
    told = json.loads(here("gallery", "info", "figures", "--json").out)
    return str(told["model"]["name"])


@pytest.mark.usefixtures("gallery")
def test_one_goes_back_only_to_a_model_that_was_in_force() -> None:
    upgrade = ("upgrade", "--gallery", "figures")
    assert "no model before to go back to" in here(*upgrade, "--back").sentence
    assert here(*upgrade, "--model", "photos").code == 0
    refused = here(*upgrade, "--back")
    assert refused.code == 1
    assert refused.sentence.endswith(
        "photos is prepared, and put in force by: firstsight upgrade --gallery figures "
        "--model photos --switch"
    )
    assert model_in_force() == "characters"
    assert "the gallery is as it was" in here(*upgrade, "--drop").out


def test_the_way_back_is_given_up_only_where_that_is_said(gallery: Path) -> None:
    upgrade = ("upgrade", "--gallery", "figures")
    characters = resolve_model("characters")
    third = write_model_folder(
        gallery / "third",
        onnx=(characters / "model.onnx").read_bytes(),
        tensors=None,
        info=replace(read_model_info(characters), name="third", head=Cosine()),
    )
    assert here(*upgrade, "--model", "photos", "--force").code == 0

    for further in (("--drop",), ("--model", gallery / "third")):
        refused = here(*upgrade, *further)
        assert refused.code == 1
        assert "way back" in refused.err and "--drop --force" in refused.err
    assert "characters again" in here(*upgrade, "--back").out
    assert "photos again" in here(*upgrade, "--back").out

    dropped = here(*upgrade, "--drop", "--force")
    assert dropped.out == (
        "the gallery stays of photos; there is no way back to characters any more\n"
    )
    assert model_in_force() == "photos"
    assert here(*upgrade, "--back").code == 1

    assert here(*upgrade, "--model", "characters", "--force").code == 0
    switched = here(*upgrade, "--model", gallery / "third", "--force")
    assert "there is no way back to photos any more" in switched.err
    assert model_in_force() == third.name
    assert "characters again" in here(*upgrade, "--back").out


def test_a_shipped_model_calibrated_by_other_things_says_what_the_same_is(tmp_path: Path) -> None:
    save_classes(tmp_path / "tiles", [3] * 12)
    told = ("--data", tmp_path / "tiles", "--same-means", "the same tile")
    ended = here("calibrate", "characters", *told, "--to", tmp_path / "tiled", "--json")
    assert ended.code == 0, ended.err
    before, after = (
        read_model_info(each) for each in (resolve_model("characters"), tmp_path / "tiled")
    )
    assert after.fingerprint == before.fingerprint
    assert after.recipe == {**before.recipe, "same_means": "the same tile"}
    assert after.calibration == json.loads(ended.out)["calibration"]
    assert after.calibration is not None and after.calibration["sharpness"] > 0
    card = (tmp_path / "tiled" / "README.md").read_text(encoding="utf-8")
    assert '"same" here when: the same tile' in card
    assert "by 36 pictures of 12 classes of tiles" in card
