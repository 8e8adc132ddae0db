"""Which data sets have a name, and where they lie on this machine."""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from firstsight.data.omniglot_parts import OMNIGLOT_PARTS, characters_of
from firstsight.errors import DataUnavailable

__all__ = [
    "OFFICIAL_ADDRESS",
    "KnownDataset",
    "KnownFile",
    "KnownFolder",
    "cache_folder",
    "data_folders",
    "find",
    "find_folder",
    "known_datasets",
    "known_file",
    "known_folders",
    "locate_digits",
]

OFFICIAL_ADDRESS = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"


@dataclass(frozen=True)
class KnownFile:
    """A zip whose contents are known.

    address: below the base address. n_files: pictures and label files in it.
    contents: what `contents_hash` gives for the genuine file.
    """

    name: str
    address: str
    n_files: int
    contents: str

    @property
    def folder_name(self) -> str:
        """What the folder is called that the zip was unpacked to."""
        return self.name.removesuffix(".zip")


@dataclass(frozen=True)
class KnownFolder:
    """A data set of files that people bring here themselves: no address of it is known for good.

    folder: below FIRSTSIGHT_DATA. part: the folder or file in it that this name means, if any.
    n_pictures: in the whole of it.
    """

    name: str
    folder: str
    part: str
    n_pictures: int
    licence: str
    credit: str


@dataclass(frozen=True)
class KnownDataset:
    """A data set that can be named on the command line.

    place: None where it is not on this machine; address: where it is fetched from, "" where it
    must be brought by hand.
    """

    name: str
    place: str | None
    count: int
    licence: str
    credit: str
    address: str


_FILES = (
    KnownFile(
        "images_background.zip",
        "images_background.zip",
        19_280,
        "cf37a435932cf9fbead947b447c1b4d9673162d3e47f048f5bdaaeeed6b5577e",
    ),
    KnownFile(
        "images_evaluation.zip",
        "images_evaluation.zip",
        13_180,
        "568892d75da967755e333aa801994cde5153e019471fb0a543559e18d0370af9",
    ),
    KnownFile(
        "images_background_small1.zip",
        "images_background_small1.zip",
        2_720,
        "72cee116fe99b0c2159809e15907d96f871e34fa93fed23768c1a42580653a1d",
    ),
    KnownFile(
        "images_background_small2.zip",
        "images_background_small2.zip",
        3_120,
        "f208d2dc4c7f861d608ab0e808d7039f46a39154f562d93c0ea06bf38a6305ca",
    ),
    KnownFile(
        "all_runs.zip",
        "one-shot-classification/all_runs.zip",
        820,
        "ac8b9b80257d5ad5ed84c77c7b87070bcf4f82828527d9519fff0c2c44ae9957",
    ),
)
_SNACKS_LICENCE = "pictures CC BY 2.0 (credits.csv names every author), annotations CC BY 4.0"
_SNACKS_CREDIT = "Snacks: Matthijs/snacks on Hugging Face"
_FOLDERS = (
    KnownFolder(
        "faces",
        "faces-att",
        "",
        400,
        "credit is asked for",
        "AT&T faces: Olivetti Research Laboratory (F. Samaria, A. Harter, 1994)",
    ),
    KnownFolder(
        "mnist",
        "mnist",
        "t10k-images-idx3-ubyte",
        10_000,
        "CC BY-SA 3.0",
        "MNIST, its test digits: Y. LeCun, C. Cortes",
    ),
    KnownFolder("snacks:train", "snacks", "train", 4_838, _SNACKS_LICENCE, _SNACKS_CREDIT),
    KnownFolder("snacks:val", "snacks", "val", 955, _SNACKS_LICENCE, _SNACKS_CREDIT),
    KnownFolder("snacks:test", "snacks", "test", 952, _SNACKS_LICENCE, _SNACKS_CREDIT),
)
_OMNIGLOT_LICENCE = "MIT"
_OMNIGLOT_CREDIT = "Omniglot: B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum (2015)"
_DATASETS = (
    # name, file, pictures
    ("omniglot:background", "images_background.zip", 19_280),
    ("omniglot:evaluation", "images_evaluation.zip", 13_180),
    ("omniglot:minimal1", "images_background_small1.zip", 2_720),
    ("omniglot:minimal2", "images_background_small2.zip", 3_120),
    ("omniglot:runs", "all_runs.zip", 800),
)


