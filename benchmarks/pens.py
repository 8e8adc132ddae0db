"""Another pen: drawings enrolled as they are, asked about with thicker and thinner strokes.

python benchmarks/pens.py MODEL ...   # each trained with classes held out

20-way one-shot inside the alphabets that a model held out. Strokes of what is asked grow or shrink
on each side by so many px of what the network sees (`learning/augment/ink.py`).
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from firstsight.app.packing import open_with_progress
from firstsight.app.unseen import only_unseen
from firstsight.data.packed import PackedPictures
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.learning.augment.ink import thickened
from firstsight.model.embedder import load

BY_PX = (-1.0, -0.5, 0.0, 0.5, 1.0)
N_TRIALS, N_WAY = 400, 20

Pixels = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


def main() -> None:
    console = Console(stderr=True)
    print(f"{find_hardware()}, commit {find_commit()}, {N_TRIALS} sets of {N_WAY}, seed 0; %")
    print(f"{'':24s}", *(f"{by:+.1f} px" for by in BY_PX))
    for place in sys.argv[1:]:
        model = load(place)
        name = model.info.recipe["data"]["train"]
        unseen = only_unseen(
            model.info, open_with_progress(name, model.info.preprocessing, console), console
        )
        pixels = np.asarray(unseen.pixels[:])
        enrolled, trials = model.embed_pixels(pixels), drawn(unseen)
        shares = []
        for by in BY_PX:
            asked = model.embed_pixels(with_strokes(pixels, by))
            right = [
                (
                    model.info.head.distance(asked[a], enrolled[b]).argmin(1) == np.arange(len(a))
                ).mean()
                for a, b in trials
            ]
            shares.append(100 * np.mean(right))
        print(f"{place[-24:]:24s}", *(f"{share:7.1f}" for share in shares), flush=True)


def drawn(pictures: PackedPictures) -> list[tuple[Places, Places]]:
    """Of each trial what is asked and what is enrolled: two drawings of each of 20 characters."""
    rng = np.random.default_rng(0)
    groups, trials = np.unique(pictures.groups), []
    for number in range(N_TRIALS):
        inside = pictures.groups == groups[number % len(groups)]
        classes = rng.permutation(np.unique(pictures.labels[inside]))[:N_WAY]
        both = [rng.permutation(np.flatnonzero(pictures.labels == each))[:2] for each in classes]
        asked, enrolled = np.array(both).T
        trials.append((asked, enrolled))
    return trials


def with_strokes(pixels: Pixels, by_px: float) -> Pixels:
    """(N, S, S, 1), dark on light, with strokes so much thicker on each side."""
    ink = torch.from_numpy(255 - pixels).permute(0, 3, 1, 2).float()
    grown = thickened(ink, torch.full((len(ink),), by_px))
    return 255 - grown.permute(0, 2, 3, 1).round().to(torch.uint8).numpy()


if __name__ == "__main__":
    main()
