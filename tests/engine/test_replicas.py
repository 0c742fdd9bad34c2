"""Threads that share a step: seeded, and equal to one pass where the net sees single pictures only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from edgesmith.engine.plan import plan_run
from edgesmith.engine.replicas import Replicas, SeededDropout
from edgesmith.engine.step import prepare
from edgesmith.tasks.base import LossSum
from edgesmith.tasks.classification import Classification
from tests.engine import dense_parts as dense
from tests.engine.sets import CONFIG, ToyBatch, ToyLoader, toy_net

TASK = Classification(("dark", "bright"))


def objective(net: nn.Module, images: Tensor, targets: Tensor) -> Sequence[LossSum]:
    return (TASK.loss_sum(net(images), targets),)


def _batch(size: int) -> ToyBatch:
    return next(ToyLoader(num_images=size, batch_size=size).epoch(0))


def _gradients(net: nn.Module) -> Mapping[str, Tensor]:
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}


def _run(count: int, *, size: int = 8, step: int = 0, seed: int = 0) -> tuple[nn.Module, Mapping[str, Tensor]]:
    net, batch = toy_net(), _batch(size)
    Replicas(net, count=count, objective=objective).run(batch.images, batch.targets, seed=seed, step=step)
    return net, _gradients(net)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_same_step_has_the_same_bits_and_another_step_other_dropouts(count: int) -> None:
    (_, first), (_, again), (_, later) = _run(count), _run(count), _run(count, step=1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["6.weight"], later["6.weight"])


@pytest.mark.parametrize("task", dense.PARTS)
def test_losses_that_count_boxes_or_pixels_are_put_together_by_their_counts(task: str) -> None:
    """The parts have unlike numbers of both, so that their means do not average to the mean."""
    kind, whole = dense.PARTS[task].task, dense.dense_batch(task, dense.BATCH)
    net = dense.frozen_net(task).train()
    loss = kind.loss(net(whole.images), whole.targets)
    loss.backward()  # type: ignore[no-untyped-call]
    wanted, net = _gradients(net), dense.frozen_net(task)
    replicas = Replicas(net, count=3, objective=lambda each, x, targets: (kind.loss_sum(each(x), targets),))
    found = replicas.run(whole.images, whole.targets, seed=0, step=0)
    assert float(found) == pytest.approx(float(loss.detach()), rel=1e-5)
    parts = zip(whole.images.tensor_split(3), whole.targets.tensor_split(3), strict=True)
    by_pictures = sum(float(kind.loss(net(x), t).detach()) * len(x) for x, t in parts) / dense.BATCH
    assert abs(by_pictures - float(found)) > 1e-3, "weighted by pictures, the parts give another loss"
    for name, gradient in _gradients(net).items():
        torch.testing.assert_close(gradient, wanted[name], rtol=0, atol=1e-6)


def test_running_statistics_are_the_mean_over_the_parts() -> None:
    net, _ = _run(2)
    parts = []
    for images in _batch(8).images.tensor_split(2):
        alone = toy_net().train()
        alone(images)
        parts.append(alone.get_buffer("1.running_mean"))
    torch.testing.assert_close(net.get_buffer("1.running_mean"), torch.stack(parts).mean(dim=0))
    assert int(net.get_buffer("1.num_batches_tracked")) == 1


def test_small_batches_use_fewer_copies_so_that_every_part_has_two_pictures() -> None:
    (_, many), (_, one) = _run(4, size=3), _run(1, size=3)
    assert all(torch.equal(many[name], one[name]) for name in one)


def test_an_optimiser_step_reaches_every_copy() -> None:
    net, batch = toy_net(), _batch(8)
    replicas = Replicas(net, count=2, objective=objective)
    losses = []
    for step in range(30):
        losses.append(float(replicas.run(batch.images, batch.targets, seed=0, step=step)))
        with torch.no_grad():
            for parameter in net.parameters():
                assert parameter.grad is not None
                parameter.sub_(0.2 * parameter.grad)
    assert losses[-1] < 0.5 * losses[0]


def test_seeded_dropout_keeps_the_mean_and_passes_on_in_evaluation() -> None:
    dropout = SeededDropout(0.25)
    dropout.generator.manual_seed(0)
    x = torch.ones(20_000)
    dropped = dropout.train()(x)
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)
    assert dropout.eval()(x) is x


@pytest.mark.parametrize(("replicas", "inside"), [(1, 3), (2, 1)])
def test_operations_outside_the_replicas_leave_them_the_cores(replicas: int, inside: int) -> None:
    config = replace(CONFIG, replicas=replicas)
    updater = prepare(
        toy_net(),
        Classification(("dark", "bright")),
        plan_run(config, ToyLoader(), resolution=(8, 8)),
        device="cpu",
    )
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with updater.undisturbed():
            assert torch.get_num_threads() == inside
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_counters_of_the_net_reach_every_copy() -> None:
    """A resumed run puts them back into the net alone."""

    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = toy_net()
            self.register_buffer("offset", torch.tensor(0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answers: torch.Tensor = self.inner(x) * 0 + self.get_buffer("offset")
            return answers

    net, batch = Counted(), _batch(8)

    def mean(each: nn.Module, images: Tensor, _targets: Tensor) -> Sequence[LossSum]:
        answers = each(images)
        return (LossSum(answers.sum(), torch.tensor(float(answers.numel()))),)

    replicas = Replicas(net, count=2, objective=mean)
    net.get_buffer("offset").fill_(3)
    assert float(replicas.run(batch.images, batch.targets, seed=0, step=0)) == pytest.approx(3)
