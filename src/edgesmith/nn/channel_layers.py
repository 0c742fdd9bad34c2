"""Layers that move channels and compute nothing: shuffle, shift and pick."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgesmith.arch.operations import Pick, Shift, Shuffle
from edgesmith.arch.presets import Constants


class ChannelShuffle(nn.Module):
    """Channels seen as a table of ``groups`` rows, read column by column.

    Shape: ``(N, C, H, W) -> (N, C, H, W)``.
    Paper: ShuffleNet, section 3.1.
    """

    def __init__(self, operation: Shuffle, constants: Constants) -> None:
        super().__init__()
        self.groups = operation.groups

    def forward(self, x: Tensor) -> Tensor:
        """Transpose the table: on the last axis in eager mode, which keeps ``channels_last``, else where graphs do."""
        n, c, h, w = x.shape
        table = (self.groups, c // self.groups)
        if torch.compiler.is_exporting():
            return x.view(n, *table, h, w).transpose(1, 2).reshape(n, c, h, w)
        return x.permute(0, 2, 3, 1).reshape(n, h, w, *table).transpose(3, 4).reshape(n, h, w, c).permute(0, 3, 1, 2)


class ChannelShift(nn.Module):
    """Each channel moved by its own step, zeros coming in from outside; a depthwise filter with a single one does it.

    Channel ``c`` moves by ``(c mod k) - k // 2`` columns and ``(c // k) mod k - k // 2`` rows; the channels behind the
    last full set of ``k * k`` stay. The filter is the fastest of four ways on a CPU (benchmarks/shift.py), and is
    what every runtime knows.

    Shape: ``(N, C, H, W) -> (N, C, ceil(H / stride), ceil(W / stride))``.
    Paper: Shift, section 3; the assignment is that of the authors' kernel.
    """

    filters: Tensor

    def __init__(self, operation: Shift, constants: Constants) -> None:
        super().__init__()
        channels, k = operation.output.channels, operation.kernel_size
        filters = torch.zeros(channels, 1, k, k)
        for channel, (row, column) in enumerate(shift_steps(channels, k)):
            filters[channel, 0, k // 2 + row, k // 2 + column] = 1
        self.register_buffer("filters", filters.contiguous(memory_format=torch.channels_last), persistent=False)
        self.stride, self.dilation, self.padding = operation.stride, operation.dilation, operation.dilation * (k // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Move."""
        return F.conv2d(
            x, self.filters, stride=self.stride, padding=self.padding, dilation=self.dilation, groups=x.shape[1]
        )


class ChannelPick(nn.Module):
    """Channels by a stored index.

    Shape: ``(N, C, ...) -> (N, C', ...)``.
    """

    index: Tensor

    def __init__(self, operation: Pick, constants: Constants) -> None:
        super().__init__()
        first = torch.arange(operation.output.channels) % operation.inputs[0].channels
        self.register_buffer("index", first)

    def forward(self, x: Tensor) -> Tensor:
        """Gather along the channels; on the last axis in eager mode, which keeps ``channels_last``."""
        if x.dim() == 2 or torch.compiler.is_exporting():
            return x.index_select(1, self.index)
        return x.permute(0, 2, 3, 1).index_select(3, self.index).permute(0, 3, 1, 2)


def shift_steps(channels: int, kernel_size: int) -> list[tuple[int, int]]:
    """Rows and columns that each channel looks away by."""
    window, half = kernel_size * kernel_size, kernel_size // 2
    moved = channels // window * window
    steps = [((c // kernel_size) % kernel_size - half, c % kernel_size - half) for c in range(moved)]
    return steps + [(0, 0)] * (channels - moved)
