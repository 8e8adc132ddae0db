from __future__ import annotations

import csv
import io
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from rich.console import Console
from safetensors.torch import save_file

from firstsight.data.catalogue import open_pictures
from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.errors import CheckpointError, DataError, TrainingError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.efficientnet import EfficientNetLite
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.training import callbacks, finish, module
from firstsight.learning.training.module import TwinTraining
from firstsight.learning.training.run import Run, export, resume, train
from firstsight.model import load, read_model_info
from firstsight.model.folder import read_tensors
from tests.drawings import drawing

from .conftest import tiny_recipe


class Screen(Console):
    """A console whose words can be read back."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), width=400)

    @property
    def said(self) -> str:
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()


def run_tiny(pictures: PackedPictures, folder: Path, recipe: Recipe | None = None) -> Run:
    return train(recipe or tiny_recipe(), pictures, folder, console=Screen())


def weights(model: Path) -> dict[str, np.ndarray[Any, Any]]:
    return read_tensors(model)


def same_bits(a: Path, b: Path) -> bool:
    one, two = weights(a), weights(b)
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batches": {"kind": "half_group", "size": 16}},
        {
            "loss": {"kind": "triplet"},
            "batches": {"kind": "classes", "n_classes": 6, "n_pictures": 3},
            "head": {"kind": "euclidean"},
        },
        {
            "loss": {"kind": "contrastive"},
            "batches": {"kind": "pairs", "n_pairs": 8, "within_group": True},
            "head": {"kind": "euclidean"},
        },
        {
            "loss": {"kind": "cross_entropy_on_pairs"},
            "batches": {"kind": "pairs", "n_pairs": 8, "pool": 40},
            "head": {"kind": "weighted_l1"},
        },
        {
            "loss": {"kind": "prototypical", "scale": 8.0},
            "batches": {"kind": "episodes", "n_way": 6, "k_shot": 1, "n_query": 2},
        },
        {
            "loss": {"kind": "arcface", "scale": 10.0},
            "batches": {"kind": "half_group", "size": 16},
        },
    ],
    ids=[
        "cosface",
        "half group",
        "triplet",
        "contrastive",
        "weighted L1",
        "prototypical",
        "arcface",
    ],
)
def test_every_loss_trains_to_a_model_that_onnx_runtime_can_use(
    changes: dict[str, Any], glyphs: PackedPictures, tmp_path: Path
) -> None:
    recipe = tiny_recipe(**changes)
    run = run_tiny(glyphs, tmp_path / "run", recipe)
    assert run.ended == "finished"
    assert run.step == 12
    assert run.accuracy is not None
    assert 0 <= run.accuracy <= 1
    embedder = load(run.model)
    embeddings = embedder.embed_pixels(glyphs.pixels[:5])
    assert embeddings.shape == (5, 8)
    assert embedder.distance(embeddings, embeddings).shape == (5, 5)
    assert embedder.info.head.kind == recipe.head.kind


def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(
    glyphs: PackedPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_tiny(glyphs, tmp_path / "whole")
    for step in (1, 4, 6, 11):
        interrupt_after(step, monkeypatch)
        folder = tmp_path / f"stopped at {step}"
        stopped = run_tiny(glyphs, folder)
        monkeypatch.undo()
        assert stopped.ended == "stopped"
        assert stopped.step == step
        assert load(stopped.model).embed_pixels(glyphs.pixels[:1]).shape == (1, 8)
        finished = resume(folder, glyphs, recipe=None, console=Screen())
        assert finished.ended == "finished"
        assert finished.step == 12
        assert same_bits(finished.model, whole.model)
        assert finished.accuracy == whole.accuracy


@pytest.mark.parametrize(
    "changes",
    [
        {  # memory, class batches, thickness
            "loss": {"kind": "multi_similarity", "memory": 60},
            "batches": {"kind": "classes", "n_classes": 6, "n_pictures": 3},
            "augment": {"turns": 4, "thickness_px": 0.5},
        },
        {  # class weights with centres, kornia, momentum that rises
            "picture": {"size": 16, "mode": "rgb", "mean": [0.5], "deviation": [0.5]},
            "loss": {"kind": "subcenter_arcface", "scale": 8.0},
            "augment": {"photo": {"brightness": 0.3, "hue": 0.1, "crop": [0.5, 1.0]}},
            "optimiser": {"kind": "sgd", "lr": 0.1, "parts": [{"part": "project", "l2": 1e-3}]},
            "schedule": {"momentum_start": 0.2, "momentum_epochs": 2},
            "batches": {"kind": "uniform", "size": 24},
        },
    ],
    ids=["memory", "kornia"],
)
def test_what_libraries_draw_and_losses_remember_is_resumed_bit_for_bit(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(**changes)
    seen = Preprocessing(size=16, mode=recipe.picture.mode)
    pictures = draw_alphabets(seen, n_alphabets=3, n_characters=6, n_drawers=4, seed=1)
    whole = run_tiny(pictures, tmp_path / "whole", recipe)
    interrupt_after(6, monkeypatch)
    stopped = run_tiny(pictures, tmp_path / "stopped", recipe)
    monkeypatch.undo()
    assert stopped.step == 6
    finished = resume(stopped.folder, pictures, recipe=None, console=Screen())
    assert same_bits(finished.model, whole.model)


def test_published_statistics_stay_and_such_a_training_is_resumed_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Preprocessing(size=32, mode="rgb")
    pictures = draw_alphabets(seen, n_alphabets=2, n_characters=4, n_drawers=3, seed=1)
    torch.manual_seed(3)
    published = EfficientNetLite("0").state_dict()
    save_file(published, tmp_path / "lite0.safetensors")
    network = {"kind": "efficientnet_lite", "weights": str(tmp_path / "lite0.safetensors")}
    recipe = tiny_recipe(
        picture={"size": 32, "mode": "rgb", "mean": [0.5], "deviation": [0.5]},
        network=network | {"projection": 8},
        batches={"kind": "uniform", "size": 8},
        training={"steps": 5, "validate_every": 2},
    )
    whole = run_tiny(pictures, tmp_path / "whole", recipe)
    learned = weights(whole.model)
    counted = [name for name in learned if name.endswith(("running_mean", "num_batches_tracked"))]
    assert len(counted) == 2 * 49
    for name in counted:
        assert np.allclose(learned[name], published[name].numpy(), atol=1e-6), name
    interrupt_after(2, monkeypatch)
    stopped = run_tiny(pictures, tmp_path / "stopped", recipe)
    monkeypatch.undo()
    assert stopped.step == 2
    finished = resume(stopped.folder, pictures, recipe=None, console=Screen())
    assert same_bits(finished.model, whole.model)


def interrupt_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C for real, once `step` steps are done."""
    look = callbacks.WatchForCollapse.on_train_batch_end

    def look_and_press(self: Any, trainer: Trainer, *rest: Any) -> None:
        look(self, trainer, *rest)
        if trainer.global_step == step:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(callbacks.WatchForCollapse, "on_train_batch_end", look_and_press)


