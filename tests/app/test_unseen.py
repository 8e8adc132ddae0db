"""A model is never judged by what it has learned from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from firstsight.app.unseen import (
    only_unseen,
    require_seen_characters,
    require_unseen_characters,
)
from firstsight.data.catalogue import open_pictures
from firstsight.errors import UsageError
from firstsight.images.preprocess import Preprocessing
from firstsight.model.info import ModelInfo
from firstsight.similarity import Cosine


def trained_on(name: str, **data: Any) -> ModelInfo:
    return ModelInfo(
        name="twin",
        preprocessing=Preprocessing(size=8),
        head=Cosine(),
        embedding_size=4,
        recipe={"data": {"train": name, **data}},
    )


@pytest.mark.parametrize(
    ("learned", "judged"),
    [
        ("omniglot:vinyals-train", "omniglot:runs"),
        ("omniglot:vinyals-train", "omniglot:evaluation"),
        ("omniglot:vinyals-train", "omniglot:koch-test"),
        ("omniglot:koch-validation", "omniglot:vinyals-test"),
        ("omniglot:evaluation", "omniglot:vinyals-test"),
        ("omniglot", "omniglot:minimal1"),
        ("omniglot:koch-train", "omniglot:background"),
    ],
)
def test_shared_characters_are_refused(learned: str, judged: str) -> None:
    with pytest.raises(UsageError, match=r"which holds \d+ of the \d+ characters"):
        require_unseen_characters(trained_on(learned), judged)
    with pytest.raises(UsageError, match=r"was trained on .*which holds \d+ of"):
        require_unseen_characters(trained_on("glyphs", beside=learned), judged)


@pytest.mark.parametrize(
    ("learned", "judged"),
    [
        # The Vinyals test characters are all of the evaluation set, so these two never meet.
        ("omniglot:background", "omniglot:vinyals-test"),
        ("omniglot", "omniglot:runs"),
        ("omniglot:vinyals-train", "omniglot:vinyals-test"),
        ("omniglot:koch-train", "omniglot:koch-test"),
        ("glyphs", "omniglot:runs"),
        ("omniglot:background", "snacks"),
    ],
)
def test_what_shares_no_character_may_be_judged(learned: str, judged: str) -> None:
    require_unseen_characters(trained_on(learned), judged)


def test_characters_that_a_training_was_watched_by_are_refused_too() -> None:
    info = trained_on("omniglot:koch-train", watch="omniglot:koch-validation")
    require_unseen_characters(info, "omniglot:evaluation")
    with pytest.raises(UsageError, match="the model was chosen by omniglot:koch-validation, which"):
        require_unseen_characters(info, "omniglot:evaluation", by="watch")
    require_unseen_characters(info, "omniglot:koch-test", by="watch")
    require_unseen_characters(trained_on("omniglot"), "omniglot:evaluation", by="watch")


def test_a_figure_on_seen_characters_takes_a_model_that_saw_them_all() -> None:
    for name in ("omniglot:drawers-1-12", "omniglot:koch-train"):
        require_seen_characters(trained_on(name), "omniglot:drawers-1-12")
    for other in (
        trained_on("omniglot:background"),  # it saw the very drawings that are to be judged
        trained_on("omniglot:minimal1"),
        trained_on("omniglot:drawers-1-12", held_out_groups=2),
        trained_on("omniglot:drawers-1-12", beside="glyphs"),
        trained_on("things"),
    ):
        with pytest.raises(UsageError, match="judges models of all of omniglot:drawers-1-12"):
            require_seen_characters(other, "omniglot:drawers-1-12")


def test_what_was_learned_beside_the_own_data_says_nothing_either() -> None:
    pytest.importorskip("sklearn", reason="which brings the digits")
    digits = open_pictures("digits", Preprocessing(size=8))
    assert only_unseen(trained_on("glyphs"), digits, Console(quiet=True)) is digits
    learned = replace(trained_on("glyphs"), made_by={"beside_fingerprint": digits.fingerprint})
    with pytest.raises(UsageError, match="the model was trained on all of digits too"):
        only_unseen(learned, digits, Console(quiet=True))


def test_a_model_of_unknown_making_is_not_refused() -> None:
    info = ModelInfo(name="x", preprocessing=Preprocessing(8), head=Cosine(), embedding_size=4)
    require_unseen_characters(info, "omniglot:runs")
