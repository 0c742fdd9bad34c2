from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from edgesmith.core.config import from_dict, override, to_dict
from edgesmith.core.errors import UsageError


class Schedule(StrEnum):
    COSINE = "cosine"
    STEPS = "steps"


@dataclass(frozen=True, kw_only=True)
class Optim:
    learning_rate: float = 0.1
    nesterov: bool = False


@dataclass(frozen=True, kw_only=True)
class Run:
    model: str
    epochs: int = 10
    schedule: Schedule = Schedule.COSINE
    scale: tuple[float, float] = (0.5, 1.0)
    sizes: tuple[int, ...] = ()
    note: str | None = None
    clip: float | None = None
    optim: Optim = field(default_factory=Optim)


RUN = Run(model="m", epochs=3, scale=(0.2, 0.9), sizes=(96, 128), clip=1.0, optim=Optim(learning_rate=0.5))


def test_round_trip_through_json() -> None:
    assert from_dict(Run, json.loads(json.dumps(to_dict(RUN)))) == RUN
    assert to_dict(RUN)["schedule"] == "cosine"


def test_missing_keys_take_their_defaults() -> None:
    assert from_dict(Run, {"model": "m"}) == Run(model="m")


def test_missing_keys_without_default_are_named() -> None:
    with pytest.raises(UsageError, match="Run needs model, and there is no default"):
        from_dict(Run, {"epochs": 3})


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ("epochs=7", "epochs", 7),
        ("schedule=steps", "schedule", Schedule.STEPS),
        ("scale=0.1,1", "scale", (0.1, 1.0)),
        ("sizes=96,160,224", "sizes", (96, 160, 224)),
        ("clip=none", "clip", None),
        ("clip=2", "clip", 2.0),
        ("note=hello", "note", "hello"),
        ("note=5", "note", "5"),
        ("note=None", "note", None),
        ("model=a=b", "model", "a=b"),
        ("epochs= 7 ", "epochs", 7),
    ],
)
def test_typed_overrides(setting: str, name: str, value: Any) -> None:
    changed = override(RUN, [setting])
    assert getattr(changed, name) == value
    assert type(getattr(changed, name)) is type(value)


def test_nested_overrides_leave_the_rest() -> None:
    changed = override(RUN, ["optim.learning_rate=1e-3", "optim.nesterov=true"])
    assert changed.optim == Optim(learning_rate=1e-3, nesterov=True)
    assert changed.sizes == RUN.sizes
    assert RUN.optim.learning_rate == 0.5


def test_case_c1_all_bad_keys_are_listed_with_the_closest() -> None:
    with pytest.raises(UsageError) as caught:
        override(RUN, ["epoch=100", "optim.learning_rat =0.1", "epochs =4", "clip=1", "zzz=1"])
    text = str(caught.value)
    assert "'epoch' (did you mean 'epochs'?)" in text
    assert "'optim.learning_rat ' (did you mean 'optim.learning_rate'?)" in text
    assert "'epochs ' (did you mean 'epochs'?)" in text
    assert "'zzz'" in text
    assert "'clip'" not in text
    assert "choices: clip, epochs, model" in text
    assert "\n" not in text
    assert caught.value.exit_code == 2


def test_case_c1_unknown_keys_of_a_file_are_listed_too() -> None:
    with pytest.raises(UsageError, match=r"'epoch' \(did you mean 'epochs'\?\), 'lr_ '; choices"):
        from_dict(Run, {"model": "m", "epoch": 1, "lr_ ": 0.1})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epochs", "--set takes key=value, got 'epochs'; for example"),
        ("epochs=many", "epochs must be int, got 'many'"),
        ("epochs=1.5", "epochs must be int, got 1.5"),
        ("epochs=true", "epochs must be int, got True"),
        ("optim.nesterov=1", "optim.nesterov must be true or false, got 1"),
        ("schedule=cosin", "schedule must be one of cosine, steps, got 'cosin'"),
        ("scale=0.5", "scale must have 2 values"),
        ("scale=1,2,3", "scale must have 2 values"),
        ("sizes=96,x", "sizes must be int, got 'x'"),
        ("clip=high", "clip must be float, got 'high'"),
        ("optim=5", "unknown --set key 'optim'"),
    ],
)
def test_wrong_values_name_the_key_and_the_type(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        override(RUN, [setting])
