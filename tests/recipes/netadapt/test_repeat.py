"""The command line that a report offers to do the run again."""

from __future__ import annotations

import shlex
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer

from edgesmith.cli.main import app
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.netadapt.report import repeat_of

MORE: list[dict[str, Any]] = [
    {},
    {"delta": 0.02, "steps_pictures": 256, "time": "40m", "from_scratch": True},
    {"multiple": 16, "teacher": "runs/large"},
    {"rule": "accuracy", "schedule": "original", "resolution": "128", "settings": ("batch_size=32",)},
]


@pytest.mark.parametrize("more", MORE)
def test_what_is_offered_is_understood(more: dict[str, Any]) -> None:
    config = NetAdaptConfig(model="bundle", data="flowers.zip", budget="0.8x", **more)
    (command,) = repeat_of(cast("Any", SimpleNamespace(config=config)))
    program, verb, *arguments = shlex.split(command.text)
    assert (program, verb) == ("edgesmith", "netadapt")
    params = typer.main.get_command(app).commands[verb].make_context(verb, arguments).params  # type: ignore[attr-defined]
    for name, value in more.items():
        told = params[name]
        assert (tuple(told) if isinstance(value, tuple) else told) == value
