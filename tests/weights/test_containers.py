from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import build
from edgesmith.weights.containers import unwrap
from edgesmith.weights.state import load_state

Wrap = Callable[[dict[str, Tensor]], Any]


def prefixed(prefix: str) -> Wrap:
    return lambda state: {prefix + key: value for key, value in state.items()}


WRAPS: dict[str, Wrap] = {
    "plain": lambda state: state,
    "data parallel": prefixed("module."),
    "compiled": prefixed("_orig_mod."),
    "compiled in parallel": prefixed("module._orig_mod."),
    "lightning": lambda state: {"state_dict": prefixed("model.")(state), "epoch": 3, "hyper_parameters": {}},
    "model": lambda state: {"model": state, "optimizer": {"state": {}}, "args": {"lr": 0.1}},
    "state_dict": lambda state: {"epoch": 90, "state_dict": prefixed("module.")(state)},
    "ema": lambda state: {"model": {key: value + 1 for key, value in state.items()}, "ema": state},
    "empty ema": lambda state: {"ema": {"decay": 0.999}, "model": state},
    "averaged": lambda state: {"model_ema": {"n_averaged": torch.tensor(5), **prefixed("module.")(state)}},
    "nested": lambda state: {"ema": {"module": state, "updates": 7}},
}


@pytest.mark.parametrize("name", WRAPS)
def test_case_m10_every_wrapper_comes_off(name: str) -> None:
    source = build(find("mobilenet_v3_small@width=0.35"), seed=1).state_dict()
    net = build(find("mobilenet_v3_small@width=0.35"))
    state = unwrap(WRAPS[name](dict(source)))
    assert list(state) == list(source)
    assert load_state(net, state).rule == "name"
    assert all(torch.equal(value, source[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "there are no tensors in the checkpoint; its keys are: none"),
        ({"epoch": 3, "args": {"lr": 0.1}}, "its keys are: epoch, args"),
        ({"model": {}, "state_dict": {"a": 1}}, "its keys are: model, state_dict"),
        ([1, 2], "holds tensors by name, but this one holds a list"),
        (torch.zeros(3), "this one holds a Tensor"),
    ],
)
def test_case_m10_nothing_to_load_is_an_error(content: Any, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        unwrap(content)


def test_a_prefix_that_only_some_keys_have_is_part_of_the_name() -> None:
    state = nn.Sequential(nn.Linear(2, 2)).state_dict() | {"module.x": torch.zeros(1)}
    assert list(unwrap(state)) == ["0.weight", "0.bias", "module.x"]
