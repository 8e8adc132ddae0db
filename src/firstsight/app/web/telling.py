"""Answers as sentences for people who never saw a distance."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from firstsight.deciding.estimated import Estimate
from firstsight.deciding.thresholds import Rate
from firstsight.recognition.answers import Answer, Comparison, Enrollment

__all__ = [
    "RATES_OF_THE_FIRST",
    "closed_set_told",
    "code_told",
    "comparison_told",
    "enrollment_told",
    "estimate_told",
    "percent",
    "photos_told",
    "places_told",
    "sure_told",
    "things_told",
]


RATES_OF_THE_FIRST = (
    "These rates are of the first look: what bears a print that agrees is named more often, and so "
    "may a stranger be that bears the same one."
)
_PERCENT = "\u00a0%"  # a number and its sign stay on one line


def percent(share: float) -> str:
    """Never 100 % or 0 % for what is merely close to it."""
    if 0.9995 <= share < 1:
        return f"over 99.9{_PERCENT}"
    if 0 < share < 0.0005:
        return f"under 0.1{_PERCENT}"
    return f"{100 * share:.3g}{_PERCENT}"


def code_told(sentence: str) -> Markup:
    """What stands between backticks is code; all else stays text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))


def things_told(n: int) -> str:
    return "1 thing" if n == 1 else f"{n:,} things"


def photos_told(n: int) -> str:
    return "1 photo" if n == 1 else f"{n:,} photos"


def sure_told(answer: Answer) -> str:
    """How sure the answer is, and at which share of false accepts."""
    target = answer.estimate.target
    if answer.closed_set:
        of_these = f"if it is one of the {things_told(answer.estimate.n_things)} here"
        if answer.probability is None:
            return f"The nearest, {of_these}; nothing tells how likely the name is right."
        return f"{percent(answer.probability)} sure that the name is right, {of_these}."
    if answer.threshold is None:
        return f"Nobody can say how sure that is: {answer.estimate.kept}."
    strict = f"at a setting where at most {percent(target)} of strangers' pictures get a name"
    if answer.decision == "unknown":
        return f"The nearest is {answer.nearest.thing}, and that is too far away, {strict}."
    if answer.probability is None:
        return f"Near enough to be named, {strict}; nothing tells how likely the name is right."
    return f"{percent(answer.probability)} sure that the name is right, {strict}."


def places_told(agreeing: float | None, nearer: float) -> list[str]:
    """What a second look found, a sentence or none."""
    if not nearer or agreeing is None:
        return []
    return [
        f"{agreeing:.0f} places near the middle of both pictures agree, and with no other thing: "
        f"that brings it nearer by {nearer:.3f}."
    ]


def closed_set_told(answer: Answer) -> list[str]:
    """What an answer rests on where one of the things is shown for certain, a sentence each."""
    told = ["It was said to be one of the things here, so nothing is too far away to be named."]
    if answer.probability is not None:
        by = {
            "gallery": "this gallery's own photos, each asked about again,",
            "model": "the model's calibration",
        }[answer.estimate.sharpness_basis]
        told.append(
            "The percentage is its share among all of them, each as likely beforehand, by "
            f"distance; how much a distance tells, {by} says."
        )
    return told


def estimate_told(estimate: Estimate) -> list[str]:
    """What an answer rests on at first look, a sentence each."""
    if estimate.threshold is None:
        return [f"{estimate.kept}."]
    told = [f"A picture gets a name up to a distance of {estimate.threshold:.3f}: {estimate.kept}."]
    if estimate.false_accepts is not None:
        told.append(
            f"Strangers' pictures that get a name all the same: {_rate(estimate.false_accepts)}."
        )
    if estimate.misses is not None:
        whose = "this gallery" if estimate.misses_basis == "gallery" else "the model's calibration"
        told.append(
            f"Pictures of things that are here, and do not get their name: "
            f"{_rate(estimate.misses)}, by {whose}."
        )
    told.append(
        "The percentage is the chance that the name is right if a stranger was as likely to come "
        "as a thing that is here."
    )
    return told


def comparison_told(compared: Comparison) -> str:
    """How sure, and what the threshold lets pass."""
    if compared.probability is None or compared.threshold is None:
        return (
            "The model was never calibrated, so nobody can say what this distance means: "
            "firstsight calibrate MODEL --data FOLDER."
        )
    sure = compared.probability if compared.same else 1 - compared.probability
    told = (
        f"{percent(sure)} sure, if the same and different were equally likely. The threshold lets "
        f"{percent(compared.false_matches or 0)} of different pairs pass"
    )
    if compared.misses is not None:
        told += f", and turns {percent(compared.misses)} of same pairs away"
    return " ".join([told + ".", *places_told(compared.agreeing, compared.nearer)])


def enrollment_told(result: Enrollment) -> str:
    return {
        "new": f"saved as {result.thing}",
        "already": f"here already, as {result.thing}",
        "elsewhere": f"left out: the same picture is here as {result.holder}",
        "unreadable": "left out: cannot be read",
        "misnamed": "left out: no thing may have that name",
        "refused": "left out: the doctor warns",
        "left out": "left out with the others",
        "checked": "not saved yet",
    }[result.status]


def _rate(rate: Rate) -> str:
    low, high = (f"{100 * each:.2g}" if each < 0.995 else "100" for each in rate.interval)
    return f"{percent(rate.rate)} (between {low} and {high}{_PERCENT})"
