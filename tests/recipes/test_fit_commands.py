"""Command lines that a report offers."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from edgesmith.cli.main import app
from edgesmith.recipes.fit_commands import next_steps, repeat
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.proxy_wishes import ProxyWishes
from edgesmith.recipes.search_wishes import SearchWishes

CONFIGS: list[dict[str, Any]] = [
    {},
    {"time": "40m", "recipe": "small", "resolution": 128, "settings": ("batch_size=32",)},
    {"search": SearchWishes(), "adapt": True, "max_size": "2MB"},
    {"device": "onnxruntime,litert", "across": "mean"},
    {"search": SearchWishes(random=True, trials=12, reward="soft"), "max_memory": "5MB"},
    {"search": SearchWishes(strategy="tpe", batch=3, proxy=ProxyWishes(pictures=900, subset=0.5))},
    {"search": SearchWishes(random=True, objectives=("accuracy", "latency"))},
    {"teacher": "runs/large"},
    {"preset": "paper-small", "int8": True},
]


@pytest.mark.parametrize("more", CONFIGS)
def test_what_is_offered_is_understood(more: dict[str, Any]) -> None:
    config = FitConfig(data="flowers.zip", budget="1ms", **more)
    commands = typer.main.get_command(app)
    assert hasattr(commands, "commands")
    for command in (repeat(config), *next_steps(Path("bundle"), config)):
        program, verb, *arguments = shlex.split(command.text)
        assert program == "edgesmith"
        context = commands.commands[verb].make_context(verb, arguments, resilient_parsing=False)
        assert context.params


def test_a_search_with_random_candidates_is_the_verb_search() -> None:
    text = repeat(FitConfig(data="d", budget="1ms", search=SearchWishes(random=True, trials=12))).text
    assert text.startswith("edgesmith search d --budget 1ms")
    assert "--trials 12" in text
    assert text.endswith("--trials 12")
    assert "--no-search" in repeat(FitConfig(data="d", budget="1ms")).text
    assert "search" not in repeat(FitConfig(data="d", budget="1ms", search=SearchWishes(if_worth=True))).text


def test_a_search_by_another_strategy_alone_is_repeated_as_it_was() -> None:
    wishes = SearchWishes(strategy="nsga2", objectives=("accuracy", "latency"), proxy=ProxyWishes(scale=0.5), batch=4)
    text = repeat(FitConfig(data="d", budget="1ms", search=wishes)).text
    assert text.startswith("edgesmith search d --budget 1ms")
    assert "--strategy nsga2" in text
    assert text.endswith("--objective accuracy,latency --proxy scale=0.5 --batch 4 --no-random")


def test_a_preset_is_asked_for_by_its_name_and_not_by_its_parts() -> None:
    text = repeat(FitConfig(data="d", budget="1ms", preset="paper-large")).text
    assert "--preset paper-large" in text
    assert "--no-int8" in text
    assert "search" not in text
    assert "adapt" not in text
