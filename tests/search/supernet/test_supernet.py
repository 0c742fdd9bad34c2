"""Scores are of the net alone, whatever was scored before; a net that is handed out answers as it did inside."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import BudgetError, UsageError
from edgesmith.nn.build import build
from edgesmith.search.supernet.active import ActiveNet, settle_norms_
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.supernet import Supernet
from tests.search.supernet.nets import judge, lively, noise, points, tiny_space

SPACE = tiny_space()
FAMILY = Family(SPACE)


def supernet(family: Family = FAMILY) -> Supernet:
    return Supernet(family, lively(family.spec), judge(), Draw(family))


def test_case_a1_a_subnet_scored_again_after_another_scores_the_same() -> None:
    shared = supernet()
    first, second = points(SPACE, 2)
    before = {key: tensor.clone() for key, tensor in shared.net.state_dict().items()}
    figures = [shared.evaluate(point).metrics for point in (first, second, first)]
    assert figures[0] == figures[2] != figures[1]
    statistics = [shared.extract(point).state for point in (first, second, first)]
    assert all(torch.equal(tensor, statistics[2][key]) for key, tensor in statistics[0].items())
    assert all(torch.equal(tensor, before[key]) for key, tensor in shared.net.state_dict().items())
    assert not shared.net.training


def test_norm_statistics_are_the_plain_mean_of_the_batches_and_nothing_else() -> None:
    norm = torch.nn.BatchNorm2d(3)
    norm.running_mean = torch.full((3,), 100.0)
    batches = [noise(8, seed=seed) for seed in range(3)]
    settle_norms_(norm, batches)
    means = torch.stack([batch.mean(dim=(0, 2, 3)) for batch in batches]).mean(dim=0)
    variances = torch.stack([batch.var(dim=(0, 2, 3)) for batch in batches]).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, means)
    torch.testing.assert_close(norm.running_var, variances)
    assert norm.momentum == 0.1


def test_only_norms_train_while_statistics_are_estimated() -> None:
    modes: list[bool] = []
    norm, dropout = torch.nn.BatchNorm2d(3), torch.nn.Dropout(0.5)
    for module in (norm, dropout):
        module.register_forward_hook(lambda module, _inputs, _output: modes.append(module.training))
    net = torch.nn.Sequential(norm, dropout)
    settle_norms_(net, [noise(8)])
    assert modes == [True, False]
    assert not any(module.training for module in net.modules())


def test_no_calibration_pictures_are_refused() -> None:
    with pytest.raises(UsageError, match="at least one batch of training pictures"):
        settle_norms_(torch.nn.BatchNorm2d(3), [])


@pytest.mark.parametrize("point", points(SPACE, 3, seed=4))
def test_case_a5_an_extracted_subnet_answers_as_the_supernet_with_that_choice_active(point: tuple[int, ...]) -> None:
    shared = supernet()
    active, extract = shared.active(point), shared.extract(point)
    rebuilt = build(NetSpec.from_json(json.loads(json.dumps(extract.spec.to_json()))))
    rebuilt.load_state_dict(extract.state)
    images = noise(8)
    with torch.inference_mode():
        answers = rebuilt.eval()(images)
        assert torch.equal(answers, active(images))
        assert torch.equal(answers, extract.build()(images))
    assert answers.std() > 0.01
    assert SPACE.encode(extract.spec) == point


def test_an_extracted_net_has_memory_of_its_own() -> None:
    shared = supernet()
    (point,) = points(SPACE, 1)
    extract = shared.extract(point)
    mine = {tensor.untyped_storage().data_ptr() for tensor in extract.state.values()}
    theirs = {tensor.untyped_storage().data_ptr() for tensor in shared.net.state_dict().values()}
    assert not mine & theirs
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in extract.state.values())


def test_pictures_of_the_largest_resolution_are_brought_to_the_nets_own() -> None:
    space = tiny_space(resolutions=(16, 32))
    family = Family(space)
    assert family.spec.resolution == (32, 32)
    small = next(point for point in points(space, 20) if space.values(point)["resolution"] == 16)
    active = ActiveNet(family, lively(family.spec).state_dict(), small, judge().calibration)
    means = noise(4, 32)
    half = torch.nn.functional.interpolate(means, size=(16, 16), mode="bilinear", antialias=True)
    with torch.inference_mode():
        torch.testing.assert_close(active(means), active(half), rtol=0, atol=1e-6)
        assert active(noise(4, 24)).shape == (4, 2)


def test_nets_above_a_limit_are_neither_drawn_nor_scored() -> None:
    limit = 7000
    sizes = sorted(count_total(SPACE.decode(point)).parameters for point in points(SPACE, 200))
    assert sizes[0] < limit < sizes[100]
    shared = Supernet(
        FAMILY, lively(FAMILY.spec), judge(), Draw(FAMILY, lambda spec: count_total(spec).parameters <= limit)
    )
    rng = np.random.default_rng(0)
    drawn = [shared.sample(rng) for _ in range(60)]
    assert max(count_total(shared.spec(point)).parameters for point in drawn) <= limit
    assert len(set(drawn)) > 20
    with pytest.raises(BudgetError, match="above the limit"):
        shared.score(FAMILY.largest)


def test_a_limit_that_few_nets_keep_still_finds_them_and_one_that_none_keeps_is_refused() -> None:
    smallest = count_total(SPACE.decode(FAMILY.smallest)).parameters
    tight = Draw(FAMILY, lambda spec: count_total(spec).parameters <= smallest)
    assert tight.point(np.random.default_rng(1)) == FAMILY.smallest
    with pytest.raises(BudgetError, match="not even the smallest net of tiny_space"):
        Draw(FAMILY, lambda spec: False)
