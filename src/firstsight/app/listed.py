"""Use case: what a model is worth on pairs that somebody listed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.contestants import Contestant
from firstsight.app.packing import reading_bar, tell_skipped
from firstsight.app.remarks import say

if TYPE_CHECKING:
    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.images.preprocess import Preprocessing

__all__ = ["judge_listed"]


def judge_listed(
    contestants: Sequence[Contestant],
    preprocessing: Preprocessing,
    file: Path,
    *,
    seed: int,
    console: Console,
) -> list[Scorecard]:
    """A scorecard for each contestant, all on the pairs of a CSV file (see `read_pairs`).

    Pairs with a picture that cannot be read are left out, and it is said. Raises DataError for
    a file that cannot serve.
    """
    from firstsight.data.known import cache_folder
    from firstsight.data.packed import pack
    from firstsight.data.pairs import read_pairs
    from firstsight.evaluation.listed import listed_pairs
    from firstsight.evaluation.verification import Pairs

    listed = read_pairs(file)
    with reading_bar(file.name, console) as progress:
        cache = cache_folder() / "packed"
        pictures = pack(listed.pictures, preprocessing, cache=cache, progress=progress)
    tell_skipped(pictures, file.name, console)
    readable = listed.among(pictures.class_names)
    if len(readable) < len(listed):
        say(console, f"left out {len(listed) - len(readable)} pairs with these pictures")
    pairs = Pairs(readable.first, readable.second, readable.same)
    return [listed_pairs(each.embed, each.head, pictures, pairs, seed) for each in contestants]
