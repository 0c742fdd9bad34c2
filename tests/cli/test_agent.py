"""``edgesmith agent``: wrong use is one line. How it serves is tested in ``tests/devices/agent``."""

from __future__ import annotations

import socket

import pytest

from edgesmith.cli.main import run


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--token", "short"], 2, "16 to 256 letters"),
        (["--max-file", "2"], 2, "--max-file takes a number with a unit"),
        (["--max-file", "2GB"], 2, "cache must hold the largest file"),
        (["--time-limit", "0s"], 2, "--time-limit must be more than zero"),
        (["--port", "70000"], 2, "--port"),
        (["--host", "203.0.113.7"], 1, "cannot listen on 203.0.113.7:8765"),
    ],
)
def test_wrong_use_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert run(["agent", *arguments]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["agent", "--port", str(port)]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
