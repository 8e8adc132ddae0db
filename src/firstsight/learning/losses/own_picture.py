"""Every view of a picture to the picture's own place, where the network that began has it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["OwnPicture"]


class OwnPicture(nn.Module):
    """Telling each picture from all others, whatever the view, without moving the pictures.

    As in instance discrimination (Wu et al. 2018, "Unsupervised feature learning via
    non-parametric instance discrimination", eq. 2), with places that stay: those of the network
    as it began, which is its own teacher (Hinton et al. 2015).
    Formula: -log softmax(cos(x, p_j) / temperature)_i + closeness * (1 - cos(x, p_i)), x being an
    embedding and p_i the place of its picture; the mean over a batch.
    """

    def __init__(self, *, temperature: float = 0.05, closeness: float = 1.0) -> None:
        super().__init__()
        self.temperature, self.closeness = temperature, closeness
        # No buffer, which checkpoints would hold and processes exchange at every step: places
        # follow from the pictures and from how the training began.
        self.places = torch.zeros(0, 0)

    def settle(self, places: Tensor) -> None:
        """places: (N, D), the embeddings of all N pictures before the training, of any length;
        they are brought to length 1, and kept."""
        self.places = F.normalize(places, out=places)

    def forward(self, embeddings: Tensor, pictures: Tensor) -> Tensor:
        """embeddings: (B, D), any length; pictures: (B,) int64 0..N-1. Returns the scalar mean."""
        self.places = self.places.to(embeddings.device)
        cosines = F.normalize(embeddings) @ self.places.T  # (B, N)
        own = cosines.gather(1, pictures[:, None])
        told = F.cross_entropy(cosines / self.temperature, pictures)
        return told + self.closeness * (1 - own).mean()
