"""What a training begins with instead of chance: the weights of a model folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from firstsight.errors import CheckpointError, TrainingError
from firstsight.learning.networks.heads import HeadModule, WeightedL1Head
from firstsight.model.folder import read_model_info, read_tensors
from firstsight.similarity import WeightedL1

__all__ = ["Start"]


@dataclass(frozen=True)
class Start:
    """model: a model folder that holds its weights to train on. fingerprint: which model it was
    when the training began, since another may lie there when it is resumed.
    """

    model: Path
    fingerprint: str

    @classmethod
    def at(cls, model: Path) -> Start:
        """ModelFolderError where there is no model folder."""
        return cls(model.resolve(), read_model_info(model).fingerprint)

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
        tensors = read_tensors(self.model)
        try:
            tower.load_state_dict({name: torch.from_numpy(each) for name, each in tensors.items()})
        except RuntimeError as trouble:
            raise TrainingError(
                f"the weights of {self.model} are those of another network than the recipe's; "
                "leave the recipe's network as it was when the model was trained"
            ) from trouble
        if isinstance(head, WeightedL1Head) and isinstance(info.head, WeightedL1):
            with torch.no_grad():
                head.logit.weight.copy_(torch.tensor(info.head.weights))
                head.logit.bias.fill_(info.head.bias)

    def to_json(self) -> dict[str, Any]:
        return {"model": str(self.model), "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Start:
        """KeyError or TypeError for anything that `to_json` would not have made."""
        return cls(Path(record["model"]), str(record["fingerprint"]))
