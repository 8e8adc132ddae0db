"""Rows of a CSV file by the names of its columns, each with its line number."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from firstsight.errors import DataError

__all__ = ["Row", "read_rows"]

_MOST_BYTES = 2**30


@dataclass(frozen=True)
class Row:
    """line: in the file, from 1. cells: by column, without the blanks around them."""

    line: int
    cells: dict[str, str]


def read_rows(file: Path, required: Sequence[str], optional: Collection[str] = ()) -> list[Row]:
    """The rows of a CSV file (UTF-8, commas), blank lines left aside.

    A first line that holds all required names says where each column is, in any order; without
    one the columns are the required ones in that order, then the optional ones.
    Raises DataError for a file that cannot be read, an unknown column, a row of another length
    or an empty required cell.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise DataError(f"{file} is larger than 1 GiB; part it into several files")
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(_filled(stream))
    except OSError as refusal:
        raise DataError(
            f"{file} could not be read ({refusal.strerror}); check the path and its permissions"
        ) from refusal
    except (UnicodeDecodeError, csv.Error) as damage:
        raise DataError(f"{file} is no CSV in UTF-8 ({damage}); save it as one") from damage
    if not lines:
        raise DataError(f"{file} has no rows; write {','.join(required)} in each line")
    columns = [*required, *optional]
    first = [cell.lower() for cell in lines[0][1]]
    if set(required) <= set(first):
        _require_known(file, first, columns)
        columns, lines = first, lines[1:]
    elif lacking := [name for name in required if name not in first and set(first) & set(columns)]:
        raise DataError(
            f"{file} has no column {lacking[0]!r}; its first line must name {', '.join(required)}, "
            "or the lines must begin without one"
        )
    else:
        columns = columns[: max(len(required), len(first))]
    return [_row(file, line, cells, columns, required) for line, cells in lines]


def _filled(stream: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(stream)
    for cells in rows:
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield rows.line_num, stripped


def _require_known(file: Path, found: list[str], known: list[str]) -> None:
    odd = [name for name in found if name not in known or found.count(name) > 1]
    if odd:
        told = "twice" if odd[0] in known else "which nobody knows here"
        raise DataError(
            f"{file} has a column {odd[0]!r} {told}; its columns may be {', '.join(known)}"
        )


def _row(
    file: Path, line: int, cells: list[str], columns: list[str], required: Sequence[str]
) -> Row:
    if len(cells) != len(columns):
        raise DataError(
            f"{file}, line {line}: {len(cells)} cells where {len(columns)} were wanted "
            f"({','.join(columns)}); put quotes around cells that hold commas"
        )
    named = dict(zip(columns, cells, strict=True))
    empty = [name for name in required if not named[name]]
    if empty:
        raise DataError(f"{file}, line {line}: {empty[0]} is empty; fill it in or drop the line")
    return Row(line, named)
