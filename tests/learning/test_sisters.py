"""A model that learned from all there is, calibrated by sisters that held some out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from firstsight.app.calibrating import borrow
from firstsight.app.training import train
from firstsight.errors import DataError, ModelFolderError, UsageError

SMALL = (
    "data.train='omniglot:minimal1'",
    *("picture.size=16", "network.stem=4", "network.widths=[8]", "network.blocks=[1]"),
    *("network.embedding_size=8", "batches.size=16"),
    *("training.steps=3", "training.validate_every=3", "training.ema_decay=0.5"),
)


@pytest.fixture(scope="module")
def family(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By what each held out of the five alphabets."""
    held_out = {
        "none": (),
        "first": ("data.held_out_groups=2",),
        "second": ("data.held_out_groups=2", "data.held_out_part=1"),
        "hasty": ("data.held_out_groups=2", "training.steps=1", "training.validate_every=1"),
        "stranger": ("data.held_out_groups=2", "optimiser.lr=0.001"),
    }
    root = tmp_path_factory.mktemp("family")
    return {
        name: train(
            "compact",
            out=root / name,
            overrides=[*SMALL, *changes],
            console=Console(file=io.StringIO()),
        ).model
        for name, changes in held_out.items()
    }


def test_sisters_vouch_together_for_what_each_held_out(
    family: dict[str, Path], tmp_path: Path
) -> None:
    quiet = Console(file=io.StringIO())
    _, alone = borrow(family["none"], [family["first"]], to=tmp_path / "a", console=quiet)
    place, together = borrow(
        family["none"], [family["first"], family["second"]], to=tmp_path / "b", console=quiet
    )
    assert place == tmp_path / "b"
    n_alone, n_together = alone.fitted_on["classes"], together.fitted_on["classes"]
    assert 20 < n_alone < n_together < 136
    assert len(together.fitted_on["by_sisters"]) == 2
    assert together.strangers.thing.max() == n_together - 1


def test_no_sister_is_taken_for_one(family: dict[str, Path], tmp_path: Path) -> None:
    for wrong, error, told in (
        ([family["stranger"]], ModelFolderError, "recipes differ in more than the classes"),
        (
            [family["hasty"]],
            ModelFolderError,
            "learned for 1 steps, less than half of the model's 3",
        ),
        ([family["none"]], UsageError, "was trained on all of these pictures"),
        ([family["first"], family["first"]], DataError, "keep them on one side"),
    ):
        with pytest.raises(error, match=told):
            borrow(family["none"], wrong, to=tmp_path / "c", console=Console(file=io.StringIO()))
        assert not (tmp_path / "c").exists()
