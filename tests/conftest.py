"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets that FIRSTSIGHT_DATA names."""
    root = os.environ.get("FIRSTSIGHT_DATA")
    if not root or not (Path(root) / "omniglot").is_dir():
        pytest.skip("real data: FIRSTSIGHT_DATA names no folder with omniglot/ in it")
    return Path(root)


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a cache and galleries of its own, never the user's."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("FIRSTSIGHT_CACHE", str(cache))
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(tmp_path / "home"))
    return cache
