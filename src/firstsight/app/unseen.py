"""Which pictures of a data set a model may be judged or calibrated by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.names import for_training
from firstsight.app.remarks import say
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.model.info import ModelInfo

__all__ = ["only_unseen", "require_unseen_characters"]


def only_unseen(info: ModelInfo, pictures: PackedPictures, console: Console) -> PackedPictures:
    """All pictures where training saw none of them, else the classes that it held out.

    UsageError where it held out nothing, or learned from another part of Omniglot with some of
    the same characters: a figure on what was learned says nothing of new things.
    """
    from firstsight.data.splits import hold_out, without_singletons

    if pictures.fingerprint != info.data_fingerprint:
        require_unseen_characters(info, pictures.name)
        return pictures
    data, training = info.recipe.get("data", {}), info.recipe.get("training", {})
    _, unseen = hold_out(
        without_singletons(pictures)[0],
        n_groups=data.get("held_out_groups", 0),
        class_share=data.get("held_out_classes", 0),
        part=data.get("held_out_part", 0),
        seed=training.get("seed", 0),
    )
    if unseen is None:
        raise UsageError(
            "the model was trained on all of these pictures, and a figure on them says nothing "
            "about new things; name other data with --data, or train with data.held_out_classes"
        )
    say(console, f"going by the {unseen.n_classes} classes that the training held out")
    return unseen


def require_unseen_characters(info: ModelInfo, part: str) -> None:
    """UsageError where the model learned from a part of Omniglot that shares characters with this.

    Parts are told by their names; what else a model learned from, nobody can know by a name.
    """
    from firstsight.data.omniglot_parts import characters_of

    table = info.recipe.get("data")
    trained = for_training(str(table.get("train", ""))) if isinstance(table, dict) else ""
    judged = characters_of(part)
    shared = characters_of(trained) & judged
    if shared:
        raise UsageError(
            f"the model was trained on {trained}, which holds {len(shared)} of the {len(judged)} "
            f"characters of {part} ({min(shared)} is one), and a figure on them says nothing about "
            "new things; judge it by other data, or train on other characters"
        )
