"""What `firstsight serve` sees to before anything else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import firstsight, here

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


def test_a_port_in_use_is_told_in_a_sentence_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = firstsight("serve", "--gallery", "characters", "--port", str(port))
    assert ended.code == 1
    assert f"127.0.0.1, port {port}" in ended.sentence


def test_a_gallery_that_cannot_be_opened_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "some-file.py"
    file.touch()
    ended = firstsight("serve", "--gallery", f"{file}", "--port", "0")
    assert ended.code == 1
    assert f"{file} is a file, and a gallery is a folder" in ended.sentence
    assert here("enroll", "mug", "x.png", "--gallery", file).sentence == ended.sentence


def test_two_galleries_of_one_name_are_not_served_together(tmp_path: Path) -> None:
    places = [tmp_path / each / "shop" for each in ("x1", "x2")]
    options = [text for place in places for text in ("--gallery", str(place))]
    ended = firstsight("serve", *options, "--port", "0")
    assert ended.code == 2
    assert f"{places[0]} and {places[1]} are both called 'shop'" in ended.sentence
    assert list(tmp_path.iterdir()) == []