def cache_folder() -> Path:
    """The user's cache: FIRSTSIGHT_CACHE, or the place this system keeps caches in."""
    named = os.environ.get("FIRSTSIGHT_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("firstsight"))


def known_file(name: str) -> KnownFile:
    """The registry's entry for a file name. Raises DataUnavailable for a name it lacks."""
    for file in _FILES:
        if file.name == name:
            return file
    known = ", ".join(file.name for file in _FILES)
    raise DataUnavailable(f"no known data file is called {name}; choose one of {known}")


def find(file: KnownFile) -> Path | None:
    """The zip, or the folder it was unpacked to, on this machine; None where it is not."""
    for folder in data_folders():
        if (folder / file.name).is_file():
            return folder / file.name
        if (folder / file.folder_name).is_dir():
            return folder / file.folder_name
    return None


def known_folders() -> dict[str, KnownFolder]:
    """The data sets that are brought by hand, by name."""
    return {each.name: each for each in _FOLDERS}


def find_folder(known: KnownFolder) -> Path | None:
    """The folder, or the file (gzip or not), that this name means; None where it is not here."""
    named = os.environ.get("FIRSTSIGHT_DATA")
    for above in ([Path(named)] if named else []) + [cache_folder() / "data"]:
        place = above / known.folder / known.part
        for found in (place, place.with_name(f"{place.name}.gz")):
            if found.exists():
                return found
    return None


def locate_digits() -> Path | None:
    """The table of handwritten digits inside an installed scikit-learn, which stays unimported."""
    try:
        distribution = importlib.metadata.distribution("scikit-learn")
    except importlib.metadata.PackageNotFoundError:
        return None
    table = Path(str(distribution.locate_file("sklearn/datasets/data/digits.csv.gz")))
    return table if table.is_file() else None


def known_datasets() -> tuple[KnownDataset, ...]:
    """Every data set with a name, and where it lies. Looks at this machine only."""
    sets = [_of_omniglot(name, (file_name,), count) for name, file_name, count in _DATASETS]
    for part in OMNIGLOT_PARTS:
        files = tuple(f"images_{each}.zip" for each in part.sets)
        count = len(characters_of(part.name)) * len(part.drawers)
        sets.append(_of_omniglot(part.name, files, count))
    for brought in _FOLDERS:
        place = find_folder(brought)
        sets.append(
            KnownDataset(
                name=brought.name,
                place=str(place) if place else None,
                count=brought.n_pictures,
                licence=brought.licence,
                credit=brought.credit,
                address="",
            )
        )
    digits = locate_digits()
    sets.append(
        KnownDataset(
            name="digits",
            place=str(digits) if digits else None,
            count=1_797,
            licence="CC BY 4.0",
            credit="Optical Recognition of Handwritten Digits: E. Alpaydin, C. Kaynak (1998), UCI",
            address="pip install 'firstsight[train]'",
        )
    )
    sets.append(
        KnownDataset(
            name="glyphs",
            place="drawn here when asked for",
            count=18_000,
            licence="Apache-2.0",
            credit="alphabets drawn by firstsight",
            address="",
        )
    )
    return tuple(sets)


def _of_omniglot(name: str, file_names: tuple[str, ...], count: int) -> KnownDataset:
    """Of one zip, or cut out of several; it is here where all of them are."""
    files = [known_file(each) for each in file_names]
    places = [find(file) for file in files]
    missing = [file for file, place in zip(files, places, strict=True) if place is None]
    return KnownDataset(
        name=name,
        place=None if missing else ", ".join(map(str, places)),
        count=count,
        licence=_OMNIGLOT_LICENCE,
        credit=_OMNIGLOT_CREDIT,
        address=OFFICIAL_ADDRESS + (missing or files)[0].address,
    )


def data_folders() -> list[Path]:
    """Where known files are looked for, in this order."""
    named = os.environ.get("FIRSTSIGHT_DATA")
    own = [Path(named) / "omniglot"] if named else []
    return [*own, cache_folder() / "data"]
