"""Run by torchrun in two processes: gradients of each loss, then a whole training by the command.

python -m torch.distributed.run ... sharing.py FOLDER RECIPE

Writes FOLDER/gradients-RANK.safetensors and the run FOLDER/shared.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from firstsight.data.glyphs import draw_alphabets
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_batches
from firstsight.learning.training.module import TwinTraining

CLASSES = {"kind": "classes", "n_classes": 4, "n_pictures": 2}
# A tower without batch statistics, and distortions that are drawn anew for every picture.
LOSSES: dict[str, dict[str, Any]] = {
    "pairs": {
        "loss": {"kind": "cross_entropy_on_pairs"},
        "head": {"kind": "weighted_l1"},
        "batches": {"kind": "pairs", "n_pairs": 4},
    },
    "triplet": {"loss": {"kind": "triplet", "mining": "all"}, "batches": CLASSES},
    "cosface": {"loss": {"kind": "cosface"}, "batches": {"kind": "uniform", "size": 8}},
    "memory": {"loss": {"kind": "multi_similarity", "memory": 20}, "batches": CLASSES},
    "prototypical": {
        "loss": {"kind": "prototypical"},
        "head": {"kind": "euclidean"},
        "batches": {"kind": "episodes", "n_way": 4, "k_shot": 1, "n_query": 1},
    },
}


def recipe_of(loss: str) -> Recipe:
    return parse_recipe(
        {
            "name": loss,
            "data": {"train": "glyphs"},
            "picture": {"size": 32, "mode": "rgb", "invert": True},
            "network": {"kind": "squeezenet", "weights": "random", "projection": 8},
            "augment": {
                "mirror": True, "thickness_px": 0.5, "affine": {"rotation_deg": 10, "elastic": 0.02}
            },
            "training": {"precision": "f32"},
            **LOSSES[loss],
        },
        origin="test recipe",
    )  # fmt: skip


def training_of(loss: str) -> TwinTraining:
    recipe = recipe_of(loss)
    seen = Preprocessing(size=32, mode="rgb", invert=True)
    pictures = draw_alphabets(seen, n_alphabets=1, n_characters=5, n_drawers=4, seed=1)
    bank = PictureBank(pictures, seen, 1)
    return TwinTraining(recipe, bank, build_batches(recipe, bank.classes), None)


def gradients(training: TwinTraining, stepper: torch.nn.Module) -> dict[str, Tensor]:
    """After two batches, so that a memory has something to remember."""
    for step in (0, 1):
        training.zero_grad()
        loss, _ = stepper(step)
        loss.backward()
    found = {
        name: weight.grad.contiguous()
        for name, weight in training.named_parameters()
        if weight.grad is not None
    }
    return {"loss": loss.detach()} | found


def main(folder: Path, recipe: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    found: dict[str, Tensor] = {}
    for loss in LOSSES:
        training = training_of(loss)
        shared = DistributedDataParallel(training)
        found |= {f"{loss} {name}": g for name, g in gradients(training, shared).items()}
    save_file(found, folder / f"gradients-{os.environ['RANK']}.safetensors")

    from firstsight.app.cli.main import run

    sys.argv = ["firstsight", "train", recipe, "--out", str(folder / "shared"), "--json"]
    run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
