"""Where every picture shows one of the enrolled things: closed-set identification.

Nobody is a stranger then, so no distance is too far, and the question is only which thing it is.
With every thing as likely beforehand, and distances that are independent of one another, Bayes
gives a thing at distance d a share of exp(-sharpness * d): the sharpness is by how much a unit of
distance lowers the log odds of "the same". What a gallery of any size makes of a picture follows
without trials at that size, and look-alikes share what is near to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from firstsight.deciding.decide import SURE, Decision
from firstsight.deciding.trials import Float64
from firstsight.errors import UsageError

__all__ = ["COMPARED", "Posed", "decide_closed_set", "fit_sharpness", "share_of_nearest"]

COMPARED = 100  # nearest things that are told apart; all beyond count as if as near as the last
LOWEST, HIGHEST, N_TRIED = 0.03, 300.0, 97  # sharpness, times the spread of distances


@dataclass(frozen=True, eq=False)
class Posed:
    """n questions about enrolled things. own: (n,) finite, the distance to the right thing.
    others: (n, K) those of the nearest other things, ascending; n_beyond: how many more there are.
    weight: (n,) > 0.
    """

    own: Float64
    others: Float64
    n_beyond: int
    weight: Float64


def share_of_nearest(distances: Sequence[float], n_things: int, sharpness: float) -> float:
    """P(the nearest thing is the right one | one of them is), in 0..1.

    distances: those of the nearest things, ascending, the first finite; n_things: in all, those
    beyond the last counting as near as it is, which errs to the safe side.
    """
    gaps = np.asarray(distances, np.float64) - distances[0]
    return float(np.exp(-_log_total(gaps[None, 1:], n_things - len(gaps), sharpness)[0]))


def decide_closed_set(
    distances: Sequence[float], n_things: int, sharpness: float | None, *, sure: float = SURE
) -> Decision:
    """known: the nearest thing, at a probability of `sure` or more; unsure: below, or where there
    is no sharpness to go by. Never unknown, but where no distance could be measured.

    distances, n_things: as in `share_of_nearest`. Raises UsageError where they do not rise.
    """
    if any(later < former for former, later in pairwise(distances)):
        raise UsageError(f"the distances {list(distances[:5])} do not rise; give the nearest first")
    if not np.isfinite(distances[0]):
        return Decision("unknown", 0.0, None, None, "no distance could be measured")
    has_rival = len(distances) > 1 and np.isfinite(distances[1])
    margin = distances[1] - distances[0] if has_rival else None
    if sharpness is None:
        return Decision("unsure", None, None, margin, "nothing tells how likely the name is right")
    probability = share_of_nearest(distances, n_things, sharpness)
    if probability < sure:
        reason = f"the name is right with a probability below {100 * sure:.3g} %"
        return Decision("unsure", probability, None, margin, reason)
    return Decision("known", probability, None, margin)


def fit_sharpness(posed: Posed) -> float:
    """Of the least weighted cross-entropy of the right thing's share, from a grid of steps of a
    tenth; 0 where all distances are one.

    The share that is aimed at is smoothed as Platt's (1999), so that things which are always told
    apart do not make it infinite.
    """
    distances = np.concatenate([posed.own, posed.others.ravel()])
    spread = float(distances[np.isfinite(distances)].std())
    if not spread > 0:
        return 0.0
    n = float(posed.weight.sum())
    aim = (n + 1) / (n + 2)
    gaps = posed.others - posed.own[:, None]

    def loss(sharpness: float) -> float:
        total = _log_total(gaps, posed.n_beyond, sharpness)
        rest = np.maximum(-np.expm1(-total), np.finfo(np.float64).tiny)  # 1 - share
        return float(posed.weight @ (aim * total - (1 - aim) * np.log(rest)))

    tried = np.geomspace(LOWEST, HIGHEST, N_TRIED) / spread
    return float(min(tried, key=loss))


def _log_total(gaps: Float64, n_beyond: int, sharpness: float) -> Float64:
    """(n,) log of the sum of all things' exp(-sharpness * gap), the thing in question having 1.

    gaps: (n, K) of the others, ascending, finite or inf; those beyond count as the last.
    """
    logs = np.concatenate([np.zeros((len(gaps), 1)), -sharpness * gaps], axis=1)
    if n_beyond > 0:
        logs = np.concatenate([logs, logs[:, -1:] + np.log(n_beyond)], axis=1)
    total: Float64 = np.logaddexp.reduce(logs, axis=1)
    return total
