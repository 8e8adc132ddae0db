"""Enroll one picture of each thing, then name other pictures.

    python examples/recognise.py THINGS ASKED

THINGS holds a sub-folder for each thing, of which the first picture is enrolled; ASKED holds
pictures to name. Drawings are looked at here; leave `model` out for photographs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import firstsight


def main(things: Path, asked: Path) -> None:
    with firstsight.Recognizer.open("example", model="characters") as recognizer:
        for thing in sorted(things.iterdir()):
            recognizer.enroll(thing.name, sorted(thing.iterdir())[0])
        for picture in sorted(asked.iterdir()):
            answer = recognizer.identify(picture)
            sure = "nobody can say" if answer.probability is None else f"{answer.probability:.0%}"
            print(f"{picture.name}: {answer.decision}, {answer.thing or 'no name'} ({sure})")
            if answer.reason:
                print(f"    {answer.reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
