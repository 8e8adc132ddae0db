"""A network learns to find its own pictures from other views of them, without labels."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from rich.console import Console

from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.errors import RecipeError, TrainingError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.augment.views import OtherViews, SomeOtherViews
from firstsight.learning.networks.heads import CosineHead
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.recipes.tuning import tuning_recipe
from firstsight.learning.training import callbacks
from firstsight.learning.training.bank import normalise
from firstsight.learning.training.build import build_head, build_tower
from firstsight.learning.training.run import resume, train
from firstsight.learning.training.starting import Start
from firstsight.learning.training.validation import ViewValidation
from firstsight.model.embedder import load
from firstsight.model.folder import TENSORS, read_tensors

SEEN = Preprocessing(size=32, mode="rgb", mean=(0.5,), deviation=(0.5,))
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures() -> PackedPictures:
    return draw_alphabets(SEEN, n_alphabets=2, n_characters=4, n_drawers=3, seed=1)


@pytest.fixture
def screen() -> Console:
    return Console(file=io.StringIO(), width=300)


def recipe_of(kind: str = "squeezenet", **training: Any) -> Recipe:
    return parse_recipe(
        {
            "name": "views",
            "data": {"train": "glyphs"},
            "picture": {"size": 32, "mode": "rgb", "mean": [0.5], "deviation": [0.5]},
            "network": {"kind": kind, "weights": "random", "n_frozen": 2, "whitened": True},
            "loss": {"kind": "own_picture"},
            "batches": {"kind": "uniform", "size": 8},
            "augment": {"other_views": 0.8},
            "optimiser": {"kind": "adamw", "lr": 1e-3},
            "training": {"precision": "f32", "watch": "views", "validate_every": 4} | training,
        },
        origin="test recipe",
    )


def test_a_resumed_training_equals_an_uninterrupted_one_and_the_projection_stays(
    pictures: PackedPictures, screen: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(recipe_of(steps=6), pictures, tmp_path / "whole", console=screen)
    look = callbacks.WatchForCollapse.on_train_batch_end

    def look_and_press(self: Any, trainer: Trainer, *rest: Any) -> None:
        look(self, trainer, *rest)
        if trainer.global_step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(callbacks.WatchForCollapse, "on_train_batch_end", look_and_press)
    stopped = train(recipe_of(steps=6), pictures, tmp_path / "parts", console=screen)
    assert stopped.step == 3
    monkeypatch.undo()
    resume(tmp_path / "parts", pictures, recipe=None, console=screen)
    ours, theirs = read_tensors(whole.model), read_tensors(tmp_path / "parts" / "model")
    began = read_tensors(
        train(recipe_of(steps=0), pictures, tmp_path / "began", console=screen).model
    )
    learned = {name for name in ours if not np.array_equal(ours[name], began[name])}
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert "features.12.expand3x3.weight" in learned
    assert learned.isdisjoint({"project.weight", "project.bias", "centre", "features.0.weight"})


def test_the_look_at_views_is_the_same_each_time_and_tells_right_from_wrong(
    pictures: PackedPictures,
) -> None:
    first, second = (ViewValidation.plan(pictures, SEEN, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.views.pixels, second.views.pixels)
    assert first.views.pixels.shape == pictures.pixels.shape
    assert not np.array_equal(first.views.pixels, first.pictures.pixels)
    same = ViewValidation(first.pictures, first.pictures, SEEN)
    flat = torch.nn.Flatten()
    assert same.accuracy(flat, CosineHead(), CPU) == 1
    shifted = np.roll(np.asarray(first.pictures.pixels), 1, 0)
    wrong = ViewValidation(first.pictures, replace(first.views, pixels=shifted), SEEN)
    assert wrong.accuracy(flat, CosineHead(), CPU) == 0
    assert np.isnan(same.accuracy(_Nothing(), CosineHead(), CPU))


class _Nothing(torch.nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.full((len(pictures), 2), float("nan"))


def test_a_share_of_a_batch_is_seen_otherwise(pictures: PackedPictures) -> None:
    seen = normalise(torch.from_numpy(np.array(pictures.pixels)), SEEN)
    torch.manual_seed(0)
    assert torch.equal(SomeOtherViews(0.0, 32, (0.5,), (0.5,))(seen), seen)
    some = SomeOtherViews(0.5, 32, (0.5,), (0.5,))(seen)
    assert 6 <= int((some != seen).flatten(1).any(1).sum()) <= 18  # of 24
    torch.manual_seed(1)
    wild = OtherViews(32, (0.5,), (0.5,), in_the_wild=True)(seen)
    torch.manual_seed(1)
    tame = OtherViews(32, (0.5,), (0.5,))(seen)
    assert wild.shape == tame.shape == seen.shape
    assert torch.isfinite(wild).all()
    # In coloured light no grey stays grey.
    assert wild.std(1).mean() > 2 * tame.std(1).mean()


@pytest.mark.parametrize("kind", ["squeezenet", "efficientnet_lite"])
def test_a_network_goes_on_from_its_onnx_file_alone(
    kind: str, pictures: PackedPictures, screen: Console, tmp_path: Path
) -> None:
    run = train(recipe_of(kind, steps=2), pictures, tmp_path / "run", console=screen)
    (run.model / TENSORS).unlink()
    tower, head = build_tower(recipe_of(kind, steps=2)), build_head(recipe_of(kind, steps=2))
    Start.at(run.model).put_into(tower, head)
    with torch.no_grad():
        found = tower.eval()(normalise(torch.from_numpy(np.array(pictures.pixels)), SEEN))
    expected = load(run.model, threads=1).embed_pixels(pictures.pixels)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
    other = build_tower(recipe_of("squeezenet" if kind != "squeezenet" else "efficientnet_lite"))
    with pytest.raises(TrainingError, match=r"holds no features|another network"):
        Start.at(run.model).put_into(other, head)


def test_a_gallery_teaches_things_to_a_network_that_learned_from_views() -> None:
    tuned = tuning_recipe(recipe_of(steps=250).model_dump(mode="json"), data="a gallery")
    assert (tuned.loss.kind, tuned.augment.other_views) == ("cosface", 0)
    assert tuned.network.n_frozen == "all"  # type: ignore[union-attr]
    plain = recipe_of(steps=250).model_dump(mode="json")
    plain["network"]["whitened"] = False  # nothing follows the features, which must learn then
    assert tuning_recipe(plain, data="a gallery").network.n_frozen == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"augment": {}}, "augment.other_views"),
        ({"augment": {"other_views": 0.8, "turns": 4}}, "augment.turns 1"),
        ({"network": {"kind": "compact"}}, "network of photographs"),
        ({"picture": {"size": 32}}, "picture.mode 'rgb'"),
        ({"network": {"kind": "squeezenet", "n_frozen": "all", "whitened": True}}, "n_frozen"),
    ],
)
def test_recipes_whose_places_would_mean_nothing_are_refused(
    changes: dict[str, Any], said: str
) -> None:
    tables = recipe_of().model_dump(mode="json", exclude_unset=True) | changes
    with pytest.raises(RecipeError, match=said):
        parse_recipe(tables, origin="test recipe")


def test_a_finished_model_blends_what_features_learned_with_how_they_began(
    pictures: PackedPictures, screen: Console, tmp_path: Path
) -> None:
    # A folder stands for a publisher: random weights cannot be had again.
    origin = train(recipe_of(steps=0), pictures, tmp_path / "origin", console=screen).model
    start = Start.at(origin)
    tables = recipe_of(steps=3).model_dump(mode="json")
    tables["network"]["weights"] = "imagenet"

    def blended(share: float) -> dict[str, Any]:
        tables["training"]["blend"] = share
        recipe = parse_recipe(tables, origin="test recipe")
        run = train(recipe, pictures, tmp_path / f"{share}", console=screen, start=start)
        return read_tensors(run.model)

    before, learned, mixed = read_tensors(origin), blended(1.0), blended(0.25)
    name = "features.12.expand3x3.weight"
    assert not np.array_equal(before[name], learned[name])
    expected = 0.75 * before[name] + 0.25 * learned[name]
    np.testing.assert_allclose(mixed[name], expected, atol=1e-6)
    np.testing.assert_array_equal(mixed["project.weight"], before["project.weight"])


def test_blending_needs_weights_to_blend_with() -> None:
    for network in ({"kind": "compact"}, {"kind": "squeezenet", "weights": "random"}):
        tables = {"name": "x", "network": network, "loss": {"kind": "cosface"}}
        tables |= {"batches": {"kind": "uniform"}, "training": {"blend": 0.5}}
        with pytest.raises(RecipeError, match=r"training\.blend mixes"):
            parse_recipe(tables | {"picture": {"size": 32, "mode": "rgb"}}, origin="test")


def test_looking_at_views_is_for_photographs() -> None:
    with pytest.raises(RecipeError, match=r"training\.watch 'views'.*'rgb'"):
        load_recipe("compact", ["training.watch=views"])


def test_single_pictures_of_few_things_are_enough(screen: Console, tmp_path: Path) -> None:
    one_each = draw_alphabets(SEEN, n_alphabets=1, n_characters=5, n_drawers=1, seed=1)
    run = train(recipe_of(steps=2), one_each, tmp_path / "run", console=screen)
    assert run.step == 2
    assert load(run.model).embed_pixels(one_each.pixels).shape == (5, 512)


def test_a_model_says_whose_weights_it_began_with(
    pictures: PackedPictures, screen: Console, tmp_path: Path
) -> None:
    origin = tmp_path / "origin"
    shutil.copytree(
        train(recipe_of(steps=0), pictures, tmp_path / "r", console=screen).model, origin
    )
    record = json.loads((origin / "model.json").read_text())
    for published in (True, False):
        credit = {"weights_credit": "others", "licence": "MIT"}
        record["made_by"] = {**credit, **({"published": "net1"} if published else {})}
        (origin / "model.json").write_text(json.dumps(record))
        start = Start.at(origin)
        for steps, n_frozen, kept in ((1, "all", published), (1, 2, False)):
            tables = recipe_of(steps=steps).model_dump(mode="json")
            tables["network"]["n_frozen"] = n_frozen
            tables |= {"loss": {"kind": "cosface"}, "augment": {}}
            recipe = parse_recipe(tables, origin="test recipe")
            folder = tmp_path / f"{published} {n_frozen}"
            run = train(recipe, pictures, folder, console=screen, start=start)
            made_by = load(run.model).info.made_by
            assert made_by["weights_credit"] == "others"
            assert ("published" in made_by) == kept
