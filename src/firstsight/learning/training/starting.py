"""What a training begins with instead of chance: the weights of a model folder.

A folder may have left its weights to train on out, as a shipped one does. Those of a network of
photographs are then read from what it recognises by, `model.onnx`, where batch norms are part of
the convolutions before them; the features of one of Hugging Face come from its publisher.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from firstsight.errors import CheckpointError, TrainingError
from firstsight.learning.networks.heads import HeadModule, WeightedL1Head
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import parse_recipe
from firstsight.learning.training.build import build_tower
from firstsight.learning.training.crowding import LANDMARKS
from firstsight.learning.training.export import constants_of
from firstsight.model.folder import (
    TENSORS,
    ModelInfo,
    read_model_info,
    read_onnx,
    read_tensors,
)
from firstsight.similarity import WeightedL1

__all__ = ["CREDITS", "Start"]

CREDITS = ("published", "weights_credit", "licence")  # whose weights a model began with


@dataclass(frozen=True)
class Start:
    """model: a model folder. fingerprint: which model it was when the training began, since
    another may lie there when it is resumed. credits: its own, as far as it has CREDITS.
    learned: which pictures it learned from, see data/learned.py; "" where nobody knows.
    making: what it learned from by name, as ModelInfo.made_by keeps it of a model begun with."""

    model: Path
    fingerprint: str
    credits: dict[str, str] = field(default_factory=dict)
    learned: str = ""
    making: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, model: Path) -> Start:
        """ModelFolderError where there is no model folder."""
        info = read_model_info(model)
        known = {key: info.made_by[key] for key in CREDITS if key in info.made_by}
        learned = info.made_by.get("learned", "")
        return cls(model.resolve(), info.fingerprint, known, learned, _making(info))

    def put_into(self, tower: nn.Module, head: HeadModule) -> None:
        """Give tower and head the model's weights.

        Raises ModelFolderError where the weights are left out or damaged, TrainingError where
        they are of another network, and CheckpointError where another model lies there by now.
        """
        info = read_model_info(self.model)
        if info.fingerprint != self.fingerprint:
            raise CheckpointError(
                f"the training began with the model {self.fingerprint[:12]}, but {self.model} "
                f"holds {info.fingerprint[:12]} now; restore it, or train anew"
            )
        if isinstance(tower, PooledTower) and not (self.model / TENSORS).exists():
            found = constants_of(read_onnx(self.model))
            if info.recipe["network"]["kind"] == "huggingface":
                self._fill(tower, _published(info) | _kept(tower, found))
            else:
                self._fill(tower, _unfolded(tower, found))
            return
        tensors = read_tensors(self.model)
        if isinstance(tower, PooledTower) and tower.centre is None:
            tensors.pop("centre", None)  # a published network may have been centred afterwards
        tensors.pop(LANDMARKS, None)  # they follow the network, and do not learn
        self._fill(tower, {name: torch.from_numpy(each) for name, each in tensors.items()})
        if isinstance(head, WeightedL1Head) and isinstance(info.head, WeightedL1):
            with torch.no_grad():
                head.logit.weight.copy_(torch.tensor(info.head.weights))
                head.logit.bias.fill_(info.head.bias)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": str(self.model),
            "fingerprint": self.fingerprint,
            "credits": self.credits,
            "learned": self.learned,
            "making": self.making,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Start:
        """KeyError or TypeError for anything that `to_json` would not have made."""
        return cls(
            Path(record["model"]),
            str(record["fingerprint"]),
            dict(record["credits"]),
            str(record.get("learned", "")),  # older runs lack both
            dict(record.get("making", {})),
        )

    def _fill(self, tower: nn.Module, tensors: dict[str, Tensor]) -> None:
        try:
            tower.load_state_dict(tensors)
        except RuntimeError as trouble:
            raise TrainingError(
                f"the weights of {self.model} are those of another network than the recipe's; "
                "leave the recipe's network as it was when the model was trained"
            ) from trouble


def _making(info: ModelInfo) -> dict[str, Any]:
    """What tells which pictures a model learned from, and those that it began with."""
    recipe, more = info.recipe, ("beside_fingerprint", "began_with")
    return {
        "name": info.name,
        "fingerprint": info.fingerprint,
        "data_fingerprint": info.data_fingerprint,
        "recipe": {key: recipe[key] for key in ("data", "picture") if key in recipe}
        | {
            table: {key: recipe[table][key]}
            for table, key in (("loss", "kind"), ("training", "seed"))
            if key in recipe.get(table, {})
        },
        **{key: info.made_by[key] for key in more if key in info.made_by},
    }


def _published(info: ModelInfo) -> dict[str, Tensor]:
    """The state of the tower that the model's recipe began with; TrainingError where the model's
    features have learned since."""
    if "published" not in info.made_by:
        raise TrainingError(
            f"{info.name} came without {TENSORS}, and its features are no longer those published; "
            f"take a model folder with {TENSORS}"
        )
    recipe = parse_recipe(info.recipe, origin="the model's recipe")
    return build_tower(recipe, as_started=True).state_dict()


def _kept(tower: PooledTower, found: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """What follows the features (a centre, a projection), which is the model's own."""
    return {
        name: torch.from_numpy(found[name])
        for name in tower.state_dict()
        if name in found and not name.startswith("features.")
    }


def _unfolded(tower: PooledTower, found: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """A state of `tower` that computes what the constants of its ONNX file do. A batch norm that is
    part of the convolution before it there does nothing but add that one's bias."""
    state = {name: torch.zeros_like(own) for name, own in tower.state_dict().items()}
    missing = []
    for name, layer in tower.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            state[f"{name}.weight"] += 1
            state[f"{name}.running_var"] += 1 - layer.eps
            before = f"{name.rpartition('.')[0]}.0.weight_bias"
            if before in found:
                state[f"{name}.bias"] = torch.from_numpy(found[before])
            elif f"{name}.weight" not in found:
                missing.append(f"{name}.weight")
    own = {name: torch.from_numpy(found[name]) for name in state if name in found}
    state |= own
    missing += [n for n in state if n.endswith("weight") and state[n].dim() > 1 and n not in own]
    if missing:
        raise TrainingError(
            f"the model's file holds no {missing[0]}; take a model folder with model.safetensors"
        )
    return state
