"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from firstsight.model.embedder import Embedder, load
from firstsight.recognition.recognizer import Recognizer
from tests.drawings import N_THINGS, drawing

# How long an example takes says more about who else uses the machine than about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets that FIRSTSIGHT_DATA names."""
    root = os.environ.get("FIRSTSIGHT_DATA")
    if not root or not (Path(root) / "omniglot").is_dir():
        pytest.skip("real data: FIRSTSIGHT_DATA names no folder with omniglot/ in it")
    return Path(root)


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a cache and galleries of its own, never the user's."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("FIRSTSIGHT_CACHE", str(cache))
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(tmp_path / "home"))
    return cache


@pytest.fixture(scope="session")
def characters() -> Embedder:
    """The shipped model of handwritten characters."""
    return load("characters")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """things/NAME.png, one a thing; asked/NAME.png, others of the same; strangers/NAME.png."""
    for folder, first, last, variant in (
        ("things", 0, N_THINGS, 0),
        ("asked", 0, N_THINGS, 1),
        ("strangers", 100, 103, 0),
    ):
        (tmp_path / folder).mkdir()
        for thing in range(first, last):
            drawing(thing, variant).save(tmp_path / folder / f"figure {thing}.png")
    return tmp_path


@pytest.fixture
def recognizer(files: Path) -> Iterator[Recognizer]:
    """The gallery `figures`, of `things`, by the shipped model `characters`."""
    with Recognizer.open("figures", model="characters") as opened:
        for thing in range(N_THINGS):
            opened.enroll(f"figure {thing}", files / "things" / f"figure {thing}.png")
        yield opened
