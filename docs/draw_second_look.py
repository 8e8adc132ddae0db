"""Draws images/second-look.png: invented books, each enrolled by its cover, and one on a table.

    python docs/draw_second_look.py

The sheet is that of `firstsight why`, by the shipped `photos`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from firstsight.app.picturing import explain
from firstsight.drawing.sheet import save_sheet
from firstsight.drawing.why import why_sheet
from firstsight.recognition.recognizer import Recognizer

TO = Path(__file__).parent / "images" / "second-look.png"
BOOKS = (
    ("NIGHT TRAIN", "to the sea", (24, 30, 66), (244, 196, 84)),
    ("ORCHARD", "a year of apples", (226, 232, 204), (150, 42, 38)),
    ("TIDE TABLES", "poems", (20, 92, 110), (236, 240, 232)),
    ("RED KITE", "a field guide", (238, 226, 196), (176, 62, 32)),
)
WIDE, HIGH = 300, 440
TABLE = (640, 480)
# Where the corners of the cover lie on the table: top left, bottom left, bottom right, top right.
CORNERS = ((232, 66), (150, 350), (366, 420), (420, 118))


def cover(number: int) -> Image.Image:
    title, subtitle, ground, ink = BOOKS[number]
    rng = np.random.default_rng(number)
    page = Image.new("RGB", (WIDE, HIGH), ground)
    pen = ImageDraw.Draw(page)
    if number == 0:
        for _ in range(26):
            x, y, size = (int(each) for each in rng.integers((20, 120, 8), (WIDE - 50, 330, 58)))
            tint = tuple(int(each) for each in rng.integers(40, 230, 3))
            pen.polygon([(x, y + size), (x + size // 2, y), (x + size, y + size)], fill=tint)
    elif number == 1:
        pen.ellipse((50, 150, 250, 350), fill=ink)
        pen.line((150, 170, 170, 120), fill=(70, 50, 30), width=10)
    elif number == 2:
        for y in range(140, 360, 14):
            wave = [(x, y + 6 * float(np.sin(x / 14 + y))) for x in range(0, WIDE, 3)]
            pen.line(wave, fill=ink, width=4)
    else:
        pen.polygon([(20, 300), (150, 140), (280, 300), (150, 250)], fill=ink)
    for text, size, y in ((title, 40, 60), (subtitle, 20, 96), ("A. N. AUTHOR", 22, 400)):
        font = ImageFont.load_default(size)
        pen.text((WIDE / 2, y), text, font=font, fill=ink, anchor="mm")
    pen.rectangle((8, 8, WIDE - 9, HIGH - 9), outline=ink, width=2)
    return page


def on_a_table(page: Image.Image) -> Image.Image:
    """Seen aslant, in dim light with a glare on it, not quite sharp."""
    grain = np.random.default_rng(9).normal(0, 14, (TABLE[1] // 6, 1, 1))
    wood = np.clip(np.array([126, 98, 74]) + np.repeat(grain, 6, axis=0), 0, 255)
    table = Image.fromarray(np.broadcast_to(wood, (TABLE[1], TABLE[0], 3)).astype(np.uint8))
    movement = perspective(CORNERS, ((0, 0), (0, HIGH), (WIDE, HIGH), (WIDE, 0)))
    how = Image.Transform.PERSPECTIVE
    seen = page.transform(TABLE, how, movement, Image.Resampling.BICUBIC)
    table.paste(seen, mask=Image.new("L", page.size, 255).transform(TABLE, how, movement))
    glare = Image.new("L", TABLE, 0)
    ImageDraw.Draw(glare).ellipse((300, 90, 380, 190), fill=130)
    table.paste("white", mask=glare.filter(ImageFilter.GaussianBlur(25)))
    return table.filter(ImageFilter.GaussianBlur(1.2)).point(lambda value: value * 0.8)


def perspective(
    there: tuple[tuple[int, int], ...], here: tuple[tuple[int, int], ...]
) -> tuple[float, ...]:
    """Pillow's eight numbers that take places `there` to places `here`."""
    rows, values = [], []
    for (x, y), (u, v) in zip(there, here, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(np.linalg.solve(np.array(rows, float), np.array(values, float)).tolist())


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Recognizer.open(Path(folder) / "books", model="photos") as recognizer,
    ):
        for number, (title, *_) in enumerate(BOOKS):
            recognizer.enroll(title.title(), cover(number))
        asked = recognizer.read(on_a_table(cover(0)))
        answer = recognizer.identify(asked)
        save_sheet(why_sheet(explain(recognizer, asked, answer)), TO)
    sys.stdout.write(f"{answer.decision}: {answer.thing}\n")


if __name__ == "__main__":
    main()
