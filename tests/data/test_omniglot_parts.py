"""The published splits of Omniglot: what each part holds, by facts and by the pictures."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from firstsight.data.catalogue import KNOWN_NAMES
from firstsight.data.omniglot import read_background, read_cut, read_evaluation, read_minimal
from firstsight.data.omniglot_parts import OMNIGLOT_PARTS, characters_of, turned_names


def test_the_vinyals_parts_have_1200_and_423_characters_and_share_none() -> None:
    train, test = characters_of("omniglot:vinyals-train"), characters_of("omniglot:vinyals-test")
    assert (len(train), len(test)) == (1200, 423)
    assert not train & test
    whole = characters_of("omniglot:background") | characters_of("omniglot:evaluation")
    assert train | test == whole
    assert characters_of("omniglot:background") < train


@pytest.mark.parametrize(
    ("name", "n_classes", "digest"),
    [
        # sha256 of the sorted lines of trainval.txt and test.txt in data/omniglot/splits/vinyals of
        # jakesnell/prototypical-networks, commit c9bb4d2.
        (
            "omniglot:vinyals-train",
            4800,
            "15fe9e04e1b8d26232fc38b98959f08a7085ab9780653e0442a3a66873b04cfd",
        ),
        (
            "omniglot:vinyals-test",
            1692,
            "75aae2826773007d778e2e2ba702bbc58f431aeb882a21053ec98364e943c3a9",
        ),
    ],
)
def test_with_their_turns_the_vinyals_parts_are_the_published_lists(
    name: str, n_classes: int, digest: str
) -> None:
    lines = sorted(turned_names(characters_of(name)))
    assert len(lines) == n_classes
    assert sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest() == digest


def test_kochs_validation_alphabets_are_those_that_no_run_uses() -> None:
    validation = characters_of("omniglot:koch-validation")
    test = characters_of("omniglot:koch-test")
    assert test == characters_of("omniglot:runs")
    assert not validation & test
    assert validation | test == characters_of("omniglot:evaluation")
    assert len({name.partition("/")[0] for name in validation}) == 10
    assert len({name.partition("/")[0] for name in test}) == 10


def test_other_data_sets_hold_none_of_our_characters() -> None:
    for name in ("glyphs", "background", "things/omniglot:background", "omniglot:foreground"):
        assert characters_of(name) == frozenset()


def test_the_facts_are_those_of_the_pictures(data_root: Path) -> None:
    background, evaluation = read_background(), read_evaluation()
    assert characters_of("omniglot:background") == set(background.class_names)
    assert characters_of("omniglot:evaluation") == set(evaluation.class_names)
    assert characters_of("omniglot:minimal1") == set(read_minimal(1).class_names)
    assert characters_of("omniglot:minimal2") == set(read_minimal(2).class_names)


@pytest.mark.parametrize(
    ("name", "n_alphabets", "n_characters", "n_drawers"),
    [
        ("omniglot:vinyals-train", 38, 1200, 20),
        ("omniglot:vinyals-test", 13, 423, 20),
        ("omniglot:koch-validation", 10, 277, 4),
        ("omniglot:koch-test", 10, 382, 4),
        ("omniglot:drawers-1-12", 30, 964, 12),
        ("omniglot:drawers-13-16", 30, 964, 4),
        ("omniglot:drawers-17-20", 30, 964, 4),
    ],
)
def test_a_cut_holds_its_characters_by_its_drawers(
    data_root: Path, name: str, n_alphabets: int, n_characters: int, n_drawers: int
) -> None:
    part = next(each for each in OMNIGLOT_PARTS if each.name == name)
    manifest = read_cut(part)
    assert manifest.name == name and name in KNOWN_NAMES
    assert set(manifest.class_names) == characters_of(name)
    assert (len(manifest.group_names), manifest.n_classes) == (n_alphabets, n_characters)
    assert len(manifest) == n_characters * n_drawers
    assert np.unique(manifest.drawers).tolist() == list(part.drawers)
