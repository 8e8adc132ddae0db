"""Vision models of Hugging Face as networks: tiny random ones, saved to disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from firstsight.app.pretrained import make_pretrained
from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError, DataUnavailable, MissingExtraError, RecipeError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.hub import picture_of
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.shelf import overridden
from firstsight.learning.training.bank import normalise
from firstsight.learning.training.build import build_head, build_preprocessing, build_tower
from firstsight.learning.training.run import train
from firstsight.learning.training.starting import Start
from firstsight.model import load
from firstsight.model.folder import read_tensors

transformers = pytest.importorskip("transformers")
SILENT = Console(file=StringIO())
KINDS = ("vit", "dinov2", "resnet")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a tiny model of each kind, and one of text."""
    root = tmp_path_factory.mktemp("models")
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    patches = {"image_size": 32, "patch_size": 8} | small
    maps = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    configs = {
        "vit": transformers.ViTConfig(intermediate_size=32, **patches),
        "dinov2": transformers.Dinov2Config(**patches),
        "resnet": transformers.ResNetConfig(**maps),
        "text": transformers.BertConfig(vocab_size=9, intermediate_size=32, **small),
    }
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    for name, config in configs.items():
        transformers.AutoModel.from_config(config).save_pretrained(root / name)
    transformers.utils.logging.enable_progress_bar()
    shown = {
        "size": {"height": 32, "width": 32},
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.2, 0.25],
    }
    (root / "resnet" / "preprocessor_config.json").write_text(json.dumps(shown))
    yield root


@pytest.fixture(scope="module")
def pictures() -> PackedPictures:
    seen = Preprocessing(size=32, mode="rgb")
    return draw_alphabets(seen, n_alphabets=2, n_characters=4, n_drawers=3, seed=1)


def recipe_of(model: Path, overrides: tuple[str, ...] = (), **network: Any) -> Recipe:
    tables = {
        "name": "tiny",
        "data": {"train": "glyphs"},
        "picture": {"size": 32},
        "network": {"kind": "huggingface", "name": str(model), **network},
        "loss": {"kind": "cosface"},
        "batches": {"kind": "uniform", "size": 8},
        "optimiser": {"kind": "adamw", "lr": 1e-2},
        "training": {"steps": 3, "validate_every": 3, "precision": "f32"},
    }
    return overridden(tables, overrides, origin="test recipe")


@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_model_embeds_without_pytorch_as_with_it(
    saved: Path, pictures: PackedPictures, tmp_path: Path, kind: str
) -> None:
    recipe = recipe_of(saved / kind, projection=6, n_frozen=1, lr_factor=0.1)
    run = train(recipe, pictures, tmp_path / "run", console=SILENT)
    tensors = {name: torch.from_numpy(each) for name, each in read_tensors(run.model).items()}
    tower = build_tower(recipe).eval()
    tower.load_state_dict(tensors)
    pixels = pictures.pixels[:5]
    with torch.no_grad():
        ours = tower(normalise(torch.from_numpy(pixels), build_preprocessing(recipe))).numpy()
    model = load(run.model)
    theirs = model.embed_pixels(pixels)
    assert theirs.shape == (5, 6)
    between = build_head(recipe).frozen().distance(ours, ours)
    assert np.allclose(model.distance(theirs, theirs), between, atol=1e-5)

    before = build_tower(recipe, as_started=True).state_dict()
    stem = "model.embedder." if kind == "resnet" else "model.embeddings."
    weights = {name for name, _ in tower.named_parameters()}
    changed = {name for name in weights if not torch.equal(tensors[name], before[name])}
    assert not [name for name in changed if stem in name]
    assert any(name.startswith("features.") for name in changed)


def test_a_feature_is_the_class_token_or_the_mean_of_the_patches(saved: Path) -> None:
    model = transformers.AutoModel.from_pretrained(saved / "dinov2").eval()
    shown = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        tokens = model(pixel_values=shown).last_hidden_state  # (2, 1 + 16, 16)
        for pooled, expected in (("class_token", tokens[:, 0]), ("patches", tokens[:, 1:].mean(1))):
            recipe = recipe_of(saved / "dinov2", pooled=pooled, unit_sphere=False)
            tower = build_tower(recipe, as_started=True).eval()
            assert torch.allclose(tower(shown), expected, atol=1e-6)


def test_a_feature_of_a_convolutional_model_is_the_mean_of_its_map(saved: Path) -> None:
    model = transformers.AutoModel.from_pretrained(saved / "resnet").eval()
    shown = torch.rand(2, 3, 32, 32)
    tower = build_tower(recipe_of(saved / "resnet", unit_sphere=False), as_started=True).eval()
    with torch.no_grad():
        expected = model(pixel_values=shown).last_hidden_state.mean((2, 3))
        assert torch.allclose(tower(shown), expected, atol=1e-6)


