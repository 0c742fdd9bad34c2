"""The operations that block kinds are programs of.

Each names the tensors it holds, with the channel groups of every axis, and counts what it computes. Parameters,
multiply-adds, tied widths and the moving of weights are all derived from that; `nn` makes one module of each.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgesmith.arch.names import Activation, GateKind, Padding, PoolKind
from edgesmith.arch.values import Axis, TensorSpec, Value, Work, channel_axis, norm_tensors


class Bare:
    """An operation that holds no tensors."""

    def tensors(self) -> tuple[TensorSpec, ...]:
        """None."""
        return ()


class Moving:
    """An operation that moves data and computes nothing."""

    def work(self) -> Work:
        """Nothing."""
        return Work()


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
    bias_start: float = 0.0

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
        madds = self.output.size * fan_in * self.kernel_size**2
        depthwise = self.groups > 1 and fan_in == 1
        return Work(conv=madds, elementwise=self.output.size * has_activation, depthwise=madds * depthwise)


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
class Dropout(Bare, Moving):
    """Drops features in training, with the preset's probability."""

    name: str
    inputs: tuple[Value]
    output: Value


@dataclass(frozen=True)
class Pool(Bare):
    """Windowed pooling; ``ceil`` rounds the output's size up, as Caffe does."""

    name: str
    inputs: tuple[Value]
    output: Value
    kind: PoolKind
    kernel_size: int
    stride: int
    pad: int
    ceil: bool

    def work(self) -> Work:
        """One operation for each element of each window."""
        return Work(pool=self.output.size * self.kernel_size**2)


@dataclass(frozen=True)
class GlobalPool(Bare):
    """Mean over all pixels."""

    name: str
    inputs: tuple[Value]
    output: Value

    def work(self) -> Work:
        """Reads every element once."""
        return Work(pool=self.inputs[0].size)


@dataclass(frozen=True)
class Add(Bare):
    """Element-wise sum of two values of one shape, then an activation; it may take the place of the second."""

    name: str
    inputs: tuple[Value, Value]
    output: Value
    activation: Activation
    overwrites: bool

    def work(self) -> Work:
        """The sum, and the activation if there is one."""
        return Work(elementwise=self.output.size * (1 + (self.activation is not Activation.NONE)))


@dataclass(frozen=True)
class Concatenate(Bare, Moving):
    """Channels of all inputs behind one another."""

    name: str
    inputs: tuple[Value, ...]
    output: Value


@dataclass(frozen=True)
class Shuffle(Bare, Moving):
    """Channels seen as a table of ``groups`` rows, read column by column."""

    name: str
    inputs: tuple[Value]
    output: Value
    groups: int


@dataclass(frozen=True)
class Shift(Bare, Moving):
    """Each channel moved by its own step of pixels, then every ``stride``-th pixel."""

    name: str
    inputs: tuple[Value]
    output: Value
    kernel_size: int
    stride: int
    dilation: int


@dataclass(frozen=True)
class Pick(Moving):
    """Channels of the input by a stored index; one may be picked by several readers or by none."""

    name: str
    inputs: tuple[Value]
    output: Value

    def tensors(self) -> tuple[TensorSpec, ...]:
        """The index, which is not learned by gradients."""
        return (TensorSpec("index", (channel_axis(self.output),), learned=False),)


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
