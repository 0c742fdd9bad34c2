"""How good int8 files are: their error, what each part adds to it, and what is lost against the float file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.data.evaluation import Crops, Labels
from edgesmith.deploy.parity import compare, run_pictures
from edgesmith.deploy.quantize.mixed import Search
from edgesmith.deploy.steps import with_steps
from edgesmith.devices.local import LocalDevice
from edgesmith.recipes.paired import difference, figure_in
from edgesmith.recipes.product import collect_file
from edgesmith.tasks.base import Task

_NONSENSE: Final = 1.0  # an int8 file may be off by steps, not by as much as the largest answer
_COMPARED_MASKS: Final = 8  # pictures whose logits of every pixel are compared


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How plans of a task are judged.

    Attributes:
        error: Of the task's figure, the answers and what they should be; less is better.
        unit: Of the error.
        allowed: How much more error than the float file's is as good as none: about half a point of the task's figure.
    """

    error: Callable[[float, NDArray[Any], Labels], float]
    unit: str
    allowed: float


def _cross_entropy(_figure: float, logits: NDArray[Any], labels: Labels) -> float:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    scores = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-scores[np.arange(len(labels)), np.asarray(labels)].mean())


def _lacking(figure: float, _answers: NDArray[Any], _labels: Labels) -> float:
    return 1.0 - figure


# Cross-entropy tells apart what top-1 of a few hundred pictures cannot; the other figures are of many places a picture.
RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "classification": Rule(error=_cross_entropy, unit="nats", allowed=0.02),
        "segmentation": Rule(error=_lacking, unit="of mIoU", allowed=0.005),
        "detection": Rule(error=_lacking, unit="of mAP", allowed=0.005),
    }
)


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What one part gives back if it alone stays in float, on the calibration pictures.

    Attributes:
        part: Such as ``blocks.3``.
        error: That the file is better by, in the task's unit.
        points: Points of the task's figure (top-1, mIoU, mAP) that it is better by.
        ms: Milliseconds that it is slower by.
    """

    part: str
    error: float
    points: float
    ms: float


class Scorer:
    """Scores files on pictures, and remembers the task's figure of each.

    Args:
        device: Runs the files.
        crops: The pictures.
        task: Judges the answers.
    """

    def __init__(self, device: LocalDevice, crops: Crops, task: Task) -> None:
        self._device, self._crops, self._task = device, crops, task
        self.figures: dict[Path, float] = {}

    def error(self, path: Path) -> float:
        """Mean cross-entropy of a classifier in nats; what others lack of a perfect figure, 0..1."""
        metric, answers = collect_file(self._device.open(path), self._task, self._crops)
        figure = self.figures[path] = figure_in(metric, len(answers))
        return RULES[self._task.name].error(figure, answers, self._crops.labels)


def sensitivity(found: Search, scorer: Scorer) -> list[Sensitivity]:
    """Each part that was tried alone in float, set against the same file without it; the worst first."""
    starts = {trial.plan.float_kinds: trial for trial in found.trials if not trial.plan.float_parts}
    singles = [trial for trial in found.trials if len(trial.plan.float_parts) == 1]
    parts = []
    for trial in singles:
        start = starts[trial.plan.float_kinds]
        parts.append(
            Sensitivity(
                part=trial.plan.float_parts[0],
                error=start.error - trial.error,
                points=100 * (scorer.figures[trial.file.path] - scorer.figures[start.file.path]),
                ms=trial.ms - start.ms,
            )
        )
    return sorted(parts, key=lambda part: -part.error)


def compare_files(device: LocalDevice, float_file: Path, int8_file: Path, crops: Crops, task: Task) -> dict[str, Any]:
    """The task's figure of both files on the pictures that chose nothing, and the loss on the same draws of them."""
    (before, source), (after, answers) = (
        collect_file(device.open(each), task, crops) for each in (float_file, int8_file)
    )
    count = len(source)
    lost = difference(before, after, task=task.name, count=count)
    if crops.masks is not None:  # of which the best classes alone were kept
        first = crops.images[:_COMPARED_MASKS]
        source, answers = (
            run_pictures(device.open(each), first, preprocessing=crops.preprocessing)
            for each in (float_file, int8_file)
        )
    return {
        f"{task.score_name}_float": figure_in(before, count),
        task.score_name: figure_in(after, count),
        "loss": lost.value,
        "loss_low": lost.low,
        "loss_high": lost.high,
        "num_images": count,
        "parity": with_steps(compare(source, answers, tolerance=_NONSENSE), source, answers),
    }
