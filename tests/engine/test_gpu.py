"""What only a GPU does: mixed precision, its memory layout, compiled kernels. Skipped where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edgesmith.arch.zoo.names import find
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.launch import launch
from edgesmith.engine.plan import plan_run
from edgesmith.engine.step import prepare
from edgesmith.engine.train import TrainResult, train
from edgesmith.nn.build import build
from edgesmith.tasks.classification import Classification
from tests.engine.sets import CONFIG, StoppedError, StoppingLoader, ToyLoader

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that CUDA can use")

TASK = Classification(("dark", "bright"))
SPEC = find("mobilenet_v3_small@width=0.35,resolution=32,classes=2")
SHORT = replace(CONFIG, pictures=48)


def run_on_gpu(config: TrainConfig, *, folder: Path | None = None, loader: ToyLoader | None = None) -> TrainResult:
    return train(
        build(SPEC, seed=0),
        TASK,
        loader or ToyLoader(),
        config,
        spec=SPEC.to_json(),
        resolution=SPEC.resolution,
        folder=folder,
        device="cuda",
    )


def test_auto_is_mixed_precision() -> None:
    fabric = launch(device="cuda", precision="auto")
    assert fabric.strategy.precision.precision in ("bf16-mixed", "16-mixed")


def test_the_net_lies_in_channels_last_on_the_gpu() -> None:
    net = build(SPEC, seed=0)
    prepare(net, TASK, plan_run(SHORT, ToyLoader(), resolution=SPEC.resolution), device="cuda")
    weights = [p for p in net.parameters() if p.ndim == 4]
    assert weights
    assert all(p.is_cuda and p.is_contiguous(memory_format=torch.channels_last) for p in weights)


@pytest.mark.parametrize("precision", ["32", "bf16", "16"])
def test_every_precision_trains_and_ends_on_the_cpu(precision: str) -> None:
    result = run_on_gpu(replace(SHORT, precision=precision))
    assert all(value.device.type == "cpu" and torch.isfinite(value).all() for value in result.weights.values())


def test_a_scaled_run_goes_on_after_a_stop(tmp_path: Path) -> None:
    config = replace(SHORT, precision="16", checkpoint_every_seconds=1e-9)
    with pytest.raises(StoppedError):
        run_on_gpu(config, folder=tmp_path, loader=StoppingLoader(5))
    steps = [event["step"] for event in run_on_gpu(config, folder=tmp_path).history if event["kind"] == "step"]
    assert steps == list(range(1, 13))


def test_a_compiled_net_has_the_loss_of_the_plain_one_and_its_names() -> None:
    plain, compiled = (run_on_gpu(replace(SHORT, precision="32", compile=on)) for on in (False, True))
    first = [next(e["loss"] for e in each.history if e["kind"] == "step") for each in (plain, compiled)]
    assert first[1] == pytest.approx(first[0], rel=1e-3)
    assert set(compiled.weights) == set(plain.weights)
