"""Train on a folder of your own, and say what the model is worth on things it never saw.

    python examples/train_and_judge.py FOLDER [STEPS]

FOLDER holds a sub-folder for each thing, with two pictures or more. A fifth of the things is kept
from the training: those judge it. The recipe is for drawings; take "photos" for photographs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import firstsight


def main(folder: Path, steps: int) -> None:
    run = firstsight.train(
        "compact",
        data=folder,
        out="runs/example",
        overrides=["data.held_out_classes=0.2", f"training.steps={steps}"],
    )
    card = firstsight.evaluate(run.model, data=folder, protocol="nway", n_way=5, across=True)
    low, high = card.interval
    print(f"5-way one-shot on things never seen: {card.value:.1%}")
    print(f"95 % interval: {low:.1%} .. {high:.1%}")
    print(f"model: {run.model}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500)
