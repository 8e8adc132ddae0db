"""Use case: train a recipe once for each part of the classes, and judge it by that part alone.

Nothing of a part is seen by the network that is judged by it, nor by what chooses its weights: the
recipe's own held-out classes are taken from the other parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from firstsight.app.crowding import crowd_after_training
from firstsight.app.extras import require_learning
from firstsight.app.packing import open_with_progress
from firstsight.app.remarks import say
from firstsight.app.training import (
    free_folder,
    held_out_by_default,
    say_what_is_held_out,
    with_data,
)
from firstsight.errors import CheckpointError, StorageError, TrainingError, UsageError, storing

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.evaluation.crossed import Part
    from firstsight.evaluation.embedding import Embed
    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.learning.recipes.schema import Recipe
    from firstsight.similarity import Head

__all__ = ["Crossed", "CrossedProtocol", "cross_validate"]

CrossedProtocol = Literal["verification", "retrieval"]
_DONE = "done.json"


@dataclass(frozen=True)
class Crossed:
    """What a cross-validation left behind.

    folder: a training for each part, part-1 and on. cards: whose scorecard is whose, the trained
    network's first, then what the same network is worth untrained, on the same trials.
    """

    folder: Path
    cards: tuple[tuple[str, Scorecard], ...]


@dataclass(frozen=True, eq=False)
class _Split:
    """Rows (N,) bool of the pictures to judge by, and of those that a threshold may come from."""

    judged: NDArray[np.bool_]
    watched: NDArray[np.bool_]


def cross_validate(
    recipe: str | Path,
    *,
    protocol: CrossedProtocol,
    n_parts: int = 5,
    data: str | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    console: Console | None = None,
) -> Crossed:
    """Train and judge `recipe` over `n_parts` parts of its classes.

    data: as `train` takes it; groups and a set that the recipe watches by are set aside where they
        belong to its own data, for what `train` holds out by default.
    out: a folder; parts that are done there already are not trained again, so that the same call
        goes on where an earlier one was interrupted. Default: runs/NAME-crossed.
    Raises what `train` raises, UsageError where there are too few classes for so many parts,
    before anything is trained, CheckpointError where `out` holds parts of another recipe, and
    TrainingError where it is stopped.
    """
    require_learning("training a network")
    from firstsight.data.splits import without_singletons
    from firstsight.learning.recipes.shelf import load_recipe
    from firstsight.learning.training.build import build_preprocessing, finished_preprocessing

    if n_parts < 2:
        raise UsageError(f"{n_parts} parts leave nothing to learn from; give at least 2")
    console = console or Console(stderr=True)
    chosen = with_data(overrides, data)
    checked = load_recipe(recipe, chosen)
    watched_by_its_own = checked.data.held_out_groups or checked.data.watch
    if data is not None and watched_by_its_own and not say_what_is_held_out(overrides):
        own = held_out_by_default(checked, Console(quiet=True), n_parts=n_parts)
        checked = load_recipe(recipe, [*chosen, *own])
    folder = Path(out) if out else free_folder(f"{checked.name}-crossed")
    opened = open_with_progress(checked.data.train, build_preprocessing(checked), console)
    pictures = shown = without_singletons(opened)[0]
    if checked.shown_size != checked.picture.size:  # finished models look closer
        opened = open_with_progress(checked.data.train, finished_preprocessing(checked), console)
        shown = without_singletons(opened)[0]
    _require_classes(pictures, n_parts)
    splits = _splits(checked, pictures, n_parts)
    if protocol == "verification":
        _require_threshold(pictures, splits)
    trained = []
    for number, split in enumerate(splits, 1):
        say(console, f"part {number} of {n_parts}")
        embed, head = _train_part(checked, pictures.select(~split.judged), folder, number, console)
        trained.append(_seen_by(embed, head, shown, split))
    say(console, "the same network, untrained, on the same trials")
    contestants = {
        checked.name: trained,
        **_untrained(checked, shown, splits),
    }
    return Crossed(folder, tuple(_judged(contestants, pictures, protocol, checked)))


def _require_classes(pictures: PackedPictures, n_parts: int) -> None:
    """Two in each part: of one alone every picture would be right."""
    n, most = pictures.n_classes, pictures.n_classes // 2
    if most < 2:
        raise UsageError(
            f"{pictures.name} has {n} classes with two pictures or more, but a cross-validation "
            "takes four, two for each of two parts; add classes, or train and evaluate without one"
        )
    if n_parts > most:
        raise UsageError(
            f"{n_parts} parts of the {n} classes of {pictures.name} with two pictures or more "
            "leave one with fewer than two, where nothing is to be told apart; "
            f"give --parts {most} at most"
        )


def _require_threshold(pictures: PackedPictures, splits: Sequence[_Split]) -> None:
    for number, split in enumerate(splits, 1):
        if len(np.unique(pictures.labels[split.watched])) < 2:
            raise UsageError(
                f"1 class is held out beside part {number}, and a threshold takes pairs of two; "
                "hold out more (--set data.held_out_classes=0.2), or none (0)"
            )


def _splits(recipe: Recipe, pictures: PackedPictures, n_parts: int) -> list[_Split]:
    """Parts of (nearly) equally many classes; the draw is that of the recipe's seed."""
    seed = recipe.training.seed
    drawn = np.random.default_rng([seed, 8]).permutation(pictures.n_classes)
    splits = []
    for classes in np.array_split(drawn, n_parts):
        judged = np.isin(pictures.labels, classes)
        splits.append(_Split(judged, _watched(recipe, pictures, ~judged)))
    return splits


