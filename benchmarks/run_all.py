"""Every figure that the README quotes, one after the other. Half an hour on two cores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    "start_up.py",
    "recognise.py",
    "engine_step.py",
    "open_set.py",
    "probabilities.py",
    "compact_seeds.py",
)
COMMANDS = (["check-loader"], ["evaluate", "characters", "--baselines"])


def main() -> None:
    for script in SCRIPTS:
        print(f"== {script}", flush=True)
        subprocess.run([sys.executable, HERE / script], check=True)
    for command in COMMANDS:
        print(f"== firstsight {' '.join(command)}", flush=True)
        subprocess.run([Path(sys.executable).with_name("firstsight"), *command], check=True)


if __name__ == "__main__":
    main()
