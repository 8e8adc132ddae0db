"""Which keypoints of two pictures agree: they look alike, and lie as one movement would have it.

Two pictures of one print differ by how near it was, how turned and how aslant. A pair of keypoints
that look alike proposes a turn, a size and a shift, which other pairs bear out or do not; the
proposal that most bear out, made an affine one by least squares, says which agree (Lowe 2004,
section 7; a pair that proposes by itself: Philbin et al., CVPR 2007, section 3.1). Nothing is drawn
by lot: the same pictures always agree alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.keypoints.finding import Keypoints

__all__ = ["Agreement", "agreeing", "in_the_middle"]

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

CLEARER = 0.9  # the best description's distance, in the second best's: Lowe's ratio
NEAR = 0.02  # of the longest side, that a keypoint may lie off; twice that for a proposal
TURNED, SIZED = 0.5, 0.7  # radians, and log of sizes, that keypoints may differ from a proposal
LEAST = 5  # pairs; any three agree on some affine movement, and a fourth often by chance
MOST_SLANTED = 4.0  # times as long as wide, that a square may be seen
REFINED = 3  # rounds of least squares
MIDDLE = 0.2  # of the longest side: how far from the middle a keypoint counts for exp(-1/2)


@dataclass(frozen=True, eq=False)
class Agreement:
    """first, second: (N,) rows of the keypoints of both pictures that agree, pair by pair.

    middle: (N,) how much each counts, 0..1: of a thing that fills the middle of both pictures all
    of it, of what is behind it, and may be behind another thing too, little.
    """

    first: Indices
    second: Indices
    middle: Floats

    def __len__(self) -> int:
        return len(self.first)

    def where(self, kept: npt.NDArray[np.bool_]) -> Agreement:
        return Agreement(self.first[kept], self.second[kept], self.middle[kept])

    @property
    def told(self) -> float:
        """How many agree, each as far as it counts."""
        return float(self.middle.sum())


def agreeing(one: Keypoints, other: Keypoints) -> Agreement:
    """From one picture to the other; the other way round some more may agree, or some fewer."""
    nothing = Agreement(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))
    if min(len(one), len(other)) < LEAST:
        return nothing
    first, second = _alike(one, other)
    if len(first) < LEAST:
        return nothing
    agree = _moved_alike(one, other, first, second)
    first, second = first[agree], second[agree]
    first, second = _once(one.at, first, second)
    second, first = _once(other.at, second, first)
    if len(first) < LEAST:
        return nothing
    middle = np.minimum(in_the_middle(one.at[first]), in_the_middle(other.at[second]))
    return Agreement(first, second, middle)


def _alike(one: Keypoints, other: Keypoints) -> tuple[Indices, Indices]:
    """Pairs whose descriptions are nearer to each other than to any other, clearly."""
    likeness = one.roots @ other.roots.T
    row = np.arange(len(one))
    best = likeness.argmax(axis=1)
    most = likeness[row, best]
    likeness[row, best] = -1
    # Of unit vectors the squared distance is 2 - 2 * likeness.
    clear = 1 - most < CLEARER**2 * (1 - likeness.max(axis=1))
    return row[clear], best[clear]


def _moved_alike(
    one: Keypoints, other: Keypoints, first: Indices, second: Indices
) -> npt.NDArray[np.bool_]:
    """(M,) which of M pairs one affine movement agrees with; none where it is no likely one."""
    here = one.at[first] @ np.array([1, 1j], np.complex64)
    there = other.at[second] @ np.array([1, 1j], np.complex64)
    size = other.size[second] / one.size[first]
    turn = size * np.exp(1j * (other.angle[second] - one.angle[first]))
    # Row i: where the movement that pair i proposes leads the others.
    off = turn[:, None] * (here - here[:, None]) + there[:, None] - there
    odds = turn / turn[:, None]
    alike = (np.abs(np.angle(odds)) < TURNED) & (np.abs(np.log(np.abs(odds))) < SIZED)
    agree: npt.NDArray[np.bool_] = alike & (np.abs(off) < 2 * NEAR)
    agree = agree[agree.sum(axis=1).argmax()]
    nowhere = np.zeros(len(first), np.bool_)
    from_here = np.column_stack([one.at[first], np.ones(len(first))])
    movement = np.zeros((3, 2))
    for _ in range(REFINED):
        if agree.sum() < LEAST:
            return nowhere
        movement, *_ = np.linalg.lstsq(from_here[agree], other.at[second][agree], rcond=None)
        agree = np.hypot(*(from_here @ movement - other.at[second]).T) < NEAR
    long, short = np.linalg.svd(movement[:2], compute_uv=False)
    mirrored = np.linalg.det(movement[:2]) <= 0
    return nowhere if mirrored or long > MOST_SLANTED * short else agree


def _once(at: Floats, rows: Indices, others: Indices) -> tuple[Indices, Indices]:
    """Of keypoints in one place, such as those of two directions, one."""
    _, first = np.unique(at[rows], axis=0, return_index=True)
    kept = np.sort(first)
    return rows[kept], others[kept]


def in_the_middle(at: Floats) -> Floats:
    """(N,) how much each of (N, 2) places counts, 0..1: less, the farther from the middle."""
    return np.asarray(np.exp(-(at**2).sum(axis=1) / (2 * MIDDLE**2)), np.float32)
