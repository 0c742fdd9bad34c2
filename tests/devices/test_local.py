from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.core.threads import allowed_cores
from edgesmith.devices.local import LocalDevice, random_images
from edgesmith.devices.plan import Plan
from edgesmith.runtimes.base import TensorInfo
from edgesmith.runtimes.onnxruntime import OnnxRuntime
from tests.runtimes.graphs import write_graph

INFO = TensorInfo(name="x", shape=(None, 3, 8, 8), dtype="float32", layout="NCHW")


def test_times_and_runs_a_real_file(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "a.onnx", shape=("N", 3, 32, 32))
    device = LocalDevice(OnnxRuntime())
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    session = device.time([path, path], Plan(loads=2, load_s=0.01))
    assert session.num_loads == 2
    assert {sample.subject for sample in session.samples} == {0, 1}
    assert all(0 < sample.wall_ms < 1000 for sample in session.samples)
    assert all(sample.cpu_ms is None or sample.cpu_ms < 1.5 * sample.wall_ms for sample in session.samples)
    assert (os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()) == before
    images = np.ones((2, 3, 32, 32), dtype=np.float32)
    assert np.array_equal(device.run(path, images)[0], 2 * images)


def test_case_l4_the_fingerprint_names_the_setting() -> None:
    fingerprint = LocalDevice(
        OnnxRuntime(), name="onnxruntime:threads=2", threads=2, options={"spinning": "off"}
    ).fingerprint()
    assert (fingerprint.device, fingerprint.runtime, fingerprint.threads) == ("onnxruntime:threads=2", "onnxruntime", 2)
    assert (fingerprint.precision, fingerprint.options) == ("float32", ("spinning=off",))
    assert all([fingerprint.version, fingerprint.cpu, fingerprint.os, fingerprint.python])


def test_several_threads_leave_the_core_time_out(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "a.onnx")
    session = LocalDevice(OnnxRuntime(), threads=2).time([path], Plan(loads=1, load_s=0.01))
    assert {sample.cpu_ms for sample in session.samples} == {None}


@pytest.mark.parametrize(("dtype", "low", "high"), [("uint8", 0, 255), ("int8", -128, 127), ("float16", -6, 6)])
def test_pictures_of_noise_fit_the_file(dtype: str, low: int, high: int) -> None:
    images = random_images(replace(INFO, dtype=dtype), seed=0)
    assert (images.shape, str(images.dtype)) == ((1, 3, 8, 8), dtype)
    assert low <= float(images.min()) < float(images.max()) <= high
    assert np.array_equal(images, random_images(replace(INFO, dtype=dtype), seed=0))


def test_refuses_an_input_that_is_no_picture() -> None:
    with pytest.raises(DeviceError, match="input 'x' is int64; pictures are"):
        random_images(replace(INFO, dtype="int64"), seed=0)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not pin")
def test_case_l3_a_run_on_one_core_says_so(tmp_path: Path) -> None:
    """As under taskset: one thread is timed on the core that is there, and the record names it; two are refused."""
    path, core = write_graph(tmp_path / "a.onnx", shape=(1, 3, 16, 16)), allowed_cores()[0]
    program = (
        f"import os; os.sched_setaffinity(0, [{core}])\n"
        "import json, sys; from edgesmith.cli.main import run\n"
        "sys.exit(run(['measure', *sys.argv[1:], '--limit', '1', '--json']))"
    )
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run([*command, "--device", "onnxruntime"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    conditions = json.loads(done.stdout)["conditions"]["devices"]["onnxruntime"]
    assert (conditions["threads"], conditions["cores"]) == (1, [core])
    done = subprocess.run([*command, "--device", "onnxruntime:threads=2"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "threads=2, but 1 core is available" in done.stderr
