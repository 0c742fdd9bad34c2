"""One step happens whole or leaves no trace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import RunError
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.health import DivergedError
from edgesmith.engine.plan import plan_run
from edgesmith.engine.step import Updater, prepare
from edgesmith.engine.train import train
from edgesmith.nn.build import build
from edgesmith.tasks.classification import Classification
from tests.engine.sets import CONFIG, ToyLoader, run, toy_net

TASK = Classification(("dark", "bright"))


class SpoiledGradient(nn.Module):
    """Passes values on; from the n-th training pass on, for some passes, gradients or values become infinite."""

    def __init__(self, *, first: int, count: int, forward: bool) -> None:
        super().__init__()
        self._range, self._forward = range(first, first + count), forward
        self._passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self._passes += self.training and torch.is_grad_enabled()
        if self._passes - 1 in self._range and self._forward:
            return x * math.inf
        if self._passes - 1 in self._range and x.requires_grad:
            x.register_hook(lambda gradient: gradient * math.inf)  # type: ignore[no-untyped-call]
        return x * 1


def _spoiled(*, first: int, count: int, forward: bool = False) -> nn.Module:
    """The toy net with a spoiler behind its norm, so that the norm's bias is the last to be finite."""
    net = toy_net()
    assert isinstance(net, nn.Sequential)
    net.insert(2, SpoiledGradient(first=first, count=count, forward=forward))
    return net


def _updater(net: nn.Module, config: TrainConfig = CONFIG) -> Updater:
    return prepare(net, TASK, plan_run(config, ToyLoader(), resolution=(8, 8)), device="cpu")


def _everything(updater: Updater) -> Mapping[str, Tensor]:
    """All that a step moves."""
    plan = plan_run(CONFIG, ToyLoader(), resolution=(8, 8))
    return {name: t.clone() for name, t in updater.state.capture(spec={}, plan=plan).tensors.items()}


def test_case_t7_an_infinite_gradient_at_step_five_is_skipped_and_counted() -> None:
    clean = run()
    result = run(net=_spoiled(first=5, count=1))
    assert result.skipped_steps == 1
    assert all(torch.isfinite(value).all() for value in result.weights.values())
    counts = [int(r.weights[name]) for r, name in ((clean, "1.num_batches_tracked"), (result, "1.num_batches_tracked"))]
    assert counts[1] == counts[0] - 1


def test_case_t7_a_skipped_step_leaves_no_trace() -> None:
    updater = _updater(_spoiled(first=1, count=1))
    first, second = list(ToyLoader().epoch(0))[:2]
    assert updater.run(first, rate=0.01) is not None
    before = _everything(updater)
    assert updater.run(second, rate=0.01) is None
    after = _everything(updater)
    assert set(after) == set(before)
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert (updater.state.step, updater.state.skipped_steps, updater.state.bad_steps_in_a_row) == (2, 1, 1)
    assert updater.run(second, rate=0.01) is not None
    assert updater.state.bad_steps_in_a_row == 0


def test_case_t7_too_many_in_a_row_stop_the_run_and_name_the_layer(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"at step 9: no finite .* in 3 steps in a row, first in 1\.bias; ") as caught:
        run(replace(CONFIG, max_bad_steps=3), net=_spoiled(first=6, count=99), folder=tmp_path)
    assert "the checkpoint of step 6 is kept; try --set optim.learning_rate=0.001" in str(caught.value)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000006"]


def test_a_run_that_diverged_goes_on_from_its_last_good_step_with_a_gentler_rate(tmp_path: Path) -> None:
    config = replace(CONFIG, max_bad_steps=3)
    with pytest.raises(RunError, match="the checkpoint of step 6 is kept"):
        run(config, net=_spoiled(first=6, count=99), folder=tmp_path)
    gentle = replace(config, optim=replace(CONFIG.optim, learning_rate=0.001), max_grad_norm=1.0)
    with pytest.raises(RunError, match=r"trained with seed=0, this run asks for seed=1"):
        run(replace(gentle, seed=1), folder=tmp_path)
    result = run(gentle, net=_spoiled(first=99, count=0), folder=tmp_path)
    assert result.skipped_steps == 0
    rates = {event["step"]: event["learning_rate"] for event in result.history if event["kind"] == "step"}
    assert list(rates) == list(range(1, 25))
    assert rates[6] == pytest.approx(10 * plan_run(gentle, ToyLoader(), resolution=(8, 8)).rate_at(5))
    assert rates[7] == plan_run(gentle, ToyLoader(), resolution=(8, 8)).rate_at(6)
    notes = [event["text"] for event in result.history if event["kind"] == "note"]
    assert notes == [
        "from step 6 on with optim.learning_rate=0.001, before 0.01",
        "from step 6 on with max_grad_norm=1.0, before None",
    ]
    with pytest.raises(RunError, match=r"trained with optim\.learning_rate=0\.001, this run asks for .*=0\.01"):
        run(config, folder=tmp_path)


