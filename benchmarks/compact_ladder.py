"""What each choice in the recipe `compact` is worth on held-out background alphabets.

Every rung trains on 24 background alphabets and answers 5,000 random 20-way one-shot trials inside
the other six; which six changes with the seed, and is the same for all rungs. No evaluation
alphabet is opened. Short trainings rank choices fairly well and cost a minute each; --steps 2300
is the recipe's own length.

    python benchmarks/compact_ladder.py [--steps 900] [--seeds 0 1] [--rungs "as shipped" ...]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from rich.console import Console

import firstsight
from firstsight.evaluation.scorecard import find_commit, find_hardware

RUNGS: dict[str, list[str]] = {
    "as shipped": [],
    "the whole page, not the frame of the ink": ["picture.fit=squash"],
    "one view of each picture": ["network.turned_views=false"],
    "pictures smoothed once trained": ["network.smoothing=0.55"],
    "no elastic bending": ["augment.affine.elastic=0.0"],
    "no quarter turns": ["augment.turns=1", "network.turned_views=false"],
    "mirror images are classes too": ["augment.turns=8"],
    "no affine distortion": ["augment.affine.probability=0.0"],
    "stronger affine distortion": [
        "augment.affine.rotation_deg=25",
        "augment.affine.scale=[0.6, 1.6]",
        "augment.affine.shear=0.4",
    ],
    "class weights as slow as the rest": ["loss.lr_factor=1.0"],
    "margin 0.1": ["loss.margin=0.1"],
    "margin 0.35, scale 24": ["loss.margin=0.35", "loss.scale=24.0"],
    "half of each batch from one alphabet": ["batches.kind=half_group"],
    "no weight average": ["training.ema_decay=0.01"],
}


def accuracy(rung: str, seed: int, steps: int) -> float:
    """One-shot accuracy in percent after a training of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = firstsight.train(
            "compact",
            out=Path(folder) / "run",
            overrides=[
                *RUNGS[rung],
                f"training.seed={seed}",
                f"training.steps={steps}",
                f"training.validate_every={steps}",
                "training.validation_trials=5000",
                "data.held_out_groups=6",
            ],
            console=Console(stderr=True),
        )
    assert run.accuracy is not None
    return 100 * run.accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--rungs", nargs="+", choices=list(RUNGS), default=list(RUNGS))
    wanted = parser.parse_args()
    print(f"commit {find_commit()}, {find_hardware()}, {wanted.steps} steps", flush=True)
    for rung in wanted.rungs:
        figures = [accuracy(rung, seed, wanted.steps) for seed in wanted.seeds]
        shown = " ".join(f"{figure:6.2f}" for figure in figures)
        print(f"{rung:40s} {statistics.mean(figures):6.2f}  ({shown})", flush=True)


if __name__ == "__main__":
    main()
