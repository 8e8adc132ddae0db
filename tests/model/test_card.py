from __future__ import annotations

from dataclasses import replace

from firstsight.model.card import render_card
from firstsight.model.folder import ModelInfo


def test_the_card_tells_what_it_is_how_it_was_made_and_how_to_use_it(tiny_info: ModelInfo) -> None:
    recipe = {**tiny_info.recipe, "limits": ["digits only"]}
    made_by = {**tiny_info.made_by, "data_credit": "digits by hand"}
    card = render_card(replace(tiny_info, recipe=recipe, made_by=made_by, fingerprint="f" * 64))
    assert card.startswith("# tiny\n")
    for told in (
        '"same" here when: the same number',
        "`" + "f" * 64 + "`",
        "| seed | 7 |",
        "| commit | abc123 |",
        "8 x 8 pixels",
        "Ink becomes 1",
        "Mean 0.1 is subtracted, then it is divided by 0.3",
        "`euclidean`",
        "not calibrated",
        "firstsight.load(",
        "Apache-2.0",
        "Data: digits by hand",
        "- digits only",
        "Not evaluated yet",
    ):
        assert told in card


def test_the_card_credits_whose_weights_a_training_began_with(tiny_info: ModelInfo) -> None:
    credit = {"weights_credit": "a network by others", "licence": "BSD-3-Clause"}
    began = render_card(replace(tiny_info, made_by={**tiny_info.made_by, **credit}))
    assert (
        "under Apache-2.0, like firstsight; they began with others under BSD-3-Clause: a network "
        "by others." in began
    )
    credit["published"] = "network1_0"
    left = render_card(replace(tiny_info, made_by={**tiny_info.made_by, **credit}))
    assert "under BSD-3-Clause, as published. Features, as published: a network by others." in left


def test_every_score_is_a_row_with_its_interval_and_origin(tiny_info: ModelInfo) -> None:
    score = {
        "protocol": "lake2015",
        "measure": "error | mean",
        "value": 0.08123456,
        "interval": [0.057, 0.111],
        "n": 400,
        "data_fingerprint": "0123456789abcdef",
        "commit": "fedcba9876543210",
    }
    card = render_card(replace(tiny_info, scores=(score, {"protocol": "bare"})))
    assert (
        "| lake2015 | error \\| mean | 0.08123 | 0.057 .. 0.111 | 400 "
        "| `0123456789ab` | `fedcba987654` |\n"
        "| bare | – | – | – | – | – | – |"
    ) in card


def test_the_card_tells_of_no_folder_on_somebodys_machine(tiny_info: ModelInfo) -> None:
    recipe = {
        "name": "/home/ada/recipes/mine.toml",
        "data": {"train": r"C:\Users\ada\letters"},
    }
    made_by = {
        "host": "ada-laptop",
        "data_credit": "letters by ada, https://example.org/letters/2020, see ~/notes/x.txt",
    }
    card = render_card(replace(tiny_info, recipe=recipe, made_by=made_by))
    assert "| recipe | mine.toml |" in card
    assert "| data | letters |" in card
    assert "https://example.org/letters/2020, see x.txt" in card
    assert "home" not in card and "Users" not in card and "laptop" not in card


def test_the_card_says_what_distances_are_calibrated_by(tiny_info: ModelInfo) -> None:
    fitted_on = {"data": "mugs | jars", "classes": 12, "pictures": 40, "seed": 0}
    by_data = replace(tiny_info, calibration={"fitted_on": fitted_on})
    told = "calibrated to probabilities by 40 pictures of 12 classes of mugs"
    assert told in render_card(by_data)
    by_sisters = {"fitted_on": {**fitted_on, "by_sisters": ["a", "b"]}}
    assert "which 2 sisters of it held out." in render_card(
        replace(tiny_info, calibration=by_sisters)
    )
    odd = replace(tiny_info, calibration={})
    assert "- Distances are calibrated to probabilities.\n" in render_card(odd)
