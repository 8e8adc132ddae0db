"""The network before its training: the honest zero of its own architecture, or of the weights it
started from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from firstsight.learning.recipes.schema import parse_recipe
from firstsight.learning.training.bank import normalise
from firstsight.learning.training.build import build_head, build_tower, finished_preprocessing
from firstsight.learning.training.memory import keep_freed_memory
from firstsight.learning.training.validation import batch_within
from firstsight.similarity import Head

__all__ = ["build_untrained"]

EmbedPixels = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def build_untrained(recipe_tables: dict[str, Any]) -> tuple[EmbedPixels, Head]:
    """How the recipe's network embeds (N, H, W, C) uint8 with the weights its training starts
    from, and its head. Raises RecipeError where the tables are no recipe."""
    keep_freed_memory()
    recipe = parse_recipe(recipe_tables, origin="the model's recipe")
    preprocessing = finished_preprocessing(recipe)
    torch.manual_seed(recipe.training.seed)
    tower, head = build_tower(recipe, as_started=True).eval(), build_head(recipe)

    @torch.no_grad()
    def embed(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        chunks = torch.from_numpy(np.array(pixels)).split(batch_within(preprocessing))  # type: ignore[no-untyped-call]
        embeddings = [tower(normalise(chunk, preprocessing)) for chunk in chunks]
        return np.asarray(torch.cat(embeddings).numpy(), np.float32)

    return embed, head.frozen()
