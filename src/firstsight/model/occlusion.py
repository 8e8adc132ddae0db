"""What in a picture made it match: hide a part, and see how the distance moves.

Zeiler and Fergus 2014 (section 4.2) slid a grey square over a picture. What hides a part must not
be seen itself, though: on white paper a grey square is one more stroke. So a window is filled with
what the picture stands on, see `ground`.

Everything is in distances of the model's own head. Positive means that hiding this part drives
the two apart: it spoke for the match. Negative: it spoke against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from firstsight.errors import ShapeError, UsageError

__all__ = ["Comparer", "Explanation", "Windows", "explain_match", "ground", "occlusion_map"]

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom exclusive

MOST_WINDOWS = 196  # 14 across: four batches of the network
_PAPER_TOLERANCE = 16  # levels of 255; scanned paper and JPEG stay within it
_PAPER_SHARE = 0.5
_STILL = 1e-5  # an embedding that moves less, relative to its size, moved by rounding alone


class Comparer(Protocol):
    """What is needed of a model; `Embedder` is one."""

    def embed_pixels(self, pixels: Pixels) -> Floats: ...
    def distance(self, a: Floats, b: Floats) -> Floats: ...


@dataclass(frozen=True)
class Windows:
    """The squares that are hidden one at a time; raises UsageError where a value makes no sense.

    side: in px of the model's picture; None is a fifth of its shorter side.
    stride: px from one to the next; None is the least that keeps to 196 windows.
    fill: the grey level that hides, 0..255; None is the picture's own ground.
    """

    side: int | None = None
    stride: int | None = None
    fill: int | None = None

    def __post_init__(self) -> None:
        for key in ("side", "stride"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise UsageError(f"the windows' {key} is {value}; give 1 or more, or leave it out")
        if self.fill is not None and not 0 <= self.fill <= 255:
            raise UsageError(f"fill is {self.fill}; give a grey level from 0 to 255")

    def corners(self, height: int, width: int) -> tuple[int, list[int], list[int]]:
        """The side, the tops and the lefts; the last window ends where the picture does."""
        side = max(1, min(height, width) // 5) if self.side is None else self.side
        if side > min(height, width):
            raise UsageError(
                f"windows of {side} px do not fit a picture of {width} x {height}; give fewer px"
            )
        across = int(MOST_WINDOWS**0.5) - 1
        stride = self.stride or max(1, -(-(max(height, width) - side) // across))
        tops, lefts = _starts(height - side, stride), _starts(width - side, stride)
        if len(tops) * len(lefts) > MOST_WINDOWS:
            raise UsageError(
                f"a stride of {stride} px makes {len(tops) * len(lefts)} windows, and the most is "
                f"{MOST_WINDOWS}; give a larger stride"
            )
        return side, tops, lefts


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a picture matched. Maps are (H, W) float32, in distance, as the module says.

    distance: from the asked picture to what it was matched with. farthest: the largest that
        hiding one window made of it.
    asked: the map over the asked picture. enrolled: the map over the matched photo, or None.
    rival_distance: to the nearest other thing, or None.
    lead: over the asked picture, how much of the lead over the rival each part gives: what
        rival_distance - distance loses where it is hidden. None without a rival.
    turning: the window that, hidden alone, makes the rival nearer than the match and does so
        most; None where none does.
    silence: why every map is zero: "blank" (the asked picture is of one colour), "unmoved" (the
        model gives the same embedding whatever is hidden, as a collapsed one does), or None.
    """

    distance: float
    farthest: float
    asked: Floats
    enrolled: Floats | None
    rival_distance: float | None
    lead: Floats | None
    turning: Box | None
    silence: Literal["blank", "unmoved"] | None


def explain_match(
    model: Comparer,
    asked: Pixels,
    named: Floats,
    *,
    rival: Floats | None = None,
    enrolled: Pixels | None = None,
) -> Explanation:
    """Explain the match of `asked` (H, W, C) with the thing or photo whose vector is `named` (D,).

    rival: (D,) vector of the nearest other thing. enrolled: (H, W, C), the matched photo as the
    model sees it, for a map over it too. Costs one network call of up to 197 pictures, two with
    `enrolled`. Raises ShapeError where the pixels do not fit.
    """
    others = np.stack([named] if rival is None else [named, rival])
    hidden = _hide(model, asked, others, Windows())
    whole, moved = hidden.whole, hidden.distances
    lead: Floats | None = None
    turning = None
    if rival is not None:
        leads = moved[..., 1] - moved[..., 0]
        lead = hidden.spread((whole[1] - whole[0]) - leads)
        if whole[1] >= whole[0] and leads.min() < 0:
            turning = hidden.box(int(leads.argmin()))
    other_side = None
    if enrolled is not None:
        other_side = occlusion_map(model, enrolled, model.embed_pixels(asked[None])[0])
    blank = bool((asked == asked[:1, :1]).all())
    return Explanation(
        distance=float(whole[0]),
        farthest=float(moved[..., 0].max()),
        asked=hidden.spread(moved[..., 0] - whole[0]),
        enrolled=other_side,
        rival_distance=None if rival is None else float(whole[1]),
        lead=lead,
        turning=turning,
        silence=None if hidden.stirred else "blank" if blank else "unmoved",
    )


