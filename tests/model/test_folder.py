from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstsight.errors import ModelFolderError, StorageError
from firstsight.images.preprocess import Preprocessing
from firstsight.model.folder import (
    ModelInfo,
    add_scores,
    read_model_info,
    read_onnx,
    read_tensors,
    resolve_model,
    write_model_folder,
)
from firstsight.similarity import WeightedL1

Tensors = dict[str, np.ndarray[Any, Any]]

FILES = ["README.md", "model.json", "model.onnx", "model.safetensors"]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def edit_record(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads((folder / "model.json").read_text())
    change(record)
    (folder / "model.json").write_text(json.dumps(record))


def test_what_was_written_is_read_back(
    tmp_path: Path, tiny_onnx: bytes, tiny_tensors: Tensors, tiny_info: ModelInfo
) -> None:
    path = tmp_path / "runs" / "model"
    written = write_model_folder(path, onnx=tiny_onnx, tensors=tiny_tensors, info=tiny_info)
    assert names(path) == FILES
    assert names(path.parent) == ["model"]
    assert read_model_info(path) == written == replace(tiny_info, fingerprint=written.fingerprint)
    assert read_onnx(path) == tiny_onnx
    tensors = read_tensors(path)
    assert sorted(tensors) == ["bias", "weight"]
    np.testing.assert_array_equal(tensors["weight"], tiny_tensors["weight"])


def test_transposed_views_and_scalars_come_back_as_they_were(
    tmp_path: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensors: Tensors = {"turned": matrix.T, "batches": np.array(9, np.int64)}
    write_model_folder(tmp_path / "model", onnx=tiny_onnx, tensors=tensors, info=tiny_info)
    back = read_tensors(tmp_path / "model")
    assert back["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert back["batches"].shape == () and back["batches"].item() == 9


def test_every_float_of_head_and_recipe_survives_json(
    tmp_path: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    weights = np.random.default_rng(0).normal(size=4096).astype(np.float32)
    awkward = [0.1, 1e-320, 1 / 3, -0.0, 123456789.123456789]
    info = replace(
        tiny_info, head=WeightedL1(weights, 0.1), embedding_size=4096, recipe={"rates": awkward}
    )
    path = tmp_path / "model"
    write_model_folder(path, onnx=tiny_onnx, tensors=None, info=info)
    back = read_model_info(path)
    assert isinstance(back.head, WeightedL1)
    assert back.head.weights.tobytes() == weights.tobytes()
    assert back.head.bias == 0.1
    assert back.recipe == {"rates": awkward}


def test_the_fingerprint_follows_weights_preprocessing_and_head_alone(
    tmp_path: Path, tiny_onnx: bytes, tiny_tensors: Tensors, tiny_info: ModelInfo
) -> None:
    def fingerprint(info: ModelInfo, tensors: Tensors | None, onnx: bytes = tiny_onnx) -> str:
        return write_model_folder(
            tmp_path / "model", onnx=onnx, tensors=tensors, info=info
        ).fingerprint

    first = fingerprint(tiny_info, tiny_tensors)
    backwards = dict(reversed(tiny_tensors.items()))
    renamed = replace(tiny_info, name="other", recipe={}, scores=({"value": 1},))
    assert fingerprint(renamed, backwards, onnx=tiny_onnx + b"\0") == first

    nudged = {**tiny_tensors, "bias": np.nextafter(tiny_tensors["bias"], np.float32(9))}
    retyped = {**tiny_tensors, "bias": tiny_tensors["bias"].view(np.int32)}
    reshaped = {**tiny_tensors, "bias": tiny_tensors["bias"][None]}
    changed = [
        fingerprint(tiny_info, nudged),
        fingerprint(tiny_info, retyped),
        fingerprint(tiny_info, reshaped),
        fingerprint(replace(tiny_info, preprocessing=Preprocessing(size=8)), tiny_tensors),
        fingerprint(replace(tiny_info, head=WeightedL1(np.ones(3, np.float32), 0.0)), tiny_tensors),
        fingerprint(tiny_info, None),
        fingerprint(tiny_info, None, onnx=tiny_onnx + b"\0"),
    ]
    assert len({first, *changed}) == 1 + len(changed)


def test_a_folder_without_its_training_weights_keeps_its_fingerprint(tiny_folder: Path) -> None:
    whole = read_model_info(tiny_folder)
    (tiny_folder / "model.safetensors").unlink()
    assert read_model_info(tiny_folder) == whole
    read_onnx(tiny_folder)
    with pytest.raises(ModelFolderError, match=r"holds no model\.safetensors; shipped folders"):
        read_tensors(tiny_folder)


def test_replacing_a_model_folder_leaves_only_the_new_one(
    tiny_folder: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    newer = replace(tiny_info, name="newer")
    write_model_folder(tiny_folder, onnx=tiny_onnx, tensors=None, info=newer)
    assert read_model_info(tiny_folder).name == "newer"
    assert names(tiny_folder) == ["README.md", "model.json", "model.onnx"]
    assert names(tiny_folder.parent) == ["model"]


@pytest.mark.parametrize("cut_off_before", [False, True])
def test_the_old_folder_stays_when_the_disk_fills_even_after_an_interrupted_replacement(
    tiny_folder: Path,
    tiny_onnx: bytes,
    tiny_info: ModelInfo,
    monkeypatch: pytest.MonkeyPatch,
    cut_off_before: bool,
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    if cut_off_before:  # between its two renames
        tiny_folder.rename(tiny_folder.parent / ".model.old")
    newer = replace(tiny_info, name="newer")
    with pytest.raises(StorageError, match="the disk is full"):
        write_model_folder(tiny_folder, onnx=tiny_onnx, tensors=None, info=newer)
    assert names(tiny_folder.parent) == ["model"]
    assert names(tiny_folder) == FILES
    assert read_model_info(tiny_folder).name == "tiny"


def test_an_old_folder_left_beside_a_complete_new_one_goes_with_the_next_write(
    tiny_folder: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    shutil.copytree(tiny_folder, tiny_folder.parent / ".model.old")
    write_model_folder(tiny_folder, onnx=tiny_onnx, tensors=None, info=tiny_info)
    assert names(tiny_folder.parent) == ["model"]


def test_numbers_that_json_does_not_have_are_refused_before_anything_is_written(
    tmp_path: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    for strange in (float("nan"), np.float32(1), {1, 2}):
        info = replace(tiny_info, recipe={"rate": strange})
        with pytest.raises(ModelFolderError, match="recipe cannot be written as JSON"):
            write_model_folder(tmp_path / "model", onnx=tiny_onnx, tensors=None, info=info)
    assert names(tmp_path) == []


def test_a_link_to_a_model_folder_stays_a_link(
    tiny_folder: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    link = tiny_folder.parent / "latest"
    link.symlink_to(tiny_folder)
    newer = replace(tiny_info, name="newer")
    write_model_folder(link, onnx=tiny_onnx, tensors=None, info=newer)
    assert link.is_symlink()
    assert read_model_info(tiny_folder).name == "newer"


@pytest.mark.parametrize("also_a_model", [False, True])
def test_a_folder_with_anything_else_in_it_is_never_replaced(
    tiny_folder: Path, tiny_onnx: bytes, tiny_info: ModelInfo, also_a_model: bool
) -> None:
    if not also_a_model:
        shutil.rmtree(tiny_folder)
        tiny_folder.mkdir()
    (tiny_folder / "thesis.txt").write_text("years of work")
    before = names(tiny_folder)
    with pytest.raises(ModelFolderError, match=r"thesis\.txt.*choose another place"):
        write_model_folder(tiny_folder, onnx=tiny_onnx, tensors=None, info=tiny_info)
    assert names(tiny_folder) == before


def test_somebodys_lone_readme_is_never_replaced(
    tmp_path: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"README\.md, which replacing it would delete"):
        write_model_folder(tmp_path, onnx=tiny_onnx, tensors=None, info=tiny_info)


def test_an_empty_folder_becomes_a_model_folder_and_a_file_does_not(
    tmp_path: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    (tmp_path / "empty").mkdir()
    write_model_folder(tmp_path / "empty", onnx=tiny_onnx, tensors=None, info=tiny_info)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelFolderError, match="is a file; choose another place"):
        write_model_folder(tmp_path / "file", onnx=tiny_onnx, tensors=None, info=tiny_info)


def test_scores_are_added_once_to_record_and_card(tiny_folder: Path) -> None:
    before = read_model_info(tiny_folder)
    card = {"protocol": "lake2015", "measure": "error", "value": 0.05, "n": 400}
    add_scores(tiny_folder, [card])
    after = add_scores(tiny_folder, [card, {**card, "protocol": "dense"}])
    assert [score["protocol"] for score in after.scores] == ["lake2015", "dense"]
    assert replace(after, scores=()) == before
    assert read_model_info(tiny_folder) == after
    assert "| lake2015 | error | 0.05 |" in (tiny_folder / "README.md").read_text()
    assert names(tiny_folder) == FILES


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors"])
def test_one_flipped_bit_in_a_weight_file_is_noticed(tiny_folder: Path, name: str) -> None:
    content = bytearray((tiny_folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tiny_folder / name).write_bytes(content)
    read = read_onnx if name == "model.onnx" else read_tensors
    with pytest.raises(ModelFolderError, match=rf"{name} is damaged or foreign.*again"):
        read(tiny_folder)


def test_a_missing_network_is_named(tiny_folder: Path) -> None:
    (tiny_folder / "model.onnx").unlink()
    with pytest.raises(ModelFolderError, match=r"holds no model\.onnx"):
        read_onnx(tiny_folder)


class Trap:
    """Unpickling this would run it."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("unpickled",)


def test_a_pickle_in_place_of_a_file_is_refused_and_never_run(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trap = pickle.dumps(Trap())
    (tiny_folder / "model.safetensors").write_bytes(trap)
    digest = hashlib.sha256(trap).hexdigest()
    edit_record(tiny_folder, lambda record: record["files"].update({"model.safetensors": digest}))
    with pytest.raises(ModelFolderError, match="is no safetensors file"):
        read_tensors(tiny_folder)
    (tiny_folder / "model.json").write_bytes(trap)
    with pytest.raises(ModelFolderError, match=r"model\.json is not text"):
        read_model_info(tiny_folder)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r.pop("head"), "the key head is missing"),
        (lambda r: r.update(colour="red"), "unknown key colour"),
        (lambda r: r.update(schema_version=2), "schema_version 2 .* update firstsight"),
        (lambda r: r.update(schema_version=0), "schema_version is 0, wanted 1"),
        (lambda r: r.update(schema_version=True), "schema_version is a truth value"),
        (lambda r: r.update(name=3), "name is a whole number, wanted text"),
        (lambda r: r.update(embedding_size=3.0), "embedding_size is a number"),
        (lambda r: r.update(embedding_size=0), "embedding_size is 0, wanted 1 or more"),
        (lambda r: r.update(recipe=[]), "recipe is a list, wanted an object"),
        (lambda r: r.update(calibration="none"), "calibration is text"),
        (lambda r: r.update(scores=[1]), "scores holds something else than objects"),
        (lambda r: r.update(files={"model.onnx": "?"}), "files holds something else"),
        (lambda r: r.update(fingerprint="F" * 64), "fingerprint is no sha256"),
        (lambda r: r.update(fingerprint="0" * 64), "do not belong to its fingerprint"),
        (lambda r: r["preprocessing"].update(invert=False), "do not belong to its fingerprint"),
        (lambda r: r["preprocessing"].update(size="8"), "model.json: .*size"),
        (lambda r: r.update(head={"kind": "psychic"}), "model.json: .*psychic"),
    ],
)
def test_a_record_that_is_not_exactly_right_is_refused(
    tiny_folder: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    edit_record(tiny_folder, change)
    with pytest.raises(ModelFolderError, match=told):
        read_model_info(tiny_folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": NaN}', "[" * 100_000])
def test_a_record_that_is_no_json_object_is_refused(tiny_folder: Path, text: str) -> None:
    (tiny_folder / "model.json").write_text(text)
    with pytest.raises(ModelFolderError, match=r"model\.json .*again"):
        read_model_info(tiny_folder)


def test_a_folder_that_is_missing_or_foreign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="there is no model folder"):
        read_model_info(tmp_path / "nowhere")
    with pytest.raises(ModelFolderError, match=r"holds no model\.json"):
        read_model_info(tmp_path)


def test_a_model_is_found_by_its_path(tiny_folder: Path) -> None:
    assert resolve_model(tiny_folder) == tiny_folder
    assert resolve_model(str(tiny_folder)) == tiny_folder


def test_a_model_that_is_nowhere_is_refused_with_the_remedy(tiny_folder: Path) -> None:
    with pytest.raises(ModelFolderError, match="no shipped model of that name; check the path"):
        resolve_model("charakters")
    with pytest.raises(ModelFolderError, match="give the folder"):
        resolve_model(tiny_folder / "model.json")
    checkpoint = tiny_folder.parent / "last.ckpt"
    checkpoint.write_bytes(pickle.dumps({}))
    with pytest.raises(ModelFolderError, match="no pickles"):
        resolve_model(checkpoint)
