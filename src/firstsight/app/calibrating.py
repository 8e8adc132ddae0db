"""Use case: let a model learn what its distances mean, from things it never saw."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from firstsight.app.packing import open_with_progress
from firstsight.app.remarks import say
from firstsight.app.unseen import count_learned, learned_from, only_unseen
from firstsight.errors import DataError, ModelFolderError, UsageError

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.deciding.calibrated import Calibrated
    from firstsight.deciding.fitting import HeldOut
    from firstsight.model.embedder import Embedder

__all__ = ["borrow", "calibrate", "calibrate_after_training", "require_changeable"]


def calibrate(
    model: str | Path,
    data: str,
    *,
    same_means: str | None = None,
    to: Path | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> tuple[Path, Calibrated]:
    """Fit probabilities and thresholds on `data`, and put them into the model folder.

    data: a data set's name or a folder of pictures, of things that the training did not see.
    same_means: what its classes are, where they are something else than those learned from: single
    things and not kinds, for one. From then on the model says so of its answers.
    to: write a calibrated copy there, and leave `model` as it is (a must for shipped models).
    Of data that it was trained on, only the classes that the training held out count.
    Raises UsageError where those are none, DataError where there are too few.
    """
    from firstsight.model.embedder import load
    from firstsight.model.folder import resolve_model

    console = console or Console(stderr=True)
    require_changeable(model, to)
    embedder = load(model)
    pictures = open_with_progress(data, embedder.info.preprocessing, console)
    unseen = only_unseen(embedder.info, pictures, console)
    if n_learned := count_learned(embedder.info, unseen):
        say(
            console,
            f"{n_learned:,} of the pictures were learned from, byte for byte, and look nearer than "
            "new ones do: delete the copies and calibrate again",
        )
    calibrated = _fit(embedder, unseen, seed, console)
    return _put(calibrated, resolve_model(model), to, same_means), calibrated


def calibrate_after_training(model: Path, pictures: PackedPictures, console: Console) -> None:
    """Calibrate a new model on the classes that its training held out; say so where none were."""
    from firstsight.model.embedder import load
    from firstsight.model.folder import set_calibration

    embedder = load(model)
    remedy = f"calibrate it with: firstsight calibrate {model} --data FOLDER"
    try:
        unseen = only_unseen(embedder.info, pictures, console)
        set_calibration(model, _fit(embedder, unseen, 0, console).to_json())
    except UsageError:
        say(
            console, f"nothing was held out to calibrate on, so no answer has a threshold; {remedy}"
        )
    except DataError as trouble:
        say(
            console,
            f"not calibrated: {trouble}; hold out more (data.held_out_classes), or {remedy}",
        )


def _fit(embedder: Embedder, pictures: PackedPictures, seed: int, console: Console) -> Calibrated:
    from firstsight.deciding.fitting import HeldOut, fit_calibrated

    say(console, f"calibrating on {len(pictures)} pictures of {pictures.n_classes} things")
    return fit_calibrated(
        embedder.info.head,
        [HeldOut(embedder.embed_pixels(pictures.pixels), pictures.labels)],
        fitted_on={"data": pictures.name, "data_fingerprint": pictures.fingerprint},
        seed=seed,
    )


def borrow(
    model: str | Path,
    sisters: Sequence[str | Path],
    *,
    to: Path | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> tuple[Path, Calibrated]:
    """Calibrate a model by its sisters: the same recipe, each trained without some classes.

    A model that learned from all there is has no unseen classes left to be calibrated on; sisters
    that held some out have, and their distances mean the same as far as anybody can measure.
    Several that held out different parts (`data.held_out_part`) vouch for more.
    ModelFolderError where one differs in more than the data held out, the seed and the length of
    the training, or learned for less than half as long; UsageError
    where one held nothing out or two held out the same.
    """
    from firstsight.deciding.fitting import fit_calibrated
    from firstsight.model.embedder import load
    from firstsight.model.folder import read_model_info, resolve_model

    console = console or Console(stderr=True)
    require_changeable(model, to)
    own = read_model_info(resolve_model(model))
    embedders = [load(each) for each in sisters]
    for place, other in zip(sisters, embedders, strict=True):
        if _kin(own.recipe) != _kin(other.info.recipe) or own.head.kind != other.info.head.kind:
            raise ModelFolderError(
                f"{place} is no sister of {model}: their recipes differ in more than the classes "
                "held out and the seed; train one by the same recipe"
            )
        _require_long_enough(place, other.info.recipe, own.recipe, console)
    name = own.recipe["data"]["train"]
    pictures = open_with_progress(name, own.preprocessing, console)
    fitted_on = {
        "data": pictures.name,
        "data_fingerprint": pictures.fingerprint,
        "by_sisters": [each.info.fingerprint for each in embedders],
        "sister_steps": [each.info.recipe["training"]["steps"] for each in embedders],
    }
    parts = _held_out_by(embedders, pictures, console)
    calibrated = fit_calibrated(own.head, parts, fitted_on=fitted_on, seed=seed)
    return _put(calibrated, resolve_model(model), to), calibrated


def _held_out_by(
    sisters: Sequence[Embedder], pictures: PackedPictures, console: Console
) -> list[HeldOut]:
    from firstsight.data.splits import require_no_shared_classes
    from firstsight.deciding.fitting import HeldOut

    unseen: list[PackedPictures] = []
    for each in sisters:
        if not learned_from(each.info, pictures):
            raise UsageError(
                f"{each.info.name} was trained on other pictures than {pictures.name} holds now; "
                "calibrate with --data, on things it never saw"
            )
        held_out = only_unseen(each.info, pictures, console)
        for other in unseen:
            require_no_shared_classes(other, held_out)
        unseen.append(held_out)
    return [
        HeldOut(each.embed_pixels(held_out.pixels), held_out.labels)
        for each, held_out in zip(sisters, unseen, strict=True)
    ]


def _require_long_enough(
    place: str | Path, sister: dict[str, Any], own: dict[str, Any], console: Console
) -> None:
    """A shorter training tells less apart, so its thresholds are a shade too strict."""
    trained, wanted = sister["training"]["steps"], own["training"]["steps"]
    if trained < wanted / 2:
        raise ModelFolderError(
            f"{place} learned for {trained} steps, less than half of the model's {wanted}: its "
            "distances mean something else; train a sister for longer"
        )
    if trained != wanted:
        say(console, f"{place} learned for {trained} steps, the model for {wanted}")


def _kin(recipe: dict[str, Any]) -> dict[str, Any]:
    """What sisters share: all but what they say of themselves, what was held out, the seed, how
    long they learned and how often they were looked at.

    Keys that a recipe of an older version did not have yet count by their defaults.
    """
    from firstsight.learning.recipes.schema import parse_recipe

    shared = parse_recipe(copy.deepcopy(recipe), origin="a model's recipe").model_dump(mode="json")
    for key in ("name", "description", "same_means"):
        del shared[key]
    for key in ("held_out_groups", "held_out_classes", "held_out_part"):
        del shared["data"][key]
    for key in ("seed", "steps", "validate_every", "validation_trials"):
        del shared["training"][key]
    return shared


def _put(
    calibrated: Calibrated, model: Path, to: Path | None, same_means: str | None = None
) -> Path:
    from firstsight.model.folder import copy_model_folder, set_calibration

    place = copy_model_folder(model, to) if to is not None else model
    set_calibration(place, calibrated.to_json(), same_means=same_means)
    return place


def require_changeable(model: str | Path, to: Path | None) -> None:
    """ModelFolderError where a shipped model would be written over."""
    from firstsight.model.folder import shipped_models

    if to is None and str(model) in shipped_models():
        raise ModelFolderError(
            f"{model} came with firstsight and stays as it is; write a calibrated copy: --to FOLDER"
        )
