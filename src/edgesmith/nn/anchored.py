"""The end of a detector: the answers of all maps in one list, beside the boxes that they are relative to."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from edgesmith.arch.anchors import Grid, make_anchors
from edgesmith.arch.map_operations import Anchored
from edgesmith.arch.names import Scores
from edgesmith.arch.presets import Constants

LARGEST_LOG: Final = 4.135  # ln(1000 / 16), as torchvision has it: no overflow from nets that have learned nothing


class AnchoredAnswers(nn.Module):
    """The answers of all maps in one list.

    Shape: for each map ``(N, 4 k, H, W), (N, slots k, H, W)``, then the picture ``-> (N, A, 8 + slots)``, or decoded
    ``(N, A, 4 + slots)``.
    """

    anchors: Tensor

    def __init__(self, operation: Anchored, constants: Constants) -> None:
        super().__init__()
        self.scheme, self.scores, self.decoded = operation.scheme, operation.scores, operation.decoded
        self.slots = operation.output.channels - (4 if operation.decoded else 8)
        *maps, picture = operation.inputs
        grids = tuple((value.height, value.width) for value in maps[::2])
        self._made_for: tuple[tuple[Grid, ...], Grid] = (grids, (picture.height, picture.width))
        anchors = torch.tensor(make_anchors(self.scheme, *self._made_for))
        self.register_buffer("anchors", anchors, persistent=False)

    def forward(self, *values: Tensor) -> Tensor:
        """Arrange, and decode if asked."""
        *maps, picture = values
        offsets = torch.cat([_listed(x, 4) for x in maps[::2]], dim=1)
        logits = torch.cat([_listed(x, self.slots) for x in maps[1::2]], dim=1)
        anchors = self._anchors(maps[::2], picture)
        if not self.decoded:
            return torch.cat([offsets, anchors.expand(offsets.shape[0], -1, -1), logits], dim=2)
        scores = logits.sigmoid() if self.scores is Scores.SIGMOID else logits.softmax(dim=2)
        return torch.cat([decode_offsets(offsets, anchors), scores], dim=2)

    def _anchors(self, maps: list[Tensor], picture: Tensor) -> Tensor:
        """Those of the sizes at hand: another input has other maps, and so other boxes."""
        size = (picture.shape[2], picture.shape[3])
        grids = tuple((x.shape[2], x.shape[3]) for x in maps)
        if (grids, size) == self._made_for:
            return self.anchors[None]
        return picture.new_tensor(make_anchors(self.scheme, grids, size))[None]


def decode_offsets(offsets: Tensor, anchors: Tensor) -> Tensor:
    """Corners ``(..., 4)`` of boxes, as shares of the picture, cut at its borders.

    Args:
        offsets: ``(..., 4)``: ten times the shift of the centre in widths and heights of the anchor, five times the
            logarithm of the sides' ratios, as SSD's code has them.
        anchors: ``(..., 4)``: centre, width, height.
    """
    centres = offsets[..., :2] / 10 * anchors[..., 2:] + anchors[..., :2]
    sides = (offsets[..., 2:] / 5).clamp(max=LARGEST_LOG).exp() * anchors[..., 2:]
    return torch.cat([centres - sides / 2, centres + sides / 2], dim=-1).clamp(0, 1)


def encode_boxes(boxes: Tensor, anchors: Tensor) -> Tensor:
    """The offsets ``(..., 4)`` that decode to given corners; the reverse of `decode_offsets`."""
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=1e-6)
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    shifts = 10 * (centres - anchors[..., :2]) / anchors[..., 2:]
    return torch.cat([shifts, 5 * (sides / anchors[..., 2:]).log()], dim=-1)


def _listed(x: Tensor, width: int) -> Tensor:
    """``(N, k width, H, W) -> (N, H W k, width)``."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, width)
