"""One thing under two names: seen past, where a gallery's own things are tried as strangers.

A photo that was saved again under another name is nearer to its twin than anything else is to
anything. That says nothing about the other things, and must not move their threshold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from firstsight.deciding.trials import Trials

__all__ = ["past_copies"]

FEW = 4  # at most one pair for so many things, or one
OUTSTANDING = 0.5  # of the distance of the next nearest pair


def past_copies(strangers: Trials) -> Trials:
    """The same trials, those between copies at the distance of the next nearest thing instead.

    Copies are the nearest pairs of things, or groups drawn together, if they are few and less than
    half as far apart as all others; where there is only one group, nothing tells.
    """
    nearest = np.full(strangers.n_clusters, np.inf)
    np.minimum.at(nearest, strangers.cluster, strangers.distance)
    nearest.sort()
    most = max(1, int(strangers.n_things + 1e-6) // FEW)
    before, after = nearest[:-1][:most], nearest[1:][:most]
    outstanding = np.flatnonzero(before < OUTSTANDING * after)
    if not len(outstanding):
        return strangers
    copied = strangers.distance < OUTSTANDING * after[outstanding[-1]]
    further = strangers.distance + np.where(np.isnan(strangers.margin), 0.0, strangers.margin)
    return replace(strangers, distance=np.where(copied, further, strangers.distance))
