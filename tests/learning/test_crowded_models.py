"""Models that bring landmarks: after a training, by command, exported, tuned."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from firstsight.app.crowding import crowd, crowd_alike
from firstsight.app.exporting import export
from firstsight.app.training import train
from firstsight.errors import DataError, ModelFolderError, UsageError
from firstsight.learning.training.crowding import landmarks_in
from firstsight.model.embedder import load
from firstsight.model.folder import read_model_info, read_onnx, read_tensors
from tests.command import here
from tests.drawings import drawing

SMALL = (
    *("picture.size=16", "network.stem=4", "network.widths=[8]", "network.blocks=[1]"),
    *("network.embedding_size=8", "batches.size=16"),
    *("training.steps=2", "training.validate_every=2", "training.ema_decay=0.5"),
)
QUIET = Console(file=io.StringIO())


@pytest.fixture(scope="module")
def run(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained without one of five alphabets."""
    folder = tmp_path_factory.mktemp("crowded") / "run"
    overrides = ("data.train='omniglot:minimal1'", "data.held_out_groups=1", *SMALL)
    return train("compact", out=folder, overrides=overrides, console=QUIET).folder


def landmarks_of(model: Path) -> np.ndarray:
    found = landmarks_in(read_onnx(model))
    assert found is not None
    return found[0]


def test_a_training_leaves_the_centres_of_what_it_learned_from(run: Path) -> None:
    info = read_model_info(run / "model")
    landmarks = landmarks_of(run / "model")
    assert info.head.kind == "crowded_cosine"
    assert info.embedding_size == 4 * 8 + 1
    assert info.recipe["head"]["crowding"] == 0.5
    assert info.calibration is not None
    assert 50 <= len(landmarks) < 136  # characters of four alphabets of five
    kept = read_tensors(run / "model")["landmarks"]
    np.testing.assert_allclose(kept, 0.5 * landmarks, atol=1e-3)


def test_an_export_has_them_too_and_tells_the_same_crowding(run: Path, tmp_path: Path) -> None:
    again = export(run, tmp_path / "again", console=QUIET)
    half = export(again, tmp_path / "half", half=True)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), np.uint8)
    before, after, rounded = (
        load(each).embed_pixels(pictures) for each in (run / "model", again, half)
    )
    np.testing.assert_array_equal(before, after)
    np.testing.assert_allclose(before, rounded, atol=1e-2)
    assert read_model_info(again).fingerprint == read_model_info(run / "model").fingerprint


def test_other_landmarks_make_another_model(run: Path, tmp_path: Path) -> None:
    other = crowd(run / "model", "omniglot:minimal2", share=1, to=tmp_path / "other", console=QUIET)
    before, after = read_model_info(run / "model"), read_model_info(other)
    assert after.fingerprint != before.fingerprint
    assert after.calibration is None
    assert after.embedding_size == before.embedding_size
    assert len(landmarks_of(other)) == 156
    shutil.copytree(run / "model", tmp_path / "tuned")
    crowd_alike(tmp_path / "tuned", other)
    np.testing.assert_array_equal(landmarks_of(tmp_path / "tuned"), landmarks_of(other))


def test_pictures_without_names_will_do(run: Path, tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    for number in range(52):
        drawing(number).save(tmp_path / "flat" / f"{number}.png")
    to = tmp_path / "model"
    answer = here("crowd", run / "model", "--data", tmp_path / "flat", "--to", to)
    assert answer.code == 0
    assert f"firstsight calibrate {to}" in answer.out
    assert len(landmarks_of(to)) == 52


def test_what_cannot_serve_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="classes, too few to tell what is crowded; give at least 50"
    ):
        crowd(run / "model", "digits", to=tmp_path / "few", console=QUIET)
    with pytest.raises(UsageError, match="the share is 0; give one above 0"):
        crowd(run / "model", "omniglot:minimal2", share=0, console=QUIET)
    with pytest.raises(ModelFolderError, match="came with firstsight and stays as it is"):
        crowd("characters", "omniglot:minimal2", console=QUIET)
    small = [each for each in SMALL if not each.startswith("batches")]
    changes = (
        "head.kind='euclidean'",
        "data.train='omniglot:minimal1'",
        "data.held_out_groups=0",
        *small,
    )
    plain = train("compact-triplet", out=tmp_path / "run", overrides=changes, console=QUIET).model
    with pytest.raises(ModelFolderError, match="compares by euclidean, and only a model that"):
        crowd(plain, "omniglot:minimal2", console=QUIET)


def test_of_few_classes_a_training_makes_no_landmarks(tmp_path: Path) -> None:
    overrides = ("data.train='digits'", "data.held_out_classes=0.2", *SMALL)
    model = train("compact", out=tmp_path / "run", overrides=overrides, console=QUIET).model
    assert read_model_info(model).head.kind == "cosine"
    assert json.loads((model / "model.json").read_text())["embedding_size"] == 32