def occlusion_map(
    model: Comparer, picture: Pixels, other: Floats, windows: Windows | None = None
) -> Floats:
    """How much farther from `other` (D,) the picture (H, W, C) gets where it is hidden: (H, W).

    A pixel's value is the mean of distance(hidden, other) - distance(whole, other) over the
    windows that cover it; 0 where none does. Exactly 0 everywhere for a picture of one colour
    under its own ground, and for a model that has collapsed. Raises ShapeError, UsageError.
    """
    hidden = _hide(model, picture, other[None], windows or Windows())
    return hidden.spread(hidden.distances[..., 0] - hidden.whole[0])


def ground(picture: Pixels, blur_px: float) -> Pixels:
    """What a picture stands on: (H, W, C) like itself, to hide its parts with.

    Its paper where it has one, that is where at least half of it is of one colour: then a hidden
    stroke is as if never drawn. Else the picture blurred by `blur_px`: that takes the detail, keeps
    the light and colour around, and adds no edge that the network would answer to.

    Measured: erasing the fifth of a drawing's ink that the map finds hottest (coldest) drives 25
    pairs of Omniglot drawings apart by 0.35 (0.05) with maps made this way, by 0.25 (0.14) with
    grey windows and by 0.20 (0.27), so wrongly, with black ones. Six pairs of photographs, with
    SqueezeNet: 0.20 (0.02) this way, 0.19 (0.02) with grey ones.
    """
    paper = np.median(picture, axis=(0, 1)).astype(np.uint8)  # (C,)
    near = (np.abs(picture.astype(np.int16) - paper) <= _PAPER_TOLERANCE).all(axis=2)
    if near.mean() >= _PAPER_SHARE:
        return np.broadcast_to(paper, picture.shape)
    grey = picture.shape[2] == 1
    image = Image.fromarray(picture[:, :, 0] if grey else picture)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur_px))).reshape(picture.shape)


@dataclass(frozen=True, eq=False)
class _Hidden:
    """A picture's distances to M others, whole and with each of R x S windows hidden.

    whole: (M,). distances: (R, S, M). stirred: whether any window moved the embedding at all.
    """

    whole: Floats
    distances: Floats
    stirred: bool
    shape: tuple[int, int]
    side: int
    tops: list[int]
    lefts: list[int]

    def spread(self, values: Floats) -> Floats:
        """(R, S) values of windows to (H, W): the mean over the windows that cover a pixel."""
        total, covered = np.zeros(self.shape), np.zeros(self.shape)
        for row, top in enumerate(self.tops):
            for column, left in enumerate(self.lefts):
                place = np.s_[top : top + self.side, left : left + self.side]
                total[place] += values[row, column]
                covered[place] += 1
        return (total / np.maximum(covered, 1)).astype(np.float32)

    def box(self, number: int) -> Box:
        row, column = divmod(number, len(self.lefts))
        left, top = self.lefts[column], self.tops[row]
        return left, top, left + self.side, top + self.side


def _hide(model: Comparer, picture: Pixels, others: Floats, windows: Windows) -> _Hidden:
    _require_picture(picture)
    height, width = picture.shape[:2]
    side, tops, lefts = windows.corners(height, width)
    behind: npt.NDArray[Any] = (
        ground(picture, side / 2)
        if windows.fill is None
        else np.full(picture.shape, windows.fill, np.uint8)
    )
    # Row 0 is the whole picture; it is embedded beside the others, so rounding is alike.
    shown = np.repeat(picture[None], 1 + len(tops) * len(lefts), axis=0)
    places = [np.s_[top : top + side, left : left + side] for top in tops for left in lefts]
    for row, place in zip(shown[1:], places, strict=True):
        row[place] = behind[place]
    changed = (shown != picture).any(axis=(1, 2, 3))
    changed[0] = True
    seen = model.embed_pixels(shown[changed])
    embedded = np.repeat(seen[:1], len(shown), axis=0)
    embedded[changed] = seen
    shift = np.abs(embedded - embedded[0]).max(axis=1)
    still = shift <= _STILL * np.abs(embedded[0]).max()
    embedded[still] = embedded[0]
    distances = model.distance(embedded, others)  # (1 + R * S, M)
    distances[still] = distances[0]
    return _Hidden(
        whole=distances[0],
        distances=distances[1:].reshape(len(tops), len(lefts), len(others)),
        stirred=not still.all(),
        shape=(height, width),
        side=side,
        tops=tops,
        lefts=lefts,
    )


def _starts(last: int, stride: int) -> list[int]:
    starts = list(range(0, last + 1, stride))
    return starts if starts[-1] == last else [*starts, last]


def _require_picture(picture: Pixels) -> None:
    fits = picture.ndim == 3 and picture.shape[2] in (1, 3) and picture.size > 0
    if not fits or picture.dtype != np.uint8:
        raise ShapeError(
            f"the picture is {picture.dtype} {picture.shape}, wanted uint8 (H, W, 1) or (H, W, 3); "
            "make it with the model's preprocessing"
        )
