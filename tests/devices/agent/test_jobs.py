"""One job at a time, and what ends it before its time."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.devices.agent.server import Agent
from edgesmith.devices.base import Session
from edgesmith.devices.remote import RemoteDevice
from tests.devices.agent.conftest import CONFIG, ENDLESS, SHORT, device_at, running
from tests.devices.agent.raw import ask, digest, problem_of


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for what another thread or process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def is_timing(agent: Agent) -> bool:
    turn = agent._server.desk._turn
    return turn is not None and turn.about.startswith("timing")


def begin(agent: Agent, graph: Path, threads: ThreadPoolExecutor) -> Future[Session]:
    """An endless job that has begun, on a device of its own."""
    job = threads.submit(device_at(agent.address).time, [graph], ENDLESS)
    until(lambda: is_timing(agent))
    return job


def raw_job(agent: Agent, graph: Path) -> str:
    """The name of an endless job whose client never asks for it again."""
    data = graph.read_bytes()
    assert ask(agent.address, "PUT", f"/files/{digest(data)}", data)[0] == 200
    body = (
        '{"work": "time", "device": "onnxruntime", "plan": {"min_rounds": 100000000, "max_rounds": 100000000}, '
        f'"models": [[{{"sha256": "{digest(data)}", "bytes": {len(data)}}}]]}}'
    )
    status, answer = ask(agent.address, "POST", "/jobs", body.encode())
    assert status == 200
    return str(answer["job"])


def children() -> set[int]:
    """The processes that this one has started and that still run."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found |= {int(child) for child in (task / "children").read_text().split()}
    return found


def test_a_second_job_is_told_what_runs_since_when(
    agent: Agent, device: RemoteDevice, graph: Path, threads: ThreadPoolExecutor
) -> None:
    name = raw_job(agent, graph)
    job = r"timing 1 file on onnxruntime for [\w.-]+-\d+, since \d\d:\d\d:\d\d \(\d+ s\)"
    busy = f"busy, it is {job}; try again when that is done"
    for attempt in (device.fingerprint, lambda: device.time([graph], SHORT)):
        with pytest.raises(DeviceError, match=rf"^agent 127\.0\.0\.1:\d+: {busy}$"):
            attempt()
    with pytest.raises(DeviceError, match="busy"):
        device_at(agent.address)
    assert problem_of(ask(agent.address, "PUT", f"/files/{digest(b'x')}", b"x")) == (409, "busy")
    assert problem_of(ask(agent.address, "POST", "/jobs", b'{"work": "describe", "device": "onnxruntime"}')) == (
        409,
        "busy",
    )
    assert ask(agent.address, "DELETE", f"/jobs/{name}") == (200, {})
    _, answer = ask(agent.address, "GET", f"/jobs/{name}")
    assert answer["error"]["message"] == "the job was stopped by its client"
    assert device.time([graph], SHORT).samples


def test_between_two_jobs_the_same_client_goes_first(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    path = f"/files/{digest(b'')}"
    with running(CONFIG, tmp_path) as agent:
        assert ask(agent.address, "PUT", path, b"", client="first")[0] == 200
        waiting = threads.submit(ask, agent.address, "PUT", path, b"", client="second")
        time.sleep(0.05)
        assert not waiting.done()
        assert ask(agent.address, "PUT", path, b"", client="first")[0] == 200
        assert problem_of(waiting.result(timeout=10)) == (409, "busy")


def test_a_client_that_is_interrupted_stops_its_job(
    agent: Agent, device: RemoteDevice, graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(job: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(device._client, "_poll", interrupted)
        with pytest.raises(KeyboardInterrupt):
            device.time([graph], ENDLESS)
    until(lambda: ask(agent.address, "PUT", f"/files/{digest(b'')}", b"")[0] == 200)


def test_a_job_over_the_time_limit_is_stopped(graph: Path, tmp_path: Path) -> None:
    with running(replace(CONFIG, time_limit_s=1.5), tmp_path) as agent:
        device = device_at(agent.address)
        with pytest.raises(DeviceError, match=r"took longer than 2 s and was stopped; .*--time-limit"):
            device.time([graph], ENDLESS)
        assert list(tmp_path.glob("*/work/*")) == []
        assert device.fingerprint().runtime == "onnxruntime"


def test_a_job_of_a_client_that_vanished_is_stopped(graph: Path, tmp_path: Path) -> None:
    with running(replace(CONFIG, patience_s=0.5), tmp_path) as agent:
        name = raw_job(agent, graph)
        until(lambda: ask(agent.address, "PUT", f"/files/{digest(b'')}", b"")[0] == 200)
        _, answer = ask(agent.address, "GET", f"/jobs/{name}")
        assert answer["error"]["message"] == "the job was stopped, because its client was not heard of"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_crash_is_one_line_and_the_agent_goes_on(graph: Path, tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    before = children()
    with running(CONFIG, tmp_path) as agent:
        job = begin(agent, graph, threads)
        (worker,) = children() - before
        os.kill(worker, signal.SIGSEGV)
        message = r"the runtime crashed while timing 1 file on onnxruntime \(killed by SIGSEGV"
        with pytest.raises(DeviceError, match=message):
            job.result(timeout=10)
        assert device_at(agent.address).time([graph], SHORT).samples
    assert children() == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_agent_that_stops_takes_its_job_along(graph: Path, tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    before = children()
    with running(CONFIG, tmp_path) as agent:
        job = begin(agent, graph, threads)
        assert len(children()) == len(before) + 1
    with pytest.raises(DeviceError, match=r"^agent 127\.0\.0\.1:\d+(: the agent is being stopped| is gone| cannot be)"):
        job.result(timeout=20)
    assert children() == before
    assert list(tmp_path.iterdir()) == []


def test_a_job_of_another_agent_is_unknown(agent: Agent) -> None:
    status, answer = ask(agent.address, "GET", f"/jobs/{'0' * 32}")
    assert status == 404
    assert re.search("nothing of this job any more; was it started anew", answer["error"]["message"])


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has hung up."""
    connection.settimeout(0.03)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


def test_too_many_connections_are_turned_away_and_the_rest_go_on(
    agent: Agent, device: RemoteDevice, threads: ThreadPoolExecutor
) -> None:
    host, _, port = agent.address.rpartition(":")
    silent = [socket.create_connection((host, int(port)), timeout=10) for _ in range(40)]
    turned_away = sum(is_closed(each) for each in silent)
    for each in silent:
        each.close()
    assert turned_away >= 40 - 16
    until(lambda: threading.active_count() < 40)
    assert device.fingerprint().runtime == "onnxruntime"
