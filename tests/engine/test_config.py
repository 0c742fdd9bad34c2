"""Training configs refuse what cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest

from edgesmith.core.config import flat, from_dict, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.engine.config import FREE_KEYS, MENDING_KEYS, OptimConfig, ScheduleConfig, TrainConfig


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pictures": 0}, "pictures must be at least 1, got 0"),
        ({"batch_size": -4}, "batch_size must be at least 1, got -4"),
        ({"label_smoothing": 1.0}, "label_smoothing must be from 0 to below 1"),
        ({"ema_decay": 1.0}, "ema_decay must be between 0 and 1, or none, got 1.0"),
        ({"max_grad_norm": 0.0}, "max_grad_norm must be above 0, or none"),
        ({"norm_momentum": 0.0}, "norm_momentum must be above 0"),
        ({"resolution_steps": ()}, "resolution_steps must be one or more shares"),
        ({"resolution_steps": (0.5, 1.5)}, "resolution_steps must be one or more shares"),
        ({"precision": "fp16"}, r"unknown precision 'fp16'; .*choices: 16, 32, auto, bf16"),
        ({"evaluate_every_pictures": 0}, "evaluate_every_pictures must be at least 1, or none"),
        ({"workers": -1}, "workers must be 0 or more"),
        ({"cache_gb": -0.5}, "cache_gb must be 0 or more"),
        ({"use": "bests"}, "unknown use 'bests'; did you mean 'best'"),
        ({"replicas": 0}, "replicas must be at least 1"),
    ],
)
def test_a_run_is_checked(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainConfig(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "sdg"}, r"unknown optim\.name 'sdg'; did you mean 'sgd'"),
        ({"learning_rate": 0.0}, r"optim\.learning_rate must be more than 0"),
        ({"weight_decay": -1.0}, r"optim\.weight_decay must be 0 or more"),
        ({"momentum": 1.0}, r"optim\.momentum must be from 0 to below 1"),
        ({"epsilon": 0.0}, r"optim\.epsilon must be more than 0"),
    ],
)
def test_an_optimiser_is_checked(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        OptimConfig(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "cosin"}, r"unknown schedule\.name 'cosin'; did you mean 'cosine'"),
        ({"warmup_pictures": -1}, r"schedule\.warmup_pictures must be 0 or more"),
        ({"decay": 0.0}, r"schedule\.decay must be above 0"),
        ({"every_epochs": 0.0}, r"schedule\.every_epochs must be more than 0"),
    ],
)
def test_a_schedule_is_checked(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ScheduleConfig(**changes)


def test_settings_that_may_change_on_the_way_are_settings() -> None:
    assert set(flat(to_dict(TrainConfig()))) >= FREE_KEYS | MENDING_KEYS
    assert not FREE_KEYS & MENDING_KEYS


def test_a_config_survives_json() -> None:
    config = TrainConfig(resolution_steps=(0.5, 1.0), optim=OptimConfig(name="rmsprop", betas=(0.8, 0.9)))
    assert from_dict(TrainConfig, to_dict(config)) == config
