"""A tower from an image classifier: its features, pooled over the picture."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from firstsight.learning.networks.looks import CloserLook
from firstsight.learning.networks.pooling import Pooling

__all__ = ["Finer", "PooledTower"]


class Finer(NamedTuple):
    """Which layer of the features expands maps to so many channels, and their length once pooled
    beside the last features' 1."""

    layer: int
    n_channels: int
    length: float


class PooledTower(nn.Module):
    """Pictures (B, 3, S, S) to embeddings (B, D).

    features: layer upon layer, from pictures to feature maps (B, n_channels, h, w).
    projection: D; None gives the pooled features themselves, D = n_channels, and otherwise a
        linear layer with a bias follows.
    unit_sphere: embeddings have length 1.
    n_frozen: the first so many layers of `features` do not learn; None: none of them does.
    centred: take `centre` off the pooled features, brought to length 1; it is zero until it is
        set. Features of photographs all point into one corner: seen from their mean, angles
        between them tell more.
    whitened: centred, with a projection (as wide as the features, and the identity at first, where
        it is None) that a whitening learned from pictures fills (see training/whitening.py).
    power, window, grid: how features are pooled (see Pooling); by default averaged. Each part of a
        grid has n_channels numbers.
    mirrored: features are those of the picture and of its mirror image together, each at length 1.
    finer: what an earlier layer expands its maps to is pooled too, and joined to the last features
        (these at length 1) with its own length: what tells single things of a kind apart. Such
        features are centred, but pass by the projection, and D grows by their number.
    closer: where pictures come larger than the network was made for, how to look at them (see
        CloserLook); the whole counts 1 in the features, and the middle its weight.
    keep_statistics: batch norms use the statistics they came with, in training too. Batches of a
        training are small and of few classes; what was measured on ImageNet serves better.
    """

    def __init__(
        self,
        features: nn.Sequential,
        n_channels: int,
        *,
        projection: int | None = None,
        unit_sphere: bool = False,
        n_frozen: int | None = 0,
        centred: bool = False,
        whitened: bool = False,
        power: float = 1.0,
        window: float | None = None,
        grid: int = 1,
        mirrored: bool = False,
        finer: Finer | None = None,
        closer: CloserLook | None = None,
        keep_statistics: bool = False,
    ) -> None:
        super().__init__()
        self.features = features
        self.pool = Pooling(power, window, grid)
        self.mirrored = mirrored
        self.finer = finer
        self.closer = closer
        self.n_last = n_channels = n_channels * grid * grid
        self.n_channels = n_channels + (0 if finer is None else finer.n_channels * grid * grid)
        self.centre: Tensor | None
        self.whitened = whitened
        projection = projection or n_channels if whitened else projection
        centre = torch.zeros(self.n_channels) if centred or whitened else None
        self.register_buffer("centre", centre)
        self.project = nn.Identity() if projection is None else nn.Linear(n_channels, projection)
        if whitened and projection == n_channels and isinstance(self.project, nn.Linear):
            # Nothing is learned yet: features as they are.
            nn.init.eye_(self.project.weight)
            nn.init.zeros_(self.project.bias)
        self.unit_sphere = unit_sphere
        self._keep_statistics = keep_statistics
        features[:n_frozen].requires_grad_(False)
        self.train()  # as it goes on, whoever built the features and in whatever mode

    def train(self, mode: bool = True) -> PooledTower:
        super().train(mode)
        if self._keep_statistics:
            for layer in self.features.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
        return self

    @property
    def features_are_frozen(self) -> bool:
        """Whether training leaves the features of a picture as they are."""
        counting = any(isinstance(layer, nn.BatchNorm2d) for layer in self.features.modules())
        learning = any(weight.requires_grad for weight in self.features.parameters())
        return not learning and (self._keep_statistics or not counting)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.embed_features(self.pooled_features(pictures))

    def pooled_features(self, pictures: Tensor) -> Tensor:
        """(B, 3, S, S) to (B, n_channels)."""
        if self.closer is None or pictures.shape[2] != self.closer.shown:
            return self._mirrored_or_not(pictures)
        if not self.closer.weight:
            return self._mirrored_or_not(self.closer.whole(pictures))
        looks = torch.cat([self.closer.whole(pictures), self.closer.middle(pictures)])
        # The batch's size must stay free in the exported graph, so it is not named here.
        features = F.normalize(self._mirrored_or_not(looks)).reshape(2, -1, self.n_channels)
        return features[0] + self.closer.weight * features[1]

    def _mirrored_or_not(self, pictures: Tensor) -> Tensor:
        pooled = self._pooled(pictures)
        if self.mirrored:
            pooled = F.normalize(pooled) + F.normalize(self._pooled(pictures.flip(3)))
        return pooled

    def _pooled(self, pictures: Tensor) -> Tensor:
        if self.finer is None:
            return self.pool(self.features(pictures))  # type: ignore[no-any-return]
        before = self.features[: self.finer.layer](pictures)
        expand = self.features[self.finer.layer].get_submodule("expand")
        last = F.normalize(self.pool(self.features[self.finer.layer :](before)))
        return torch.cat([last, self.finer.length * F.normalize(self.pool(expand(before)))], 1)

    def embed_features(self, pooled: Tensor) -> Tensor:
        """(B, n_channels) to (B, D)."""
        if self.centre is not None:
            pooled = F.normalize(pooled) - self.centre
        embeddings: Tensor = self.project(pooled[:, : self.n_last])
        if self.finer is not None:
            embeddings = torch.cat([embeddings, pooled[:, self.n_last :]], 1)
        return F.normalize(embeddings) if self.unit_sphere else embeddings