def test_two_trainings_of_one_seed_are_equal_and_of_two_seeds_differ(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    one = run_tiny(glyphs, tmp_path / "one")
    two = run_tiny(glyphs, tmp_path / "two")
    other = run_tiny(glyphs, tmp_path / "other", tiny_recipe(training={"seed": 1}))
    assert same_bits(one.model, two.model)
    assert not same_bits(one.model, other.model)


def test_learning_beats_the_untrained_network(glyphs: PackedPictures, tmp_path: Path) -> None:
    recipe = tiny_recipe(training={"steps": 150, "validate_every": 150, "validation_trials": 400})
    learned = run_tiny(glyphs, tmp_path / "learned", recipe).accuracy
    first = run_tiny(
        glyphs,
        tmp_path / "first",
        tiny_recipe(
            training={"steps": 1, "validate_every": 1, "validation_trials": 400},
            optimiser={"lr": 1e-9},
        ),
    ).accuracy
    assert learned is not None
    assert first is not None
    assert learned > first + 0.1


def test_a_loss_that_is_no_number_stops_and_keeps_the_best_weights(
    glyphs: PackedPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = TwinTraining.training_step

    def poisoned_step(self: TwinTraining, *batch: Any) -> torch.Tensor:
        if self.global_step == 6:
            with torch.no_grad():
                next(self.tower.parameters()).mul_(torch.nan)
        return step(self, *batch)

    monkeypatch.setattr(TwinTraining, "training_step", poisoned_step)
    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"NaN or infinite at step 7; the best weights"):
        run_tiny(glyphs, folder)
    assert all(np.isfinite(each).all() for each in weights(folder / "model").values())


def test_a_training_that_breaks_at_once_says_that_nothing_was_kept(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    recipe = tiny_recipe(
        optimiser={"kind": "sgd", "lr": 1e38}, training={"validate_every": 1, "ema_decay": None}
    )
    with pytest.raises(TrainingError, match=r"nothing was kept\. Lower optimiser\.lr"):
        run_tiny(glyphs, tmp_path / "run", recipe)


def test_without_held_out_classes_the_last_weights_are_kept(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    run = run_tiny(glyphs, tmp_path / "run", tiny_recipe(data={"held_out_groups": 0}))
    assert run.accuracy is None
    assert not (run.folder / "best.ckpt").exists()
    assert load(run.model).info.embedding_size == 8


def test_patience_ends_a_training_that_no_longer_improves(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    recipe = tiny_recipe(
        optimiser={"lr": 1e-12}, training={"steps": 60, "validate_every": 2, "patience": 3}
    )
    run = run_tiny(glyphs, tmp_path / "run", recipe)
    assert run.ended == "no improvement"
    assert run.step == 8  # the first look is the best, three more bring nothing


def test_a_training_that_ended_for_no_improvement_is_at_its_end_when_resumed(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    recipe = tiny_recipe(
        optimiser={"lr": 1e-12}, training={"steps": 60, "validate_every": 2, "patience": 3}
    )
    run = run_tiny(glyphs, tmp_path / "run", recipe)
    kept = {name: (run.folder / name).read_bytes() for name in ("last.ckpt", "best.ckpt")}
    (run.model / "model.onnx").unlink()  # as if it had been interrupted at the very end
    again = resume(run.folder, glyphs, recipe=None, console=Screen())
    assert (again.ended, again.step) == ("no improvement", 8)
    assert again.accuracy == run.accuracy
    assert {name: (run.folder / name).read_bytes() for name in kept} == kept
    assert load(again.model).embed_pixels(glyphs.pixels[:1]).shape == (1, 8)


def test_a_folder_that_holds_a_run_is_not_overwritten(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    run_tiny(glyphs, tmp_path / "run")
    with pytest.raises(TrainingError, match="already holds a training; resume it"):
        run_tiny(glyphs, tmp_path / "run")


def test_resuming_refuses_another_recipe_other_pictures_and_a_damaged_checkpoint(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    run = run_tiny(glyphs, tmp_path / "run")
    other = tiny_recipe(optimiser={"lr": 1e-4})
    with pytest.raises(CheckpointError, match=r"another recipe \(they differ in optimiser\.lr\)"):
        resume(run.folder, glyphs, recipe=other, console=Screen())
    fewer = glyphs.select(glyphs.labels > 0)
    with pytest.raises(CheckpointError, match="trained on other pictures"):
        resume(run.folder, fewer, recipe=None, console=Screen())
    (run.folder / "last.ckpt").write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(CheckpointError, match=r"last\.ckpt is damaged"):
        resume(run.folder, glyphs, recipe=None, console=Screen())
    with pytest.raises(CheckpointError, match="holds no training"):
        resume(tmp_path, glyphs, recipe=None, console=Screen())


def test_export_writes_the_same_model_from_the_checkpoint(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    run = run_tiny(glyphs, tmp_path / "run")
    folder = export(run.folder, tmp_path / "exported", which="best", weights="none")
    assert read_model_info(folder).head == read_model_info(run.model).head
    assert read_model_info(folder).name == "exported"
    assert read_model_info(folder).recipe["name"] == "tiny"
    pictures = glyphs.pixels[:7]
    assert np.allclose(
        load(folder).embed_pixels(pictures), load(run.model).embed_pixels(pictures), atol=1e-6
    )
    assert not (folder / "model.safetensors").exists()


def test_logs_hold_loss_spread_and_accuracy(glyphs: PackedPictures, tmp_path: Path) -> None:
    run = run_tiny(glyphs, tmp_path / "run")
    rows = rows_of(run.folder / "logs" / "csv" / "metrics.csv")
    assert {"loss", "distance_spread", "one_shot_accuracy", "step"} <= rows[0].keys()
    assert list((run.folder / "logs" / "tensorboard").glob("events.*"))


def rows_of(metrics: Path) -> list[dict[str, str]]:
    with metrics.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_logs_go_on_where_a_training_does(
    glyphs: PackedPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(training={"steps": 40, "validate_every": 15})
    whole = run_tiny(glyphs, tmp_path / "whole", recipe)
    once = rows_of(whole.folder / "logs" / "csv" / "metrics.csv")
    assert [row["step"] for row in once] == ["9", "19", "29", "39"]

    folder = tmp_path / "stopped"
    metrics = folder / "logs" / "csv" / "metrics.csv"
    interrupt_after(24, monkeypatch)
    run_tiny(glyphs, folder, recipe)
    monkeypatch.undo()
    assert [row["step"] for row in rows_of(metrics)] == ["9", "19", "23"]
    # Killed later: rows of steps that will be done again, the last one cut short.
    with metrics.open("a", encoding="utf-8") as file:
        file.write("0.1,0,1.0,0.1,29\n0.1,0,1")
    resume(folder, glyphs, recipe=None, console=Screen())
    again = rows_of(metrics)
    assert [row["step"] for row in again] == ["9", "19", "23", "29", "39"]
    assert [row["loss"] for row in again if row["step"] != "23"] == [row["loss"] for row in once]

    kept = metrics.read_bytes()
    resume(folder, glyphs, recipe=None, console=Screen())  # which is finished
    assert metrics.read_bytes() == kept


def test_a_further_set_is_learned_from_whole_and_credited(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    screen = Screen()
    recipe = tiny_recipe(data={"beside": "digits"})
    run = train(recipe, glyphs, tmp_path / "run", console=screen)
    assert "learning from 90 pictures of 18 classes, 6 others held out" in screen.said
    assert "and from 1,797 pictures of 10 classes of digits" in screen.said
    assert f"of {4 * (18 + 10)} classes (4 turns of each count as others)" in screen.said
    assert run.accuracy is not None  # on the held-out alphabet
    info = read_model_info(run.model)
    assert info.data_fingerprint == glyphs.fingerprint
    digits = open_pictures("digits", info.preprocessing)
    assert info.made_by["beside_fingerprint"] == digits.fingerprint
    credit = info.made_by["data_credit"]
    assert "alphabets drawn by firstsight" in credit and "E. Alpaydin" in credit
    again = train(recipe, glyphs, tmp_path / "again", console=Screen())
    assert same_bits(run.model, again.model)


def test_a_training_is_not_resumed_on_another_set_beside(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    folder = tmp_path / "beside"
    for number in range(6):
        (folder / "cup").mkdir(parents=True, exist_ok=True)
        (folder / "mug").mkdir(exist_ok=True)
        for name in ("cup", "mug"):
            drawing(number, len(name)).save(folder / name / f"{number}.png")
    (folder / "lone").mkdir()
    drawing(9).save(folder / "lone" / "1.png")
    recipe, screen = tiny_recipe(data={"beside": str(folder)}), Screen()
    run = train(recipe, glyphs, tmp_path / "run", console=screen)
    assert "left out 1 classes with a single picture: lone" in screen.said
    assert "and from 12 pictures of 2 classes" in screen.said
    drawing(8).save(folder / "mug" / "8.png")
    with pytest.raises(CheckpointError, match="was trained on other pictures than"):
        resume(run.folder, glyphs, recipe=None, console=Screen())


def test_classes_with_one_picture_are_named_and_left_out(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    keep = np.ones(len(glyphs), dtype=bool)
    keep[np.flatnonzero(glyphs.labels == 3)[1:]] = False
    screen = Screen()
    train(tiny_recipe(), glyphs.select(keep), tmp_path / "run", console=screen)
    assert f"left out 1 classes with a single picture: {glyphs.class_names[3]}" in screen.said


def test_one_class_only_is_refused(glyphs: PackedPictures, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least two classes"):
        run_tiny(glyphs.select(glyphs.labels == 0), tmp_path / "run")


def test_a_collapse_is_named_in_plain_words(
    glyphs: PackedPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Constant(torch.nn.Module):
        """Maps everything to nearly one point, as a collapsed network does."""

        def __init__(self) -> None:
            super().__init__()
            self.point = torch.nn.Parameter(torch.ones(8))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return self.point + 1e-6 * pictures.flatten(1)[:, :8]

    monkeypatch.setattr(module, "build_tower", lambda recipe, **_: Constant())
    monkeypatch.setattr(finish, "build_tower", lambda recipe: Constant())
    screen = Screen()
    recipe = tiny_recipe(training={"steps": 60, "validate_every": 60})
    train(recipe, glyphs, tmp_path / "run", console=screen)
    assert "step 50: collapse: every picture is mapped to nearly the same point" in screen.said


def test_pytorch_and_onnx_runtime_agree_on_real_drawings(data_root: Path, tmp_path: Path) -> None:
    from firstsight.data.catalogue import open_pictures
    from firstsight.learning.training.bank import normalise
    from firstsight.learning.training.build import build_preprocessing, build_tower

    recipe = tiny_recipe()
    pictures = open_pictures("omniglot:minimal1", Preprocessing(size=16, invert=True))
    run = run_tiny(pictures, tmp_path / "run", recipe)
    tower = build_tower(recipe).eval()
    tower.load_state_dict({k: torch.from_numpy(v) for k, v in weights(run.model).items()})
    pixels = np.array(pictures.pixels[:33])
    with torch.no_grad():
        ours = tower(normalise(torch.from_numpy(pixels), build_preprocessing(recipe))).numpy()
    theirs = load(run.model).embed_pixels(pixels)
    assert np.abs(ours - theirs).max() / np.abs(ours).max() < 1e-4
