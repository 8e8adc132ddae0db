"""Options that several commands share, each worded once."""

from __future__ import annotations

import math
import pathlib
from typing import Any

import click

__all__ = [
    "MEGAPIXELS",
    "MIB",
    "NUMBER",
    "PATH",
    "Number",
    "as_json",
    "as_json_lines",
    "closed_set",
    "crop",
    "false_accepts",
    "first_look",
    "gallery",
    "max_megapixels",
    "max_mib",
    "model",
    "sheet",
    "show",
]

PATH = click.Path(path_type=pathlib.Path)


class Amount(click.FloatRange):
    """A number within bounds; "nan" is none, though it is outside of no bounds."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is no number.", param, ctx)
        return number


class Number(click.IntRange):
    """A whole number that a gallery's file can hold."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = int(super().convert(value, param, ctx))
        if number > LARGEST:
            self.fail(f"{value} is too large; give at most {LARGEST}.", param, ctx)
        return number


LARGEST = 2**63 - 1  # of SQLite
NUMBER = Number(min=1)
MIB = Amount(min=0.001, max=10_000)
MEGAPIXELS = Amount(min=0.0001, max=10_000)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
as_json_lines = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line."
)
gallery = click.option(
    "--gallery",
    metavar="NAME",
    envvar="FIRSTSIGHT_GALLERY",
    show_envvar=True,
    default="photos",
    help="A gallery's name, or its folder.",
)
model = click.option("--model", metavar="MODEL", help="A shipped model's name, or a model folder.")
false_accepts = click.option(
    "--false-accepts",
    metavar="SHARE",
    type=float,
    default=0.01,
    help="Share of strangers' pictures that may get a name.",
)
closed_set = click.option(
    "--closed-set",
    is_flag=True,
    help="Every picture shows one of the things: name the likeliest, never 'unknown'.",
)
first_look = click.option(
    "--first-look",
    is_flag=True,
    help="Take photographs as wholes: no second look for places that agree.",
)
crop = click.option("--crop", metavar="L,T,R,B", help="Look at this part only, in upright pixels.")
max_mib = click.option(
    "--max-mib",
    type=MIB,
    default=50,
    help="Largest file that is read, in MiB.",
)
max_megapixels = click.option(
    "--max-megapixels",
    type=MEGAPIXELS,
    default=200,
    help="Largest picture that is decoded.",
)
sheet = click.option("--sheet", metavar="FILE", type=PATH, help="Also draw it, as a PNG file.")
show = click.option("--show", is_flag=True, help="Also draw it in the terminal.")
