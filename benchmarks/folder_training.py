"""A user's folder of 20,000 JPEGs: packing beside the bare decoder, a step beside ready tensors.

The pictures are crops of the snacks photographs, encoded anew at their own size, no two the same.
Packing reads, decodes, fits and stores each picture; the decoder does all but store. It runs
before and after the packing, in one process a core, so that nothing is shared. Reach: 0.90. On a
machine that is busy with other things the seconds of the processor say more than those of a clock.
After that the recipe `photos-tuned` trains from the packed file through the engine, beside a bare
loop of the same network on tensors that lie ready. Blocks of steps alternate in one process.
Reach: 1.10.

    python benchmarks/folder_training.py [--pictures 20000] [--folder WHERE-TO-KEEP-THEM]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from PIL import Image
from rich.console import Console

from firstsight.data.catalogue import read_parts
from firstsight.data.folder import read_folder
from firstsight.data.manifest import Manifest
from firstsight.data.packed import PackedPictures, pack
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.build import build_preprocessing
from firstsight.learning.training.module import TwinTraining
from firstsight.learning.training.session import Session

SEED = 0
QUALITY = 90
BLOCKS, STEPS, READY = 12, 4, 2


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--pictures", type=int, default=20_000)
    options.add_argument("--folder", type=Path, help="made there, or found there from before")
    options.add_argument("--only-make", action="store_true", help="the folder, no measuring")
    given = options.parse_args()
    print(f"{find_hardware()}, commit {find_commit()}, seed {SEED}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "folder"
        if not folder.is_dir():
            make_folder(folder, given.pictures)
        if given.only_make:
            return
        recipe = load_recipe(
            "photos-tuned", ["network.weights=random", f"training.steps={n_steps()}"]
        )
        pictures = measure_packing(read_folder(folder), build_preprocessing(recipe), Path(scratch))
        measure_steps(recipe, pictures, Path(scratch) / "run")


def make_folder(folder: Path, n_pictures: int) -> None:
    """folder/CLASS/NUMBER.jpg: of each photograph as many crops as are needed."""
    parts = read_parts("snacks").values()
    files = [
        (source.path, part.class_names[label])
        for part in parts
        for source, label in zip(part.sources, part.labels, strict=True)
    ]
    files = files[:: max(1, len(files) // n_pictures)]  # a small folder has all classes too

    def make(number: int) -> None:
        file, name = files[number % len(files)]
        rng = np.random.default_rng([SEED, number])
        with Image.open(file) as image:
            photo = image.convert("RGB")
        width, height = photo.size
        share = rng.uniform(0.85, 1.0)
        left, top = (rng.uniform(0, (1 - share) * side) for side in (width, height))
        box = (left, top, left + share * width, top + share * height)
        crop = photo.resize(photo.size, Image.Resampling.BICUBIC, box)
        crop.save(folder / name / f"{number}.jpg", "JPEG", quality=QUALITY)

    for name in {name for _, name in files}:
        (folder / name).mkdir(parents=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(make, range(n_pictures)))


def measure_packing(
    manifest: Manifest, preprocessing: Preprocessing, scratch: Path
) -> PackedPictures:
    n_cores = os.cpu_count() or 1
    files = [source.path for source in manifest.sources]
    with ProcessPoolExecutor(n_cores) as pool:
        shares = [files[core::n_cores] for core in range(n_cores)]

        cpu_s: list[float] = []

        def decode() -> None:
            cpu_s.append(sum(pool.map(partial(decode_files, preprocessing), shares)))

        decode_files(preprocessing, files[:200])
        before_s = timed(decode)
        packed: list[PackedPictures] = []
        own_s = cpu_seconds()
        pack_s = timed(
            lambda: packed.append(pack(manifest, preprocessing, cache=scratch / "cache"))
        )
        own_s = cpu_seconds() - own_s
        after_s = timed(decode)
    opened_s = timed(lambda: pack(manifest, preprocessing, cache=scratch / "cache"))
    n = len(manifest)
    decoder = n / statistics.mean((before_s, after_s))
    print(
        f"{n:,} pictures; decoder alone, {n_cores} processes: "
        f"{n / before_s:.0f} and {n / after_s:.0f} pictures/s; "
        f"packing: {n / pack_s:.0f} pictures/s, {n / pack_s / decoder:.3f} of the decoder "
        f"(by seconds of the processor {statistics.mean(cpu_s) / own_s:.3f}); "
        f"opening it packed: {opened_s:.2f} s ({packed[0].pixels.nbytes / 1e9:.2f} GB)",
        flush=True,
    )
    return packed[0]


def decode_files(preprocessing: Preprocessing, files: list[Path]) -> float:
    """Seconds of the processor that it took."""
    started = time.process_time()
    for file in files:
        preprocessing.pixels(file.read_bytes())
    return time.process_time() - started


def cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in usage)


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def n_steps() -> int:
    return STEPS * (BLOCKS + 1)


class Alternate(Callback):
    """After each block of engine steps a block of bare ones of either kind, off the clock."""

    def __init__(self, bare: list[Callable[[], float]]) -> None:
        self.bare = bare
        self.engine_s: list[float] = []
        self.bare_s: list[list[float]] = []
        self._started = 0.0

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step % STEPS:
            return
        taken_s = (time.perf_counter() - self._started) / STEPS
        bare_s = [block() for block in self.bare]
        if self._started:  # the first block of either side only warms up
            self.engine_s.append(taken_s)
            self.bare_s.append(bare_s)
        self._started = time.perf_counter()


def measure_steps(recipe: Recipe, pictures: PackedPictures, folder: Path) -> None:
    session = Session(recipe, pictures, folder, Console(quiet=True))
    module: TwinTraining = session._module
    ready = [module.bank.fetch(module.batches.at(step)) for step in range(READY)]
    optimiser = module.configure_optimizers()["optimizer"]

    def block(*, varied: bool) -> float:
        started = time.perf_counter()
        for step in range(STEPS):
            batch, labels = ready[step % READY]
            for vary in module.variations if varied else ():
                batch = vary(batch)
            batch = batch.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=session.bf16_pays()):
                embeddings = module.tower(batch)
            loss = module.objective(embeddings.float(), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return (time.perf_counter() - started) / STEPS

    alternate = Alternate([partial(block, varied=True), partial(block, varied=False)])
    session.fit(session.trainer(alternate), None)
    rows = zip(alternate.engine_s, alternate.bare_s, strict=True)
    ratios = [[engine / bare for bare in both] for engine, both in rows]
    varied, plain = (statistics.median(column) for column in zip(*ratios, strict=True))
    precision = "bf16" if session.bf16_pays() else "f32"
    print(
        f"step of {recipe.name} in {precision}: "
        f"{1e3 * statistics.median(alternate.engine_s):.0f} ms from the packed file; "
        f"{varied:.3f} of ready tensors varied as the recipe says, {plain:.3f} of ready tensors "
        "as they are"
    )


if __name__ == "__main__":
    main()
