"""Alphabets that nobody ever wrote: characters composed of strokes in a common style.

A style owns a few strokes and some places to put them; its characters are made of those, so they
look alike as the letters of one script do, and no two of them look the same.
Coordinates: x to the right, y down, a character fills about [-1, 1] x [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["POINTS_PER_STROKE", "Style", "compose_alphabet", "draw_style"]

POINTS_PER_STROKE = 49
ATTEMPTS_PER_CHARACTER = 60
TOO_ALIKE = 0.82
GRID_CELLS = 12
ATTEMPTS_PER_STROKE = 12
LONGEST_CHARACTER = 9.0
SHORTEST_CHARACTER = 1.95

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """What the characters of one alphabet have in common.

    strokes: (R, P, 2) the repertoire, each stroke leading from (0, 0) to (1, 0).
    anchors: (A, 2) where strokes begin and end.
    stroke_counts: (4,) chances of 1, 2, 3, 4 strokes a character.
    attaching, mirroring, deriving: chances that a stroke begins on an earlier one, that it is the
    mirror image of the one before, and that a character is a relative of an earlier character.
    frame: (F, P, 2) strokes that every character shares (F = 0 or 1).
    """

    strokes: Floats
    anchors: Floats
    stroke_counts: Floats
    attaching: float
    mirroring: float
    deriving: float
    frame: Floats


def draw_style(rng: np.random.Generator) -> Style:
    """A style at random: a few kinds of stroke, a grid or a ring to put them on, some habits."""
    kinds = rng.choice(len(_KINDS), size=rng.integers(3, 7), replace=False)
    curvature = rng.uniform(0.25, 0.75)
    strokes = [
        _resample(_KINDS[kind](rng, curvature * rng.uniform(0.7, 1.4)))
        for kind in kinds
        for _ in range(rng.integers(1, 3))
    ]
    counts = rng.dirichlet(np.array([2.0, 4.0, 3.0, 1.5]))
    has_frame = rng.random() < 0.2
    y = rng.choice([-0.9, 0.9])
    bar = _place(_resample(_line(rng, 0.0)), np.array([-0.9, y]), np.array([0.9, y]))
    return Style(
        strokes=np.stack(strokes),
        anchors=_draw_anchors(rng),
        stroke_counts=counts,
        attaching=rng.uniform(0.3, 0.95),
        mirroring=rng.choice([0.0, 0.1, 0.5]),
        deriving=rng.choice([0.0, 0.1, 0.3]),
        frame=bar[None] if has_frame else np.empty((0, POINTS_PER_STROKE, 2)),
    )


def compose_alphabet(style: Style, n_characters: int, rng: np.random.Generator) -> list[Floats]:
    """n_characters characters, each (S, P, 2): S strokes of P points.

    Each is the first of some attempts that is unlike all before it, or the least alike of them.
    """
    characters: list[Floats] = []
    seen = np.empty((0, GRID_CELLS * GRID_CELLS))
    for _ in range(n_characters):
        best, best_trace, least = None, None, np.inf
        for _ in range(ATTEMPTS_PER_CHARACTER):
            attempt = _compose(style, characters, rng)
            trace = _trace(attempt)
            # Two dots far apart are a character that no hand would write the same way twice.
            sparse = sum(_length(stroke) for stroke in attempt) < SHORTEST_CHARACTER
            likeness = 1.0 if sparse else float((seen @ trace).max(initial=0.0))
            if likeness < least:
                best, best_trace, least = attempt, trace, likeness
            if least < TOO_ALIKE:
                break
        assert best is not None and best_trace is not None
        characters.append(best)
        seen = np.vstack([seen, best_trace])
    return characters


def _compose(style: Style, earlier: list[Floats], rng: np.random.Generator) -> Floats:
    if earlier and rng.random() < style.deriving:
        return _relative(earlier[rng.integers(len(earlier))], style, rng)
    strokes: list[Floats] = list(style.frame)
    n_strokes = 1 + rng.choice(4, p=style.stroke_counts)
    while len(strokes) < n_strokes + len(style.frame):
        drawn = len(strokes) > len(style.frame)
        if drawn and rng.random() < style.mirroring:
            mirrored = strokes[-1] * np.array([-1.0, 1.0])
            strokes.append(_clear_stroke(style, strokes, rng, first=mirrored))
        else:
            strokes.append(_clear_stroke(style, strokes, rng))
        if sum(_length(stroke) for stroke in strokes) > LONGEST_CHARACTER:
            break
    return _fit(np.stack(strokes))


def _relative(character: Floats, style: Style, rng: np.random.Generator) -> Floats:
    """Turned, mirrored, or with one more stroke, as real alphabets make letters of letters."""
    kind = rng.integers(3)
    if kind == 0:
        return _fit(character[..., ::-1] * np.array([1.0, -1.0]))
    if kind == 1:
        return _fit(character * rng.choice([-1.0, 1.0], size=2))
    if len(character) > 3:
        return _fit(character[1:])
    return _fit(np.concatenate([character, _clear_stroke(style, list(character), rng)[None]]))


def _clear_stroke(
    style: Style, earlier: list[Floats], rng: np.random.Generator, first: Floats | None = None
) -> Floats:
    """A stroke that does not run along an earlier one, which a hand would blur into it."""
    stroke = _draw_stroke(style, earlier, rng) if first is None else first
    if not earlier:
        return stroke
    drawn = np.concatenate(earlier)
    for _ in range(ATTEMPTS_PER_STROKE):
        gaps = np.linalg.norm(stroke[::3, None] - drawn[None, ::3], axis=2).min(axis=1)
        if np.mean(gaps < 0.2) < 0.4:
            break
        stroke = _draw_stroke(style, earlier, rng)
    return stroke


def _draw_stroke(style: Style, earlier: list[Floats], rng: np.random.Generator) -> Floats:
    start, end, other = style.anchors[rng.choice(len(style.anchors), size=3, replace=False)]
    if earlier and np.hypot(*(other - start)) < np.hypot(*(end - start)):
        end = other  # later strokes are the shorter ones
    if earlier and rng.random() < style.attaching:
        host = earlier[rng.integers(len(earlier))]
        start = host[rng.choice([0, POINTS_PER_STROKE // 2, POINTS_PER_STROKE - 1])]
        if np.hypot(*(end - start)) < 0.4:
            end = -end
    stroke = style.strokes[rng.integers(len(style.strokes))]
    return _place(stroke * np.array([1.0, rng.choice([-1.0, 1.0])]), start, end)


def _place(stroke: Floats, start: Floats, end: Floats) -> Floats:
    """Turn and scale a stroke so that it leads from start to end."""
    along = end - start
    across = np.array([-along[1], along[0]])
    placed: Floats = start + stroke[:, :1] * along + stroke[:, 1:] * across
    return placed


def _length(stroke: Floats) -> float:
    return float(np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum())


def _fit(character: Floats) -> Floats:
    """Centre a character and let its longer side span 2."""
    low, high = character.min(axis=(0, 1)), character.max(axis=(0, 1))
    fitted: Floats = (character - (low + high) / 2) * (2 / max(float((high - low).max()), 1e-9))
    return fitted


def _trace(character: Floats) -> Floats:
    """(cells,) where the ink lies, blurred, of unit length: a dot product tells likeness."""
    steps = np.linalg.norm(np.diff(character, axis=1), axis=2)
    places = (character[:, :-1] + character[:, 1:]).reshape(-1, 2) / 2
    edges = np.linspace(-1.2, 1.2, GRID_CELLS + 1)
    ink, _, _ = np.histogram2d(
        places[:, 0], places[:, 1], bins=(edges, edges), weights=steps.reshape(-1)
    )
    for axis in (0, 1):
        ink = ink + (np.roll(ink, 1, axis) + np.roll(ink, -1, axis)) / 2
    flat: Floats = ink.reshape(-1) / max(float(np.linalg.norm(ink)), 1e-9)
    return flat


def _resample(corners: Floats) -> Floats:
    """The same path through POINTS_PER_STROKE points at equal distances."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    at = np.linspace(0.0, lengths[-1], POINTS_PER_STROKE)
    return np.stack([np.interp(at, lengths, corners[:, axis]) for axis in (0, 1)], axis=1)


