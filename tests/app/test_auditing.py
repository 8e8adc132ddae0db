"""The audit of a report: what was learned from beside what is judged, on photos that repeat."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from firstsight.app.auditing import audit
from firstsight.data.catalogue import open_pictures
from firstsight.data.packed import PackedPictures
from firstsight.images.preprocess import Preprocessing
from firstsight.model.embedder import load
from firstsight.model.info import ModelInfo


def photo(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC)


def things(root: Path, first_seed: int, *names: str) -> Path:
    """root/NAME/{0,1,2}.png, no two alike."""
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(3):
            photo(first_seed + 3 * place + number).save(root / name / f"{number}.png")
    return root


def opened(folder: Path) -> PackedPictures:
    return open_pictures(str(folder), Preprocessing(size=16))


def learned_from(data: Mapping[str, Any]) -> ModelInfo:
    return replace(load("characters").info, recipe={"data": data})


def told(info: ModelInfo, pictures: PackedPictures, folder: Path) -> dict[str, str]:
    """Each sentence of the audit with its level."""
    found = audit(info, pictures, str(folder), Console(quiet=True))
    return {finding.sentence: finding.level for finding in found}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_CACHE", str(tmp_path / "cache"))


def test_other_pictures_of_other_things_are_all_in_order(tmp_path: Path) -> None:
    train, test = things(tmp_path / "a", 0, "cup", "mug"), things(tmp_path / "b", 50, "pot", "pan")
    assert told(learned_from({"train": str(train)}), opened(test), test) == {
        "None of the 6 pictures is, byte for byte, among the 6 that the model learned from "
        "(a).": "well",
        "No picture is there twice, byte for byte.": "well",
        "All pictures of the set could be read.": "well",
        "Each of the 2 things has 3 pictures.": "well",
    }


def test_copies_and_near_copies_of_what_was_learned_are_told_apart(tmp_path: Path) -> None:
    train, test = things(tmp_path / "a", 0, "cup", "mug"), things(tmp_path / "b", 50, "cup", "pan")
    shutil.copy(train / "cup/0.png", test / "cup/copy.png")
    Image.open(train / "mug/1.png").resize((48, 36)).save(test / "pan/near.jpg", quality=60)
    found = told(learned_from({"train": str(train)}), opened(test), test)
    assert found[
        "1 picture of the 8, byte for byte, is among the 6 that the model learned from (a): "
        "b/cup/copy.png = a/cup/0.png."
    ] == "wrong"  # fmt: skip
    assert found[
        "A pair of a picture learned from and one judged by look nearly the same, so look whether "
        "they are: b/pan/near.jpg = a/mug/1.png."
    ] == "open"  # fmt: skip
    assert found[
        "1 of the 2 things were learned, by their names; the figures say little about things never "
        "seen."
    ] == "wrong"  # fmt: skip


def test_copies_within_what_is_judged_are_told_under_whichever_name(tmp_path: Path) -> None:
    test = things(tmp_path / "b", 50, "pot", "pan")
    shutil.copy(test / "pot/0.png", test / "pot/copy.png")
    shutil.copy(test / "pot/1.png", test / "pan/stray.png")
    Image.open(test / "pan/2.png").resize((48, 36)).save(test / "pan/near.jpg", quality=60)
    found = told(learned_from({"train": str(tmp_path / "gone")}), opened(test), test)
    (unknown,) = (sentence for sentence in found if "not at hand" in sentence)
    assert found[unknown] == "open"
    assert found[
        "2 pictures are there more than once, byte for byte, and copies are found without any "
        "skill: b/pan/stray.png = b/pot/1.png; b/pot/copy.png = b/pot/0.png."
    ] == "wrong"  # fmt: skip
    assert found[
        "1 of them under two names, of which one is false: b/pan/stray.png = b/pot/1.png."
    ] == "wrong"  # fmt: skip
    assert found["A pair of pictures look nearly the same: b/pan/near.jpg = b/pan/2.png."] == "open"


def test_things_held_out_of_the_training_were_not_learned(tmp_path: Path) -> None:
    whole = things(tmp_path / "a", 0, "cup", "mug", "pan", "pot")
    pictures = opened(whole)
    held = pictures.select(np.isin(pictures.labels, [1, 2]))
    found = told(learned_from({"train": str(whole)}), held, whole)
    assert (
        found[
            "None of the 6 pictures is, byte for byte, among the 6 that the model learned from (a)."
        ]
        == "well"
    )
    assert not any("were learned" in sentence for sentence in found)


def test_a_set_without_files_is_not_looked_through() -> None:
    pytest.importorskip("sklearn")
    digits = open_pictures("digits", Preprocessing(size=16))
    found = told(learned_from({"train": "digits"}), digits, Path("digits"))
    assert found["digits has no files of pictures, so nobody looked for copies."] == "open"


def test_the_snacks_share_pineapples_across_their_parts(data_root: Path, tmp_path: Path) -> None:
    """Two byte for byte, as everybody knows, though of 20 classes only two are looked at here."""
    for part in ("train", "test"):
        for thing in ("apple", "pineapple"):
            shutil.copytree(data_root / "snacks" / part / thing, tmp_path / part / thing)
    info = learned_from({"train": str(tmp_path / "train")})
    found = told(info, opened(tmp_path / "test"), tmp_path / "test")
    (copies,) = (each for each in found if "byte for byte, are among" in each)
    assert copies.startswith("2 pictures of the 90") and found[copies] == "wrong"
    assert any(each.startswith("2 of the 2 things were learned") for each in found)
