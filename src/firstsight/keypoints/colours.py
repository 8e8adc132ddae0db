"""Whether two pictures whose keypoints agree have the same colours there.

Keypoints see no colours, and sister products bear one print in several. Light and camera change
the colours of a whole picture alike; so those of one picture are brought to the other's, channel by
channel, by the line that most places agree on, and what still differs are the thing's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.keypoints.agreeing import Agreement, in_the_middle
from firstsight.keypoints.finding import Keypoints

__all__ = ["Colours", "compare_colours"]

Floats = npt.NDArray[np.float32]

GRID = 12  # places a side, over all keypoints of the enrolled picture
LEAST = 12  # of these in sight; fewer say nothing
OTHER = 0.12  # red, green and blue may be off their mean so far, each being 0..1
ROUNDS = 5  # of least squares
NEAR = 0.03  # of a line, that differences are weighed alike within
FAINT = 5e-5  # pulls the lines of hardly any colours towards leaving them as they are
BESIDE = 0.015  # of the longest side, that the same colour may lie off

_AROUND = BESIDE * np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Colours:
    """Of N keypoints that agree, and of what is around them.

    other: share, 0..1, of the places in sight that have another colour, each counted by how near to
    the enrolled picture's middle it lies. same: (N,) whether keypoints have the same colour.
    """

    other: float
    same: npt.NDArray[np.bool_]


def compare_colours(asked: Keypoints, enrolled: Keypoints, agreement: Agreement) -> Colours:
    """All the same, too, where nothing can be said: of a picture without colours, or where hardly
    any of what is enrolled is in sight.

    agreement: of `asked` with `enrolled`, the movement between which it tells.
    """
    nothing = Colours(0.0, np.ones(len(agreement), np.bool_))
    if not len(agreement) or asked.is_grey or enrolled.is_grey:
        return nothing
    there, here = enrolled.at[agreement.second], asked.at[agreement.first]
    movement, *_ = np.linalg.lstsq(_with_ones(there), here, rcond=None)
    low, high = enrolled.at.min(axis=0), enrolled.at.max(axis=0)
    steps = (np.arange(GRID) + 0.5) / GRID
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    places = (low + grid * (high - low)).astype(np.float32)
    seen = (_with_ones(places) @ movement).astype(np.float32)
    in_sight = (np.abs(seen) <= asked.reach).all(axis=1)
    if in_sight.sum() < LEAST:
        return nothing
    places, seen = places[in_sight], seen[in_sight]
    weight = in_the_middle(places).astype(np.float64)
    is_other = _are_other(asked.colours_at(seen), enrolled, places, weight)
    # Two things may share a logo alone: its light is told by itself.
    alike = ~_are_other(asked.colours_at(here), enrolled, there, np.ones(len(there)))
    return Colours(float(weight @ is_other / weight.sum()), alike)


def _are_other(
    seen: Floats, enrolled: Keypoints, places: Floats, weight: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """(N,) whether colours (N, 3) that were seen are others than those at (N, 2) places, in the
    light that makes most of them the same."""
    due = enrolled.colours_at(places)
    brought = np.stack([_brought(seen[:, c], due[:, c], weight) for c in range(3)], axis=1)
    # The movement is not quite that of a hand or a bottle: the colour may lie a little beside.
    beside = (enrolled.colours_at(places + shift) for shift in _AROUND)
    hue = np.min([_hue(each - brought) for each in beside], axis=0)
    return np.asarray(hue > OTHER, np.bool_)


def _hue(off: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N,) how far the channels of (N, 3) are off their mean."""
    return np.asarray(np.linalg.norm(off - off.mean(axis=1, keepdims=True), axis=1))


def _brought(
    one: Floats, other: Floats, weight: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(N,) one in the other's light, by the line that most pairs lie near (iterated least squares:
    each round heeds less what was far from the line before)."""
    points, heeded, pull = _with_ones(one), weight, np.diag([FAINT, 1e-6]) * weight.sum()
    line = np.array([1.0, 0.0])
    for _ in range(ROUNDS):
        line = np.linalg.solve(
            points.T @ (heeded[:, None] * points) + pull,
            points.T @ (heeded * other) + pull @ [1.0, 0.0],
        )
        heeded = weight / np.maximum(np.abs(other - points @ line), NEAR)
    return np.asarray(points @ line)


def _with_ones(places: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return np.column_stack([places, np.ones(len(places))])
