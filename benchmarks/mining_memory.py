"""A training step's peak memory at batch 512: triplets here, and pytorch-metric-learning's.

128 classes of 4 pictures, the compact tower, embeddings of 128 numbers; the median of three fresh
processes for each figure. "Loss alone" is from embeddings to their gradients, "step" from pictures
to gradients. What is counted is how far the process grows beyond what it held before (Linux:
VmHWM, reset first).

    python benchmarks/mining_memory.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from pytorch_metric_learning import losses, miners
from torch import Tensor

from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.learning.losses.triplet import Mining, triplet_loss
from firstsight.learning.networks.heads import EuclideanHead
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.build import build_tower

N_CLASSES, N_PICTURES, SEED, REPEATS = 128, 4, 0, 3
OURS = "firstsight, semi_hard"
THEIRS = "pytorch-metric-learning, all triplets (default)"

Loss = Callable[[Tensor, Tensor], Tensor]


def ours(mining: Mining) -> Loss:
    head = EuclideanHead()

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        return triplet_loss(head.between(embeddings, embeddings), labels, mining=mining)[0]

    return loss


def theirs_semi_hard() -> Loss:
    criterion = losses.TripletMarginLoss(margin=0.2)
    miner = miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard")

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        cost: Tensor = criterion(embeddings, labels, miner(embeddings, labels))
        return cost

    return loss


VARIANTS: dict[str, Callable[[], Loss]] = {
    OURS: lambda: ours("semi_hard"),
    "firstsight, all": lambda: ours("all"),
    THEIRS: lambda: losses.TripletMarginLoss(margin=0.2),
    "pytorch-metric-learning, its semi-hard miner": theirs_semi_hard,
}


def growth_mb(variant: str, *, whole: bool) -> float:
    """How far this process grows, in MB of 10^6 bytes."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    labels = torch.arange(N_CLASSES).repeat_interleave(N_PICTURES)
    tower = build_tower(load_recipe("compact-triplet"))
    pictures = torch.rand(len(labels), 1, 32, 32)
    loss = VARIANTS[variant]()
    loss(torch.randn(8, 128, requires_grad=True), labels[:8]).backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        embeddings = tower(pictures[:8]).repeat(len(labels) // 8, 1)
    embeddings = (embeddings + 0.01 * torch.randn_like(embeddings)).requires_grad_()
    Path("/proc/self/clear_refs").write_text("5")
    before = status_kb("VmRSS")
    loss(tower(pictures) if whole else embeddings, labels).backward()  # type: ignore[no-untyped-call]
    return (status_kb("VmHWM") - before) * 1024 / 1e6


def status_kb(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def in_a_fresh_process(variant: str, *, whole: bool) -> float:
    command = [sys.executable, __file__, variant, "step" if whole else "loss"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    if len(sys.argv) == 3:
        print(growth_mb(sys.argv[1], whole=sys.argv[2] == "step"))
        return
    print(f"commit {find_commit()}, {find_hardware()}, torch {torch.__version__}, seed {SEED}")
    print(f"{'batch of 512':48s} {'loss alone MB':>14s} {'step MB':>9s}")
    found = {
        variant: [
            statistics.median(in_a_fresh_process(variant, whole=whole) for _ in range(REPEATS))
            for whole in (False, True)
        ]
        for variant in VARIANTS
    }
    for variant, (alone, step) in found.items():
        print(f"{variant:48s} {alone:14.1f} {step:9.1f}")
    ratios = [theirs / ours for theirs, ours in zip(found[THEIRS], found[OURS], strict=True)]
    print(f"{'default of theirs / ours':48s} {ratios[0]:14.1f} {ratios[1]:9.2f}")


if __name__ == "__main__":
    main()
