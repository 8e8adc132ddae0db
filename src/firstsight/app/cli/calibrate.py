"""`firstsight calibrate`."""

from __future__ import annotations

from pathlib import Path

from firstsight.app import calibrating
from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.errors import UsageError

__all__ = ["calibrate"]


def calibrate(
    model: str,
    data: str | None,
    sisters: list[str],
    *,
    same_means: str | None,
    to: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    if (data is None) == (not sisters):
        raise UsageError("give --data (things the model never saw), or --sister, one of them")
    if same_means is not None and not same_means.strip():
        raise UsageError("--same-means is empty; say what the same is, such as 'the same mug'")
    if sisters and same_means is not None:
        raise UsageError(
            "--same-means goes with --data: sisters judge by the classes that their recipe names"
        )
    if data is not None:
        place, calibrated = calibrating.calibrate(
            model,
            data,
            same_means=same_means and same_means.strip(),
            to=to,
            seed=seed,
            console=messages(),
        )
    else:
        place, calibrated = calibrating.borrow(model, sisters, to=to, seed=seed, console=messages())
    if as_json:
        print_json({"model": str(place), "calibration": calibrated.to_json()})
        return
    rows = [
        (f"{100 * each.false_matches:g}", f"{each.threshold:.4g}", f"{100 * each.misses:.1f}")
        for each in calibrated.table
    ]
    about = ", ".join(f"{key} {value}" for key, value in calibrated.fitted_on.items())
    print_table(
        f"What its distances mean, from {about}",
        ("different pairs that pass %", "threshold", "same pairs missed %"),
        rows,
    )
    print(place)  # noqa: T201
