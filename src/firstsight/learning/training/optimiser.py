"""Which weights learn, and each part of them at its own rate, momentum and penalty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from firstsight.errors import RecipeError
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import PhotoNetwork, Recipe
from firstsight.learning.recipes.schema.losses import ClassWeightLoss
from firstsight.learning.recipes.schema.optimiser import Optimiser, PartRates

__all__ = ["LearningPart", "build_optimiser", "learning_parts"]


@dataclass(frozen=True)
class LearningPart:
    """Weights by name, as a recipe names them, that learn alike.

    weight_decay: of tensors with two dimensions or more; biases and normalisation scales have
        nothing to shrink towards.
    """

    weights: dict[str, nn.Parameter]
    lr: float
    momentum: float
    weight_decay: float

    def groups(self) -> list[dict[str, Any]]:
        """For a PyTorch optimiser."""
        weights = list(self.weights.values())
        shrinking = [weight for weight in weights if weight.dim() > 1]
        others = [weight for weight in weights if weight.dim() <= 1]
        return [
            {
                "params": some,
                "lr": self.lr,
                "peak_momentum": self.momentum,
                "weight_decay": weight_decay,
            }
            for some, weight_decay in ((shrinking, self.weight_decay), (others, 0.0))
            if some
        ]


def learning_parts(
    recipe: Recipe, tower: nn.Module, head: HeadModule, objective: nn.Module
) -> list[LearningPart]:
    """Everything that learns, each weight in one part.

    RecipeError where optimiser.parts names a part that is not there or does not learn.
    """
    choice, network, loss = recipe.optimiser, recipe.network, recipe.loss
    decay = choice.weight_decay or 2 * choice.l2  # the gradient of l2 * |w|^2 is 2 * l2 * w
    rest = LearningPart({}, choice.lr, choice.momentum, decay)
    parts = []
    if isinstance(network, PhotoNetwork):
        assert isinstance(tower, PooledTower)
        features = _learning(tower.features, "features.")
        parts.append(replace(rest, weights=features, lr=choice.lr * network.lr_factor))
    taken = {id(weight) for part in parts for weight in part.weights.values()}
    own = _learning(tower) | _learning(head, "head.")
    parts.append(replace(rest, weights={n: w for n, w in own.items() if id(w) not in taken}))
    if isinstance(loss, ClassWeightLoss):  # only directions, their length means nothing
        weights = _learning(objective, "")
        rate = choice.lr * loss.lr_factor
        parts.append(replace(rest, weights=weights, lr=rate, weight_decay=0.0))
    for own_rates in choice.parts:
        parts = _set_apart(parts, own_rates)
    learning = [part for part in parts if part.weights]
    if not learning:
        raise RecipeError(
            "nothing learns: every layer is frozen and nothing follows; lower network.n_frozen, "
            "or set network.projection"
        )
    return learning


def build_optimiser(choice: Optimiser, parts: list[LearningPart]) -> Optimizer:
    groups = [group for part in parts for group in part.groups()]
    if choice.kind == "sgd":
        for group in groups:
            group["momentum"] = group["peak_momentum"]
            group["nesterov"] = choice.nesterov and group["momentum"] > 0
        return SGD(groups, lr=choice.lr)
    kind = AdamW if choice.kind == "adamw" else Adam
    # In bf16 Lightning clips no gradients that a fused optimiser takes.
    fused = choice.clip_norm is None
    return kind(groups, lr=choice.lr, betas=(0.9, choice.beta2), fused=fused)


def _learning(module: nn.Module, prefix: str = "") -> dict[str, nn.Parameter]:
    return {prefix + name: w for name, w in module.named_parameters() if w.requires_grad}


def _set_apart(parts: list[LearningPart], rates: PartRates) -> list[LearningPart]:
    def inside(name: str) -> bool:
        return name == rates.part or name.startswith(f"{rates.part}.")

    chosen = [part for part in parts if any(map(inside, part.weights))]
    if not chosen:
        known = dict.fromkeys(name.rpartition(".")[0] for part in parts for name in part.weights)
        raise RecipeError(
            f"optimiser.parts names {rates.part!r}, which is no part that learns; "
            f"those are {', '.join(known)}, and what comes before a dot in them"
        )
    apart = replace(
        chosen[0],
        weights={name: w for part in parts for name, w in part.weights.items() if inside(name)},
    )
    if rates.lr is not None:
        apart = replace(apart, lr=rates.lr)
    if rates.momentum is not None:
        apart = replace(apart, momentum=rates.momentum)
    if rates.l2 is not None:
        apart = replace(apart, weight_decay=2 * rates.l2)
    left = [
        replace(part, weights={n: w for n, w in part.weights.items() if not inside(n)})
        for part in parts
    ]
    return [*left, apart]
