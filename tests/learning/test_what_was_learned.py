"""A model remembers which pictures it learned from, and is not judged by their classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from firstsight.app.unseen import only_unseen
from firstsight.data.catalogue import open_pictures
from firstsight.data.learned import LearnedPictures
from firstsight.data.packed import PackedPictures
from firstsight.gallery.gallery import Gallery
from firstsight.model.folder import read_model_info
from firstsight.recognition.recognizer import Recognizer

from ..command import Ended, save_classes
from ..command import here as run_here
from .conftest import TABLES
from .test_command_line import as_toml

Here = Callable[..., Ended]

VIEWS = {
    "name": "views",
    "data": {"train": "things", "held_out_classes": 0.4},
    "picture": {"size": 32, "mode": "rgb"},
    "network": {"kind": "squeezenet", "weights": "random", "n_frozen": 12, "whitened": True},
    "loss": {"kind": "own_picture"},
    "batches": {"kind": "uniform", "size": 8},
    "augment": {"other_views": 0.8},
    "optimiser": {"kind": "adamw", "lr": 1e-3},
    "training": {"precision": "f32", "watch": "views", "steps": 0},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Thirty classes to learn from, ten of which are held out, and what they are learned by."""
    save_classes(tmp_path / "things", [3] * 30)
    data = {"train": "omniglot:background"}
    training = {**TABLES["training"], "steps": 2, "validate_every": 1}
    tables = {**TABLES, "data": data, "training": training}
    (tmp_path / "tiny.toml").write_text(as_toml(tables), encoding="utf-8")
    (tmp_path / "views.toml").write_text(as_toml(VIEWS), encoding="utf-8")
    return tmp_path


@pytest.fixture
def here(place: Path) -> Here:
    return partial(run_here, cwd=place)


@pytest.fixture
def learn(here: Here, place: Path) -> Callable[..., Path]:
    def _learn(recipe: str, *more: str) -> Path:
        ended = here("train", recipe, "--data", "things", "--out", "run", *more)
        assert ended.code == 0, ended.err
        return place / ended.out.strip()

    return _learn


def judged(here: Here, data: str, *more: str, model: str = "run/model") -> tuple[Any, str]:
    """The scorecard of the model on `data`, and what was said."""
    ended = here(
        *("evaluate", model, "--data", data, "--protocol", "nway", "--n-way", "3"),
        *("--trials", "20", "--json", *more),
    )
    assert ended.code == 0, ended.err
    return json.loads(ended.out)[0], ended.err


def learned_of(model: Path, pictures: PackedPictures) -> set[str]:
    """The classes of which the model learned a picture."""
    record = LearnedPictures.from_text(read_model_info(model).made_by["learned"])
    known = pictures.labels[record.among(pictures.digests)]
    return {pictures.class_names[label] for label in known}


def test_classes_of_one_picture_are_learned_and_no_learned_class_is_judged(
    place: Path, here: Here
) -> None:
    for number in range(4):
        for picture in (1, 2):
            (place / "things" / f"class{number}" / f"{picture}.png").unlink()
    settings = ("--set", "data.held_out_classes=0.4")
    ended = here("train", "views.toml", "--data", "things", "--out", "run", *settings)
    assert ended.code == 0, ended.err
    info = read_model_info(place / "run" / "model")
    pictures = open_pictures(str(place / "things"), info.preprocessing)
    unseen = only_unseen(info, pictures, Console(quiet=True))
    learned = learned_of(place / "run" / "model", pictures)
    assert len(learned) == 18
    assert learned.isdisjoint(unseen.class_names)
    assert {f"class{number}" for number in range(4)}.isdisjoint(unseen.class_names)
    assert set(unseen.class_names) <= set(pictures.class_names) - learned


def test_a_picture_more_or_fewer_makes_no_learned_class_a_new_one(
    place: Path, here: Here, learn: Callable[..., Path]
) -> None:
    model = learn("tiny.toml")
    _, told = judged(here, "things")
    assert "going by the 10 classes that the training held out" in told

    shutil.copytree(place / "things", place / "grown")
    shutil.copy(place / "things/class0/0.png", place / "grown/class0/9.png")
    save_classes(place / "grown" / "new", [2], seed=9)
    (place / "grown/new/class0").rename(place / "grown/fresh")
    (place / "grown/new").rmdir()
    (place / "grown/class3/1.png").unlink()
    info = read_model_info(model)
    grown = open_pictures(str(place / "grown"), info.preprocessing)
    unseen = only_unseen(info, grown, Console(quiet=True))
    assert set(unseen.class_names) == set(grown.class_names) - learned_of(model, grown)
    assert unseen.n_classes == 11
    card, told = judged(here, "grown")
    assert "pictures of grown; going by the 11 classes that it did not learn" in told
    assert card["data_fingerprint"] == unseen.fingerprint
    calibrated = here("calibrate", model, "--data", "grown", "--to", "calibrated")
    assert calibrated.code == 0
    assert f"calibrating on {len(unseen)} pictures of 11 things" in calibrated.err


