"""Weights of one network moved into another of the same make: the one way, for whatever changes widths or heads.

What belongs together is read off the channel groups of both networks: see `arch.network`. A supernet's step, NetAdapt's
truncation, growing and another head are all this function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial

import torch
from torch import Tensor
from torch.nn import functional as F

from edgesmith.arch.names import GateKind
from edgesmith.arch.network import Network, trace_network
from edgesmith.arch.operations import Gate
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.values import TensorSpec
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import build
from edgesmith.weights.channel_maps import FRESH, Selection, axis_sources, group_partners, map_groups

State = Mapping[str, Tensor]

# Biases of a gate: that let everything through, and that let 98 % through, where there is a slope to learn by.
_OPEN = {GateKind.HARD_SIGMOID: 3.0, GateKind.SIGMOID: 8.0}
_NEARLY_OPEN = {GateKind.HARD_SIGMOID: 2.9, GateKind.SIGMOID: 4.0}


class Fill(StrEnum):
    """What new channels and gates begin with.

    ``ZEROS`` leaves the answers as they were: a new channel has initial values and is not heard yet, so that training
    can move it; a new gate is fully open, and has no slope to learn by. ``FRESH`` takes the initial values of the
    preset throughout, and gates that let 98 % through.
    """

    ZEROS = "zeros"
    FRESH = "fresh"


@dataclass(frozen=True, kw_only=True)
class Transplant:
    """A filled state, and what was done.

    Attributes:
        state: Every tensor of the new network; prefixes and untouched tensors are views of the old ones.
        fresh: Keys that the old network has not, filled with initial values or opened gates.
        dropped: Keys of the old network that have no place.
    """

    state: dict[str, Tensor]
    fresh: tuple[str, ...]
    dropped: tuple[str, ...]


def transplant(
    state: State,
    from_spec: NetSpec,
    to_spec: NetSpec,
    *,
    select: Selection = Selection.NORM,
    fill: Fill = Fill.ZEROS,
    classes: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
    seed: int = 0,
) -> Transplant:
    """Fill a network with the weights of another whose blocks are of the same kinds.

    Kernels are cropped to their middle or padded with zeros. A gate that only the new network has is open; one that
    only the old network has is left out. A head of another make, or for other classes without ``classes``, begins anew,
    and so do those layers of a head that listen to another map than they did. Gradients flow back to the old tensors.

    Args:
        state: Of a net built from ``from_spec``.
        from_spec: The old network.
        to_spec: The new network.
        select: Which channels a narrower width keeps.
        fill: What the channels of a wider width begin with.
        classes: For every class of the new head its number in the old one, or -1 for a new one.
        blocks: For every block of the new network the number of the old one that fills it; by default the same.
        seed: Of initial values.

    Returns:
        The new state with a report.

    Raises:
        WeightsError: The networks are not of the same make; or widths of a block change whose kind is not elastic,
            since its channels would meet other partners than they were trained with.
    """
    source, target = trace_network(from_spec), trace_network(to_spec)
    pairs = _pairs(source, target, blocks)
    _check_kinds(from_spec, to_spec, source, target, pairs, blocks)
    pairs = _listening_alike(source, target, pairs)
    same_classes = from_spec.num_classes == to_spec.num_classes
    if classes is None and not same_classes:
        pairs = {key: old for key, old in pairs.items() if not _is_answer(target, key)}
    maps = map_groups(source, target, state, pairs=pairs, select=select, classes=classes)

    @cache
    def initial() -> dict[str, Tensor]:
        return dict(build(to_spec, seed=seed).state_dict())

    made: dict[str, Tensor] = {}
    old_tensors = source.tensors()
    for key, tensor in target.tensors().items():
        if key not in pairs:
            made[key] = _new_tensor(key, target, fill, initial)
            continue
        theirs = old_tensors[pairs[key]]
        sources = [
            axis_sources(axis.groups, its.groups, maps, source.group_sizes) if axis.groups else tuple(range(axis.size))
            for axis, its in zip(tensor.axes, theirs.axes, strict=True)
        ]
        old = _fit_kernel(key, state[pairs[key]], tensor)
        made[key] = _move(old, sources, partial(_filling, key, sources, fill, initial))
    used = set(pairs.values())
    return Transplant(
        state=made,
        fresh=tuple(key for key in made if key not in pairs),
        dropped=tuple(key for key in old_tensors if key not in used),
    )


def _pairs(source: Network, target: Network, blocks: Sequence[int] | None) -> dict[str, str]:
    """Keys of both networks that hold the same tensor of the same operation."""
    old = source.tensors()
    found = {}
    for key, tensor in target.tensors().items():
        other = key
        if blocks is not None and key.startswith("blocks."):
            _, number, rest = key.split(".", 2)
            other = f"blocks.{blocks[int(number)]}.{rest}"
        if other in old and len(old[other].axes) == len(tensor.axes):
            found[key] = other
    return found


def _listening_alike(source: Network, target: Network, pairs: Mapping[str, str]) -> dict[str, str]:
    """Without what a head's layers hold over channels that are others in the backbone: their tap was elsewhere."""
    backbone = {key: old for key, old in pairs.items() if key.startswith("blocks.")}
    sizes = {
        group: {source.group_sizes[partner] for partner in theirs}
        for group, theirs in group_partners(source, target, backbone).items()
    }
    mine, theirs = target.tensors(), source.tensors()

    def fits(key: str, old: str) -> bool:
        axes = zip(mine[key].axes, theirs[old].axes, strict=True)
        couples = (couple for axis, its in axes for couple in zip(axis.groups, its.groups, strict=False))
        return all(group not in sizes or source.group_sizes[partner] in sizes[group] for group, partner in couples)

    return {key: old for key, old in pairs.items() if key in backbone or fits(key, old)}


