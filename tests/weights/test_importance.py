"""Sorted channels: the same answers, the largest norms first."""

from __future__ import annotations

import pytest
import torch

from edgesmith.arch.network import trace_network
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import build
from edgesmith.weights.importance import sort_channels
from tests.search.supernet.nets import lively, noise


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "mobilenet_v2", "mobilenet_v4_conv_small", "mobilenet_v1"])
def test_a_sorted_net_answers_alike_with_its_largest_norms_first(name: str) -> None:
    spec = find(f"{name}@resolution=32,classes=5")
    net, images = lively(spec), noise(4)
    made = sort_channels(net.state_dict(), spec)
    twin = build(spec)
    twin.load_state_dict(made)
    with torch.no_grad():
        expected, found = net(images), twin.eval()(images)
    assert expected.std() > 0.01
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()

    network = trace_network(spec)
    answers = {group for value in network.head.outputs for group in value.groups}
    for group, keys in network.writers().items():
        if group in answers:
            continue
        squares = [
            made[key].flatten(1).square().sum(dim=1) for key in keys if len(made[key]) == network.group_sizes[group]
        ]
        if len(squares) == len(keys):
            norms = torch.stack(squares).sum(dim=0).sqrt()
            assert bool((norms.diff() <= 1e-5 * norms[0]).all()), keys


def test_kinds_that_tie_channels_to_places_cannot_be_sorted() -> None:
    spec = find("shufflenet_v1")
    with pytest.raises(WeightsError, match="shuffle_unit"):
        sort_channels(build(spec).state_dict(), spec)
