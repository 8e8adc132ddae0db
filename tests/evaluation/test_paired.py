"""Two models on the same one-shot trials."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.data.packed import PackedPictures
from firstsight.errors import EpisodeError, ShapeError
from firstsight.evaluation.paired import Embedded, compare_one_shot
from firstsight.similarity import Euclidean

N_CLASSES, EACH = 8, 3
LABELS = np.repeat(np.arange(N_CLASSES), EACH)
EVERYONE = np.ones(N_CLASSES, np.bool_)


def pictures_of(labels: npt.NDArray[np.int64]) -> PackedPictures:
    """White ones: only their labels matter here."""
    n_classes = int(labels.max()) + 1
    return PackedPictures.of(
        name="white",
        pixels=np.full((len(labels), 2, 2, 1), 255, np.uint8),
        labels=labels,
        drawers=np.zeros(len(labels), np.int64),
        class_names=tuple(f"class {number}" for number in range(n_classes)),
        class_groups=np.zeros(n_classes, np.int64),
        group_names=("all",),
    )


PICTURES = pictures_of(LABELS)


def embedded(places: npt.ArrayLike) -> Embedded:
    """Each picture at its class's place on a line."""
    where = np.asarray(places, np.float32)[LABELS]
    return Embedded(where[:, None], Euclidean())


CONSTANT = embedded(np.zeros(N_CLASSES))
PERFECT = embedded(np.arange(N_CLASSES))


def test_a_perfect_model_beats_a_constant_one_by_all_but_chance() -> None:
    figure = compare_one_shot(PICTURES, EVERYONE, CONSTANT, PERFECT)
    assert (figure.before, figure.after) == (1 / 8, 1.0)
    assert figure.difference == 7 / 8
    assert figure.interval == (7 / 8, 7 / 8)  # the same for every thing
    assert (figure.n_way, figure.n_things, figure.n_trials) == (8, 8, 50 * 8)
    assert figure.improves
    assert figure.to_json()["improves"] is True


def test_a_model_is_not_better_than_itself() -> None:
    figure = compare_one_shot(PICTURES, EVERYONE, PERFECT, PERFECT)
    assert (figure.difference, figure.interval) == (0.0, (0.0, 0.0))
    assert not figure.improves


def test_a_gain_on_a_single_thing_is_not_beyond_doubt() -> None:
    # Classes 0 and 1 in one place before; 7 stands apart in both.
    before = embedded([0, 0, 2, 3, 4, 5, 6, 7])
    figure = compare_one_shot(PICTURES, np.arange(N_CLASSES) > 0, before, PERFECT)
    assert figure.difference == pytest.approx(0.5 / 7)  # class 1 was guessed half of the time
    assert figure.interval[0] == 0
    assert not figure.improves


def test_only_the_asked_are_asked_about_but_all_are_there_to_be_confused_with() -> None:
    asked = np.arange(N_CLASSES) >= 6
    # The asked 6 and 7 stand where 0 and 1 do.
    before = embedded([6, 7, 2, 3, 4, 5, 6, 7])
    figure = compare_one_shot(PICTURES, asked, before, PERFECT)
    assert (figure.before, figure.after, figure.n_things) == (0.5, 1.0, 2)
    alone = PICTURES.select(asked[LABELS])
    few = [Embedded(each.embeddings[asked[LABELS]], each.head) for each in (before, PERFECT)]
    assert compare_one_shot(alone, np.ones(2, np.bool_), *few).before == 1.0


def test_classes_with_one_picture_take_no_part() -> None:
    labels = np.append(LABELS, N_CLASSES)
    one = Embedded(labels[:, None].astype(np.float32), Euclidean())
    figure = compare_one_shot(pictures_of(labels), np.ones(N_CLASSES + 1, np.bool_), one, one)
    assert (figure.n_way, figure.n_things) == (8, 8)


def test_many_classes_are_told_apart_two_hundred_at_a_time() -> None:
    labels = np.repeat(np.arange(300), 2)
    one = Embedded(labels[:, None].astype(np.float32), Euclidean())
    figure = compare_one_shot(pictures_of(labels), np.ones(300, np.bool_), one, one)
    assert (figure.n_way, figure.n_things, figure.after) == (200, 300, 1.0)
    assert figure.n_trials == 75 * 200  # about fifty times each


def test_too_few_to_compare_on_is_refused() -> None:
    with pytest.raises(ShapeError, match="cannot bootstrap over 1 clusters"):
        compare_one_shot(PICTURES, np.arange(N_CLASSES) == 3, CONSTANT, PERFECT)
    with pytest.raises(EpisodeError, match="cannot draw 2-way episodes"):
        compare_one_shot(pictures_of(np.zeros(3, np.int64)), np.ones(1, np.bool_), PERFECT, PERFECT)
