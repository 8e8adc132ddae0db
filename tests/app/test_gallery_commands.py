"""Galleries as a whole, typed as people type them."""

from __future__ import annotations

import json
from pathlib import Path

from firstsight.gallery.places import gallery_place
from tests.command import here


def names() -> list[str]:
    return [each["name"] for each in json.loads(here("gallery", "list", "--json").out)]


def enrolled(files: Path, gallery: str | Path) -> None:
    for thing, number in (("cat", 0), ("cat", 1), ("dog", 2)):
        picture = files / "things" / f"figure {number}.png"
        ended = here("enroll", thing, picture, "--gallery", gallery, "--model", "characters")
        assert ended.code == 0, ended.err


def test_a_gallery_is_renamed_by_its_name_or_by_its_path(files: Path) -> None:
    enrolled(files, "mugs")
    ended = here("gallery", "rename", "mugs", "cups")
    assert (ended.code, ended.out, ended.err) == (0, "renamed 'mugs' to 'cups'\n", "")
    assert names() == ["cups"]
    asked = files / "asked" / "figure 2.png"
    assert "dog" in here("identify", asked, "--gallery", "cups", "--closed-set").out
    enrolled(files, files / "mine")
    ended = here("gallery", "rename", files / "mine", "things")
    assert ended.code == 0
    assert ended.err == (
        f"its folder stays where it is, and is still what commands find it by: {files / 'mine'}\n"
    )
    assert json.loads(here("gallery", "info", files / "mine", "--json").out)["name"] == "things"
    refused = here("gallery", "rename", "cups", "a/b")
    assert refused.code == 2
    assert "'a/b' cannot name a gallery; give 1 to 64 letters" in refused.sentence


def test_a_gallery_is_deleted_where_it_is_meant(files: Path) -> None:
    enrolled(files, "mugs")
    asked = here("gallery", "delete", "mugs")
    assert asked.code == 2
    assert asked.sentence == (
        "the gallery 'mugs' holds 2 things, 3 photos, and nothing brings them back; add --yes to "
        "delete it"
    )
    assert names() == ["mugs"]
    ended = here("gallery", "delete", "mugs", "--yes")
    assert (ended.code, ended.out) == (0, "deleted 'mugs': 2 things, 3 photos\n")
    assert "backups, exported files and models trained from it lie outside" in ended.err
    assert names() == []
    again = here("gallery", "delete", "mugs", "--yes")
    assert again.code == 1
    assert "there is no gallery at" in again.sentence
    enrolled(files, files / "things")
    ended = here("gallery", "delete", files / "things", "--yes")
    assert f"its folder stays, for other files lie in it: {files / 'things'}" in ended.err
    assert len(list((files / "things").iterdir())) == 8


def test_a_gallery_that_cannot_be_opened_does_not_hide_the_others(files: Path) -> None:
    for gallery in ("apples", "mugs"):
        enrolled(files, gallery)
    # As little to be opened as one that belongs to somebody else, also for an administrator.
    (gallery_place("apples") / "gallery.sqlite-wal").mkdir()
    gallery_place("zebras").mkdir()
    (gallery_place("zebras") / "gallery.sqlite").write_bytes(b"no gallery" * 100)
    ended = here("gallery", "list", "--json")
    assert ended.code == 0
    assert [each["name"] for each in json.loads(ended.out)] == ["mugs"]
    told = ended.err.splitlines()
    assert [line.partition(":")[0] for line in told] == ["apples", "zebras"]
    assert "could not be opened" in told[0]