def test_where_all_was_learned_nothing_is_judged(
    place: Path, here: Here, learn: Callable[..., Path]
) -> None:
    model = learn("tiny.toml")
    info = read_model_info(model)
    pictures = open_pictures(str(place / "things"), info.preprocessing)
    for name in set(pictures.class_names) - learned_of(model, pictures):
        shutil.rmtree(place / "things" / name)
    ended = here("evaluate", model, "--data", "things", "--protocol", "nway", "--n-way", "3")
    assert ended.code == 2
    assert "the model learned from 60 of the 60 pictures of things, and a figure" in ended.sentence


def test_a_few_copies_of_learned_pictures_are_said_and_counted(
    place: Path, here: Here, learn: Callable[..., Path]
) -> None:
    model = learn("tiny.toml")
    info = read_model_info(model)
    pictures = open_pictures(str(place / "things"), info.preprocessing)
    name = min(learned_of(model, pictures))
    save_classes(place / "others", [12] * 4, seed=5)
    shutil.copy(place / "things" / name / "0.png", place / "others/class1/copy.png")
    card, told = judged(here, "others")
    doubt = "1 of the 49 pictures were learned from, byte for byte: delete the copies"
    assert any(doubt in each for each in card["details"]["warnings"])
    assert doubt in told


def test_what_calibrated_a_model_is_doubted_where_it_judges_it(
    here: Here, learn: Callable[..., Path], place: Path
) -> None:
    learn("tiny.toml")
    card, told = judged(here, "things", "--report", "report.html")
    doubt = "these things also calibrated the model and chose its weights"
    assert any(doubt in each for each in card["details"]["warnings"])
    assert doubt in told
    assert doubt in (place / "report.html").read_text("utf-8")
    save_classes(place / "others", [3] * 10, seed=5)
    assert "calibrated" not in judged(here, "others")[1]
    ended = here("calibrate", "run/model", "--data", "others", "--to", "elsewhere")
    assert ended.code == 0
    told = judged(here, "others", model="elsewhere")[1]
    assert "these things also calibrated the model, so it may look better" in told


def test_a_tuned_model_remembers_its_gallery_and_what_its_start_learned(
    place: Path, here: Here, learn: Callable[..., Path]
) -> None:
    start = learn("tiny.toml")
    save_classes(place / "shelf", [3] * 12, seed=7)
    with Recognizer.open(str(place / "gallery"), model=str(start)) as opened:
        for photo in sorted((place / "shelf").glob("*/*.png")):
            opened.enroll(photo.parent.name, photo)
    ended = here(
        *("train", "--from-gallery", place / "gallery", "--out", "tuned", "--json"),
        *("--set", "training.steps=2"),
    )
    assert ended.code == 0, ended.err
    info = read_model_info(place / "tuned" / "model")
    quiet = Console(quiet=True)
    shelf = open_pictures(str(place / "shelf"), info.preprocessing)
    unseen = only_unseen(info, shelf, quiet)
    assert set(unseen.class_names) == set(shelf.class_names) - learned_of(
        place / "tuned" / "model", shelf
    )
    assert unseen.n_classes == 3
    # Of what its start was given, the classes that were held out, and of a changed set too.
    things = open_pictures(str(place / "things"), info.preprocessing)
    began = only_unseen(read_model_info(start), things, quiet)
    assert only_unseen(info, things, quiet).fingerprint == began.fingerprint
    fewer = things.select(np.arange(len(things)) > 0)
    assert set(only_unseen(info, fewer, quiet).class_names) <= set(began.class_names)
    with Gallery.open(place / "gallery", read_only=True) as gallery:
        assert len(list(gallery.photos())) == 36
    assert here("export", "tuned", "--to", "again").code == 0
    assert read_model_info(place / "again").made_by["learned"] == info.made_by["learned"]
