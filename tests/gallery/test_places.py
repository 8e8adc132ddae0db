from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import UsageError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.places import (
    galleries_folder,
    gallery_option,
    gallery_place,
    list_galleries,
)

from .stores import MODEL, created


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_name_is_a_folder_under_home(home: Path) -> None:
    assert galleries_folder() == home / "galleries"
    for name in ("photos", "My tools 2", "a", "v1.2-x", "Тест"):
        assert gallery_place(name) == home / "galleries" / name


def test_without_home_it_is_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTSIGHT_HOME", raising=False)
    folder = galleries_folder()
    assert folder.is_absolute()
    assert folder.name == "galleries"
    assert "firstsight" in folder.parts


def test_paths_are_taken_as_they_are(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert gallery_place("./photos") == Path("photos")
    assert gallery_place("some/where") == Path("some/where")
    assert gallery_place(Path("photos")) == Path("photos")
    assert gallery_place(tmp_path / "x" / "gallery.sqlite") == tmp_path / "x"
    assert gallery_place("photos") == home / "galleries" / "photos"
    created(tmp_path / "photos").close()
    assert gallery_place("photos") == Path("photos")


@pytest.mark.parametrize(
    "name", ["", " ", ".hidden", "a.", "CON", "nul.txt", "x" * 65, "a:b", "a*"]
)
def test_what_cannot_name_a_folder_everywhere_is_refused(home: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a gallery"):
        gallery_place(name)


def test_galleries_are_listed_by_name(home: Path) -> None:
    assert list_galleries() == []
    for name in ("tools", "photos"):
        Gallery.create(name, name=name, model=MODEL).close()
    (home / "galleries" / "no gallery").mkdir()
    assert [folder.name for folder in list_galleries()] == ["photos", "tools"]
    with Gallery.open("tools") as gallery:
        assert gallery.info.name == "tools"


def test_advice_names_the_gallery_that_it_is_about(tmp_path: Path) -> None:
    assert gallery_option(gallery_place("photos")) == ""
    assert gallery_option(gallery_place("my mugs")) == " --gallery 'my mugs'"
    assert gallery_option(tmp_path / "photos") == " --gallery FOLDER"
