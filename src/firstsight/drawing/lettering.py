"""Text on a sheet: fonts of a size, wrapped and shortened to a width."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from firstsight.errors import DataError

__all__ = ["Font", "drawable", "font_of", "leading", "wrapped"]

Font = ImageFont.FreeTypeFont


@lru_cache(maxsize=32)
def font_of(size_px: int, file: Path | None) -> Font:
    """The TrueType font in `file`, or Pillow's own; DataError where the file is no font."""
    try:
        font = ImageFont.truetype(file, size_px) if file else ImageFont.load_default(size_px)
    except OSError as flaw:
        raise DataError(f"{file} is no font that Pillow reads; give a .ttf or .otf file") from flaw
    if not isinstance(font, Font):
        raise DataError("this Pillow was built without FreeType; install Pillow from PyPI")
    return font


def leading(font: Font) -> int:
    """Pixels from one line to the next."""
    return round(font.size * 1.3)


def drawable(text: str, file: Path | None) -> str:
    """`text` on one line, in letters that the font has: Pillow's own knows little beyond ASCII.

    Accents are dropped and other letters become "?"; with a font of your own nothing changes.
    """
    line = " ".join(text.split())
    if file:
        return line
    bare = unicodedata.normalize("NFKD", line.replace("…", "\0"))
    kept = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return "".join(
        letter if letter.isascii() or letter in "–·" else "?" for letter in kept
    ).replace("\0", "…")


def wrapped(text: str, font: Font, width_px: float, *, lines: int) -> list[str]:
    """Break `text` between words into at most `lines` lines; what is too long is shortened."""
    done: list[str] = []
    words = text.split()
    while words:
        taken = 1
        while taken < len(words) and font.getlength(" ".join(words[: taken + 1])) <= width_px:
            taken += 1
        if len(done) == lines - 1:
            taken = len(words)
        done.append(_shortened(words[:taken], font, width_px))
        words = words[taken:]
    return done


def _shortened(words: list[str], font: Font, width_px: float) -> str:
    """The words, cut before the last one where they are too long: in names a number ends them."""
    line = " ".join(words)
    if font.getlength(line) <= width_px:
        return line
    for start, end in ((" ".join(words[:-1]), "… " + words[-1]), (line, "…")):
        while start:
            if font.getlength(start.rstrip() + end) <= width_px:
                return start.rstrip() + end
            start = start[:-1]
    return "…"
