"""The networks whose ImageNet weights are published, by name."""

from __future__ import annotations

from typing import Literal

from firstsight.learning.networks.efficientnet import EfficientNetLite0
from firstsight.learning.networks.squeezenet import SqueezeNet

__all__ = ["Backbone", "build_backbone"]

Backbone = Literal["squeezenet1_0", "squeezenet1_1", "efficientnet_lite0"]


def build_backbone(name: Backbone) -> SqueezeNet | EfficientNetLite0:
    """The classifier for ImageNet's 1,000 classes, with random weights."""
    if name == "efficientnet_lite0":
        return EfficientNetLite0()
    return SqueezeNet("1.0" if name == "squeezenet1_0" else "1.1")
