"""A finished model told to look at pictures otherwise, and the closer look of photographs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from rich.console import Console
from torch import nn

from firstsight.app.crossvalidating import cross_validate
from firstsight.app.exporting import export
from firstsight.app.training import train
from firstsight.app.unseen import only_unseen
from firstsight.data.catalogue import open_pictures
from firstsight.errors import RecipeError, TrainingError, UsageError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.looks import CloserLook
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.build import build_tower, finished_preprocessing
from firstsight.model.embedder import load
from firstsight.model.folder import read_model_info, write_model_folder
from tests.command import here
from tests.drawings import drawing

QUIET = Console(file=io.StringIO())
SMALL = (
    *("picture.size=16", "network.stem=4", "network.widths=[8]", "network.blocks=[1]"),
    *("network.embedding_size=8", "batches.size=16", "head.crowding=0"),
    *("training.steps=2", "training.validate_every=2", "training.ema_decay=0.5"),
)


def test_the_whole_is_made_smaller_as_preprocessing_does_and_the_middle_is_mirrored() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    shown = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    look = CloserLook(12, 20, weight=1.0)
    seen = Preprocessing(size=12, mode="rgb").fitted_pixels(Image.fromarray(pixels))
    assert np.abs(look.whole(shown)[0].permute(1, 2, 0).numpy() - seen).max() <= 1  # Pillow rounds
    for column in range(12):  # in a mirror
        assert torch.equal(look.middle(shown)[..., column], shown[:, :, 4:16, 15 - column])


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_features_of_a_larger_picture_are_those_of_both_looks(weight: float) -> None:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU())
    plain = PooledTower(features, 5, unit_sphere=True).eval()
    look = CloserLook(12, 20, weight)
    tower = PooledTower(features, 5, unit_sphere=True, closer=look).eval()
    pictures = torch.rand(4, 3, 20, 20)
    with torch.no_grad():
        whole, middle = plain(look.whole(pictures)), plain(look.middle(pictures))
        assert torch.allclose(tower(pictures), F.normalize(whole + weight * middle), atol=1e-6)
        small = torch.rand(2, 3, 12, 12)  # as in training
        assert torch.equal(tower(small), plain(small))


def test_a_finished_model_takes_pictures_as_large_as_its_middle_needs() -> None:
    recipe = load_recipe("photos", ["network.closer=0.6"])
    assert finished_preprocessing(recipe).size == 400
    tower = build_tower(recipe)
    assert isinstance(tower, PooledTower)
    assert tower.closer is not None
    assert (tower.closer.size, tower.closer.shown) == (240, 400)
    with pytest.raises(RecipeError, match="firstsight crowd"):
        load_recipe("photos", ["network.closer=0.6", "head.crowding=0.5"])


@pytest.fixture(scope="module")
def run(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looks") / "run"
    overrides = (
        *("data.train=omniglot:minimal1", "data.held_out_groups=1", "network.smoothing=0"),
        *SMALL,
    )
    return train("compact", out=folder, overrides=overrides, console=QUIET).folder


def test_the_same_weights_look_otherwise(run: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    answer = here("export", run / "model", "--to", changed, "--set", "network.smoothing=0.6")
    assert answer.code == 0, answer.err
    before, after = read_model_info(run / "model"), read_model_info(changed)
    assert before.recipe["network"]["smoothing"] == 0
    assert after.recipe["network"]["smoothing"] == 0.6
    assert after.fingerprint != before.fingerprint
    assert before.calibration is not None
    assert after.calibration is None  # distances are others
    # As smoothed by hand.
    pixels = np.zeros((1, 16, 16, 1), np.uint8) + 255
    pixels[0, 5, 7] = 55
    line = np.array([0.18, 0.64, 0.18])
    smoothed = np.full((16, 16), 255.0)
    smoothed[4:7, 6:9] -= 200 * line[:, None] * line
    by_hand = np.rint(smoothed).astype(np.uint8).reshape(1, 16, 16, 1)
    known = load(run / "model").embed_pixels(by_hand)
    np.testing.assert_allclose(load(changed).embed_pixels(pixels), known, atol=0.01)
    assert np.abs(load(run / "model").embed_pixels(pixels) - known).max() > 0.02
    # And back again.
    again = export(changed, tmp_path / "again", overrides=("network.smoothing=0",), console=QUIET)
    np.testing.assert_allclose(load(again).embed_pixels(by_hand), known, atol=1e-5)
    assert read_model_info(again).fingerprint == before.fingerprint


def test_what_was_learned_stays(run: Path, tmp_path: Path) -> None:
    model, to = run / "model", tmp_path / "to"
    for override in ("network.widths=[4]", "training.steps=9", "picture.size=32"):
        with pytest.raises(RecipeError, match=r"network\.smoothing, for"):
            export(model, to, overrides=(override,), console=QUIET)
    with pytest.raises(RecipeError, match="smoothing is 3"):
        export(model, to, overrides=("network.smoothing=3",), console=QUIET)
    with pytest.raises(UsageError, match="give the model folder, such as"):
        export(run, to, overrides=("network.smoothing=0.5",), console=QUIET)
    assert not to.exists()


def test_a_model_that_is_not_what_its_recipe_says_is_refused(run: Path, tmp_path: Path) -> None:
    other = train(
        "compact",
        out=tmp_path / "other",
        overrides=(
            *("data.train=omniglot:minimal1", "data.held_out_groups=1", "training.seed=7"),
            *("network.smoothing=0",),
            *SMALL,
        ),
        console=QUIET,
    )
    from firstsight.model.folder import read_onnx, read_tensors

    mixed = tmp_path / "mixed"
    write_model_folder(
        mixed,
        onnx=read_onnx(run / "model"),
        tensors=read_tensors(other.folder / "model"),
        info=read_model_info(run / "model"),
    )
    with pytest.raises(TrainingError, match="train it anew"):
        export(mixed, tmp_path / "to", overrides=("network.smoothing=0.5",), console=QUIET)


def test_landmarks_are_taken_anew(data_root: Path, tmp_path: Path) -> None:
    changed = tmp_path / "characters"
    export("characters", changed, overrides=("network.smoothing=0",), weights="none", console=QUIET)
    info = read_model_info(changed)
    assert info.head.kind == "crowded_cosine"
    assert info.embedding_size == 4 * 128 + 1
    assert json.loads((changed / "model.json").read_text())["recipe"]["head"]["crowding"] == 0.5


def test_a_photo_model_takes_a_closer_look_without_its_tensors(tmp_path: Path) -> None:
    closer = tmp_path / "closer"
    overrides = ("network.closer=0.8", "network.closer_weight=0.5")
    export("photos", closer, overrides=overrides, weights="none", half=True, console=QUIET)
    model = load(closer)
    assert model.info.preprocessing.size == 300
    pixels = np.random.default_rng(0).integers(0, 256, (1, 300, 300, 3), np.uint8)
    embedding = model.embed_pixels(pixels)
    assert embedding.shape == (1, 1952)
    assert np.isfinite(embedding).all()
    assert not (closer / "model.safetensors").exists()


def test_a_training_that_looks_closer_is_calibrated_and_its_pictures_are_known(
    tmp_path: Path,
) -> None:
    things = tmp_path / "things"
    for thing in range(24):
        (things / f"thing{thing}").mkdir(parents=True)
        for number in range(3):
            turned = drawing(thing).convert("RGB").resize((80, 80)).rotate(4 * number)
            turned.save(things / f"thing{thing}" / f"{number}.png")
    tables = {
        "name": "closer",
        "data": {"train": str(things), "held_out_classes": 0.5},
        "picture": {"size": 32, "mode": "rgb"},
        "network": {
            "kind": "squeezenet", "weights": "random", "n_layers": 4, "closer": 0.5,
        },
        "loss": {"kind": "cosface"},
        "batches": {"kind": "uniform", "size": 8},
        "training": {"steps": 1, "validate_every": 1, "precision": "f32"},
    }  # fmt: skip
    recipe = tmp_path / "closer.toml"
    recipe.write_text(_toml(tables))
    model = train(recipe, out=tmp_path / "run", console=QUIET).model
    info = read_model_info(model)
    assert info.preprocessing.size == 64
    assert info.calibration is not None
    opened = open_pictures(str(things), info.preprocessing)
    assert opened.fingerprint != info.data_fingerprint  # it saw them smaller
    assert only_unseen(info, opened, QUIET).n_classes == 12
    crossed = cross_validate(
        recipe, protocol="retrieval", out=tmp_path / "crossed", n_parts=2, console=QUIET
    )
    assert len(crossed.cards) > 1


def _toml(tables: dict[str, Any]) -> str:
    flat = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in flat.items()]
    for name, table in tables.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in table.items())]
    return "\n".join(lines)
