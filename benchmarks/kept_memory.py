"""A step with and without the memory that the one before it gave back.

EfficientNet-Lite1 at 240 pixels without gradients (batches of 16), as `photos` is whitened, and
SqueezeNet 1.1 at 224 with gradients behind its first six layers (batches of 32), as photographs are
learned; one thread, processes of both kinds in turn.

    python benchmarks/kept_memory.py [ROUNDS]
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.learning.networks.backbones import build_backbone
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.training.memory import keep_freed_memory

STEPS = 5


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found: dict[str, list[dict[str, float]]] = {"kept": [], "as is": []}
    for _ in range(rounds):
        for kind, runs in found.items():
            ended = subprocess.run(
                [sys.executable, __file__, "--one", kind],
                capture_output=True,
                check=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            runs.append(json.loads(ended.stdout))
    print(f"median of {rounds}, commit {find_commit()}, {find_hardware()}, one thread")
    for figure in found["kept"][0]:
        kept, plain = (
            statistics.median(each[figure] for each in found[k]) for k in ("kept", "as is")
        )
        print(f"{figure:44s} {plain:8.3f} as is {kept:8.3f} kept, ratio {plain / kept:.2f}")


def one(kind: str) -> dict[str, float]:
    torch.set_num_threads(1)
    if kind == "kept" and not keep_freed_memory():
        raise SystemExit("this C library cannot be told to keep what is freed")
    lite = build_backbone("efficientnet_lite1").features.eval()
    lite.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    large = torch.rand(16, 3, 240, 240).contiguous(memory_format=torch.channels_last)
    tower = PooledTower(build_backbone("squeezenet1_1").features, 512, n_frozen=6)
    tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pictures = torch.rand(32, 3, 224, 224).contiguous(memory_format=torch.channels_last)

    def look() -> None:
        with torch.no_grad():
            lite(large)

    def learn() -> None:
        tower(pictures).sum().backward()

    figures = {
        "EfficientNet-Lite1, seconds a batch of 16": seconds(look),
        "SqueezeNet 1.1, seconds a step of 32": seconds(learn),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {**figures, "peak of memory, GiB": peak}


def seconds(step: Callable[[], None]) -> float:
    step()
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - started) / STEPS


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(one(sys.argv[-1])))
    else:
        main()