def test_a_checkpoint_whose_weights_are_spoiled_is_not_kept(tmp_path: Path) -> None:
    """The update of the last finite step may be the one that ruined the net."""
    often = replace(CONFIG, max_bad_steps=3, checkpoint_every_seconds=1e-9)
    with pytest.raises(DivergedError) as caught:
        run(often, net=_spoiled(first=6, count=99, forward=True), folder=tmp_path)
    assert caught.value.kept_step == 5
    assert "first in 2; the checkpoint of step 5 is kept; try --set" in str(caught.value)
    assert max(path.name for path in (tmp_path / "checkpoints").iterdir()) == "step-00000005"
    gentle = replace(often, optim=replace(CONFIG.optim, learning_rate=0.001))
    result = run(gentle, net=_spoiled(first=99, count=0), folder=tmp_path)
    assert [event["step"] for event in result.history if event["kind"] == "step"] == list(range(1, 25))


def test_weights_that_explode_at_once_leave_no_checkpoint(tmp_path: Path) -> None:
    wild = replace(CONFIG, optim=replace(CONFIG.optim, name="sgd", learning_rate=1e30), checkpoint_every_seconds=1e-9)
    with pytest.raises(DivergedError) as caught:
        run(wild, folder=tmp_path)
    assert caught.value.kept_step is None
    assert "is kept" not in str(caught.value)
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_case_t7_bad_steps_with_good_ones_between_do_not_stop_it() -> None:
    poisoned = tuple(step for step in range(20) if step % 4)
    assert run(replace(CONFIG, max_bad_steps=4), loader=ToyLoader(poisoned=poisoned)).skipped_steps == len(poisoned)


def test_case_t7_mixed_precision_on_the_cpu_stays_finite() -> None:
    result = run(replace(CONFIG, precision="bf16", optim=replace(CONFIG.optim, name="rmsprop")))
    assert result.skipped_steps == 0
    assert all(value.dtype in (torch.float32, torch.int64) for value in result.weights.values())
    assert all(torch.isfinite(value).all() for value in result.weights.values())


def test_clipping_bounds_all_gradients_together() -> None:
    updater = _updater(toy_net(), replace(CONFIG, max_grad_norm=0.01))
    updater.run(next(ToyLoader().epoch(0)), rate=0.01)
    gradients = [p.grad for p in updater.state.net.parameters() if p.grad is not None]
    assert float(torch.nn.utils.get_total_norm(gradients)) == pytest.approx(0.01, rel=1e-3)


class LoneLast(ToyLoader):
    """Five pictures in batches of four, the lone fifth included."""

    def __init__(self) -> None:
        super().__init__(num_images=5)
        self.num_batches = 2


@pytest.mark.parametrize("replicas", [1, 2])
def test_case_m8_a_lone_last_picture_uses_running_statistics_where_a_norm_needs_them(replicas: int) -> None:
    spec = find("mobilenet_v3_small@width=0.35,resolution=32,classes=2")
    result = train(
        build(spec),
        TASK,
        LoneLast(),
        replace(CONFIG, pictures=10, replicas=replicas),
        spec=spec.to_json(),
        resolution=(32, 32),
        device="cpu",
    )
    assert (result.pictures, result.skipped_steps) == (10, 0)
    assert all(torch.isfinite(value).all() for value in result.weights.values())


def test_class_weights_move_the_gradient_to_the_rare_class() -> None:
    logits = torch.zeros(4, 2, requires_grad=True)
    targets = torch.tensor([0, 0, 0, 1])
    loss = Classification(("often", "rare"), class_weights=(2 / 3, 2.0)).loss(logits, targets)
    (gradient,) = torch.autograd.grad(loss, logits)
    sums = [float(gradient[targets == label].abs().sum()) for label in (0, 1)]
    assert sums[0] == pytest.approx(sums[1])


@pytest.mark.parametrize("changes", [{}, {"ema_decay": None}, {"norm_momentum": 0.3}])
def test_the_rate_is_the_one_given(changes: dict[str, Any]) -> None:
    updater = _updater(toy_net(), replace(CONFIG, **changes))
    updater.run(next(ToyLoader().epoch(0)), rate=0.0375)
    assert {group["lr"] for group in updater.state.optimizer.param_groups} == {0.0375}


def test_a_staged_net_is_told_the_share_before_each_step() -> None:
    class Told(nn.Sequential):
        shares: list[tuple[float, bool]]

        def at_(self, share: float) -> None:
            self.shares.append((share, self.training))

    net = Told(*toy_net().children()).eval()
    net.shares = []
    run(replace(CONFIG, pictures=16, ema_decay=None), net=net)
    assert [share for share, _ in net.shares] == [0.0, 0.25, 0.5, 0.75]
    assert not net.shares[0][1], "told before train() follows it"