def test_pictures_are_shown_as_the_model_says_unless_the_recipe_does(saved: Path) -> None:
    seen = recipe_of(saved / "resnet", ("picture.size=48",)).picture
    assert (seen.size, seen.mode, seen.fit) == (48, "rgb", "squash")
    assert (seen.mean, seen.deviation) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.25))
    untold = picture_of(saved / "vit")
    assert (untold["size"], untold["fit"], untold["mean"][0]) == (32, "crop", 0.485)


@pytest.mark.parametrize(
    ("told", "size", "fit", "mean"),
    [
        ({"size": 30}, 30, "squash", [0.5]),
        ({"size": {"shortest_edge": 30}, "image_mean": [0.1]}, 30, "crop", [0.1]),
        ({"size": 40, "crop_size": {"height": 30, "width": 30}}, 30, "crop", [0.5]),
        ({"size": {"height": 30, "width": 30}, "do_normalize": False}, 30, "squash", [0.0]),
    ],
)
def test_preprocessing_is_read_in_each_form_it_is_written_in(
    tmp_path: Path, told: dict[str, Any], size: int, fit: str, mean: list[float]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
    picture = picture_of(tmp_path)
    assert (picture["size"], picture["fit"], picture["mean"]) == (size, fit, mean)


def test_another_size_than_the_model_learned_with_is_taken(saved: Path) -> None:
    recipe = recipe_of(saved / "vit", ("picture.size=48",), pooled="patches")
    assert build_tower(recipe, as_started=True)(torch.rand(1, 3, 48, 48)).shape == (1, 16)


@pytest.mark.parametrize("as_started", [True, False], ids=["from its files", "for a checkpoint"])
def test_only_what_learns_drops_out_and_published_statistics_stay(
    saved: Path, as_started: bool
) -> None:
    def modes(kind: str, n_frozen: int | str) -> tuple[bool, bool]:
        """Whether the features train, and whether a batch norm of theirs counts."""
        tower = build_tower(recipe_of(saved / kind, n_frozen=n_frozen), as_started=as_started)
        assert isinstance(tower, PooledTower)
        model = tower.features[0].get_submodule("model")
        norms = [each for each in model.modules() if isinstance(each, torch.nn.BatchNorm2d)]
        return model.training, any(each.training for each in norms)

    assert modes("vit", 1) == (True, False)
    assert modes("vit", "all") == (False, False)
    assert modes("resnet", 1) == (True, False)
    assert modes("resnet", "all") == (False, False)


def test_frozen_it_becomes_a_model_folder_that_can_be_tuned(saved: Path, tmp_path: Path) -> None:
    made = make_pretrained(
        f"hf:{saved / 'resnet'}", tmp_path / "model", weights="none", console=SILENT
    )
    model = load(made)
    assert model.info.embedding_size == 16
    assert model.info.preprocessing.mean == (0.5, 0.4, 0.3)
    recipe = recipe_of(saved / "resnet")
    tower = build_tower(recipe)
    Start.at(made).put_into(tower, build_head(recipe))
    started = build_tower(recipe, as_started=True).state_dict()
    assert all(torch.equal(each, started[name]) for name, each in tower.state_dict().items())


def test_what_is_no_vision_model_or_has_no_safe_weights_is_refused(
    saved: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="text is no vision model: it takes input_ids"):
        build_tower(recipe_of(saved / "text"), as_started=True)
    with pytest.raises(DataError, match=r"pickled has no model\.safetensors"):
        (tmp_path / "pickled").mkdir()
        config = (saved / "vit" / "config.json").read_text()
        (tmp_path / "pickled" / "config.json").write_text(config)
        (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80")
        build_tower(recipe_of(tmp_path / "pickled"), as_started=True)
    with pytest.raises(DataError, match=r"weights are of another network"):
        weights = (saved / "dinov2" / "model.safetensors").read_bytes()
        (tmp_path / "pickled" / "model.safetensors").write_bytes(weights)
        build_tower(recipe_of(tmp_path / "pickled"), as_started=True)
    with pytest.raises(DataError, match=r"no model that can be loaded safely"):
        odd = json.dumps({"hidden_size": 4, "auto_map": {"AutoModel": "evil.Model"}})
        (tmp_path / "pickled" / "config.json").write_text(odd)
        build_tower(recipe_of(tmp_path / "pickled"), as_started=True)
    with pytest.raises(RecipeError, match="gives 16 features, but network"):
        build_tower(recipe_of(saved / "vit", n_features=5))(torch.rand(1, 3, 32, 32))


def test_a_model_that_is_nowhere_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match=r"facebook/no-such was not .*FIRSTSIGHT_OFFLINE"):
        recipe_of(Path("facebook/no-such"))
    with pytest.raises(DataUnavailable, match="there is no folder"):
        recipe_of(tmp_path / "gone")
    with pytest.raises(DataError, match="is no model that transformers saved"):
        recipe_of(tmp_path)


def test_without_the_extra_its_name_is_told(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(saved / "vit")
    for library in ("transformers", "huggingface_hub"):
        monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(MissingExtraError, match=r"firstsight\[hub\]"):
        build_tower(recipe)
    with pytest.raises(MissingExtraError, match=r"firstsight\[hub\]"):
        recipe_of(Path("facebook/dinov2-small"))
