"""Use case: tell a model which places are crowded, from the things it learned from or others."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from firstsight.app.calibrating import require_changeable
from firstsight.app.extras import require_learning
from firstsight.app.packing import open_with_progress
from firstsight.app.remarks import say
from firstsight.app.unseen import all_but_held_out
from firstsight.errors import DataError, ModelFolderError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from firstsight.data.packed import PackedPictures
    from firstsight.model.embedder import Embedder

__all__ = ["centres_of", "crowd", "crowd_after_training", "crowd_alike"]

USUAL_SHARE = 0.5
LEAST_CLASSES = 50  # it takes some hundreds to show: docs/decisions/0017-landmarks.md
_MOST_CLASSES = 2000
_MOST_OF_EACH = 5  # more pictures hardly move a centre


def crowd(
    model: str | Path,
    data: str,
    *,
    share: float = USUAL_SHARE,
    to: Path | None = None,
    console: Console | None = None,
) -> Path:
    """Put the centres of the classes of `data` into a model, as what its distances go by.

    data: a data set's name or a folder of pictures, of things like those to come; of data that the
        model was trained on, all but what the training held out. Flat folders will do: each
        picture counts as a class.
    share: of the crowding, that distances grow by; 0..2.
    to: write a copy there, and leave `model` as it is (a must for shipped models).
    It is another model afterwards: galleries move to it by `upgrade`, and it must be calibrated
    anew. Raises ModelFolderError where the model does not compare by cosine, DataError where there
    are fewer than fifty classes, UsageError.
    """
    require_learning("changing a network")
    from firstsight.model.embedder import load

    if not 0 < share <= 2:
        raise UsageError(f"the share is {share:g}; give one above 0 and up to 2")
    console = console or Console(stderr=True)
    require_changeable(model, to)
    embedder = load(model)
    opened = open_with_progress(data, embedder.info.preprocessing, console)
    pictures = all_but_held_out(embedder.info, opened)
    if pictures.n_classes < LEAST_CLASSES:
        raise DataError(
            f"{data} has {pictures.n_classes} classes, too few to tell what is crowded; give at "
            f"least {LEAST_CLASSES}, or as many pictures side by side in one folder"
        )
    return _crowd(model, embedder, pictures, share, to, console)


def crowd_after_training(model: Path, pictures: PackedPictures, console: Console) -> None:
    """As its recipe wishes, from what it learned from, where that is enough to tell."""
    from firstsight.model.embedder import load
    from firstsight.model.folder import read_model_info

    info = read_model_info(model)
    share = info.recipe["head"]["crowding"]
    learned = all_but_held_out(info, pictures)
    if share and learned.n_classes >= LEAST_CLASSES:
        _crowd(model, load(model), learned, share, None, console)


def crowd_alike(model: Path, origin: Path) -> None:
    """Give a tuned model the landmarks of the one that it began with, where that has any."""
    from firstsight.learning.training.crowding import landmarks_in
    from firstsight.model.folder import read_onnx

    found = landmarks_in(read_onnx(origin))
    if found is not None:
        _put(model, *found, to=None)


def centres_of(embedder: Embedder, pictures: PackedPictures) -> NDArray[np.float32]:
    """Landmarks (M, D) by a model that compares by cosine: a few pictures of each class."""
    from firstsight.learning.training.crowding import centres

    some = _some(pictures)
    is_crowded = embedder.info.head.kind == "crowded_cosine"
    n_directions = embedder.info.embedding_size - (1 if is_crowded else 0)
    return centres(embedder.embed_pixels(some.pixels)[:, :n_directions], some.labels)


def _crowd(
    model: str | Path,
    embedder: Embedder,
    pictures: PackedPictures,
    share: float,
    to: Path | None,
    console: Console,
) -> Path:
    from firstsight.model.folder import resolve_model

    kind = embedder.info.head.kind
    if kind not in ("cosine", "crowded_cosine"):
        raise ModelFolderError(
            f"{model} compares by {kind}, and only a model that compares by cosine can be told "
            "what is crowded"
        )
    say(console, f"learning which places are crowded, from {pictures.n_classes} classes")
    landmarks = centres_of(embedder, pictures)
    if not len(landmarks):
        raise ModelFolderError(f"{model} embeds every picture as zero; train it anew")
    return _put(resolve_model(model), landmarks, share, to=to)


def _some(pictures: PackedPictures) -> PackedPictures:
    """A few pictures each of as many classes as serve."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(pictures))
    labels = pictures.labels[order]
    by_class = order[np.argsort(labels, kind="stable")]
    labels = pictures.labels[by_class]
    place = np.arange(len(labels)) - np.searchsorted(labels, labels)
    taken = np.zeros(len(pictures), np.bool_)
    taken[by_class[place < _MOST_OF_EACH]] = True
    kept = rng.permutation(pictures.n_classes)[:_MOST_CLASSES]
    return pictures.select(taken & np.isin(pictures.labels, kept))


def _put(model: Path, landmarks: NDArray[np.float32], share: float, *, to: Path | None) -> Path:
    from firstsight.learning.training.crowding import LANDMARKS, crowded
    from firstsight.model.folder import (
        TENSORS,
        read_model_info,
        read_onnx,
        read_tensors,
        write_model_folder,
    )
    from firstsight.similarity import CrowdedCosine

    info = read_model_info(model)
    tensors: dict[str, Any] | None = None
    if (model / TENSORS).exists():
        # Among the weights, so that the model's fingerprint tells other landmarks from these.
        landmark_tensor = {LANDMARKS: (share * landmarks).astype(np.float16)}
        tensors = {**read_tensors(model), **landmark_tensor}
    recipe = copy.deepcopy(info.recipe)
    recipe.setdefault("head", {"kind": "cosine"})["crowding"] = share
    write_model_folder(
        to or model,
        onnx=crowded(read_onnx(model), landmarks, share),
        tensors=tensors,
        info=replace(
            info,
            head=CrowdedCosine(),
            embedding_size=landmarks.shape[1] + 1,
            recipe=recipe,
            calibration=None,
            scores=(),
        ),
    )
    return to or model
