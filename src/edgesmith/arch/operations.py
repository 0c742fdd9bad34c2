"""The operations that block kinds are programs of.

Each names the tensors it holds, with the channel groups of every axis, and counts what it computes. Parameters,
multiply-adds, tied widths and the moving of weights are all derived from that; `nn` makes one module of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Protocol

from edgesmith.arch.names import Activation, GateKind, Padding, PoolKind

Groups = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """What runs between operations: a concatenation of channel groups, with a height and width in pixels."""

    index: int
    groups: Groups
    channels: int
    height: int
    width: int

    @property
    def size(self) -> int:
        """Number of elements for one picture."""
        return self.channels * self.height * self.width


@dataclass(frozen=True)
class Axis:
    """One axis of a tensor: its length, and the channel groups it runs over (none for a kernel's side)."""

    size: int
    groups: Groups = ()


@dataclass(frozen=True)
class TensorSpec:
    """A tensor that an operation holds; ``name`` is the key under the operation's own name."""

    name: str
    axes: tuple[Axis, ...]
    learned: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(axis.size for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class Work:
    """What an operation computes for one picture, in the four fields that publications add up differently.

    Convolutions and linear layers are counted in multiply-adds, element-wise operations by their outputs (an
    activation, a sum, a product; norms fold into convolutions and are not counted), pooling by its inputs.
    """

    conv: int = 0
    linear: int = 0
    elementwise: int = 0
    pool: int = 0


class Operation(Protocol):
    """One step of a block."""

    @property
    def name(self) -> str:
        """Name within the block: the prefix of its tensors."""

    @property
    def inputs(self) -> tuple[Value, ...]:
        """What it reads."""

    @property
    def output(self) -> Value:
        """What it makes."""

    def tensors(self) -> tuple[TensorSpec, ...]:
        """What it holds, in the order of a state dict."""

    def work(self) -> Work:
        """What it computes for one picture."""


@dataclass(frozen=True)
class Convolution:
    """Convolution, then norm, then activation; a depthwise one has as many groups as channels."""

    name: str
    inputs: tuple[Value]
    output: Value
    kernel_size: int
    stride: int
    dilation: int
    groups: int
    bias: bool
    norm: bool
    activation: Activation
    padding: Padding

    def tensors(self) -> tuple[TensorSpec, ...]:
        """Kernel, bias, and the norm's four tensors and counter."""
        source, out = self.inputs[0], channel_axis(self.output)
        fan_in = channel_axis(source) if self.groups == 1 else Axis(source.channels // self.groups)
        side = Axis(self.kernel_size)
        held = [TensorSpec("conv.weight", (out, fan_in, side, side))]
        if self.bias:
            held.append(TensorSpec("conv.bias", (out,)))
        return (*held, *(norm_tensors("norm.", out) if self.norm else ()))

    def work(self) -> Work:
        """Multiply-adds of the kernel, one operation an element for the activation."""
        fan_in = self.inputs[0].channels // self.groups
        has_activation = self.activation is not Activation.NONE
        return Work(conv=self.output.size * fan_in * self.kernel_size**2, elementwise=self.output.size * has_activation)


@dataclass(frozen=True)
class Gate:
    """Squeeze-and-excite: global mean, narrow, activate, widen, gate, multiply."""

    name: str
    inputs: tuple[Value]
    output: Value
    squeeze: Value
    kind: GateKind
    activation: Activation

    def tensors(self) -> tuple[TensorSpec, ...]:
        """The two biased 1x1 convolutions."""
        channels, narrow, one = channel_axis(self.output), channel_axis(self.squeeze), Axis(1)
        return (
            TensorSpec("squeeze.weight", (narrow, channels, one, one)),
            TensorSpec("squeeze.bias", (narrow,)),
            TensorSpec("excite.weight", (channels, narrow, one, one)),
            TensorSpec("excite.bias", (channels,)),
        )

    def work(self) -> Work:
        """The mean reads every element, the product writes every element."""
        wide, narrow = self.output.channels, self.squeeze.channels
        return Work(conv=2 * wide * narrow, elementwise=self.output.size + wide + narrow, pool=self.output.size)


@dataclass(frozen=True)
class Norm:
    """Batch norm that no convolution comes before, then an activation."""

    name: str
    inputs: tuple[Value]
    output: Value
    activation: Activation

    def tensors(self) -> tuple[TensorSpec, ...]:
        """The norm's four tensors and counter."""
        return norm_tensors("norm.", channel_axis(self.output))

    def work(self) -> Work:
        """The activation alone."""
        return Work(elementwise=self.output.size * (self.activation is not Activation.NONE))


@dataclass(frozen=True)
class Linear:
    """A linear layer over pooled features, biased or with a norm behind it, then an activation."""

    name: str
    inputs: tuple[Value]
    output: Value
    activation: Activation
    norm: bool

    def tensors(self) -> tuple[TensorSpec, ...]:
        """Weight, then bias or norm."""
        out = channel_axis(self.output)
        weight = TensorSpec("linear.weight", (out, channel_axis(self.inputs[0])))
        return (weight, *(norm_tensors("norm.", out) if self.norm else (TensorSpec("linear.bias", (out,)),)))

    def work(self) -> Work:
        """Multiply-adds of the matrix."""
        has_activation = self.activation is not Activation.NONE
        return Work(
            linear=self.output.channels * self.inputs[0].channels, elementwise=self.output.channels * has_activation
        )


@dataclass(frozen=True)
class Dropout:
    """Drops features in training, with the preset's probability."""

    name: str
    inputs: tuple[Value]
    output: Value

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()

    def work(self) -> Work:
        """Nothing in inference."""
        return Work()


@dataclass(frozen=True)
class Pool:
    """Windowed pooling; ``ceil`` rounds the output's size up, as Caffe does."""

    name: str
    inputs: tuple[Value]
    output: Value
    kind: PoolKind
    kernel_size: int
    stride: int
    pad: int
    ceil: bool

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()

    def work(self) -> Work:
        """One operation for each element of each window."""
        return Work(pool=self.output.size * self.kernel_size**2)


@dataclass(frozen=True)
class GlobalPool:
    """Mean over all pixels."""

    name: str
    inputs: tuple[Value]
    output: Value

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()

    def work(self) -> Work:
        """Reads every element once."""
        return Work(pool=self.inputs[0].size)


@dataclass(frozen=True)
class Add:
    """Element-wise sum of two values of one shape, then an activation; it may take the place of the second."""

    name: str
    inputs: tuple[Value, Value]
    output: Value
    activation: Activation
    overwrites: bool

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()

    def work(self) -> Work:
        """The sum, and the activation if there is one."""
        return Work(elementwise=self.output.size * (1 + (self.activation is not Activation.NONE)))


@dataclass(frozen=True)
class Concatenate:
    """Channels of all inputs behind one another."""

    name: str
    inputs: tuple[Value, ...]
    output: Value

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()

    def work(self) -> Work:
        """Moves data, computes nothing."""
        return Work()


@dataclass(frozen=True)
class Shuffle:
    """Channels seen as a table of ``groups`` rows, read column by column."""

    name: str
    inputs: tuple[Value]
    output: Value
    groups: int

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()

    def work(self) -> Work:
        """Moves data, computes nothing."""
        return Work()


@dataclass(frozen=True)
class Shift:
    """Each channel moved by its own step of pixels, then every ``stride``-th pixel."""

    name: str
    inputs: tuple[Value]
    output: Value
    kernel_size: int
    stride: int
    dilation: int

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()

    def work(self) -> Work:
        """Moves data, computes nothing."""
        return Work()


@dataclass(frozen=True)
class Pick:
    """Channels of the input by a stored index; one may be picked by several readers or by none."""

    name: str
    inputs: tuple[Value]
    output: Value

    def tensors(self) -> tuple[TensorSpec, ...]:
        """The index, which is not learned by gradients."""
        return (TensorSpec("index", (channel_axis(self.output),), learned=False),)

    def work(self) -> Work:
        """Moves data, computes nothing."""
        return Work()


@dataclass(frozen=True)
class LearnedGroups:
    """A 1x1 convolution, or a linear layer, that learns which inputs each of its groups keeps.

    In the end each keeps one input in ``condensation``. Output ``o`` belongs to group ``o mod groups``.
    """

    name: str
    inputs: tuple[Value]
    output: Value
    groups: int
    condensation: int
    norm: bool
    activation: Activation

    def tensors(self) -> tuple[TensorSpec, ...]:
        """The full matrix and its mask of zeros and ones, then bias or norm."""
        axes = (channel_axis(self.output), channel_axis(self.inputs[0]))
        rest = norm_tensors("norm.", axes[0]) if self.norm else ()
        bias = () if self.norm else (TensorSpec("matrix.bias", (axes[0],)),)
        return (TensorSpec("matrix.weight", axes), *bias, TensorSpec("matrix.mask", axes, learned=False), *rest)

    def work(self) -> Work:
        """Multiply-adds of the full matrix, which is what training computes."""
        madds = self.output.size * self.inputs[0].channels
        elementwise = self.output.size * (self.activation is not Activation.NONE)
        return Work(conv=madds * self.norm, linear=madds * (not self.norm), elementwise=elementwise)


def channel_axis(value: Value) -> Axis:
    """The axis that runs over a value's channels."""
    return Axis(value.channels, value.groups)


def norm_tensors(prefix: str, channels: Axis) -> tuple[TensorSpec, ...]:
    """Scale, shift and running statistics of a batch norm, in torch's order."""
    return (
        TensorSpec(f"{prefix}weight", (channels,)),
        TensorSpec(f"{prefix}bias", (channels,)),
        TensorSpec(f"{prefix}running_mean", (channels,), learned=False),
        TensorSpec(f"{prefix}running_var", (channels,), learned=False),
        TensorSpec(f"{prefix}num_batches_tracked", (), learned=False),
    )
