from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.devices.agent.folder import PREFIX, agent_folder, clear_abandoned


def test_the_folder_is_private_and_goes(tmp_path: Path) -> None:
    with agent_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "file").write_text("x")
        with agent_folder(tmp_path) as other:
            assert folder.exists()
            assert other != folder
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
def test_only_what_a_dead_agent_left_is_cleared(tmp_path: Path) -> None:
    abandoned, without_lock = tmp_path / f"{PREFIX}dead", tmp_path / f"{PREFIX}strange"
    for folder in (abandoned, without_lock, tmp_path / "other"):
        folder.mkdir()
    (abandoned / "lock").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(abandoned)
    with agent_folder(tmp_path / "other") as held:
        held_link = tmp_path / held.name
        held.rename(held_link)
        clear_abandoned(tmp_path)
        assert held_link.exists()
        held_link.rename(held)
    assert not abandoned.exists()
    assert without_lock.exists()


def test_no_place_is_said_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(DeviceError, match=r"no temporary folder can be made in .*nowhere: .*; set TMPDIR"),
        agent_folder(tmp_path / "nowhere"),
    ):
        pass
