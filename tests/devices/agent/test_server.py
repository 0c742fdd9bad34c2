"""What the agent refuses, whoever asks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.agent import client
from edgesmith.devices.agent.config import AgentConfig
from edgesmith.devices.agent.protocol import PROTOCOL
from edgesmith.devices.agent.server import Agent
from edgesmith.devices.remote import RemoteDevice
from tests.devices.agent.conftest import CONFIG, SHORT, TOKEN, device_at, running
from tests.devices.agent.raw import ask, digest, problem_of
from tests.runtimes.graphs import write_graph

DATA = b"some bytes" * 10
SMALL = AgentConfig(port=0, token=TOKEN, max_file_bytes=2000, max_cache_bytes=3000)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Agent, Path]]:
    """An agent with room for next to nothing, and the folder of its files."""
    parent = tmp_path_factory.mktemp("small")
    with running(SMALL, parent) as agent:
        yield agent, next(parent.iterdir()) / "files"


def test_only_the_version_is_told_without_a_token(agent: Agent) -> None:
    assert ask(agent.address, "GET", "/health", token=None) == (200, {"protocol": PROTOCOL})
    for method, path in (("GET", "/"), ("POST", "/jobs"), ("PUT", f"/files/{digest(DATA)}"), ("GET", "/health/x")):
        for token in (None, "", TOKEN[:-1], f"{TOKEN}x", "b" * len(TOKEN), "ä"):
            assert problem_of(ask(agent.address, method, path, token=token)) == (401, "token")


@pytest.mark.parametrize("protocol", ["", "0", "1", "2.0"])
def test_another_protocol_is_refused_in_one_line(agent: Agent, protocol: str) -> None:
    status, answer = ask(agent.address, "POST", "/jobs", b"{}", protocol=protocol)
    assert status == 400
    assert answer["error"]["message"] == (
        f"the agent speaks protocol 2, the client {protocol}; install the same edgesmith on both"
    )


@pytest.mark.parametrize("client", ["", "a b", "x" * 101, "<b>"])
def test_a_client_has_a_name(agent: Agent, client: str) -> None:
    assert problem_of(ask(agent.address, "PUT", f"/files/{digest(DATA)}", DATA, client=client)) == (400, "request")


def test_a_client_of_another_protocol_says_so(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PROTOCOL", 3)
    with pytest.raises(DeviceError, match="it speaks protocol 2, this side 3; install the same edgesmith on both"):
        device_at(agent.address)


@pytest.mark.parametrize(
    "path",
    [
        "/files/../../../etc/passwd",
        "/files/%2e%2e%2fworker.py",
        f"/files/{'a' * 63}/",
        f"/files/{'A' * 64}",
        f"/files/{'a' * 64}/../x",
        f"/files/{'a' * 64}.onnx",
        f"/files/{'a' * 64}?x=1",
    ],
)
def test_what_is_no_digest_is_no_file(small: tuple[Agent, Path], path: str) -> None:
    agent, files = small
    before = sorted(files.iterdir())
    assert problem_of(ask(agent.address, "PUT", path, DATA)) == (404, "unknown")
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    "path", ["/jobs/../files", f"/jobs/{'0' * 32}/../x", "/jobs/1", f"/jobs/{'0' * 32}/outputs/.."]
)
def test_what_is_no_job_is_unknown(agent: Agent, path: str) -> None:
    for method in ("GET", "DELETE", "PUT", "POST"):
        assert problem_of(ask(agent.address, method, path, b"{}")) == (404, "unknown")


def test_a_wrong_hash_leaves_nothing(small: tuple[Agent, Path]) -> None:
    agent, files = small
    assert problem_of(ask(agent.address, "PUT", f"/files/{digest(b'other')}", DATA)) == (422, "hash")
    assert list(files.iterdir()) == []


def test_the_client_says_that_a_file_was_damaged(
    device: RemoteDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgesmith.devices.remote.sha256_file", lambda path: "0" * 64)
    with pytest.raises(DeviceError, match=r"^agent 127\.0\.0\.1:\d+: the file has another SHA-256 than announced"):
        device.run(write_graph(tmp_path / "net.onnx", outputs=3), np.zeros((1, 3, 4, 4), np.float32))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("2001", (413, "size")),
        ("999999999999", (413, "size")),
        ("-1", (400, "request")),
        ("1e3", (400, "request")),
        ("9" * 400, (400, "request")),
    ],
)
def test_a_length_is_refused_before_anything_is_read(
    small: tuple[Agent, Path], length: str, expected: tuple[int, str]
) -> None:
    agent, files = small
    assert problem_of(ask(agent.address, "PUT", f"/files/{digest(DATA)}", length=length)) == expected
    assert list(files.iterdir()) == []


def put_by_hand(agent: Agent, *rest: str) -> bytes:
    """The whole answer to a file's headers with more lines and a body."""
    host, _, port = agent.address.rpartition(":")
    lines = [
        f"PUT /files/{digest(DATA)} HTTP/1.1",
        f"Authorization: Bearer {TOKEN}",
        f"Edgesmith-Client: {client.client_name()}",
        f"Edgesmith-Protocol: {PROTOCOL}",
        *rest,
    ]
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall("\r\n".join(lines).encode())
        raw.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: raw.recv(1000), b""))


