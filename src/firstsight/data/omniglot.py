"""Omniglot (Lake, Salakhutdinov, Tenenbaum 2015): 50 alphabets, 20 drawers, and the 20 runs.

Each part is read from its zip or from the folder it was unpacked to, and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from firstsight.data.manifest import Manifest, Source
from firstsight.data.omniglot_parts import OmniglotPart, characters_of
from firstsight.data.sources import locate
from firstsight.errors import DataError

__all__ = [
    "Run",
    "read_background",
    "read_cut",
    "read_evaluation",
    "read_minimal",
    "read_runs",
]

N_DRAWERS = 20
N_RUNS = 20
N_WAY = 20

_DRAWING = re.compile(r"([^/]+)/(character\d+)/\d+_(\d\d)\.png")

DownloadProgress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Run:
    """One of the 20 runs: 20 characters of one alphabet, drawn once by each of two people.

    name: run01 to run20. support: the drawings to know, class01 to class20.
    query: the drawings to name, item01 to item20.
    truth: (20,) int64, position 0..19 in `support` of each query's character.
    """

    support: tuple[Source, ...]
    query: tuple[Source, ...]
    truth: NDArray[np.int64]
    name: str


@dataclass(frozen=True)
class _Part:
    name: str
    file: str
    n_alphabets: int
    n_characters: int


_BACKGROUND = _Part("omniglot:background", "images_background.zip", 30, 964)
_EVALUATION = _Part("omniglot:evaluation", "images_evaluation.zip", 20, 659)
_MINIMAL = {
    1: _Part("omniglot:minimal1", "images_background_small1.zip", 5, 136),
    2: _Part("omniglot:minimal2", "images_background_small2.zip", 5, 156),
}


def read_background(*, progress: DownloadProgress | None = None) -> Manifest:
    """The 30 alphabets to learn from: 964 characters, 19,280 drawings.

    progress: told (bytes done, bytes in all) where the file must be downloaded.
    Raises DataError where drawings are missing, DataUnavailable where the data set is nowhere.
    """
    return _read_part(_BACKGROUND, progress)


def read_evaluation(*, progress: DownloadProgress | None = None) -> Manifest:
    """The 20 alphabets to be judged on: 659 characters, 13,180 drawings. Errors as above."""
    return _read_part(_EVALUATION, progress)


def read_minimal(number: Literal[1, 2], *, progress: DownloadProgress | None = None) -> Manifest:
    """The "minimal" settings: 136 (1) or 156 (2) characters of five alphabets. Errors as above."""
    return _read_part(_MINIMAL[number], progress)


def read_runs(*, progress: DownloadProgress | None = None) -> tuple[Run, ...]:
    """The 20 within-alphabet one-shot runs of Lake et al. 2015, in order.

    Raises DataError where a run is incomplete, DataUnavailable where the runs are nowhere.
    """
    place = locate("all_runs.zip", progress=progress)
    sources = _contents(place)
    return tuple(_read_run(f"run{number:02d}", sources, place) for number in range(1, N_RUNS + 1))


def read_cut(part: OmniglotPart, *, progress: DownloadProgress | None = None) -> Manifest:
    """A part that is cut out of the two large sets, such as the Vinyals split. Errors as above."""
    wholes = {"background": _BACKGROUND, "evaluation": _EVALUATION}
    wanted = characters_of(part.name)
    drawings = [
        drawing
        for name in part.sets
        for drawing in _drawings(wholes[name], progress)
        if "/".join(drawing[0]) in wanted and drawing[1] in part.drawers
    ]
    return _labelled(part.name, drawings)


_Drawing = tuple[tuple[str, str], int, Source]  # (alphabet, character), drawer, file


def _read_part(part: _Part, progress: DownloadProgress | None) -> Manifest:
    return _labelled(part.name, _drawings(part, progress))


def _drawings(part: _Part, progress: DownloadProgress | None) -> list[_Drawing]:
    place = locate(part.file, progress=progress)
    drawings = []
    for member, source in sorted(_contents(place).items()):
        found = _DRAWING.fullmatch(member)
        if found:
            alphabet, character, drawer = found.groups()
            drawings.append(((alphabet, character), int(drawer) - 1, source))
    _require_whole(part, Counter(character for character, _, _ in drawings), place)
    return drawings


def _labelled(name: str, drawings: list[_Drawing]) -> Manifest:
    characters = sorted({character for character, _, _ in drawings})
    alphabets = sorted({alphabet for alphabet, _ in characters})
    number = {character: label for label, character in enumerate(characters)}
    group = {alphabet: label for label, alphabet in enumerate(alphabets)}
    return Manifest(
        name=name,
        sources=tuple(source for _, _, source in drawings),
        labels=np.array([number[character] for character, _, _ in drawings], dtype=np.int64),
        class_names=tuple(f"{alphabet}/{character}" for alphabet, character in characters),
        class_groups=np.array([group[alphabet] for alphabet, _ in characters], dtype=np.int64),
        group_names=tuple(alphabets),
        drawers=np.array([drawer for _, drawer, _ in drawings], dtype=np.int64),
    )


def _contents(place: Path) -> dict[str, Source]:
    """Every file below the place, by its path without the folder that carries the zip's name."""
    if place.is_dir():
        files = (path for path in place.rglob("*") if path.is_file())
        named = {path.relative_to(place).as_posix(): Source(path) for path in files}
    else:
        with ZipFile(place) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
        named = {member: Source(place, member) for member in members}
    # Unpacking often makes a folder of the zip's name around the folder of the same name within.
    around = f"{place.stem}/"
    return {member.removeprefix(around): source for member, source in named.items()}


