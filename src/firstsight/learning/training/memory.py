"""Memory that one step gives back is kept for the next.

A step on a CPU allocates the same feature maps over and over. glibc hands large blocks back to the
system at once, which gives them again page by page, each page zeroed: a large part of the time of
a network on photographs (benchmarks/kept_memory.py).
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["keep_freed_memory"]

# Numbers of mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_AS_GOOD_AS_NEVER = 2**30


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to 1 GiB at a time; whether that could be set.

    Where the C library is not glibc, or the user set its variables (MALLOC_..., GLIBC_TUNABLES),
    all stays as it is.
    """
    if sys.platform != "linux" or any(
        name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ
    ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all(
        mallopt(parameter, _AS_GOOD_AS_NEVER) == 1
        for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD)
    )
