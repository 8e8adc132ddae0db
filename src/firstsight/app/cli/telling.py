"""Answers as one line each, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firstsight.deciding.estimated import Estimate
    from firstsight.deciding.thresholds import Rate
    from firstsight.recognition.answers import Answer, Comparison, Enrollment, Match, Unreadable

__all__ = [
    "RATES_OF_THE_FIRST",
    "answer_line",
    "comparison_line",
    "enrollment_line",
    "estimate_lines",
    "match_line",
]


RATES_OF_THE_FIRST = (
    "these rates are of the first look: what bears a print that agrees is named more often, and so "
    "may a stranger be that bears the same one"
)


def answer_line(answer: Answer | Unreadable) -> str:
    """`desk.jpg: blue mug (known, 97 % sure; distance 0.21 of at most 0.35; then red mug 0.62)`"""
    from firstsight.recognition.answers import Unreadable

    if isinstance(answer, Unreadable):
        return f"{answer.picture}: unreadable"
    told: list[str] = []
    if answer.decision != "unknown":
        sure = "" if answer.probability is None else f", {_percent(answer.probability)} sure"
        told.append(answer.decision + sure)
    limit = f" of at most {answer.threshold:.3g}" if answer.threshold is not None else ""
    who = f"to {answer.nearest.thing} " if answer.decision == "unknown" else ""
    told.append(f"distance {who}{answer.distance:.3g}{limit}")
    if answer.nearest.nearer:
        told.append(f"{answer.nearest.agreeing:.0f} places agree")
    if answer.runner_up is not None:
        told.append(f"then {answer.runner_up.thing} {answer.runner_up.distance:.3g}")
    return f"{answer.picture}: {answer.thing or 'unknown'} ({'; '.join(told)})"


def estimate_lines(estimate: Estimate, *, closed_set: bool = False) -> list[str]:
    """What the answers rest on, in one to three sentences."""
    if closed_set:
        return [closed_set_told(estimate)]
    if estimate.threshold is None:
        return [estimate.kept]
    lines = [
        f"at most {_percent(estimate.target)} of strangers' pictures should get a name: "
        f"threshold {estimate.threshold:.4g}, {_rate(estimate.false_accepts)} expected; "
        f"{estimate.kept}"
    ]
    if estimate.misses is not None:
        whose = "this gallery" if estimate.misses_basis == "gallery" else "the model's calibration"
        lines.append(
            f"pictures of enrolled things that do not get their name: {_rate(estimate.misses)}, "
            f"by {whose}"
        )
    return lines


def closed_set_told(estimate: Estimate) -> str:
    """What answers rest on where no picture is of a stranger."""
    n_things = "the only thing" if estimate.n_things == 1 else f"one of {estimate.n_things} things"
    those = f"every picture is taken to show {n_things}"
    if estimate.sharpness is None:
        return (
            f"{those}; nothing tells how likely a name is right: enroll a second photo of ten "
            "things, or run firstsight calibrate MODEL --data FOLDER"
        )
    by = "this gallery's own photos" if estimate.sharpness_basis == "gallery" else "the model"
    return f"{those}; how likely a name is right, by {by}"


def comparison_line(compared: Comparison) -> str:
    if compared.same is None:
        return (
            f"distance {compared.distance:.4g}; the model was never calibrated, so nobody can say "
            "what that means: firstsight calibrate MODEL --data FOLDER"
        )
    assert compared.probability is not None and compared.threshold is not None
    assert compared.false_matches is not None
    word = "same" if compared.same else "different"
    agree = f"{compared.agreeing:.0f} places agree; " if compared.nearer else ""
    return (
        f"{word} ({_percent(compared.probability)} at even odds; {agree}"
        f"distance {compared.distance:.4g}, "
        f"same up to {compared.threshold:.4g}: {_percent(compared.false_matches)} of different "
        f"pairs pass, {_percent(compared.misses or 0.0)} of same pairs fail)"
    )


def match_line(match: Match) -> str:
    sure = f", {_percent(match.probability)} the same" if match.probability is not None else ""
    agree = f"; {match.agreeing:.0f} places agree" if match.nearer else ""
    return (
        f"{match.rank}. {match.thing} (distance {match.distance:.4g}{sure}{agree}; {match.source})"
    )


def enrollment_line(result: Enrollment) -> str:
    told = {
        "new": f"enrolled as {result.thing!r}",
        "already": f"already enrolled as {result.thing!r}",
        "elsewhere": f"left out: the same picture is enrolled as {result.holder!r}",
        "unreadable": "left out: cannot be read",
        "misnamed": "left out: no thing may have that name",
        "refused": "left out: the doctor warns",
        "left out": "left out with the others",
        "checked": f"would be enrolled as {result.thing!r}",
    }[result.status]
    number = f" (photo {result.photo})" if result.status == "new" else ""
    return f"{result.picture}: {told}{number}"


def _percent(share: float) -> str:
    """Never 100 % or 0 % for what is merely close to it."""
    if 0.9995 <= share < 1:
        return "over 99.9 %"
    if 0 < share < 0.0005:
        return "under 0.1 %"
    return f"{100 * share:.3g} %"


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return "nobody knows how many"
    low, high = (f"{100 * each:.2g}" if each < 0.995 else "100" for each in rate.interval)
    return f"{_percent(rate.rate)} ({low} to {high} %)"
