"""What is particular to LiteRT files: layout, padding, means, names."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.zoo.names import find
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.litert import LiteRtExporter
from edgesmith.deploy.parity import FLOAT_TOLERANCE, check_parity
from edgesmith.runtimes.litert import LiteRtFile, LiteRtRuntime, _computed_inside
from tests.deploy.kind_nets import kind_net, same_padded
from tests.deploy.models import make_model, noise_pictures


@pytest.fixture(scope="module")
def gated_file(tmp_path_factory: pytest.TempPathFactory) -> ExportedFile:
    model = make_model(kind_net("inverted_residual"))
    return LiteRtExporter().export(model.net, model.spec, tmp_path_factory.mktemp("gated") / "model.tflite")


@pytest.fixture(scope="module")
def gated(gated_file: ExportedFile) -> LiteRtFile:
    return LiteRtRuntime().load(gated_file.path)


def test_case_e5_colours_last_and_not_one_transpose(gated_file: ExportedFile, gated: LiteRtFile) -> None:
    assert gated.inputs[0].shape == (1, 64, 64, 3)
    assert gated.inputs[0].layout == gated_file.layout == "NHWC"
    assert "TRANSPOSE" not in gated_file.operators


@pytest.mark.slow
def test_case_e5_a_whole_v3_small_has_no_transpose(tmp_path: Path) -> None:
    model = make_model(find("mobilenet_v3_small@resolution=64,classes=10"))
    exported = LiteRtExporter().export(model.net, model.spec, tmp_path / "model.tflite")
    assert "TRANSPOSE" not in exported.operators
    assert exported.operators["CONV_2D"] + exported.operators["DEPTHWISE_CONV_2D"] == 52


def test_case_e4_means_stay_one_operator(gated_file: ExportedFile) -> None:
    """One for the gate and one for the head; nothing of the kind is taken apart."""
    assert gated_file.operators["MEAN"] == 2
    assert {"SUM", "AVERAGE_POOL_2D"}.isdisjoint(gated_file.operators)


def test_case_e1_hard_swish_is_one_operator(gated_file: ExportedFile) -> None:
    assert gated_file.operators["HARD_SWISH"] == 3, "of the stem and twice in the gated block"


def test_input_and_output_have_plain_names(gated: LiteRtFile) -> None:
    assert [tensor.name for tensor in (*gated.inputs, *gated.outputs)] == ["images", "logits"]


def test_everything_goes_to_the_delegate(gated_file: ExportedFile, gated: LiteRtFile) -> None:
    operators, outside = gated.operators()
    assert operators == gated_file.operators
    assert outside == gated_file.outside == {}


def test_same_padding_is_part_of_its_convolution_and_symmetric_padding_is_told(
    gated_file: ExportedFile, tmp_path: Path
) -> None:
    assert gated_file.operators["PAD"] == 2, "of the stem and of the second block, both at stride 2"
    assert gated_file.notes[0].startswith("2 paddings are operators of their own")
    model = make_model(same_padded("inverted_residual"))
    same = LiteRtExporter().export(model.net, model.spec, tmp_path / "model.tflite")
    assert "PAD" not in same.operators
    assert same.notes == ()
    without = Counter(gated_file.operators)
    del without["PAD"]
    assert same.operators == without


SLOW_SIDES = [pytest.param(side, marks=pytest.mark.slow) for side in (64, 67, 200, 224, 227)]


@pytest.mark.parametrize("side", [58, *SLOW_SIDES])
@pytest.mark.parametrize("name", [pytest.param("squeezenet_1_0", marks=pytest.mark.slow), "squeezenet_1_1"])
def test_case_e9_pools_that_round_up_do_so_in_litert(name: str, side: int, tmp_path: Path) -> None:
    """Three pools meet odd and even sizes; with the last column lost the answers would differ by far."""
    model = make_model(find(f"{name}@resolution={side},classes=5"))
    exported = LiteRtExporter().export(model.net, model.spec, tmp_path / "model.tflite")
    pictures = noise_pictures(2, side, side)
    parity = check_parity(model.net, exported.path, [pictures], preprocessing=model.preprocessing)
    assert parity.relative < FLOAT_TOLERANCE


def test_a_shuffle_is_one_transpose(tmp_path: Path) -> None:
    model = make_model(kind_net("shuffle_unit"))
    exported = LiteRtExporter().export(model.net, model.spec, tmp_path / "model.tflite")
    assert exported.operators["TRANSPOSE"] == 2, "one for each of the two units"


def test_a_norm_without_a_convolution_is_a_product_and_a_sum(tmp_path: Path) -> None:
    model = make_model(kind_net("norm"))
    exported = LiteRtExporter().export(model.net, model.spec, tmp_path / "model.tflite")
    assert (exported.operators["MUL"], exported.operators["ADD"]) == (1, 1)
    assert "SUB" not in exported.operators


def test_a_net_padded_symmetrically_at_stride_1_has_no_padding_operator(tmp_path: Path) -> None:
    spec = kind_net("conv", padding=Padding.SYMMETRIC)
    spec = replace(spec, blocks=(Conv(out_channels=8, kernel_size=3, activation=Activation.RELU),))
    model = make_model(spec)
    exported = LiteRtExporter().export(model.net, model.spec, tmp_path / "model.tflite")
    assert "PAD" not in exported.operators


def test_operators_between_a_delegates_ends_are_inside_it() -> None:
    """Two delegates with a slow operator between them: a and b, slow, c."""
    operators = [
        {"index": 0, "op_name": "a", "inputs": [0, 9], "outputs": [1]},
        {"index": 1, "op_name": "b", "inputs": [1], "outputs": [2]},
        {"index": 2, "op_name": "slow", "inputs": [2], "outputs": [3]},
        {"index": 3, "op_name": "c", "inputs": [3, 1], "outputs": [4]},
    ]
    first = {"index": 4, "op_name": "DELEGATE", "inputs": [0, 9], "outputs": [1, 2]}
    second = {"index": 5, "op_name": "DELEGATE", "inputs": [3, 1], "outputs": [4]}
    assert _computed_inside(first, operators) == {0, 1}
    assert _computed_inside(second, operators) == {3}