def _require_whole(part: _Part, drawn: Counter[tuple[str, str]], place: Path) -> None:
    short = sorted(character for character, count in drawn.items() if count != N_DRAWERS)
    n_alphabets = len({alphabet for alphabet, _ in drawn})
    if (n_alphabets, len(drawn), short) == (part.n_alphabets, part.n_characters, []):
        return
    example = ""
    if short:
        example = f" ({'/'.join(short[0])} has {drawn[short[0]]} of {N_DRAWERS} drawings)"
    raise DataError(
        f"{part.name} in {place} is not whole: found {n_alphabets} alphabets, {len(drawn):,} "
        f"characters, {drawn.total():,} drawings{example}; expected {part.n_alphabets}, "
        f"{part.n_characters:,}, {part.n_characters * N_DRAWERS:,}; unpack {part.file} again, or "
        "delete the folder and keep the zip"
    )


def _read_run(name: str, sources: dict[str, Source], place: Path) -> Run:
    support = [f"{name}/training/class{number:02d}.png" for number in range(1, N_WAY + 1)]
    query = [f"{name}/test/item{number:02d}.png" for number in range(1, N_WAY + 1)]
    answers = f"{name}/class_labels.txt"
    missing = [member for member in [*support, *query, answers] if member not in sources]
    if missing:
        raise DataError(
            f"{name} in {place} is not whole: {missing[0]} is missing ({len(missing)} of "
            f"{2 * N_WAY + 1} files are); unpack all_runs.zip again"
        )
    text = sources[answers].read().decode("utf-8", errors="replace")
    pairs = [line.split() for line in text.splitlines() if line.strip()]
    if not _one_to_one(pairs, query, support):
        raise DataError(
            f"{answers} in {place} does not pair the {N_WAY} items with the {N_WAY} classes; "
            "unpack all_runs.zip again"
        )
    known = {pair[0]: pair[1] for pair in pairs}
    return Run(
        support=tuple(sources[member] for member in support),
        query=tuple(sources[member] for member in query),
        truth=np.array([support.index(known[member]) for member in query], dtype=np.int64),
        name=name,
    )


def _one_to_one(pairs: list[list[str]], query: list[str], support: list[str]) -> bool:
    """Whether each query is paired once, and with a support of its own."""
    if any(len(pair) != 2 for pair in pairs):
        return False
    return sorted(item for item, _ in pairs) == query and sorted(c for _, c in pairs) == support
