"""The race of a fit: short trainings on part of train, scored on the rest, longer for those who stay in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgesmith.arch.spec import model_hash
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Sample
from edgesmith.engine.train import TrainResult
from edgesmith.nn.build import Net
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.fit_weights import fit_weights
from edgesmith.recipes.int8_candidates import NUM_CALIBRATION, Int8
from edgesmith.recipes.material import Material
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.recipes.run_folder import Stages
from edgesmith.search.race import Rung, Standing, plan_rungs, race
from edgesmith.tasks.base import Task

# Before a net has taken so many steps its norms' statistics lag behind its weights, and it scores as if it knew
# nothing: on five classes of flowers twelve networks scored 20.0 % each after 26 steps, and 34 to 52 % after 77.
_LEAST_STEPS: Final = 75
_LEAST_RUNNERS: Final = 3
_TWO_SIDED: Final = 1.96  # standard deviations: 95 %


@dataclass(frozen=True, kw_only=True)
class Race:
    """How a race went.

    Attributes:
        winner: Name of the network.
        standings: How far each came, by name.
        pictures: That each was trained on in its last round, by name.
        intervals: Ends of the 95 % interval of each score, by name.
    """

    winner: str
    standings: Mapping[str, Standing]
    pictures: Mapping[str, int]
    intervals: Mapping[str, tuple[float, float]]


class Runners:
    """Contenders at the start; each round of each is kept when it is done.

    Args:
        contenders: Who runs.
        material: What they train on.
        task: Gives loss and score.
        seed: Decides which part of train is held out.
        int8: How contenders become int8 files, whose score then counts; None for float files.
        stages: Of the run.
        folder: Takes a folder for each training.
        progress: Told of each.
    """

    def __init__(
        self,
        contenders: Contenders,
        material: Material,
        task: Task,
        *,
        seed: int,
        int8: Int8 | None = None,
        stages: Stages,
        folder: Path,
        progress: Progress = SILENT,
    ) -> None:
        self._contenders, self._material, self._task, self._seed = contenders, material, task, seed
        self._int8, self._stages, self._folder, self._progress = int8, stages, folder, progress
        self._rest, self._held = material.parted(seed)
        self._asked: dict[str, tuple[int, int]] = {}
        self._pictures: dict[str, int] = {}
        self._intervals: dict[str, tuple[float, float]] = {}

    def run(self, seconds: float, speed: float) -> Race:
        """Race.

        Args:
            seconds: For all trainings.
            speed: Pictures a second that contenders train at. All see equally many pictures, however fast they are:
                in a race for equal times the smallest network would win by its early start.
        """

        def evaluate(name: str, number: int, rung: Rung) -> float:
            pictures = round(speed * rung.seconds)
            self._asked[name] = (number, pictures)
            stage = f"race-{number}-{model_hash(self._contenders.specs[name])}"
            done = self._stages.run(stage, lambda: self._round(name, number, pictures), forecast_s=rung.seconds)
            self._pictures[name] = int(done["pictures"])
            self._intervals[name] = (done["low"], done["high"])
            return float(done["score"])

        specs = self._contenders.specs
        batch_size = self._contenders.config(next(iter(specs.values())), 1).batch_size
        names = affordable(tuple(specs), seconds, least_s=_LEAST_STEPS * batch_size / speed)
        winner, standings = race(names, plan_rungs(len(names), seconds), evaluate, floor=luck(self._held, self._task))
        return Race(winner=winner, standings=standings, pictures=self._pictures, intervals=self._intervals)

    def trained(self, name: str) -> tuple[Net, TrainResult]:
        """A runner with the weights of its last round, which are read from its folder."""
        net, _, result = self._train(name, *self._asked[name])
        return net, result

    def _train(self, name: str, number: int, pictures: int) -> tuple[Net, Preprocessing, TrainResult]:
        spec = self._contenders.specs[name]
        net, rule = self._contenders.begin(spec)
        result = fit_weights(
            net,
            self._material,
            self._task,
            self._contenders.config(spec, pictures),
            rule=rule,
            folder=self._folder / f"{number}-{model_hash(spec)}",
            samples=self._rest,
            held=self._held,
            progress=self._progress,
        )
        return net, rule, result

    def _round(self, name: str, number: int, pictures: int) -> dict[str, float]:
        self._progress.note(f"race, round {number + 1}: {name} on {pictures} pictures")
        net, rule, result = self._train(name, number, pictures)
        evaluation = result.evaluation
        if self._int8 is not None:
            calibration = self._material.crops(self._rest[:NUM_CALIBRATION], rule)
            held = self._material.crops(self._held, rule)
            evaluation = self._int8.score(net, calibration, held, self._task, seed=self._seed)
        assert evaluation is not None, "a race scores on held-out pictures"
        key, metrics = self._task.score_name, evaluation.metrics
        return {
            "score": float(metrics[key]),
            "low": float(metrics[f"{key}_low"]),
            "high": float(metrics[f"{key}_high"]),
            "pictures": result.pictures,
        }


def affordable(names: Sequence[str], seconds: float, *, least_s: float) -> Sequence[str]:
    """Those of the first names that a race can train for long enough in its first round; three in any case.

    Args:
        names: The preferred first.
        seconds: For the whole race.
        least_s: Seconds of training before which scores tell nothing.
    """
    for count in range(len(names), _LEAST_RUNNERS, -1):
        if plan_rungs(count, seconds)[0].seconds >= least_s:
            return names[:count]
    return names[:_LEAST_RUNNERS]


def luck(held: Sequence[Sample], task: Task) -> float:
    """Top-1 that a network may reach which has learned nothing but the most common class; 0 where other figures count.

    Args:
        held: The pictures that scores are of.
        task: Whose scores.
    """
    if task.name != CLASSIFICATION:
        return 0.0
    share = max(Counter(sample.label for sample in held).values()) / len(held)
    return share + _TWO_SIDED * math.sqrt(share * (1 - share) / len(held))
