from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "damaged_pictures.py"
N_COPIES = 240  # the program's own default is 2,000
# What no one can read here, and what is not on the list of formats.
REFUSED = {
    "bomb_30000x30000_1bit.png",
    "broken.png",
    "crash-4f085cc12ece8cde18758d42608bed6a2a2cfb1c.tif",
    "decompression_bomb.ico",
    "empty.jpg",
    "header_2e9x2e9.png",
    "hopper.psd",
    "html_named.png",
    "negative_size.ppm",
    "oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif",
    "photo_truncated_10pct.jpg",
    "photo_truncated_50pct.jpg",
    "photo_truncated_90pct.jpg",
    "text_named.jpg",
    "timeout-c60a3d7314213624607bfb3e38d551a8b24a7435.dds",
    "truncated_jpeg.jpg",
    "unknown_compression_method.png",
    "zero_width.gif",
}
HEIC = {"zPug_3.heic", "truncated.heic"}


@pytest.fixture(scope="module")
def told(data_root: Path) -> dict[str, Any]:
    """What the program tells of one process that looked at all of them."""
    if not PROGRAM.is_file():
        pytest.skip("benchmarks/ is not beside the tests")
    command = [sys.executable, str(PROGRAM), str(data_root / "hard-images"), "--json"]
    done = subprocess.run(
        [*command, "--copies", str(N_COPIES)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def test_every_hard_picture_is_read_or_refused_as_it_should_be(
    told: dict[str, Any], data_root: Path
) -> None:
    with (data_root / "hard-images" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as table:
        names = {row["path"] for row in csv.DictReader(table, delimiter="\t")}
    readable_heic = importlib.util.find_spec("pillow_heif") is not None
    # With pillow-heif, a truncated HEIC may come out either way.
    assert set(told["hard"]["refused"]) - HEIC == REFUSED
    assert set(told["hard"]["read"]) - HEIC == names - REFUSED - HEIC
    if not readable_heic:
        assert set(told["hard"]["refused"]) >= HEIC
    assert told["hard"]["wrong"] == []


def test_damaged_copies_give_a_picture_or_one_clear_refusal(told: dict[str, Any]) -> None:
    copies = told["copies"]
    assert copies["wrong"] == []
    assert len(copies["read"]) + len(copies["refused"]) == N_COPIES
    assert min(len(copies["read"]), len(copies["refused"])) > N_COPIES // 10


def test_all_of_them_stay_far_inside_one_gibibyte(told: dict[str, Any]) -> None:
    assert 10 < told["peak_mib"] < 1024
