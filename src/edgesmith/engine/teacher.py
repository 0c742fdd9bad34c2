"""A trained network that a smaller one learns from: it answers the very pictures that the student is shown.

Paper: "Distilling the Knowledge in a Neural Network" (Hinton et al., 2015); that teacher and student see the same crop,
mixed or not, is from "Knowledge distillation: A good teacher is patient and consistent" (Beyer et al., 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesmith.data.preprocessing import Preprocessing


class Teacher:
    """A frozen network that is asked in the student's terms: its pictures, its classes.

    Shape: ``(N, 3, h, w)`` of any size, scaled as the student's ``-> (N, classes)`` logits in the student's order.

    Args:
        net: Answers pictures of its own rule.
        rule: The teacher's: its resolution and scaling.
        student: The student's rule, by which the pictures that come are scaled.
        columns: For each of the student's classes its place among the teacher's logits.
    """

    def __init__(self, net: nn.Module, *, rule: Preprocessing, student: Preprocessing, columns: Sequence[int]) -> None:
        self._net = net.eval().requires_grad_(False)
        self._size = (rule.height, rule.width)
        (ours, our_offset), (theirs, their_offset) = rule.affine(), student.affine()
        gain = torch.from_numpy(ours / theirs)
        self._gain = gain[:, None, None]
        self._offset = (torch.from_numpy(our_offset) - torch.from_numpy(their_offset) * gain)[:, None, None]
        self._columns = torch.tensor(tuple(columns))

    def to_(self, device: torch.device) -> None:
        """Go where the student is."""
        self._net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
        self._gain, self._offset = self._gain.to(device), self._offset.to(device)
        self._columns = self._columns.to(device)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Logits of the student's classes for the student's pictures."""
        scaled = images * self._gain + self._offset
        if tuple(scaled.shape[-2:]) != self._size:
            scaled = F.interpolate(scaled, size=self._size, mode="bilinear", align_corners=False, antialias=True)
        answers: Tensor = self._net(scaled.contiguous(memory_format=torch.channels_last))
        return answers.index_select(1, self._columns)
