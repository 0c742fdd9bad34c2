"""What a network costs: parameters, multiply-adds and memory, counted from its operations without building it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod

from edgesmith.arch.heads.base import Head, Tap
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.map_operations import Anchored, Resize
from edgesmith.arch.names import Padding, Point
from edgesmith.arch.operations import Dropout
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Operation, Value, Work
from edgesmith.core.errors import SpecError

Shape = tuple[int, int, int]

_BYTES = 4  # of a float32


@dataclass(frozen=True, slots=True)
class Cost:
    """Exact counts for one picture.

    Attributes:
        parameters: Learned numbers; running statistics of norms are not among them.
        conv_madds: Multiply-adds of convolutions, those of gates included.
        linear_madds: Multiply-adds of linear layers.
        elementwise: Activations, sums and products, one operation an element; norms fold away.
        pool: Elements read by pooling windows.
        activation_bytes: Float32 bytes of everything that operations make.
        peak_bytes: Most float32 bytes that must be held at once, inputs included.
        depthwise_madds: Those of `conv_madds` that depthwise convolutions do.
    """

    parameters: int = 0
    conv_madds: int = 0
    linear_madds: int = 0
    elementwise: int = 0
    pool: int = 0
    activation_bytes: int = 0
    peak_bytes: int = 0
    depthwise_madds: int = 0

    @property
    def madds(self) -> int:
        """Multiply-adds as MobileNet papers count them: convolutions and linear layers."""
        return self.conv_madds + self.linear_madds


@dataclass(frozen=True, slots=True)
class Row:
    """One block, or one operation of the head, with what it costs."""

    index: int
    kind: str
    in_shape: Shape
    out_shape: Shape
    cost: Cost


@dataclass(frozen=True)
class NetCost:
    """A whole network, and row by row."""

    total: Cost
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """A block or head on one input shape, counted once and kept.

    Attributes:
        cost: What it costs.
        out: Shape of its output.
        points: Shape of each point.
        rows: A head's operations.
    """

    cost: Cost
    out: Shape
    points: dict[Point, Shape] = field(compare=False)
    rows: tuple[Row, ...] = ()


def count(spec: NetSpec) -> NetCost:
    """Count every block and the head's operations.

    Raises:
        SpecError: A block is not legal where it stands; the message names it.
    """
    parts, head = count_parts(spec)
    shapes = [input_shape(spec)] + [part.out for part in parts]
    rows = [
        Row(index, block.kind, shapes[index], part.out, part.cost)
        for index, (block, part) in enumerate(zip(spec.blocks, parts, strict=True))
    ]
    rows += [Row(len(rows) + n, row.kind, row.in_shape, row.out_shape, row.cost) for n, row in enumerate(head.rows)]
    return NetCost(_total(spec, parts, head), tuple(rows))


def count_total(spec: NetSpec) -> Cost:
    """The whole network's cost alone: what searches call thousands of times a second."""
    return _total(spec, *count_parts(spec))


def count_parts(spec: NetSpec) -> tuple[list[Counted], Counted]:
    """Every block, and the head, as the caches hold them: equal blocks on equal shapes are one object.

    Raises:
        SpecError: A block is not legal where it stands; the message names it.
    """
    shape = input_shape(spec)
    parts: list[Counted] = []
    for index, block in enumerate(spec.blocks):
        try:
            part = _count_block(block, shape, spec.padding)
        except SpecError as error:
            raise SpecError(f"{spec.name}: block {index} ({block.kind}): {error}") from None
        parts.append(part)
        shape = part.out
    return parts, _count_head(spec.head, tap_shapes(spec, parts), spec.num_classes, spec.padding)


def tap_shapes(spec: NetSpec, parts: Sequence[Counted]) -> tuple[Shape, ...]:
    """Shapes of what the head reads.

    Args:
        spec: The network.
        parts: Its blocks, counted.
    """
    return tuple(_tap_shape(spec, parts, tap) for tap in spec.head.taps)


