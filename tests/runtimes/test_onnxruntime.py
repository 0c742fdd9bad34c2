from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError, EdgesmithError, UsageError
from edgesmith.runtimes.base import TensorInfo
from edgesmith.runtimes.onnxruntime import OnnxRuntime
from tests.runtimes.graphs import write_graph

RUNTIME = OnnxRuntime()


def test_runs_a_batch_of_any_size(tmp_path: Path) -> None:
    loaded = RUNTIME.load(write_graph(tmp_path / "a.onnx"))
    for batch in (1, 5):
        images = np.random.default_rng(0).standard_normal((batch, 3, 4, 4), dtype=np.float32)
        assert np.array_equal(loaded.run(images), 2 * images)


def test_tells_name_shape_type_and_layout(tmp_path: Path) -> None:
    loaded = RUNTIME.load(write_graph(tmp_path / "a.onnx", shape=("N", 8, 8, 3), uint8=True))
    assert loaded.inputs == (TensorInfo(name="x0", shape=(None, 8, 8, 3), dtype="uint8", layout="NHWC"),)
    assert loaded.outputs == (TensorInfo(name="y0", shape=(None, 8, 8, 3), dtype="float32", layout="NHWC"),)


def test_gives_every_output_in_order(tmp_path: Path) -> None:
    loaded = RUNTIME.load(write_graph(tmp_path / "a.onnx", outputs=2), threads=2, options={"spinning": "on"})
    ones = np.ones((1, 3, 4, 4), dtype=np.float32)
    assert [float(output[0, 0, 0, 0]) for output in loaded.run_all(ones)] == [2.0, 3.0]
    with pytest.raises(DeviceError, match=r"has 2 outputs \(y0, y1\) where one is expected"):
        loaded.run(ones)


def test_refuses_a_file_with_several_inputs(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "a.onnx", inputs=2)
    with pytest.raises(DeviceError, match="takes 2 inputs"):
        RUNTIME.load(path)


@pytest.mark.parametrize("kept", [0.0, 0.5], ids=["empty", "half"])
def test_names_a_damaged_file(tmp_path: Path, kept: float) -> None:
    path = write_graph(tmp_path / "a.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert "a.onnx" in one_line(path)


def test_names_a_missing_file(tmp_path: Path) -> None:
    assert one_line(tmp_path / "gone.onnx") == f"no such model file: {tmp_path / 'gone.onnx'}"
    assert "no such model file" in one_line(tmp_path)


def test_says_what_the_file_takes(tmp_path: Path) -> None:
    loaded = RUNTIME.load(write_graph(tmp_path / "a.onnx"))
    with pytest.raises(DeviceError, match=r"takes float32 \(None, 3, 4, 4\), got float32 \(1, 3, 5, 5\)") as caught:
        loaded.run(np.zeros((1, 3, 5, 5), dtype=np.float32))
    assert "\n" not in str(caught.value)
    with pytest.raises(DeviceError, match="got float64"):
        loaded.run(np.zeros((1, 3, 4, 4)))


@pytest.mark.parametrize(
    ("threads", "options", "message"),
    [
        (0, {}, "threads must be at least 1, got 0"),
        (1, {"spining": "on"}, "unknown onnxruntime option 'spining'; did you mean 'spinning'"),
        (1, {"spinning": "yes"}, "unknown value of spinning 'yes'; choices: off, on"),
    ],
)
def test_refuses_wrong_settings(tmp_path: Path, threads: int, options: dict[str, str], message: str) -> None:
    path = write_graph(tmp_path / "a.onnx")
    with pytest.raises(UsageError, match=message):
        RUNTIME.load(path, threads=threads, options=options)


def test_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert RUNTIME.version() == version("onnxruntime")


def one_line(path: Path) -> str:
    with pytest.raises(EdgesmithError) as caught:
        RUNTIME.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)
