"""What a recipe may say, each default written once.

A recipe is a TOML file with one table for each class below. Unknown keys and impossible values
are refused with the key, what came and what was wanted.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from firstsight.errors import RecipeError

__all__ = ["PhotoNetwork", "Recipe", "parse_recipe"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Data(_Table):
    """Which pictures train, and which of them are held out to watch the training."""

    train: str = Field("omniglot:background", description="data set or folder to train on")
    held_out_groups: int = Field(
        0, ge=0, description="groups (alphabets) kept from training for validation; 0 for none"
    )
    held_out_classes: float = Field(
        0.0, ge=0, lt=1, description="share of classes kept from training where there are no groups"
    )
    held_out_part: int = Field(
        0, ge=0, description="which part is held out; parts of one seed have nothing in common"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Data:
        if self.held_out_groups and self.held_out_classes:
            raise ValueError("held_out_groups and held_out_classes exclude each other")
        return self


class Picture(_Table):
    """How a picture becomes the network's input; travels in the model folder."""

    size: int = Field(32, ge=8, le=1024, description="side of the square, pixels")
    mode: Literal["grey", "rgb"] = Field("grey", description="colours the network sees")
    invert: bool = Field(False, description="dark ink becomes 1, light paper 0")
    fit: Literal["squash", "crop", "pad", "ink"] = Field(
        "squash", description="how a picture becomes a square; ink frames what is drawn"
    )
    mean: tuple[float, ...] = Field((0.0,), description="subtracted, one for each colour")
    deviation: tuple[float, ...] = Field((1.0,), description="divided by, one for each colour")


class KochNetwork(_Table):
    kind: Literal["koch"]

    @property
    def embedding_size(self) -> int:
        return 4096


class CompactNetwork(_Table):
    kind: Literal["compact"]
    stem: int = Field(32, ge=1, description="channels at half the picture's side")
    widths: tuple[int, ...] = Field(
        (64, 128), min_length=1, max_length=5, description="channels of each stage"
    )
    blocks: tuple[int, ...] = Field((1, 1), description="residual blocks in each stage")
    embedding_size: int = Field(128, ge=2, le=4096, description="numbers in an embedding")
    unit_sphere: bool = Field(True, description="embeddings have length 1")
    turned_views: bool = Field(
        False, description="once trained, join the embeddings of the four quarter turns"
    )

    @model_validator(mode="after")
    def _one_count_a_stage(self) -> CompactNetwork:
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 1 or min(self.widths) < 1:
            raise ValueError("blocks and widths need one positive number for each stage")
        return self


class PhotoNetwork(_Table):
    """A classifier of photographs without its last layer; its features, averaged."""

    weights: str = Field(
        "imagenet", description="to start from: imagenet, random, or the path of a file"
    )
    projection: int | None = Field(
        None, ge=2, le=4096, description="numbers in an embedding; left out: one for each feature"
    )
    unit_sphere: bool = Field(True, description="embeddings have length 1")
    n_frozen: int = Field(0, ge=0, description="layers, from the picture on, that do not learn")
    lr_factor: float = Field(
        1.0, gt=0, description="of the learning rate, for the features beside the rest"
    )


class SqueezeNetNetwork(PhotoNetwork):
    kind: Literal["squeezenet"]
    version: Literal["1.0", "1.1"] = Field("1.1", description="of the published two")

    @property
    def embedding_size(self) -> int:
        return self.projection or 512


class EfficientNetLite0Network(PhotoNetwork):
    kind: Literal["efficientnet_lite0"]

    @property
    def embedding_size(self) -> int:
        return self.projection or 1280


class Head(_Table):
    kind: Literal["euclidean", "cosine", "weighted_l1"] = Field(
        "cosine", description="how two embeddings are compared"
    )


class CrossEntropyOnPairs(_Table):
    kind: Literal["cross_entropy_on_pairs"]


class Contrastive(_Table):
    kind: Literal["contrastive"]
    margin: float = Field(1.0, gt=0, description="distance beyond which others cost nothing")


class Triplet(_Table):
    kind: Literal["triplet"]
    margin: float = Field(0.2, gt=0, description="how much farther a negative must be")
    mining: Literal["all", "hard", "semi_hard"] = Field(
        "semi_hard", description="which triplets of a batch count"
    )


class CosFaceLoss(_Table):
    kind: Literal["cosface"]
    margin: float = Field(0.2, ge=0, lt=1, description="taken off the true class's cosine")
    scale: float = Field(16.0, gt=0, description="of the cosines, before the softmax")
    lr_factor: float = Field(1.0, gt=0, description="class weights learn this much faster")


class UniformBatch(_Table):
    kind: Literal["uniform"]
    size: int = Field(256, ge=2, description="pictures in a batch")


class HalfGroupBatch(_Table):
    kind: Literal["half_group"]
    size: int = Field(256, ge=4, description="pictures in a batch")


class ClassBatch(_Table):
    kind: Literal["classes"]
    n_classes: int = Field(32, ge=2, description="classes in a batch")
    n_pictures: int = Field(4, ge=2, description="pictures of each class")


class PairBatch(_Table):
    kind: Literal["pairs"]
    n_pairs: int = Field(128, ge=2, multiple_of=2, description="pairs in a batch, half the same")
    pool: int | None = Field(
        None, ge=2, multiple_of=2, description="draw this many pairs once; none: fresh pairs always"
    )
    within_group: bool = Field(False, description="both pictures from one group (alphabet)")