def _watched(
    recipe: Recipe, pictures: PackedPictures, others: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Rows that the part's own training holds out; all that it learns from where it holds none."""
    from firstsight.data.splits import hold_out

    marked = replace(pictures, drawers=np.arange(len(pictures)))  # to find the rows again by
    _, held_out = hold_out(
        marked.select(others),
        n_groups=recipe.data.held_out_groups,
        class_share=recipe.data.held_out_classes,
        part=recipe.data.held_out_part,
        seed=recipe.training.seed,
    )
    if held_out is None:
        return others
    rows = np.zeros(len(pictures), np.bool_)
    rows[held_out.drawers] = True
    return rows


def _train_part(
    recipe: Recipe, others: PackedPictures, folder: Path, number: int, console: Console
) -> tuple[Embed, Head]:
    """A model that learned from the other parts: trained now, or found in the folder."""
    from firstsight.learning.training.run import read_recipe, resume, train
    from firstsight.model.embedder import load

    place = folder / f"part-{number}"
    if (place / _DONE).exists():
        if read_recipe(place) != recipe or _read_data(place) != others.fingerprint:
            raise CheckpointError(
                f"{place} was trained by another recipe or on other pictures; name another folder "
                "with --out"
            )
        say(console, f"already trained: {place}")
    else:
        begun = (place / "run.json").exists()
        if begun:
            run = resume(place, others, recipe=recipe, console=console)
        else:
            run = train(recipe, others, place, console=console)
        if run.ended == "stopped":
            raise TrainingError(
                f"stopped in part {number}; the same command with --out {folder} goes on from there"
            )
        crowd_after_training(place / "model", others, console)
        found = None if run.accuracy is None else round(run.accuracy, 4)
        done = {"data": others.fingerprint, "step": run.step, run.watched: found}
        with storing(place):
            (place / _DONE).write_text(json.dumps(done), encoding="utf-8")
    embedder = load(place / "model")
    return embedder.embed_pixels, embedder.info.head


def _read_data(place: Path) -> str:
    try:
        return str(json.loads((place / _DONE).read_text(encoding="utf-8"))["data"])
    except (ValueError, LookupError) as trouble:
        raise StorageError(f"{place / _DONE} is damaged; delete {place}") from trouble


def _seen_by(embed: Embed, head: Head, pictures: PackedPictures, split: _Split) -> Part:
    from firstsight.evaluation.crossed import Part
    from firstsight.evaluation.embedding import embed_all

    judged, watched = (pictures.select(rows) for rows in (split.judged, split.watched))
    return Part(
        rows=np.flatnonzero(split.judged),
        embeddings=embed_all(embed, judged.pixels, batch_size=64),
        head=head,
        watched=embed_all(embed, watched.pixels, batch_size=64),
        watched_labels=watched.labels,
    )


def _untrained(
    recipe: Recipe, pictures: PackedPictures, splits: Sequence[_Split]
) -> dict[str, list[Part]]:
    """The network as its training begins, and the same seen from the mean of what it could learn
    from: published features all point into one corner, and that much needs no training."""
    from firstsight.evaluation.crossed import Part
    from firstsight.evaluation.embedding import embed_all
    from firstsight.learning.training.untrained import build_untrained
    from firstsight.similarity import Cosine

    embed, _ = build_untrained(_without_projection(recipe))
    every = embed_all(embed, pictures.pixels, batch_size=64)
    every = every / np.maximum(np.linalg.norm(every, axis=1, keepdims=True), 1e-12)

    def parts(*, centred: bool) -> Iterator[Part]:
        for split in splits:
            seen = every - every[~split.judged].mean(0) if centred else every
            rows = np.flatnonzero(split.judged)
            labels = pictures.labels[split.watched]
            yield Part(rows, seen[rows], Cosine(), seen[split.watched], labels)

    network = recipe.network.model_dump()
    name = "untrained network" if network.get("weights", "random") == "random" else "frozen"
    return {name: list(parts(centred=False)), f"{name}, centred": list(parts(centred=True))}


def _without_projection(recipe: Recipe) -> dict[str, Any]:
    """A projection begins with random weights, which say nothing of the features before it, or
    with a whitening, which is learned."""
    tables = recipe.model_dump(mode="json")
    if "projection" in tables["network"]:
        tables["network"] |= {"projection": None, "whitened": False}
        tables["training"]["steps"] = max(1, tables["training"]["steps"])
    return tables


def _judged(
    contestants: dict[str, list[Part]],
    pictures: PackedPictures,
    protocol: CrossedProtocol,
    recipe: Recipe,
) -> Iterator[tuple[str, Scorecard]]:
    from firstsight.evaluation import crossed

    seed = recipe.training.seed
    if protocol == "verification":
        for who, parts in contestants.items():
            yield who, crossed.crossed_verification(parts, pictures, seed)
        return
    rankings = {who: crossed.crossed_ranking(each, pictures) for who, each in contestants.items()}
    ours = rankings[recipe.name]
    for who, ranking in rankings.items():
        card = crossed.crossed_retrieval(ranking, pictures, seed)
        if who != recipe.name:
            card.details["gain_of_training"] = {
                name: [gain, *ends]
                for name, (gain, ends) in crossed.gains(ranking, ours, pictures, seed).items()
            }
        yield who, replace(card, details={**card.details, "parts": len(contestants[recipe.name])})