def test_a_body_without_length_is_refused(small: tuple[Agent, Path]) -> None:
    answer = put_by_hand(small[0], "Transfer-Encoding: chunked", "", "4", "half", "0", "", "")
    assert answer.startswith(b"HTTP/1.0 400")
    assert b"must be said in Content-Length" in answer


def test_a_body_cut_short_leaves_nothing(small: tuple[Agent, Path]) -> None:
    agent, files = small
    assert b"cut short: 96 of 100 bytes missing" in put_by_hand(agent, "Content-Length: 100", "", "half")
    assert list(files.iterdir()) == []


def test_more_than_the_length_is_not_read(small: tuple[Agent, Path]) -> None:
    agent, files = small
    assert ask(agent.address, "PUT", f"/files/{digest(DATA[:50])}", DATA, length="50") == (200, {})
    assert [file.stat().st_size for file in files.iterdir()] == [50]


def test_the_client_says_that_a_file_is_too_large(small: tuple[Agent, Path], tmp_path: Path) -> None:
    device = device_at(small[0].address)
    large = tmp_path / "large.onnx"
    large.write_bytes(bytes(2400))
    with pytest.raises(DeviceError, match=r"a file of 2.4 kB is over the limit of 2 kB; .* --max-file"):
        device.run(large, np.zeros(3, np.float32))
    files = [tmp_path / f"{index}.onnx" for index in range(2)]
    for index, file in enumerate(files):
        file.write_bytes(bytes([index]) * 1600)
    with pytest.raises(DeviceError, match=r"have 3.2 kB together, over the limit of 3 kB; .*--cache"):
        device.time(files, SHORT)


def test_outputs_over_the_limit_are_refused(small: tuple[Agent, Path], tmp_path: Path) -> None:
    file = write_graph(tmp_path / "many.onnx", outputs=5)
    assert file.stat().st_size < 2000
    with pytest.raises(DeviceError, match=r"the outputs have .* send fewer pictures at once"):
        device_at(small[0].address).run(file, np.zeros((3, 3, 4, 4), np.float32))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"work": "time"}',
        b'{"work": "shell", "device": "onnxruntime"}',
        b'{"work": "describe", "device": "onnxruntime", "path": "/etc/passwd"}',
        b'{"work": "time", "device": "onnxruntime", "plan": {}, "models": [[{"sha256": "../x", "bytes": 1}]]}',
        b'{"work": "time", "device": "onnxruntime", "plan": {"loads": 0}}',
        b'{"work": "run", "device": "onnxruntime"}',
        b"\x80\x04}.",
    ],
)
def test_a_request_without_sense_is_refused(agent: Agent, body: bytes) -> None:
    assert problem_of(ask(agent.address, "POST", "/jobs", body)) == (400, "request")


def test_a_pickled_array_is_refused(agent: Agent, graph: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    pictures = (tmp_path / "objects.npy").read_bytes()
    for data in (graph.read_bytes(), pictures):
        assert ask(agent.address, "PUT", f"/files/{digest(data)}", data)[0] == 200
    reference = '{{"sha256": "{}", "bytes": {}}}'
    model, images = (reference.format(digest(data), len(data)) for data in (graph.read_bytes(), pictures))
    body = f'{{"work": "run", "device": "onnxruntime", "models": [[{model}]], "images": {images}}}'
    status, answer = ask(agent.address, "POST", "/jobs", body.encode())
    assert status == 200
    _, answer = ask(agent.address, "GET", f"/jobs/{answer['job']}")
    assert "not an array of numbers" in answer["error"]["message"]


def test_an_agent_is_no_way_to_another_device(agent: Agent) -> None:
    for name in ("torch", "agent@10.0.0.1/onnxruntime", "../onnxruntime"):
        body = f'{{"work": "describe", "device": "{name}"}}'.encode()
        _, answer = ask(agent.address, "POST", "/jobs", body)
        _, answer = ask(agent.address, "GET", f"/jobs/{answer['job']}")
        assert f"this agent has no runtime {name!r}; it has onnxruntime 1" in answer["error"]["message"]


def test_a_port_that_is_taken_is_said_in_one_line(agent: Agent, tmp_path: Path) -> None:
    port = int(agent.address.rpartition(":")[2])
    with pytest.raises(DeviceError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*; choose another --port"):
        Agent(AgentConfig(port=port), tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"token": "short"}, "16 to 256 letters"),
        ({"token": "with a blank in it"}, "16 to 256 letters"),
        ({"max_file_bytes": 10, "max_cache_bytes": 9}, "cache must hold the largest file"),
        ({"time_limit_s": 0.0}, "more than zero"),
        ({"port": 70000}, "0 to 65535"),
    ],
)
def test_settings_without_sense_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        AgentConfig(**settings)  # type: ignore[arg-type]


def test_tokens_are_secrets() -> None:
    assert AgentConfig().token != AgentConfig().token
    assert CONFIG.token not in repr(CONFIG)
