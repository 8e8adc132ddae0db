"""The report's sentences: figures in words that need no lesson in statistics."""

from __future__ import annotations

from firstsight.evaluation.scorecard import Scorecard
from firstsight.metrics.intervals import Interval

__all__ = ["between", "in_words", "of_hundred", "percent", "share_right"]

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def in_words(card: Scorecard) -> str:
    """What the figure means to somebody who asks "does it work?"."""
    right, interval = share_right(card)
    times = f"{of_hundred(right)} times in 100 (95 % interval {between(interval)})"
    if card.protocol in ("verification", "koch2015", "omniglot-12-4-4"):
        return (
            f"Shown two pictures, it says rightly {times} whether they show the same thing; "
            "tossing a coin would be right 50 times in 100."
        )
    if card.measure in ("accuracy", "error_rate"):
        n_way = card.details.get("n_way", 20)
        shots = card.details.get("k_shot", 1)
        pictures = f"{_counted(shots)} picture{'s' if shots > 1 else ''}"
        return (
            f"Shown {pictures} of each of {n_way} things, it says rightly {times} which of them a "
            f"new picture shows; guessing would be right {of_hundred(1 / n_way)} times in 100."
        )
    return (
        f"Asked for the pictures most like a given one, it scores {100 * card.value:.1f} of 100 "
        f"by {card.measure.replace('_', ' ')} (95 % interval {between(interval)})."
    )


def share_right(card: Scorecard) -> tuple[float, Interval]:
    """The figure with more being better, and its interval: errors are turned around."""
    low, high = card.interval
    if card.measure == "error_rate":
        return 1 - card.value, (1 - high, 1 - low)
    return card.value, (low, high)


def of_hundred(share: float) -> str:
    """A share in 0..1 as a number of 100, whole where that says the same; never 100 for less."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = f"{100 * share:.2f}"
    return text.removesuffix(".0")


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def between(interval: Interval) -> str:
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _counted(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else str(number)
