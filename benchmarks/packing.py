"""Packing Omniglot by processes beside packing it by threads, in one run.

python benchmarks/packing.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from firstsight.data import decoding
from firstsight.data.catalogue import read_parts
from firstsight.data.packed import pack
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.images.preprocess import Preprocessing

ROUNDS = 2
NEVER = 2**62


def main() -> None:
    print(f"{find_hardware()}, commit {find_commit()}")
    seen, worth = Preprocessing(size=32, invert=True, fit="ink"), decoding._WORTH_PROCESSES
    for name, part in read_parts("omniglot").items():
        for _ in range(ROUNDS):
            seconds = []
            for fewest in (NEVER, worth):
                decoding._WORTH_PROCESSES = fewest
                with tempfile.TemporaryDirectory() as cache:
                    started = time.perf_counter()
                    pack(part, seen, cache=Path(cache))
                    seconds.append(time.perf_counter() - started)
            threads, processes = seconds
            print(
                f"{name}, {len(part):,} drawings: threads {threads:.1f} s, processes "
                f"{processes:.1f} s, {threads / processes:.2f} times as fast"
            )


if __name__ == "__main__":
    main()