def _draw_anchors(rng: np.random.Generator) -> Floats:
    """A grid of 2-3 columns and 2-4 rows, or a ring with its centre."""
    if rng.random() < 0.25:
        turn = np.linspace(0, 2 * np.pi, int(rng.integers(5, 9)), endpoint=False)
        ring = np.stack([np.sin(turn), -np.cos(turn)], axis=1)
        return np.vstack([ring, np.zeros((1, 2))])
    width = rng.uniform(0.55, 1.0)
    columns = np.linspace(-width, width, int(rng.integers(2, 4)))
    rows = np.linspace(-1, 1, int(rng.integers(2, 5)))
    return np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)


# The kinds of stroke: each leads from (0, 0) to (1, 0) and leaves that line by about `bulge`.


def _line(rng: np.random.Generator, bulge: float) -> Floats:
    return np.array([[0.0, 0.0], [1.0, 0.0]])


def _arc(rng: np.random.Generator, bulge: float) -> Floats:
    turn = np.linspace(0, np.pi, 40)
    return np.stack([(1 - np.cos(turn)) / 2, bulge * np.sin(turn)], axis=1)


def _corner(rng: np.random.Generator, bulge: float) -> Floats:
    return np.array([[0.0, 0.0], [rng.uniform(0.0, 1.0), 1.2 * bulge], [1.0, 0.0]])


