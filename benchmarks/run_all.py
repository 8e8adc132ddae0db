"""Every figure that the README quotes, one after the other. Half an hour on two cores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    for script in ("start_up.py", "engine_step.py", "compact_seeds.py"):
        print(f"== {script}", flush=True)
        subprocess.run([sys.executable, HERE / script], check=True)
    print("== firstsight check-loader", flush=True)
    subprocess.run([Path(sys.executable).with_name("firstsight"), "check-loader"], check=True)


if __name__ == "__main__":
    main()
