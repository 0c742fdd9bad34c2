"""From a trained net to a bundle: export, parity on real pictures, and the score of the exported file itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.evaluation import Crops
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.bundle import Bundle, write_bundle
from edgesmith.deploy.parity import Parity, run_pictures
from edgesmith.engine.evaluate import Evaluation, collect
from edgesmith.nn.build import Net
from edgesmith.recipes.batches import pixel_batches_of
from edgesmith.recipes.material import Material
from edgesmith.runtimes.base import Loaded
from edgesmith.tasks.base import Metric, Task


@dataclass(frozen=True, kw_only=True)
class Score:
    """How an exported file did on the evaluation split.

    Attributes:
        evaluation: The figures.
        split: Which split.
        answers: What the task keeps of the outputs, in the order of ``crops``: logits ``(N, classes)``, or the class of
            each pixel ``(N, H, W)``.
        crops: The pictures, as the file saw them.
    """

    evaluation: Evaluation
    split: str
    answers: NDArray[Any]
    crops: Crops

    def metrics(self) -> dict[str, Any]:
        """The figures with split and number of pictures, as bundles and JSON have them."""
        return {**self.evaluation.metrics, "split": self.split, "num_images": self.evaluation.num_images}


def score_file(
    loaded: Loaded, task: Task, crops: Crops, *, split: str, seed: int, progress: Progress = SILENT
) -> Score:
    """Run an open model file over pictures and score it."""
    metric, answers = collect_file(loaded, task, crops, seed=seed, progress=progress)
    evaluation = Evaluation(metrics=metric.compute(), num_images=len(crops.samples))
    return Score(evaluation=evaluation, split=split, answers=answers, crops=crops)


def collect_file(
    loaded: Loaded, task: Task, crops: Crops, *, seed: int = 0, progress: Progress = SILENT
) -> tuple[Metric, NDArray[Any]]:
    """Run an open model file over pictures: the metric that counted them, and what the task keeps of the answers."""
    kept: list[NDArray[Any]] = []

    def predict(images: NDArray[Any], /) -> NDArray[np.float32]:
        outputs = run_pictures(loaded, images, preprocessing=crops.preprocessing)
        kept.append(task.keep(outputs))
        return outputs

    batches = pixel_batches_of(crops)
    metric, _ = collect(predict, batches, task, seed=seed, num_images=len(crops.samples), progress=progress)
    return metric, np.concatenate(kept)


def make_bundle(
    folder: Path,
    net: Net,
    score: Score,
    files: Sequence[tuple[ExportedFile, Parity | None]],
    *,
    name: str,
    material: Material,
    provenance: Mapping[str, Any],
) -> Bundle:
    """Write the bundle of a trained net."""
    return write_bundle(
        folder,
        name=name,
        task=material.dataset.task,
        spec=net.spec,
        module=net,
        classes=material.dataset.classes,
        preprocessing=score.crops.preprocessing,
        files=files,
        metrics=score.metrics(),
        provenance=provenance,
    )
