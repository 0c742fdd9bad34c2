from __future__ import annotations

import pytest
import torch
from torch import nn

from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.nn.build import build
from edgesmith.nn.fold import fold_norms
from edgesmith.nn.layers import SameConv2d
from tests.nn.nets import calibrate, pictures, relative_difference


@pytest.mark.parametrize("options", ["preset=torchvision", "padding=same,preset=timm"])
@pytest.mark.parametrize("name", MODELS)
def test_folded_net_answers_the_same(name: str, options: str) -> None:
    net = calibrate(build(find(f"{name}@{options}")))
    folded = fold_norms(net)
    with torch.inference_mode():
        assert relative_difference(folded(pictures(96, 128)), net(pictures(96, 128))) < 1e-5
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    for module in folded.modules():
        if isinstance(module, nn.Conv2d):
            assert module.bias is not None
            assert module.weight.is_contiguous(memory_format=torch.channels_last)
            assert isinstance(module, SameConv2d) == ("same" in options) or module.kernel_size == (1, 1)


def test_the_original_is_left_as_it_is() -> None:
    net = calibrate(build(find("mobilenet_v3_small@width=0.35"))).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    folded = fold_norms(net)
    assert net.training
    assert not folded.training
    assert folded.spec == net.spec
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
