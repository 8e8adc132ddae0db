"""The why sheet: two pictures, what made them match laid over them, and the nearest rival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from firstsight.drawing.grid import INK, QUIET_INK, GridCell, GridRow, SheetStyle, picture_grid
from firstsight.drawing.heat import heat_over, heat_strip, square_on
from firstsight.drawing.lettering import font_of, leading
from firstsight.drawing.places import numbered, places_over
from firstsight.drawing.tiles import PAPER, Box, Picture, dashed_rectangle
from firstsight.images.preprocess import Fit
from firstsight.model.occlusion import Explanation

__all__ = ["Agreed", "Matched", "draw_window", "why_sentence", "why_sheet"]

Floats = npt.NDArray[np.float32]

TILE = 250
SHARP = 4  # tiles are drawn from pictures at most this many times as large


@dataclass(frozen=True, eq=False)
class Agreed:
    """Places of the asked and of the enrolled picture that agree, pair by pair.

    asked, enrolled: (N, 2) x and y from the picture's middle, its longest side being 1. nearer: by
    how much less the distance counts for it.
    """

    asked: Floats
    enrolled: Floats
    nearer: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Matched:
    """What a why sheet tells of.

    asked, enrolled, rival: the pictures as a person sees them; the latter two are None where the
    gallery keeps no pictures. name: of the thing found nearest. rival_name: of the nearest other
    thing; None where there is none. limit: the distance up to which a thing counts as known, if
    one is in force. fit: how the model makes a square of a picture. agreed: what a second look
    found, where it counted.
    """

    why: Explanation
    asked: Picture
    name: str
    enrolled: Picture | None = None
    rival: Picture | None = None
    rival_name: str | None = None
    limit: float | None = None
    fit: Fit = "squash"
    agreed: Agreed | None = None


def why_sheet(match: Matched, *, title: str = "", style: SheetStyle | None = None) -> Image.Image:
    """Draw the match: RGB, as wide as the style says (without a rival half of it suffices).

    One colour means one distance on every picture of the sheet; the strip at its foot tells which.
    """
    style = style or SheetStyle(width_px=620 if match.rival_name is None else 1200, tile_px=TILE)
    why = match.why
    maps = [heat for heat in (why.asked, why.enrolled, why.lead) if heat is not None]
    largest = max(float(np.abs(heat).max()) for heat in maps)
    grid = picture_grid(
        _rows(match, largest, style),
        title=title or f"Why {match.name}?",
        subtitle=why_sentence(match),
        style=style,
    )
    return grid if why.silence else _with_strip(grid, largest, style)


def why_sentence(match: Matched) -> str:
    """What the maps come to, in one or two sentences."""
    told = _told_of_parts(match)
    if match.agreed is None:
        return told
    return (
        f"{told} {len(match.agreed.asked)} places of both pictures agree; those near their "
        f"middles, and of no other thing, bring it nearer by {match.agreed.nearer:.3f}."
    )


def _told_of_parts(match: Matched) -> str:
    why, name, rival = match.why, match.name, match.rival_name
    if why.silence == "blank":
        return "The asked picture is of one colour: there is no part of it to hide."
    if why.silence == "unmoved":
        return (
            "Whatever part is hidden, the model gives the same distance: it does not go by what "
            "it sees here."
        )
    told = f"It is {why.distance:.3f} from {name}"
    if match.limit is not None:
        told += f" (known up to {match.limit:.3f})"
    if why.farthest > why.distance:
        told += f"; hiding one part alone takes it up to {why.farthest:.3f} away."
    else:
        told += "; hiding any one part only brings it closer."
    if rival is None:
        return told
    if why.rival_distance is not None and why.rival_distance < why.distance:
        return f"{told} Of these two photos alone, that of {rival} is the nearer one."
    if why.turning is None:
        return f"{told} Hiding no single part would make {rival} the nearer one."
    return f"{told} Without the framed part {rival} would be the nearer one."


def _rows(match: Matched, largest: float, style: SheetStyle) -> list[GridRow]:
    why = match.why
    side = round((style.tile_px or TILE) * style.scale)

    def shown(picture: Picture, heat: Floats, framed: Box | None = None) -> Image.Image:
        drawn = heat_over(picture, heat, side, largest=largest, fit=match.fit)
        if framed is not None:
            draw_window(drawn, framed, heat.shape, match.fit)
        return drawn

    enrolled = match.enrolled
    if enrolled is not None and why.enrolled is not None:
        enrolled = shown(enrolled, why.enrolled)
    rows = [
        GridRow(
            GridCell(
                shown(match.asked, why.asked), caption=f"what makes it {match.name}", detail="asked"
            ),
            [GridCell(enrolled, caption=match.name, detail=f"distance {why.distance:.3f}")],
        )
    ]
    if match.agreed is not None and match.enrolled is not None:
        agreed = match.agreed
        numbers = numbered(agreed.asked)
        one = places_over(match.asked, agreed.asked, numbers, side)
        other = places_over(match.enrolled, agreed.enrolled, numbers, side)
        asked = GridCell(one, caption="places that agree", detail="asked")
        rows.append(GridRow(asked, [GridCell(other, caption=match.name, detail="enrolled")]))
    if why.lead is not None and match.rival_name is not None:
        told = f"nearest rival, distance {why.rival_distance:.3f}"
        lead = shown(match.asked, why.lead, why.turning)
        caption = f"what tells it from {match.rival_name}"
        rival = GridCell(match.rival, caption=match.rival_name, detail=told)
        rows.append(GridRow(GridCell(lead, caption=caption, detail="asked"), [rival]))
    return rows


def draw_window(drawn: Image.Image, window: Box, shape: tuple[int, ...], fit: Fit) -> None:
    """Frame the model's window, in px of its map of `shape`, on the drawn picture."""
    left, top, right, bottom = square_on(drawn.size, fit)
    x, y = (right - left) / shape[1], (bottom - top) / shape[0]
    box = (
        round(left + window[0] * x),
        round(top + window[1] * y),
        round(left + window[2] * x) - 1,
        round(top + window[3] * y) - 1,
    )
    dashed_rectangle(ImageDraw.Draw(drawn), box, INK, max(2, drawn.width // 120))


def _with_strip(grid: Image.Image, largest: float, style: SheetStyle) -> Image.Image:
    """The sheet with the meaning of its colours beneath."""
    small = font_of(round(13 * style.scale), style.font)
    margin, thick = round(32 * style.scale), round(12 * style.scale)
    # picture_grid ends in an empty margin: the strip begins inside it.
    top = grid.height - margin // 2
    page = Image.new("RGB", (grid.width, top + thick + leading(small) + margin), PAPER)
    page.paste(grid)
    width = min(grid.width - 2 * margin, round(536 * style.scale))
    page.paste(heat_strip(width, thick), (margin, top))
    pen, y = ImageDraw.Draw(page), top + thick + leading(small) // 4
    words = (
        (0.0, f"against: hiding it gains {largest:.3f}", "la"),
        (0.5, "0", "ma"),
        (1.0, f"in favour: hiding it costs {largest:.3f}", "ra"),
    )
    for share, text, anchor in words:
        place = (margin + share * width, y)
        pen.text(place, text, font=small, fill=QUIET_INK, anchor=anchor)
    return page
