"""Watching a training by one-shot trials on classes it does not train on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from firstsight.data.packed import PackedPictures
from firstsight.evaluation.episodes import score
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.training.bank import normalise
from firstsight.sampling.episodes import EpisodePlan, Episodes, draw_episodes

__all__ = ["OneShotValidation", "batch_within", "embed_all"]

# Feature maps of a million pixels take some hundred megabytes in the networks here.
_MOST_PIXELS = 2**20


@dataclass(frozen=True)
class OneShotValidation:
    """The same trials at every look, so that looks can be compared."""

    pictures: PackedPictures
    preprocessing: Preprocessing
    episodes: Episodes

    @classmethod
    def plan(
        cls, pictures: PackedPictures, preprocessing: Preprocessing, *, n_trials: int, seed: int
    ) -> OneShotValidation:
        """Up to 20-way trials, inside one group where the groups are large enough."""
        in_largest = int(np.bincount(pictures.class_groups).max())
        within = in_largest >= min(20, pictures.n_classes)
        n_way = min(20, pictures.n_classes)
        plan = EpisodePlan(
            n_way=n_way, n_tasks=n_trials, within_group=within, distinct_drawers=False
        )
        rng = np.random.default_rng([seed, 20])
        episodes = draw_episodes(pictures.labels, pictures.groups, pictures.drawers, plan, rng)
        return cls(pictures, preprocessing, episodes)

    def accuracy(self, tower: nn.Module, head: HeadModule, device: torch.device) -> float:
        """Share of trials answered rightly, 0..1."""
        embeddings = embed_all(tower, self.pictures, self.preprocessing, device)
        if not torch.isfinite(embeddings).all():
            return float("nan")
        return float(score(self.episodes, embeddings.numpy(), head.frozen()).mean())


@torch.no_grad()
def embed_all(
    tower: nn.Module,
    pictures: PackedPictures,
    preprocessing: Preprocessing,
    device: torch.device,
) -> Tensor:
    """(N, D) float32 on the CPU; `tower` must be in evaluation mode."""
    chunks = []
    batch_size = batch_within(preprocessing)
    for start in range(0, len(pictures), batch_size):
        pixels = torch.from_numpy(np.array(pictures.pixels[start : start + batch_size])).to(device)
        chunks.append(tower(normalise(pixels, preprocessing)).float().cpu())
    return torch.cat(chunks)


def batch_within(preprocessing: Preprocessing) -> int:
    """How many pictures to embed at once, 1..256, so that memory stays bounded."""
    return max(1, min(256, _MOST_PIXELS // preprocessing.size**2))
