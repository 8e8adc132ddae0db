"""The recipe omniglot-12-4-4 against the loop that one writes first: time to 91.2 % of pairs.

Both sides take the same pairs in the same batches, the same network in f32, the same loss and
optimiser, on one thread. The loop opens the two pictures of a pair from their files, one by one,
brings them to size, and sends each through the network for itself, pair by pair; the gradients of
a batch are summed, and then the optimiser steps. Beside it the same loop with the pictures of a
batch stacked, first twins and second twins apart. Blocks alternate in one process, so that a
machine whose speed drifts slows all. The loops' time to 91.2 % is worked out from their time per
pair and the pairs that the recipe needs (batch normalisation over one picture learns worse, if
anything, and is forgiven). Blocks are short: take figures from a machine at rest.

    python benchmarks/pairs_one_by_one.py [--quick]
"""

from __future__ import annotations

import argparse
import time
import zipfile
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from firstsight.data.catalogue import open_pictures, read_manifest
from firstsight.data.packed import PackedPictures
from firstsight.data.splits import by_drawer
from firstsight.evaluation.drawers import TEST_DRAWERS, VALIDATION_DRAWERS
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.evaluation.verification import Pairs, draw_pairs, pair_distances
from firstsight.images.reading import read_picture
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.bank import PictureBank, normalise
from firstsight.learning.training.build import build_batches, build_preprocessing
from firstsight.learning.training.module import TwinTraining
from firstsight.learning.training.validation import embed_all
from firstsight.metrics.roc import best_threshold

GOAL, BLOCKS, STEPS = 0.912, 4, 1  # blocks of so many batches
# A look, off the clock: pairs by drawers 13-16 at the threshold that is best for drawers 17-20.
LOOK_EVERY, N_PAIRS, SEED = 100, 4000, 0


class Side:
    """The network of the recipe, its optimiser, and the pairs of each step."""

    def __init__(self, pictures: PackedPictures) -> None:
        self.recipe = load_recipe("omniglot-12-4-4", [f"training.seed={SEED}"])
        self.preprocessing = build_preprocessing(self.recipe)
        bank = PictureBank(pictures, self.preprocessing, n_turns=1)
        batches = build_batches(self.recipe, bank.classes)
        self.module = TwinTraining(self.recipe, bank, batches, None).train()
        configured = self.module.configure_optimizers()
        self.optimiser = configured["optimizer"]
        self.schedule = configured["lr_scheduler"]["scheduler"]

    def step(self, number: int) -> None:
        """As the engine does it, less Lightning, which costs nothing here (engine_step.py)."""
        loss, _ = self.module(number)
        self.optimiser.zero_grad()
        loss.backward()
        self._move()

    def _move(self) -> None:
        self.optimiser.step()
        self.schedule.step()


