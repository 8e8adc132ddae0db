"""Write the drawings of docs/concepts.md into docs/concepts/.

python docs/draw_concepts.py          # write them
python docs/draw_concepts.py --check  # exit 1 where they are not what this says now
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pen import Page, Point, Tone, Writing, write

FOLDER = Path(__file__).parent / "concepts"
WIDTH = 760
LETTERS = write(alphabet=11, n_characters=8, n_drawers=8)


def twins() -> Page:
    page = Page(WIDTH, 270, "Two pictures pass one and the same tower; their embeddings compare")
    for y, hand, name in ((85, 0, "picture a"), (195, 2, "picture b")):
        page.picture((80, y), 84, LETTERS[4][hand])
        page.text((80, y + 60), name, tone="quiet", size=13)
        page.line([(130, y), (176, y)], arrow=True)
        page.area([(186, y - 40), (306, y - 20), (306, y + 20), (186, y + 40)], tone="mark")
        page.text((246, y + 5), "tower", tone="ground", bold=True)
        page.line([(316, y), (356, y)], arrow=True)
        embedding(page, (368, y - 12), hand)
    page.line([(246, 124), (246, 156)], tone="mark", dashed=True)
    page.text((256, 144), "the same weights", tone="mark", size=13, anchor="start")
    page.text((442, 50), "an embedding: a row of numbers", tone="quiet", size=13)
    page.line([(524, 85), (556, 85), (556, 126)], arrow=True)
    page.line([(524, 195), (556, 195), (556, 154)], arrow=True)
    page.text((556, 146), "distance 0.21", bold=True)
    page.line([(618, 140), (652, 140)], arrow=True)
    page.text((698, 136), "same,", tone="same", bold=True)
    page.text((698, 156), "97 %", tone="same", bold=True)
    return page


def embedding(page: Page, corner: Point, hand: int) -> None:
    shades = (0.85, 0.2, 0.5, 0.95, 0.35, 0.1, 0.7, 0.45)
    for number, shade in enumerate(shades):
        nudge = 0.1 * math.sin(3 * number + hand) * hand
        place = (corner[0] + 18.5 * number, corner[1])
        page.box(place, (16, 24), fill="ground", edge="line", radius=3)
        page.box(place, (16, 24), fill="mark", opacity=round(shade + nudge, 2), radius=3)


def pairs() -> Page:
    page = Page(WIDTH, 300, "Contrastive loss: pairs of one class attract, others repel")
    page.text((125, 40), "the same: pull together", tone="same", bold=True)
    page.text((375, 40), "different: push apart", tone="other", bold=True)
    page.text((630, 40), "what a pair costs", bold=True)
    for x, hand, way in ((65, 0, 1), (185, 2, -1)):
        page.picture((x, 130), 62, LETTERS[1][hand], edge="same", edge_width=2.5)
        page.line([(x + 36 * way, 130), (x + 55 * way, 130)], tone="same", width=2.5, arrow=True)
    page.ring((375, 150), 88, tone="other", dashed=True)
    page.line([(375, 150), (375, 238)], tone="quiet", width=1.5, dashed=True)
    page.text((382, 214), "margin", tone="quiet", size=13, anchor="start")
    page.picture((375, 150), 50, LETTERS[1][3])
    page.picture((420, 118), 40, LETTERS[2][0], edge="other", edge_width=2.5)
    page.line([(446, 104), (472, 90)], tone="other", width=2.5, arrow=True)
    page.text((125, 195), "cost: distance²", tone="quiet", size=13)
    page.text((375, 272), "beyond the margin: no cost", tone="quiet", size=13)
    axes(page, (535, 240), (200, 170), "distance", "cost")
    same = [(d, d * d) for d in steps(0, 1.22)]
    other = [(d, max(0.0, 1 - d) ** 2) for d in steps(0, 1.7)]
    to = Plot((535, 240), (200 / 1.7, 170 / 1.55))
    page.line(to.all(same), tone="same", width=3)
    page.line(to.all(other), tone="other", width=3)
    page.line([to(1, 0), to(1, 1.3)], tone="quiet", width=1.5, dashed=True)
    page.text(add(to(1, 0), (0, 18)), "margin", tone="quiet", size=13)
    page.text(add(to(1.22, 1.42), (6, 0)), "same", tone="same", size=13, anchor="start")
    page.text(add(to(0.1, 0.94), (8, 0)), "different", tone="other", size=13, anchor="start")
    return page


def triplets() -> Page:
    page = Page(
        WIDTH, 380, "A triplet: the negative must lie farther than the positive by a margin"
    )
    anchor, near, far = (240, 190), 112, 166
    page.ring(anchor, near, tone="same", width=2)
    page.ring(anchor, far, tone="quiet", dashed=True)
    page.picture(anchor, 56, LETTERS[3][0], edge="ink", edge_width=2.5)
    page.text(add(anchor, (0, 46)), "anchor", size=13)
    positive = on_ring(anchor, near, 160)
    page.picture(positive, 48, LETTERS[3][1], edge="same", edge_width=2.5)
    page.text(add(positive, (0, 42)), "positive", tone="same", size=13)
    margin_from, margin_to = on_ring(anchor, near, 90), on_ring(anchor, far, 90)
    page.line([margin_from, margin_to], tone="quiet", width=1.5, arrow=True)
    page.text(add(margin_to, (10, 32)), "margin", tone="quiet", size=13, anchor="start")
    cases: tuple[tuple[float, float, int, Tone, str, str], ...] = (
        (80, 42, 4, "other", "hard", "nearer than the positive: costs most"),
        (139, 0, 5, "other", "semi-hard", "farther, but within the margin: costs something"),
        (214, -34, 6, "quiet", "easy", "beyond the margin: costs nothing, teaches nothing"),
    )
    for (distance, turn, character, tone, name, meaning), y in zip(
        cases, (80, 190, 300), strict=True
    ):
        place = on_ring(anchor, distance, turn)
        page.line([add(place, (26, 0)), (475, y - 5)], tone="line", width=1.5)
        page.picture(place, 44, LETTERS[character][0], edge=tone, edge_width=2.5)
        first, _, rest = meaning.partition(": ")
        page.text((484, y - 12), f"{name} negative", tone=tone, anchor="start", bold=True)
        page.text((484, y + 8), first, tone="quiet", size=13, anchor="start")
        page.text((484, y + 26), rest, tone="quiet", size=13, anchor="start")
    return page


def episodes() -> Page:
    page = Page(WIDTH, 330, "An episode: one query, and one example of each of five classes")
    xs = [250, 350, 450, 550, 650]
    distances = (0.74, 0.69, 0.31, 0.81, 0.66)
    page.text((118, 66), "support", bold=True)
    page.text((118, 86), "one picture of each", tone="quiet", size=13)
    page.text((118, 104), "class: 5-way, 1-shot", tone="quiet", size=13)
    page.text((118, 250), "query", bold=True)
    page.text((118, 270), "another picture", tone="quiet", size=13)
    page.text((118, 288), "of one of them", tone="quiet", size=13)
    query = (450, 262)
    for number, (x, distance) in enumerate(zip(xs, distances, strict=True)):
        chosen = number == 2
        tone: Tone = "same" if chosen else "line"
        page.line(
            [(x, 124), (query[0] + (x - 450) * 0.17, 218)], tone=tone, width=3 if chosen else 2
        )
        page.picture((x, 82), 76, LETTERS[number][4], edge=tone, edge_width=3 if chosen else 1.5)
        middle = ((x + query[0] + (x - 450) * 0.17) / 2, 171)
        page.box((middle[0] - 20, 160), (40, 21), fill="ground", edge=None)
        page.text(
            (middle[0], 176),
            f"{distance:.2f}",
            size=14,
            bold=chosen,
            tone="same" if chosen else "quiet",
        )
    page.picture(query, 80, LETTERS[2][6], edge="ink", edge_width=2.5)
    page.text((506, 258), "nearest: right", tone="same", anchor="start", bold=True)
    page.text((506, 278), "guessing is right 1 in 5 times", tone="quiet", anchor="start", size=13)
    return page


def thresholds() -> Page:
    page = Page(
        WIDTH, 310, "Distances of same and of different pairs overlap; a threshold parts them"
    )
    origin, to = (60, 250), Plot((60, 250), (640, 180))
    line = 0.38

    def same(d: float) -> float:
        return math.exp(-(((d - 0.25) / 0.12) ** 2))

    def other(d: float) -> float:
        return 0.92 * math.exp(-(((d - 0.63) / 0.175) ** 2))

    missed = [(d, same(d)) for d in steps(line, 0.65)]
    passed = [(d, other(d)) for d in steps(0.12, line)]
    page.area(to.all([*missed, (0.65, 0), (line, 0)]), tone="same", opacity=0.4)
    page.area(to.all([(0.12, 0), *passed, (line, 0)]), tone="other", opacity=0.55)
    page.line(to.all([(d, same(d)) for d in steps(0, 0.65)]), tone="same", width=3)
    page.line(to.all([(d, other(d)) for d in steps(0.12, 1)]), tone="other", width=3)
    page.line([origin, (700, 250)], width=1.5)
    page.text((700, 272), "distance", tone="quiet", size=13, anchor="end")
    page.line([to(line, -0.03), to(line, 1.12)], width=2, dashed=True)
    page.text(add(to(line, 1.12), (8, 4)), "threshold", anchor="start", bold=True)
    page.text(add(to(0.12, 1.08), (0, 0)), "same pairs", tone="same", bold=True)
    page.text(add(to(0.72, 0.98), (10, 0)), "different pairs", tone="other", bold=True)
    page.text((to(line, 0)[0] - 12, 290), "pass: they match", tone="quiet", size=13, anchor="end")
    page.text((to(line, 0)[0] + 12, 290), "do not match", tone="quiet", size=13, anchor="start")
    pointed(page, (104, 120), to(0.345, 0.03), ("false matches", "FMR"), "other")
    pointed(page, (652, 120), to(0.405, 0.05), ("misses", "FNMR"), "same")
    return page


def pointed(page: Page, place: Point, at: Point, words: tuple[str, str], tone: Tone) -> None:
    """Two lines of words, and a line from beneath them to what they tell of."""
    page.line([add(place, (0, 26)), at], tone="quiet", width=1.2)
    page.dot(at, 3, tone="quiet")
    page.text(place, words[0], tone=tone, size=13, bold=True)
    page.text(add(place, (0, 17)), words[1], tone="quiet", size=13)


def strangers() -> Page:
    page = Page(
        WIDTH, 330, "The more things are enrolled, the more chances a stranger has to match"
    )
    for left, count, words in ((40, 3, "3 chances"), (40, 10, "10 chances")):
        y = 110 if count == 3 else 235
        page.picture((left + 26, y), 52, LETTERS[7][0], edge="other", edge_width=2.5)
        for number in range(count):
            column, row = number % 5, number // 5
            rows = (count + 4) // 5
            x = left + 112 + 44 * column
            at = y + 42 * (row - (rows - 1) / 2)
            page.picture((x, at), 36, LETTERS[number % 7][number // 7])
        page.line([(left + 58, y), (left + 84, y)], tone="other", arrow=True)
        page.text(
            (left, y + 48), words if count == 3 else "", tone="quiet", size=13, anchor="start"
        )
    page.text((40, 44), "a stranger, and who is enrolled", anchor="start", bold=True)
    page.text((40, 300), "10 chances", tone="quiet", size=13, anchor="start")
    page.text((420, 44), "share of strangers given a name", anchor="start", bold=True)
    axes(page, (430, 270), (270, 200), "things enrolled", "")
    to = Plot((430, 270), (90, 200))
    for share, words in ((0.5, "50 %"), (1, "100 %")):
        page.line([to(0, share), to(3, share)], tone="line", width=1)
        page.text(add(to(0, share), (-8, 5)), words, tone="quiet", size=12, anchor="end")
    for power in range(4):
        page.text(add(to(power, 0), (0, 18)), f"{10**power:,}", tone="quiet", size=12)
    fixed = [(p, 1 - (1 - 0.001) ** (10**p)) for p in steps(0, 3)]
    page.line(to.all(fixed), tone="other", width=3)
    page.line([to(0, 0.01), to(3, 0.01)], tone="same", width=3)
    page.text(add(to(1.5, 0.36), (0, 0)), "one threshold,", tone="other", size=13)
    page.text(add(to(1.5, 0.36), (0, 17)), "FMR 0.1 % a pair", tone="other", size=13)
    page.text(to(0.06, 0.055), "follows the gallery: 1 %", tone="same", size=13, anchor="start")
    return page


def calibration() -> Page:
    page = Page(WIDTH, 330, "Calibration turns distances into probabilities that can be checked")
    page.text((60, 44), "from distance to probability", anchor="start", bold=True)
    axes(page, (60, 270), (270, 200), "distance", "")
    left = Plot((60, 270), (270, 200))

    def curve(d: float) -> float:
        return 1 / (1 + math.exp(13 * (d - 0.42)))

    page.line(left.all([(d, curve(d)) for d in steps(0, 1)]), tone="mark", width=3)
    for number, d in enumerate((0.06, 0.18, 0.3, 0.42, 0.54, 0.66, 0.78, 0.9)):
        seen = curve(d) + 0.16 * math.sin(5 * number) * curve(d) * (1 - curve(d)) ** 0.5
        page.dot(left(d, seen), 5, tone="ink")
    page.text(left(0.42, 0.82), "pairs that were the same,", tone="quiet", size=13, anchor="start")
    page.text(
        add(left(0.42, 0.82), (0, 17)),
        "of all at about this distance",
        tone="quiet",
        size=13,
        anchor="start",
    )
    percents(page, left)
    page.text((440, 44), "said, and what came true", anchor="start", bold=True)
    axes(page, (440, 270), (270, 200), "probability said", "")
    right = Plot((440, 270), (270, 200))
    percents(page, right)
    page.line([right(0, 0), right(1, 1)], tone="quiet", width=1.5, dashed=True)
    good = [(p, p + 0.03 * math.sin(9 * p)) for p in (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)]
    vain = [(p, p**2.6) for p in (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)]
    page.line(right.all(good), tone="same", width=2)
    page.line(right.all(vain), tone="other", width=2)
    for x, y in right.all(good):
        page.dot((x, y), 5, tone="same")
    for x, y in right.all(vain):
        page.box((x - 4.5, y - 4.5), (9, 9), fill="other", edge=None, radius=0)
    page.text(right(0.42, 0.74), "calibrated", tone="same", size=13, anchor="end", bold=True)
    page.text(right(0.55, 0.06), "80 % said, 56 % true", tone="other", size=13, anchor="start")
    page.text(
        add(right(0.55, 0.06), (0, -17)),
        "overconfident:",
        tone="other",
        size=13,
        anchor="start",
        bold=True,
    )
    return page


def answers() -> Page:
    page = Page(WIDTH, 340, "Known, unsure, unknown: by the threshold, and by the runner-up")
    first, second, reach = (210, 180), (370, 180), 108
    for centre, character in ((first, 3), (second, 1)):
        page.dot(centre, reach, tone="mark", opacity=0.09)
        page.ring(centre, reach, tone="mark", width=2)
        page.picture(centre, 58, LETTERS[character][0], edge="mark", edge_width=2.5)
    page.text(
        (210, 318),
        "enrolled, and how far its name reaches: the threshold",
        tone="mark",
        size=13,
        anchor="start",
    )
    cases: tuple[tuple[Point, Writing, Tone, str, str, str], ...] = (
        (
            (424, 232),
            LETTERS[1][2],
            "same",
            "known",
            "within one threshold,",
            "and nothing else comes near",
        ),
        (
            (290, 132),
            LETTERS[3][3],
            "mark",
            "unsure",
            "within, but another thing",
            "is nearly as near",
        ),
        (
            (455, 60),
            LETTERS[7][1],
            "other",
            "unknown",
            "farther than the threshold",
            "from everything enrolled",
        ),
    )
    for (place, writing, tone, name, reason, more), y in zip(cases, (250, 160, 70), strict=True):
        page.line([place, (548, y - 6)], tone="line", width=1.5)
        page.picture(place, 42, writing, edge=tone, edge_width=3)
        page.text((556, y - 8), name, tone=tone, anchor="start", bold=True, size=16)
        page.text((556, y + 12), reason, tone="quiet", anchor="start", size=13)
        page.text((556, y + 29), more, tone="quiet", anchor="start", size=13)
    return page


def unseen() -> Page:
    page = Page(WIDTH, 360, "Split the pictures of each class, or split the classes")
    halves: tuple[tuple[float, str, str, Tone], ...] = (
        (40, "split by picture", "tested on things it has learned", "other"),
        (410, "split by class", "tested on things it never saw", "same"),
    )
    for left, title, verdict, tone in halves:
        page.text((left, 44), title, anchor="start", bold=True)
        for row in range(5):
            for column in range(5):
                tested = column == 4 if left == 40 else row == 4
                centre = (left + 26 + 62 * column, 86 + 50 * row)
                page.picture(
                    centre,
                    42,
                    LETTERS[row][column],
                    edge="mark" if tested else "line",
                    edge_width=3 if tested else 1.5,
                )
        page.text((left, 332), verdict, tone=tone, anchor="start", bold=True)
    page.line([(380, 30), (380, 335)], tone="line", width=1.5)
    page.box((640, 31), (16, 16), edge="mark", edge_width=3, radius=4)
    page.text((664, 44), "tested on", tone="quiet", size=13, anchor="start")
    return page


class Plot:
    """From values to places: `origin` is where both are 0, `unit` the px of one of each."""

    def __init__(self, origin: Point, unit: Point) -> None:
        self.origin, self.unit = origin, unit

    def __call__(self, x: float, y: float) -> Point:
        return (self.origin[0] + self.unit[0] * x, self.origin[1] - self.unit[1] * y)

    def all(self, points: list[Point]) -> list[Point]:
        return [self(x, y) for x, y in points]


def axes(page: Page, origin: Point, size: Point, along: str, up: str) -> None:
    x, y = origin
    page.line([(x, y - size[1] - 8), (x, y), (x + size[0], y)], width=1.5)
    page.text((x + size[0], y + 36), along, tone="quiet", size=13, anchor="end")
    if up:
        page.text((x + 8, y - size[1]), up, tone="quiet", size=13, anchor="start")


def percents(page: Page, to: Plot) -> None:
    for share in (0, 0.5, 1):
        page.text(
            add(to(0, share), (-8, 5)), f"{100 * share:g} %", tone="quiet", size=12, anchor="end"
        )


def steps(first: float, last: float, n: int = 60) -> list[float]:
    return [first + (last - first) * k / n for k in range(n + 1)]


def add(a: Point, b: Point) -> Point:
    return (a[0] + b[0], a[1] + b[1])


def on_ring(centre: Point, radius: float, turn_deg: float) -> Point:
    """0 degrees is to the right, 90 is up."""
    turn = math.radians(turn_deg)
    return (centre[0] + radius * math.cos(turn), centre[1] - radius * math.sin(turn))


DRAWINGS: tuple[Callable[[], Page], ...] = (
    twins, pairs, triplets, episodes, thresholds, strangers, calibration, answers, unseen,
)  # fmt: skip


def drawings() -> Iterator[tuple[Path, str]]:
    for draw in DRAWINGS:
        yield FOLDER / f"{draw.__name__}.svg", draw().svg()


def main() -> None:
    stale = [
        (path, svg) for path, svg in drawings() if not path.exists() or path.read_text() != svg
    ]
    if "--check" not in sys.argv:
        FOLDER.mkdir(exist_ok=True)
        for path, svg in stale:
            path.write_text(svg)
    elif stale:
        names = ", ".join(path.name for path, _ in stale)
        sys.exit(f"{names}: not what the code says now; run python docs/draw_concepts.py")


if __name__ == "__main__":
    main()
