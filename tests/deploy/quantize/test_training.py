"""A net that rounds while it learns: the same net underneath, still where it must be, trained by the one loop."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgesmith.arch.presets import PRESETS
from edgesmith.core.errors import UsageError
from edgesmith.deploy.quantize.training import NORMS_FROZEN_FROM, RANGES_FROZEN_FROM, FakeQuantNet
from edgesmith.engine.batches import Loader
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.train import TrainResult, train
from edgesmith.nn.build import Net, build
from edgesmith.tasks.classification import Classification
from tests.deploy.models import tiny_spec
from tests.engine.sets import StoppedError, StoppingLoader, ToyBatch, ToyLoader, same_weights
from tests.nn.nets import calibrate

pytestmark = pytest.mark.slow

SPEC = tiny_spec().with_num_classes(2).with_resolution(32, 32)
IMAGES = torch.from_numpy(np.random.default_rng(0).normal(size=(16, 3, 32, 32)).astype(np.float32))
CONFIG = TrainConfig(pictures=48, batch_size=4, checkpoint_every_seconds=1e9, log_every_steps=1)


def tiny_net() -> Net:
    return calibrate(build(SPEC), size=32)


@pytest.fixture(scope="module")
def made() -> FakeQuantNet:
    return FakeQuantNet(tiny_net(), [IMAGES])


@pytest.fixture
def rounded(made: FakeQuantNet) -> FakeQuantNet:
    return deepcopy(made)


def stop_rounding_(net: FakeQuantNet) -> None:
    for name, flag in net.named_buffers():
        if name.endswith("fake_quant_enabled"):
            flag.zero_()


def drop_nothing_(net: nn.Module) -> None:
    for part in net.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0


def state_of(net: nn.Module, ending: str) -> list[Tensor]:
    return [value.clone() for name, value in net.state_dict().items() if name.endswith(ending)]


def is_same(before: list[Tensor], after: list[Tensor]) -> bool:
    assert before
    return all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("count", [1, 16])
def test_without_rounding_it_answers_as_the_net(rounded: FakeQuantNet, count: int) -> None:
    """torchao's own norms add 1e-5 to a variance, where this preset adds 1e-3."""
    stop_rounding_(rounded.eval())
    with torch.no_grad():
        torch.testing.assert_close(rounded(IMAGES[:count]), tiny_net()(IMAGES[:count]), rtol=1e-4, atol=1e-5)


def test_rounding_moves_the_answers(rounded: FakeQuantNet) -> None:
    with torch.no_grad():
        noise = (rounded.eval()(IMAGES) - tiny_net()(IMAGES)).abs().max()
    assert 1e-3 < float(noise) < 1


def test_a_step_in_training_has_the_net_s_epsilon_momentum_and_gradients(rounded: FakeQuantNet) -> None:
    net = tiny_net().train()
    stop_rounding_(rounded)
    drop_nothing_(rounded)
    drop_nothing_(net)
    answers, expected = rounded.train()(IMAGES), net(IMAGES)
    torch.testing.assert_close(answers, expected, rtol=1e-4, atol=1e-5)
    for one in (answers, expected):
        one.square().sum().backward()
    theirs = {name.removeprefix("graph."): each.grad for name, each in rounded.named_parameters()}
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(theirs[name], parameter.grad, rtol=1e-3, atol=1e-4)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(rounded.float_state()[name], value, rtol=1e-4, atol=1e-6)
    norms = [part for part in rounded.modules() if isinstance(part, nn.BatchNorm2d)]
    constants = PRESETS[SPEC.preset]
    assert {norm.eps for norm in norms} == {constants.norm_epsilon} == {1e-3}
    assert {norm.momentum for norm in norms} == {constants.norm_momentum}


def test_dropout_drops_in_training_alone(rounded: FakeQuantNet) -> None:
    rounded.at_(1.0)  # nothing else moves
    with torch.no_grad():
        with torch.random.fork_rng():
            trained = [rounded.train()(IMAGES) for _ in range(2)]
        evaluated = [rounded.eval()(IMAGES) for _ in range(2)]
    assert not torch.equal(*trained)
    assert torch.equal(*evaluated)


