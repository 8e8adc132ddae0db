"""Bring a known file here, genuine.

`locate` looks in the folder that FIRSTSIGHT_DATA names, then in the user's cache, and then asks the
official address. A zip is believed by its contents, not by its bytes: the same pictures zipped
again are the same data.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from firstsight.data.known import (
    OFFICIAL_ADDRESS,
    KnownDataset,
    KnownFile,
    cache_folder,
    data_folders,
    find,
    known_datasets,
    known_file,
    locate_digits,
)
from firstsight.errors import DataError, DataUnavailable, storing

__all__ = [
    "OFFICIAL_ADDRESS",
    "KnownDataset",
    "KnownFile",
    "cache_folder",
    "contents_hash",
    "download",
    "find",
    "is_offline",
    "known_datasets",
    "known_file",
    "locate",
    "locate_digits",
]

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 20.0
# The largest file of Omniglot is some kilobytes; a zip that claims more is not read at all.
LARGEST_MEMBER_BYTES = 2**20
BYTES_PER_COUNT = 2**16


def locate(
    file: str | KnownFile,
    *,
    base_address: str = OFFICIAL_ADDRESS,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """A path to the genuine file: a zip, or the folder it was unpacked to.

    progress: told (bytes done, bytes in all) while downloading.
    Raises DataError where the file found holds something else, DataUnavailable where it is nowhere.
    """
    if isinstance(file, str):
        file = known_file(file)
    found = find(file)
    if found is None:
        return _download(file, base_address + file.address, progress)
    if found.is_file():
        _verify_once(found, file)
    return found


def contents_hash(path: Path) -> str:
    """sha256 (hex) over the sorted names and bytes of the pictures and label files in a zip.

    Folders and what macOS adds are left out; each name and each body goes in behind its length.
    Raises DataError where the zip is damaged.
    """
    try:
        with ZipFile(path) as archive:
            return _hash_members(archive)
    except OSError as refusal:
        raise DataError(f"{path} cannot be read: {refusal.strerror or refusal}") from refusal
    except Exception as damage:  # zipfile lets its decoders' errors through: zlib, struct, lzma
        raise DataError(
            f"{path} is damaged ({damage}); delete it, and it will be fetched again"
        ) from damage


def is_offline() -> bool:
    """Whether the user forbids asking the network."""
    return os.environ.get("FIRSTSIGHT_OFFLINE", "0") not in ("", "0")


def _is_content(member: str) -> bool:
    hidden = "__MACOSX" in member or member.endswith(".DS_Store")
    return member.endswith((".png", ".txt")) and not hidden


def _hash_members(archive: ZipFile) -> str:
    digest = sha256()
    for info in sorted(archive.infolist(), key=lambda info: info.filename):
        if not _is_content(info.filename):
            continue
        if info.file_size > LARGEST_MEMBER_BYTES:
            raise ValueError(f"{info.filename} claims {info.file_size:,} bytes")
        name = info.filename.encode()
        body = archive.read(info)
        digest.update(len(name).to_bytes(8, "big") + name)
        digest.update(len(body).to_bytes(8, "big") + body)
    return digest.hexdigest()


def _verify(path: Path, file: KnownFile, remedy: str) -> None:
    contents = contents_hash(path)
    if contents == file.contents:
        return
    with ZipFile(path) as archive:
        count = sum(_is_content(member) for member in archive.namelist())
    raise DataError(
        f"{path} is not the genuine {file.name}: it holds {count:,} pictures and label files with "
        f"contents hash {contents[:12]}, expected {file.n_files:,} with {file.contents[:12]}; "
        f"{remedy}"
    )


def _verify_once(path: Path, file: KnownFile) -> None:
    """Verify, unless this very file (by size and time of change) was found genuine before."""
    status = path.stat()
    stamp = [status.st_size, status.st_mtime_ns, file.contents]
    memory = cache_folder() / "data" / "verified.json"
    known = _read_memory(memory)
    place = str(path.resolve())
    if known.get(place) == stamp:
        return
    _verify(path, file, "delete it, and it will be looked for elsewhere or fetched again")
    _write_memory(memory, {**known, place: stamp})


def _read_memory(memory: Path) -> dict[str, object]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_memory(memory: Path, known: dict[str, object]) -> None:
    # Losing this note only costs a second verification, so a cache that cannot be written is fine.
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft = memory.with_name(f"{memory.name}.{os.getpid()}.tmp")
        draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
        draft.replace(memory)
    except OSError:
        return


def _download(file: KnownFile, address: str, progress: Callable[[int, int], None] | None) -> Path:
    if is_offline():
        raise _nowhere(file, address, "FIRSTSIGHT_OFFLINE forbids asking the network")
    target = cache_folder() / "data" / file.name
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Verified beside its place and then moved there: no half or foreign file is ever found.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as beside:
            draft = Path(beside) / file.name
            download(address, draft, lambda last: _nowhere(file, address, last), progress)
            try:
                _verify(draft, file, "nothing was kept")
            except DataError as wrong:
                raise DataError(
                    f"what came from {address} is not the genuine {file.name} and was not kept; "
                    f"try again later, or put the file into {target.parent} by hand"
                ) from wrong
            draft.replace(target)
    _verify_once(target, file)
    return target


def download(
    address: str,
    draft: Path,
    failed: Callable[[str], DataUnavailable],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Fetch `address` into the file `draft`; raises what `failed` makes of the reason why not.

    progress: told bytes done and in all. An OSError of the disk goes through as it is.
    """
    import pooch

    fetch = pooch.HTTPDownloader(
        progressbar=_Bar(progress) if progress else False,
        chunk_size=BYTES_PER_COUNT,
        timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    )
    try:
        fetch(address, str(draft), None)
    except OSError as failure:  # every error of requests is one too, without an errno
        if failure.errno is not None and not isinstance(failure, ConnectionError | TimeoutError):
            raise
        response = getattr(failure, "response", None)
        reason = type(failure).__name__ if response is None else f"HTTP {response.status_code}"
        raise failed(f"asking {address} failed ({reason})") from failure


def _nowhere(file: KnownFile, address: str, last: str) -> DataUnavailable:
    looked = " and ".join(str(folder) for folder in data_folders())
    return DataUnavailable(
        f"{file.name} was not found: looked in {looked}, and {last}; set FIRSTSIGHT_DATA to a "
        f"folder with omniglot/{file.name}, or download {address} to {cache_folder() / 'data'}"
    )


class _Bar:
    """What pooch calls a progress bar, told on as (bytes done, bytes in all)."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.total = 0
        self._done = 0
        self._progress = progress

    def update(self, n_bytes: int) -> None:
        self._done = min(self._done + n_bytes, self.total)
        self._progress(self._done, self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        return
