"""A training shared by several processes, as torchrun starts them.

Each process embeds its share of the same numbered batch; the embeddings are gathered, so that every
process compares all with all, and the gradients are those of one process on the whole batch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from firstsight.errors import RecipeError, TrainingError

__all__ = ["ONE", "Processes", "gathered", "processes_here"]


@dataclass(frozen=True)
class Processes:
    """How many share the training, how many of them on this machine, and which of them this is."""

    count: int
    on_this_machine: int
    rank: int

    @property
    def is_first(self) -> bool:
        """The one that speaks and writes."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Which of the n rows of a batch are this process's."""
        size = n // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def for_trainer(self) -> dict[str, Any]:
        """What Lightning's Trainer must be told. TrainingError where GPUs are too few."""
        if self.count == 1:
            return {"devices": 1}
        n_gpus = torch.cuda.device_count()
        if 0 < n_gpus < self.on_this_machine:
            raise TrainingError(
                f"torchrun started {self.on_this_machine} processes here, but there are {n_gpus} "
                "GPUs; start one process for each (--nproc-per-node)"
            )
        nodes = self.count // self.on_this_machine
        return {"devices": self.on_this_machine, "num_nodes": nodes, "strategy": "ddp"}

    def require_even(self, n: int) -> None:
        """RecipeError where a batch of n pictures cannot be shared evenly."""
        if n % self.count:
            raise RecipeError(
                f"a batch of {n} pictures cannot be shared evenly by {self.count} processes; "
                "choose batches that can, or another number of processes"
            )


ONE = Processes(count=1, on_this_machine=1, rank=0)


def processes_here() -> Processes:
    """As torchrun's environment says; one process without it."""
    if not torch.distributed.is_torchelastic_launched():
        return ONE
    return Processes(
        count=int(os.environ["WORLD_SIZE"]),
        on_this_machine=int(os.environ["LOCAL_WORLD_SIZE"]),
        rank=int(os.environ["RANK"]),
    )


def gathered(rows: Tensor) -> Tensor:
    """The rows (b, ...) of every process, in order of rank: (B, ...).

    Backward, each process gets the gradients that all of them have for its rows, summed. Averaged
    over processes, as DistributedDataParallel does with weights, that is the gradient of one.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return rows
    together: Tensor = _Gather.apply(rows.contiguous())  # type: ignore[no-untyped-call]
    return together


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        summed = gradient.contiguous().clone()
        torch.distributed.all_reduce(summed)
        return summed.chunk(torch.distributed.get_world_size())[torch.distributed.get_rank()]
