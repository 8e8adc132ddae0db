"""Options that several commands share, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = [
    "Crop",
    "FalseAccepts",
    "Gallery",
    "Json",
    "JsonLines",
    "MaxMegapixels",
    "MaxMib",
    "Model",
    "Show",
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Gallery = Annotated[
    str,
    typer.Option(
        "--gallery",
        metavar="NAME",
        envvar="FIRSTSIGHT_GALLERY",
        help="A gallery's name, or its folder.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="A shipped model's name, or a model folder."),
]
FalseAccepts = Annotated[
    float,
    typer.Option(
        "--false-accepts",
        metavar="SHARE",
        help="Share of strangers' pictures that may get a name.",
    ),
]
Crop = Annotated[
    str | None,
    typer.Option(metavar="L,T,R,B", help="Look at this part only, in upright pixels."),
]
MaxMib = Annotated[float, typer.Option("--max-mib", min=0.001, help="Largest file that is read.")]
MaxMegapixels = Annotated[
    float, typer.Option("--max-megapixels", min=0.0001, help="Largest picture that is decoded.")
]
Show = Annotated[bool, typer.Option("--show", help="Also draw it in the terminal.")]
