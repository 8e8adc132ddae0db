"""The network before any learning: the honest zero of its own architecture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from firstsight.learning.recipes.schema import parse_recipe
from firstsight.learning.training.bank import normalise
from firstsight.learning.training.build import build_head, build_preprocessing, build_tower
from firstsight.similarity import Head

__all__ = ["build_untrained"]

EmbedPixels = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def build_untrained(recipe_tables: dict[str, Any]) -> tuple[EmbedPixels, Head]:
    """How the recipe's network embeds (N, H, W, C) uint8 with its first random weights, and its
    head. Raises RecipeError where the tables are no recipe."""
    recipe = parse_recipe(recipe_tables, origin="the model's recipe")
    preprocessing = build_preprocessing(recipe)
    torch.manual_seed(recipe.training.seed)
    tower, head = build_tower(recipe).eval(), build_head(recipe)

    @torch.no_grad()
    def embed(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        pictures = normalise(torch.from_numpy(np.array(pixels)), preprocessing)
        return np.asarray(tower(pictures).numpy(), np.float32)

    return embed, head.frozen()
