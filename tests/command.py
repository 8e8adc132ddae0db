"""Running `firstsight` as people do, and folders of pictures to run it on."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RUN = """
import sys
from firstsight.app.cli.main import run
sys.argv[0] = "firstsight"
run()
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote to standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line of a refusal, after checking that there is nothing else."""
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("error: ").rstrip("\n")


def command_line(*arguments: str | Path, before: str = "") -> list[str]:
    """For a process of its own; `before`: Python that runs before firstsight is imported."""
    return [sys.executable, "-c", before + RUN, *map(str, arguments)]


def environment() -> dict[str, str]:
    """Ours, but buffering output as Python does for everybody."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}


def firstsight(*arguments: str | Path, before: str = "", cwd: Path | None = None) -> Ended:
    """Run in a process of its own."""
    done = subprocess.run(
        command_line(*arguments, before=before),
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(),
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def here(*arguments: str | Path, cwd: Path | None = None) -> Ended:
    """Run in this process, which has already imported what is slow to import."""
    from firstsight.app.cli.main import run

    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(sys, "argv", ["firstsight", *map(str, arguments)])
        patch.chdir(cwd or Path.cwd())
        with pytest.raises(SystemExit) as end:
            run()
    assert isinstance(end.value.code, int)
    return Ended(end.value.code, out.getvalue(), err.getvalue())


def save_classes(root: Path, counts: Iterable[int], *, seed: int = 0) -> Path:
    """root/class0, class1, ... with so many pictures each: variations of one picture, 16x16."""
    rng = np.random.default_rng(seed)
    for number, count in enumerate(counts):
        folder = root / f"class{number}"
        folder.mkdir(parents=True)
        ink = rng.integers(0, 256, (16, 16))
        for picture in range(count):
            noisy = np.clip(ink + rng.normal(0, 30, ink.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{picture}.png")
    return root


def cut_short(picture: Path) -> None:
    """Keep the first half of a file."""
    whole = picture.read_bytes()
    picture.write_bytes(whole[: len(whole) // 2])
