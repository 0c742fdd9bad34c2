"""The one pass over a network: every block's program run in order, with channel groups resolved across blocks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from edgesmith.arch.heads.base import Tap
from edgesmith.arch.names import Point
from edgesmith.arch.operations import Add
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Operation, TensorSpec, Value
from edgesmith.core.errors import SpecError


@dataclass(frozen=True)
class Part:
    """The operations of one block, or of the head, over the whole network's values.

    Attributes:
        inputs: What it reads: one value for a block, one a tap for a head.
        operations: Its steps in order.
        outputs: What it makes.
        points: Values that taps may listen to.
    """

    inputs: tuple[Value, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[Value, ...]
    points: dict[Point, Value]


@dataclass(frozen=True)
class Network:
    """A traced network.

    Attributes:
        blocks: One part a block of the spec.
        head: The head's part.
        group_sizes: Channels of every group; group 0 is the picture's.
    """

    blocks: tuple[Part, ...]
    head: Part
    group_sizes: tuple[int, ...]

    def tensors(self) -> dict[str, TensorSpec]:
        """Every tensor under the key that a built network's state dict has for it."""
        named = [(f"blocks.{index}", part) for index, part in enumerate(self.blocks)] + [("head", self.head)]
        return {
            f"{prefix}.{operation.name}.{tensor.name}": tensor
            for prefix, part in named
            for operation in part.operations
            for tensor in operation.tensors()
        }

    def writers(self) -> dict[int, tuple[str, ...]]:
        """For every group, the weights whose output axis runs over it: widths in one entry can only change together."""
        found: dict[int, list[str]] = {}
        for key, tensor in self.tensors().items():
            if key.endswith("weight") and len(tensor.axes) > 1:
                for group in tensor.axes[0].groups:
                    found.setdefault(group, []).append(key)
        return {group: tuple(keys) for group, keys in found.items()}


def trace_network(spec: NetSpec) -> Network:
    """Resolve every operation, shape and channel group of a network.

    Raises:
        SpecError: A block or the head is not legal where it stands; the message names it.
    """
    t = Trace(padding=spec.padding)
    x = t.open(spec.in_channels, *spec.resolution)
    blocks: list[Part] = []
    for index, block in enumerate(spec.blocks):
        begin = len(t.operations)
        t.points = {Point.INPUT: x}
        try:
            made = t.mark(Point.OUTPUT, block.trace(t, x))
            part = Part((x,), tuple(t.operations[begin:]), (made,), t.points)
            _check(part)
        except SpecError as error:
            raise SpecError(f"{spec.name}: block {index} ({block.kind}): {error}") from None
        blocks.append(part)
        x = made
    return Network(tuple(blocks), _trace_head(spec, t, blocks), tuple(t.group_sizes))


def _check(part: Part) -> None:
    """What a module made of the part takes for granted.

    An operation's name is its module's. What a sum overwrites must be the part's own and read by nobody else.
    """
    names = Counter(operation.name for operation in part.operations)
    for name, times in names.items():
        if times > 1:
            raise SpecError(f"{name}: {times} operations have this name")
    reads = Counter(value.index for operation in part.operations for value in operation.inputs)
    own = {operation.output.index for operation in part.operations} - {value.index for value in part.points.values()}
    for operation in part.operations:
        if isinstance(operation, Add) and operation.overwrites:
            overwritten = operation.inputs[1].index
            if overwritten not in own or reads[overwritten] > 1:
                raise SpecError(f"{operation.name}: a sum overwrites its second value, and this one is used elsewhere")


def _trace_head(spec: NetSpec, t: Trace, blocks: list[Part]) -> Part:
    begin = len(t.operations)
    t.points = {}
    try:
        taps = tuple(_tapped(tap, blocks) for tap in spec.head.taps)
        outputs = spec.head.trace(t, taps, spec.num_classes)
        part = Part(taps, tuple(t.operations[begin:]), outputs, t.points)
        _check(part)
    except SpecError as error:
        raise SpecError(f"{spec.name}: head ({spec.head.kind}): {error}") from None
    return part


def _tapped(tap: Tap, blocks: list[Part]) -> Value:
    points = blocks[tap.block].points
    if tap.point not in points:
        raise SpecError(f"block {tap.block} has no point {tap.point.value!r}; choices: {', '.join(sorted(points))}")
    return points[tap.point]
