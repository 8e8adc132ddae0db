"""API keys: random, shown once, kept only as hashes, in one small file beside the galleries."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from firstsight.errors import FirstsightError, UsageError, storing
from firstsight.gallery.connection import PATIENCE_S
from firstsight.gallery.history import now
from firstsight.gallery.lock import WriterLock
from firstsight.gallery.names import proper_name
from firstsight.gallery.places import galleries_folder

__all__ = ["Key", "KeyRing", "Rights", "usual_keys_file"]

Rights = Literal["read", "write"]

_KEY = re.compile(r"fs_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Key:
    """id: eight hex digits, a part of the key itself. sha256: hex, of the whole key.

    A key has 256 random bits, so a plain hash cannot be turned back: it needs no salt.
    """

    id: str
    name: str
    rights: Rights
    sha256: str
    added: str


class KeyRing:
    """The keys of one file. What another process adds or revokes counts at the next request."""

    def __init__(self, file: Path) -> None:
        """file: need not be there yet. FirstsightError where it is no file of keys."""
        self.file = file
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._keys: tuple[Key, ...] = ()
        self._reread()

    @property
    def keys(self) -> tuple[Key, ...]:
        self._reread()
        return self._keys

    def find(self, text: str) -> Key | None:
        """The key that `text` is, or None; how long it takes tells nothing of any secret."""
        given = _KEY.fullmatch(text)
        digest = _digest(text)
        found = None
        for key in self.keys:
            # The id is no secret; the hash is compared in constant time.
            if given and key.id == given[1] and hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def holds(self, key_id: str) -> bool:
        """Whether that key is (still) good."""
        return any(key.id == key_id for key in self.keys)

    def add(self, name: str, rights: Rights) -> str:
        """Make a key; gives it, this once. UsageError where another has that name."""
        name = proper_name(name, "name of the key")
        key_id = secrets.token_hex(4)
        text = f"fs_{key_id}_{secrets.token_urlsafe(32)}"
        with self._changing() as keys:
            if any(key.name == name for key in keys):
                raise UsageError(
                    f"there is a key named {name!r} already; revoke it, or name another"
                )
            self._write((*keys, Key(key_id, name, rights, _digest(text), now())))
        return text

    def revoke(self, name: str) -> None:
        """UsageError where no key has that name."""
        names = [key.name for key in self.keys]
        if name not in names:
            known = ", ".join(map(repr, names)) or "none"
            raise UsageError(f"there is no key named {name!r}; there are: {known}")
        with self._changing() as keys:
            self._write(tuple(key for key in keys if key.name != name))

    @contextmanager
    def _changing(self) -> Iterator[tuple[Key, ...]]:
        """The keys of this moment; no other process changes them until the block ends."""
        with storing(self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(self.file.with_name(f"{self.file.name}.lock"), what=str(self.file))
        with closing(lock), lock.held(PATIENCE_S):
            yield _read(self.file) if self.file.exists() else ()

    def _reread(self) -> None:
        with self._lock:
            try:
                status = self.file.stat()
            except FileNotFoundError:
                self._stamp, self._keys = None, ()
                return
            stamp = status.st_mtime_ns, status.st_ino
            if stamp != self._stamp:
                self._keys, self._stamp = _read(self.file), stamp

    def _write(self, keys: tuple[Key, ...]) -> None:
        record = {"version": 1, "keys": [asdict(key) for key in keys]}
        draft = self.file.with_name(f"{self.file.name}.{os.getpid()}.partial")
        with storing(self.file):
            # Only its owner may read it, from the first byte on.
            with open(draft, "w", encoding="utf-8", opener=_private) as stream:
                json.dump(record, stream, indent=2, ensure_ascii=False)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.file)
        self._reread()


def usual_keys_file() -> Path:
    """Beside the folder of the galleries."""
    return galleries_folder().parent / "keys.json"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path) -> tuple[Key, ...]:
    try:
        record = json.loads(file.read_text("utf-8"))
        keys = tuple(Key(**each) for each in record["keys"])
        if not all(
            key.rights in get_args(Rights)
            and all(isinstance(part, str) for part in vars(key).values())
            for key in keys
        ):
            raise ValueError("a key is not as it should be")
    except (OSError, ValueError, TypeError, KeyError) as flaw:
        raise FirstsightError(
            f"{file} is no file of keys ({flaw}); delete it and add keys anew: "
            "firstsight keys add NAME"
        ) from flaw
    return keys
