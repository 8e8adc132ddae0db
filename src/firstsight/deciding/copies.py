"""One thing under two names: seen past, where a gallery's own things are tried as strangers.

A photo that was saved again under another name is nearer to its twin than anything else is to
anything. That says nothing about the other things, and must not move their threshold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from firstsight.deciding.trials import Trials

__all__ = ["past_copies"]

ALIKE = 1e-4  # of a distance: how far it may differ when it is measured from the other side
FEW = 4  # at most one pair for so many things, or one
OUTSTANDING = 1 / 3  # of the distance of the next nearest pair


def past_copies(strangers: Trials) -> Trials:
    """The same trials, those between copies at the distance of the next nearest thing instead.

    Copies are the nearest pairs of things, or groups drawn together, if they are few and less than
    a third as far apart as all others; where there is only one group, nothing tells. A look-alike
    that has them as its nearest is drawn together with them, and so are several copies of one
    thing: it is one closeness still.
    """
    nearest = np.full(strangers.n_clusters, np.inf)
    np.minimum.at(nearest, strangers.cluster, strangers.distance)
    nearest.sort()
    most = max(1, int(strangers.n_things + 1e-6) // FEW)
    before, after = nearest[:-1][:most], nearest[1:][:most]
    outstanding = np.flatnonzero(before < OUTSTANDING * after)
    if not len(outstanding):
        return strangers
    limit = OUTSTANDING * after[outstanding[-1]]
    copied = strangers.distance < limit
    further = strangers.distance + np.where(np.isnan(strangers.margin), 0.0, strangers.margin)
    distance = np.where(copied, further, strangers.distance)
    cluster = strangers.cluster.copy()
    for alone in np.flatnonzero(~copied):
        beside = copied & np.isclose(distance, distance[alone], rtol=ALIKE, atol=0)
        cluster[np.isin(strangers.cluster, strangers.cluster[beside])] = cluster[alone]
    still_near = np.isin(cluster, cluster[copied & (distance < limit)])
    if still_near.any():
        cluster[still_near] = cluster[still_near].min()
    together = np.unique(cluster, return_inverse=True)[1].astype(np.int64)
    return replace(strangers, distance=distance, cluster=together)
