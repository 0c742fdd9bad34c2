"""How good int8 files are: their error, what each part adds to it, and what is lost against the float file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.seed import generator
from edgesmith.data.evaluation import Crops
from edgesmith.deploy.parity import compare, run_pictures
from edgesmith.deploy.quantize.mixed import Search
from edgesmith.deploy.steps import with_steps
from edgesmith.devices.local import LocalDevice

_NONSENSE: Final = 1.0  # an int8 file may be off by steps, not by as much as the largest answer
_DRAWS: Final = 2000
_RUNS: Final = 50


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What one part gives back if it alone stays in float, on the calibration pictures.

    Attributes:
        part: Such as ``blocks.3``.
        error: Nats of cross-entropy that the file is better by.
        points: Points of top-1 that it is better by.
        ms: Milliseconds that it is slower by.
    """

    part: str
    error: float
    points: float
    ms: float


class Scorer:
    """Scores files on pictures, and remembers how many each had right.

    Args:
        device: Runs the files.
        crops: The pictures.
    """

    def __init__(self, device: LocalDevice, crops: Crops) -> None:
        self._device = device
        self._crops = crops
        self.top1: dict[Path, float] = {}

    def error(self, path: Path) -> float:
        """Mean cross-entropy, nats."""
        logits, labels = logits_of(self._device, path, self._crops), self._crops.labels
        self.top1[path] = float((logits.argmax(axis=1) == labels).mean())
        shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
        scores = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return float(-scores[np.arange(len(labels)), labels].mean())


def logits_of(device: LocalDevice, path: Path, crops: Crops) -> NDArray[np.float32]:
    """A file's answers ``(N, classes)`` to cropped pictures, whatever it takes."""
    loaded = device.open(path)
    portions = [crops.images[start : start + _RUNS] for start in range(0, len(crops.images), _RUNS)]
    return np.concatenate([run_pictures(loaded, portion, preprocessing=crops.preprocessing) for portion in portions])


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
                points=100 * (scorer.top1[trial.file.path] - scorer.top1[start.file.path]),
                ms=trial.ms - start.ms,
            )
        )
    return sorted(parts, key=lambda part: -part.error)


def compare_files(device: LocalDevice, float_file: Path, int8_file: Path, crops: Crops) -> dict[str, Any]:
    """Top-1 of both files on the pictures that chose nothing, and the loss picture by picture."""
    before, after = logits_of(device, float_file, crops), logits_of(device, int8_file, crops)
    right = [(answers.argmax(axis=1) == crops.labels).astype(np.float64) for answers in (before, after)]
    lost = right[0] - right[1]
    draws = generator(0, "bootstrap").integers(0, len(lost), (_DRAWS, len(lost)))
    low, high = np.quantile(lost[draws].mean(axis=1), [0.025, 0.975])
    return {
        "top1_float": float(right[0].mean()),
        "top1": float(right[1].mean()),
        "loss": float(lost.mean()),
        "loss_low": float(low),
        "loss_high": float(high),
        "num_images": len(lost),
        "parity": with_steps(compare(before, after, tolerance=_NONSENSE), before, after),
    }
