"""The JSON of answers: the keys that docs/answers.md promises."""

from __future__ import annotations

import json

from firstsight.recognition.recognizer import Policy, Recognizer
from tests.drawings import drawing

RIVAL = {"thing", "distance", "photo", "agreeing", "nearer"}


def test_an_answer_has_the_keys_that_the_page_names(recognizer: Recognizer) -> None:
    said = recognizer.identify(drawing(0, 1)).to_json()
    assert set(said) == {
        *("picture", "decision", "thing", "probability", "distance", "threshold", "margin"),
        *("reason", "closed_set", "nearest", "runner_up", "estimate"),
    }
    assert set(said["nearest"]) == set(said["runner_up"]) == RIVAL
    assert set(said["estimate"]) == {
        *("rule", "accuracies", "rule_kept", "target", "n_things", "n_photos", "n_verdicts"),
        *("basis", "threshold", "threshold_interval", "false_accepts", "misses", "misses_basis"),
        *("seen_here", "on_average", "likely_right", "likely_right_basis", "kept"),
        *("sharpness", "sharpness_basis", "offset"),
    }
    json.dumps(said, allow_nan=False)


def test_a_stranger_is_literally_unknown(recognizer: Recognizer) -> None:
    answers = [recognizer.identify(drawing(thing)) for thing in range(300, 310)]
    strangers = [answer for answer in answers if answer.decision == "unknown"]
    assert strangers
    assert all(answer.thing is None for answer in strangers)
    assert {answer.to_json()["thing"] for answer in strangers} == {"unknown"}


def test_where_each_picture_shows_one_of_the_things_the_nearest_is_named(
    recognizer: Recognizer,
) -> None:
    recognizer.policy = Policy(closed_set=True)
    answers = [recognizer.identify(drawing(thing)) for thing in range(300, 310)]
    assert {answer.decision for answer in answers} <= {"known", "unsure"}
    for answer in answers:
        said = answer.to_json()
        assert said["closed_set"]
        assert said["threshold"] is None
        assert said["thing"] == said["nearest"]["thing"]


def test_other_answers_have_theirs(recognizer: Recognizer) -> None:
    compared = recognizer.verify(drawing(0), drawing(0, 1)).to_json()
    assert set(compared) == {
        *("a", "b", "same", "probability", "distance", "threshold", "false_matches"),
        *("false_matches_interval", "misses", "agreeing", "nearer"),
    }
    (match,) = recognizer.search(drawing(0), k=1)
    assert set(match.to_json()) == {
        *("rank", "thing", "photo", "source", "distance", "probability", "agreeing", "nearer")
    }
    (enrolled,) = recognizer.enroll("another", drawing(50))
    assert set(enrolled.to_json()) == {
        *("picture", "thing", "status", "photo", "holder", "error", "advice")
    }
    json.dumps([compared, match.to_json(), enrolled.to_json()], allow_nan=False)
