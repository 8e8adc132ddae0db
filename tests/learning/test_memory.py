"""Freed memory is kept where the C library can be told to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Faults of pages that a process of its own takes while it makes and drops the same 64 MiB.
_MEASURED = """
import resource
import torch
from firstsight.learning.training.memory import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

kept = keep_freed_memory()
for _ in range(40):  # until the heap has found its shape
    torch.ones(2**24)
before = faults()
for _ in range(5):
    torch.ones(2**24)
print(kept, faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a matter of glibc")
def test_the_same_pages_serve_again_unless_the_user_says_otherwise() -> None:
    def measured(**variables: str) -> list[str]:
        command = [sys.executable, "-c", _MEASURED]
        env = {**os.environ, **variables}
        ended = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return ended.stdout.split()

    kept, faults = measured()
    untouched, more = measured(MALLOC_TRIM_THRESHOLD_="131072")
    assert (kept, untouched) == ("True", "False")
    assert int(faults) < int(more) / 10
