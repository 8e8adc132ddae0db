"""The recipe by which a trained model learns a little more, from few pictures of other things."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from firstsight.errors import RecipeError
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.recipes.shelf import overridden

__all__ = ["batches_within", "tuning_recipe"]

STEPS = 200
LR_SHARE = 0.1  # of the learning rate that the network itself was trained with
_LR_OF_PROJECTION = 3e-4
LOOKS = 4  # checkpoints on the way


def tuning_recipe(tables: dict[str, Any], *, data: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe that a model was trained by, for few gentle steps on `data`.

    tables: as in the model's record. Loss, sampler and distortions stay what they were, turned
    pictures as classes of their own too; but where a network learned from other views alone, its
    projection learns from the things by margin softmax, and its features stay. Nothing is held out
    to choose the best weights by. Raises RecipeError where `tables` are no recipe, or an override
    is wrong or changes what the network is shown.
    """
    trained = parse_recipe(copy.deepcopy(tables), origin="the model's recipe")
    gentle = trained.model_dump(mode="json")
    steps = min(STEPS, trained.training.steps or STEPS)
    gentle["name"] = f"{trained.name.removesuffix('-tuned')[:74]}-tuned"
    gentle["description"] = f"{trained.name}, tuned to {data}"
    gentle["data"] = {"train": data}
    gentle["optimiser"]["lr"] = LR_SHARE * trained.optimiser.lr
    if trained.loss.kind == "own_picture":  # it knows no things, and verdicts are about things
        gentle["loss"] = {"kind": "cosface", "margin": 0.2, "scale": 16.0}
        if gentle["network"]["whitened"] or gentle["network"]["projection"]:
            gentle["network"]["n_frozen"] = "all"
        gentle["augment"]["other_views"] = 0.0
        gentle["optimiser"] |= {"lr": _LR_OF_PROJECTION, "weight_decay": 0.01, "parts": []}
        gentle["schedule"] = {}
    for part in gentle["optimiser"]["parts"]:
        part["lr"] = part["lr"] and LR_SHARE * part["lr"]
    # Another's model must not choose which classes are imported here.
    gentle["logs"] = {}
    gentle["training"] |= {
        "steps": steps,
        "validate_every": -(-steps // LOOKS),
        "patience": None,
        "blend": 1.0,
    }
    recipe = overridden(gentle, overrides, origin="the tuning's recipe")
    if recipe.picture != trained.picture:
        raise RecipeError(
            "tuning goes on with a trained network, which must be shown its pictures as ever; "
            "leave the recipe's picture as it is"
        )
    return recipe


def batches_within(recipe: Recipe, *, n_pictures: int, n_classes: int) -> Recipe:
    """The recipe with batches no larger than so many pictures and classes allow."""
    batches, turns = recipe.batches, recipe.augment.turns
    if batches.kind == "classes":
        fitting: Any = {"n_classes": min(batches.n_classes, turns * n_classes)}
    elif batches.kind == "episodes":
        fitting = {"n_way": min(batches.n_way, turns * n_classes)}
    elif batches.kind == "pairs":
        return recipe
    else:
        fitting = {"size": min(batches.size, turns * n_pictures)}
    return recipe.model_copy(update={"batches": batches.model_copy(update=fitting)})
