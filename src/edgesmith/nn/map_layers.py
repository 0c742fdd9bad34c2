"""Modules of operations on feature maps that dense heads are made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from edgesmith.arch.map_operations import Resize, WindowMean
from edgesmith.arch.presets import Constants


class WindowedMean(nn.Module):
    """Mean over windows, or over the whole map where there is no window or it does not fit.

    Shape: ``(N, C, H, W) -> (N, C, h, w)``.
    """

    def __init__(self, operation: WindowMean, constants: Constants) -> None:
        super().__init__()
        self.window, self.stride = operation.window, operation.stride

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        rows, columns = self.window
        if min(self.window) > 0 and x.shape[2] >= rows and x.shape[3] >= columns:
            return F.avg_pool2d(x, self.window, self.stride)
        return F.adaptive_avg_pool2d(x, 1)


class ResizeLike(nn.Module):
    """Bilinear resize to another tensor's height and width.

    Shape: ``(N, C, h, w), (N, _, H, W) -> (N, C, H, W)``.
    """

    def __init__(self, operation: Resize, constants: Constants) -> None:
        super().__init__()
        self.align_corners = operation.align_corners

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """Resize."""
        return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=self.align_corners)


class Product(nn.Module):
    """Element-wise product; the second may be one pixel a channel.

    Shape: ``(N, C, H, W), (N, C, H or 1, W or 1) -> (N, C, H, W)``.
    """

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """Multiply."""
        return x * gate
