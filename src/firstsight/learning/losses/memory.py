"""Cross-batch memory: embeddings of earlier batches to compare with (Wang et al. 2020).

pytorch-metric-learning's keeps its place in a plain attribute, which no checkpoint holds; this one
keeps all it knows in buffers, so that a resumed training goes on bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from firstsight.errors import ShapeError

__all__ = ["CrossBatchMemory"]


class CrossBatchMemory(nn.Module):
    """Lets a loss on pairs compare a batch with the last `size` embeddings, its own among them.

    loss: called as loss(embeddings, labels, pairs, remembered, remembered_labels), pairs being
        (anchor, positive, anchor, negative) indices; a picture is no pair with itself.
    """

    embeddings: Tensor
    labels: Tensor
    n_seen: Tensor

    def __init__(self, loss: nn.Module, *, size: int, embedding_size: int) -> None:
        super().__init__()
        self.loss: Callable[..., Tensor] = loss
        self.register_buffer("embeddings", torch.zeros(size, embedding_size))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("n_seen", torch.zeros((), dtype=torch.int64))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(B, D) and (B,) int64 to a scalar. ShapeError where the memory holds no whole batch."""
        size = len(self.labels)
        if len(labels) > size:
            raise ShapeError(
                f"a memory of {size} embeddings does not hold a batch of {len(labels)}; raise it"
            )
        places = (self.n_seen + torch.arange(len(labels), device=labels.device)) % size
        self.embeddings[places] = embeddings.detach()
        self.labels[places] = labels
        self.n_seen += len(labels)
        n = min(size, int(self.n_seen))
        remembered, remembered_labels = self.embeddings[:n], self.labels[:n]
        same = labels[:, None] == remembered_labels
        itself = places[:, None] == torch.arange(n, device=labels.device)
        anchor, positive = torch.nonzero(same & ~itself, as_tuple=True)
        other_anchor, negative = torch.nonzero(~same, as_tuple=True)
        pairs = (anchor, positive, other_anchor, negative)
        return self.loss(embeddings, labels, pairs, remembered, remembered_labels)
