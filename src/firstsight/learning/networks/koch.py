"""The tower of Koch, Zemel and Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image
Recognition", section 3 and figure 4."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["KochTower"]


class KochTower(nn.Module):
    """Pictures (B, 1, 105, 105) to embeddings (B, 4096) in 0..1, exactly as published.

    With the weighted L1 head (4,096 weights and a bias) the whole network has 38,951,745
    parameters. Convolutions are valid, stride 1; pools are 2x2, stride 2.
    """

    picture_size = 105
    embedding_size = 4096

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, 10),  # (B, 64, 96, 96)
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # 48
            nn.Conv2d(64, 128, 7),  # 42
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # 21
            nn.Conv2d(128, 128, 4),  # 18
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # 9
            nn.Conv2d(128, 256, 4),  # 6
            nn.ReLU(inplace=True),
        )
        self.dense = nn.Linear(256 * 6 * 6, self.embedding_size)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Section 3.2: convolutions N(0, 0.01), dense N(0, 0.2), every bias N(0.5, 0.01)."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                deviation = 0.01 if isinstance(layer, nn.Conv2d) else 0.2
                nn.init.normal_(layer.weight, 0.0, deviation)
                assert layer.bias is not None
                nn.init.normal_(layer.bias, 0.5, 0.01)

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.sigmoid(self.dense(self.features(pictures).flatten(1)))