@pytest.mark.parametrize(
    ("share", "norms", "ranges"),
    [(0.0, True, True), (NORMS_FROZEN_FROM, False, True), (RANGES_FROZEN_FROM, False, False)],
)
def test_norms_then_ranges_stand_still_at_the_end(
    rounded: FakeQuantNet, share: float, norms: bool, ranges: bool
) -> None:
    rounded.at_(share)
    before = [state_of(rounded, ending) for ending in ("running_var", "max_val")]
    rounded.train()(3 * IMAGES)
    after = [state_of(rounded, ending) for ending in ("running_var", "max_val")]
    assert [not is_same(*pair) for pair in zip(before, after, strict=True)] == [norms, ranges]


def test_evaluation_moves_nothing(rounded: FakeQuantNet) -> None:
    before = state_of(rounded.eval(), "")
    rounded(3 * IMAGES)
    assert is_same(before, state_of(rounded, ""))


def test_the_steps_of_weights_are_those_of_a_tool(rounded: FakeQuantNet) -> None:
    """The largest weight of each filter, over 127 or 128, and at once: what has no lag is the same in the file."""
    layer = rounded.graph.get_submodule("blocks.1.gate.squeeze")
    weight = layer.get_parameter("weight")
    with torch.no_grad():
        weight.mul_(10)
    rounded.eval()(IMAGES)
    scales = [part.get_buffer("scale") for part in rounded.modules() if getattr(part, "is_per_channel", False)]
    wanted = weight.detach().abs().amax(dim=(1, 2, 3)) / 127
    assert any(scale.shape == wanted.shape and torch.allclose(scale, wanted, rtol=0.01) for scale in scales)


def test_a_norm_without_gain_does_not_spoil_the_gradients() -> None:
    net = tiny_net()
    with torch.no_grad():
        net.get_parameter("blocks.1.project.norm.weight")[0] = 0.0
    rounded = FakeQuantNet(net, [IMAGES])
    rounded(IMAGES).sum().backward()
    assert all(bool(torch.isfinite(each.grad).all()) for each in rounded.parameters() if each.grad is not None)
    assert not net.get_parameter("blocks.1.project.norm.weight")[0], "the net is left as it is"


def test_a_state_holds_each_tensor_once(rounded: FakeQuantNet) -> None:
    places = [value.data_ptr() for value in rounded.state_dict().values()]
    assert len(places) == len(set(places))


def test_ranges_need_pictures() -> None:
    with pytest.raises(UsageError, match="there are none"):
        FakeQuantNet(tiny_net(), [])


class Halted(StoppingLoader):
    """Stops a run in its last part."""

    def __init__(self) -> None:
        super().__init__(10)


def fit(net: FakeQuantNet, loader: Loader, folder: Path | None = None, **changes: object) -> TrainResult:
    return train(
        net,
        Classification(("dark", "bright")),
        loader,
        replace(CONFIG, **changes),  # type: ignore[arg-type]
        spec=SPEC.to_json(),
        resolution=(32, 32),
        folder=folder,
        device="cpu",
    )


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_run_goes_on_to_the_bits_of_an_unbroken_one(made: FakeQuantNet, tmp_path: Path, replicas: int) -> None:
    """Stopped at step 10 of 12, where norms stand still and ranges move for the last time."""
    straight = fit(deepcopy(made), ToyLoader(), replicas=replicas)
    with pytest.raises(StoppedError):
        fit(deepcopy(made), Halted(), tmp_path, replicas=replicas, checkpoint_every_seconds=1e-9)
    other = FakeQuantNet(tiny_net(), [2 * IMAGES])
    assert same_weights(straight, fit(other, ToyLoader(), tmp_path, replicas=replicas))


def test_the_last_steps_of_a_run_leave_statistics_alone(made: FakeQuantNet) -> None:
    """Of twelve steps the last three leave the norms as they were after nine, and the last one the ranges."""
    seen: list[tuple[list[Tensor], list[Tensor]]] = []

    class Watched(ToyLoader):
        def epoch(
            self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
        ) -> Iterator[ToyBatch]:
            for batch in super().epoch(epoch, start_batch=start_batch, height=height, width=width):
                seen.append((state_of(net, "running_mean"), state_of(net, "activation_post_process.max_val")))
                yield batch

    net = deepcopy(made)
    fit(net, Watched(), ema_decay=None)
    seen.append((state_of(net, "running_mean"), []))
    assert len(seen) == 13
    norms = [is_same(one[0], other[0]) for one, other in pairwise(seen)]
    assert norms == [False] * 9 + [True] * 3
