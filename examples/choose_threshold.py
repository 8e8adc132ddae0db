"""Calibrate a model on your kind of picture, and see what each false-match rate would cost.

    python examples/choose_threshold.py THINGS A B

THINGS holds a sub-folder for each thing, none of which the model was trained on. A and B are two
pictures to compare at the rate that you would choose. The shipped model stays as it is; a
calibrated copy is written beside.
"""

from __future__ import annotations

import sys
from pathlib import Path

import firstsight


def main(things: Path, a: Path, b: Path) -> None:
    model, calibrated = firstsight.calibrate("characters", str(things), to=Path("calibrated"))
    print("false matches   threshold   misses")
    for row in calibrated.table:
        print(f"{row.false_matches:13.2%}   {row.threshold:9.3f}   {row.misses:6.1%}")
    chosen = calibrated.table[0].false_matches
    compared = firstsight.verify(a, b, model=model, false_matches=chosen)
    verdict = "the same" if compared.same else "not the same"
    print(f"{a.name} and {b.name}: {verdict}, probability of the same {compared.probability:.0%}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
