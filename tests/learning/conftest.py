from __future__ import annotations

from typing import Any

import pytest
import torch

from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.recipes.schema import Recipe, parse_recipe


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Networks this small are slower on two threads than on one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def glyphs() -> PackedPictures:
    """4 alphabets of 6 characters by 5 drawers, 16x16."""
    small = Preprocessing(size=16, invert=True)
    return draw_alphabets(small, n_alphabets=4, n_characters=6, n_drawers=5, seed=1)


TABLES: dict[str, Any] = {
    "name": "tiny",
    "data": {"train": "glyphs", "held_out_groups": 1},
    "picture": {"size": 16, "invert": True},
    "network": {
        "kind": "compact", "stem": 4, "widths": [8], "blocks": [1], "embedding_size": 8,
    },
    "loss": {"kind": "cosface"},
    "batches": {"kind": "uniform", "size": 16},
    "augment": {"turns": 4, "affine": {"rotation_deg": 10, "scale": [0.8, 1.2]}},
    "optimiser": {"kind": "adamw", "lr": 5e-3},
    "training": {
        "steps": 12, "validate_every": 4, "validation_trials": 50, "ema_decay": 0.9,
        "precision": "f32",
    },
}  # fmt: skip


def tiny_recipe(**changes: Any) -> Recipe:
    """TABLES with some tables updated: tiny_recipe(training={"steps": 3})."""
    tables = {
        key: {**value, **changes.get(key, {})} if isinstance(value, dict) else value
        for key, value in TABLES.items()
    }
    tables |= {key: value for key, value in changes.items() if key not in TABLES}
    for key in ("loss", "batches", "head", "network"):
        if key in changes and "kind" in changes[key]:
            tables[key] = changes[key]
    return parse_recipe(tables, origin="test recipe")
