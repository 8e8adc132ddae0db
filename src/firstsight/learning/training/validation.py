"""Watching a training on classes it does not train on: by one-shot trials, or all their pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError
from firstsight.evaluation.episodes import score
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.training.bank import normalise, pixels_of
from firstsight.metrics.roc import equal_error_rate
from firstsight.sampling.episodes import EpisodePlan, Episodes, draw_episodes

__all__ = [
    "OneShotValidation",
    "PairValidation",
    "Validation",
    "ViewValidation",
    "batch_within",
    "embed_all",
]

# Feature maps of a million pixels take some hundred megabytes in the networks here.
_MOST_PIXELS = 2**20
_MOST_VIEWS = 500


class Validation(Protocol):
    """told: what the figure is called."""

    told: ClassVar[str]

    def accuracy(self, tower: nn.Module, head: HeadModule, device: torch.device) -> float:
        """A figure in 0..1, the higher the better; NaN where embeddings are no numbers."""


@dataclass(frozen=True)
class OneShotValidation:
    """The same trials at every look, so that looks can be compared."""

    told: ClassVar[str] = "one-shot accuracy"

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


@dataclass(frozen=True)
class PairValidation:
    """Every two pictures, the same or not. One-shot trials among few classes are soon all right,
    and tell no more; where the two sides of pairs meet still does."""

    pictures: PackedPictures
    preprocessing: Preprocessing

    told: ClassVar[str] = "pairs told apart"

    @classmethod
    def plan(cls, pictures: PackedPictures, preprocessing: Preprocessing) -> PairValidation:
        """DataError where there are no pairs of two classes."""
        if pictures.n_classes < 2:
            raise DataError(
                f"pairs of {pictures.n_classes} held-out class are all the same; hold out two or "
                'more (data.held_out_classes), or set training.watch to "one_shot"'
            )
        return cls(pictures, preprocessing)

    def accuracy(self, tower: nn.Module, head: HeadModule, device: torch.device) -> float:
        """1 - equal error rate."""
        embeddings = embed_all(tower, self.pictures, self.preprocessing, device)
        if not torch.isfinite(embeddings).all():
            return float("nan")
        first, second = np.triu_indices(len(embeddings), 1)
        distances = head.frozen().distance(embeddings.numpy(), embeddings.numpy())[first, second]
        same = self.pictures.labels[first] == self.pictures.labels[second]
        return 1 - equal_error_rate(distances[same], distances[~same])


@dataclass(frozen=True)
class ViewValidation:
    """One other view of each picture: is the picture itself the nearest of all? The same views at
    every look."""

    told: ClassVar[str] = "pictures found from another view"

    pictures: PackedPictures
    views: PackedPictures
    preprocessing: Preprocessing

    @classmethod
    def plan(
        cls, pictures: PackedPictures, preprocessing: Preprocessing, *, seed: int
    ) -> ViewValidation:
        """Of more than 500 pictures so many are drawn."""
        # kornia takes half a second to import; drawings do without it.
        from firstsight.learning.augment.views import OtherViews

        rng = np.random.default_rng([seed, 21])
        chosen = np.zeros(len(pictures), np.bool_)
        chosen[rng.permutation(len(pictures))[:_MOST_VIEWS]] = True
        pictures = pictures.select(chosen)
        mean, deviation = preprocessing.mean, preprocessing.deviation
        vary = OtherViews(preprocessing.size, mean, deviation, in_the_wild=True)
        shown = []
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            for some in np.array_split(np.arange(len(pictures)), -(-len(pictures) // 32)):
                # Two at least, which are backgrounds to each other.
                some = some if len(some) > 1 else np.resize(some, 2)
                seen = normalise(torch.from_numpy(np.array(pictures.pixels[some])), preprocessing)
                shown.append(pixels_of(vary(seen), preprocessing))
        pixels = np.concatenate(shown)[: len(pictures)]
        return cls(pictures, replace(pictures, pixels=pixels), preprocessing)

    def accuracy(self, tower: nn.Module, head: HeadModule, device: torch.device) -> float:
        """Share of pictures found, 0..1; chance is one in so many as there are."""
        known, asked = (
            embed_all(tower, shown, self.preprocessing, device)
            for shown in (self.pictures, self.views)
        )
        if not (torch.isfinite(known).all() and torch.isfinite(asked).all()):
            return float("nan")
        nearest = head.frozen().distance(asked.numpy(), known.numpy()).argmin(1)
        return float((nearest == np.arange(len(nearest))).mean())


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
