"""A gallery that moves to another model takes along what people said about its answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from firstsight.app import upgrading
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Verdict
from firstsight.model.embedder import Embedder, load
from firstsight.recognition.recognizer import Recognizer
from firstsight.recognition.upgrading import Proof
from tests.drawings import N_THINGS, drawing

SHOTS = (1, 2)


@dataclass(frozen=True)
class Judged:
    """before: the verdicts as they were given, on answers of `characters`."""

    place: str
    proof: Proof
    before: list[Verdict]


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    """Three pictures: figure 1 confirmed, figure 2 said to be figure 4, and one of no thing."""
    place = tmp_path / "figures"
    with Recognizer.open(place, model="characters") as recognizer:
        for thing in range(N_THINGS):
            recognizer.enroll(f"figure {thing}", [drawing(thing, shot) for shot in SHOTS])
        recognizer.confirm(recognizer.identify(drawing(1, 5)))
        recognizer.deny(recognizer.identify(drawing(2, 5)), "figure 4")
        recognizer.deny(recognizer.identify(drawing(20)))
        before = recognizer.gallery.verdicts()
    proof = upgrading.prepare(str(place), "photos", console=Console(quiet=True))
    return Judged(str(place), proof, before)


def verdicts(place: str) -> list[Verdict]:
    with Gallery.open(place) as gallery:
        return gallery.verdicts()


def asked(model: Embedder) -> list[tuple[str, float, float]]:
    """Of each judged picture the nearest thing, its distance and margin, by a naive loop."""
    enrolled = {
        f"figure {thing}": model.embed([drawing(thing, shot) for shot in SHOTS])
        for thing in range(N_THINGS)
    }
    found = []
    for picture in (drawing(1, 5), drawing(2, 5), drawing(20)):
        vector = model.embed(picture)
        apart = sorted(
            (float(model.distance(vector, vectors).min()), name)
            for name, vectors in enrolled.items()
        )
        found.append((apart[0][1], apart[0][0], apart[1][0] - apart[0][0]))
    return found


def test_verdicts_are_asked_of_both_models_as_proof(judged: Judged) -> None:
    before, after = judged.proof.before.verdicts, judged.proof.after.verdicts
    assert judged.proof.n_verdicts == 3
    assert before is not None and after is not None
    # `characters` names figure 1, and is said to be wrong about figure 2.
    assert round(3 * before[0]) in (1, 2)
    assert judged.proof.to_json()["verdicts"] == 3


def test_a_switch_measures_verdicts_anew_and_going_back_restores_them(judged: Judged) -> None:
    assert upgrading.switch(judged.place, "photos") == 0
    carried = verdicts(judged.place)
    for verdict, (named, distance, margin) in zip(carried, asked(load("photos")), strict=True):
        assert verdict.named == named
        assert verdict.distance == pytest.approx(distance, abs=1e-4)
        assert verdict.margin == pytest.approx(margin, abs=1e-4)
    assert [verdict.truth for verdict in carried] == ["figure 1", "figure 4", None]
    assert carried[0].kind == ("right" if carried[0].named == "figure 1" else "other")
    assert carried[1].kind == ("right" if carried[1].named == "figure 4" else "other")
    assert carried[2].kind == "wrong"
    with Recognizer.open_existing(judged.place) as recognizer:
        assert recognizer.identify(drawing(1, 5)).estimate.n_verdicts == 3

    upgrading.go_back(judged.place)
    for verdict, was in zip(verdicts(judged.place), judged.before, strict=True):
        assert (verdict.id, verdict.kind, verdict.named) == (was.id, was.kind, was.named)
        assert verdict.distance == pytest.approx(was.distance, abs=1e-5)
        assert np.allclose(verdict.vector, was.vector, atol=1e-5)


def test_a_verdict_on_what_is_enrolled_by_now_stays_with_its_model(judged: Judged) -> None:
    with Recognizer.open_existing(judged.place) as recognizer:
        recognizer.enroll("figure 4", drawing(2, 5))
    proof = upgrading.prepare(judged.place, "photos", console=Console(quiet=True))
    assert proof.n_verdicts == 2
    assert upgrading.switch(judged.place, "photos") == 1
    assert len(verdicts(judged.place)) == 2
    upgrading.go_back(judged.place)
    assert len(verdicts(judged.place)) == 3


def test_a_verdict_that_is_withdrawn_is_not_asked(judged: Judged) -> None:
    with Gallery.open(judged.place) as gallery:
        gallery.withdraw(judged.before[0].id)
    proof = upgrading.prepare(judged.place, "photos", console=Console(quiet=True))
    assert proof.n_verdicts == 2
