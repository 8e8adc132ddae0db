"""Features that no longer learn are worked out once, and read from a memory map ever after."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from firstsight.errors import storing
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.training.bank import PictureBank

__all__ = ["FrozenFeatures", "can_freeze"]

_BATCH = 64


def can_freeze(recipe: Recipe, tower: torch.nn.Module) -> bool:
    """Whether a picture's features are the same at every step: nothing before the projection
    learns or keeps statistics, and nothing varies the picture."""
    augment = recipe.augment
    moved = augment.mirror or augment.affine or augment.other_views
    varied = moved or augment.thickness_px or augment.photo
    return isinstance(tower, PooledTower) and tower.features_are_frozen and not varied


class FrozenFeatures:
    """The pooled features of every picture of a bank (turned ones too), (N, n_channels) float32.

    A file in `cache`, named by the pictures and the weights that it was made of, so that another
    training on the same ones finds it. console: of a progress bar while it is made.
    """

    def __init__(
        self,
        bank: PictureBank,
        tower: PooledTower,
        cache: Path,
        device: torch.device,
        console: Console | None = None,
    ) -> None:
        self._device = device
        path = cache / f"features-{_key(bank, tower)[:32]}.npy"
        if not path.exists():
            with storing(path):
                _write(path, bank, tower, console)
        self._features: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)

    def __len__(self) -> int:
        return len(self._features)

    def fetch(self, numbers: NDArray[np.int64]) -> Tensor:
        """Picture numbers (B,) to features (B, n_channels)."""
        return torch.from_numpy(np.array(self._features[numbers])).to(self._device)


@torch.no_grad()
def _write(path: Path, bank: PictureBank, tower: PooledTower, console: Console | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (bank.classes.n_pictures, tower.n_channels)
    handle, draft = tempfile.mkstemp(".partial", path.stem, path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            starts = range(0, shape[0], _BATCH)
            quiet = console is None
            for start in track(starts, "features", console=console, transient=True, disable=quiet):
                numbers = np.arange(start, min(start + _BATCH, shape[0]))
                features = tower.pooled_features(bank.fetch(numbers)[0])
                # Plain writes: on a full disk they raise, where a memory map would kill us.
                stream.write(features.float().cpu().numpy().astype("<f4").tobytes())
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _key(bank: PictureBank, tower: PooledTower) -> str:
    pooling = f"{tower.pool} {tower.mirrored} {tower.finer}"
    digest = hashlib.sha256(f"{bank.fingerprint} {pooling}".encode())
    for name, tensor in tower.features.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()
