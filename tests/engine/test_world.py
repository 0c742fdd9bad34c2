"""Several processes give what one gives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgesmith.engine.evaluate import eager, evaluate
from edgesmith.engine.world import World, find_world
from edgesmith.nn.sync import plain_norms_, sync_norms_
from tests.engine import dense_parts as dense
from tests.engine.rank_worker import NUM_SCORED, TASK, batch, net_with, scored_batches, share_of
from tests.engine.sets import toy_net
from tests.ranks import run_ranks


@dataclass(frozen=True)
class Group:
    """What some processes left."""

    size: int
    folder: Path

    def facts(self, rank: int) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"facts-{rank}.json").read_text()))

    def gradients(self, name: str, rank: int) -> dict[str, Tensor]:
        return dict(torch.load(self.folder / f"{name}-{rank}.pt", weights_only=True))


@pytest.fixture(scope="module", params=[2, pytest.param(3, marks=pytest.mark.slow)])
def group(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Group:
    """Processes that trained a step and scored together, by gloo."""
    size, folder = request.param, tmp_path_factory.mktemp("ranks")
    run_ranks("tests.engine.rank_worker", folder, size)
    return Group(size, folder)


def accumulated(norm: str, count: int, parts: int) -> tuple[dict[str, Tensor], float]:
    """One process on the same parts, one after the other."""
    net, whole, total = net_with(norm).train(), batch(count), 0.0
    for rank in range(parts):
        part = share_of(whole, rank, parts)
        loss = TASK.loss(net(part.images), part.targets) * (len(part.images) / count)
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}, total


@pytest.mark.parametrize("count", [8, 7])
@pytest.mark.parametrize(("norm", "by_parts"), [("live", True), ("frozen", False)])
def test_gradients_are_those_of_one_process(group: Group, norm: str, by_parts: bool, count: int) -> None:
    """With live norms on the same parts by accumulation; with frozen ones on the whole batch at once."""
    wanted, loss = accumulated(norm, count, group.size if by_parts else 1)
    for rank in range(group.size):
        found = group.gradients(f"{norm}-{count}", rank)
        assert found.keys() == wanted.keys()
        for name, gradient in wanted.items():
            torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-6)
        assert group.facts(rank)[f"{norm}-{count}"] == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("task", dense.PARTS)
def test_gradients_of_losses_that_count_boxes_or_pixels_are_those_of_the_whole_batch(group: Group, task: str) -> None:
    """The parts have unlike numbers of both, so that their means do not average to the mean."""
    net, whole = dense.frozen_net(task).train(), dense.dense_batch(task, dense.BATCH)
    loss = dense.PARTS[task].task.loss(net(whole.images), whole.targets)
    loss.backward()  # type: ignore[no-untyped-call]
    wanted = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    assert max(float(gradient.abs().max()) for gradient in wanted.values()) > 1e-3
    for rank in range(group.size):
        found = group.gradients(task, rank)
        assert found.keys() == wanted.keys()
        for name, gradient in wanted.items():
            torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-6)
        assert group.facts(rank)[task] == pytest.approx(float(loss.detach()), rel=1e-5)


@pytest.mark.parametrize(("task", "figure"), [("segmentation", "miou"), ("detection", "map")])
def test_case_x1_boxes_and_masks_are_scored_once_whatever_the_number_of_processes(
    group: Group, task: str, figure: str
) -> None:
    alone = evaluate(dense.predictor(task), dense.scored_batches(task), dense.PARTS[task].task)
    assert 0.1 < alone.metrics[figure] < 0.9
    for rank in range(group.size):
        facts = group.facts(rank)[f"{task}-metrics"]
        assert facts.pop("num_images") == alone.num_images == dense.NUM_SCORED
        assert facts == json.loads(json.dumps(alone.metrics))


def test_case_x1_every_picture_is_scored_once_whatever_the_number_of_processes(group: Group) -> None:
    alone = evaluate(eager(toy_net().eval()), scored_batches(), TASK)
    assert alone.num_images == NUM_SCORED
    for rank in range(group.size):
        facts = group.facts(rank)
        assert facts["num_images"] == NUM_SCORED
        assert facts["metrics"] == json.loads(json.dumps(alone.metrics))


def test_a_place_is_read_from_torchruns_variables() -> None:
    assert find_world({}) == World()
    found = find_world({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"})
    assert (found.rank, found.size, found.num_nodes, found.is_first) == (5, 8, 2, False)


def test_alone_nothing_is_sent() -> None:
    world = World()
    assert world.gather("x") == ["x"]
    assert world.from_first(3) == 3
    assert float(world.total(torch.tensor(2.0))) == 2.0


def test_synchronised_norms_are_the_same_tensors_and_come_back() -> None:
    net = toy_net()
    before = net.state_dict(keep_vars=True)
    images = torch.randn(2, 3, 8, 8)
    answers = net.eval()(images)
    assert sync_norms_(net) == 1
    assert any(isinstance(module, nn.SyncBatchNorm) for module in net.modules())
    assert all(tensor is before[name] for name, tensor in net.state_dict(keep_vars=True).items())
    assert plain_norms_(net) == 1
    torch.testing.assert_close(net.eval()(images), answers)
