"""The model folder on disk: written whole or not at all, read strictly, never a pickle.

    model.onnx          the network, for recognising
    model.safetensors   the same weights, to train on; shipped folders leave it out
    model.json          everything else, with the sha256 of both (see info.py)
    README.md           the model card, generated from model.json

A folder without its model.safetensors stays valid, and keeps its fingerprint.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from firstsight.errors import ModelFolderError, storing
from firstsight.model.durable import replace_durably, sync_folder, write_durably
from firstsight.model.info import ModelInfo, StoredModel, fingerprint_of, weights_digest

__all__ = [
    "ModelInfo",
    "add_scores",
    "copy_model_folder",
    "read_model_info",
    "read_onnx",
    "read_tensors",
    "resolve_model",
    "set_calibration",
    "write_model_folder",
]

ONNX = "model.onnx"
TENSORS = "model.safetensors"
RECORD = "model.json"
CARD = "README.md"

SHIPPED = Path(__file__).parent / "shipped"

Tensors = Mapping[str, np.ndarray[Any, Any]]


def write_model_folder(
    path: str | Path, *, onnx: bytes, tensors: Tensors | None, info: ModelInfo
) -> ModelInfo:
    """Write a model folder at `path` and return what a reader will see, fingerprint included.

    A model folder that is already there is replaced only once the new one is complete. Anything
    else there but an empty folder raises ModelFolderError and is left alone. Crash-safe: an
    interrupted replacement leaves the old folder at `path` or beside it as `.NAME.old`, whence
    the next write to `path` puts it back. StorageError where the disk refuses.
    """
    # Through a link, the folder it names is meant; renaming would move the link instead.
    path = Path(path).expanduser().resolve()
    contents = _contents(onnx, tensors, info)
    previous = path.parent / f".{path.name}.old"
    fresh = path.parent / f".{path.name}.{os.urandom(8).hex()}.new"
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _put_back(previous, path)
        _require_replaceable(path)
        try:
            fresh.mkdir()
            for name, content in contents.items():
                write_durably(fresh / name, content)
            sync_folder(fresh)
            _swap_in(fresh, path, previous)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return read_model_info(path)


def read_model_info(path: str | Path) -> ModelInfo:
    """Read model.json. ModelFolderError where it is missing, damaged, foreign or newer."""
    return _read_record(Path(path)).info


def read_onnx(path: str | Path) -> bytes:
    """The network's bytes, checked against model.json's sha256; ModelFolderError otherwise."""
    return _read_checked(Path(path), ONNX)


def read_tensors(path: str | Path) -> dict[str, np.ndarray[Any, Any]]:
    """The weights to train on, by name. ModelFolderError where left out or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_tensors

    content = _read_checked(Path(path), TENSORS)
    try:
        return dict(load_tensors(content))
    except (SafetensorError, ValueError, TypeError, KeyError) as flaw:
        raise ModelFolderError(
            f"{Path(path) / TENSORS} is no safetensors file ({flaw}); "
            "copy or export the model folder again"
        ) from flaw


def add_scores(path: str | Path, scorecards: Iterable[Mapping[str, Any]]) -> ModelInfo:
    """Add scorecards to model.json and the card, each once; the fingerprint stays as it is.

    Each file is replaced whole; one process at a time may add.
    """
    path, stored = _open_record(path)
    scores = list(stored.info.scores)
    scores += [dict(card) for card in scorecards if dict(card) not in scores]
    return _replace_record(path, stored, replace(stored.info, scores=tuple(scores)))


def set_calibration(
    path: str | Path, calibration: Mapping[str, Any] | None, *, same_means: str | None = None
) -> ModelInfo:
    """Put how distances become probabilities into model.json, in place of what was there.

    same_means: what the same is in the pictures it comes from, where that is something else than in
    those that the model learned from.
    As with `add_scores`, the fingerprint stays: galleries of this model remain its own.
    """
    path, stored = _open_record(path)
    made = None if calibration is None else dict(calibration)
    recipe = stored.info.recipe
    if same_means is not None:
        recipe = {**recipe, "same_means": same_means}
    return _replace_record(path, stored, replace(stored.info, calibration=made, recipe=recipe))


