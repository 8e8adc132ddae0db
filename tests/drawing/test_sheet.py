from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from firstsight.drawing import (
    GridCell,
    GridRow,
    SheetQuery,
    SheetRow,
    SheetStyle,
    identification_sheet,
    picture_grid,
    save_sheet,
)
from firstsight.errors import StorageError, UsageError

GREEN = (0, 158, 115)
VERMILION = (213, 94, 0)


def flat(grey: int, height: int = 20, width: int = 20) -> npt.NDArray[np.uint8]:
    return np.full((height, width), grey, np.uint8)


def count(sheet: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(sheet) == colour).all(axis=2).sum())


def rows(called: str, n_queries: int = 3, n_rows: int = 1) -> list[SheetRow]:
    return [
        SheetRow(
            f"mug {row}", flat(90), [SheetQuery(flat(180), called or f"mug {row}")] * n_queries
        )
        for row in range(n_rows)
    ]


def test_right_and_wrong_differ_in_colour_and_in_line() -> None:
    right = identification_sheet(rows(""), title="Mugs")
    wrong = identification_sheet(rows("bowl"), title="Mugs")
    plain = picture_grid([GridRow(GridCell(flat(90)), [GridCell(flat(180))])], title="Mugs")
    assert count(plain, GREEN) == count(plain, VERMILION) == 0
    # The legend shows both marks; a frame is far larger than a mark.
    assert count(right, GREEN) > 10 * count(right, VERMILION) > 0
    assert count(wrong, VERMILION) > 10 * count(wrong, GREEN) > 0
    assert count(wrong, VERMILION) < count(right, GREEN)  # dashes leave gaps


def test_pictures_stand_in_the_order_given() -> None:
    cells = [GridCell(flat(grey)) for grey in (40, 80, 120)]
    style = SheetStyle(tile_px=100)
    sheet = picture_grid([GridRow(GridCell(flat(200)), cells)], title="", style=style)
    # Margin 32, tile 100, 22 to the cells, 10 between them; no title, so tiles begin at y = 32.
    middle = 32 + 50
    across = [32 + 50, 154 + 50, 264 + 50, 374 + 50]
    assert [sheet.getpixel((x, middle)) for x in across] == [(g, g, g) for g in (200, 40, 80, 120)]
    assert sheet.getpixel((32, 32)) == (72, 78, 90)
    assert sheet.size == (1200, 32 + 100 + 32)


def test_a_wrong_query_shows_what_it_was_called_beneath_it() -> None:
    two = [
        SheetRow("mug", flat(90), [SheetQuery(flat(180), "bowl")]),
        SheetRow("bowl", flat(37), [SheetQuery(flat(180), "bowl")]),
    ]
    grey = (37, 37, 37)
    named = count(identification_sheet(two, title=""), grey)
    two[0] = SheetRow("mug", flat(90), [SheetQuery(flat(180), "plate")])
    unknown = count(identification_sheet(two, title=""), grey)
    assert named - unknown > 200


@pytest.mark.parametrize(
    ("n_rows", "n_queries"), [(1, 0), (1, 1), (20, 1), (20, 4), (7, 3), (3, 20), (1, 40)]
)
def test_every_sheet_is_as_wide_as_asked_and_holds_every_row(n_rows: int, n_queries: int) -> None:
    things = [
        SheetRow(f"{n}", flat(100 + n), [SheetQuery(flat(60), f"{n}")] * n_queries)
        for n in range(n_rows)
    ]
    sheet = identification_sheet(things, title="Things", subtitle="a " * 400)
    assert sheet.width == 1200 and sheet.mode == "RGB"
    seen = {colour for _, colour in sheet.getcolors(maxcolors=2**24) or []}
    assert seen >= {(100 + n, 100 + n, 100 + n) for n in range(n_rows)}


def test_scale_enlarges_everything_alike() -> None:
    once = identification_sheet(rows("", n_rows=5), title="Mugs")
    twice = identification_sheet(rows("", n_rows=5), title="Mugs", style=SheetStyle(scale=2))
    assert twice.width == 2 * once.width
    assert abs(twice.height - 2 * once.height) <= 20
    assert count(twice, GREEN) == pytest.approx(4 * count(once, GREEN), rel=0.1)


@pytest.mark.parametrize(
    "picture",
    [
        flat(77, 40, 10),
        flat(77)[:, :, None],
        flat(77)[:, :, None].repeat(3, axis=2),
        Image.fromarray(flat(77)).convert("RGBA"),
        Image.fromarray(flat(77)).convert("P"),
    ],
)
def test_pictures_of_many_forms_are_drawn(picture: Any) -> None:
    sheet = picture_grid([GridRow(GridCell(picture), [])], title="")
    assert count(sheet, (77, 77, 77)) > 1000


def test_a_black_and_white_drawing_becomes_grey_at_its_edges_not_ragged() -> None:
    drawing = Image.new("1", (105, 105), 1)
    drawing.paste(0, (40, 0, 47, 105))
    sheet = picture_grid([GridRow(GridCell(drawing), [])], title="")
    greys = {tuple(pixel) for pixel in np.asarray(sheet)[80, 40:140].tolist()}
    assert len(greys) > 3


@pytest.mark.parametrize(
    "picture",
    [flat(0).astype(np.float32), np.zeros((3, 8, 8), np.uint8), np.zeros((0, 8), np.uint8)],
)
def test_arrays_that_are_no_pictures_are_refused(picture: Any) -> None:
    with pytest.raises(UsageError, match="give uint8"):
        picture_grid([GridRow(GridCell(picture), [])], title="")


def test_senseless_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        identification_sheet([], title="Mugs")
    with pytest.raises(UsageError, match="101 pictures a row do not fit"):
        identification_sheet(rows("", n_queries=100), title="Mugs")
    with pytest.raises(UsageError, match="21 pictures a row do not fit"):
        identification_sheet(rows("", n_queries=20), title="", style=SheetStyle(tile_px=100))
    with pytest.raises(UsageError, match="width_px is 10"):
        SheetStyle(width_px=10)
    with pytest.raises(UsageError, match="tile_px is 3"):
        SheetStyle(tile_px=3)
    with pytest.raises(UsageError, match="scale is 0"):
        SheetStyle(scale=0)


def test_a_sheet_is_saved_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "demo" / "sheet.png"
    save_sheet(Image.new("RGB", (4, 4), GREEN), path)
    with Image.open(path) as back:
        assert back.size == (4, 4)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"sheet\.png: the disk is full"):
        save_sheet(Image.new("RGB", (9, 9)), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["sheet.png"]


def test_a_folder_is_no_place_for_a_sheet(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a folder; name a file in it"):
        save_sheet(Image.new("L", (4, 4)), tmp_path)


def test_a_sheet_takes_the_place_of_a_sheet_or_of_nothing(tmp_path: Path) -> None:
    sheet, empty, text = (tmp_path / f"{name}.png" for name in ("sheet", "empty", "text"))
    empty.touch()
    for path in (sheet, sheet, empty):
        save_sheet(Image.new("L", (4, 4)), path)
    text.write_bytes(b"not to be lost")
    with pytest.raises(UsageError, match=r"text\.png is there and is no PNG file"):
        save_sheet(Image.new("L", (4, 4)), text)
    with pytest.raises(UsageError, match=r"sheet\.jpg was to be a sheet.* ends in \.png"):
        save_sheet(Image.new("L", (4, 4)), tmp_path / "sheet.jpg")
    assert text.read_bytes() == b"not to be lost"
