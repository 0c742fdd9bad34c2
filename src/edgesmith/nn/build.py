"""NetSpec -> module: the one place where data becomes layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor, nn

from edgesmith.arch.map_operations import Anchored, Multiply, Resize, WindowMean
from edgesmith.arch.network import Part, trace_network
from edgesmith.arch.operations import (
    Add,
    Concatenate,
    Convolution,
    Dropout,
    Gate,
    GlobalPool,
    LearnedGroups,
    Linear,
    Norm,
    Pick,
    Pool,
    Shift,
    Shuffle,
)
from edgesmith.arch.presets import PRESETS, Constants
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.values import Operation, Value
from edgesmith.nn.anchored import AnchoredAnswers
from edgesmith.nn.channel_layers import ChannelPick, ChannelShift, ChannelShuffle
from edgesmith.nn.init import initialise_
from edgesmith.nn.layers import (
    Concatenation,
    ConvNorm,
    GlobalMean,
    LinearNorm,
    NormActivation,
    SqueezeExcite,
    Sum,
    pool_layer,
)
from edgesmith.nn.learned_groups import LearnedGroupConv
from edgesmith.nn.map_layers import Product, ResizeLike, WindowedMean

LAYERS: Final[Mapping[type[Any], Callable[[Any, Constants], nn.Module]]] = MappingProxyType(
    {
        Convolution: ConvNorm,
        Gate: SqueezeExcite,
        Norm: NormActivation,
        Linear: LinearNorm,
        LearnedGroups: LearnedGroupConv,
        Dropout: lambda _operation, constants: nn.Dropout(constants.dropout),
        Pool: lambda operation, _: pool_layer(operation),
        GlobalPool: lambda _operation, _constants: GlobalMean(),
        Add: Sum,
        Concatenate: lambda _operation, _constants: Concatenation(),
        Shuffle: ChannelShuffle,
        Shift: ChannelShift,
        Pick: ChannelPick,
        WindowMean: WindowedMean,
        Resize: ResizeLike,
        Multiply: lambda _operation, _constants: Product(),
        Anchored: AnchoredAnswers,
    }
)


class Program(nn.Module):
    """Runs the operations of one block or head over its inputs; a value is let go after its last reader.

    Args:
        part: The traced operations.
        wanted: The values to return: the outputs, and points that taps listen to.
        constants: Norm constants and dropout.
    """

    def __init__(self, part: Part, wanted: tuple[Value, ...], constants: Constants) -> None:
        super().__init__()
        for operation in part.operations:
            self.add_module(operation.name, LAYERS[type(operation)](operation, constants))
        slots = {value.index: slot for slot, value in enumerate(part.inputs)}
        for operation in part.operations:
            slots[operation.output.index] = len(slots)
        self._wanted = tuple(slots[value.index] for value in wanted)
        self._steps = tuple(
            (operation.name, *_first_and_rest([slots[value.index] for value in operation.inputs]), freed)
            for operation, freed in zip(part.operations, _last_reads(part.operations, slots, self._wanted), strict=True)
        )

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the steps in order and return the wanted values."""
        modules = self._modules
        values: list[Any] = list(inputs)
        for name, first, rest, freed in self._steps:
            module: Any = modules[name]
            # Nearly every step reads one value, and what unpacking costs shows beside small filters.
            made = module(values[first], *[values[source] for source in rest]) if rest else module(values[first])
            values.append(made)
            for source in freed:
                values[source] = None
        return tuple([values[slot] for slot in self._wanted])


class Net(nn.Module):
    """A built network.

    Shape: ``(N, in_channels, H, W) -> (N, num_classes)`` for a classifier, ``(N, num_classes, H, W)`` for a segmenter,
    ``(N, boxes, 8 + 1 + num_classes)`` for a detector.

    Attributes:
        spec: What it was built from.
        blocks: One program a block of the spec.
        head: The head's program.
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        network = trace_network(spec)
        constants = PRESETS[spec.preset]
        head_constants = constants if spec.head.preset is None else PRESETS[spec.head.preset]
        tapped = {value.index for value in network.head.inputs}
        self.spec = spec
        self.blocks = nn.ModuleList()
        self._tapped: list[tuple[int, ...]] = []
        for part in network.blocks:
            heard = tuple(value for value in _values(part) if value.index in tapped)
            self.blocks.append(Program(part, (*part.outputs, *heard), constants))
            self._tapped.append(tuple(value.index for value in heard))
        self._head_inputs = tuple(value.index for value in network.head.inputs)
        self._picture = network.blocks[0].inputs[0].index
        self.head = Program(network.head, network.head.outputs, head_constants)

    def forward(self, images: Tensor) -> Any:
        """Answers for a batch: a tensor, or a tuple of them where the head has several outputs."""
        heard = {self._picture: images}
        x = images
        for block, indices in zip(self.blocks, self._tapped, strict=True):
            made = block(x)
            x = made[0]
            if indices:
                heard.update(zip(indices, made[1:], strict=True))
        outputs = self.head(*(heard[index] for index in self._head_inputs))
        return outputs[0] if len(outputs) == 1 else outputs


def build(spec: NetSpec, *, seed: int = 0) -> Net:
    """Make the module of a spec, initialised by its preset, in ``channels_last`` memory format and training mode.

    Args:
        spec: The network.
        seed: Seed of the initialisation.

    Raises:
        SpecError: A block is not legal where it stands.
    """
    with torch.random.fork_rng(devices=[]):  # torch's layers draw weights of their own when they are made
        net = Net(spec)
    head_rule = None if spec.head.preset is None else PRESETS[spec.head.preset].init
    initialise_(net, PRESETS[spec.preset].init, seed=seed, head_rule=head_rule)
    _start_biases_(net)
    return net.to(memory_format=torch.channels_last)


def _start_biases_(net: Net) -> None:
    """Biases that begin elsewhere than at zero."""
    for operation in trace_network(net.spec).head.operations:
        if isinstance(operation, Convolution) and operation.bias_start:
            layer: Any = net.head.get_submodule(operation.name)
            nn.init.constant_(layer.conv.bias, operation.bias_start)


def _values(part: Part) -> tuple[Value, ...]:
    """Everything that the part makes."""
    return tuple(operation.output for operation in part.operations)


def _first_and_rest(slots: list[int]) -> tuple[int, tuple[int, ...]]:
    return slots[0], tuple(slots[1:])


def _last_reads(
    operations: tuple[Operation, ...], slots: Mapping[int, int], wanted: tuple[int, ...]
) -> list[tuple[int, ...]]:
    """For every step, the slots that nobody reads afterwards."""
    last = {slots[value.index]: step for step, operation in enumerate(operations) for value in operation.inputs}
    freed: list[tuple[int, ...]] = [()] * len(operations)
    for slot, step in last.items():
        if slot not in wanted:
            freed[step] += (slot,)
    return freed
