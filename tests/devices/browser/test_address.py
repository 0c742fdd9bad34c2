from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.devices.browser.address import HubAddress, find_hub, published

HUB = HubAddress(host="127.0.0.1", port=8770, token="a-token-of-the-tests", page="http://localhost:8770/phone")


def test_an_address_is_left_as_long_as_the_hub_runs(tmp_path: Path) -> None:
    with published(HUB, tmp_path):
        assert find_hub(tmp_path) == HUB
    with pytest.raises(DeviceError, match="no hub for browsers runs here: start it with edgesmith web"):
        find_hub(tmp_path)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "web"
    before = os.umask(0o000)
    try:
        with published(HUB, folder):
            assert stat.S_IMODE((folder / "hub.json").stat().st_mode) == 0o600
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_the_latest_hub_is_found_and_the_first_leaves_it_alone(tmp_path: Path) -> None:
    later = HubAddress(host="127.0.0.1", port=8771, token="another-token-of-tests", page=HUB.page)
    first = published(HUB, tmp_path)
    with first:
        second = published(later, tmp_path)
        second.__enter__()
    assert find_hub(tmp_path) == later
    second.__exit__(None, None, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_file_that_others_can_reach_is_not_believed(tmp_path: Path, mode: int) -> None:
    with published(HUB, tmp_path):
        (tmp_path / "hub.json").chmod(mode)
        with pytest.raises(DeviceError, match="by others; delete it"):
            find_hub(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"host": 5}', "null"])
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hub.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(DeviceError, match="is no address of a hub; delete it"):
        find_hub(tmp_path)