def copy_model_folder(source: str | Path, to: str | Path) -> Path:
    """Copy a model folder, file by file, so that the fingerprint stays what it was.

    ModelFolderError where `to` is taken, or `source` is no model folder or damaged.
    """
    source, to = Path(source).expanduser().resolve(), Path(to).expanduser().resolve()
    stored = _read_record(source)
    if to.exists():
        raise ModelFolderError(f"{to} is there already; choose another place for the copy")
    kept = [name for name in stored.files if (source / name).exists() or name == ONNX]
    contents = {name: _read_checked(source, name) for name in kept}
    contents |= {name: (source / name).read_bytes() for name in (RECORD, CARD)}
    with storing(to):
        fresh = to.parent / f".{to.name}.{os.urandom(8).hex()}.new"
        fresh.mkdir(parents=True)
        try:
            for name, content in contents.items():
                write_durably(fresh / name, content)
            sync_folder(fresh)
            fresh.rename(to)
            sync_folder(to.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return to


def _open_record(path: str | Path) -> tuple[Path, StoredModel]:
    path = Path(path).expanduser().resolve()
    return path, _read_record(path)


def _replace_record(path: Path, stored: StoredModel, info: ModelInfo) -> ModelInfo:
    from firstsight.model.card import render_card  # for writing alone

    text = replace(stored, info=info).to_text()
    with storing(path):
        replace_durably(path / RECORD, text.encode())
        info = read_model_info(path)
        replace_durably(path / CARD, render_card(info).encode())
    return info


def resolve_model(name_or_path: str | Path) -> Path:
    """The folder of a shipped model by its name, or of any model by its path.

    A text that is a shipped name means that model even where a folder of that name lies in the
    working directory; write "./characters" for the folder.
    """
    shipped = shipped_models()
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return SHIPPED / name_or_path
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        hint = "give one that firstsight wrote; it reads no pickles and no checkpoints"
        if path.name in (ONNX, TENSORS, RECORD, CARD):
            hint = f"give the folder {path.parent}"
        raise ModelFolderError(f"{path} is a file, wanted a model folder; {hint}")
    known = ", ".join(shipped) or "none in this installation"
    raise ModelFolderError(
        f"there is no model folder {path} and no shipped model of that name; "
        f"check the path, or name a shipped model ({known})"
    )


def shipped_models() -> list[str]:
    """The names of the models that came with the package, sorted."""
    return sorted(entry.parent.name for entry in SHIPPED.glob(f"*/{RECORD}"))


def _contents(onnx: bytes, tensors: Tensors | None, info: ModelInfo) -> dict[str, bytes]:
    from safetensors.numpy import save as save_tensors

    from firstsight.model.card import render_card

    files = {ONNX: bytes(onnx)}
    if tensors:
        # safetensors writes the raw buffer: a transposed view would come back scrambled.
        ordered = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
        files[TENSORS] = save_tensors(ordered)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    weights = weights_digest(onnx, tensors)
    info = replace(info, fingerprint=fingerprint_of(weights, info))
    text = StoredModel(info, weights, digests).to_text()
    as_read = StoredModel.from_text(text, f"the new {RECORD}").info
    return {**files, RECORD: text.encode(), CARD: render_card(as_read).encode()}


def _read_record(path: Path) -> StoredModel:
    if not path.is_dir():
        raise ModelFolderError(f"there is no model folder {path}; check the path")
    record = path / RECORD
    try:
        text = record.read_bytes().decode("utf-8")
    except FileNotFoundError as flaw:
        raise ModelFolderError(
            f"{path} holds no {RECORD}; give a model folder that firstsight wrote"
        ) from flaw
    except UnicodeDecodeError as flaw:
        raise ModelFolderError(
            f"{record} is not text; copy or export the model folder again"
        ) from flaw
    except OSError as flaw:
        raise _unreadable(record, flaw) from flaw
    return StoredModel.from_text(text, str(record))


def _read_checked(path: Path, name: str) -> bytes:
    expected = _read_record(path).files.get(name)
    file = path / name
    try:
        content = file.read_bytes()
    except FileNotFoundError as flaw:
        remedy = (
            "shipped folders leave the training weights out; use one that a training wrote"
            if name == TENSORS
            else "copy or export the model folder again"
        )
        raise ModelFolderError(f"{path} holds no {name}; {remedy}") from flaw
    except OSError as flaw:
        raise _unreadable(file, flaw) from flaw
    if hashlib.sha256(content).hexdigest() != expected:
        raise ModelFolderError(
            f"{file} is damaged or foreign: its sha256 is not the one in {RECORD}; "
            "copy or export the model folder again"
        )
    return content


def _unreadable(file: Path, refusal: OSError) -> ModelFolderError:
    reason = refusal.strerror or type(refusal).__name__
    return ModelFolderError(f"{file} could not be read ({reason}); check its permissions")


def _require_replaceable(path: Path) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise ModelFolderError(f"{path} is a file; choose another place for the model folder")
    names = sorted(entry.name for entry in path.iterdir())
    strangers = [name for name in names if name not in (ONNX, TENSORS, RECORD, CARD)]
    if strangers or (names and RECORD not in names):
        example = (strangers or names)[0]
        raise ModelFolderError(
            f"{path} also holds {example}, which replacing it would delete; "
            "choose another place for the model folder, or move that away"
        )


def _put_back(previous: Path, path: Path) -> None:
    """Finish what an interrupted replacement left behind."""
    if previous.is_dir() and not path.exists():
        previous.rename(path)


def _swap_in(fresh: Path, path: Path, previous: Path) -> None:
    if not path.exists():
        fresh.rename(path)
        sync_folder(path.parent)
        return
    if previous.is_dir():
        _require_replaceable(previous)
        shutil.rmtree(previous)
    path.rename(previous)
    try:
        fresh.rename(path)
    except OSError:
        previous.rename(path)
        raise
    sync_folder(path.parent)
    shutil.rmtree(previous)
