"""Features that no longer learn are worked out once, and read from a memory map ever after."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from firstsight.errors import StorageError
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.training.bank import PictureBank

__all__ = ["FrozenFeatures", "can_freeze"]

_BATCH = 64
_EDITION = 2  # raised where the same pictures and weights have other features than before
_MOST_IN_MEMORY_BYTES = 2**31


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
    training on the same ones finds it. Where it cannot be written they are kept in memory, up to
    2 GiB; StorageError beyond that. console: of a progress bar while it is made.
    """

    def __init__(
        self,
        bank: PictureBank,
        tower: PooledTower,
        cache: Path,
        console: Console | None = None,
    ) -> None:
        path = cache / f"features-{_key(bank, tower)[:32]}.npy"
        shape = (bank.classes.n_pictures, tower.n_channels)
        found = _read(path, shape)
        if found is None:
            try:
                _write(path, shape, _blocks(bank, tower, console))
                found = _read(path, shape)
            except OSError as refusal:
                n_bytes = 4 * shape[0] * shape[1]
                if n_bytes > _MOST_IN_MEMORY_BYTES:
                    raise StorageError(
                        f"{path.parent} cannot hold {n_bytes / 1e9:.1f} GB of features "
                        f"({refusal.strerror or refusal}); free some room, or set FIRSTSIGHT_CACHE "
                        "to a folder with more"
                    ) from refusal
        if found is None:
            found = np.concatenate(list(_blocks(bank, tower, console)))
        self._features: NDArray[np.float32] = found

    def __len__(self) -> int:
        return len(self._features)

    def fetch(self, numbers: NDArray[np.int64]) -> Tensor:
        """Picture numbers (B,) to features (B, n_channels), on the CPU."""
        return torch.from_numpy(np.array(self._features[numbers]))


@torch.no_grad()
def _blocks(
    bank: PictureBank, tower: PooledTower, console: Console | None
) -> Iterator[NDArray[np.float32]]:
    n, quiet = bank.classes.n_pictures, console is None
    starts = range(0, n, _BATCH)
    for start in track(starts, "features", console=console, transient=True, disable=quiet):
        numbers = np.arange(start, min(start + _BATCH, n))
        features = tower.pooled_features(bank.fetch(numbers)[0])
        yield features.float().cpu().numpy()


def _write(path: Path, shape: tuple[int, int], blocks: Iterator[NDArray[np.float32]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(".partial", path.stem, path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for block in blocks:
                # Plain writes: on a full disk they raise, where a memory map would kill us.
                stream.write(block.astype("<f4").tobytes())
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """None for what is missing, damaged or of another shape."""
    try:
        found: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float32 else None


def _key(bank: PictureBank, tower: PooledTower) -> str:
    pooling = f"{_EDITION} {tower.pool} {tower.mirrored} {tower.finer} {tower.closer}"
    turns = bank.classes.n_turns
    digest = hashlib.sha256(f"{bank.fingerprint} {turns} {pooling}".encode())
    for name, tensor in tower.features.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()