def _bracket(rng: np.random.Generator, bulge: float) -> Floats:
    return np.array([[0.0, 0.0], [0.0, bulge], [1.0, bulge], [1.0, rng.choice([0.0, bulge / 2])]])


def _swing(rng: np.random.Generator, bulge: float) -> Floats:
    t = np.linspace(0, 1, 60)
    periods = rng.choice([1.0, 1.0, 1.5, 2.0])
    return np.stack([t, bulge * 0.7 * np.sin(2 * np.pi * periods * t)], axis=1)


def _zigzag(rng: np.random.Generator, bulge: float) -> Floats:
    x = np.linspace(0, 1, int(rng.integers(4, 6)))
    y = bulge * 0.7 * np.where(np.arange(len(x)) % 2, 1.0, 0.0)
    return np.stack([x, y], axis=1)


def _hook(rng: np.random.Generator, bulge: float) -> Floats:
    radius = rng.uniform(0.12, 0.3)
    turn = np.linspace(0, rng.uniform(0.8, 1.4) * np.pi, 30)
    bend = np.stack([1 + radius * np.sin(turn), radius * (1 - np.cos(turn))], axis=1)
    return np.vstack([np.zeros((1, 2)), bend])


def _ring(rng: np.random.Generator, bulge: float) -> Floats:
    turn = np.linspace(0, 2 * np.pi * rng.choice([0.8, 1.0, 1.0]), 60)
    return np.stack([(1 - np.cos(turn)) / 2, (0.3 + bulge / 3) * np.sin(turn)], axis=1)


def _small_ring(rng: np.random.Generator, bulge: float) -> Floats:
    turn = np.linspace(0, 2 * np.pi, 40)
    radius = rng.uniform(0.12, 0.2)
    return radius * np.stack([1 - np.cos(turn), np.sin(turn)], axis=1)


def _dot(rng: np.random.Generator, bulge: float) -> Floats:
    turn = np.linspace(0, 4 * np.pi, 40)
    return 0.03 * np.stack([1 - np.cos(turn), np.sin(turn)], axis=1)


def _loop(rng: np.random.Generator, bulge: float) -> Floats:
    t = np.linspace(0, 1, 80)
    width, height = rng.uniform(0.2, 0.35), rng.uniform(0.5, 0.8) * max(bulge, 0.4)
    x = t - width * np.sin(2 * np.pi * t)
    return np.stack([x, height * (1 - np.cos(2 * np.pi * t)) / 2], axis=1)


def _spiral(rng: np.random.Generator, bulge: float) -> Floats:
    turn = np.linspace(0, 2 * np.pi * rng.uniform(1.2, 1.8), 80)
    radius = np.linspace(0.55, 0.08, 80)
    return np.stack([0.55 - radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def _closed(rng: np.random.Generator, bulge: float) -> Floats:
    side = 0.3 + bulge / 2
    triangle = [[0.0, 0.0], [1.0, 0.0], [0.5, side], [0.0, 0.0]]
    diamond = [[0.0, 0.0], [0.5, side], [1.0, 0.0], [0.5, -side], [0.0, 0.0]]
    return np.array(triangle if rng.random() < 0.5 else diamond)


_Kind = Callable[[np.random.Generator, float], Floats]
_COMMON_KINDS: tuple[_Kind, ...] = (_line, _arc, _corner, _hook, _loop)
_RARER_KINDS: tuple[_Kind, ...] = (_bracket, _swing, _zigzag, _ring, _spiral, _closed)
_SMALL_KINDS: tuple[_Kind, ...] = (_small_ring, _dot)
_KINDS = 2 * _COMMON_KINDS + _RARER_KINDS + _SMALL_KINDS
