"""Which pictures of a data set a model may be judged or calibrated by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from rich.console import Console

from firstsight.app.names import for_training
from firstsight.app.remarks import say_once
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from firstsight.data.learned import LearnedPictures
    from firstsight.data.packed import PackedPictures
    from firstsight.evaluation.suspicion import Acquaintance
    from firstsight.model.info import ModelInfo

__all__ = [
    "acquaintance",
    "all_but_held_out",
    "count_learned",
    "learned_from",
    "only_unseen",
    "require_seen_characters",
    "require_unseen_characters",
]

# Of a class of which so many pictures were learned from, the others are no new things either.
LEARNED_SHARE = 0.1


def only_unseen(info: ModelInfo, pictures: PackedPictures, console: Console) -> PackedPictures:
    """All pictures where training saw none of them, else the classes that it held out.

    Of pictures that are more or fewer than a training was given, the classes that it did not learn
    from. What the model learned that a training began with, is learned too.
    UsageError where none are left, or a training learned from another part of Omniglot with some
    of the same characters: a figure on what was learned says nothing of new things.
    """
    trainings = list(_trainings(info))
    given = next((each for each in trainings if learned_from(each, pictures)), None)
    if given is not None:
        pictures = _held_out(given, pictures, console)
        return pictures if given is info else _never_learned(info, pictures, console)
    require_unseen_characters(info, pictures.name)
    require_unseen_characters(info, pictures.name, by="watch")
    if any(
        each.made_by.get("beside_fingerprint") in _as_seen(each, pictures) for each in trainings
    ):
        raise UsageError(
            f"the model was trained on all of {pictures.name} too, beside its own data, and a "
            "figure on that says nothing about new things; name other data with --data"
        )
    return _never_learned(info, pictures, console)


def acquaintance(info: ModelInfo, judged: PackedPictures, whole: PackedPictures) -> Acquaintance:
    """What the model knew of the pictures that it is judged by, which are of a `whole` set."""
    from firstsight.evaluation.suspicion import Acquaintance

    fitted_on = (info.calibration or {}).get("fitted_on", {})
    return Acquaintance(
        n_learned=count_learned(info, judged),
        n_pictures=len(judged),
        calibrated=fitted_on.get("data_fingerprint") == judged.fingerprint,
        watched=learned_from(info, whole),
    )


def count_learned(info: ModelInfo, pictures: PackedPictures) -> int:
    """How many of the pictures the model is known to have learned from, byte for byte."""
    return int(_record(info).among(pictures.digests).sum())


def _held_out(info: ModelInfo, pictures: PackedPictures, console: Console) -> PackedPictures:
    """Of the very pictures of a training."""
    _, unseen = _parted(info, pictures)
    if unseen is None:
        raise UsageError(
            "the model was trained on all of these pictures, and a figure on them says nothing "
            "about new things; name other data with --data, or train with data.held_out_classes"
        )
    say_once(console, f"going by the {unseen.n_classes} classes that the training held out")
    return unseen


def _never_learned(info: ModelInfo, pictures: PackedPictures, console: Console) -> PackedPictures:
    """Of any pictures: without the classes that the model learned from. A few copies of learned
    pictures in a class are no such thing."""
    record, labels = _record(info), pictures.labels
    known = record.among(pictures.digests)
    if not known.any():
        return pictures
    n_known, n_told = (
        np.bincount(labels[rows], minlength=pictures.n_classes)
        for rows in (known, record.told_of(pictures.digests))
    )
    learned = (n_known > 0) & (n_known >= LEARNED_SHARE * n_told)
    if not learned.any():
        return pictures
    learned |= n_told == 0  # nobody knows, and the others of the set were learned from
    told = f"the model learned from {'' if n_told.sum() == len(labels) else 'at least '}"
    told += f"{known.sum():,} of the {len(labels):,} pictures of {pictures.name}"
    n_left = int((~learned).sum())
    if n_left < 2:
        raise UsageError(
            f"{told}, and a figure on them says nothing about new things; name other data with "
            "--data"
        )
    say_once(console, f"{told}; going by the {n_left} classes that it did not learn")
    return pictures.select(~learned[labels])


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


def _trainings(info: ModelInfo) -> Iterator[ModelInfo]:
    """The model, and those that its training and theirs began with, as far as is known of them."""
    yield info
    making = info.made_by.get("began_with")
    if making:
        known = {key: making[key] for key in ("name", "recipe", "data_fingerprint")}
        yield from _trainings(replace(info, **known, made_by=making))


def _record(info: ModelInfo) -> LearnedPictures:
    from firstsight.data.learned import LearnedPictures

    return LearnedPictures.from_text(info.made_by.get("learned", ""))


def _parted(
    info: ModelInfo, pictures: PackedPictures
) -> tuple[PackedPictures, PackedPictures | None]:
    """The classes that the model learned from, and those that its training held out, as far as
    these have two pictures.

    The classes are drawn from the same ones as in the training, or they would be others.
    """
    from firstsight.data.splits import hold_out, without_singletons

    data, training = info.recipe.get("data", {}), info.recipe.get("training", {})
    if info.recipe.get("loss", {}).get("kind") != "own_picture":  # which learns from single ones
        pictures = without_singletons(pictures)[0]
    learned, held_out = hold_out(
        pictures,
        n_groups=data.get("held_out_groups", 0),
        class_share=data.get("held_out_classes", 0),
        part=data.get("held_out_part", 0),
        seed=training.get("seed", 0),
    )
    return learned, held_out and _repeated(held_out)


def _repeated(pictures: PackedPictures) -> PackedPictures:
    """Without classes of a single picture, which say nothing; all where there are no others."""
    repeated = np.bincount(pictures.labels)[pictures.labels] > 1
    return pictures.select(repeated) if repeated.any() else pictures


def require_unseen_characters(
    info: ModelInfo, part: str, *, by: Literal["train", "watch"] = "train"
) -> None:
    """UsageError where the model learned from a part of Omniglot that shares characters with this.

    by: "watch" asks for what its training was watched by, and stopped, instead. Parts are told by
    their names; what else a model learned from, nobody can know by a name.
    """
    from firstsight.data.omniglot_parts import characters_of

    judged = characters_of(part)
    keys = ("train", "beside") if by == "train" else ("watch",)
    for known in (_named(each, key) for each in _trainings(info) for key in keys):
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
