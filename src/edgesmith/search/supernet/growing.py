"""A trained net becomes the largest net of a space, whose answers begin where the trained one's are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from edgesmith.arch.network import Network, trace_network
from edgesmith.arch.operations import Add, Convolution
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, WeightsError
from edgesmith.search.supernet.family import Family
from edgesmith.weights.channel_maps import Selection
from edgesmith.weights.importance import sort_channels
from edgesmith.weights.transplant import Fill, transplant


def place_of(space: StagedSpace, spec: NetSpec) -> Encoding:
    """The point of a trained net, whatever its classes and resolution are.

    Raises:
        WeightsError: The net is not in the space; says from which block on.
    """
    resolution = space.frame.resolutions[-1]
    try:
        return space.encode(replace(spec, num_classes=space.frame.num_classes, resolution=(resolution, resolution)))
    except SpecError as error:
        raise WeightsError(f"these weights cannot start the supernet: {error}") from None


def grow(state: Mapping[str, Tensor], spec: NetSpec, family: Family, *, seed: int = 0) -> dict[str, Tensor]:
    """State of the family's largest net, grown from a trained net of its space.

    Channels are sorted by importance first, so that every narrower net keeps the best. New channels begin with initial
    values and are not heard yet by old ones; kernels are padded with zeros; new gates let everything through; new
    layers add nothing yet. So all that is new can learn, and the largest net answers as the trained one did, unless a
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
    sources = _sources(family, place_of(family.space, spec))
    numbers = tuple(number for number, _ in sources)
    first = Selection.FIRST
    moved = transplant(state, spec, family.spec, select=first, fill=Fill.FRESH, blocks=numbers, seed=seed)
    made = {key: tensor.clone() for key, tensor in moved.state.items()}
    fresh = set(moved.fresh)
    for key, tensor in made.items():
        old = state.get(_old_key(key, numbers))
        if key not in fresh and old is not None and tensor.ndim > 1 and tensor.shape[1] > old.shape[1]:
            tensor[: old.shape[0], old.shape[1] :] = 0
    network = trace_network(family.spec)
    for index, (_, is_new) in enumerate(sources):
        _pass_on_(made, network, index, fresh)
        if is_new:
            _silence_(made, network, index)
    return made


def _sources(family: Family, point: Encoding) -> list[tuple[int, bool]]:
    """For each block of the largest net the trained net's that fills it, and whether it is beyond its depth.

    What is beyond begins as a copy of its stage's last layer.
    """
    held = {theirs: mine for mine, theirs in enumerate(family.blocks(point))}
    found: list[tuple[int, bool]] = []
    for number in range(len(family.spec.blocks)):
        is_new = number not in held
        found.append((found[-1][0] if is_new else held[number], is_new))
    return found


def _old_key(key: str, numbers: Sequence[int]) -> str:
    if not key.startswith("blocks."):
        return key
    _, number, rest = key.split(".", 2)
    return f"blocks.{numbers[int(number)]}.{rest}"


def _pass_on_(state: dict[str, Tensor], network: Network, index: int, fresh: set[str]) -> None:
    """Let a new expansion give its input on in its first channels, which are those that the trained net has."""
    key = f"blocks.{index}.expand.conv.weight"
    if key in fresh:
        weight, channels = state[key], network.blocks[index].inputs[0].channels
        weight[:channels] = torch.eye(channels)[:, :, None, None]


def _silence_(state: dict[str, Tensor], network: Network, index: int) -> None:
    """Let a block's last norm give nothing, where the block adds it to its input."""
    *before, last = network.blocks[index].operations
    if isinstance(last, Add):
        name = next(operation.name for operation in reversed(before) if isinstance(operation, Convolution))
        for part in ("weight", "bias"):
            state[f"blocks.{index}.{name}.norm.{part}"].zero_()
