"""The remote device gives what the local one gives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesmith.cli.main import run
from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.agent.protocol import TOKEN_VARIABLE
from edgesmith.devices.agent.server import Agent
from edgesmith.devices.base import Session
from edgesmith.devices.remote import RemoteDevice
from edgesmith.devices.table import get_device
from tests.devices.agent.conftest import SHORT, TOKEN, device_at
from tests.runtimes.graphs import write_graph


def layout(session: Session) -> Counter[tuple[int, int, int]]:
    return Counter((sample.subject, sample.load, sample.round) for sample in session.samples)


def test_times_as_the_local_device_does(device: RemoteDevice, graph: Path, tmp_path: Path) -> None:
    files = [graph, write_graph(tmp_path / "other.onnx"), graph]
    plan = replace(SHORT, loads=2)
    far, near = device.time(files, plan), get_device("onnxruntime").time(files, plan)
    assert layout(far) == layout(near)
    assert sum(layout(far).values()) == 3 * 2 * 3 * plan.samples
    assert [len(runs) for runs in far.first_runs_ms] == [2, 2, 2]
    assert all(sample.wall_ms > 0 and (sample.cpu_ms or 1) > 0 for sample in far.samples)
    assert replace(far.fingerprint, device="onnxruntime") == near.fingerprint
    assert min(len(far.conditions.cores), len(near.conditions.cores)) >= 1, (
        "each loading on one core, not always the same"
    )
    assert device.fingerprint() == far.fingerprint


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (5, 3, 4, 4)])
def test_runs_to_the_bit(device: RemoteDevice, graph: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    for pictures in (images, np.asfortranarray(images), images[..., ::-1]):
        far, near = device.run(graph, pictures), get_device("onnxruntime").run(graph, pictures)
        assert [each.dtype for each in far] == [np.float32, np.float32]
        assert [each.tobytes() for each in far] == [each.tobytes() for each in near]


def test_uint8_pictures_arrive(device: RemoteDevice, tmp_path: Path) -> None:
    images = np.arange(48, dtype=np.uint8).reshape(1, 3, 4, 4)
    (output,) = device.run(write_graph(tmp_path / "bytes.onnx", uint8=True), images)
    np.testing.assert_array_equal(output, images * np.float32(2))


def test_the_measure_verb_takes_it(
    agent: Agent, graph: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    name = f"agent@{agent.address}/onnxruntime"
    assert run(["measure", str(graph), str(graph), "--device", name, "--limit", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["device"] for each in found["latency"]] == [name, name]
    assert all(0 < each["low_ms"] <= each["ms"] <= each["high_ms"] for each in found["latency"])
    assert [each["device"] for each in found["comparisons"]] == [name]
    assert found["conditions"]["devices"][name]["device"] == name


def test_errors_name_the_file_here(device: RemoteDevice, graph: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(DeviceError, match=rf"^agent 127.*cannot load {tmp_path}/broken.onnx: .*; export") as caught:
        device.time([graph, tmp_path / "broken.onnx"], SHORT)
    assert "edgesmith-agent-" not in str(caught.value)
    with pytest.raises(DeviceError, match=rf"{graph} takes float32 .*, got float32 \(1, 3, 5, 5\)"):
        device.run(graph, np.zeros((1, 3, 5, 5), np.float32))
    with pytest.raises(DeviceError, match="no such model file"):
        device.time([tmp_path / "nowhere.onnx"], SHORT)


def test_what_the_agent_has_not_is_named(agent: Agent) -> None:
    with pytest.raises(UsageError, match=r"^agent 127\.0\.0\.1:\d+: .*did you mean 'spinning'"):
        device_at(agent.address, "onnxruntime:spining=on")
    with pytest.raises(UsageError, match="threads=4096, but"):
        device_at(agent.address, "onnxruntime:threads=4096")
    with pytest.raises(UsageError, match=r"unknown runtime of an agent 'torch'; .*choices: .*onnxruntime"):
        device_at(agent.address, "torch")


def test_a_token_is_needed(agent: Agent) -> None:
    with pytest.raises(DeviceError, match="wants a token; set EDGESMITH_AGENT_TOKEN"):
        device_at(agent.address, token="")
    with pytest.raises(DeviceError, match=r"^agent 127\.0\.0\.1:\d+: it refuses the token; set EDGESMITH_AGENT_TOKEN"):
        device_at(agent.address, token="b" * 20)
    with pytest.raises(UsageError, match="16 to 256 letters"):
        device_at(agent.address, token="kurz")


def test_client_and_server_work_without_torch(agent: Agent, graph: Path) -> None:
    program = f"""
import sys
for name in ("torch", "torchvision", "onnx", "onnxscript", "lightning"):
    sys.modules[name] = None
from pathlib import Path
import edgesmith.devices.agent.worker, edgesmith.devices.agent.server
from edgesmith.devices.table import get_device
print(get_device("agent@{agent.address}/onnxruntime").fingerprint().runtime)
"""
    environment = {"PYTHONPATH": ":".join(sys.path), TOKEN_VARIABLE: TOKEN}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.returncode) == ("onnxruntime\n", 0), done.stderr


def test_the_server_imports_nothing_heavy() -> None:
    code = (
        "import sys, edgesmith.devices.agent.server;"
        "print([name for name in ('numpy', 'onnxruntime', 'torch', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
