"""What a Hugging Face model says of itself: where its files are, how it is shown its pictures, and
how many features it gives. Two JSON files are read for that, and no network is built.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firstsight.data.sources import is_offline
from firstsight.errors import DataError, DataUnavailable, MissingExtraError

__all__ = ["PREFIX", "complete_tables", "model_folder", "picture_of"]

PREFIX = "hf:"  # of a model's name, where another kind of name could stand too

_TOLD = ("config.json", "preprocessor_config.json")
# Never a pickle, and never code.
_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json")
_SHOWN = ("size", "mode", "fit", "mean", "deviation")
_IMAGENET = {"mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}
_USUAL_SIZE = 224
_SHORTEST = "shortest_edge"
_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")


def complete_tables(tables: dict[str, Any]) -> None:
    """Write into a recipe's tables what they leave to the model: its features' size, and [picture].

    Does nothing for other networks, nor where nothing is left out. Raises what `model_folder`
    raises.
    """
    network, picture = tables.get("network"), tables.get("picture", {})
    if not isinstance(network, dict) or network.get("kind") != "huggingface":
        return
    if not isinstance(network.get("name"), str) or not isinstance(picture, dict):
        return  # the schema will say so
    network["name"] = network["name"].removeprefix(PREFIX)
    if "n_features" in network and all(key in picture for key in _SHOWN):
        return
    folder = model_folder(network["name"])
    if folder == Path(network["name"]).expanduser():
        network["name"] = str(folder.resolve())  # wherever the training is resumed from
    network.setdefault("n_features", _n_features(folder))
    tables["picture"] = picture_of(folder) | picture


def model_folder(name: str, *, with_weights: bool = False) -> Path:
    """The folder with the files of the model `name`: a folder on this machine, or a repository on
    huggingface.co, whose files are fetched where the cache has none.

    Raises MissingExtraError without the extra `hub`, DataUnavailable where there is no such model
    or it cannot be asked for, DataError where it has no weights as safetensors.
    """
    name = name.removeprefix(PREFIX)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not _REPOSITORY.fullmatch(name):
            raise DataUnavailable(
                f"there is no folder {name}; name a folder with a model's config.json, or a model "
                "of huggingface.co like facebook/dinov2-small"
            )
        folder = _fetch(name, _TOLD + (_WEIGHTS if with_weights else ()))
    if not (folder / "config.json").is_file():
        raise DataError(f"{name} has no config.json: it is no model that transformers saved")
    if with_weights and not any(any(folder.glob(pattern)) for pattern in _WEIGHTS[:2]):
        raise DataError(
            f"{name} has no model.safetensors, and weights in a pickle are not read; "
            "choose a model published as safetensors, or save it again as such"
        )
    return folder


def picture_of(folder: Path) -> dict[str, Any]:
    """The table [picture] by the model's preprocessor_config.json; where it has none, the size is
    that of its config.json, 224 px failing that, and colours are normalised as for ImageNet.

    The middle square is taken where the model was shown a crop; the margin around it that some
    crops leave out stays.
    """
    told, config = _read(folder / "preprocessor_config.json"), _read(folder / "config.json")
    size = told.get("size")
    cropped = bool(told.get("do_center_crop", "crop_size" in told))
    # ConvNeXt crops by a share of its own, and names only the shorter side.
    in_part = cropped or "crop_pct" in told or (isinstance(size, Mapping) and _SHORTEST in size)
    picture: dict[str, Any] = dict(_IMAGENET)
    if told:
        normalised = told.get("do_normalize", True)
        picture["mean"] = told.get("image_mean", [0.5]) if normalised else [0.0]
        picture["deviation"] = told.get("image_std", [0.5]) if normalised else [1.0]
    usual = _side(config.get("image_size")) or _USUAL_SIZE
    side = (_side(told.get("crop_size")) if cropped else None) or _side(size) or usual
    fit = "crop" if in_part or not told else "squash"
    return {"size": side, "mode": "rgb", "fit": fit, **picture}


def _n_features(folder: Path) -> int:
    config = _read(folder / "config.json")
    sizes = config.get("hidden_sizes")
    told = config.get("hidden_size") or (sizes[-1] if isinstance(sizes, list) and sizes else None)
    if not isinstance(told, int):
        raise DataError(
            f"{folder / 'config.json'} does not say how many features the model gives "
            "(hidden_size); set network.n_features"
        )
    return told


def _fetch(name: str, files: tuple[str, ...]) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.utils import disable_progress_bars
    except ImportError:
        raise MissingExtraError("hub", f"the network {name} of Hugging Face") from None
    disable_progress_bars()
    offline = is_offline()
    try:
        return Path(snapshot_download(name, allow_patterns=files, local_files_only=offline))
    # Which errors its HTTP library raises is its own affair, and changes.
    except Exception as trouble:
        why = "FIRSTSIGHT_OFFLINE forbids asking the network" if offline else _first_line(trouble)
        raise DataUnavailable(
            f"the model {name} was not found on this machine, and huggingface.co gave none: {why}; "
            "check its name, or give a folder with its config.json and model.safetensors"
        ) from trouble


def _first_line(trouble: Exception) -> str:
    return (str(trouble).strip().splitlines() or [type(trouble).__name__])[0].rstrip(".:;")


def _read(file: Path) -> Mapping[str, Any]:
    """{} where there is no such file."""
    if not file.exists():
        return {}
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as flaw:
        raise DataError(f"{file} cannot be read as JSON ({flaw}); fetch the model again") from flaw
    if not isinstance(told, dict):
        raise DataError(f"{file} holds no table; fetch the model again")
    return told


def _side(size: object) -> int | None:
    """Sizes are written as 224, [224, 224], {"height": 224, "width": 224} or
    {"shortest_edge": 224}."""
    if isinstance(size, Mapping):
        size = size.get(_SHORTEST, size.get("height"))
    if isinstance(size, list) and size:
        size = size[0]
    return size if isinstance(size, int) else None
