"""What differs between views of one picture, and within a class, is made small."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.errors import RecipeError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.augment.views import OtherViews
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.networks.pooling import Pooling
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.training.run import resume, train
from firstsight.learning.training.starting import Start
from firstsight.learning.training.whitening import learned_whitening, whiten
from firstsight.model.embedder import load
from firstsight.model.folder import read_tensors

SEEN = Preprocessing(size=32, mode="rgb", mean=(0.5,), deviation=(0.5,))


@pytest.fixture(scope="module")
def pictures() -> PackedPictures:
    return draw_alphabets(SEEN, n_alphabets=2, n_characters=4, n_drawers=3, seed=1)


def recipe_of(**training: Any) -> Recipe:
    return parse_recipe(
        {
            "name": "whitened",
            "data": {"train": "glyphs"},
            "picture": {"size": 32, "mode": "rgb", "mean": [0.5], "deviation": [0.5]},
            "network": {
                "kind": "squeezenet", "weights": "random", "n_frozen": "all", "whitened": True,
                "power": 3, "window": 0.3,
            },
            "loss": {"kind": "cosface"},
            "batches": {"kind": "uniform", "size": 64},
            "training": {"precision": "f32"} | training,
        },
        origin="test recipe",
    )  # fmt: skip


def test_whitening_by_hand() -> None:
    # Two pictures, two views each: they differ within a picture by 2 along x, and not along y.
    views = np.array([[1, 0], [-1, 0], [1, 5], [-1, 5]], np.float32)
    of = np.array([0, 0, 1, 1])
    # The scatter, scaled to a mean variance of 1, is diag(2, 0).
    expected = np.diag([(2 + 3) ** -0.5, 3**-0.5]) * 4**0.5
    assert np.allclose(learned_whitening(views, of, shrinkage=3), expected)
    # Both pictures are of one class: around its mean (0, 2.5), (1 + 6.25) / 4 lie 1 to 6.25. Each
    # scatter has a trace of 1 before they are joined, with the class's counted twice.
    joined = np.diag([1 + 2 * 1 / 7.25, 2 * 6.25 / 7.25])
    joined *= 2 / np.trace(joined)
    expected = np.diag(1 / np.sqrt(np.diag(joined) + 3)) * 4**0.5
    found = learned_whitening(views, of, classes=np.zeros(4, int), class_share=2, shrinkage=3)
    assert np.allclose(found, expected)


def test_much_shrinkage_leaves_embeddings_as_they_are() -> None:
    views = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    found = learned_whitening(views, np.arange(40) // 2, shrinkage=1e6)
    assert np.allclose(found, np.eye(5), atol=1e-3)


def test_pooling_by_hand() -> None:
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert Pooling()(maps).item() == 3
    assert Pooling(2)(maps).item() == pytest.approx(((1 + 4 + 9 + 36) / 4) ** 0.5)
    assert Pooling(3)(torch.tensor([[[[-5.0, 2.0]]]])).item() == pytest.approx(4 ** (1 / 3))


def test_a_window_weighs_places_by_their_distance_from_the_middle() -> None:
    rng = np.random.default_rng(0)
    maps = rng.random((1, 2, 3, 5)).astype(np.float32)
    sums, total = np.zeros(2), 0.0
    for row in range(3):
        for column in range(5):
            down, across = (row - 1) / 3, (column - 2) / 5
            weight = np.exp(-(down**2 + across**2) / (2 * 0.3**2))
            sums += weight * maps[0, :, row, column] ** 3
            total += weight
    found = Pooling(3, 0.3)(torch.from_numpy(maps)).numpy()[0]
    assert np.allclose(found, (sums / total) ** (1 / 3), atol=1e-6)


def test_other_views_are_of_the_same_kind_and_follow_the_seed(pictures: PackedPictures) -> None:
    vary = OtherViews(32, (0.5,), (0.5,))
    seen = torch.from_numpy(SEEN.normalise(pictures.pixels[:4]))
    views = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        views.append(vary(seen))
    assert torch.equal(views[0], views[1])
    assert not torch.equal(views[0], views[2])
    assert views[0].shape == seen.shape
    assert views[0].abs().max() <= 1 + 1e-5  # as light as white and as dark as black at most


def test_a_training_without_steps_makes_views_of_a_picture_alike(
    pictures: PackedPictures, tmp_path: Path
) -> None:
    screen = Console(file=io.StringIO(), width=300)
    recipe = recipe_of(steps=0)
    run = train(recipe, pictures, tmp_path / "run", console=screen)
    assert (run.step, run.ended) == (0, "finished")
    model, tensors = load(run.model, threads=1), read_tensors(run.model)
    assert model.info.embedding_size == 512

    torch.manual_seed(5)
    vary = OtherViews(32, SEEN.mean, SEEN.deviation)
    seen = torch.from_numpy(SEEN.normalise(np.asarray(pictures.pixels)))
    pixels = ((vary(seen).permute(0, 2, 3, 1).numpy() * 0.5 + 0.5) * 255).round().astype(np.uint8)
    own, other = model.embed_pixels(pictures.pixels), model.embed_pixels(pixels)
    # Undo the projection: the same embeddings, centred alone.
    inverse = np.linalg.inv(tensors["project.weight"].astype(float)).T

    def share_of_difference(a: Any, b: Any) -> float:
        a, b = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (a, b))
        return float(((a - b) ** 2).sum() / np.var(a, axis=0).sum())

    assert share_of_difference(own, other) < 0.99 * share_of_difference(
        own @ inverse, other @ inverse
    )

    again = resume(tmp_path / "run", pictures, recipe=None, console=screen)
    assert np.array_equal(load(again.model).embed_pixels(pictures.pixels), own)


def test_a_whitened_projection_learns_further(pictures: PackedPictures, tmp_path: Path) -> None:
    quiet = Console(quiet=True)
    begun = train(recipe_of(steps=0), pictures, tmp_path / "begun", console=quiet)
    recipe = parse_recipe(
        recipe_of(steps=2, validate_every=2).model_dump(mode="json")
        | {"batches": {"kind": "uniform", "size": 8}},
        origin="test recipe",
    )
    start = Start.at(begun.model)
    run = train(recipe, pictures, tmp_path / "run", console=quiet, start=start)
    before, after = (read_tensors(each.model)["project.weight"] for each in (begun, run))
    assert not np.array_equal(before, after)
    assert np.abs(before - after).max() < 0.1  # it went on from there


def test_before_it_learns_a_whitened_network_gives_its_features() -> None:
    torch.manual_seed(0)
    tower = PooledTower(nn.Sequential(), 2, whitened=True, unit_sphere=True)
    maps = torch.tensor([[[[3.0, 3.0]], [[1.0, 7.0]]]])  # means 3 and 4
    assert torch.allclose(tower(maps), torch.tensor([[0.6, 0.8]]))


def test_a_projection_wider_than_the_features_is_refused(pictures: PackedPictures) -> None:
    tower = PooledTower(nn.Sequential(), 3, projection=4, whitened=True)
    with pytest.raises(RecipeError, match=r"projection is 4.* 3 features to give"):
        whiten(tower, pictures, SEEN)


def test_nothing_to_learn_is_refused_by_name() -> None:
    tables = recipe_of(steps=1).model_dump(mode="json")
    tables["network"]["whitened"] = False
    tables["training"]["steps"] = 0
    with pytest.raises(RecipeError, match=r"steps is 0.*set network\.whitened"):
        parse_recipe(tables, origin="test recipe")
