"""Agents on free ports of this machine, and devices that talk to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.devices.agent.config import AgentConfig
from edgesmith.devices.agent.folder import agent_folder
from edgesmith.devices.agent.protocol import TOKEN_VARIABLE
from edgesmith.devices.agent.server import Agent
from edgesmith.devices.options import parse_devices
from edgesmith.devices.plan import Plan
from edgesmith.devices.remote import RemoteDevice, connect
from tests.runtimes.graphs import write_graph

TOKEN = "a-token-of-the-tests"
CONFIG = AgentConfig(port=0, token=TOKEN)
SHORT = Plan(loads=1, min_rounds=3, max_rounds=3, warmup_s=0.01)
ENDLESS = replace(SHORT, min_rounds=10**8, max_rounds=10**8)


@contextmanager
def running(config: AgentConfig, parent: Path) -> Iterator[Agent]:
    """An agent in this process; its jobs have a process of their own."""
    with agent_folder(parent) as folder, Agent(config, folder) as agent:
        yield agent


def device_at(address: str, runtime: str = "onnxruntime", *, token: str = TOKEN) -> RemoteDevice:
    """What ``--device agent@ADDRESS/RUNTIME`` builds."""
    text = f"agent@{address}/{runtime}"
    (choice,) = parse_devices(text, {}, elsewhere={"agent": text})
    return connect(choice, environment={TOKEN_VARIABLE: token})


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """One agent for all tests that do not break it."""
    with running(CONFIG, tmp_path_factory.mktemp("agent")) as agent:
        yield agent


@pytest.fixture(scope="session")
def device(agent: Agent) -> RemoteDevice:
    return device_at(agent.address)


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file with two outputs."""
    return write_graph(tmp_path_factory.mktemp("graph") / "two.onnx", outputs=2)
