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
    sister: str | None,
    *,
    to: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    from firstsight.deciding.calibrated import Calibrated
    from firstsight.model.folder import read_model_info

    if (data is None) == (sister is None):
        raise UsageError("give --data (things the model never saw), or --sister, one of them")
    if data is not None:
        place, _ = calibrating.calibrate(model, data, to=to, seed=seed, console=messages())
    else:
        assert sister is not None
        place = calibrating.borrow(model, sister, to=to)
    record = read_model_info(place).calibration
    calibrated = Calibrated.from_json(record)
    if as_json:
        print_json({"model": str(place), "calibration": record})
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
