"""Room for pictures larger than Pillow decodes by itself.

Pillow checks its limit anew while it decodes, and has one for the whole process. It is raised while
such a picture is under way, and put back after; whoever calls Pillow in another thread meanwhile
has the raised one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from PIL import Image

__all__ = ["room_for", "room_for_opening"]

_lock = threading.Lock()
_wanted: list[int] = []  # by all pictures under way; Pillow's limit is the largest
_usual: list[int] = []  # the one limit that Pillow has while none is under way


@contextmanager
def room_for(n_pixels: int) -> Iterator[None]:
    """Pillow decodes pictures of so many pixels here, without a warning."""
    with _lock:
        limit = Image.MAX_IMAGE_PIXELS
        is_enough = limit is None or (n_pixels <= limit and not _wanted)
        if limit is not None and not is_enough:
            if not _wanted:
                _usual[:] = [limit]
            _wanted.append(n_pixels)
            Image.MAX_IMAGE_PIXELS = max(*_usual, *_wanted)
    if is_enough:
        yield
        return
    try:
        yield
    finally:
        with _lock:
            _wanted.remove(n_pixels)
            Image.MAX_IMAGE_PIXELS = max(*_usual, *_wanted) if _wanted else _usual[0]


def room_for_opening(most_pixels: int) -> AbstractContextManager[None]:
    """Pillow opens pictures of at most so many pixels: it refuses what is twice its limit."""
    return room_for(-(-most_pixels // 2))
