"""Bayes: which share each enrolled thing has in what a picture may show.

With every thing as likely beforehand, and distances that are independent of one another, a thing
at distance d has a share in proportion to exp(-sharpness * d): the sharpness is by how much a unit
of distance lowers the log odds of "the same". What a gallery of any size makes of a picture
follows without trials at that size, and look-alikes share what is near to both. Where the picture
may be a stranger's, strangers are as likely as all things together, and weigh by the offset: the
log odds of "the same" at distance 0, at even odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from firstsight.deciding.trials import Float64

__all__ = ["COMPARED", "Posed", "fit_sharpness", "join_posed", "offset_of", "share_of_nearest"]

COMPARED = 100  # nearest things that are told apart; all beyond count if as near as the last
LOWEST, HIGHEST, N_TRIED = 0.03, 300.0, 97  # sharpness, times the spread of distances
N_CLOSER = 21  # sharpnesses around the best of those
PRIOR_THINGS = 3.0  # what the model's own sharpness counts for
PRIOR_PAIRS = 10.0  # of things, and its offset


@dataclass(frozen=True, eq=False)
class Posed:
    """n questions about enrolled things. own: (n,) finite, the distance to the right thing.
    others: (n, K) those of the nearest other things, ascending; inf where there are fewer.
    n_beyond: (n,) how many more there are. weight: (n,) > 0.
    """

    own: Float64
    others: Float64
    n_beyond: Float64
    weight: Float64


def join_posed(first: Posed, second: Posed) -> Posed:
    width = max(first.others.shape[1], second.others.shape[1])
    others = [
        np.pad(part.others, ((0, 0), (0, width - part.others.shape[1])), constant_values=np.inf)
        for part in (first, second)
    ]
    return Posed(
        np.concatenate([first.own, second.own]),
        np.concatenate(others),
        np.concatenate([first.n_beyond, second.n_beyond]),
        np.concatenate([first.weight, second.weight]),
    )


def share_of_nearest(
    distances: Sequence[float], n_things: int, sharpness: float, *, offset: float | None = None
) -> float:
    """P(the nearest thing is the right one), in 0..1.

    distances: those of the nearest things, ascending, the first finite; n_things: in all, those
    beyond the last counting as near as it is, which errs to the safe side. offset: of the odds
    that it is one of them at all; None where it certainly is.
    """
    gaps = np.asarray(distances, np.float64)[None, 1:] - distances[0]
    total = _log_total(gaps, np.array([n_things - len(distances)], np.float64), sharpness)[0]
    if offset is not None:  # strangers weigh as much as all things would at even odds
        total = np.logaddexp(total, np.log(n_things) - offset + sharpness * distances[0])
    return float(np.exp(-total))


def fit_sharpness(posed: Posed, model: float | None) -> float:
    """Of the least weighted cross-entropy of the right thing's share, to a hundredth; 0 where all
    distances are one and no model says more.

    model: its own sharpness > 0, which counts for PRIOR_THINGS. Without it the share that is aimed
    at is smoothed as Platt's (1999): things that are always told apart do not make it infinite.
    """
    distances = np.concatenate([posed.own, posed.others.ravel()])
    spread = float(distances[np.isfinite(distances)].std()) if len(posed.own) else 0.0
    if not spread > 0:
        return 0.0 if model is None else model
    n = len(posed.own)
    aim = (n + 1) / (n + 2) if model is None else 1.0
    gaps = posed.others - posed.own[:, None]

    def loss(sharpness: float) -> float:
        total = _log_total(gaps, posed.n_beyond, sharpness)
        rest = np.maximum(-np.expm1(-total), np.finfo(np.float64).tiny)  # 1 - share
        prior = 0.0 if model is None else PRIOR_THINGS * float(np.log(sharpness / model)) ** 2
        return float(posed.weight @ (aim * total - (1 - aim) * np.log(rest))) + prior

    tried = np.geomspace(LOWEST, HIGHEST, N_TRIED) / spread
    about = min(tried if model is None else [model, *tried], key=loss)
    return float(min(about * np.linspace(0.9, 1.1, N_CLOSER), key=loss))


def offset_of(between: Float64, weight: Float64, sharpness: float, model: float) -> float:
    """The offset at which pictures of strangers find odds of one on average: no evidence.

    between: (n,) distances of pictures to things that they do not show; weight: (n,) > 0, pairs
    that each counts for. model: its own offset, which counts for PRIOR_PAIRS; so things
    nearer to each other than the model's lower the odds, and farther ones hardly raise them.
    """
    odds = np.append(-sharpness * between + np.log(weight), np.log(PRIOR_PAIRS) - model)
    return float(np.log(weight.sum() + PRIOR_PAIRS) - np.logaddexp.reduce(odds))


def _log_total(gaps: Float64, n_beyond: Float64, sharpness: float) -> Float64:
    """(n,) log of the sum of all things' exp(-sharpness * gap), the thing in question having 1.

    gaps: (n, K) of the others, ascending, finite or inf; n_beyond: (n,) more count as the last.
    """
    near = np.isfinite(gaps)
    logs = np.where(near, -sharpness * np.where(near, gaps, 0.0), -np.inf)
    own = np.zeros((len(gaps), 1))
    with np.errstate(divide="ignore"):
        last = logs[:, -1:] if logs.shape[1] else own
        beyond = last + np.log(n_beyond)[:, None]
    total: Float64 = np.logaddexp.reduce(np.concatenate([own, logs, beyond], axis=1), axis=1)
    return total
