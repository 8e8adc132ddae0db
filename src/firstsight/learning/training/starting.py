"""What a training begins with instead of chance: the weights of a model folder.

A shipped folder leaves its weights to train on out; where they are published ones, they are taken
from their publisher.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from firstsight.errors import CheckpointError, TrainingError
from firstsight.learning.networks.heads import HeadModule, WeightedL1Head
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import parse_recipe
from firstsight.learning.training.build import build_tower
from firstsight.learning.training.crowding import LANDMARKS
from firstsight.learning.training.export import constants_of
from firstsight.model.folder import ModelInfo, read_model_info, read_onnx, read_tensors
from firstsight.similarity import WeightedL1

__all__ = ["Start"]


@dataclass(frozen=True)
class Start:
    """model: a model folder. fingerprint: which model it was when the training began, since
    another may lie there when it is resumed. published: the network whose published features the
    model has; they are taken from their publisher, and what follows them from the model.
    """

    model: Path
    fingerprint: str
    published: str | None = None

    @classmethod
    def at(cls, model: Path) -> Start:
        """ModelFolderError where there is no model folder."""
        info = read_model_info(model)
        return cls(model.resolve(), info.fingerprint, info.made_by.get("published"))

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
        if self.published is not None:
            self._publish_into(tower, info)
            return
        tensors = read_tensors(self.model)
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
            "published": self.published,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Start:
        """KeyError or TypeError for anything that `to_json` would not have made."""
        return cls(Path(record["model"]), str(record["fingerprint"]), record["published"])

    def _publish_into(self, tower: nn.Module, info: ModelInfo) -> None:
        source = build_tower(
            parse_recipe(info.recipe, origin="the model's recipe"), as_started=True
        )
        assert isinstance(tower, PooledTower)
        assert isinstance(source, PooledTower)
        tower.features.load_state_dict(source.features.state_dict())
        # What follows the features (a centre, a projection) is the model's own.
        found = constants_of(read_onnx(self.model))
        rest = {
            name: torch.from_numpy(found[name]) if name in found else torch.zeros_like(own)
            for name, own in tower.state_dict().items()
            if not name.startswith("features.") and (name in found or name.endswith(".bias"))
        }
        self._fill(tower, tower.state_dict() | rest)

    def _fill(self, tower: nn.Module, tensors: dict[str, Tensor]) -> None:
        try:
            tower.load_state_dict(tensors)
        except RuntimeError as trouble:
            raise TrainingError(
                f"the weights of {self.model} are those of another network than the recipe's; "
                "leave the recipe's network as it was when the model was trained"
            ) from trouble
