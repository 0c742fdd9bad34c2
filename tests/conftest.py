"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Threads inside the operations of small nets lose time, tenfold on a busy machine. Set before torch loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder of real pictures and reference figures; tests that need it are skipped where it is absent."""
    root = Path(__file__).parents[1]
    folder = Path(os.environ.get("EDGESMITH_SHARED", root.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}; set EDGESMITH_SHARED")
    return folder
