"""Filters without weight, whose bias would not fit into 32 bits of their tiny step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import eager_function
from edgesmith.deploy.quantize.base import Calibration, QuantPlan
from edgesmith.deploy.quantize.dead_channels import with_living_channels
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.deploy.quantize.write import open_quantizer, run_float
from edgesmith.nn.build import Net
from edgesmith.nn.fold import fold_norms
from edgesmith.runtimes.table import runtime_for
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import INT8_FORMATS, make_model, noise_pictures

pytestmark = pytest.mark.slow

MODEL = make_model(kind_net("inverted_residual"))
IMAGES = MODEL.preprocessing.normalize(noise_pictures(12, 64, 64))
CALIBRATION = Calibration(images=IMAGES)


def dying(value: float) -> Net:
    """The first gate's narrowing filters all but dead, their biases alive."""
    net = make_model(kind_net("inverted_residual")).net
    assert isinstance(net, Net)
    squeeze = net.get_submodule("blocks.1.gate.squeeze")
    assert isinstance(squeeze, nn.Conv2d)
    assert squeeze.bias is not None
    with torch.no_grad():
        squeeze.weight[:4] = value * torch.sign(squeeze.weight[:4])
        squeeze.bias[:4] = 2.0
    return net


@pytest.mark.parametrize("value", [0.0, 1e-12, 1e-9])
def test_mended_filters_answer_the_same_to_less_than_a_step(value: float) -> None:
    net = dying(value)
    living, mended = with_living_channels(net, CALIBRATION)
    assert mended == 4
    before, after = eager_function(fold_norms(net))(IMAGES), eager_function(living)(IMAGES)
    assert 0 < np.abs(before - after).max() < 1e-4 * np.abs(before).max()


def test_a_healthy_net_is_left_as_it_is() -> None:
    assert isinstance(MODEL.net, Net)
    living, mended = with_living_channels(MODEL.net, CALIBRATION)
    assert mended == 0
    assert np.array_equal(eager_function(living)(IMAGES), eager_function(fold_norms(MODEL.net))(IMAGES))


@pytest.mark.parametrize("format_name", INT8_FORMATS)
def test_case_q1_a_file_of_a_net_with_dead_filters_is_as_good_as_of_another(format_name: str, tmp_path: Path) -> None:
    net, suffix = dying(1e-12), get_exporter(format_name).suffix
    opened = open_quantizer(format_name, net, MODEL.spec, CALIBRATION, tmp_path)
    exported = opened.write(tmp_path / f"model{suffix}", QuantPlan())
    assert exported.notes[-1] == "4 filters of next to no weight got a step that their bias fits in"
    assert noise_of(exported.path, net) < 0.3


def test_without_the_mend_litert_answers_nonsense(tmp_path: Path) -> None:
    """What the mend is for: the tool gives the four filters steps of 1e-14 and drops their biases' upper bits."""
    net = dying(1e-12)
    source = get_quantizer("litert").open(fold_norms(net), MODEL.spec, CALIBRATION, tmp_path)
    source.write(tmp_path / "model.tflite", QuantPlan())
    assert noise_of(tmp_path / "model.tflite", net) > 0.3


def test_a_layer_that_never_sees_anything_is_left(tmp_path: Path) -> None:
    """Constant input: zero range, zero step; nothing to mend and nothing to divide by."""
    net = dying(1e-12)
    stem = net.get_submodule("blocks.0.conv.conv")
    assert isinstance(stem, nn.Conv2d)
    living, _ = with_living_channels(net, Calibration(images=np.zeros((2, 3, 64, 64), np.float32)))
    assert all(bool(torch.isfinite(value).all()) for value in living.state_dict().values())


def noise_of(path: Path, net: Net) -> float:
    """Root of the mean squared error over that of the answers."""
    loaded = runtime_for(path.suffix).load(path)
    actual = np.concatenate([run_float(loaded, IMAGES[index : index + 1]) for index in range(len(IMAGES))])
    expected = eager_function(net)(IMAGES)
    return float(np.sqrt(np.square(actual - expected).mean() / np.square(expected).mean()))
