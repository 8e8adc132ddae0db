"""Any vision model of Hugging Face's transformers as features: its last hidden state.

transformers is imported inside, since few need it and it takes seconds.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from firstsight.errors import DataError, MissingExtraError, RecipeError
from firstsight.learning.recipes.hub import model_folder

__all__ = ["HuggingFaceFeatures", "Pooled", "load_features"]

Pooled = Literal["class_token", "patches"]

_CLASS_TOKENS = ("cls_token", "class_embedding")


class HuggingFaceFeatures(nn.Module):
    """RGB pictures (B, 3, S, S) to feature maps (B, n_features, h, w), to be pooled over h and w.

    Convolutional models (ResNet, ConvNeXt) give maps of their own. Transformers give tokens:
    `pooled` "class_token" is that token alone, h = w = 1, and "patches" those of the patches. One
    without a class token (Swin) gives its patches in any case.
    n_frozen: what comes before the model's blocks, and the first n_frozen - 1 of these, do not
        learn; 0: everything learns.
    """

    def __init__(
        self, model: nn.Module, n_features: int, *, pooled: Pooled, n_frozen: int = 0
    ) -> None:
        super().__init__()
        self.model, self._n_features = model, n_features
        has_class_token = any(name.endswith(_CLASS_TOKENS) for name, _ in model.named_parameters())
        self._pooled: Pooled = pooled if has_class_token else "patches"
        self._patch = getattr(model.config, "patch_size", None) if has_class_token else None
        # Position embeddings of another grid than they were learned on.
        takes = inspect.signature(model.forward).parameters
        self._more = (
            {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in takes else {}
        )
        for layer in self._layers()[:n_frozen]:
            for weight in layer:
                weight.requires_grad_(False)

    def train(self, mode: bool = True) -> HuggingFaceFeatures:
        """Dropout is for features that learn."""
        learning = any(weight.requires_grad for weight in self.parameters())
        return super().train(mode and learning)

    def forward(self, pictures: Tensor) -> Tensor:
        hidden: Tensor = self.model(pixel_values=pictures, **self._more).last_hidden_state
        n_features = hidden.shape[1 if hidden.dim() == 4 else 2]
        if n_features != self._n_features:
            raise RecipeError(
                f"the model gives {n_features} features, but network.n_features is "
                f"{self._n_features}; leave it out"
            )
        if hidden.dim() == 4:
            return hidden
        if self._pooled == "class_token":
            tokens = hidden[:, :1]
        elif isinstance(self._patch, int):  # class token and registers stand before them
            side = pictures.shape[-1] // self._patch
            tokens = hidden[:, -side * side :]
        else:
            tokens = hidden
        side = isqrt(tokens.shape[1])
        shape = (-1, n_features, side, tokens.shape[1] // side)
        return tokens.transpose(1, 2).reshape(shape)  # (B, T, C) to (B, C, h, w)

    def _layers(self) -> list[list[nn.Parameter]]:
        """What comes before the blocks, then each block; all of a model without blocks is one."""
        listed = (each for each in self.model.modules() if isinstance(each, nn.ModuleList))
        blocks = [list(block.parameters()) for block in next(listed, ())]
        inside = {id(weight) for block in blocks for weight in block}
        stem = []
        for weight in self.model.parameters():
            if id(weight) in inside:
                break
            stem.append(weight)
        return [stem, *blocks]


def load_features(
    name: str,
    n_features: int,
    *,
    trained: bool,
    pooled: Pooled = "class_token",
    n_frozen: int = 0,
) -> HuggingFaceFeatures:
    """The model `name` (see `model_folder`), with its published weights or, where not `trained`,
    random ones.

    Raises what `model_folder` raises, and DataError where the files make no model that
    transformers knows by itself, RecipeError where it takes something else than pictures.
    """
    folder = model_folder(name, with_weights=trained)
    try:
        with _quiet(), _refusing(name):
            model = _load(folder) if trained else _build(folder)
    except ImportError as missing:
        if missing.name != "transformers":
            raise DataError(
                f"the model {name} needs more than the extra 'hub' brings ({missing.name}); "
                "choose one that transformers runs alone"
            ) from missing
        raise MissingExtraError("hub", f"the network {name} of Hugging Face") from None
    if model.main_input_name != "pixel_values":
        raise RecipeError(
            f"{name} is no vision model: it takes {model.main_input_name}; "
            "name one that takes pictures, like ViT, DINOv2, Swin, ConvNeXt or ResNet"
        )
    own = _without_spare_parts(model)
    return HuggingFaceFeatures(own, n_features, pooled=pooled, n_frozen=n_frozen)


def _load(folder: Path) -> Any:
    from transformers import AutoModel

    model, told = AutoModel.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # told below, in a sentence of ours
    )
    odd = [name for name in told["missing_keys"] if not name.startswith("pooler.")]
    odd += [name for name, *_ in told["mismatched_keys"]]
    if odd:
        raise ValueError(
            f"its weights are of another network, {min(odd)} is missing or of another size"
        )
    return model


def _build(folder: Path) -> Any:
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return AutoModel.from_config(config, trust_remote_code=False).float()


def _without_spare_parts(model: Any) -> Any:
    """Weights that no feature comes from would only travel along."""
    pooler = getattr(model, "pooler", None)
    if isinstance(pooler, nn.Module) and any(True for _ in pooler.parameters()):
        model.pooler = None
    for name, weight in model.named_parameters():
        if name.endswith("mask_token"):
            weight.requires_grad_(False)
    return model


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as flaw:
        reason = (str(flaw).strip().splitlines() or [type(flaw).__name__])[0].rstrip(".")
        raise DataError(
            f"{name} holds no model that can be loaded safely: {reason}; "
            "choose one that transformers knows by itself, saved as safetensors"
        ) from flaw


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers reports to engineers; what a user should know, we say ourselves."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
