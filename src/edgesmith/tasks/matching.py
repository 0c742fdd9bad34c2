"""Which of a detector's boxes stand for which objects, and what they should answer."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_iou

MATCHED_IOU = 0.5


def match(anchors: Tensor, boxes: Tensor) -> Tensor:
    """For every anchor the number of its object, or -1.

    An anchor stands for the object that it overlaps most, if by half at least; the best anchor of each object stands
    for it in any case.

    Paper: Liu et al., "SSD: Single Shot MultiBox Detector", section 2.2 (matching strategy).

    Args:
        anchors: ``(A, 4)``: centre, width, height.
        boxes: ``(K, 4)`` corners; ``K`` may be 0.

    Returns:
        ``(A,)`` int64.
    """
    if not len(boxes):
        return torch.full((len(anchors),), -1, dtype=torch.int64, device=anchors.device)
    corners = torch.cat([anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2], dim=1)
    overlaps: Tensor = box_iou(boxes, corners)
    best, places = overlaps.max(dim=0)
    places[best < MATCHED_IOU] = -1
    places[overlaps.argmax(dim=1)] = torch.arange(len(boxes), device=anchors.device)
    return places
