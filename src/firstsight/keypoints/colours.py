"""Whether two pictures whose keypoints agree have the same colours there.

Keypoints see no colours, and sister products bear one print in several. Light and camera change
the colours of a whole picture alike; so those of one picture are brought to the other's, channel by
channel, by the line that most places agree on, and what still differs are the thing's own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from firstsight.keypoints.agreeing import Agreement, in_the_middle
from firstsight.keypoints.finding import Keypoints

__all__ = ["other_colours"]

Floats = npt.NDArray[np.float32]

GRID = 12  # places a side, over all keypoints of the enrolled picture
LEAST = 12  # of these in sight; fewer say nothing
OTHER = 0.12  # red, green and blue may be off their mean so far, each being 0..1
ROUNDS = 5  # of least squares: each heeds less what was far from the line before
NEAR = 0.03  # of a line, that differences are weighed alike within
FAINT = 5e-5  # pulls lines through hardly any colours towards flat ones
BESIDE = 0.015  # of the longest side, that the same colour may lie off

_AROUND = BESIDE * np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)


def other_colours(asked: Keypoints, enrolled: Keypoints, agreement: Agreement) -> float:
    """Share, 0..1, of the places in sight that have another colour, each counted by how near to the
    enrolled picture's middle it lies. 0 too where nothing can be said: a picture without colours,
    or hardly any of it in sight.

    agreement: of `asked` with `enrolled`, the movement between which it tells.
    """
    if not len(agreement) or asked.is_grey or enrolled.is_grey:
        return 0.0
    there, here = enrolled.at[agreement.second], asked.at[agreement.first]
    movement, *_ = np.linalg.lstsq(_with_ones(there), here, rcond=None)
    low, high = enrolled.at.min(axis=0), enrolled.at.max(axis=0)
    steps = (np.arange(GRID) + 0.5) / GRID
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    places = (low + grid * (high - low)).astype(np.float32)
    seen = (_with_ones(places) @ movement).astype(np.float32)
    in_sight = (np.abs(seen) <= asked.reach).all(axis=1)
    if in_sight.sum() < LEAST:
        return 0.0
    weight = in_the_middle(places[in_sight]).astype(np.float64)
    one, other = asked.colours_at(seen[in_sight]), enrolled.colours_at(places[in_sight])
    brought = np.stack([_brought(one[:, c], other[:, c], weight) for c in range(3)], axis=1)
    # The movement is not quite that of a hand or a bottle: the colour may lie a little beside.
    beside = (enrolled.colours_at(places[in_sight] + shift) for shift in _AROUND)
    hue = np.min([_hue(each - brought) for each in beside], axis=0)
    return float(weight[hue > OTHER].sum() / weight.sum())


def _hue(off: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N,) how far the channels of (N, 3) are off their mean."""
    return np.asarray(np.linalg.norm(off - off.mean(axis=1, keepdims=True), axis=1))


def _brought(
    one: Floats, other: Floats, weight: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(N,) one as it would be in the other's light: by the line that most pairs lie near
    (iterated least squares)."""
    points, heeded, pull = _with_ones(one), weight, np.diag([FAINT, 1e-6]) * weight.sum()
    for _ in range(ROUNDS):
        line = np.linalg.solve(
            points.T @ (heeded[:, None] * points) + pull,
            points.T @ (heeded * other) + pull @ [1.0, 0.0],
        )
        heeded = weight / np.maximum(np.abs(other - points @ line), NEAR)
    return np.asarray(points @ line)


def _with_ones(places: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return np.column_stack([places, np.ones(len(places))])
