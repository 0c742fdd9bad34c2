"""Optuna's samplers as strategies: TPE and NSGA-II."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.core.seed import derive
from edgesmith.search.limited import allowed_near
from edgesmith.search.strategies.base import Strategy, Trial

if TYPE_CHECKING:
    import optuna

_TRIES: Final = 10


class _Sampled(Strategy):
    """A study in memory that suggests a number for each choice."""

    def __init__(self, space: Space, *, seed: int, num_goals: int = 1) -> None:
        super().__init__(space, seed=seed, num_goals=num_goals)
        self._study: optuna.Study | None = None
        self._pending: dict[Encoding, list[optuna.Trial]] = {}

    @abstractmethod
    def sampler(self, seed: int) -> Any:
        """The sampler of Optuna's."""

    @abstractmethod
    def values(self, trial: Trial) -> float | Sequence[float]:
        """What the study is told."""

    def propose(self, count: int, rng: np.random.Generator) -> list[Encoding]:
        """What the sampler suggests, the next suggestion where one exceeds the limits.

        Where none of many keeps them, the last one is moved until it does, and the sampler learns from that.
        """
        found = []
        for _ in range(count):
            for _ in range(_TRIES):
                trial, point = self._suggested()
                if self.space.allows(point):
                    break
                self._drop(trial)
            else:
                moved = allowed_near(self.space, point, rng)
                self._opened().enqueue_trial(dict(zip(self._names, moved, strict=True)))
                trial, point = self._suggested()
            self._pending.setdefault(point, []).append(trial)
            found.append(point)
        return found

    def learn(self, trials: Sequence[Trial]) -> None:
        """Tell the study; points that it did not suggest are added to it."""
        import optuna

        for trial in trials:
            waiting = self._pending.get(trial.point)
            if waiting:
                self._opened().tell(waiting.pop(0), self.values(trial))
                continue
            values = self.values(trial)
            self._opened().add_trial(
                optuna.trial.create_trial(
                    params=dict(zip(self._names, trial.point, strict=True)),
                    distributions={
                        choice.name: (
                            optuna.distributions.IntDistribution(0, len(choice.options) - 1)
                            if choice.ordered
                            else optuna.distributions.CategoricalDistribution(list(range(len(choice.options))))
                        )
                        for choice in self.space.choices
                    },
                    values=[values] if isinstance(values, float) else list(values),
                )
            )

    def _suggested(self) -> tuple[optuna.Trial, Encoding]:
        """A new trial of the study, and the point that it stands for."""
        trial = self._opened().ask()
        point = tuple(
            trial.suggest_int(choice.name, 0, len(choice.options) - 1)
            if choice.ordered
            else trial.suggest_categorical(choice.name, list(range(len(choice.options))))
            for choice in self.space.choices
        )
        return trial, self.space.normal(point)

    def _drop(self, trial: optuna.Trial) -> None:
        """Take back a trial: nothing is learned from it."""
        import optuna

        self._opened().tell(trial, state=optuna.trial.TrialState.FAIL)

    @property
    def _names(self) -> list[str]:
        return [choice.name for choice in self.space.choices]

    def _opened(self) -> optuna.Study:
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            with warnings.catch_warnings(action="ignore"):
                sampler = self.sampler(derive(self.seed, self.name) % 2**32)
            self._study = optuna.create_study(directions=["maximize"] * self.num_goals, sampler=sampler)
        return self._study


class Tpe(_Sampled):
    """Tree-structured Parzen estimators (Bergstra et al. 2011), Optuna's default, for one goal."""

    name = "tpe"

    def sampler(self, seed: int) -> Any:
        """Optuna's with its own settings."""
        import optuna

        return optuna.samplers.TPESampler(seed=seed)

    def values(self, trial: Trial) -> float:
        """The score; a violated limit is worse than every score."""
        return _penalised(trial)


class Nsga2(_Sampled):
    """NSGA-II (Deb et al. 2002) for one goal or a front."""

    name = "nsga2"
    most_goals = 4

    def sampler(self, seed: int) -> Any:
        """Optuna's with a population of 20, which suits hundreds of trials."""
        import optuna

        return optuna.samplers.NSGAIISampler(seed=seed, population_size=20)

    def values(self, trial: Trial) -> float | Sequence[float]:
        """The goals, or the score where there is one goal; those of a violated limit are worse than all others."""
        if self.num_goals == 1:
            return _penalised(trial)
        return trial.result.goals if trial.result.violation <= 0 else (_penalty(trial),) * self.num_goals


def _penalised(trial: Trial) -> float:
    return float(trial.result.score) if trial.result.violation <= 0 else _penalty(trial)


def _penalty(trial: Trial) -> float:
    return -1e6 * (1 + trial.result.violation)
