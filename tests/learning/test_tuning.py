"""A gallery's model learns from it, and is adopted where it is better on things it never saw."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from firstsight.app import training, tuning, upgrading
from firstsight.app.lessons import Lesson, read_lesson
from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.errors import (
    CheckpointError,
    GalleryError,
    ModelFolderError,
    RecipeError,
    TrainingError,
    UsageError,
)
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import NewPhoto, Verdict, VerdictKind
from firstsight.images.preprocess import Preprocessing
from firstsight.images.reading import read_picture
from firstsight.learning.recipes.tuning import batches_within, tuning_recipe
from firstsight.learning.training.build import build_head, build_preprocessing, build_tower
from firstsight.learning.training.export import tensors_of
from firstsight.learning.training.starting import Start
from firstsight.model import load, read_model_info
from firstsight.model.folder import ModelInfo, read_onnx, read_tensors, write_model_folder
from firstsight.recognition.binding import binding_of

from ..command import Ended, here
from .conftest import tiny_recipe
from .test_training import Screen, interrupt_after, run_tiny, same_bits

Pixels = npt.NDArray[np.uint8]

SHORT = ("training.steps=6", "optimiser.lr=1e-3")
LONG = ("training.steps=150", "optimiser.lr=5e-3", "batches.size=64")


@pytest.fixture(scope="module")
def unlearned(glyphs: PackedPictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder of a network that is as good as random."""
    recipe = tiny_recipe(data={"held_out_groups": 0}, training={"steps": 1}, optimiser={"lr": 1e-9})
    return run_tiny(glyphs, tmp_path_factory.mktemp("unlearned") / "run", recipe).model


@pytest.fixture(scope="module")
def characters(glyphs: PackedPictures) -> dict[str, list[Pixels]]:
    """24 characters by five drawers."""
    return drawings_of(glyphs)


@pytest.fixture(scope="module")
def tuned(unlearned: Path, tmp_path_factory: pytest.TempPathFactory) -> tuning.Tuned:
    """A random network, tuned to 64 characters long enough to be better."""
    place = tmp_path_factory.mktemp("tuned")
    small = Preprocessing(size=16, invert=True)
    drawn = draw_alphabets(small, n_alphabets=8, n_characters=8, n_drawers=6, seed=2)
    gallery = filled(place / "gallery", unlearned, drawings_of(drawn))
    return tuning.tune(gallery, out=place / "run", overrides=LONG, console=Screen())


def drawings_of(pictures: PackedPictures) -> dict[str, list[Pixels]]:
    return {
        name: list(pictures.pixels[pictures.labels == number, :, :, 0])
        for number, name in enumerate(pictures.class_names)
    }


def filled(
    place: Path,
    model: str | Path,
    pictures: Mapping[str, Sequence[Pixels | bytes]],
    *,
    keeps_pictures: bool = True,
) -> str:
    """A gallery of these pictures (as bytes: kept as they stand); where it is."""
    embedder = load(model)
    nothing = np.zeros(embedder.info.embedding_size, np.float32)
    entries = []
    for thing, shown in pictures.items():
        for number, each in enumerate(shown):
            if isinstance(each, bytes):
                digest = sha256(f"{thing}/{number}".encode()).hexdigest()
                photo = NewPhoto(digest, "x.png", 16, 16, nothing, each)
            else:
                read = read_picture(each)
                vector = embedder.embed_pixels(read.pixels(embedder.info.preprocessing)[None])[0]
                photo = NewPhoto(read.digest, "x.png", 16, 16, vector, read.kept())
            entries.append((thing, photo))
    binding = binding_of(embedder, model)
    with Gallery.create(
        place, name="things", model=binding, keeps_pictures=keeps_pictures
    ) as gallery:
        gallery.enroll(entries)
    return str(place)


def judge(gallery: str, kind: VerdictKind, named: str, truth: str | None, picture: Pixels) -> None:
    read = read_picture(picture)
    with Gallery.open(gallery) as held:
        vector = np.zeros(held.info.model.embedding_size, np.float32)
        held.record(Verdict(kind, named, truth, 0.5, 0.1, read.digest, vector, read.kept()))


