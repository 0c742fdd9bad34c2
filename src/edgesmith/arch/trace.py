"""Runs a kind's program and records its operations; channel groups are resolved on the way.

A value lists the groups that its channels come from. An operation that makes new channels opens a new group; one
that must agree with an earlier value (a residual's last convolution, a gate) is told to write into that value's
groups; a depthwise convolution keeps its input's; a concatenation lists its inputs'. Two widths are tied exactly
when they are the same group.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgesmith.arch.names import Activation, GateKind, Padding, Point, PoolKind
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
from edgesmith.arch.values import Operation, Value
from edgesmith.core.errors import SpecError


@dataclass
class Trace:
    """Collects operations, group sizes and points while programs run over it."""

    padding: Padding = Padding.SYMMETRIC
    group_sizes: list[int] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    points: dict[Point, Value] = field(default_factory=dict)
    num_values: int = 0

    def value(self, groups: tuple[int, ...], height: int, width: int) -> Value:
        """A new value over existing groups."""
        self.num_values += 1
        channels = sum(self.group_sizes[group] for group in groups)
        return Value(self.num_values - 1, groups, channels, height, width)

    def open(self, channels: int, height: int, width: int) -> Value:
        """A new value in a group of its own.

        Raises:
            SpecError: There is no channel.
        """
        if channels < 1:
            raise SpecError(f"a channel count must be at least 1, got {channels}")
        self.group_sizes.append(channels)
        return self.value((len(self.group_sizes) - 1,), height, width)

    def mark(self, point: Point, value: Value) -> Value:
        """Let taps listen to ``value`` under the name ``point``."""
        self.points[point] = value
        return value

    def conv(
        self,
        x: Value,
        out: int | Value,
        *,
        name: str,
        activation: Activation,
        kernel_size: int = 1,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
        norm: bool = True,
        padding: Padding | None = None,
        bias_start: float = 0.0,
    ) -> Value:
        """Convolution, norm, activation.

        Args:
            x: What is read.
            out: A width, which opens a new group, or a value whose groups are written into.
            name: Name of the operation within its block.
            activation: What follows the norm.
            kernel_size: Side of the filter in pixels.
            stride: Step of the filter in pixels.
            dilation: Distance between the filter's taps.
            groups: Number of groups that input and output channels are split into.
            bias: Whether the convolution has one.
            norm: Whether a batch norm follows.
            padding: The border's rule; the network's own by default.
            bias_start: What the bias begins with.

        Raises:
            SpecError: Channels do not divide into the groups, or the filter does not fit.
        """
        padding = self.padding if padding is None else padding
        _check_filter(name, kernel_size, stride, dilation, groups, padding)
        height, width = (conv_size(n, kernel_size, stride, dilation, padding) for n in (x.height, x.width))
        made = self.open(out, height, width) if isinstance(out, int) else self.value(out.groups, height, width)
        if x.channels % groups or made.channels % groups:
            raise SpecError(f"{name}: {x.channels} -> {made.channels} channels do not divide into {groups} groups")
        self.operations.append(
            Convolution(
                name, (x,), made, kernel_size, stride, dilation, groups, bias, norm, activation, padding, bias_start
            )
        )
        return made

    def depthwise(
        self, x: Value, *, name: str, kernel_size: int, stride: int, activation: Activation, dilation: int = 1
    ) -> Value:
        """One filter a channel; the output keeps the input's groups."""
        return self.conv(
            x,
            x,
            name=name,
            activation=activation,
            kernel_size=kernel_size,
            stride=stride,
            dilation=dilation,
            groups=x.channels,
        )

    def gate(
        self,
        x: Value,
        *,
        name: str,
        squeeze_channels: int,
        kind: GateKind,
        activation: Activation = Activation.RELU,
    ) -> Value:
        """Squeeze-and-excite over ``x``; the output keeps its groups."""
        squeeze = self.open(squeeze_channels, 1, 1)
        made = self.value(x.groups, x.height, x.width)
        self.operations.append(Gate(name, (x,), made, squeeze, kind, activation))
        return made

    def norm(self, x: Value, *, name: str, activation: Activation) -> Value:
        """Norm and activation before a convolution."""
        made = self.value(x.groups, x.height, x.width)
        self.operations.append(Norm(name, (x,), made, activation))
        return made

    def linear(self, x: Value, out: int, *, name: str, activation: Activation, norm: bool = False) -> Value:
        """Linear layer over pooled features: biased, or with a norm behind it."""
        made = self.open(out, 1, 1)
        self.operations.append(Linear(name, (x,), made, activation, norm))
        return made

    def learned_groups(
        self,
        x: Value,
        out: int,
        *,
        name: str,
        groups: int,
        condensation: int,
        activation: Activation,
        norm: bool = True,
    ) -> Value:
        """1x1 convolution, or linear layer where ``norm`` is off, whose groups learn which inputs they keep.

        Raises:
            SpecError: Channels do not divide by the condensation and into the groups.
        """
        if x.channels % condensation or out % groups:
            raise SpecError(
                f"{name}: {x.channels} -> {out} channels do not divide by a condensation of {condensation} "
                f"and into {groups} groups"
            )
        made = self.open(out, x.height, x.width)
        self.operations.append(LearnedGroups(name, (x,), made, groups, condensation, norm, activation))
        return made

    def dropout(self, x: Value, *, name: str) -> Value:
        """Features dropped in training."""
        made = self.value(x.groups, x.height, x.width)
        self.operations.append(Dropout(name, (x,), made))
        return made

    def shuffle(self, x: Value, *, name: str, groups: int) -> Value:
        """Channels seen as a table of ``groups`` rows, read column by column; they stay in their groups.

        Raises:
            SpecError: Channels do not divide into the groups.
        """
        if x.channels % groups:
            raise SpecError(f"{name}: {x.channels} channels do not divide into {groups} groups")
        made = self.value(x.groups, x.height, x.width)
        self.operations.append(Shuffle(name, (x,), made, groups))
        return made

    def shift(self, x: Value, *, name: str, kernel_size: int, stride: int = 1, dilation: int = 1) -> Value:
        """Each channel moved by its own step within a window of ``kernel_size``."""
        _check_filter(name, kernel_size, stride, dilation, 1, Padding.SYMMETRIC)
        made = self.value(x.groups, -(-x.height // stride), -(-x.width // stride))
        self.operations.append(Shift(name, (x,), made, kernel_size, stride, dilation))
        return made

    def pick(self, x: Value, channels: int, *, name: str) -> Value:
        """Channels by a stored index: a group of its own, since an input may be picked twice or never."""
        made = self.open(channels, x.height, x.width)
        self.operations.append(Pick(name, (x,), made))
        return made

    def pool(
        self, x: Value, *, name: str, kind: PoolKind, kernel_size: int, stride: int, pad: int = 0, ceil: bool = False
    ) -> Value:
        """Windowed pooling."""
        height, width = (pool_size(n, kernel_size, stride, pad, ceil=ceil) for n in (x.height, x.width))
        made = self.value(x.groups, height, width)
        self.operations.append(Pool(name, (x,), made, kind, kernel_size, stride, pad, ceil))
        return made

    def global_pool(self, x: Value, *, name: str) -> Value:
        """Mean over all pixels."""
        made = self.value(x.groups, 1, 1)
        self.operations.append(GlobalPool(name, (x,), made))
        return made

    def add(self, x: Value, y: Value, *, name: str, activation: Activation = Activation.NONE) -> Value:
        """Sum of two values of the same groups and size; a convolution's bare output ``y`` is overwritten.

        Raises:
            SpecError: Groups or sizes differ.
        """
        if (x.groups, x.height, x.width) != (y.groups, y.height, y.width):
            raise SpecError(f"{name}: cannot add {shape_text(x)} and {shape_text(y)}")
        made = self.value(y.groups, y.height, y.width)
        self.operations.append(Add(name, (x, y), made, activation, self._is_bare(y)))
        return made

    def _is_bare(self, value: Value) -> bool:
        """Whether a convolution without an activation has just made it: no gradient needs it."""
        last = self.operations[-1] if self.operations else None
        return isinstance(last, Convolution) and last.output is value and last.activation is Activation.NONE

    def concatenate(self, *values: Value, name: str) -> Value:
        """Channels of all values behind one another.

        Raises:
            SpecError: Sizes differ.
        """
        if len({(v.height, v.width) for v in values}) > 1:
            raise SpecError(f"{name}: cannot concatenate {', '.join(shape_text(v) for v in values)}")
        groups = tuple(group for v in values for group in v.groups)
        made = self.value(groups, values[0].height, values[0].width)
        self.operations.append(Concatenate(name, values, made))
        return made


def _check_filter(name: str, kernel_size: int, stride: int, dilation: int, groups: int, padding: Padding) -> None:
    if min(kernel_size, stride, dilation, groups) < 1:
        raise SpecError(
            f"{name}: kernel, stride, dilation and groups must be at least 1, "
            f"got {kernel_size}, {stride}, {dilation}, {groups}"
        )
    if kernel_size % 2 == 0 and padding is Padding.SYMMETRIC:
        raise SpecError(f"{name}: an even kernel of {kernel_size} cannot be padded symmetrically; use an odd one")


def conv_size(size: int, kernel_size: int, stride: int, dilation: int, padding: Padding) -> int:
    """Side of a convolution's output, in pixels.

    Raises:
        SpecError: The filter is larger than the padded input.
    """
    if padding is not Padding.VALID:
        return -(-size // stride)
    reach = dilation * (kernel_size - 1) + 1
    if size < reach:
        raise SpecError(f"a {kernel_size}x{kernel_size} filter does not fit into {size} pixels")
    return (size - reach) // stride + 1


def pool_size(size: int, kernel_size: int, stride: int, pad: int, *, ceil: bool) -> int:
    """Side of a pooling's output, in pixels; a window may not begin in the padding, as in torch.

    Raises:
        SpecError: The window is larger than the padded input.
    """
    span = size + 2 * pad - kernel_size
    if span < 0:
        raise SpecError(f"a {kernel_size}x{kernel_size} window does not fit into {size} pixels")
    count = (-(-span // stride) if ceil else span // stride) + 1
    return count - 1 if ceil and (count - 1) * stride >= size + pad else count


def shape_text(value: Value) -> str:
    """``24x56x56`` for messages."""
    return f"{value.channels}x{value.height}x{value.width}"
