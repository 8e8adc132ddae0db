"""Whitening learned from views of the same thing: what differs between them is made small.

The linear map that Mikolajczyk and Matas (2007, "Improving descriptors for fast tree matching by
optimal linear projection") and Radenović et al. (2019, "Fine-tuning CNN image retrieval with no
human annotation", section 4.2) take from pairs that match; here towards the identity as far as
`shrinkage` asks, so that few pictures do no harm.

Where the projection is narrower than the features, it takes their principal directions instead and
evens them out (Jégou and Chum 2012, "Negative evidences and co-occurences in image retrieval: the
benefit of PCA and whitening").
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import nn

from firstsight.data.packed import PackedPictures
from firstsight.errors import RecipeError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.augment.views import OtherViews
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.training.bank import normalise

__all__ = ["learned_whitening", "principal_whitening", "whiten"]

_BATCH = 16
# Beyond so many pictures the scatter hardly changes, and the work does.
_ENOUGH = 1000
_N_VIEWS = 2
_EVENED = 0.3  # see principal_whitening


@torch.no_grad()
def whiten(
    tower: PooledTower,
    pictures: PackedPictures,
    preprocessing: Preprocessing,
    *,
    seed: int = 0,
    console: Console | None = None,
) -> None:
    """Set the centre and the projection of a tower from pictures and other views of each.

    The tower must be centred; its finer features get nothing else. A projection narrower than the
    features needs no other views. Of more than 1,000 pictures so many are drawn. Where all pictures
    are of one class, or each of its own, classes are left out of it. console: of the progress bar.
    RecipeError where the projection is wider than the features.
    """
    assert tower.centre is not None
    assert isinstance(tower.project, nn.Linear)
    if tower.project.out_features > tower.project.in_features:
        raise RecipeError(
            f"network.projection is {tower.project.out_features}, but a whitened network has "
            f"{tower.project.in_features} features to give; lower it, or leave it out"
        )
    learning = tower.training
    tower.eval()
    # Drawn, so that those of a batch, which stand behind one another, are of several classes.
    taken = np.random.default_rng([seed, 9]).permutation(len(pictures))[:_ENOUGH]
    narrow = tower.project.out_features < tower.project.in_features
    n_views = 0 if narrow else _N_VIEWS
    features = []
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        vary = OtherViews(preprocessing.size, preprocessing.mean, preprocessing.deviation)
        starts = range(0, len(taken), _BATCH)
        for start in track(starts, "other views", console=console, transient=True):
            batch = _of_two(taken, start)
            seen = normalise(torch.from_numpy(np.array(pictures.pixels[batch])), preprocessing)
            views = [seen, *(vary(seen) for _ in range(n_views))]
            features.append(torch.stack([F.normalize(tower.pooled_features(v)) for v in views], 1))
    seen_so = torch.cat(features)[: len(taken)]  # (N, views, D)
    tower.centre.copy_(seen_so[:, 0].mean(0))
    tower.project.bias.zero_()
    tower.train(learning)
    if narrow:
        last = seen_so[:, 0, : tower.n_last].numpy()
        principal = principal_whitening(last, tower.project.out_features)
        tower.project.weight.copy_(torch.from_numpy(principal))
        return
    apart = F.normalize((seen_so - tower.centre)[:, :, : tower.n_last], dim=2)
    n_views = apart.shape[1]
    n_classes = len(np.unique(pictures.labels[taken]))
    whitening = learned_whitening(
        apart.flatten(0, 1).numpy(),
        np.repeat(np.arange(len(taken)), n_views),
        classes=np.repeat(pictures.labels[taken], n_views) if 1 < n_classes < len(taken) else None,
    )
    tower.project.weight.copy_(torch.from_numpy(whitening))


def _of_two(rows: NDArray[np.int64], start: int) -> NDArray[np.int64]:
    """A batch from `start` on; a single last row goes with the one before it, as a background."""
    batch = rows[start : start + _BATCH]
    return batch if len(batch) > 1 else np.append(batch, rows[start - 1])


def learned_whitening(
    views: NDArray[np.float32],
    of: NDArray[np.int64],
    *,
    classes: NDArray[np.int64] | None = None,
    class_share: float = 1.0,
    shrinkage: float = 10.0,
) -> NDArray[np.float64]:
    """The symmetric map (D, D) that shrinks directions in which views of one picture differ.

    views: embeddings (N, D). of: which picture each shows (N,).
    classes: of each (N,); what differs within a class is made small too, weighed `class_share`
        times as much as what differs within a picture.
    shrinkage: of the scatter, scaled to a mean variance of 1, towards the identity: with 0 all
        differences count alike afterwards; the larger, the less changes.
    Formula: (S + shrinkage I)^(-1/2), S the scatter within pictures and classes.
    """
    size = views.shape[1]
    scatter = _scatter(views, of)
    if classes is not None:
        scatter = scatter + class_share * _scatter(views, classes)
    scatter *= size / np.trace(scatter)
    variances, directions = np.linalg.eigh(scatter + shrinkage * np.eye(size))
    whitening: NDArray[np.float64] = (directions / np.sqrt(variances)) @ directions.T
    whitening *= np.sqrt(1 + shrinkage)  # about 1, on average
    return whitening


def principal_whitening(features: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """The map (size, D) to the first principal directions of features (N, D), from their mean.

    Each is divided by the root of its variance plus three tenths of the mean variance of all: large
    ones count less, and noise is not blown up. Features have a mean length of 1 afterwards. Fewer
    pictures than `size` + 1 have fewer directions; rows beyond these are zero.
    """
    apart = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    # By products of pictures: there may be many times more numbers than pictures.
    squares, mixtures = np.linalg.eigh(apart @ apart.T)
    kept = np.flatnonzero(squares > 1e-9 * squares[-1])[::-1]
    variances, mixtures = squares[kept] / len(apart), mixtures[:, kept]
    directions = (mixtures / np.sqrt(squares[kept])).T @ apart  # (K, D), each of length 1
    whitening = np.zeros((size, features.shape[1]))
    scales = 1 / np.sqrt(variances + _EVENED * variances.mean())
    n = min(size, len(kept))
    whitening[:n] = directions[:n] * scales[:n, None]
    whitening /= np.linalg.norm(apart @ whitening.T, axis=1).mean()
    return whitening


def _scatter(views: NDArray[np.float32], within: NDArray[np.int64]) -> NDArray[np.float64]:
    """(D, D): the covariance within groups, scaled to a trace of 1."""
    _, group = np.unique(within, return_inverse=True)
    sums = np.zeros((group.max() + 1, views.shape[1]))
    np.add.at(sums, group, views)
    apart = views - (sums / np.bincount(group)[:, None])[group]
    scatter: NDArray[np.float64] = apart.T @ apart
    trace = np.trace(scatter)
    return scatter / trace if trace > 0 else scatter
