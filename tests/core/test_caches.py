"""Where things that can be made again are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.core.caches import cache_folder


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"EDGESMITH_CACHE": "/big/disk", "XDG_CACHE_HOME": "/xdg"}, Path("/big/disk")),
        ({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/edgesmith")),
        ({}, Path.home() / ".cache" / "edgesmith"),
        ({"EDGESMITH_CACHE": "here"}, Path.cwd() / "here"),
    ],
)
def test_variables_say_where(environment: dict[str, str], folder: Path) -> None:
    assert cache_folder(environment) == folder