def lesson_of(gallery: str) -> Lesson:
    with Gallery.open(gallery) as held:
        seen = read_model_info(held.info.model.place).preprocessing
        return read_lesson(held, seen, Screen())


def held_names(lesson: Lesson) -> list[str]:
    return [name for name, held in zip(lesson.things.class_names, lesson.held, strict=True) if held]


def pictures_of(pictures: PackedPictures, name: str) -> list[bytes]:
    label = pictures.class_names.index(name)
    return sorted(each.tobytes() for each in pictures.pixels[pictures.labels == label])


def model_of(gallery: str) -> str:
    with Gallery.open(gallery, read_only=True) as held:
        return held.info.model.fingerprint


def blots(n_things: int, n_pictures: int = 3) -> dict[str, list[Pixels]]:
    """Things that anybody tells apart: noise of their own each, with very little more."""
    rng = np.random.default_rng(5)
    return {
        f"blot {thing}": [
            np.clip(blot + rng.integers(-2, 3, (16, 16)), 0, 255).astype(np.uint8)
            for _ in range(n_pictures)
        ]
        for thing, blot in enumerate(rng.integers(0, 256, (n_things, 16, 16)))
    }


# What a gallery teaches.


def test_a_quarter_of_the_things_are_held_out_whole(
    unlearned: Path, characters: dict[str, list[Pixels]], tmp_path: Path
) -> None:
    lesson = lesson_of(filled(tmp_path / "gallery", unlearned, characters))
    assert lesson.things.n_classes == 24
    assert lesson.held.sum() == 6
    assert set(lesson.learned.class_names).isdisjoint(held_names(lesson))
    assert set(lesson.learned.class_names) | set(held_names(lesson)) == set(characters)
    learned = {each.tobytes() for each in lesson.learned.pixels}
    assert not any(each.tobytes() in learned for each in lesson.held_out.pixels)
    for name, drawings in characters.items():
        shown = sorted(each.tobytes() for each in drawings)
        assert pictures_of(lesson.things, name) == shown


def test_what_was_learned_once_is_not_held_out_when_the_gallery_has_grown(
    unlearned: Path, tmp_path: Path
) -> None:
    sizes = (6, 8, 12, 20, 40)
    lessons = [lesson_of(filled(tmp_path / str(n), unlearned, blots(n, 2))) for n in sizes]
    for n, lesson in zip(sizes, lessons, strict=True):
        assert lesson.things.n_classes == n
        assert max(3, n / 4 - 1) <= len(held_names(lesson)) <= max(3, n / 4 + 1)
    for earlier, later in pairwise(lessons):
        assert set(earlier.learned.class_names).isdisjoint(held_names(later))


def test_judged_pictures_teach_what_they_show(unlearned: Path, tmp_path: Path) -> None:
    things = blots(8)
    gallery = filled(tmp_path / "gallery", unlearned, things)
    before = lesson_of(gallery)
    held, learned = held_names(before)[0], before.learned.class_names[0]
    rng = np.random.default_rng(1)
    confirmed, corrected, other_held, denied = rng.integers(0, 256, (4, 16, 16), np.uint8)
    judge(gallery, "right", learned, learned, confirmed)
    judge(gallery, "other", held, learned, corrected)
    judge(gallery, "other", learned, held, other_held)
    judge(gallery, "wrong", learned, None, denied)

    lesson = lesson_of(gallery)
    assert lesson.n_verdicts == 4
    assert held_names(lesson) == held_names(before)
    shown = [each.tobytes() for each in (*things[learned], confirmed, corrected)]
    assert pictures_of(lesson.learned, learned) == sorted(shown)
    assert pictures_of(lesson.held_out, held) == sorted(
        each.tobytes() for each in (*things[held], other_held)
    )
    # The stranger is nobody's: a class of its own, and no rival when the models are judged.
    (stranger,) = set(lesson.learned.class_names) - set(lesson.things.class_names)
    assert pictures_of(lesson.learned, stranger) == [denied.tobytes()] * 2
    assert other_held.tobytes() not in {each.tobytes() for each in lesson.learned.pixels}