class Affine(_Table):
    rotation_deg: float = Field(0.0, ge=0, le=180, description="up to this, either way")
    shear: float = Field(0.0, ge=0, le=1, description="up to this, for x and y apart")
    scale: tuple[float, float] = Field((1.0, 1.0), description="lowest and highest")
    shift: float = Field(0.0, ge=0, le=0.5, description="share of the side")
    elastic: float = Field(0.0, ge=0, le=0.2, description="smooth bending, share of the side")
    probability: float = Field(1.0, ge=0, le=1, description="of each component on its own")
    keep_aspect: bool = Field(False, description="one scale for x and y")

    @model_validator(mode="after")
    def _rising_scale(self) -> Affine:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError("scale needs 0 < lowest <= highest")
        return self


class Augment(_Table):
    turns: Literal[1, 4, 8] = Field(
        1, description="4: quarter turns are classes of their own; 8: mirror images too"
    )
    mirror: bool = Field(False, description="half of the pictures are seen in a mirror")
    affine: Affine | None = None


class Optimiser(_Table):
    kind: Literal["sgd", "adam", "adamw"] = Field("adamw", description="which optimiser")
    lr: float = Field(1e-3, gt=0, description="learning rate at its peak")
    momentum: float = Field(0.9, ge=0, lt=1, description="sgd only")
    beta2: float = Field(0.999, gt=0, lt=1, description="adam and adamw only")
    weight_decay: float = Field(0.0, ge=0, description="of weights, not of biases")
    clip_norm: float | None = Field(None, gt=0, description="largest gradient length")


class Schedule(_Table):
    kind: Literal["constant", "cosine", "decay"] = Field(
        "cosine", description="of the learning rate"
    )
    warmup_share: float = Field(0.0, ge=0, lt=1, description="share of the steps, rising linearly")
    final_share: float = Field(0.0, ge=0, le=1, description="of the peak, at the end of a cosine")
    decay_per_epoch: float = Field(0.99, gt=0, le=1, description="factor, for kind decay")


class Training(_Table):
    steps: int = Field(2000, ge=1, description="batches in all")
    validate_every: int = Field(200, ge=1, description="steps between checkpoints and validations")
    validation_trials: int = Field(1000, ge=1, description="20-way one-shot trials")
    patience: int | None = Field(None, ge=1, description="validations without improvement to stop")
    min_delta: float = Field(0.0, ge=0, description="smaller gains are none")
    ema_decay: float | None = Field(None, gt=0, lt=1, description="average of the weights")
    precision: Literal["auto", "f32", "bf16"] = Field(
        "auto", description="auto: bf16 where the machine has units for it"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="of everything that is drawn")


class Recipe(_Table):
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
    network: Annotated[
        KochNetwork | CompactNetwork | SqueezeNetNetwork | EfficientNetLite0Network,
        Field(discriminator="kind"),
    ]
    head: Head = Head()
    loss: Annotated[
        CrossEntropyOnPairs | Contrastive | Triplet | CosFaceLoss, Field(discriminator="kind")
    ]
    batches: Annotated[
        UniformBatch | HalfGroupBatch | ClassBatch | PairBatch, Field(discriminator="kind")
    ]
    augment: Augment = Augment()
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    training: Training = Training()

    @property
    def embedding_size(self) -> int:
        """Numbers in an embedding of the finished model."""
        turned = self.network.kind == "compact" and self.network.turned_views
        return self.network.embedding_size * (4 if turned else 1)

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        pair_loss = self.loss.kind in ("cross_entropy_on_pairs", "contrastive")
        if pair_loss != (self.batches.kind == "pairs"):
            raise ValueError(
                f"loss.kind {self.loss.kind!r} and batches.kind {self.batches.kind!r} do not fit: "
                "pair losses take batches of pairs, and nothing else does"
            )
        if self.loss.kind == "triplet" and self.batches.kind != "classes":
            raise ValueError("loss.kind 'triplet' needs batches.kind 'classes' to mine from")
        if (self.loss.kind == "cross_entropy_on_pairs") != (self.head.kind == "weighted_l1"):
            raise ValueError(
                "head.kind 'weighted_l1' and loss.kind 'cross_entropy_on_pairs' go together"
            )
        turned = self.network.kind == "compact" and self.network.turned_views
        if turned and (self.augment.turns == 1 or self.head.kind == "weighted_l1"):
            raise ValueError(
                "network.turned_views joins what turned classes taught: it needs "
                "augment.turns 4 or 8, and another head than 'weighted_l1'"
            )
        if self.loss.kind == "cosface" and self.head.kind != "cosine":
            raise ValueError("loss.kind 'cosface' trains angles: it needs head.kind 'cosine'")
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


def parse_recipe(tables: dict[str, Any], *, origin: str) -> Recipe:
    """A checked recipe from parsed TOML; RecipeError names each key that is wrong."""
    try:
        return Recipe.model_validate(tables)
    except ValidationError as problems:
        raise RecipeError(f"{origin}: {'; '.join(map(_sentence, problems.errors()))}") from None


def _sentence(problem: Any) -> str:
    # A union's tag stands in the location although it is no key: network.compact.widths.
    tags = {
        "koch",
        "compact",
        "squeezenet",
        "efficientnet_lite0",
        "cosface",
        "triplet",
        "contrastive",
        "cross_entropy_on_pairs",
    }
    tags |= {"uniform", "half_group", "classes", "pairs"}
    place = [str(part) for part in problem["loc"]]
    key = ".".join(part for depth, part in enumerate(place) if not (depth == 1 and part in tags))
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}; 'firstsight recipes --keys' lists those that exist"
    if problem["type"] == "missing":
        return f"{key} is missing"
    if problem["type"] == "value_error":
        return f"{key + ': ' if key else ''}{problem['ctx']['error']}"
    wanted = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{key} is {problem['input']!r}, but {wanted}"
