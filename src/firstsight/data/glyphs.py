"""Handwriting in alphabets drawn by us: for learning without any human drawing.

Each alphabet is written by drawers of its own, each with a hand (slant, size, pen, roundness);
each drawing adds the hand's unsteadiness. The same seed gives the same pictures, and fewer
alphabets are the first of more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from firstsight.data.alphabets import POINTS_PER_STROKE, compose_alphabet, draw_style
from firstsight.data.packed import PackedPictures, Progress
from firstsight.errors import UsageError
from firstsight.images.preprocess import Preprocessing

__all__ = ["draw_alphabets"]

CANVAS_PX = 105
MARGIN_PX = 4.0
SUPERSAMPLE = 2
HALF_SPAN_PX = 32.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hands:
    """The hands of D drawers, each an array (D,).

    slant: how far the top leans. size, aspect: factors. tilt_rad: the line they write on.
    roundness: 0 keeps corners, 1 rounds them. unsteadiness, carelessness: how far points along a
    stroke, and whole strokes, stray (a character spans 2). overshoot: share of a stroke's length.
    """

    slant: Floats
    size: Floats
    aspect: Floats
    tilt_rad: Floats
    roundness: Floats
    unsteadiness: Floats
    carelessness: Floats
    overshoot: Floats
    pen_px: Floats


def draw_alphabets(
    preprocessing: Preprocessing,
    *,
    n_alphabets: int = 30,
    n_characters: int = 30,
    n_drawers: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> PackedPictures:
    """n_alphabets alphabets of n_characters characters, each drawn once by n_drawers drawers.

    progress: told (drawings done, drawings in all). Raises UsageError for a count below 1.
    """
    counts = (n_alphabets, n_characters, n_drawers)
    if min(counts) < 1:
        raise UsageError(
            f"cannot draw {n_alphabets} alphabets of {n_characters} characters by {n_drawers} "
            "drawers; ask for at least one of each"
        )
    side = preprocessing.size
    pixels = np.empty((*counts, side, side, preprocessing.channels), dtype=np.uint8)
    seeds = np.random.SeedSequence(seed).spawn(n_alphabets)

    def fill(alphabet: int) -> None:
        _fill_alphabet(pixels[alphabet], preprocessing, np.random.default_rng(seeds[alphabet]))

    with ThreadPoolExecutor() as threads:
        for done, _ in enumerate(threads.map(fill, range(n_alphabets)), start=1):
            if progress:
                progress(done * n_characters * n_drawers, n_alphabets * n_characters * n_drawers)
    return PackedPictures.of(
        name="glyphs",
        pixels=pixels.reshape(-1, *pixels.shape[3:]),
        labels=np.repeat(np.arange(n_alphabets * n_characters), n_drawers),
        drawers=np.tile(np.arange(n_drawers), n_alphabets * n_characters),
        class_names=tuple(
            f"alphabet{alphabet + 1:02d}/character{character + 1:02d}"
            for alphabet in range(n_alphabets)
            for character in range(n_characters)
        ),
        class_groups=np.repeat(np.arange(n_alphabets), n_characters),
        group_names=tuple(f"alphabet{alphabet + 1:02d}" for alphabet in range(n_alphabets)),
    )


def _fill_alphabet(
    pixels: NDArray[np.uint8], preprocessing: Preprocessing, rng: np.random.Generator
) -> None:
    """Draw one alphabet into pixels (characters, drawers, H, W, C)."""
    n_characters, n_drawers = pixels.shape[:2]
    characters = compose_alphabet(draw_style(rng), n_characters, rng)
    hands = draw_hands(n_drawers, rng)
    for number, character in enumerate(characters):
        written = write_character(character, hands, rng)
        for drawer, strokes in enumerate(written):
            picture = ink(strokes, float(hands.pen_px[drawer]))
            pixels[number, drawer] = preprocessing.pixels(picture)


def draw_hands(n_drawers: int, rng: np.random.Generator) -> Hands:
    return Hands(
        slant=rng.normal(0, 0.12, n_drawers),
        size=np.exp(rng.normal(0, 0.16, n_drawers)),
        aspect=np.exp(rng.normal(-0.06, 0.12, n_drawers)),
        tilt_rad=rng.normal(0, 0.06, n_drawers),
        roundness=rng.uniform(0, 1, n_drawers),
        unsteadiness=rng.uniform(0.03, 0.09, n_drawers),
        carelessness=rng.uniform(0.02, 0.08, n_drawers),
        overshoot=rng.normal(0, 0.03, n_drawers),
        pen_px=rng.triangular(2.8, 4.4, 5.4, n_drawers),
    )


def write_character(character: Floats, hands: Hands, rng: np.random.Generator) -> Floats:
    """(S, P, 2) one character to (D, S, P, 2) pixels on the canvas, once by each hand."""
    n_drawers, n_strokes = len(hands.slant), len(character)
    ends = hands.overshoot[:, None, None] + rng.normal(0, 0.03, (n_drawers, n_strokes, 2))
    points = _overshoot(character, ends)
    points = _round(points, hands.roundness)
    points = _stray(points, hands, rng)
    points = _bend(points, rng)
    return _to_canvas(points, hands, rng)


def _overshoot(character: Floats, ends: Floats) -> Floats:
    """Begin each stroke earlier or later, and end it so, by the share in ends (D, S, 2)."""
    last = POINTS_PER_STROKE - 1
    t = np.linspace(0, 1, POINTS_PER_STROKE)
    at = (-ends[..., :1] + (1 + ends.sum(axis=-1, keepdims=True)) * t) * last  # (D, S, P)
    below = np.clip(np.floor(at).astype(np.int64), 0, last - 1)
    stroke = np.arange(character.shape[0])[None, :, None]
    here, there = character[stroke, below], character[stroke, below + 1]
    points: Floats = here + (at - below)[..., None] * (there - here)
    return points


def _round(points: Floats, roundness: Floats) -> Floats:
    """Blend each stroke with its running mean over seven points."""
    reach = 3
    padded = np.pad(
        points, ((0, 0), (0, 0), (reach, reach), (0, 0)), mode="reflect", reflect_type="odd"
    )
    smooth = np.stack([padded[:, :, k : k + POINTS_PER_STROKE] for k in range(2 * reach + 1)]).mean(
        axis=0
    )
    rounded: Floats = points + roundness[:, None, None, None] * (smooth - points)
    return rounded


def _stray(points: Floats, hands: Hands, rng: np.random.Generator) -> Floats:
    """Move each stroke as a whole, and its points by a few slow waves and a faint tremor."""
    n_drawers, n_strokes = points.shape[:2]
    each = (n_drawers, n_strokes, 1, 2)
    care = hands.carelessness[:, None, None, None]
    centre = points.mean(axis=2, keepdims=True)
    grown = centre + (points - centre) * np.exp(1.5 * care * rng.normal(size=each))
    frequencies = np.array([1, 2, 3, 4, 9, 13])
    strengths = np.array([1, 0.7, 0.45, 0.3, 0.08, 0.06])
    t = np.linspace(0, 1, POINTS_PER_STROKE)
    waves = strengths * np.cos(np.pi * t[:, None] * frequencies)  # (P, waves)
    amounts = rng.normal(size=(n_drawers, n_strokes, len(frequencies), 2))
    length = np.linalg.norm(np.diff(points, axis=2), axis=3).sum(axis=2)[..., None, None]
    steadied = hands.unsteadiness[:, None, None, None] * np.minimum(length, 1.0)
    strayed: Floats = grown + care * rng.normal(size=each) + steadied * (waves @ amounts)
    return strayed


def _bend(points: Floats, rng: np.random.Generator) -> Floats:
    """Bend the plane a little, differently in each drawing."""
    x, y = points[..., 0], points[..., 1]
    terms = np.stack([x * x, x * y, y * y], axis=-1)
    amounts = rng.normal(0, 0.05, (len(points), 1, 3, 2))
    bent: Floats = points + terms @ amounts
    return bent


def _to_canvas(points: Floats, hands: Hands, rng: np.random.Generator) -> Floats:
    n_drawers = len(points)
    tilt = hands.tilt_rad + rng.normal(0, 0.05, n_drawers)
    slant = hands.slant + rng.normal(0, 0.05, n_drawers)
    aspect = hands.aspect * np.exp(rng.normal(0, 0.07, n_drawers))
    half_span = HALF_SPAN_PX * hands.size * np.exp(rng.normal(0, 0.08, n_drawers))
    cos, sin = np.cos(tilt), np.sin(tilt)
    # (x', y') = turn by the tilt after leaning by the slant after stretching by the aspect
    matrix = np.empty((n_drawers, 1, 2, 2))
    matrix[:, 0, 0, 0], matrix[:, 0, 0, 1] = cos * aspect, sin * aspect
    matrix[:, 0, 1, 0] = (-cos * slant - sin) / aspect
    matrix[:, 0, 1, 1] = (-sin * slant + cos) / aspect
    placed = half_span[:, None, None, None] * (points @ matrix)
    low, high = placed.min(axis=(1, 2)), placed.max(axis=(1, 2))
    room = CANVAS_PX - 2 * MARGIN_PX
    shrink = np.minimum(1.0, room / np.maximum(high - low, 1e-9).max(axis=1))[:, None]
    centre = CANVAS_PX / 2 + rng.normal(0, 4.0, (n_drawers, 2))
    reach = shrink * (high - low) / 2 + MARGIN_PX
    centre = np.clip(centre, reach, np.maximum(CANVAS_PX - reach, reach))
    middle = (low + high) / 2
    canvas: Floats = (placed - middle[:, None, None]) * shrink[:, None, None] + centre[
        :, None, None
    ]
    return canvas


def ink(strokes: Floats, pen_px: float) -> NDArray[np.uint8]:
    """(S, P, 2) pixels to a picture (105, 105) uint8: black ink (0) on white paper (255)."""
    canvas = Image.new("L", (CANVAS_PX * SUPERSAMPLE, CANVAS_PX * SUPERSAMPLE), 255)
    draw = ImageDraw.Draw(canvas)
    width = max(round(pen_px * SUPERSAMPLE), 1)
    radius = width / 2
    for stroke in strokes * SUPERSAMPLE:
        draw.line(stroke.ravel().tolist(), fill=0, width=width)
        for x, y in stroke[::2].tolist():
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    # Omniglot's drawings are of one bit, so these are too.
    grey = np.asarray(canvas.reduce(SUPERSAMPLE))
    return np.where(grey > 127, 255, 0).astype(np.uint8)
