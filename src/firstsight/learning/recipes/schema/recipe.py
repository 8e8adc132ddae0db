"""A whole recipe, and whether its parts fit together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from firstsight.learning.recipes.schema.augment import Augment
from firstsight.learning.recipes.schema.batches import Batches
from firstsight.learning.recipes.schema.catalogue import CatalogueLoss, TupleLoss
from firstsight.learning.recipes.schema.losses import (
    Contrastive,
    CosFaceLoss,
    CrossEntropyOnPairs,
    OwnPictureLoss,
    Prototypical,
    Triplet,
)
from firstsight.learning.recipes.schema.network import Head, Network, PhotoNetwork
from firstsight.learning.recipes.schema.optimiser import Optimiser, Schedule
from firstsight.learning.recipes.schema.pictures import Data, Picture
from firstsight.learning.recipes.schema.table import Table
from firstsight.learning.recipes.schema.training import Logs, Training

__all__ = ["Recipe"]


class Recipe(Table):
    """Everything that decides how a network is trained."""

    name: str = Field(
        min_length=1,
        max_length=80,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="names the run's folder and the model",
    )
    description: str = Field("", description="a sentence for the list of recipes")
    same_means: str = Field("the same class", description="what 'same' means in this model")
    data: Data = Data()
    picture: Picture = Picture()
    network: Network
    head: Head = Head()
    loss: Annotated[
        CrossEntropyOnPairs
        | Contrastive
        | Triplet
        | CosFaceLoss
        | Prototypical
        | OwnPictureLoss
        | CatalogueLoss,
        Field(discriminator="kind"),
    ]
    batches: Batches
    augment: Augment = Augment()
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    training: Training = Training()
    logs: Logs = Logs()

    @property
    def embedding_size(self) -> int:
        """Numbers in an embedding of the finished model."""
        turned = self.network.kind == "compact" and self.network.turned_views
        return self.network.embedding_size * (4 if turned else 1)

    @property
    def shown_size(self) -> int:
        """Side in px of the pictures that the finished model takes."""
        closer = self.network.closer if isinstance(self.network, PhotoNetwork) else None
        return self.picture.size if closer is None else round(self.picture.size / closer)

    @model_validator(mode="after")
    def _loss_fits(self) -> Recipe:
        loss = self.loss
        if self.batches.kind not in loss.batches:
            raise ValueError(
                f"loss.kind {loss.kind!r} learns from batches.kind {_either(loss.batches)}, "
                f"not from {self.batches.kind!r}"
            )
        if self.head.kind not in loss.heads:
            raise ValueError(
                f"loss.kind {loss.kind!r} trains another distance than head.kind "
                f"{self.head.kind!r} compares by: it needs head.kind {_either(loss.heads)}"
            )
        if self.head.crowding and self.head.kind != "cosine":
            raise ValueError(
                f"head.crowding adds to cosine distances, and head.kind is {self.head.kind!r}; "
                "leave it out, or compare by 'cosine'"
            )
        if self.head.crowding and self.shown_size != self.picture.size:
            raise ValueError(
                "head.crowding is worked out from the pictures of the training, and network.closer "
                "takes others; leave it out, and use 'firstsight crowd' afterwards"
            )
        if isinstance(loss, TupleLoss) and (loss.memory or 2**62) < self.batches.n_rows:
            raise ValueError(
                f"loss.memory {loss.memory} does not hold one batch of {self.batches.n_rows}; "
                "raise it, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _places_mean_something(self) -> Recipe:
        if not isinstance(self.loss, OwnPictureLoss):
            return self
        if not isinstance(self.network, PhotoNetwork) or not self.augment.other_views:
            raise ValueError(
                "loss.kind 'own_picture' leads other views to where a network of photographs has "
                "their picture already: it needs such a network and augment.other_views"
            )
        if self.augment.turns > 1:
            raise ValueError(
                "loss.kind 'own_picture' knows no turned pictures; set augment.turns 1"
            )
        if self.network.n_frozen == "all" and self.training.steps:
            raise ValueError("loss.kind 'own_picture' teaches features; lower network.n_frozen")
        return self

    @model_validator(mode="after")
    def _network_fits(self) -> Recipe:
        turned = self.network.kind == "compact" and self.network.turned_views
        if turned and (self.augment.turns == 1 or self.head.kind == "weighted_l1"):
            raise ValueError(
                "network.turned_views joins what turned classes taught: it needs "
                "augment.turns 4 or 8, and another head than 'weighted_l1'"
            )
        if self.network.kind == "compact" and self.picture.size % 2:
            raise ValueError("network.kind 'compact' takes an even picture.size")
        if self.network.kind == "koch" and (self.picture.size, self.picture.mode) != (105, "grey"):
            raise ValueError("network.kind 'koch' takes picture.size 105 and picture.mode 'grey'")
        photos = isinstance(self.network, PhotoNetwork)
        if photos and (self.picture.mode != "rgb" or self.picture.size < 32):
            raise ValueError(
                f"network.kind {self.network.kind!r} takes picture.mode 'rgb' and a "
                "picture.size of 32 or more"
            )
        return self

    @model_validator(mode="after")
    def _something_is_learned(self) -> Recipe:
        if self.training.steps == 0 and not getattr(self.network, "whitened", False):
            raise ValueError(
                "training.steps is 0, and nothing would be learned; give at least 1, or set "
                "network.whitened for a network of photographs"
            )
        return self

    @model_validator(mode="after")
    def _variations_fit(self) -> Recipe:
        if self.augment.thickness_px and not self.picture.invert:
            raise ValueError(
                "augment.thickness_px takes strokes for what is bright: it needs picture.invert"
            )
        if self.augment.photo and self.picture.mode != "rgb":
            raise ValueError("augment.photo changes colours: it needs picture.mode 'rgb'")
        if self.augment.other_views and self.picture.mode != "rgb":
            raise ValueError("augment.other_views is of photographs: it needs picture.mode 'rgb'")
        if self.training.watch == "views" and self.picture.mode != "rgb":
            raise ValueError("training.watch 'views' is of photographs: it needs mode 'rgb'")
        return self

    @model_validator(mode="after")
    def _training_fits(self) -> Recipe:
        blended = self.training.blend < 1
        if blended and (
            not isinstance(self.network, PhotoNetwork)
            or getattr(self.network, "weights", None) == "random"
        ):
            raise ValueError(
                "training.blend mixes what was learned with published weights: it needs a network "
                "of photographs that begins with such"
            )
        if self.schedule.momentum_start is not None and self.optimiser.kind != "sgd":
            raise ValueError("schedule.momentum_start needs optimiser.kind 'sgd'")
        return self


def _either(kinds: tuple[str, ...]) -> str:
    return " or ".join(map(repr, kinds))
