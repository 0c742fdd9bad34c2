"""Channels in the order of their importance, so that a prefix keeps the best of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import WeightsError
from edgesmith.weights.channel_maps import ChannelMap, axis_sources, channel_norms

_PICTURE = 0  # the group of the picture's channels


def sort_channels(state: Mapping[str, Tensor], spec: NetSpec) -> dict[str, Tensor]:
    """The same network with every width's channels sorted, those of the largest L2 norm first.

    Norms run over everything that writes into a width, as in NetAdapt. The answers stay what they were, to rounding.

    Args:
        state: Of a net built from ``spec``.
        spec: The network.

    Raises:
        WeightsError: A block's channels are tied to their places, so they cannot be sorted; names its kind.
    """
    for index, block in enumerate(spec.blocks):
        if not block.elastic:
            raise WeightsError(f"block {index} ({block.kind}) ties its channels to their places; they cannot be sorted")
    network = trace_network(spec)
    fixed = {_PICTURE} | {group for value in network.head.outputs for group in value.groups}
    maps: dict[int, ChannelMap] = {}
    for group, size in enumerate(network.group_sizes):
        if group in fixed:
            maps[group] = tuple(range(size))
        else:
            norms = channel_norms(network, state, {group}, size)
            maps[group] = tuple(norms.argsort(descending=True, stable=True).tolist())
    made = {}
    for key, tensor in network.tensors().items():
        moved = state[key]
        for axis, its in enumerate(tensor.axes):
            if its.groups:
                sources = axis_sources(its.groups, its.groups, maps, network.group_sizes)
                moved = moved.index_select(axis, torch.tensor(sources))
        made[key] = moved
    return made
