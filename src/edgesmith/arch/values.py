"""What runs between operations, what they hold, and what they cost: the words that operations are written in."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Protocol

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
    activation, a sum, a product; norms fold into convolutions and are not counted), pooling by its inputs. Those of
    depthwise convolutions are counted a second time by themselves: they wait for memory, the others for arithmetic.
    """

    conv: int = 0
    linear: int = 0
    elementwise: int = 0
    pool: int = 0
    depthwise: int = 0


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
