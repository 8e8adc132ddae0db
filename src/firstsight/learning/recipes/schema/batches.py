"""[batches]: which pictures make up a batch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from firstsight.learning.recipes.schema.table import Table

__all__ = [
    "BatchKind",
    "Batches",
    "ClassBatch",
    "EpisodeBatch",
    "HalfGroupBatch",
    "PairBatch",
    "UniformBatch",
]

BatchKind = Literal["uniform", "half_group", "classes", "pairs", "episodes"]


class UniformBatch(Table):
    kind: Literal["uniform"]
    size: int = Field(256, ge=2, description="pictures in a batch")

    @property
    def n_rows(self) -> int:
        return self.size


class HalfGroupBatch(Table):
    kind: Literal["half_group"]
    size: int = Field(256, ge=4, description="pictures in a batch")

    @property
    def n_rows(self) -> int:
        return self.size


class ClassBatch(Table):
    kind: Literal["classes"]
    n_classes: int = Field(32, ge=2, description="classes in a batch")
    n_pictures: int = Field(4, ge=2, description="pictures of each class")

    @property
    def n_rows(self) -> int:
        return self.n_classes * self.n_pictures


class PairBatch(Table):
    kind: Literal["pairs"]
    n_pairs: int = Field(128, ge=2, multiple_of=2, description="pairs in a batch, half the same")
    pool: int | None = Field(
        None, ge=2, multiple_of=2, description="draw this many pairs once; none: fresh pairs always"
    )
    visits: int = Field(1, ge=1, description="times that an epoch shows each pair of the pool")
    within_group: bool = Field(False, description="both pictures from one group (alphabet)")

    @model_validator(mode="after")
    def _visits_a_pool(self) -> PairBatch:
        if self.visits > 1 and self.pool is None:
            raise ValueError("visits counts how often pairs of a pool come up: set pool too")
        return self

    @property
    def n_rows(self) -> int:
        return 2 * self.n_pairs


class EpisodeBatch(Table):
    kind: Literal["episodes"]
    n_way: int = Field(32, ge=2, description="classes in an episode")
    k_shot: int = Field(1, ge=1, description="support pictures of each class")
    n_query: int = Field(3, ge=1, description="query pictures of each class")

    @property
    def n_rows(self) -> int:
        return self.n_way * (self.k_shot + self.n_query)


Batches = Annotated[
    UniformBatch | HalfGroupBatch | ClassBatch | PairBatch | EpisodeBatch,
    Field(discriminator="kind"),
]
