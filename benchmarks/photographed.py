"""Letters as they come from a pen and a camera: one card of fifteen is enrolled, others are asked.

    git clone https://github.com/spaghetti-enjoyer/SSE-letters
    python benchmarks/photographed.py characters OTHER --cards FRAMES

FRAMES: SSE-letters/raw-data/dataset-2025/frames

SSE letters (Ivanov 2025, MIT): each writer filled in a card of 5 x 3 letters with a thick pen, and
it was photographed, in grey. The fields are cut out here; no line, shade or speck is taken away.
The cards of 2025 are for development, those of 2024 for testing. Every card is enrolled in turn and
all others are asked, each letter among the fifteen; intervals by drawing the asked writers again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import firstsight
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.metrics.intervals import bootstrap_by_cluster
from firstsight.model import Embedder

SEED = 0
COLUMNS, ROWS = 5, 3
CARD = (1200, 720)  # px
BORDER, LINE = 10, 24  # px: black around the card, and more than lines between fields take


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+", help="shipped names or model folders")
    parser.add_argument("--cards", type=Path, required=True)
    given = parser.parse_args()
    cards = [fields(card) for card in sorted(given.cards.glob("*.png"))]
    if len(cards) < 2:
        parser.error(f"{given.cards} holds {len(cards)} cards, and two are needed")
    print(f"{len(cards)} cards, seed {SEED}, commit {find_commit()}, {find_hardware()}")
    first = None
    for name in given.models:
        worth = shares_right(firstsight.load(name), cards)
        print(f"{name:24s} {with_ends(worth)} %")
        if first is None:
            first = worth
        else:
            print(f"{'  less the first':24s} {with_ends(worth - first)}")


def fields(card: Path) -> list[Image.Image]:
    """The fifteen fields of a card, row by row, each within its lines."""
    with Image.open(card) as opened:
        picture = opened.convert("L").resize(CARD, Image.Resampling.BILINEAR)
    width, height = (CARD[0] - 2 * BORDER) / COLUMNS, (CARD[1] - 2 * BORDER) / ROWS
    corners = [
        (BORDER + column * width, BORDER + row * height)
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    return [
        picture.crop(
            (round(x + LINE), round(y + LINE), round(x + width - LINE), round(y + height - LINE))
        )
        for x, y in corners
    ]


def shares_right(model: Embedder, cards: list[list[Image.Image]]) -> NDArray[np.float64]:
    """(W, 15): how often each letter of a writer is the nearest by the cards of all others."""
    seen = model.info.preprocessing
    pixels = np.stack([seen.fitted_pixels(field) for card in cards for field in card])
    n, letters = len(cards), COLUMNS * ROWS
    vectors = model.embed_pixels(pixels)
    distances = model.info.head.distance(vectors, vectors)
    # Who asks, which letter, whose card is enrolled, which letter of it.
    by_card = distances.reshape(n, letters, n, letters)
    right = by_card.argmin(axis=3) == np.arange(letters)[None, :, None]
    others = ~np.eye(n, dtype=bool)
    return np.stack([right[who][:, others[who]].mean(axis=1) for who in range(n)])


def with_ends(worth: NDArray[np.float64]) -> str:
    writers = np.repeat(np.arange(len(worth)), worth.shape[1])
    low, high = bootstrap_by_cluster(worth.ravel(), writers, np.random.default_rng(SEED))
    return f"{100 * worth.mean():.1f} ({100 * low:.1f} .. {100 * high:.1f})"


if __name__ == "__main__":
    main()