def test_the_later_word_on_a_picture_holds_and_enrolling_it_ends_both(
    unlearned: Path, tmp_path: Path
) -> None:
    things = blots(8)
    gallery = filled(tmp_path / "gallery", unlearned, things)
    learned = lesson_of(gallery).learned.class_names[0]
    picture = np.random.default_rng(1).integers(0, 256, (16, 16), np.uint8)
    judge(gallery, "wrong", learned, None, picture)
    judge(gallery, "right", learned, learned, picture)
    judge(gallery, "wrong", learned, None, things[learned][0])
    lesson = lesson_of(gallery)
    assert lesson.n_verdicts == 1
    assert set(lesson.learned.class_names) <= set(things)
    assert len(pictures_of(lesson.learned, learned)) == 4


def test_a_thing_with_one_picture_is_left_out_and_counted(unlearned: Path, tmp_path: Path) -> None:
    gallery = filled(tmp_path / "gallery", unlearned, blots(7) | {"alone": blots(1)["blot 0"][:1]})
    with Gallery.open(gallery) as held:
        held.remove("blot 0")  # whose picture it is
    lesson = lesson_of(gallery)
    assert lesson.n_left_out == 1
    assert "alone" not in lesson.things.class_names


# Better, or as good only.


def test_a_better_model_is_adopted_and_the_gallery_can_go_back(
    tuned: tuning.Tuned, unlearned: Path
) -> None:
    assert tuned.judged is not None
    figure = tuned.judged.among_all
    n_held = len(held_names(lesson_of(tuned.gallery)))
    assert (figure.n_way, figure.n_things, n_held) == (64, 16, 16)
    assert figure.interval[0] > 0
    assert figure.difference == pytest.approx(figure.after - figure.before)
    assert (tuned.judged.among_held.n_way, tuned.judged.among_held.n_things) == (16, 16)
    assert tuned.adopted
    new = read_model_info(tuned.run.model)
    assert new.name == "tiny-tuned"
    assert new.recipe["data"]["train"] == f"gallery {tuned.gallery}"
    assert model_of(tuned.gallery) == new.fingerprint
    upgrading.go_back(tuned.gallery)
    assert model_of(tuned.gallery) == read_model_info(unlearned).fingerprint
    upgrading.go_back(tuned.gallery)


def test_a_tuning_whose_model_was_adopted_is_not_resumed(tuned: tuning.Tuned) -> None:
    with pytest.raises(GalleryError, match=r"is of the model tiny-tuned now"):
        tuning.resume(tuned.run.folder, console=Screen())


@dataclass(frozen=True)
class Idle:
    """A tuning of a gallery in which nothing is left to gain, by the command line."""

    gallery: str
    folder: Path
    ended: Ended

    @property
    def model(self) -> Path:
        return self.folder / "model"


@pytest.fixture(scope="module")
def idle(unlearned: Path, tmp_path_factory: pytest.TempPathFactory) -> Idle:
    place = tmp_path_factory.mktemp("idle")
    gallery = filled(place / "things", unlearned, blots(12))
    settings = [each for setting in SHORT for each in ("--set", setting)]
    more: list[str | Path] = ["--out", place / "run", "--json", *settings]
    return Idle(gallery, place / "run", here("train", "--from-gallery", gallery, *more))


def test_a_model_that_is_no_better_is_kept_but_changes_nothing(idle: Idle, unlearned: Path) -> None:
    assert idle.ended.code == 0
    told = json.loads(idle.ended.out)
    n_held = len(held_names(lesson_of(idle.gallery)))
    assert told["judged"]["among_all"]["before"] == 1.0  # so that there is nothing to gain
    assert told["judged"]["among_all"]["n_things"] == n_held
    assert not told["judged"]["improves"]
    assert not told["adopted"]
    assert told["told"].startswith("not adopted: things that were held out are not recognised")
    assert told["model"] == str(idle.model)
    assert load(idle.model).info.embedding_size == 8
    assert model_of(idle.gallery) == read_model_info(unlearned).fingerprint
    with Gallery.open(idle.gallery) as held:
        assert held.staged() is None
    assert (
        f"learning from {12 - n_held} things and 0 judged pictures; {n_held} things, with all"
        in (idle.ended.err)
    )
    with pytest.raises(UsageError, match="holds a tuning of gallery"):
        training.resume(idle.folder, console=Screen())


