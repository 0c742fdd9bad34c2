"""The child process: which runtimes it has, and how it lays out files for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgesmith.core.errors import DeviceError, MissingExtraError, UsageError
from edgesmith.devices.agent import worker
from edgesmith.devices.agent.protocol import Content, Request, Work
from edgesmith.devices.agent.worker import Worker, find_runtime
from edgesmith.devices.plan import Plan
from edgesmith.runtimes.base import Runtime
from edgesmith.runtimes.table import RUNTIMES


class Absent:
    name = "litert"

    def version(self) -> str:
        raise MissingExtraError("ai-edge-litert is not installed; pip install 'edgesmith[litert]' brings it")


def test_a_runtime_that_is_not_installed_is_named_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    present = RUNTIMES["onnxruntime"]
    monkeypatch.setattr(worker, "RUNTIMES", {"onnxruntime": present, "litert": Absent()})
    assert find_runtime("onnxruntime") is present
    with pytest.raises(DeviceError) as caught:
        find_runtime("litert")
    assert str(caught.value) == (
        "this agent has no runtime 'litert': ai-edge-litert is not installed; pip install 'edgesmith[litert]' brings "
        f"it; it has onnxruntime {present.version()}"
    )


def lay_out(folder: Path, models: tuple[tuple[bytes, ...], ...], companions: tuple[str, ...] = (".bin",)) -> list[Path]:
    """Paths of models, each with the bytes of its files, for a runtime of ``.xml`` files."""
    contents: dict[bytes, Content] = {}
    (folder / "files").mkdir()
    (folder / "work").mkdir()
    for index, data in enumerate(dict.fromkeys(part for model in models for part in model)):
        contents[data] = Content(sha256=f"{index:064x}", bytes=len(data))
        (folder / "files" / contents[data].sha256).write_bytes(data)
    request = Request(
        work=Work.TIME,
        device="x",
        plan=Plan(),
        models=tuple(tuple(contents[part] for part in model) for model in models),
    )
    runtime = cast("Runtime", SimpleNamespace(name="x", suffix=".xml", companion_suffixes=companions))
    return Worker(folder=folder, max_bytes=1)._lay_out(request, runtime, folder / "work")


def test_companions_lie_beside_their_model(tmp_path: Path) -> None:
    paths = lay_out(tmp_path, ((b"net", b"one"), (b"net", b"two"), (b"net", b"one")))
    assert paths[0] == paths[2] != paths[1]
    assert [path.name for path in paths] == ["model.xml"] * 3
    assert [path.with_suffix(".bin").read_bytes() for path in paths] == [b"one", b"two", b"one"]


def test_a_file_system_without_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    (path,) = lay_out(tmp_path, ((b"net", b"one"),))
    assert path.read_bytes() == b"net"


def test_half_of_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a model of x has 2 files, got 1"):
        lay_out(tmp_path, ((b"net",),))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"work": "describe", "device": "onnxruntime:threads=0"}, "threads must be a whole number"),
        ({"work": "describe", "device": "torch"}, "this agent has no runtime 'torch'"),
        ({"work": "describe"}, "device"),
    ],
)
def test_every_error_is_an_answer(tmp_path: Path, data: Mapping[str, Any], message: str) -> None:
    answer = Worker(folder=tmp_path, max_bytes=1).answer("0", data)
    assert message in answer["error"]["message"]


def test_a_fault_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(worker, "find_runtime", fail)
    answer = Worker(folder=tmp_path, max_bytes=1).answer("0", {"work": "describe", "device": "onnxruntime"})
    assert answer["error"]["message"] == "a fault of the agent's: ZeroDivisionError: by zero"
