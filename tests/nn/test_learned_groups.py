from __future__ import annotations

from typing import Any

import pytest
import torch

from edgesmith.arch.edits.condense import condensed, learnable
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import Net, build
from edgesmith.nn.learned_groups import MaskedMatrix, condense_, group_lasso, learned_matrices
from edgesmith.weights.condense import condense
from tests.nn.nets import calibrate, pictures, relative_difference

NAMES = ["condensenet_cifar@depth=20", "condensenet_74@resolution=64,classes=10"]


def learned_net(name: str = NAMES[0]) -> Net:
    return calibrate(build(learnable(find(name))), size=32)


def first_matrix(net: Net) -> MaskedMatrix:
    return learned_matrices(net)[0]


def test_learnable_and_condensed_are_inverse() -> None:
    for name in NAMES:
        spec = find(name)
        assert condensed(learnable(spec)) == spec
        assert learnable(spec) != spec
    assert learnable(find("mobilenet_v2")) == find("mobilenet_v2")


@pytest.mark.parametrize(("progress", "stage"), [(0.0, 0), (0.16, 0), (1 / 6, 1), (0.34, 2), (0.5, 3), (1.0, 3)])
def test_drops_are_spread_over_the_first_half(progress: float, stage: int) -> None:
    """With a condensation of 4, drop i is made at i / 6 of the run."""
    net = learned_net()
    condense_(learned_matrices(net), progress)
    assert {matrix.stage for matrix in learned_matrices(net)} == {stage}
    kept = first_matrix(net).mask.sum(1)
    assert set(kept.tolist()) == {16 - 4 * stage}


def test_the_least_important_inputs_of_each_group_are_dropped_and_never_return() -> None:
    matrix = first_matrix(learned_net())
    importance = matrix.weight.detach().view(-1, 4, 16).abs().sum(0)
    matrix.condense_(1)
    for group in range(4):
        dropped = (~matrix.mask[group]).nonzero().flatten()
        assert set(dropped.tolist()) == set(importance[group].argsort()[:4].tolist())
        assert torch.equal(matrix.mask[group], matrix.mask[group + 4])
    before = matrix.mask.clone()
    with torch.no_grad():
        matrix.weight[~before] = 100.0
    matrix.condense_(2)
    assert not (matrix.mask & ~before).any()
    assert set(matrix.mask.sum(1).tolist()) == {8}


def test_dropped_weights_get_no_gradient_and_no_lasso() -> None:
    net = learned_net()
    condense_(learned_matrices(net), 0.2)
    matrix = first_matrix(net)
    loss: Any = net(pictures(32, 32)).sum() + group_lasso(net)
    loss.backward()
    assert matrix.weight.grad is not None
    assert (matrix.weight.grad[~matrix.mask] == 0).all()
    condense_(learned_matrices(net), 0.5)
    assert group_lasso(net) == 0


def test_the_lasso_by_hand() -> None:
    """Two outputs in two groups read three inputs: each weight is a column of its own, so the sum of magnitudes."""
    matrix = first_matrix(learned_net())
    weight = matrix.weight.detach()
    columns = weight.view(-1, 4, 16).square().sum(0).sqrt()
    torch.testing.assert_close(matrix.group_lasso().detach(), columns.sum())


@pytest.mark.parametrize("name", NAMES)
def test_the_condensed_net_answers_the_same(name: str) -> None:
    net = learned_net(name)
    condense_(learned_matrices(net), 0.5)
    made = condense(net)
    assert made.spec == find(name)
    side = find(name).resolution[0]
    with torch.inference_mode():
        expected = net(pictures(side, side, count=3))
        assert expected.std() > 0.1
        assert relative_difference(made(pictures(side, side, count=3)), expected) < 1e-5


def test_a_net_that_has_not_dropped_everything_is_refused() -> None:
    net = learned_net()
    condense_(learned_matrices(net), 0.4)
    with pytest.raises(WeightsError, match="9 of 9 learned group convolutions have not dropped their inputs yet"):
        condense(net)


def test_a_net_without_learned_groups_is_left_as_it_is() -> None:
    net = build(find("mobilenet_v3_small@width=0.35"))
    assert condense(net) is net
