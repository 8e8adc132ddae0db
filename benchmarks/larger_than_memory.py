"""Training on a set ten times larger than the memory that the process may have.

The kernel refuses the process more than LIMIT of memory of its own (RLIMIT_DATA: everything that
is written to and is no file; pages of a mapped file are none, for the kernel drops them whenever
it wants). Under that limit a folder of JPEGs is packed, trained on, and a fifth of its classes is
embedded to calibrate the model, as `firstsight train` does. The set, once packed, is more than ten
times as large as the limit. Also printed: the most memory of its own that the process really had.

    python benchmarks/larger_than_memory.py [--folder MADE-BY-folder_training.py]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

LIMIT_BYTES = 1200 * 10**6
SIDE_PX, N_PICTURES = 448, 20_000  # 12.0 GB
STEPS = 40
OVERRIDES = (
    f"picture.size={SIDE_PX}",
    "picture.mode=rgb",
    "picture.fit=crop",
    "picture.invert=false",
    "network.stem=8",
    "network.widths=[8, 16]",
    "network.embedding_size=16",  # its last layer is a matrix over all of the last map
    "network.turned_views=false",
    "augment.turns=1",
    "batches.size=8",
    f"training.steps={STEPS}",
    f"training.validate_every={STEPS}",
    "training.validation_trials=200",
    "data.held_out_classes=0.2",
)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--folder", type=Path)
    options.add_argument("--limited", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.limited:
        train_within_limit(given.folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "folder"
        if not folder.is_dir():
            maker = Path(__file__).with_name("folder_training.py")
            made = ["--pictures", str(N_PICTURES), "--folder", str(folder), "--only-make"]
            subprocess.run([sys.executable, maker, *made], check=True)
        # Threads beyond the cores would each take a share of the limit for their malloc.
        settings = {"FIRSTSIGHT_CACHE": f"{scratch}/cache", "MALLOC_ARENA_MAX": "2"}
        subprocess.run(
            [sys.executable, __file__, "--limited", "--folder", folder.resolve()],
            env={**os.environ, **settings},
            cwd=scratch,
            check=True,
        )


def train_within_limit(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    most = MostMemory()
    from rich.console import Console

    import firstsight
    from firstsight.data.catalogue import open_pictures
    from firstsight.evaluation.scorecard import find_commit, find_hardware
    from firstsight.model.embedder import load

    print(f"{find_hardware()}, commit {find_commit()}, seed 0")
    started = time.perf_counter()
    run = firstsight.train(
        "compact", data=folder, overrides=OVERRIDES, console=Console(stderr=True)
    )
    seconds = time.perf_counter() - started
    embedder = load(run.model)
    pictures = open_pictures(str(folder), embedder.info.preprocessing)
    n_bytes = pictures.pixels.nbytes
    print(
        f"packed set {n_bytes / 1e9:.2f} GB ({len(pictures):,} pictures), limit "
        f"{LIMIT_BYTES / 1e9:.2f} GB: {n_bytes / LIMIT_BYTES:.1f} times the limit\n"
        f"packed, trained ({run.step} steps, {run.ended}) and calibrated in {seconds:.0f} s; most "
        f"memory of its own {most.anonymous_bytes() / 1e9:.2f} GB, "
        f"{n_bytes / most.anonymous_bytes():.1f} times smaller than the set"
    )


class MostMemory:
    """The largest RssAnon of this process, looked at twenty times a second."""

    def __init__(self) -> None:
        self._most_kib = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def anonymous_bytes(self) -> int:
        return 1024 * self._most_kib

    def _watch(self) -> None:
        while True:
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    self._most_kib = max(self._most_kib, int(line.split()[1]))
            time.sleep(0.05)


if __name__ == "__main__":
    main()
