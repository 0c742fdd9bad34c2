from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.core.threads import max_threads
from edgesmith.devices.table import DEVICES, get_device, get_devices
from tests.runtimes.graphs import write_graph


def test_the_devices_and_their_formats() -> None:
    here = [name for name, kind in DEVICES.items() if not kind.example]
    assert {name: get_device(name).format for name in here} == {
        "onnxruntime": "onnx",
        "litert": "litert",
        "executorch": "executorch",
        "openvino": "openvino",
        "ncnn": "ncnn",
        "torch": "torch",
    }
    assert [device.name for device in get_devices("onnxruntime,torch:layout=contiguous")] == [
        "onnxruntime",
        "torch:layout=contiguous",
    ]


@pytest.mark.skipif(max_threads() < 2, reason="one core")
def test_options_reach_the_device() -> None:
    fingerprint = get_device("onnxruntime:threads=2:spinning=on").fingerprint()
    assert (fingerprint.threads, fingerprint.options) == (2, ("spinning=on",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onxruntime", "unknown device 'onxruntime'; did you mean 'onnxruntime'"),
        ("torch:layout=nchw", "unknown value of layout 'nchw'; choices: auto, channels_last, contiguous"),
        ("onnxruntime:spinning=2", "unknown value of spinning '2'; choices: off, on"),
        ("onnxruntime,torch", "one device"),
    ],
)
def test_a_wrong_name_option_or_value_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        get_device(text)


def test_measures_a_file_without_torch(tmp_path: Path) -> None:
    file = write_graph(tmp_path / "net.onnx")
    program = f"""
import sys
for name in ("torch", "torchvision", "onnx", "onnxscript", "lightning"):
    sys.modules[name] = None
from pathlib import Path
from edgesmith.core.errors import MissingExtraError
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_device
plan = Plan(load_s=0.01, min_loads=3, enough_loads=3, max_loads=3)
subject = Subject(name="net", files={{"onnx": Path({str(file)!r}), "torch": Path("x.json")}})
(pair,) = measure([subject, subject], [get_device("onnxruntime")], plan=plan).comparisons
print(pair.low < pair.ratio < pair.high)
try:
    measure([subject], [get_device("torch")], plan=plan)
except MissingExtraError as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": path_of_this()}
    )
    assert result.stdout == "True\ntorch is not installed; pip install 'edgesmith[train]' brings it\n"


def test_import_loads_no_torch() -> None:
    code = "import edgesmith.devices.table, edgesmith.devices.measure, sys; sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": path_of_this()})
    assert result.returncode == 0


def path_of_this() -> str:
    return ":".join(sys.path)
