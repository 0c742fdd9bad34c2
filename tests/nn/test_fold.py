from __future__ import annotations

import pytest
import torch
from torch import nn

from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.nn.build import build
from edgesmith.nn.fold import fold_norms
from edgesmith.nn.layers import ConvNorm, SameConv2d
from tests.nn.nets import calibrate, pictures, relative_difference


@pytest.mark.parametrize("options", ["preset=torchvision", "padding=same,preset=timm"])
@pytest.mark.parametrize("name", MODELS)
def test_folded_net_answers_the_same(name: str, options: str) -> None:
    net = calibrate(build(find(f"{name}@{options}"))).double()
    folded, images = fold_norms(net), pictures(64, 80).double()
    with torch.inference_mode():
        assert relative_difference(folded(images), net(images)) < 1e-10
    assert not any(isinstance(module, nn.BatchNorm1d) for module in folded.modules())
    for layer in folded.modules():
        if isinstance(layer, ConvNorm):
            assert not hasattr(layer, "norm")
            assert layer.conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_every_convolution_has_taken_up_its_norm() -> None:
    folded = fold_norms(calibrate(build(find("mobilenet_v3_small@padding=same"))))
    convolutions = [module for module in folded.modules() if isinstance(module, nn.Conv2d)]
    assert all(conv.bias is not None for conv in convolutions)
    assert all(isinstance(conv, SameConv2d) or conv.kernel_size == (1, 1) for conv in convolutions)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())


def test_the_original_is_left_as_it_is() -> None:
    net = calibrate(build(find("mobilenet_v3_small@width=0.35"))).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    folded = fold_norms(net)
    assert net.training
    assert not folded.training
    assert folded.spec == net.spec
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
