"""What the client makes of an other side that is not there, or is none of ours."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.devices.agent.protocol import PROTOCOL
from tests.devices.agent.conftest import device_at


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives the answers one by one, whatever it is asked, and its address."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.wfile.write(left.pop(0) if left else b"")

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def reply(data: object) -> bytes:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


HELLO = reply({"protocol": PROTOCOL})
JOB = reply({"job": "0" * 32})
PRINT = {"device": "x", "runtime": "r", "version": "1", "precision": "float32", "threads": 1, "options": []}


@pytest.mark.parametrize(
    "answers",
    [
        [b"SSH-2.0-OpenSSH_9.6\r\n"],
        [reply(b"<html>hello</html>")],
        [reply(b"[]")],
        [reply({})],
        [reply({"protocol": str(PROTOCOL)})],
        [HELLO, reply({})],
        [HELLO, reply({"error": "bad"})],
        [HELLO, JOB, reply({"done": True})],
        [HELLO, JOB, reply({"done": True, "result": 5})],
        [HELLO, JOB, reply({"done": True, "result": PRINT})],
        [HELLO, reply({"error": {"problem": "missing", "message": "m", "missing": ["0" * 64]}})],
        [HELLO, JOB, reply(b"\xff" * 100)],
    ],
)
def test_an_answer_without_sense_is_one_line(answers: list[bytes]) -> None:
    with answering(*answers) as address, pytest.raises(DeviceError) as caught:
        device_at(address)
    assert str(caught.value).startswith(f"agent {address}: what answers there makes no sense (")
    assert str(caught.value).endswith("); is it an edgesmith agent of this version?")


def test_another_protocol_is_named() -> None:
    with answering(reply({"protocol": 7})) as address, pytest.raises(DeviceError, match="it speaks protocol 7, this"):
        device_at(address)


def test_an_answer_cut_short_is_a_lost_agent() -> None:
    with (
        answering(reply({"protocol": PROTOCOL})[:-3]) as address,
        pytest.raises(DeviceError, match=f"{address} is gone"),
    ):
        device_at(address)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(DeviceError, match=rf"^agent 127\.0\.0\.1:{port} cannot be reached: nothing listens there; run"):
        device_at(f"127.0.0.1:{port}")


def test_no_such_host() -> None:
    with pytest.raises(DeviceError, match=r"^agent nowhere\.invalid:8765 cannot be reached: there is no such host$"):
        device_at("nowhere.invalid")
