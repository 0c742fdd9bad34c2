"""An agent as people start it, and what is left when it is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.devices.agent.protocol import TOKEN_VARIABLE
from tests.devices.agent.conftest import ENDLESS, SHORT, device_at

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@contextmanager
def started(place: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """``edgesmith agent`` in a process of its own, its address, and the token that it printed."""
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    with subprocess.Popen(
        [sys.executable, "-m", "edgesmith", "agent", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "TMPDIR": str(place)},
    ) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline() + process.stderr.readline()
            found = re.fullmatch(rf"edgesmith agent at (\S+); .*\n{TOKEN_VARIABLE}=(\S+)\n", said)
            assert found, said
            yield process, found[1], found[2]
        finally:
            process.kill()


def workers_of(place: Path) -> list[int]:
    """Processes whose command names a folder in ``place``."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if any(part.startswith(f"{place}/") for part in command):
                found.append(int(folder.name))
    return found


def test_a_killed_agent_is_noticed_and_leaves_no_process_and_no_folder(graph: Path, tmp_path: Path) -> None:
    with started(tmp_path) as (process, address, token):
        device = device_at(address, token=token)
        killer = threading.Timer(0.5, process.kill)
        killer.start()
        begun = time.monotonic()
        with pytest.raises(DeviceError, match=rf"^agent {address} (is gone; was it|cannot be reached: nothing)"):
            device.time([graph], ENDLESS)
        assert time.monotonic() - begun < 8
    end = time.monotonic() + 5
    while workers_of(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert workers_of(tmp_path) == []
    (left,) = tmp_path.iterdir()
    with started(tmp_path) as (process, address, token):
        assert not left.exists()
        assert device_at(address, token=token).time([graph], SHORT).samples
        assert len(workers_of(tmp_path)) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert workers_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
