"""Where galleries live: a folder each, under the user's data folder, or any path."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from firstsight.errors import UsageError
from firstsight.gallery.connection import FILE

__all__ = [
    "USUAL",
    "galleries_folder",
    "gallery_option",
    "gallery_place",
    "is_among_ours",
    "list_galleries",
    "named_place",
]

USUAL = "photos"  # the gallery that commands are about where none is named
# Names of folders on every system: no separators, no leading dot, no colon, no trailing dot.
_NAME = re.compile(r"\w(?:[\w .-]{0,62}\w)?")
_WANTED = (
    "give 1 to 64 letters, digits, blanks, dots, '-' or '_', beginning and ending with a letter or "
    "digit"
)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # by Windows


def galleries_folder() -> Path:
    """`galleries` under FIRSTSIGHT_HOME, else under the user's data folder; it need not exist."""
    home = os.environ.get("FIRSTSIGHT_HOME")
    if home:
        return Path(home) / "galleries"
    import platformdirs  # asks the system, which most calls need not

    return platformdirs.user_data_path("firstsight") / "galleries"


def gallery_place(name_or_path: str | Path) -> Path:
    """The folder of a gallery; nothing needs to be there.

    A Path, a text with a separator, or the name of a folder or file that holds a gallery is
    where it says; any other text is the name of a gallery. Raises UsageError for a bad name.
    """
    text = str(name_or_path)
    path = Path(name_or_path)
    is_path = isinstance(name_or_path, Path) or "/" in text or os.sep in text
    if path.name == FILE and (is_path or path.is_file()):
        return path.parent
    if text and (is_path or (path / FILE).is_file()):
        return path
    if not _is_name(text):
        raise UsageError(f"{text[:80]!r} cannot name a gallery; {_WANTED}, or a path")
    return galleries_folder() / text


def named_place(name: str) -> Path:
    """The folder of the gallery of that name, whatever lies in the working folder.

    Nothing needs to be there. Raises UsageError for a bad name, as each path is.
    """
    if not _is_name(name):
        raise UsageError(f"{name[:80]!r} cannot name a gallery; {_WANTED}")
    return galleries_folder() / name


def is_among_ours(folder: Path) -> bool:
    """Whether a gallery in `folder` goes by the folder's name."""
    return folder.absolute().parent == galleries_folder().absolute()


def gallery_option(folder: Path) -> str:
    """What a command needs to be about the gallery in `folder`: " --gallery NAME".

    Nothing for the gallery that commands are about anyway. A path stays unsaid, for a server may be
    asked by people who need not know it: " --gallery FOLDER".
    """
    if folder.absolute() == (galleries_folder() / USUAL).absolute():
        return ""
    return f" --gallery {shlex.quote(folder.name) if is_among_ours(folder) else 'FOLDER'}"


def list_galleries() -> list[Path]:
    """The folders of the galleries that have names, by name."""
    return sorted(path.parent for path in galleries_folder().glob(f"*/{FILE}"))


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and not _RESERVED.fullmatch(text)
