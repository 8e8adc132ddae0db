"""[network] and [head]: the tower, and how two of its embeddings are compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from firstsight.learning.recipes.schema.table import Table

__all__ = [
    "CompactNetwork",
    "EfficientNetLiteNetwork",
    "Head",
    "HeadKind",
    "HuggingFaceNetwork",
    "ImageNetNetwork",
    "KochNetwork",
    "Network",
    "PhotoNetwork",
    "SqueezeNetNetwork",
    "once_trained",
]

# Marks what a finished model does with pictures, and may be changed without learning anew.
ONCE_TRAINED: dict[str, JsonValue] = {"once_trained": True}

HeadKind = Literal["euclidean", "cosine", "weighted_l1"]


class KochNetwork(Table):
    kind: Literal["koch"]

    @property
    def embedding_size(self) -> int:
        return 4096


class CompactNetwork(Table):
    kind: Literal["compact"]
    stem: int = Field(32, ge=1, description="channels at half the picture's side")
    widths: tuple[int, ...] = Field(
        (64, 128), min_length=1, max_length=5, description="channels of each stage"
    )
    blocks: tuple[int, ...] = Field((1, 1), description="residual blocks in each stage")
    embedding_size: int = Field(128, ge=2, le=4096, description="numbers in an embedding")
    unit_sphere: bool = Field(True, description="embeddings have length 1")
    turned_views: bool = Field(
        False,
        description="once trained, join the embeddings of the four quarter turns",
    )
    smoothing: float = Field(
        0.0, ge=0, le=0.7,
        description="once trained, smooth pictures by a standard deviation of so many px: about as "
        "smooth as distortion makes those that it learns from; 0: as they are",
        json_schema_extra=ONCE_TRAINED,
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_count_a_stage(self) -> CompactNetwork:
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 1 or min(self.widths) < 1:
            raise ValueError("blocks and widths need one positive number for each stage")
        return self


class PhotoNetwork(Table):
    """A network for photographs without its last layer; its features, pooled."""

    projection: int | None = Field(
        None, ge=2, le=4096, description="numbers in an embedding; left out: one for each feature"
    )
    unit_sphere: bool = Field(True, description="embeddings have length 1")
    power: float = Field(
        1.0, ge=1, le=10, description="of the mean over places: 1 averages, 3 heeds the strongest"
    )
    window: float | None = Field(
        None, gt=0, description="weigh places by a Gaussian this wide, in sides; left out: alike"
    )
    whitened: bool = Field(
        False,
        description="begin with a projection that makes small what differs between views of one "
        "picture, and within a class; where projection says how wide, with principal directions, "
        "evened out",
    )
    grid: int = Field(
        1, ge=1, le=8, description="features of each part of a grid so wide and high, side by side"
    )
    mirrored: bool = Field(
        False, description="features are those of a picture and of its mirror image together"
    )
    closer: float | None = Field(
        None, ge=0.25, lt=1,
        description="once trained, take larger pictures, and look at the whole and at its middle, "
        "this share of a side wide and high, in detail and in a mirror; left out: the whole alone",
        json_schema_extra=ONCE_TRAINED,
    )  # fmt: skip
    closer_weight: float = Field(
        1.0, ge=0, le=10,
        description="of the middle's features beside the whole's 1, where network.closer is given",
        json_schema_extra=ONCE_TRAINED,
    )  # fmt: skip
    n_frozen: Annotated[int, Field(ge=0)] | Literal["all"] = Field(
        0, description="layers, from the picture on, that do not learn"
    )
    lr_factor: float = Field(
        1.0, gt=0, description="of the learning rate, for the features beside the rest"
    )

    @model_validator(mode="after")
    def _one_way_to_weigh_places(self) -> PhotoNetwork:
        if self.grid > 1 and self.window is not None:
            raise ValueError("window weighs the places of a whole picture; leave it out, or grid")
        return self


class ImageNetNetwork(PhotoNetwork):
    weights: str = Field(
        "imagenet", description="to start from: imagenet, random, or the path of a file"
    )


# Of the maps after the first Fire module and each layer on.
_SQUEEZENET_CHANNELS = {
    "1.0": (128, 128, 256, 256, 256, 384, 384, 512, 512, 512),
    "1.1": (128, 128, 128, 256, 256, 256, 384, 384, 512, 512),
}


class SqueezeNetNetwork(ImageNetNetwork):
    kind: Literal["squeezenet"]
    version: Annotated[Literal["1.0", "1.1"], BeforeValidator(str)] = Field(
        "1.1", description="of the published two"
    )
    n_layers: int = Field(
        13, ge=4, le=13, description="so many, from the picture on, give the features"
    )

    @property
    def n_channels(self) -> int:
        """Of the last layer's maps."""
        return _SQUEEZENET_CHANNELS[self.version][self.n_layers - 4]

    @property
    def embedding_size(self) -> int:
        return self.projection or self.n_channels * self.grid**2


_LITE_FINER = {"0": 672, "1": 672, "2": 720}


class EfficientNetLiteNetwork(ImageNetNetwork):
    kind: Literal["efficientnet_lite"]
    version: Annotated[Literal["0", "1", "2"], BeforeValidator(str)] = Field(
        "0", description="of the published three"
    )
    finer: float = Field(
        0.0, ge=0, le=10,
        description="length of an earlier layer's features beside the last ones' 1: these tell "
        "kinds of things, those single things; 0: without them",
    )  # fmt: skip

    @property
    def embedding_size(self) -> int:
        n_finer = _LITE_FINER[self.version] if self.finer else 0
        return (self.projection or 1280 * self.grid**2) + n_finer * self.grid**2


class HuggingFaceNetwork(PhotoNetwork):
    kind: Literal["huggingface"]
    name: str = Field(
        min_length=1, description="model of huggingface.co, like facebook/dinov2-small, or a folder"
    )
    weights: Literal["published", "random"] = Field("published", description="to start from")
    pooled: Literal["class_token", "patches"] = Field(
        "class_token", description="tokens that are the features, where the model has both"
    )
    n_features: int | None = Field(
        None, ge=1, description="numbers in a feature; left out: as the model's config.json says"
    )

    @property
    def embedding_size(self) -> int:
        assert self.n_features is not None  # checked below
        return self.projection or self.n_features * self.grid**2

    @model_validator(mode="after")
    def _features_have_a_size(self) -> HuggingFaceNetwork:
        if self.n_features is None:
            raise ValueError("n_features is missing: take what the model's config.json says")
        return self


Network = Annotated[
    KochNetwork | CompactNetwork | SqueezeNetNetwork | EfficientNetLiteNetwork | HuggingFaceNetwork,
    Field(discriminator="kind"),
]


class Head(Table):
    kind: HeadKind = Field("cosine", description="how two embeddings are compared")
    crowding: float = Field(
        0,
        ge=0,
        le=2,
        description="how much an embedding's nearness to the classes learned from adds to each of "
        "its distances, once trained on 50 classes or more; 0: nothing. Look-alikes must then be "
        "nearer to be the same",
    )


def once_trained(network: Table) -> frozenset[str]:
    """The names of those settings that only matter once a network is trained."""
    fields = type(network).model_fields
    return frozenset(
        name for name, each in fields.items() if each.json_schema_extra == ONCE_TRAINED
    )
