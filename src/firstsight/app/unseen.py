"""Which pictures of a data set a model may be judged or calibrated by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich.console import Console

from firstsight.app.names import for_training
from firstsight.app.remarks import say_once
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.model.info import ModelInfo

__all__ = [
    "all_but_held_out",
    "learned_from",
    "only_unseen",
    "require_seen_characters",
    "require_unseen_characters",
]


def only_unseen(info: ModelInfo, pictures: PackedPictures, console: Console) -> PackedPictures:
    """All pictures where training saw none of them, else the classes that it held out.

    UsageError where it held out nothing, or learned from another part of Omniglot with some of
    the same characters: a figure on what was learned says nothing of new things.
    """
    if not learned_from(info, pictures):
        require_unseen_characters(info, pictures.name)
        require_unseen_characters(info, pictures.name, by="watch")
        if info.made_by.get("beside_fingerprint") in _as_seen(info, pictures):
            raise UsageError(
                f"the model was trained on all of {pictures.name} too, beside its own data, and a "
                "figure on that says nothing about new things; name other data with --data"
            )
        return pictures
    _, unseen = _parted(info, pictures)
    if unseen is None:
        raise UsageError(
            "the model was trained on all of these pictures, and a figure on them says nothing "
            "about new things; name other data with --data, or train with data.held_out_classes"
        )
    say_once(console, f"going by the {unseen.n_classes} classes that the training held out")
    return unseen


def all_but_held_out(info: ModelInfo, pictures: PackedPictures) -> PackedPictures:
    """Of the data that the model learned from, what it saw; other data whole."""
    return _parted(info, pictures)[0] if learned_from(info, pictures) else pictures


def learned_from(info: ModelInfo, pictures: PackedPictures) -> bool:
    """Whether the model's training was given these pictures, at whatever size."""
    return info.data_fingerprint in _as_seen(info, pictures)


def _as_seen(info: ModelInfo, pictures: PackedPictures) -> set[str]:
    """The pictures' fingerprints at their size and at that of the training: a model that looks
    closer takes larger pictures than its training did."""
    size = info.recipe.get("picture", {}).get("size", info.preprocessing.size)
    return {pictures.fingerprint, pictures.fingerprint_at(size)}


def _parted(
    info: ModelInfo, pictures: PackedPictures
) -> tuple[PackedPictures, PackedPictures | None]:
    """The classes that the model learned from, and those that its training held out."""
    from firstsight.data.splits import hold_out, without_singletons

    data, training = info.recipe.get("data", {}), info.recipe.get("training", {})
    return hold_out(
        without_singletons(pictures)[0],
        n_groups=data.get("held_out_groups", 0),
        class_share=data.get("held_out_classes", 0),
        part=data.get("held_out_part", 0),
        seed=training.get("seed", 0),
    )


def require_unseen_characters(
    info: ModelInfo, part: str, *, by: Literal["train", "watch"] = "train"
) -> None:
    """UsageError where the model learned from a part of Omniglot that shares characters with this.

    by: "watch" asks for what its training was watched by, and stopped, instead. Parts are told by
    their names; what else a model learned from, nobody can know by a name.
    """
    from firstsight.data.omniglot_parts import characters_of

    judged = characters_of(part)
    for key in ("train", "beside") if by == "train" else ("watch",):
        known = _named(info, key)
        shared = characters_of(known) & judged
        if shared:
            how = "trained on" if by == "train" else "chosen by"
            raise UsageError(
                f"the model was {how} {known}, which holds {len(shared)} of the {len(judged)} "
                f"characters of {part} ({min(shared)} is one), and a figure on them says nothing "
                "about new things; judge it by other data, or train on other characters"
            )


def require_seen_characters(info: ModelInfo, part: str) -> None:
    """UsageError unless the model learned from all of this part of Omniglot, and nothing more.

    Another name for the very same drawings will do.
    """
    from firstsight.data.omniglot_parts import drawings_of

    data, trained = info.recipe.get("data", {}), _named(info, "train")
    held_out = data.get("held_out_groups") or data.get("held_out_classes")
    if drawings_of(trained) != drawings_of(part) or held_out or data.get("beside"):
        raise UsageError(
            f"this protocol judges models of all of {part}, and the model was trained on "
            f"{trained or 'something else'}{' without some classes' if held_out else ''}; "
            "train one by the recipe omniglot-12-4-4"
        )


def _named(info: ModelInfo, key: str) -> str:
    """A data set of the model's recipe, by its full name; "" where it has none."""
    table = info.recipe.get("data")
    return for_training(str(table.get(key, ""))) if isinstance(table, dict) else ""
