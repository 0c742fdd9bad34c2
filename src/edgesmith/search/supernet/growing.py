"""A trained net becomes the largest net of a space, whose answers begin where the trained one's are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from edgesmith.arch.network import Network, trace_network
from edgesmith.arch.operations import Add, Convolution
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.parts import shape_of
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, WeightsError
from edgesmith.nn.build import build
from edgesmith.search.supernet.family import Family
from edgesmith.weights.channel_maps import Selection
from edgesmith.weights.importance import sort_channels
from edgesmith.weights.transplant import Fill, transplant


def place_of(space: StagedSpace, spec: NetSpec) -> Encoding:
    """The point of a trained net, whatever its classes and resolution are.

    Raises:
        WeightsError: The net is not in the space; says from which block on.
    """
    resolution = shape_of(space.frame.resolutions[-1])
    try:
        return space.encode(replace(spec, num_classes=space.frame.num_classes, resolution=resolution))
    except SpecError as error:
        raise WeightsError(f"these weights cannot start the supernet: {error}") from None


def grow(state: Mapping[str, Tensor], spec: NetSpec, family: Family, *, seed: int = 0) -> dict[str, Tensor]:
    """State of the family's largest net, grown from a trained net of its space.

    Channels are sorted by importance first, so that every narrower net keeps the best. New channels begin with initial
    values and are not heard yet by old ones; kernels are padded with zeros; new gates let 98 % through; new layers
    add nothing yet. So all that is new can learn, and the largest net answers nearly as the trained one did, unless a
    block changes its form: an expansion that the trained net has not begins as the identity, but an activation follows
    it, and a skip is lost where the largest net's widths differ. A head for other classes begins anew.

    Args:
        state: Of the trained net.
        spec: The trained net.
        family: Made with ``like`` of `place_of`, so that its largest net has the trained one's activations.
        seed: Of initial values.

    Raises:
        WeightsError: The net is not in the space.
    """
    state = sort_channels(state, spec)
    shallow = _with_depths_of(family, place_of(family.space, spec))
    wide = family.space.decode(shallow)
    moved = transplant(state, spec, wide, select=Selection.FIRST, fill=Fill.FRESH, seed=seed)
    network = trace_network(wide)
    for key, tensor in moved.state.items():
        old = state.get(key)
        if key not in moved.fresh and old is not None and tensor.ndim > 1 and tensor.shape[1] > old.shape[1]:
            tensor[: old.shape[0], old.shape[1] :] = 0
    _pass_on_(moved.state, network, set(moved.fresh))
    made = dict(build(family.spec, seed=seed).state_dict())
    numbers = family.blocks(shallow)
    made |= {_key_in_place(key, numbers): tensor.clone() for key, tensor in moved.state.items()}
    deep = trace_network(family.spec)
    for index in set(range(len(family.spec.blocks))) - set(numbers):
        _silence_(made, deep, index)
    return made


def _with_depths_of(family: Family, point: Encoding) -> Encoding:
    """The largest net with another's numbers of layers."""
    return tuple(
        mine if choice.name.endswith(".depth") else largest
        for choice, mine, largest in zip(family.space.choices, point, family.largest, strict=True)
    )


def _key_in_place(key: str, numbers: tuple[int, ...]) -> str:
    """The key of the same tensor where each block has another number."""
    if not key.startswith("blocks."):
        return key
    _, number, rest = key.split(".", 2)
    return f"blocks.{numbers[int(number)]}.{rest}"


def _pass_on_(state: dict[str, Tensor], network: Network, fresh: set[str]) -> None:
    """Let new expansions give their input on in their first channels, which are those that the trained net has."""
    for index, part in enumerate(network.blocks):
        key = f"blocks.{index}.expand.conv.weight"
        if key in fresh:
            channels = part.inputs[0].channels
            state[key][:channels] = torch.eye(channels)[:, :, None, None]


def _silence_(state: dict[str, Tensor], network: Network, index: int) -> None:
    """Let a block's last norm give nothing, where the block adds it to its input."""
    *before, last = network.blocks[index].operations
    if isinstance(last, Add):
        name = next(operation.name for operation in reversed(before) if isinstance(operation, Convolution))
        for part in ("weight", "bias"):
            state[f"blocks.{index}.{name}.norm.{part}"].zero_()