def _total(spec: NetSpec, parts: Sequence[Counted], head: Counted) -> Cost:
    """Sums, with the peak over all blocks; a tapped value stays in memory until the head has read it."""
    parameters = conv = linear = elementwise = pool = activation = peak = depthwise = 0
    held = [0] * (len(parts) + 1)
    for tap in spec.head.taps:
        index = tap.block % len(parts)
        if tap.point is not Point.INPUT and (index < len(parts) - 1 or tap.point is not Point.OUTPUT):
            held[index + 1] += _BYTES * prod(parts[index].points[tap.point])
    extra = 0
    for kept, part in zip(held, (*parts, head), strict=True):
        extra += kept
        cost = part.cost
        parameters += cost.parameters
        conv += cost.conv_madds
        linear += cost.linear_madds
        elementwise += cost.elementwise
        pool += cost.pool
        activation += cost.activation_bytes
        depthwise += cost.depthwise_madds
        peak = max(peak, cost.peak_bytes + (extra if part is not head else 0))
    return Cost(parameters, conv, linear, elementwise, pool, activation, peak, depthwise)


def input_shape(spec: NetSpec) -> Shape:
    """Channels, height and width of a picture."""
    return (spec.in_channels, *spec.resolution)


def _tap_shape(spec: NetSpec, parts: Sequence[Counted], tap: Tap) -> Shape:
    points = parts[tap.block].points
    if tap.point not in points:
        block = tap.block % len(parts)
        raise SpecError(
            f"{spec.name}: head ({spec.head.kind}): block {block} has no point {tap.point.value!r}; "
            f"choices: {', '.join(sorted(points))}"
        )
    return points[tap.point]


@lru_cache(maxsize=200_000)
def _count_block(block: Block, shape: Shape, padding: Padding) -> Counted:
    t = Trace(padding=padding)
    x = t.open(*shape)
    t.mark(Point.INPUT, x)
    made = t.mark(Point.OUTPUT, block.trace(t, x))
    points = {point: _shape(value) for point, value in t.points.items()}
    return Counted(_cost(t.operations, (x,)), (made.channels, made.height, made.width), points)


@lru_cache(maxsize=20_000)
def _count_head(head: Head, taps: tuple[Shape, ...], num_classes: int, padding: Padding) -> Counted:
    t = Trace(padding=padding)
    inputs = tuple(t.open(*shape) for shape in taps)
    made = head.trace(t, inputs, num_classes)
    rows = tuple(
        Row(0, type(o).__name__.lower(), _shape(o.inputs[0]), _shape(o.output), _cost([o], o.inputs))
        for o in t.operations
        if o.tensors() or o.work() != Work()
    )
    return Counted(_cost(t.operations, inputs), _shape(made[0]), {}, rows)


def _shape(value: Value) -> Shape:
    return (value.channels, value.height, value.width)


def _cost(operations: Sequence[Operation], inputs: tuple[Value, ...]) -> Cost:
    works = [operation.work() for operation in operations]
    return Cost(
        parameters=sum(t.size for operation in operations for t in operation.tensors() if t.learned),
        conv_madds=sum(work.conv for work in works),
        linear_madds=sum(work.linear for work in works),
        elementwise=sum(work.elementwise for work in works),
        pool=sum(work.pool for work in works),
        activation_bytes=_BYTES * sum(_made(operation) for operation in operations),
        peak_bytes=_BYTES * _peak(operations, inputs),
        depthwise_madds=sum(work.depthwise for work in works),
    )


def _made(operation: Operation) -> int:
    """Elements that an operation writes in inference, where a dropout is its input."""
    return 0 if isinstance(operation, Dropout) else operation.output.size


def _read(operation: Operation) -> tuple[Value, ...]:
    """What must be in memory; of a size to be met nothing must."""
    if isinstance(operation, Anchored):
        return operation.inputs[:-1]
    return operation.inputs[:1] if isinstance(operation, Resize) else operation.inputs


def _peak(operations: Sequence[Operation], inputs: tuple[Value, ...]) -> int:
    """Most elements alive at once when each value is freed after its last reader."""
    last = {value.index: step for step, operation in enumerate(operations) for value in _read(operation)}
    sizes = {value.index: value.size for value in inputs if value.index in last}
    peak = sum(sizes.values())
    for step, operation in enumerate(operations):
        sizes[operation.output.index] = _made(operation)
        if isinstance(operation, Dropout):
            sizes[operation.output.index] = sizes.pop(operation.inputs[0].index)
        peak = max(peak, sum(sizes.values()))
        for value in _read(operation):
            if last[value.index] == step:
                sizes.pop(value.index, None)
    return peak
