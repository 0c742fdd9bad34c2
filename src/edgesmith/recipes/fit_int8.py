"""int8 at the end of a fit, where it pays: kept only if it is measured to be faster and loses little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.bundle import Bundle
from edgesmith.recipes.candidates import MARGIN
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.int8_wishes import Wishes
from edgesmith.recipes.models import resolve
from edgesmith.recipes.product import Score, score_file
from edgesmith.recipes.quantize import CALIBRATION, check_request, quantize_model
from edgesmith.recipes.run_folder import Stages
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.base import Task

# Points of top-1, mIoU or mAP; a file that loses more is not kept.
MAX_LOSS: Final = 1.0
FORECAST_S: Final = 240.0
_KEPT: Final = ("device", "path", "kept", "refused", "bytes", "metrics", "latency", "comparisons", "reasons")


def with_int8(
    result: FitResult, config: FitConfig, *, num_train: int, stages: Stages, progress: Progress = SILENT
) -> FitResult:
    """The result with what became of int8: a file in the bundle, or why there is none.

    Args:
        result: Of the fit.
        config: What was asked.
        num_train: Pictures of train, of which some calibrate.
        stages: Of the run.
        progress: Told of each stage.
    """
    try:
        check_request(config.device, "minmax")
    except UsageError as error:
        progress.note(f"no int8: {error}")
        return result
    found = stages.run(
        "int8",
        lambda: _quantize(result.bundle, config, min(CALIBRATION, num_train // 2), Wishes(max_loss=MAX_LOSS), progress),
        forecast_s=FORECAST_S,
    )
    return replace(result, int8=found, summary=(*result.summary, describe(found)))


def int8_product(
    bundle: Bundle,
    score: Score,
    config: FitConfig,
    task: Task,
    *,
    num_train: int,
    stages: Stages,
    progress: Progress = SILENT,
) -> tuple[dict[str, Any], Score]:
    """The int8 file of a fit for a device of int8 files: kept in the bundle whatever it loses, with its own score.

    Args:
        bundle: Of the trained network.
        score: Of its float file.
        config: What was asked.
        task: Scores.
        num_train: Pictures of train, of which some calibrate.
        stages: Of the run.
        progress: Told of each stage.
    """
    wishes = Wishes(max_ms=MARGIN * config.limits().latency_ms)
    count = min(CALIBRATION, num_train // 2)
    found: dict[str, Any] = stages.run(
        "int8", lambda: _quantize(bundle.folder, config, count, wishes, progress, keep_slow=True), forecast_s=FORECAST_S
    )
    path = Path(found["path"])
    loaded = runtime_for(path.suffix).load(path)
    return found, score_file(loaded, task, score.crops, split=score.split, seed=config.seed, progress=progress)


def describe(found: Mapping[str, Any]) -> str:
    """One line for people."""
    score, (before, after) = found["metrics"], found["latency"]
    fate = "kept beside the float file" if found["kept"] else f"not kept: {found['refused'] or 'it is not faster'}"
    return (
        f"int8: {after['ms']:.2f} ms against {before['ms']:.2f}, loses {100 * score['loss']:.1f} points "
        f"({100 * score['loss_low']:.1f} to {100 * score['loss_high']:.1f}); {fate}"
    )


def _quantize(
    bundle: Path,
    config: FitConfig,
    calibration: int,
    wishes: Wishes,
    progress: Progress,
    *,
    keep_slow: bool = False,
) -> dict[str, Any]:
    told = quantize_model(
        resolve(str(bundle)),
        config.data,
        config.device,
        calibration=calibration,
        wishes=wishes,
        keep_slow=keep_slow,
        seed=config.seed,
        progress=progress,
    )
    return {key: told["files"][0][key] for key in _KEPT}
