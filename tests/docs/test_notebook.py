from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT

for needed in ("torch", "nbclient", "ipykernel"):
    pytest.importorskip(needed)

WRITTEN = ROOT / "docs" / "notebooks" / "one_shot.ipynb"


@pytest.fixture(scope="module")
def fresh() -> Any:
    """The notebook as the script writes it, not yet run."""
    return runpy.run_path(str(ROOT / "docs" / "notebooks" / "write.py"))["notebook"]()


def test_the_notebook_is_what_its_script_writes_and_was_run_to_the_end(fresh: Any) -> None:
    kept = json.loads(WRITTEN.read_text(encoding="utf-8"))["cells"]
    assert ["".join(cell["source"]) for cell in kept] == [cell["source"] for cell in fresh.cells]
    code = [cell for cell in kept if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert (
        sum("image/png" in output.get("data", {}) for cell in code for output in cell["outputs"])
        == 2
    )


@pytest.mark.usefixtures("data_root")
def test_the_notebook_runs(fresh: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("ONE_SHOT_DATA", "omniglot:minimal1")
    monkeypatch.setenv("ONE_SHOT_STEPS", "10")
    monkeypatch.setenv("ONE_SHOT_HELD_OUT", "1")
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    told = "".join(
        output.get("text", "") for cell in fresh.cells for output in cell.get("outputs", ())
    )
    assert "trained" in told
    assert "a constant             5.0%" in told
