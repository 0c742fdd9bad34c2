"""One evaluation for every task and for whatever predicts: a module, or a file in any runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgesmith.core.errors import RunError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.engine.batches import EvaluationBatch
from edgesmith.engine.launch import ALONE
from edgesmith.engine.world import World
from edgesmith.tasks.base import Metric, Outputs, Task


class Predictor(Protocol):
    """Images in, the task's outputs out, both as arrays."""

    def __call__(self, images: NDArray[np.float32], /) -> Outputs:
        """Run the network on ``(N, 3, H, W)`` normalised images."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a network reached on some pictures.

    Attributes:
        metrics: Plain JSON values by name; see the task's metric.
        num_images: Pictures that were scored.
    """

    metrics: Mapping[str, Any]
    num_images: int

    @property
    def figures(self) -> dict[str, float]:
        """The metrics that are one number."""
        return {name: value for name, value in self.metrics.items() if isinstance(value, int | float)}


def evaluate(
    predict: Predictor,
    batches: Iterable[EvaluationBatch],
    task: Task,
    *,
    seed: int = 0,
    num_images: int | None = None,
    world: World = ALONE,
    progress: Progress = SILENT,
) -> Evaluation:
    """Score a predictor; every picture counts once, however many processes share the work.

    Args and errors are those of `collect`.
    """
    metric, seen = collect(predict, batches, task, seed=seed, num_images=num_images, world=world, progress=progress)
    return Evaluation(metrics=metric.compute(), num_images=seen)


def collect(
    predict: Predictor,
    batches: Iterable[EvaluationBatch],
    task: Task,
    *,
    seed: int = 0,
    num_images: int | None = None,
    world: World = ALONE,
    progress: Progress = SILENT,
) -> tuple[Metric, int]:
    """Put pictures to a predictor, for whoever asks the metric for other figures than all.

    Args:
        predict: `eager` of a module, or a file's run function.
        batches: Each picture once, in any batch sizes.
        task: Gives the metric.
        seed: Of the bootstrap intervals.
        num_images: How many pictures there will be, for the time left.
        world: The processes that score together: each takes some of the batches, and all get the whole answer.
        progress: Shows the stage.

    Returns:
        The metric that has counted every picture, and their number.

    Raises:
        RunError: An output is not finite.
    """
    metric, seen = task.metric(seed=seed), 0
    own: list[tuple[int, Any]] = []
    fault = ""
    with progress.stage("evaluate", num_images, "pictures") as stage:
        for number, batch in enumerate(batches):
            count = len(batch.images)
            if count and number % world.size == world.rank:
                outputs = predict(batch.images)
                fault = _fault_of(outputs, first=seen)
                if fault:
                    break
                own.append((number, metric.judge(outputs, batch.labels)))
            seen += count
            stage.advance(count)
    # Only what was judged is kept and sent: outputs of whole pictures would fill the memory of every process.
    parts = world.gather((fault, own))
    for each, _ in parts:
        if each:
            raise RunError(each)
    for _, judged in sorted((pair for _, part in parts for pair in part), key=itemgetter(0)):
        metric.add(judged)
    return metric, seen


def eager(net: nn.Module) -> Predictor:
    """A module in evaluation mode as a predictor; each call leaves the module's mode as it was."""
    device = next(net.parameters()).device

    def predict(images: NDArray[np.float32], /) -> Outputs:
        was_training = net.training
        net.eval()
        try:
            with torch.inference_mode():
                return _to_arrays(net(torch.from_numpy(images).to(device)))
        finally:
            net.train(was_training)

    return predict


def _to_arrays(outputs: Any) -> Any:
    if isinstance(outputs, Tensor):
        return outputs.float().cpu().numpy()
    if isinstance(outputs, Mapping):
        return {key: _to_arrays(value) for key, value in outputs.items()}
    if isinstance(outputs, list | tuple):
        return tuple(_to_arrays(value) for value in outputs)
    return outputs


def _fault_of(outputs: Any, *, first: int) -> str:
    if not isinstance(outputs, np.ndarray) or bool(np.isfinite(outputs).all()):
        return ""
    return (
        f"the model's outputs are not finite in the batch that starts at picture {first}; "
        f"its weights are spoiled or the file overflows"
    )
