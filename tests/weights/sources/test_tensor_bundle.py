from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.tensor_bundle import TensorBundle
from tests.weights.sources.bundle_writer import write_bundle

FIXTURES = Path(__file__).parents[1] / "fixtures"
DEPTHWISE = "MobilenetV3/expanded_conv_3/depthwise/depthwise_weights"


def read_everything(prefix: Path) -> None:
    bundle = TensorBundle(prefix)
    for name in bundle.floats():
        bundle.read(name)


@pytest.mark.parametrize("name", ["tiny.ckpt", "two.ckpt"])
def test_checkpoints_that_tensorflow_wrote(name: str) -> None:
    bundle = TensorBundle(FIXTURES / name)
    assert len(bundle.entries) == 10
    kernel = np.arange(100, dtype=np.float32).reshape(5, 5, 4, 1) / np.float32(100)
    np.testing.assert_array_equal(bundle.read(DEPTHWISE), kernel)
    np.testing.assert_array_equal(bundle.read(f"{DEPTHWISE}/ExponentialMovingAverage"), kernel + 1)
    np.testing.assert_array_equal(bundle.read("half"), [1.5, -2])
    np.testing.assert_array_equal(bundle.read("double"), np.array([[0.1], [0.2]], np.float32))
    assert (bundle.read("scalar").shape, float(bundle.read("scalar"))) == ((), 7.0)
    assert "global_step" not in bundle.floats()


def test_many_blocks(tmp_path: Path) -> None:
    variables = {f"scope/layer_{i}/weights": np.full((i % 3 + 1, 2), i, np.float32) for i in range(300)}
    write_bundle(tmp_path / "model", variables)
    bundle = TensorBundle(tmp_path / "model")
    assert bundle.floats() == sorted(variables)
    for name, value in variables.items():
        np.testing.assert_array_equal(bundle.read(name), value)


def test_a_compressed_index_is_named(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model", {"a": np.zeros(3, np.float32)}, compression=1)
    with pytest.raises(WeightsError, match=r"model.index is compressed \(type 1\), which is not read"):
        TensorBundle(tmp_path / "model")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"model_checkpoint_path: x" * 10])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.index").write_bytes(content)
    with pytest.raises(WeightsError, match=r"model.index is not the index of a TensorFlow checkpoint"):
        TensorBundle(tmp_path / "model")


def test_a_damaged_index_is_refused(tmp_path: Path) -> None:
    index = (FIXTURES / "tiny.ckpt.index").read_bytes()
    for cut in range(20, len(index) - 60, 20):
        (tmp_path / "model.index").write_bytes(index[:cut] + index[cut + 20 :])
        with pytest.raises(WeightsError) as caught:
            read_everything(tmp_path / "model")
        assert "\n" not in str(caught.value)


def test_missing_and_short_data_files(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint index at"):
        TensorBundle(tmp_path / "model")
    write_bundle(tmp_path / "model", {"a": np.zeros(3, np.float32)})
    data = tmp_path / "model.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="ends before the last byte of 'a'"):
        TensorBundle(tmp_path / "model").read("a")
    data.unlink()
    with pytest.raises(WeightsError, match="data file is missing"):
        TensorBundle(tmp_path / "model").read("a")
