"""Pictures for tests of what pictures are like."""

from __future__ import annotations

from io import BytesIO
from itertools import islice
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from firstsight.images.reading import read_picture


def tiled(n: int = 8, side: int = 40) -> Image.Image:
    """n x n tiles of random colours with sharp edges, `side` px each."""
    tiles = np.random.default_rng(3).integers(0, 256, (n, n, 3), dtype=np.uint8)
    return Image.fromarray(tiles.repeat(side, axis=0).repeat(side, axis=1))


def saved_again(image: Image.Image, quality: int, scale: float = 1.0) -> Image.Image:
    stream = BytesIO()
    size = (round(image.width * scale), round(image.height * scale))
    image.resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def drawings(data_root: Path, n: int) -> list[Image.Image]:
    """Of n different characters, spread over the alphabets."""
    with ZipFile(data_root / "omniglot" / "images_evaluation.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith("_01.png"))
        chosen = names[:: len(names) // n][:n]
        return [read_picture(archive.read(name)).image() for name in chosen]


def photos(data_root: Path, n: int) -> list[Image.Image]:
    folder = data_root / "snacks" / "val"
    if not folder.is_dir():
        pytest.skip("real data: FIRSTSIGHT_DATA names no folder with snacks/ in it")
    paths = sorted(folder.glob("*/*.jpg"))
    return [read_picture(path).image() for path in islice(paths, 0, None, len(paths) // n)][:n]