def _check_kinds(
    from_spec: NetSpec,
    to_spec: NetSpec,
    source: Network,
    target: Network,
    pairs: Mapping[str, str],
    blocks: Sequence[int] | None,
) -> None:
    numbers = range(len(from_spec.blocks)) if blocks is None else blocks
    if len(numbers) != len(to_spec.blocks) or not all(0 <= number < len(from_spec.blocks) for number in numbers):
        raise WeightsError(
            f"{from_spec.name} has {len(from_spec.blocks)} blocks and {to_spec.name} {len(to_spec.blocks)}; say with "
            f"blocks= which one fills which"
        )
    for index, (number, block) in enumerate(zip(numbers, to_spec.blocks, strict=True)):
        other = from_spec.blocks[number]
        if block.kind != other.kind:
            raise WeightsError(
                f"block {index} of {to_spec.name} is a {block.kind}, but would be filled by a {other.kind}"
            )
        if not block.elastic:
            _check_same_widths(index, block.kind, source, target, pairs)


def _check_same_widths(index: int, kind: str, source: Network, target: Network, pairs: Mapping[str, str]) -> None:
    mine, theirs = target.tensors(), source.tensors()
    for key, other in pairs.items():
        if key.startswith(f"blocks.{index}.") and mine[key].shape != theirs[other].shape:
            raise WeightsError(
                f"block {index} ({kind}) cannot change its widths: {key} is {theirs[other].shape}, wanted "
                f"{mine[key].shape}; its channels are tied to their places, so train the other width instead"
            )


def _is_answer(network: Network, key: str) -> bool:
    """Whether a tensor runs over the classes."""
    answers = {group for value in network.head.outputs for group in value.groups}
    tensor = network.tensors()[key]
    return any(group in answers for axis in tensor.axes for group in axis.groups)


def _new_tensor(key: str, target: Network, fill: Fill, initial: Callable[[], dict[str, Tensor]]) -> Tensor:
    """Initial values, but for a gate, which is open."""
    for index, part in enumerate(target.blocks):
        for operation in part.operations:
            prefix = f"blocks.{index}.{operation.name}.excite."
            if isinstance(operation, Gate) and key.startswith(prefix):
                biases = _OPEN if fill is Fill.ZEROS else _NEARLY_OPEN
                return torch.full_like(initial()[key], biases[operation.kind] if key.endswith("bias") else 0.0)
    return initial()[key]


def _fit_kernel(key: str, tensor: Tensor, wanted: TensorSpec) -> Tensor:
    """The middle of a larger kernel, or zeros around a smaller one."""
    for channels, size in zip(wanted.axes[:2], tensor.shape[:2], strict=False):
        if not channels.groups and channels.size != size:
            raise WeightsError(
                f"{key}: {size} inputs a group cannot become {channels.size}; grouped kernels keep theirs"
            )
    for axis, size in enumerate(wanted.shape[2:], start=2):
        rest = tensor.shape[axis] - size
        if rest > 0:
            tensor = tensor.narrow(axis, rest // 2, size)
        elif rest < 0:
            sides = [0, 0] * (tensor.dim() - 1 - axis) + [-rest // 2, -rest - -rest // 2]
            tensor = F.pad(tensor, sides)
    return tensor


def _move(tensor: Tensor, sources: Sequence[tuple[int, ...]], filling: Callable[[], Tensor]) -> Tensor:
    """Channels along every axis: views of prefixes, copies of other choices, and new channels from ``filling``."""
    olds = [[old for old in axis if old != FRESH] for axis in sources]
    for axis, chosen in enumerate(olds):
        if chosen == list(range(len(chosen))):
            tensor = tensor if len(chosen) == tensor.shape[axis] else tensor.narrow(axis, 0, len(chosen))
        else:
            tensor = tensor.index_select(axis, torch.tensor(chosen, dtype=torch.long))
    if all(len(chosen) == len(axis) for chosen, axis in zip(olds, sources, strict=True)):
        return tensor
    places = [[place for place, old in enumerate(axis) if old != FRESH] for axis in sources]
    grid = torch.meshgrid(*(torch.tensor(each, dtype=torch.long) for each in places), indexing="ij")
    return filling().to(tensor.dtype).index_put(tuple(grid), tensor)


def _filling(
    key: str, sources: Sequence[tuple[int, ...]], fill: Fill, initial: Callable[[], dict[str, Tensor]]
) -> Tensor:
    """What a wider tensor is before the old channels are put in; new inputs are not heard where answers must stay."""
    made = initial()[key].clone()
    if fill is Fill.ZEROS and len(sources) > 1:
        unheard = [place for place, old in enumerate(sources[1]) if old == FRESH]
        made.index_fill_(1, torch.tensor(unheard, dtype=torch.long), 0.0)
    return made
