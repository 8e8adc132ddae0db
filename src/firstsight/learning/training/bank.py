"""Training pictures by number: a batch is an index."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstsight.data.packed import PackedPictures
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.augment.turns import TurnedClasses, turn

__all__ = ["PictureBank", "normalise", "pixels_of"]


class PictureBank:
    """Fetches normalised batches from packed pictures.

    On the CPU a batch is read straight from the packed array, memory-mapped or not; an
    accelerator gets the whole array once where it fits.
    """

    def __init__(
        self, pictures: PackedPictures, preprocessing: Preprocessing, n_turns: int
    ) -> None:
        self.classes = TurnedClasses(pictures.labels, pictures.groups, n_turns)
        self.fingerprint = f"{pictures.fingerprint} {preprocessing}"
        self._preprocessing = preprocessing
        self._pixels = pictures.pixels  # (N, H, W, C)
        self._labels = self.classes.turned_labels
        self._resident: Tensor | None = None
        self._device = torch.device("cpu")

    def to(self, device: torch.device) -> None:
        """Serve batches on `device` from now on."""
        self._device = device
        if device.type == "cuda" and self._resident is None:
            free, _ = torch.cuda.mem_get_info(device)
            if self._pixels.nbytes < free / 2:
                self._resident = torch.from_numpy(np.array(self._pixels)).to(device)

    def fetch(self, numbers: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Virtual picture numbers (B,) to pictures (B, C, H, W) float32 and labels (B,)."""
        rows, ways = self.classes.split(numbers)
        if self._resident is not None:
            pixels = self._resident[torch.from_numpy(rows).to(self._device)]
        else:
            pixels = torch.from_numpy(self._pixels[rows]).to(self._device)
        pictures = normalise(pixels, self._preprocessing)
        if self.classes.n_turns > 1:
            pictures = turn(pictures, torch.from_numpy(ways).to(self._device))
        return pictures, self.labels_of(numbers)

    def labels_of(self, numbers: NDArray[np.int64]) -> Tensor:
        """Virtual picture numbers (B,) to labels (B,) int64."""
        return torch.from_numpy(self._labels[numbers]).to(self._device)

    def __deepcopy__(self, memo: dict[int, Any]) -> PictureBank:
        # Averaging copies the whole module; the pictures are no weights.
        return self


def normalise(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """(B, H, W, C) uint8 to (B, C, H, W) float32, as Preprocessing.normalise does with numpy."""
    scaled = pixels.permute(0, 3, 1, 2).float().div_(255)
    if preprocessing.invert:
        scaled = 1 - scaled
    mean = torch.tensor(preprocessing.mean, device=pixels.device).view(1, -1, 1, 1)
    deviation = torch.tensor(preprocessing.deviation, device=pixels.device).view(1, -1, 1, 1)
    return (scaled - mean).div_(deviation)


def pixels_of(pictures: Tensor, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """(B, C, H, W) as `normalise` gives them to (B, H, W, C) uint8, as near as they come."""
    mean = torch.tensor(preprocessing.mean).view(1, -1, 1, 1)
    deviation = torch.tensor(preprocessing.deviation).view(1, -1, 1, 1)
    shown = (pictures * deviation + mean).clamp(0, 1)
    if preprocessing.invert:
        shown = 1 - shown
    return (255 * shown).round().byte().permute(0, 2, 3, 1).numpy()
