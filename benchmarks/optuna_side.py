"""Optuna's samplers as a user of Optuna runs them: a study, an objective that suggests, and nothing of ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import optuna

from edgesmith.arch.space.choices import Encoding, Space

Evaluate: TypeAlias = Callable[[Encoding], Sequence[float]]

SAMPLERS: Final[Mapping[str, Callable[[int], Any]]] = MappingProxyType(
    {
        "optuna random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
        "optuna tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
        "optuna nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
        "optuna nsga2, population 20": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
    }
)


def optimize(
    name: str, space: Space, evaluate: Evaluate, *, goals: int, count: int, seed: int
) -> tuple[list[Encoding], list[list[float]]]:
    """The points of a study and their values, in the order in which they were evaluated.

    Args:
        name: In `SAMPLERS`.
        space: Ordered choices are integers to Optuna, the others categories.
        evaluate: Values of a point, all to be raised.
        goals: How many values.
        count: Evaluations.
        seed: Of the sampler.
    """
    points: list[Encoding] = []
    values: list[list[float]] = []

    def objective(trial: optuna.Trial) -> Sequence[float]:
        point = tuple(
            trial.suggest_int(choice.name, 0, len(choice.options) - 1)
            if choice.ordered
            else trial.suggest_categorical(choice.name, range(len(choice.options)))
            for choice in space.choices
        )
        points.append(point)
        values.append(list(evaluate(point)))
        return values[-1]

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        study = optuna.create_study(directions=["maximize"] * goals, sampler=SAMPLERS[name](seed))
        study.optimize(objective, n_trials=count)
    return points, values
