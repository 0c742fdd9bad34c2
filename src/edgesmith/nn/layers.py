"""One module for each operation of `arch.operations`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgesmith.arch.names import Activation, GateKind, Padding, PoolKind
from edgesmith.arch.operations import Add, Convolution, Gate, Linear, Norm, Pool
from edgesmith.arch.presets import Constants

# In place: each follows a norm, a linear layer or a sum, whose output nobody else reads.
ACTIVATIONS: Final[Mapping[Activation, Callable[[], nn.Module]]] = MappingProxyType(
    {
        Activation.RELU: lambda: nn.ReLU(inplace=True),
        Activation.RELU6: lambda: nn.ReLU6(inplace=True),
        Activation.HARD_SWISH: lambda: nn.Hardswish(inplace=True),
        Activation.HARD_SIGMOID: lambda: nn.Hardsigmoid(inplace=True),
        Activation.SIGMOID: nn.Sigmoid,
    }
)

GATES: Final[Mapping[GateKind, Callable[[Tensor], Tensor]]] = MappingProxyType(
    {GateKind.HARD_SIGMOID: F.hardsigmoid, GateKind.SIGMOID: torch.sigmoid}
)


_FEW_PIXELS: Final = 16  # a smaller input than the network's own may leave one


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding: at stride 2 the odd pixel goes to the bottom and right.

    Shape: ``(N, C, H, W) -> (N, C', ceil(H / stride), ceil(W / stride))``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pad by the input's size, then convolve."""
        sides: list[int] = []
        for axis in (1, 0):  # F.pad begins with the last axis
            reach = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            size, stride = x.shape[2 + axis], self.stride[axis]
            total = max((-(-size // stride) - 1) * stride + reach - size, 0)
            sides += [total // 2, total - total // 2]
        return super().forward(F.pad(x, sides) if any(sides) else x)


class ConvNorm(nn.Sequential):
    """Convolution, batch norm, activation.

    Shape: ``(N, C, H, W) -> (N, C', H', W')``.
    """

    def __init__(self, operation: Convolution, constants: Constants) -> None:
        super().__init__()
        self.conv = _conv(operation)
        made = operation.output
        if operation.norm:
            kind = PooledNorm if made.height * made.width <= _FEW_PIXELS else nn.BatchNorm2d
            self.norm = kind(made.channels, eps=constants.norm_epsilon, momentum=constants.norm_momentum)
        append_activation_(self, operation.activation)


class SqueezeExcite(nn.Module):
    """Weigh each channel by a gate computed from all channels' means.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``.
    Paper: MobileNetV3, section 5.3.
    """

    def __init__(self, operation: Gate, constants: Constants) -> None:
        super().__init__()
        channels, narrow = operation.output.channels, operation.squeeze.channels
        self.squeeze = nn.Conv2d(channels, narrow, 1)
        self.excite = nn.Conv2d(narrow, channels, 1)
        self.activation = ACTIVATIONS[operation.activation]()
        self.gate = GATES[operation.kind]

    def forward(self, x: Tensor) -> Tensor:
        """Mean over pixels, narrow, activate, widen, gate, multiply."""
        gate = self.excite(self.activation(self.squeeze(F.adaptive_avg_pool2d(x, 1))))
        return x * self.gate(gate)


class NormActivation(nn.Sequential):
    """Batch norm and activation before a convolution.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``.
    """

    def __init__(self, operation: Norm, constants: Constants) -> None:
        super().__init__()
        self.norm = batch_norm(operation.output.channels, constants)
        append_activation_(self, operation.activation)


class LinearNorm(nn.Sequential):
    """Linear layer, norm if asked, activation over pooled features.

    Shape: ``(N, C) -> (N, C')``.
    """

    def __init__(self, operation: Linear, constants: Constants) -> None:
        super().__init__()
        channels = operation.output.channels
        self.linear = nn.Linear(operation.inputs[0].channels, channels, bias=not operation.norm)
        if operation.norm:
            self.norm = FeatureNorm(channels, eps=constants.norm_epsilon, momentum=constants.norm_momentum)
        append_activation_(self, operation.activation)


class FeatureNorm(nn.BatchNorm1d):
    """Batch norm over pooled features; a lone sample in training is normed by the running statistics.

    Shape: ``(N, C) -> (N, C)``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Norm by the batch, or by what was seen before where the batch is one picture."""
        if self.training and len(x) == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


class PooledNorm(nn.BatchNorm2d):
    """Batch norm over maps of few pixels; a lone one in training is normed by the running statistics.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Norm by the batch, or by what was seen before where the batch is one pixel."""
        if self.training and x[:, 0].numel() == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


class GlobalMean(nn.Module):
    """Mean over all pixels.

    Shape: ``(N, C, H, W) -> (N, C)``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Average, and drop the two axes."""
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


class Sum(nn.Module):
    """Sum of two values, then an activation; the second becomes the sum where nobody needs it afterwards.

    Shape: ``(N, C, H, W), (N, C, H, W) -> (N, C, H, W)``.
    """

    def __init__(self, operation: Add, constants: Constants) -> None:
        super().__init__()
        has_activation = operation.activation is not Activation.NONE
        self.activation = ACTIVATIONS[operation.activation]() if has_activation else None
        self.overwrites = operation.overwrites

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Add ``x`` to ``y``, in place if that may be."""
        total = y.add_(x) if self.overwrites else y + x
        return total if self.activation is None else self.activation(total)


class Concatenation(nn.Module):
    """Channels of all values behind one another.

    Shape: ``(N, C1, H, W), (N, C2, H, W), ... -> (N, C1 + C2 + ..., H, W)``.
    """

    def forward(self, *values: Tensor) -> Tensor:
        """Concatenate along the channels."""
        return torch.cat(values, dim=1)


def pool_layer(operation: Pool) -> nn.Module:
    """Windowed maximum or mean."""
    if operation.kind is PoolKind.MAX:
        return nn.MaxPool2d(operation.kernel_size, operation.stride, operation.pad, ceil_mode=operation.ceil)
    return nn.AvgPool2d(operation.kernel_size, operation.stride, operation.pad, ceil_mode=operation.ceil)


def append_activation_(layers: nn.Sequential, activation: Activation) -> None:
    """Put an activation behind a sequence of layers; none for ``NONE``."""
    if activation is not Activation.NONE:
        layers.add_module("activation", ACTIVATIONS[activation]())


def _conv(operation: Convolution) -> nn.Conv2d:
    kind = SameConv2d if operation.padding is Padding.SAME else nn.Conv2d
    half = operation.dilation * (operation.kernel_size - 1) // 2
    return kind(
        operation.inputs[0].channels,
        operation.output.channels,
        operation.kernel_size,
        stride=operation.stride,
        padding=half if operation.padding is Padding.SYMMETRIC else 0,
        dilation=operation.dilation,
        groups=operation.groups,
        bias=operation.bias,
    )


def batch_norm(channels: int, constants: Constants) -> nn.BatchNorm2d:
    """A batch norm over feature maps with the preset's constants."""
    return nn.BatchNorm2d(channels, eps=constants.norm_epsilon, momentum=constants.norm_momentum)
