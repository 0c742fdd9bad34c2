"""A step's gradient is that of its nets trained one by one; its nets follow from seed and step alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from edgesmith.core.errors import UsageError
from edgesmith.search.supernet.active import Shells
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.sandwich import SandwichNet, SandwichTask
from tests.search.supernet.nets import TASK, lively, noise, tiny_space

FAMILY = Family(tiny_space())


def sandwich(*, random_nets: int = 2, seed: int = 0) -> SandwichNet:
    net = lively(FAMILY.spec)
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return SandwichNet(FAMILY, net, Draw(FAMILY), random_nets=random_nets, seed=seed).train()


def test_every_step_holds_the_largest_the_smallest_and_drawn_nets() -> None:
    net = sandwich()
    drawn = set()
    for step in range(20):
        net.at_(step / 20)
        assert net.points[0] == FAMILY.smallest
        assert len(net.points) == 3
        drawn |= set(net.points[1:])
    assert len(drawn) > 30
    assert len(net(noise())) == 4


def test_in_evaluation_it_is_the_largest_net() -> None:
    net = sandwich().eval()
    assert torch.equal(net(noise()), net.net(noise()))


def test_draws_follow_from_seed_and_share_alone() -> None:
    first, second, other = sandwich(seed=3), sandwich(seed=3), sandwich(seed=4)
    for share in (0.5, 0.25):
        for net in (first, second, other):
            net.at_(share)
        assert first.points == second.points != other.points


def test_a_copy_follows_the_original_and_has_weights_of_its_own() -> None:
    net = sandwich()
    twin = copy.deepcopy(net)
    net.at_(0.75)
    assert twin.points == net.points
    assert twin.training
    assert next(twin.parameters()).data_ptr() != next(net.parameters()).data_ptr()


def test_the_gradient_is_the_mean_of_those_of_the_nets_with_soft_labels_of_the_largest() -> None:
    net, images, targets = sandwich(), noise(8), torch.arange(8) % 2
    net.at_(0.5)
    answers = net(images)
    loss = SandwichTask(TASK).loss(answers, targets)
    torch.testing.assert_close(SandwichTask(TASK).loss_sum(answers, targets).mean(), loss)
    loss.backward()  # type: ignore[no-untyped-call]
    found = {name: parameter.grad for name, parameter in net.net.named_parameters()}

    twin = lively(FAMILY.spec).train()
    for module in twin.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    answers = twin(images)
    (F.cross_entropy(answers, targets) / 4).backward()  # type: ignore[no-untyped-call]
    labels = answers.detach().softmax(dim=1)
    shells, state = Shells(FAMILY), dict(twin.named_parameters()) | dict(twin.named_buffers())
    for point in net.points:
        (F.cross_entropy(shells.run(state, point, images), labels) / 4).backward()  # type: ignore[no-untyped-call]
    for name, parameter in twin.named_parameters():
        assert found[name] is not None, name
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-4, atol=1e-6)


def test_teachers_get_no_gradient_from_their_pupils() -> None:
    largest, pupil = torch.randn(4, 2, requires_grad=True), torch.randn(4, 2, requires_grad=True)
    hard = torch.autograd.grad(TASK.loss(largest, torch.tensor([0, 1, 0, 1])) / 2, largest)[0]
    SandwichTask(TASK).loss((largest, pupil), torch.tensor([0, 1, 0, 1])).backward()  # type: ignore[no-untyped-call]
    assert largest.grad is not None
    torch.testing.assert_close(largest.grad, hard)
    assert pupil.grad is not None
    assert pupil.grad.abs().sum() > 0


@pytest.mark.parametrize("labels", [0.0, 0.25, 1.0])
def test_pupils_learn_from_the_labels_as_far_as_asked(labels: float) -> None:
    largest, pupil, targets = torch.randn(4, 2), torch.randn(4, 2), torch.tensor([0, 1, 0, 1])
    soft, hard = F.cross_entropy(pupil, largest.softmax(dim=1)), F.cross_entropy(pupil, targets)
    expected = (F.cross_entropy(largest, targets) + (1 - labels) * soft + labels * hard) / 2
    torch.testing.assert_close(SandwichTask(TASK, labels=labels).loss((largest, pupil), targets), expected)


def test_a_share_of_labels_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="from 0 to 1, got 2"):
        SandwichTask(TASK, labels=2.0)


def test_a_task_with_another_answer_is_refused() -> None:
    with pytest.raises(UsageError, match="one row of logits a picture"):
        SandwichTask(TASK).loss((torch.zeros(1, 2, 4, 4),), torch.zeros(1))


def test_smaller_pictures_shrink_in_the_same_proportion_for_all_nets() -> None:
    family = Family(tiny_space(resolutions=(16, 32)))
    net = lively(family.spec)
    state = dict(net.named_parameters()) | dict(net.named_buffers())
    assert family.space.values(family.smallest)["resolution"] == 16
    sizes: list[tuple[int, ...]] = []
    shells = Shells(family)
    shell = shells._shell(family.smallest)
    shell.blocks[0].register_forward_pre_hook(lambda _module, inputs: sizes.append(tuple(inputs[0].shape)))
    shells.run(state, family.smallest, noise(4, 32))
    shells.run(state, family.smallest, noise(4, 24))
    assert [size[2:] for size in sizes] == [(16, 16), (12, 12)]
