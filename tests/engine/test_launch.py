"""Device, precision and randomness."""

from __future__ import annotations

import pytest
import torch

from edgesmith.core.errors import UsageError
from edgesmith.engine.launch import isolated_randomness, launch, seed_step

CPU = torch.device("cpu")


def test_the_cpu_trains_in_full_precision() -> None:
    fabric = launch(device="cpu", precision="auto")
    assert fabric.device.type == "cpu"
    assert fabric.strategy.precision.precision == "32-true"


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        ("gpu", "auto", r"unknown training device 'gpu'; .*choices: auto, cpu, cuda, mps"),
        ("cpu", "16", "precision '16' needs a GPU; choices on the CPU: auto, 32, bf16"),
    ],
)
def test_what_is_not_to_be_had_is_refused(device: str, precision: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        launch(device=device, precision=precision)


def test_an_absent_gpu_is_refused_with_what_there_is() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="training device 'cuda' is not here; choices: auto, "):
        launch(device="cuda", precision="auto")


def test_draws_are_a_function_of_seed_and_step_and_leave_no_trace() -> None:
    before = torch.default_generator.get_state()
    draws = []
    with isolated_randomness(CPU):
        for seed, step in ((0, 3), (0, 3), (0, 4), (1, 3)):
            seed_step(seed, step, CPU)
            draws.append(torch.rand(4))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[3])
    assert torch.equal(torch.default_generator.get_state(), before)
