"""A data set as a table: a CSV file that names a picture and its class in each line.

path,label,split,group
mugs/1.jpg,blue mug,train,kitchen
"""

from __future__ import annotations

from pathlib import Path

from firstsight.data.manifest import Manifest, Source, manifest_of
from firstsight.data.rows_of_csv import Row, read_rows
from firstsight.errors import DataError

__all__ = ["parts_of_table", "read_table"]


def read_table(file: str | Path, *, part: str | None = None) -> Manifest:
    """The pictures that a CSV file lists: path, label and, where wanted, split and group.

    path: relative to the CSV file's folder, or absolute. part: only the rows of this split.
    Raises DataError for a file that cannot be read, a row that makes no sense, a picture that is
    named twice, an unknown split, several splits where no part was asked for, or one class only.
    """
    file = Path(file)
    rows = read_rows(file, ("path", "label"), ("split", "group"))
    _require_named_once(file, rows)
    chosen = _chosen(file, rows, part)
    classes = [_class_of(row) for row in chosen]
    if len(set(classes)) == 1:
        raise DataError(
            f"{_told(file, part)} has one class only, {classes[0][1]!r}, and at least two are "
            "needed; add rows of another label"
        )
    sources = [Source(file.parent / row.cells["path"]) for row in chosen]
    return manifest_of(_told(file, part), sources, classes)


def parts_of_table(file: Path) -> list[str]:
    """The names of its splits, in order; none where it has no such column, or an empty one."""
    return _parts(read_rows(file, ("path", "label"), ("split", "group")))


def _parts(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row.cells["split"] for row in rows if row.cells.get("split")))


def _chosen(file: Path, rows: list[Row], part: str | None) -> list[Row]:
    known = _parts(rows)
    if part is None:
        if len(known) > 1:
            raise DataError(
                f"{file} holds several parts of a data set ({', '.join(known)}); name one of them, "
                f"such as {file}:{known[0]}"
            )
        return rows
    chosen = [row for row in rows if row.cells.get("split") == part]
    if not chosen:
        told = f"choose one of {', '.join(known)}" if known else "add a column named split"
        raise DataError(f"{file} has no part {part!r}; {told}")
    return chosen


def _class_of(row: Row) -> tuple[str, str]:
    group, label = row.cells.get("group", ""), row.cells["label"]
    return group, f"{group}/{label}" if group else label


def _require_named_once(file: Path, rows: list[Row]) -> None:
    lines: dict[str, int] = {}
    for row in rows:
        path = row.cells["path"]
        if path in lines:
            raise DataError(
                f"{file}, line {row.line}: {path} was named in line {lines[path]} already; keep "
                "one of the two lines"
            )
        lines[path] = row.line


def _told(file: Path, part: str | None) -> str:
    return file.name if part is None else f"{file.name}:{part}"
