"""Write a folder of drawings to try firstsight with, where you have no pictures at hand.

    python examples/some_things.py [FOLDER]

FOLDER/my-things: 30 characters of an alphabet (Oriya), twelve drawings of each. FOLDER/first: one
drawing of each of the first eight. FOLDER/asked: another person's drawing of the first four, and
of two characters that are not among them. From Omniglot, which is downloaded where it is not found.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from firstsight.data.known import known_file
from firstsight.data.sources import locate

N_THINGS, N_DRAWINGS, N_FIRST, N_ASKED, N_STRANGERS = 30, 12, 8, 4, 2


def main(to: Path) -> None:
    with zipfile.ZipFile(locate(known_file("images_evaluation.zip"))) as archive:
        drawings = sorted(name for name in archive.namelist() if "/Oriya/" in name)
        for name in (each for each in drawings if each.endswith(".png")):
            character, drawer = Path(name).parent.name, int(Path(name).stem[-2:])
            number = int(character.removeprefix("character"))
            places = []
            if number <= N_THINGS and drawer <= N_DRAWINGS:
                places.append(to / "my-things" / character / f"{drawer:02d}.png")
            if number <= N_FIRST and drawer == 1:
                places.append(to / "first" / character / "01.png")
            if drawer == 20 and number <= N_ASKED:
                places.append(to / "asked" / f"{character}.png")
            if drawer == 20 and N_THINGS < number <= N_THINGS + N_STRANGERS:
                places.append(to / "asked" / f"stranger{number - N_THINGS}.png")
            for place in places:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.read(name))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
