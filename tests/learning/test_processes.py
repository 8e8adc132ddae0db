"""A training shared by two processes is the training of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from safetensors.torch import load_file

from firstsight.app.training import train
from firstsight.data.glyphs import draw_alphabets
from firstsight.errors import RecipeError, TrainingError, UsageError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.training.processes import ONE, Processes
from firstsight.model.folder import read_tensors

from . import sharing

RECIPE = """
name = "shared"
[data]
train = "{pictures}"
held_out_classes = 0.3
[picture]
size = 32
mode = "rgb"
[network]
kind = "squeezenet"
weights = "random"
projection = 8
[loss]
kind = "cosface"
[batches]
kind = "uniform"
size = 8
[augment]
turns = 4
[optimiser]
kind = "sgd"
lr = 0.01
[training]
steps = 10
validate_every = 5
validation_trials = 40
precision = "f32"
"""


class Shared(NamedTuple):
    folder: Path
    recipe: Path
    printed: str


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What two gloo processes left behind."""
    folder = tmp_path_factory.mktemp("processes")
    drawn = draw_alphabets(
        Preprocessing(size=32), n_alphabets=1, n_characters=8, n_drawers=4, seed=2
    )
    for pixels, label, drawer in zip(drawn.pixels, drawn.labels, drawn.drawers, strict=True):
        place = folder / "pictures" / f"thing {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[:, :, 0]).save(place / f"{drawer}.png")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(pictures=folder / "pictures"))
    script = Path(sharing.__file__)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", script, folder, recipe),
        ],
        env={
            **os.environ, "FIRSTSIGHT_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Shared(folder, recipe, done.stdout)


@pytest.mark.parametrize("loss", sharing.LOSSES)
def test_gradients_of_two_processes_are_those_of_one_on_the_same_batch(
    loss: str, shared: Shared
) -> None:
    training = sharing.training_of(loss)
    alone = sharing.gradients(training, training)
    assert len(alone) > 50
    for rank in (0, 1):
        together = load_file(shared.folder / f"gradients-{rank}.safetensors")
        for name, gradient in alone.items():
            largest = gradient.abs().max().item()
            assert torch.allclose(together[f"{loss} {name}"], gradient, atol=1e-4 * largest), name


def test_two_processes_train_the_model_that_one_trains(shared: Shared, tmp_path: Path) -> None:
    alone = train(shared.recipe, out=tmp_path / "alone", console=Console(quiet=True))
    one, two = read_tensors(alone.model), read_tensors(shared.folder / "shared" / "model")
    assert one.keys() == two.keys()
    for name, expected in one.items():
        assert np.allclose(two[name], expected, atol=1e-5, rtol=1e-3), name


def test_only_the_first_process_speaks_and_writes(shared: Shared) -> None:
    told = json.loads(shared.printed)  # one answer, not two
    assert told["ended"] == "finished"
    assert told["step"] == 10
    assert (shared.folder / "shared" / "logs" / "csv" / "metrics.csv").exists()
    assert len(list((shared.folder / "shared" / "logs" / "tensorboard").glob("events.*"))) == 1


def test_shares_are_neighbouring_and_together_the_whole() -> None:
    rows = list(range(12))
    parts = [rows[Processes(count=3, on_this_machine=3, rank=rank).share(12)] for rank in range(3)]
    assert [row for part in parts for row in part] == rows
    assert rows[ONE.share(12)] == rows


def test_what_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    three = Processes(count=3, on_this_machine=3, rank=1)
    with pytest.raises(RecipeError, match="16 pictures cannot be shared evenly by 3 processes"):
        three.require_even(16)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainingError, match="3 processes here, but there are 2 GPUs"):
        three.for_trainer()
    for name, value in {
        "TORCHELASTIC_RUN_ID": "x",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(UsageError, match="name it with --out"):
        train("compact", console=Console(quiet=True))
