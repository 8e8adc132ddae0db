"""What every protocol asks of a model: pictures in, embeddings out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from firstsight.errors import DataError, ShapeError
from firstsight.images.rows import PixelRows

__all__ = ["Embed", "embed_all"]

Embed = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Pictures (N, H, W, C) uint8, dark on light, to embeddings (N, D)."""


def embed_all(embed: Embed, pixels: PixelRows, *, batch_size: int = 256) -> npt.NDArray[np.float32]:
    """(N, H, W, C) to (N, D), a batch at a time, so that a memory map is never read whole."""
    parts = []
    for start in range(0, len(pixels), batch_size):
        batch = pixels[start : start + batch_size]
        embedded = np.asarray(embed(batch), np.float32)
        if embedded.ndim != 2 or len(embedded) != len(batch):
            raise ShapeError(
                f"embed gave shape {embedded.shape} for {len(batch)} pictures; "
                "wanted one row of numbers a picture"
            )
        parts.append(embedded)
    if not parts:
        raise DataError("there are no pictures to embed; give at least one")
    return np.concatenate(parts)
