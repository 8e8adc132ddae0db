"""The networks whose ImageNet weights are published, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from firstsight.learning.networks.efficientnet import EfficientNetLite
from firstsight.learning.networks.squeezenet import SqueezeNet

__all__ = ["KINDS", "Backbone", "backbone_named", "build_backbone"]

Backbone = Literal[
    "squeezenet1_0",
    "squeezenet1_1",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
]

# The kind and version that a recipe names each by.
KINDS: Mapping[Backbone, tuple[str, str]] = {
    "squeezenet1_0": ("squeezenet", "1.0"),
    "squeezenet1_1": ("squeezenet", "1.1"),
    "efficientnet_lite0": ("efficientnet_lite", "0"),
    "efficientnet_lite1": ("efficientnet_lite", "1"),
    "efficientnet_lite2": ("efficientnet_lite", "2"),
}


def backbone_named(kind: str, version: str) -> Backbone:
    """The published network that a recipe names by its kind and version."""
    return next(name for name, named in KINDS.items() if named == (kind, version))


def build_backbone(name: Backbone) -> SqueezeNet | EfficientNetLite:
    """The classifier for ImageNet's 1,000 classes, with random weights."""
    match name:
        case "squeezenet1_0":
            return SqueezeNet("1.0")
        case "squeezenet1_1":
            return SqueezeNet("1.1")
        case "efficientnet_lite0":
            return EfficientNetLite("0")
        case "efficientnet_lite1":
            return EfficientNetLite("1")
        case "efficientnet_lite2":
            return EfficientNetLite("2")
