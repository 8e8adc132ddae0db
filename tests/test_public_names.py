from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import firstsight

PUBLIC = {
    "Answer", "Comparison", "Embedder", "Enrollment", "FirstsightError", "Match", "Policy",
    "Recognizer", "Scorecard", "calibrate", "crowd", "evaluate", "export", "load", "resume",
    "train", "tune", "verify",
}  # fmt: skip


def test_all_is_exactly_what_is_there() -> None:
    assert set(firstsight.__all__) == PUBLIC
    assert list(firstsight.__all__) == sorted(firstsight.__all__)
    assert dir(firstsight) == firstsight.__all__


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_name_resolves_and_is_documented(name: str) -> None:
    found = getattr(firstsight, name)
    assert found.__name__ == name
    assert inspect.getdoc(found)


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'recognize'"):
        firstsight.recognize  # noqa: B018


def test_importing_loads_neither_torch_nor_onnx_runtime() -> None:
    script = """
import sys, firstsight
import_only = {"torch", "lightning", "onnxruntime", "numpy"} & sys.modules.keys()
firstsight.train, firstsight.evaluate, firstsight.FirstsightError, firstsight.Recognizer
named = {"torch", "lightning", "onnxruntime"} & sys.modules.keys()
print(import_only, named)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set() set()\n"
