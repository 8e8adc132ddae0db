"""The identification sheet: one enrolled picture a thing, and what its queries were called."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from firstsight.drawing.grid import GridCell, GridRow, SheetStyle, picture_grid
from firstsight.drawing.tiles import Picture
from firstsight.errors import StorageError, UsageError, storing

__all__ = [
    "GridCell",
    "GridRow",
    "SheetQuery",
    "SheetRow",
    "SheetStyle",
    "identification_sheet",
    "picture_grid",
    "require_place",
    "save_sheet",
]

_PNG = b"\x89PNG\r\n\x1a\n"  # how such a file begins


@dataclass(frozen=True)
class SheetQuery:
    """A picture that was asked about, and the name of the thing it was called."""

    picture: Picture
    called: str


@dataclass(frozen=True)
class SheetRow:
    """A thing: its name, its one enrolled picture, and the queries that truly show it."""

    name: str
    enrolled: Picture
    queries: Sequence[SheetQuery]


def identification_sheet(
    rows: Sequence[SheetRow], *, title: str, subtitle: str = "", style: SheetStyle | None = None
) -> Image.Image:
    """Draw what every query was called: right where that is its row's name, else wrong.

    Beneath a wrong one stands the name it was called, with that thing's enrolled picture where
    some row has it. Names must differ between rows. Returns an RGB picture of the style's width.
    """
    enrolled = {row.name: row.enrolled for row in rows}

    def cell(query: SheetQuery, name: str) -> GridCell:
        if query.called == name:
            return GridCell(query.picture, "right")
        return GridCell(query.picture, "wrong", query.called, enrolled.get(query.called))

    grid = [
        GridRow(
            GridCell(row.enrolled, caption=row.name),
            [cell(query, row.name) for query in row.queries],
        )
        for row in rows
    ]
    return picture_grid(
        grid,
        title=title,
        subtitle=subtitle,
        legend={"right": "named rightly", "wrong": "named wrongly; beneath it, what it was called"},
        style=style,
    )


def require_place(path: Path, asked: Iterable[object] = ()) -> None:
    """To be told before a sheet is drawn: whether it can be saved at `path`, and harms nothing.

    asked: the pictures that the sheet is about; files among them must stay.
    StorageError for a folder; UsageError for what is not to be replaced by a PNG file.
    """
    if path.is_dir():
        raise StorageError(f"{path} is a folder; name a file in it, such as {path / 'sheet.png'}")
    if any(isinstance(each, Path) and _is_same_file(path, each) for each in asked):
        raise UsageError(
            f"{path} is a picture that is asked about, and the sheet would replace it; give "
            "another name for the sheet"
        )
    if path.suffix.lower() != ".png":
        raise UsageError(
            f"{path} was to be a sheet, and sheets are PNG files; give a name that ends in .png"
        )
    if path.is_file() and not _is_png(path):
        raise UsageError(
            f"{path} is there and is no PNG file, so no sheet; give another name for the sheet"
        )


def _is_same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _is_png(path: Path) -> bool:
    """An empty file, too, has nothing to lose."""
    with path.open("rb") as stream:
        return stream.read(len(_PNG)) in (_PNG, b"")


def save_sheet(sheet: Image.Image, path: str | Path) -> None:
    """Write the sheet as PNG, whole or not at all. StorageError where the disk refuses.

    UsageError where `path` ends otherwise, or is a file of another kind.
    """
    path = Path(path)
    require_place(path)
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("xb") as stream:
                sheet.save(stream, format="PNG", optimize=True)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
