"""Every task by name, and the one that a data set is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from edgesmith.arch.heads.ssdlite import SsdLite
from edgesmith.arch.names import Scores
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.tasks.base import LossOptions, Task
from edgesmith.tasks.classification import Classification, balanced_weights
from edgesmith.tasks.detection import Detection
from edgesmith.tasks.segmentation import Segmentation


class Labelled(Protocol):
    """One training sample, as far as the loss needs it."""

    @property
    def label(self) -> int:
        """Index of its class."""


class TrainingData(Protocol):
    """What a task reads of a data set."""

    @property
    def task(self) -> str:
        """The task's name."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs."""

    @property
    def splits(self) -> Mapping[str, Sequence[Labelled]]:
        """Samples by split; ``train`` is there."""


def of(data: TrainingData, *, options: LossOptions | None = None) -> Task:
    """The task that ``data`` is for, with its classes.

    Raises:
        UsageError: The data are for a task that is not in the table.
    """
    return lookup(TASKS, data.task, what="task")(data, options or LossOptions())


def scoring_task(name: str, classes: Sequence[str], spec: NetSpec) -> Task:
    """The task of a model that is trained already, for its metric alone.

    Args:
        name: Of the task.
        classes: In the order of the outputs.
        spec: The network: a detector's head says how logits become scores.

    Raises:
        UsageError: There is no such task.
    """
    if isinstance(spec.head, SsdLite):
        return Detection(classes, scores=spec.head.scores)
    return lookup(_SCORING, name, what="task")(classes)


def _classification(data: TrainingData, options: LossOptions) -> Task:
    counts = [0] * len(data.classes)
    for sample in data.splits["train"]:
        counts[sample.label] += 1
    return Classification(
        data.classes,
        label_smoothing=options.label_smoothing,
        class_weights=balanced_weights(counts) if options.class_weights else None,
    )


def _detection(data: TrainingData, options: LossOptions) -> Task:
    if options.class_weights:
        raise UsageError("class_weights are for classification; leave them off where pictures have boxes")
    return Detection(data.classes, scores=Scores.SIGMOID if options.scores is None else options.scores)


def _segmentation(data: TrainingData, options: LossOptions) -> Task:
    if options.class_weights:
        raise UsageError("class_weights are for classification; leave them off where pictures have masks")
    return Segmentation(data.classes, label_smoothing=options.label_smoothing)


_SCORING: Final[Mapping[str, Callable[[Sequence[str]], Task]]] = MappingProxyType(
    {"classification": Classification, "segmentation": Segmentation}
)

TASKS: Final[Mapping[str, Callable[[TrainingData, LossOptions], Task]]] = MappingProxyType(
    {"classification": _classification, "segmentation": _segmentation, "detection": _detection}
)
