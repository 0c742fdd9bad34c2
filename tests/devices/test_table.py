from __future__ import annotations

import subprocess
import sys

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.devices.cores import max_threads
from edgesmith.devices.table import DEVICES, get_device, get_devices


def test_the_devices_and_their_formats() -> None:
    assert {name: get_device(name).format for name in DEVICES} == {"onnxruntime": "onnx", "torch": "torch"}
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


def test_needs_no_torch() -> None:
    code = "import edgesmith.devices.table, edgesmith.devices.measure, sys; sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)})
    assert result.returncode == 0
