from __future__ import annotations

import subprocess
import sys

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.runtimes.table import RUNTIMES, runtime_for


def test_every_runtime_stands_under_its_own_name() -> None:
    assert list(RUNTIMES) == ["onnxruntime", "litert", "executorch", "openvino", "ncnn"]
    assert {name: runtime.name for name, runtime in RUNTIMES.items()} == {name: name for name in RUNTIMES}


def test_names_the_closest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown model file type '\.pt'; did you mean '\.pte'\? choices: \.onnx, \.param"
    ):
        runtime_for(".pt")
    assert runtime_for(".onnx") is RUNTIMES["onnxruntime"]


def test_needs_no_torch() -> None:
    code = "import edgesmith.runtimes.table, sys; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)}).returncode
        == 0
    )