class OneByOne(Side):
    """Opens each picture from its file when it is wanted; stacked: the twins of a batch at once."""

    def __init__(self, pictures: PackedPictures, files: list[Path], *, stacked: bool) -> None:
        super().__init__(pictures)
        self.files, self.stacked = files, stacked
        if not stacked:
            for layer in self.module.modules():
                if isinstance(layer, nn.BatchNorm1d):
                    layer.eval()  # a batch of one has no deviation

    def step(self, number: int) -> None:
        rows = self.module.batches.at(number)
        labels = self.module.bank.labels_of(rows)
        first, second = np.split(rows, 2)
        same = torch.eq(*labels.chunk(2))
        self.optimiser.zero_grad()
        if self.stacked:
            sides = [torch.cat([self._opened(row) for row in side]) for side in (first, second)]
            self._cost(sides[0], sides[1], same).backward()  # type: ignore[no-untyped-call]
        else:
            for a, b, alike in zip(first, second, same, strict=True):
                cost = self._cost(self._opened(a), self._opened(b), alike[None])
                (cost / len(first)).backward()  # type: ignore[no-untyped-call]
        self._move()

    def _cost(self, a: Tensor, b: Tensor, same: Tensor) -> Tensor:
        # Equal labels are what the objective tells the same pairs by.
        labels = torch.cat([torch.zeros_like(same), ~same]).long()
        cost: Tensor = self.module.objective(
            torch.cat([self.module.tower(a), self.module.tower(b)]), labels
        )
        return cost

    def _opened(self, row: int) -> Tensor:
        pixels = read_picture(self.files[row]).pixels(self.preprocessing)
        return normalise(torch.from_numpy(pixels[None]), self.preprocessing)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--quick", action="store_true", help="times a pair alone, no training")
    quick = asked.parse_args().quick
    torch.set_num_threads(1)
    recipe = load_recipe("omniglot-12-4-4")
    pictures = open_pictures(recipe.data.train, build_preprocessing(recipe))
    print(f"seed {SEED}, commit {find_commit()}, {find_hardware()}, one thread")
    with TemporaryDirectory() as folder:
        files = unpacked(recipe.data.train, Path(folder))
        sides = {
            "firstsight": Side(pictures),
            "loop, pair by pair": OneByOne(pictures, files, stacked=False),
            "loop, a batch stacked": OneByOne(pictures, files, stacked=True),
        }
        pair_ms = timed(sides)
    steps, seconds, figure = (None, None, None) if quick else time_to_goal(pictures)
    n_pairs = None if steps is None else 100 * steps
    print(f"{'':24s} {'ms a pair':>10s} {'ratio':>7s}   s to {100 * GOAL} %")
    for name, each_ms in pair_ms.items():
        whole = "" if n_pairs is None else f"{each_ms * n_pairs / 1e3:8.0f} (extrapolated)"
        if name == "firstsight" and seconds is not None:
            whole = f"{seconds:8.0f} (measured: {figure:.2%} after {n_pairs:,} pairs)"
        print(f"{name:24s} {each_ms:10.2f} {each_ms / pair_ms['firstsight']:7.1f}   {whole}")


def unpacked(name: str, folder: Path) -> list[Path]:
    """Each picture of the set as a file of its own, in order."""
    files = []
    for number, source in enumerate(read_manifest(name).sources):
        if source.member is None:
            files.append(source.path)
            continue
        files.append(folder / f"{number}.png")
    members = [each for each in read_manifest(name).sources if each.member is not None]
    if members:
        with zipfile.ZipFile(members[0].path) as archive:
            for source, file in zip(read_manifest(name).sources, files, strict=True):
                file.write_bytes(archive.read(str(source.member)))
    return files


def timed(sides: dict[str, Side]) -> dict[str, float]:
    """Median milliseconds a pair, of alternating blocks; the first block warms up."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for block in range(BLOCKS + 1):
        for name, side in sides.items():
            steps = STEPS if isinstance(side, OneByOne) else 5 * STEPS
            started = time.perf_counter()
            for step in range(steps):
                side.step(block * steps + step)
            found[name].append(1e3 * (time.perf_counter() - started) / (100 * steps))
    return {name: median(times[1:]) for name, times in found.items()}


def time_to_goal(pictures: PackedPictures) -> tuple[int | None, float | None, float]:
    """Steps and seconds of training until the goal, and the figure then."""
    side = Side(pictures)
    background = open_pictures("omniglot:background", side.preprocessing)
    looks = [
        (part, draw_pairs(part.labels, None, N_PAIRS, np.random.default_rng([SEED, stream])))
        for stream, who in enumerate((VALIDATION_DRAWERS, TEST_DRAWERS))
        if (part := by_drawer(background, who))
    ]
    seconds, figure = 0.0, 0.0
    for step in range(side.recipe.training.steps):
        started = time.perf_counter()
        side.step(step)
        seconds += time.perf_counter() - started
        if (step + 1) % LOOK_EVERY == 0:
            figure = look(side, looks)
            Console(stderr=True).print(f"step {step + 1}, {seconds:.0f} s: {figure:.2%}")
            if figure >= GOAL:
                return step + 1, seconds, figure
    return None, None, figure


def look(side: Side, parts: list[tuple[PackedPictures, Pairs]]) -> float:
    tower, head = side.module.tower.eval(), side.module.head.frozen()
    distances = []
    for part, pairs in parts:
        embedded = embed_all(tower, part, side.preprocessing, torch.device("cpu")).numpy()
        distances.append(pair_distances(pairs, embedded, head))
    tower.train()
    same = parts[1][1].same
    threshold = best_threshold(distances[1][same], distances[1][~same])
    return float(((distances[0] <= threshold) == parts[0][1].same).mean())


if __name__ == "__main__":
    main()
