"""The default: a model of what was evaluated proposes what to evaluate next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.space.choices import Encoding, Space
from edgesmith.search.crowd import Codes, codes_of, cross, distinct, mutate, sample
from edgesmith.search.front import front_of, hypervolume_gains
from edgesmith.search.gaussian import Belief, GaussianProcess, Scales
from edgesmith.search.strategies.base import Result, Strategy, Trial

Floats = NDArray[np.float64]

_STARTS: Final = 12
# Candidates, and candidates times trials: a proposal stays quick as the history grows.
_CANDIDATES: Final = 2000
_WORK: Final = 400_000
_MUTANTS: Final = 0.5
_CHILDREN: Final = 0.4
_ELITES: Final = 20
_BRAVERY: Final = 1.0
_AUGMENT: Final = 0.05
_BEYOND: Final = 0.1
_TURN: Final = 3
_SURE: Final = 40
_PROBES: Final = 3
_REFIT: Final = 1.25
# Times that the most promising candidates are replaced by themselves and their kin.
_CLIMBS: Final = 2
_PARENTS: Final = 25
_KIN: Final = 20


class Surrogate(Strategy):
    """Bayesian optimisation: the point with the highest mean plus deviation of a Gaussian process.

    Values are warped first, ``-log(best + margin - value)``: a few very bad nets would set the scale otherwise, and
    differences among good ones, which matter, would drown. What looks best is read again from time to time. For two
    goals each has a process, and the point is next whose optimistic goals add most to the hypervolume; for more, each
    proposal weighs the goals anew (ParEGO, Knowles 2006).
    """

    name = "surrogate"
    most_goals = 4

    def __init__(self, space: Space, *, seed: int, num_goals: int = 1) -> None:
        """Begin without a model."""
        super().__init__(space, seed=seed, num_goals=num_goals)
        self._scales: dict[tuple[str, int], Scales] = {}

    def propose(self, count: int, rng: np.random.Generator) -> list[Encoding]:
        """Random points until there are a few, then the most promising ones."""
        known = self.known()
        if len(self.history) < _STARTS:
            return self.fresh(rng, known, count=count)
        again = self._to_confirm(count)
        if len(again) == count:
            return again
        models = self._models(rng)
        candidates = self.candidates(models, rng)
        number = min(count - len(again), len(candidates))
        if len(models) == 2:
            new = self._widen_front(models, candidates, number)
        else:
            new = self._climb(models[0], candidates, number, rng)
        return again + new + self.fresh(rng, known | set(new), count=count - len(again) - len(new))

    def best(self) -> Trial:
        """Of the evaluated points the one that the model thinks best: one lucky reading does not win."""
        kept = [trial for trial in self.history if trial.result.violation <= 0]
        if len(kept) < _STARTS:
            return super().best()
        return kept[int(np.argmax(self._score_model(kept).believe([trial.point for trial in kept]).mean))]

    def candidates(self, models: Sequence[GaussianProcess], rng: np.random.Generator) -> Codes:
        """``(points, choices)`` that are not known: kin of the best ones, and some from anywhere.

        Args:
            models: Of the two goals, or of what a point is worth.
            rng: Draws.
        """
        del models
        elites, known = self._elites(), codes_of([trial.point for trial in self.history], self.space)
        number = min(_CANDIDATES, max(1, _WORK // len(self.history)))
        mutants, children = (round(share * number) for share in (_MUTANTS, _CHILDREN))
        first = elites[rng.integers(len(elites), size=mutants + children)]
        second = elites[rng.integers(len(elites), size=children)]
        found = [
            mutate(self.space, first[:mutants], rng, changes=1 + 2 * rng.random(mutants)),
            mutate(self.space, cross(self.space, first[mutants:], second, rng), rng),
            sample(self.space, number - mutants - children, rng),
        ]
        return distinct(np.concatenate(found), known)

    def _elites(self) -> Codes:
        goals = self._goals()
        if goals.shape[1] > 1:
            return codes_of([self.history[place].point for place in front_of(goals)], self.space)
        ranked = sorted(self.history, key=lambda trial: trial.result.rank, reverse=True)
        return codes_of([trial.point for trial in ranked[:_ELITES]], self.space)

    def _goals(self) -> Floats:
        """``(trials, goals)``: what is to be raised; trials beyond the limits are worse than all others."""
        rows = np.array([trial.result.goals or (trial.result.score,) for trial in self.history], dtype=np.float64)
        violations = np.array([trial.result.violation for trial in self.history])
        kept = violations <= 0
        if kept.any() and not kept.all():
            floor, spread = rows[kept].min(axis=0), np.ptp(rows[kept], axis=0) + 1e-9
            rows[~kept] = floor - spread * (0.1 + np.minimum(violations[~kept], 1.0))[:, None]
        return rows

    def _to_confirm(self, count: int) -> list[Encoding]:
        """Of the evaluated points those that may be best, to be read once more: a turn in so many is theirs.

        One lucky reading would win otherwise. Where readings turn out to be the same each time, there are none.
        """
        begun = len(self.history)
        turns = sum(number % _TURN == 0 for number in range(max(begun, _SURE), begun + count))
        if not turns or self.num_goals > 1 or self._is_certain():
            return []
        kept = [trial for trial in self.history if trial.result.violation <= 0]
        points = list(dict.fromkeys(trial.point for trial in kept))
        if len(kept) < _STARTS:
            return []
        order = np.argsort(-hope(self._score_model(kept).believe(points)), kind="stable")
        return [points[place] for place in order[:turns].tolist()]

    def _is_certain(self) -> bool:
        """Whether points that were evaluated again gave what they gave before, each of the first few."""
        first: dict[Encoding, Result] = {}
        same = [first.setdefault(trial.point, trial.result) == trial.result for trial in self.history]
        return all(same) and len(same) - len(first) >= _PROBES

    def _climb(self, model: GaussianProcess, candidates: Codes, count: int, rng: np.random.Generator) -> list[Encoding]:
        """The most promising points that keep the limits, apart from one another."""
        for _ in range(_CLIMBS if count else 0):
            candidates = self._kin_of_best(model, candidates, rng)
        promise = hope(model.believe(candidates)) if count else np.empty(0)
        found: list[Encoding] = []
        while len(found) < count and (promise > -np.inf).any():
            best = int(np.argmax(promise))
            promise[best] = -np.inf
            point = tuple(candidates[best].tolist())
            if not self.space.allows(point):
                continue
            found.append(point)
            if len(found) < count:
                promise -= self._nearness(candidates, candidates[best])
        return found

    def _kin_of_best(self, model: GaussianProcess, candidates: Codes, rng: np.random.Generator) -> Codes:
        """The most promising candidates that keep the limits, and mutants of theirs that are not known."""
        order = np.argsort(-hope(model.believe(candidates)), kind="stable")
        within = (place for place in order.tolist() if self.space.allows(tuple(candidates[place].tolist())))
        best = candidates[list(islice(within, _PARENTS))]
        parents = np.repeat(best, _KIN, axis=0)
        kin = mutate(self.space, parents, rng, changes=1 + rng.random(len(parents)))
        return distinct(np.concatenate([best, kin]), codes_of([trial.point for trial in self.history], self.space))

    def _models(self, rng: np.random.Generator) -> list[GaussianProcess]:
        """A model of each goal where there are two; else one of what a point is worth."""
        goals, points = self._goals(), [trial.point for trial in self.history]
        if goals.shape[1] == 1:
            return [self._model(points, goals[:, 0], "promise", stretch=warped)]
        if goals.shape[1] == 2:
            return [self._model(points, values, str(goal)) for goal, values in enumerate(goals.T)]
        weights = rng.dirichlet(np.ones(goals.shape[1]))
        low, high = goals.min(axis=0), goals.max(axis=0)
        scaled = (goals - low) / np.maximum(high - low, 1e-12)
        short = weights * (1 - scaled)  # of each goal's best
        return [self._model(points, -(short.max(axis=1) + _AUGMENT * short.sum(axis=1)), "promise")]

    def _widen_front(self, models: Sequence[GaussianProcess], candidates: Codes, count: int) -> list[Encoding]:
        """The points whose optimistic goals would add most to the front's hypervolume (Ponweiser et al. 2008)."""
        goals, beliefs = self._goals(), [model.believe(candidates) for model in models]
        hopes = np.column_stack([hope(belief) for belief in beliefs])
        front = goals[front_of(goals)]
        reference = front.min(axis=0) - _BEYOND * (np.ptp(front, axis=0) + 1e-9)
        means = np.column_stack([belief.mean for belief in beliefs])
        found: list[Encoding] = []
        gains = hypervolume_gains(front, hopes, reference)
        while len(found) < count and (gains > -np.inf).any():
            best = int(np.argmax(gains))
            gains[best] = hopes[best] = -np.inf
            point = tuple(candidates[best].tolist())
            if not self.space.allows(point):
                continue
            found.append(point)
            if len(found) < count:
                front = np.concatenate([front, means[best : best + 1]])
                gains = np.where(hopes[:, 0] > -np.inf, hypervolume_gains(front, hopes, reference), -np.inf)
        return found

    def _score_model(self, trials: Sequence[Trial]) -> GaussianProcess:
        scores = np.array([trial.result.score for trial in trials])
        return self._model([trial.point for trial in trials], scores, "score", stretch=warped)

    def _model(
        self,
        points: Sequence[Encoding],
        values: Floats,
        subject: str,
        *,
        stretch: Callable[[Floats], Floats] = np.asarray,
    ) -> GaussianProcess:
        """A process whose scales are found anew whenever there is a quarter more to learn from."""
        stage = int(np.log(len(points) / _STARTS) / np.log(_REFIT))
        if (subject, stage) not in self._scales:
            begin = int(np.ceil(_STARTS * _REFIT**stage))
            early = GaussianProcess(self.space, points[:begin], stretch(values[:begin]))
            self._scales[subject, stage] = early.scales
        return GaussianProcess(self.space, points, stretch(values), self._scales[subject, stage])

    def _nearness(self, candidates: Codes, chosen: Codes) -> Floats:
        """What a candidate is less worth because one like it is evaluated already."""
        apart = (candidates != chosen).mean(axis=1)
        nearness: Floats = np.exp(-len(chosen) * apart)
        return nearness


def hope(belief: Belief) -> Floats:
    """``(points,)`` what points may be worth: mean and deviation together."""
    return belief.mean + _BRAVERY * belief.deviation


def warped(values: Floats) -> Floats:
    """Stretch the good end, as far as the first points, which were drawn evenly, were apart there."""
    starts = values[:_STARTS]
    margin = 0.5 * float(starts.max() - np.quantile(starts, 0.75)) + 1e-9 * (1 + abs(float(values.max())))
    warped: Floats = -np.log(values.max() + margin - values)
    return warped