# Held out means unseen; interrupted means nothing lost.


def test_neither_what_is_held_out_nor_an_interruption_has_any_influence(
    idle: Idle, unlearned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = held_names(lesson_of(idle.gallery))
    others = {
        name: [255 - each for each in shown] if name in held else shown
        for name, shown in blots(12).items()
    }
    gallery, folder = filled(tmp_path / "gallery", unlearned, others), tmp_path / "run"
    assert lesson_of(gallery).held_out.fingerprint != lesson_of(idle.gallery).held_out.fingerprint

    interrupt_after(3, monkeypatch)
    stopped = tuning.tune(gallery, out=folder, overrides=SHORT, console=Screen())
    monkeypatch.undo()
    assert (stopped.run.ended, stopped.judged, stopped.adopted) == ("stopped", None, False)

    # As if it had been interrupted before the first checkpoint: from the old model's weights again.
    (folder / "last.ckpt").unlink()
    shutil.rmtree(folder / "model")
    resumed = here("train", "--resume", folder)
    assert resumed.code == 0
    assert "12: all things with two pictures" in resumed.out
    assert resumed.out.splitlines()[-1] == str(folder / "model")
    assert same_bits(folder / "model", idle.model)


def test_a_start_gives_tower_and_head_the_weights_of_the_model(tmp_path: Path) -> None:
    recipe = tiny_recipe(
        loss={"kind": "cross_entropy_on_pairs"},
        batches={"kind": "pairs", "n_pairs": 8},
        head={"kind": "weighted_l1"},
    )
    trained, head = build_tower(recipe), build_head(recipe)
    info = ModelInfo(
        name="x", preprocessing=build_preprocessing(recipe), head=head.frozen(), embedding_size=8
    )
    write_model_folder(tmp_path / "x", onnx=b"not read", tensors=tensors_of(trained), info=info)
    tower, other_head = build_tower(recipe), build_head(recipe)
    Start.at(tmp_path / "x").put_into(tower, other_head)
    for name, weights in trained.state_dict().items():
        assert torch.equal(tower.state_dict()[name], weights)
    embeddings = torch.randn(2, 5, 8)
    assert torch.equal(other_head(*embeddings), head(*embeddings))


def test_a_start_must_still_be_the_model_that_it_was(unlearned: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe()
    with pytest.raises(CheckpointError, match="restore it, or train anew"):
        Start(unlearned, "0" * 64).put_into(build_tower(recipe), build_head(recipe))
    with pytest.raises(ModelFolderError, match="there is no model folder"):
        Start.at(tmp_path / "nowhere")


# The recipe.


def test_a_tuning_goes_on_gently_by_the_recipe_of_the_model() -> None:
    tables = tiny_recipe(training={"steps": 5000, "patience": 3}).model_dump(mode="json")
    recipe = tuning_recipe(tables, data="gallery mugs")
    assert recipe.name == "tiny-tuned"
    assert recipe.data.train == "gallery mugs"
    assert recipe.data.held_out_groups == 0
    assert recipe.optimiser.lr == pytest.approx(5e-4)  # a tenth
    assert (recipe.training.steps, recipe.training.patience) == (200, None)
    assert (recipe.loss, recipe.augment) == (tiny_recipe().loss, tiny_recipe().augment)
    assert tuning_recipe(recipe.model_dump(mode="json"), data="gallery x").name == "tiny-tuned"
    assert tuning_recipe(tables, data="x", overrides=["training.steps=7"]).training.steps == 7
    assert tables["name"] == "tiny"  # what came is left as it was


def test_batches_fit_what_there_is() -> None:
    recipe = tiny_recipe(batches={"kind": "uniform", "size": 128})
    fitting = batches_within(recipe, n_pictures=9, n_classes=4).batches
    assert fitting.kind == "uniform"
    assert fitting.size == 36  # four turns of each
    recipe = tiny_recipe(
        loss={"kind": "triplet"},
        batches={"kind": "classes", "n_classes": 64},
        head={"kind": "euclidean"},
        augment={"turns": 1},
    )
    by_class = batches_within(recipe, n_pictures=9, n_classes=4).batches
    assert by_class.kind == "classes"
    assert by_class.n_classes == 4


# Refusals.


def test_what_cannot_be_tuned_is_refused_in_a_sentence(unlearned: Path, tmp_path: Path) -> None:
    few = filled(tmp_path / "few", unlearned, blots(5))
    with pytest.raises(GalleryError, match=r"'things' has 5 things with two pictures or more"):
        tuning.tune(few, console=Screen())
    bare = filled(tmp_path / "bare", unlearned, blots(8), keeps_pictures=False)
    with pytest.raises(GalleryError, match="kept no picture of photo 1"):
        tuning.tune(bare, console=Screen())
    broken = filled(tmp_path / "broken", unlearned, blots(8) | {"x": [b"torn", b"too"]})
    with pytest.raises(GalleryError, match=r"tuning cannot learn from this gallery: .*photo 25"):
        tuning.tune(broken, console=Screen())
    write_model_folder(
        tmp_path / "for use alone",
        onnx=read_onnx(unlearned),
        tensors=None,
        info=read_model_info(unlearned),
    )
    alone = filled(tmp_path / "alone", tmp_path / "for use alone", blots(1))
    with pytest.raises(GalleryError, match=r"came without model\.safetensors.* train one that can"):
        tuning.tune(alone, console=Screen())
    assert not Path("runs/tiny-tuned").exists()


def test_a_model_that_no_recipe_made_is_refused(unlearned: Path, tmp_path: Path) -> None:
    write_model_folder(
        tmp_path / "model",
        onnx=read_onnx(unlearned),
        tensors=read_tensors(unlearned),
        info=replace(read_model_info(unlearned), recipe={"name": "as published"}, name="published"),
    )
    gallery = filled(tmp_path / "gallery", tmp_path / "model", blots(8))
    with pytest.raises(GalleryError, match=r"has no recipe to go on by .*firstsight upgrade"):
        tuning.tune(gallery, console=Screen())


def test_the_shipped_characters_can_be_tuned_and_the_tuning_resumed(tmp_path: Path) -> None:
    gallery = filled(tmp_path / "gallery", "characters", blots(6, 2))
    changes = ["training.steps=1", "training.validate_every=1", "batches.size=4"]
    tuned = tuning.tune(gallery, out=tmp_path / "run", overrides=changes, console=Screen())
    assert tuned.judged is not None
    # One gentle step from where the shipped model stands: nearly the same answers.
    assert tuned.judged.among_all.after >= tuned.judged.among_all.before - 0.1
    again = tuning.resume(tmp_path / "run", adopt=False, console=Screen())
    assert (again.run.step, again.adopted) == (1, False)


def test_what_the_network_is_shown_and_the_network_itself_stay(
    unlearned: Path, tmp_path: Path
) -> None:
    gallery = filled(tmp_path / "gallery", unlearned, blots(8))
    with pytest.raises(RecipeError, match="leave the recipe's picture as it is"):
        tuning.tune(gallery, overrides=["picture.size=32"], console=Screen())
    wider: dict[str, Any] = {"out": tmp_path / "run", "console": Screen()}
    with pytest.raises(TrainingError, match="of another network than the recipe's"):
        tuning.tune(gallery, overrides=["network.embedding_size=16"], **wider)
    assert not (tmp_path / "run").exists()


def test_the_command_line_takes_a_recipe_or_a_gallery() -> None:
    for more in (["compact"], ["--data", "x"]):
        refused = here("train", *more, "--from-gallery", "photos")
        assert refused.code == 2
        assert "takes recipe and pictures from the gallery" in refused.sentence
    both = here("train", "--resume", "x", "--from-gallery", "photos")
    assert both.code == 2
    assert "give it alone" in both.sentence
    missing = here("train", "--from-gallery", "nowhere")
    assert missing.code == 1
    assert "there is no gallery" in missing.sentence
    neither = here("train")
    assert neither.code == 2
    assert "--from-gallery" in neither.sentence
