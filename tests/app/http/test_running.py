"""What `firstsight serve` sees to before anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = """
import os
from firstsight.app.cli.serve import serve
from firstsight.errors import UsageError
try:
    serve({"port": -1})
except UsageError:
    pass
import numpy as np
np.ones((500, 500)) @ np.ones((500, 500))
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted on Linux")
def test_numpy_s_products_take_no_core_but_their_own() -> None:
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    unset = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", COUNT], env=unset, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
