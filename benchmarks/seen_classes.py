"""What a figure on the classes of the training is worth, beside one on classes never seen.

`compact` learns from five alphabets (omniglot:minimal1) and is judged by the protocol `dense` on
those and on the 25 other background alphabets. Raw pixels, which learned nothing, tell whether
one side is easier as such. A minute and a half on two quiet cores.

    python benchmarks/seen_classes.py [OUT]
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

import firstsight
from firstsight.data.catalogue import open_pictures
from firstsight.data.splits import hold_out_groups
from firstsight.evaluation.baselines import embed_raw_pixels
from firstsight.evaluation.protocols import dense
from firstsight.evaluation.scorecard import Scorecard, find_commit, find_hardware
from firstsight.similarity import Cosine

SEED = 0
STEPS = 800


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/seen-classes")
    run = firstsight.train(
        "compact",
        data="omniglot:minimal1",
        out=out,
        overrides=[f"training.steps={STEPS}", f"training.seed={SEED}"],
        console=Console(stderr=True),
    )
    model = firstsight.load(run.model)
    learned = open_pictures("omniglot:minimal1", model.info.preprocessing)
    background = open_pictures("omniglot:background", model.info.preprocessing)
    others, seen = hold_out_groups(background, learned.group_names)
    print(f"dense, seed {SEED}, {STEPS} steps, commit {find_commit()}, {find_hardware()}")
    print(f"{'accuracy %':22s} {'compact':>22s} {'raw pixels':>22s}")
    for told, pictures in (("alphabets it learned", seen), ("alphabets never seen", others)):
        cards = (
            dense(model.embed_pixels, model.info.head, pictures, SEED),
            dense(embed_raw_pixels, Cosine(), pictures, SEED),
        )
        print(f"{told:22s}", *(f"{percent(card):>22s}" for card in cards))


def percent(card: Scorecard) -> str:
    low, high = card.interval
    return f"{100 * card.value:.2f} [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
