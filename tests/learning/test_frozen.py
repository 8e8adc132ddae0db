"""Features that do not learn are worked out once."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.numpy import load_file
from safetensors.torch import save_file

from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.errors import RecipeError, StorageError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.efficientnet import EfficientNetLite
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.networks.squeezenet import SqueezeNet
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.training import module
from firstsight.learning.training.bank import PictureBank, normalise
from firstsight.learning.training.build import build_head, build_preprocessing, build_tower
from firstsight.learning.training.frozen import FrozenFeatures, can_freeze
from firstsight.learning.training.run import train
from firstsight.learning.training.starting import Start
from firstsight.model.folder import read_tensors

SEEN = Preprocessing(size=32, mode="rgb")


@pytest.fixture(scope="module")
def pictures() -> PackedPictures:
    return draw_alphabets(SEEN, n_alphabets=2, n_characters=4, n_drawers=3, seed=1)


def recipe_of(**changes: Any) -> Recipe:
    network = {"kind": "squeezenet", "weights": "random", "n_frozen": "all", "projection": 8}
    return parse_recipe(
        {
            "name": "heads",
            "data": {"train": "glyphs"},
            "picture": {"size": 32, "mode": "rgb", "mean": [0.5], "deviation": [0.5]},
            "network": network | changes.pop("network", {}),
            "loss": {"kind": "cosface"},
            "batches": {"kind": "uniform", "size": 8},
            "training": {"steps": 5, "validate_every": 5, "precision": "f32"},
            **changes,
        },
        origin="test recipe",
    )


def test_training_on_kept_features_gives_the_same_weights(
    pictures: PackedPictures,
    tmp_path: Path,
    private_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Console(file=io.StringIO(), width=300)
    kept = train(recipe_of(), pictures, tmp_path / "kept", console=screen)
    assert isinstance(screen.file, io.StringIO)
    assert "features of 24 pictures are worked out once" in screen.file.getvalue()
    (file,) = (private_cache / "features").iterdir()
    assert np.load(file, mmap_mode="r").shape == (24, 512)
    monkeypatch.setattr(module, "can_freeze", lambda *_: False)
    anew = train(recipe_of(), pictures, tmp_path / "anew", console=Console(quiet=True))
    one, two = read_tensors(kept.model), read_tensors(anew.model)
    torch.manual_seed(0)
    start = build_tower(recipe_of()).state_dict()
    for name in one:
        assert np.allclose(one[name], two[name], atol=1e-5), name
        same_as_before = np.array_equal(one[name], start[name].numpy())
        assert same_as_before == name.startswith("features."), name


@pytest.mark.parametrize(
    ("changes", "frozen"),
    [
        ({}, True),
        ({"augment": {"turns": 4}}, True),
        ({"network": {"n_frozen": 12}}, False),
        ({"augment": {"mirror": True}}, False),
        ({"augment": {"affine": {"rotation_deg": 5}}}, False),
        ({"augment": {"photo": {"hue": 0.1}}}, False),
        # Without published statistics its batch norms go on counting.
        ({"network": {"kind": "efficientnet_lite"}}, False),
    ],
)
def test_features_are_kept_only_where_they_stay_the_same(
    changes: dict[str, Any], frozen: bool
) -> None:
    recipe = recipe_of(**changes)
    assert can_freeze(recipe, build_tower(recipe)) == frozen


def test_a_projection_over_published_features_is_what_a_tuning_begins_with(
    data_root: Path, pictures: PackedPictures, tmp_path: Path, private_cache: Path
) -> None:
    recipe = recipe_of(network={"weights": "imagenet"})
    run = train(recipe, pictures, tmp_path / "run", console=Console(quiet=True))
    (run.model / "model.safetensors").rename(tmp_path / "kept.safetensors")
    learned = load_file(tmp_path / "kept.safetensors")
    tower = build_tower(recipe)
    Start.at(run.model).put_into(tower, build_head(recipe))
    for name, found in tower.state_dict().items():
        assert np.allclose(found.numpy(), learned[name], atol=1e-6), name


def test_kept_features_are_those_of_the_statistics_the_weights_came_with(
    pictures: PackedPictures, tmp_path: Path, private_cache: Path
) -> None:
    torch.manual_seed(3)
    published = EfficientNetLite("0")
    save_file(published.state_dict(), tmp_path / "lite0.safetensors")
    recipe = recipe_of(
        network={"kind": "efficientnet_lite", "weights": str(tmp_path / "lite0.safetensors")}
    )
    train(recipe, pictures, tmp_path / "run", console=Console(quiet=True))
    (file,) = (private_cache / "features").iterdir()
    seen = normalise(torch.from_numpy(np.array(pictures.pixels)), build_preprocessing(recipe))
    with torch.no_grad():
        expected = published.eval().features(seen).mean((2, 3))
    assert np.allclose(np.load(file), expected, atol=1e-5)


def test_other_weights_and_other_pictures_have_other_features(
    pictures: PackedPictures, tmp_path: Path, private_cache: Path
) -> None:
    fewer = pictures.select(pictures.labels > 0)
    for seed, some in ((0, pictures), (1, pictures), (0, fewer), (0, pictures)):
        torch.manual_seed(seed)
        tower = PooledTower(SqueezeNet("1.1").features, 512, n_frozen=None)
        bank = PictureBank(some, SEEN, 1)
        kept = FrozenFeatures(bank, tower, private_cache)
        numbers = np.array([3, 1])
        with torch.no_grad():
            expected = tower.pooled_features(bank.fetch(numbers)[0])
        assert torch.allclose(kept.fetch(numbers), expected, atol=1e-5)
    assert len(list(private_cache.iterdir())) == 3


def test_features_of_turned_pictures_are_others_and_a_damaged_file_is_made_anew(
    pictures: PackedPictures, tmp_path: Path
) -> None:
    tower = PooledTower(SqueezeNet("1.1").features, 512, n_frozen=None)
    plain, turned = (PictureBank(pictures, SEEN, turns) for turns in (1, 4))
    assert len(FrozenFeatures(turned, tower, tmp_path)) == 4 * len(pictures)
    numbers = np.arange(len(pictures))
    whole = FrozenFeatures(plain, tower, tmp_path).fetch(numbers)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    again = FrozenFeatures(plain, tower, tmp_path)
    assert len(again) == len(pictures)
    assert torch.equal(again.fetch(numbers), whole)


def test_a_cache_of_features_that_cannot_be_written_costs_only_the_cache(
    pictures: PackedPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    tower = PooledTower(SqueezeNet("1.1").features, 512, n_frozen=None)
    bank, numbers = PictureBank(pictures, SEEN, 1), np.array([5, 2])
    kept = FrozenFeatures(bank, tower, tmp_path / "file")
    with torch.no_grad():
        expected = tower.pooled_features(bank.fetch(numbers)[0])
    assert torch.allclose(kept.fetch(numbers), expected, atol=1e-5)
    monkeypatch.setattr("firstsight.learning.training.frozen._MOST_IN_MEMORY_BYTES", 1)
    with pytest.raises(StorageError, match=r"cannot hold .* GB of features"):
        FrozenFeatures(bank, tower, tmp_path / "file")


def test_a_recipe_by_which_nothing_learns_is_refused(
    pictures: PackedPictures, tmp_path: Path
) -> None:
    recipe = recipe_of(
        network={"projection": None},
        loss={"kind": "triplet"},
        batches={"kind": "classes", "n_classes": 4, "n_pictures": 2},
    )
    with pytest.raises(RecipeError, match=r"nothing learns.*or set network\.projection"):
        train(recipe, pictures, tmp_path / "run", console=Console(quiet=True))
