"""Segmenters as modules: torchvision's answers under its weights, and sizes that are met."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models.segmentation import lraspp_mobilenet_v3_large

from edgesmith.arch.map_operations import WindowMean
from edgesmith.arch.map_steps import window_mean
from edgesmith.arch.presets import PRESETS, Preset
from edgesmith.arch.trace import Trace
from edgesmith.arch.zoo.names import find
from edgesmith.nn.build import build
from edgesmith.nn.map_layers import WindowedMean
from tests.nn.nets import calibrate, pictures, relative_difference

_HEAD = {
    "cbr.0": "project.conv",
    "cbr.1": "project.norm",
    "scale.1": "gate.conv",
    "low_classifier": "low.conv",
    "high_classifier": "high.conv",
}


def test_parity_with_torchvision_under_its_weights() -> None:
    oracle = calibrate(lraspp_mobilenet_v3_large(weights=None, weights_backbone=None))
    net = build(find("torchvision_lraspp_mobilenet_v3_large")).eval()
    net.load_state_dict(_renamed(oracle, list(net.state_dict())))
    images = pictures(160, 192)
    with torch.inference_mode():
        assert relative_difference(net(images), oracle(images)["out"]) < 1e-5


def _renamed(oracle: nn.Module, keys: list[str]) -> dict[str, Any]:
    """The backbone's tensors stand in the same order; the head's are named alike."""
    state = oracle.state_dict()
    backbone = [value for key, value in state.items() if key.startswith("backbone.")]
    found = dict(zip((key for key in keys if key.startswith("blocks.")), backbone, strict=True))
    for theirs, ours in _HEAD.items():
        prefix = f"classifier.{theirs}."
        found |= {f"head.{ours}.{k.removeprefix(prefix)}": v for k, v in state.items() if k.startswith(prefix)}
    return found


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_small", "raspp_mobilenet_v3_large@width=0.5"])
@pytest.mark.parametrize("size", [(64, 96), (97, 65)])
def test_the_answer_has_the_size_of_whatever_picture_comes(name: str, size: tuple[int, int]) -> None:
    net = build(find(name)).eval()
    with torch.inference_mode():
        assert net(pictures(*size)).shape == (2, 19, *size)


def test_case_s1_a_batch_of_one_trains() -> None:
    """The pooled branch has no norm, so that one large picture is enough."""
    net = build(find("lraspp_mobilenet_v3_small@width=0.35,filters=32,resolution=512x1024")).train()
    torch.autograd.backward(net(pictures(512, 1024, count=1)).square().mean())
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in net.parameters())


def test_windows_are_means_and_a_map_below_one_is_pooled_whole() -> None:
    t = Trace()
    made = window_mean(t, t.open(2, 12, 14), name="window", window=5, stride=(2, 3))
    operation = t.operations[0]
    assert isinstance(operation, WindowMean)
    layer = WindowedMean(operation, PRESETS[Preset.PLAIN])
    x = torch.arange(2 * 12 * 14, dtype=torch.float32).view(1, 2, 12, 14)
    found = layer(x)
    assert found.shape[1:] == (made.channels, made.height, made.width) == (2, 4, 4)
    assert found[0, 1, 2, 3] == x[0, 1, 4:9, 9:14].mean()
    small = x[:, :, :4]
    assert torch.equal(layer(small), small.mean(dim=(2, 3), keepdim=True))
