"""Seconds that a new process takes before it is of use; the median of some runs.

python benchmarks/start_up.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from firstsight.evaluation.scorecard import find_commit, find_hardware

RUNS = 9
FIRSTSIGHT = str(Path(sys.executable).with_name("firstsight"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import firstsight": [sys.executable, "-c", "import firstsight"],
    "firstsight --help": [FIRSTSIGHT, "--help"],
    "firstsight train --help": [FIRSTSIGHT, "train", "--help"],
    "firstsight recipes": [FIRSTSIGHT, "recipes"],
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    print(f"commit {find_commit()}, {find_hardware()}; median of {RUNS} runs after one warm-up")
    for name, command in COMMANDS.items():
        seconds(command)
        print(f"{name:26s} {statistics.median(seconds(command) for _ in range(RUNS)):6.3f} s")


if __name__ == "__main__":
    main()
