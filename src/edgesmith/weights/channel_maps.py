"""Which channels of one network become which of another: for every channel group, a list of sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import torch
from torch import Tensor

from edgesmith.arch.network import Network
from edgesmith.core.errors import WeightsError

FRESH = -1  # a channel that no channel of the source becomes


class Selection(StrEnum):
    """Which channels a narrower group keeps.

    ``FIRST`` takes a prefix, whose weights stay views of the source's. ``NORM`` takes those whose weights have the
    largest L2 norm over everything that writes into the group, in their old order (NetAdapt).
    """

    FIRST = "first"
    NORM = "norm"


ChannelMap = tuple[int, ...]
"""For every channel of a group its number in the source's group, or `FRESH`."""


def map_groups(
    source: Network,
    target: Network,
    state: Mapping[str, Tensor],
    *,
    pairs: Mapping[str, str],
    select: Selection,
    classes: Sequence[int] | None = None,
) -> dict[int, ChannelMap]:
    """For every channel group of ``target``, where its channels come from.

    Where the target ties widths that the source does not (a skip that is new, an expansion that is gone), a prefix of
    each is taken, as long as the narrowest of them.

    Args:
        source: The network that ``state`` belongs to.
        target: The network to fill.
        state: For the norms of `Selection.NORM`.
        pairs: Keys of the target with the keys of the source that fill them.
        select: What a narrower group keeps.
        classes: For every class of the target its number in the source, or `FRESH`; None keeps equal classes.
    """
    partners = group_partners(source, target, pairs)
    answers = _class_groups(target)
    maps: dict[int, ChannelMap] = {}
    for group, theirs in partners.items():
        sizes = sorted({source.group_sizes[g] for g in theirs})
        size, wanted = sizes[0], target.group_sizes[group]
        if group in answers and classes is not None:
            maps[group] = tuple(classes)
        elif wanted >= size or select is Selection.FIRST or len(sizes) > 1:
            maps[group] = (*range(min(size, wanted)), *(FRESH,) * (wanted - size))
        else:
            norms = channel_norms(source, state, theirs, size)
            maps[group] = tuple(sorted(norms.argsort(descending=True)[:wanted].tolist()))
    return maps


def group_partners(source: Network, target: Network, pairs: Mapping[str, str]) -> dict[int, set[int]]:
    """For every group of ``target`` those of ``source`` that run over the same axis of the same tensor.

    Raises:
        WeightsError: A tensor reads other numbers of maps side by side in the two.
    """
    mine, theirs = target.tensors(), source.tensors()
    found: dict[int, set[int]] = {}
    for key, other in pairs.items():
        for axis, its in zip(mine[key].axes, theirs[other].axes, strict=True):
            if len(axis.groups) != len(its.groups):
                raise WeightsError(f"{key} reads {len(axis.groups)} widths side by side, and {other} {len(its.groups)}")
            for group, partner in zip(axis.groups, its.groups, strict=True):
                found.setdefault(group, set()).add(partner)
    return found


def _class_groups(network: Network) -> set[int]:
    return {group for value in network.head.outputs for group in value.groups}


def channel_norms(source: Network, state: Mapping[str, Tensor], groups: set[int], size: int) -> Tensor:
    """L2 norm of each channel over all weights that write into the groups.

    Args:
        source: The network that ``state`` belongs to.
        state: Its tensors.
        groups: Widths that are tied.
        size: Channels of each of them.
    """
    total = torch.zeros(size)
    for key, tensor in source.tensors().items():
        if not key.endswith("weight") or len(tensor.axes) < 2:
            continue
        begin = 0
        for group in tensor.axes[0].groups:
            end = begin + source.group_sizes[group]
            if group in groups:
                total += state[key][begin:end].detach().flatten(1).square().sum(1)
            begin = end
    return total.sqrt()


def axis_sources(
    groups: Sequence[int], partners: Sequence[int], maps: Mapping[int, ChannelMap], sizes: Sequence[int]
) -> ChannelMap:
    """Sources along an axis that runs over several groups, one behind the other.

    Args:
        groups: Of the target's axis.
        partners: Of the source's axis.
        maps: From `map_groups`.
        sizes: Channels of every group of the source.
    """
    sources: list[int] = []
    begin = 0
    for group, partner in zip(groups, partners, strict=True):
        sources += [FRESH if old == FRESH else begin + old for old in maps[group]]
        begin += sizes[partner]
    return tuple(sources)
