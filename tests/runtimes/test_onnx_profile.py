"""What onnxruntime's profiler tells of a float and of an int8 file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.deploy.quantize.base import Calibration, Kind, QuantPlan
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.nn.build import Net
from edgesmith.runtimes.onnx_profile import float_operators, operator_shares, profile_operators
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import make_model, noise_pictures


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path, np.ndarray]:
    """A float file, its int8 file, one with the products in float, and what they take."""
    folder = tmp_path_factory.mktemp("files")
    model = make_model(kind_net("inverted_residual"))
    assert isinstance(model.net, Net)
    calibration = Calibration.of(noise_pictures(8, 64, 64), model.preprocessing)
    opened = open_quantizer("onnx", model.net, model.spec, calibration, folder)
    whole = opened.write(folder / "int8.onnx", QuantPlan()).path
    products = opened.write(folder / "products.onnx", QuantPlan(float_kinds=(Kind.MUL,))).path
    return folder / "float.onnx", whole, products, calibration.images[:1]


def test_case_l7_each_kinds_share_of_the_time(files: tuple[Path, Path, Path, np.ndarray]) -> None:
    source, whole, _, images = files
    before, after = (operator_shares(path, images, runs=3) for path in (source, whole))
    for shares in (before, after):
        assert sum(shares.values()) == pytest.approx(1)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert "QLinearConv" in after
    assert "QLinearConv" not in before
    assert {"QuantizeLinear", "DequantizeLinear"} <= set(after), "what the islands in float cost"


def test_case_l7_what_still_computes_in_float_is_listed(files: tuple[Path, Path, Path, np.ndarray]) -> None:
    """onnxruntime writes hard-swish as a hard sigmoid and a product, and has neither for integers here."""
    source, whole, products, images = files
    islands = float_operators(whole, images)
    assert islands["HardSigmoid"] == 4, "three hard-swishes and the gate"
    assert "Conv" not in islands
    assert float_operators(products, images)["Mul"] == islands["Mul"] + 1
    assert sum("Conv" in each.kind for each in profile_operators(source, images)) == 9


def test_a_file_that_cannot_be_run_is_named(files: tuple[Path, Path, Path, np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"cannot profile .*float\.onnx"):
        profile_operators(files[0], files[3][:, :, :7])
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(DeviceError, match=r"cannot profile .*empty\.onnx"):
        profile_operators(tmp_path / "empty.onnx", files[3])
