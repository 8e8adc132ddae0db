"""Parting one packed set into several, by groups, by classes, by who drew; joining two."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError, ShapeError, UsageError

__all__ = [
    "by_drawer",
    "hold_out",
    "hold_out_classes",
    "hold_out_groups",
    "join",
    "require_no_shared_classes",
    "without_singletons",
]

_NAMED = 5


def hold_out_groups(
    pictures: PackedPictures,
    groups: Collection[str] | int,
    rng: np.random.Generator | None = None,
    *,
    part: int = 0,
) -> tuple[PackedPictures, PackedPictures]:
    """Split into (train, held out) by whole groups, such as alphabets.

    groups: names of those to hold out, or how many to draw with `rng`. part: which of the draws
    that share no group, as in cross-validation.
    Raises DataError where a group is unknown, named twice, or one side would be empty.
    """
    names = pictures.group_names
    if isinstance(groups, int):
        _require_rest(pictures, groups, len(names), "groups")
        held = _part(_required(rng).permutation(len(names)), groups, part, "groups", pictures)
    else:
        named = [groups] if isinstance(groups, str) else list(groups)
        unknown = sorted(set(named) - set(names))
        if unknown:
            raise DataError(
                f"{pictures.name} has no group {unknown[0]!r}; choose among {_some(names)}"
            )
        if len(set(named)) < len(named):
            twice = next(name for name in named if named.count(name) > 1)
            raise DataError(f"the group {twice!r} is to be held out twice; name each group once")
        _require_rest(pictures, len(named), len(names), "groups")
        held = np.array([names.index(name) for name in named])
    return _parted(pictures, np.isin(pictures.groups, held))


def hold_out_classes(
    pictures: PackedPictures, share: float, rng: np.random.Generator, *, part: int = 0
) -> tuple[PackedPictures, PackedPictures]:
    """Split into (train, held out) by whole classes; share of them (0..1), rounded, is held out.

    part: as in `hold_out_groups`.
    Raises DataError where one side would be empty, UsageError for a share that is none.
    """
    if not 0 < share < 1:
        raise UsageError(f"the share to hold out is {share}, but must lie between 0 and 1")
    n_held = round(share * pictures.n_classes)
    _require_rest(pictures, n_held, pictures.n_classes, "classes")
    held = _part(rng.permutation(pictures.n_classes), n_held, part, "classes", pictures)
    return _parted(pictures, np.isin(pictures.labels, held))


def hold_out(
    pictures: PackedPictures, *, n_groups: int, class_share: float, part: int, seed: int
) -> tuple[PackedPictures, PackedPictures | None]:
    """(train, held out) as a training of this seed splits them; None where it holds nothing out.

    n_groups: whole groups to hold out, or class_share: of the classes; 0 for neither. part: which
    of the draws of this seed that have nothing in common, from 0.
    """
    rng = np.random.default_rng([seed, 7])  # a stream apart from those that draw batches
    if n_groups:
        return hold_out_groups(pictures, n_groups, rng, part=part)
    if class_share:
        return hold_out_classes(pictures, class_share, rng, part=part)
    return pictures, None


def join(first: PackedPictures, second: PackedPictures) -> PackedPictures:
    """All pictures of both, the first's in front; the classes of each stay its own.

    Groups of one name become one. The pixels are copied into memory. Raises ShapeError where the
    pictures differ in shape, DataError where a class, told by its name, is in both.
    """
    if first.pixels.shape[1:] != second.pixels.shape[1:]:
        raise ShapeError(
            f"{first.name} has pictures of shape {first.pixels.shape[1:]} and {second.name} of "
            f"{second.pixels.shape[1:]}; pack both by the same preprocessing"
        )
    shared = _shared(first, second)
    if shared:
        raise DataError(
            f"{len(shared)} classes are both in {first.name} and in {second.name} "
            f"({_some(shared)}); name two sets with nothing in common"
        )
    group_names = tuple(dict.fromkeys(first.group_names + second.group_names))
    groups = np.array([group_names.index(name) for name in second.group_names])
    return PackedPictures.of(
        name=f"{first.name} and {second.name}",
        pixels=np.concatenate([np.asarray(first.pixels), np.asarray(second.pixels)]),
        labels=np.concatenate([first.labels, second.labels + first.n_classes]),
        drawers=np.concatenate([first.drawers, second.drawers]),
        class_names=first.class_names + second.class_names,
        class_groups=np.concatenate([first.class_groups, groups[second.class_groups]]),
        group_names=group_names,
        digests=np.concatenate([first.digests, second.digests]),
        skipped=first.skipped + second.skipped,
    )


def by_drawer(pictures: PackedPictures, drawers: Collection[int]) -> PackedPictures:
    """The pictures that these drawers drew. Raises DataError where one of them drew nothing."""
    wanted = np.array(sorted(set(drawers)), np.int64)
    idle = wanted[~np.isin(wanted, pictures.drawers)]
    if len(idle) or not len(wanted):
        which = f"drawer {idle[0]}" if len(idle) else "no drawer at all"
        raise DataError(
            f"{pictures.name} has no pictures by {which}; choose among drawers 0 to "
            f"{pictures.drawers.max()}"
        )
    return pictures.select(np.isin(pictures.drawers, wanted))


def without_singletons(pictures: PackedPictures) -> tuple[PackedPictures, tuple[str, ...]]:
    """Leave out classes with a single picture, which make no pair; also returns their names.

    Raises DataError where fewer than two classes remain.
    """
    counts = np.bincount(pictures.labels, minlength=pictures.n_classes)
    lone = tuple(pictures.class_names[number] for number in np.flatnonzero(counts == 1))
    if int((counts >= 2).sum()) < 2:
        if counts.max() == 1:
            raise DataError(
                f"{pictures.name} has one picture of each class: enough to enroll and to compare "
                "with, but nothing to learn from; put at least two pictures of each class into a "
                "folder of its own, as in mug/1.jpg and mug/2.jpg"
            )
        short = [pictures.class_names[number] for number in np.flatnonzero(counts < 2)]
        example = f" (fewer: {_some(short)})" if short else ""
        raise DataError(
            f"learning needs at least two classes with two pictures each, but {pictures.name} has "
            f"{int((counts >= 2).sum())}{example}; add pictures to these classes or add classes"
        )
    return (pictures.select(counts[pictures.labels] >= 2) if lone else pictures), lone


def require_no_shared_classes(train: PackedPictures, held_out: PackedPictures) -> None:
    """Raises DataError where a class, told by its name, is on both sides."""
    shared = _shared(train, held_out)
    if shared:
        raise DataError(
            f"{len(shared)} classes are both in the training and in the held-out pictures "
            f"({_some(shared)}); keep them on one side"
        )


def _shared(first: PackedPictures, second: PackedPictures) -> list[str]:
    """The classes in both, by their names.

    Parts of one set have classes in common where the names alone are the same, for a group that has
    no name is called like its part; of two sets 001 may be something else in each.
    """
    if _set_of(first) == _set_of(second):
        return sorted(set(first.class_names) & set(second.class_names))
    return sorted("/".join(each) for each in set(first.full_names) & set(second.full_names))


def _set_of(pictures: PackedPictures) -> str:
    return pictures.name.rpartition(":")[0] or pictures.name


def _parted(
    pictures: PackedPictures, held: NDArray[np.bool_]
) -> tuple[PackedPictures, PackedPictures]:
    train, held_out = pictures.select(~held), pictures.select(held)
    require_no_shared_classes(train, held_out)
    return train, held_out


def _require_rest(pictures: PackedPictures, n_held: int, n_all: int, what: str) -> None:
    if not 0 < n_held < n_all:
        raise DataError(
            f"cannot hold out {n_held} of the {n_all} {what} of {pictures.name}; at least one must "
            "be held out and one must remain"
        )


def _part(
    drawn: NDArray[np.int64], n_held: int, part: int, what: str, pictures: PackedPictures
) -> NDArray[np.int64]:
    """The part-th `n_held` of them."""
    n_parts = len(drawn) // n_held
    if not 0 <= part < n_parts:
        raise DataError(
            f"part {part} was asked for, but {n_held} of the {len(drawn)} {what} of "
            f"{pictures.name} can be held out in {n_parts} parts, numbered from 0"
        )
    return drawn[part * n_held : (part + 1) * n_held]


def _required(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is None:
        raise UsageError(
            "groups held out by count are drawn at random; hand in a numpy random generator, or "
            "name the groups"
        )
    return rng


def _some(names: Collection[str]) -> str:
    first = ", ".join(list(names)[:_NAMED])
    return first if len(names) <= _NAMED else f"{first} and {len(names) - _NAMED} more"
