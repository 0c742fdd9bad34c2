"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
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


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what verbs put into the cache out of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGESMITH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
