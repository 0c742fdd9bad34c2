"""A teacher's answers in the student's terms, and what a student makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgesmith.core.errors import UsageError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.engine.config import DistillConfig
from edgesmith.engine.teacher import Teacher
from edgesmith.engine.train import train
from edgesmith.tasks.classification import Classification
from tests.engine.sets import CONFIG, SPEC, ToyLoader, toy_net

STUDENT = Preprocessing.for_resolution(8, 8)
OWN = Preprocessing(height=4, width=6, resize_short=7, mean=(0.5, 0.4, 0.3), std=(0.5, 0.25, 0.2))


class Seen(nn.Module):
    """Answers with the means of its channels, and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.empty(0)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        return x.mean(dim=(2, 3)) + self.bias


def test_it_sees_the_students_pictures_as_its_own_rule_scales_them() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), dtype=np.uint8)
    net = Seen()
    student = replace(STUDENT, height=4, width=6, resize_short=8)
    Teacher(net, rule=OWN, student=student, columns=(0, 1, 2))(torch.from_numpy(student.normalize(pixels)))
    torch.testing.assert_close(net.seen, torch.from_numpy(OWN.normalize(pixels)), rtol=1e-5, atol=1e-5)


def test_it_sees_them_at_its_own_resolution_and_answers_in_the_students_order() -> None:
    net = Seen()
    images = torch.ones(2, 3, 16, 16) * torch.tensor([1.0, 2.0, 3.0])[:, None, None]
    same = replace(STUDENT, height=4, width=6, resize_short=8)
    answers = Teacher(net, rule=same, student=STUDENT, columns=(2, 0))(images)
    assert net.seen.shape == (2, 3, 4, 6)
    torch.testing.assert_close(answers, torch.tensor([[3.0, 1.0]] * 2))
    assert not answers.requires_grad


def test_a_student_learns_what_its_teacher_says_though_the_labels_say_the_opposite() -> None:
    class Wrong(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            bright = 4 * x.mean(dim=(1, 2, 3))
            return torch.stack([bright, -bright], dim=1)  # bright pictures are class 1 by their labels

    rule = replace(STUDENT, resize_short=8)
    teacher = Teacher(Wrong(), rule=rule, student=rule, columns=(0, 1))
    config = replace(CONFIG, pictures=400, distill=DistillConfig(share=1.0))
    net, task = toy_net(), Classification(("dark", "bright"))
    train(net, task, ToyLoader(), config, spec=SPEC, resolution=(8, 8), device="cpu", teacher=teacher)
    bright = torch.randn(32, 3, 8, 8, generator=torch.Generator().manual_seed(1)) + 0.5
    assert (net(bright).argmax(dim=1) == 0).float().mean() > 0.9


@pytest.mark.parametrize(("share", "temperature"), [(0.0, 1.0), (1.1, 1.0), (0.5, 0.0)])
def test_settings_without_sense_are_refused(share: float, temperature: float) -> None:
    with pytest.raises(UsageError, match=r"distill\."):
        DistillConfig(share=share, temperature=temperature)
