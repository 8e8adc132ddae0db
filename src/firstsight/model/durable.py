"""Files that are whole or not there, whatever happens to the machine."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["replace_durably", "sync_folder", "write_durably"]


def write_durably(file: Path, content: bytes) -> None:
    """Write a new file, and return once it is on the disk."""
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def replace_durably(file: Path, content: bytes) -> None:
    """Put `content` in place of a file: a reader, or a crash, sees the old or the new, whole."""
    fresh = file.with_name(f".{file.name}.{os.urandom(8).hex()}.new")
    try:
        write_durably(fresh, content)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut; Windows opens no folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
