"""The last mile of a fit: a winner a little above the budget, narrowed by NetAdapt until it meets it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.spec import NetSpec
from edgesmith.core.files import atomic_folder, read_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.bundle import Bundle, is_bundle, open_bundle
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.netadapt.run import netadapt
from edgesmith.recipes.run_folder import RESULT_NAME
from edgesmith.search.executors.table import make_executor
from edgesmith.tasks.figures import figure_words

# A contender may be so much slower than the budget allows: what NetAdapt's widths can take off without much harm.
REACH: Final = 1.12
# Of the training time: enough for accuracies to mean something. The rest is NetAdapt's, and mostly its long training's.
SHARE: Final = 0.3


def last_mile(
    bundle: Path, config: FitConfig, *, seconds: float, folder: Path, progress: Progress = SILENT
) -> dict[str, Any]:
    """Narrow a trained network onto the budget; started again it goes on where it was.

    Args:
        bundle: The trained network.
        config: Of the fit.
        seconds: For all of it.
        folder: NetAdapt's run folder.
        progress: Told of each stage.

    Returns:
        The JSON of ``edgesmith netadapt``.
    """
    if not (folder / RESULT_NAME).is_file():
        wishes = NetAdaptConfig(
            model=str(bundle),
            data=config.data,
            budget=config.budget,
            device=config.device,
            time=f"{max(60.0, seconds):.0f}s",
            settings=config.settings,
            teacher=config.teacher,
            seed=config.seed,
        )
        executor = make_executor(config.executor)
        try:
            netadapt(wishes, out=folder, executor=executor, progress=progress)
        finally:
            executor.close()
    found: dict[str, Any] = read_json(folder / RESULT_NAME)
    return found


def hand_over(bundle: Path, target: Path) -> Bundle:
    """A bundle copied to where a run's is looked for, unless it is there already; another network's is replaced.

    Raises:
        RunError: The disk is full.
    """
    if not is_bundle(target) or open_bundle(target).manifest.spec != open_bundle(bundle).manifest.spec:
        with atomic_folder(target) as folder:
            shutil.copytree(bundle, folder, dirs_exist_ok=True)
    return open_bundle(target)


def adapted_result(
    found: Mapping[str, Any],
    winner: str,
    *,
    bundle: Path,
    report: Path,
    forecast_s: float,
    actual_s: float,
    candidates: tuple[Mapping[str, Any], ...] | None,
) -> FitResult:
    """What a fit leaves behind whose winner was narrowed.

    Args:
        found: From `last_mile`.
        winner: Name of the network that won the race.
        bundle: Where the fit leaves it.
        report: Of the fit.
        forecast_s: Of the whole fit.
        actual_s: That the whole fit took.
        candidates: Of the search, where there was one.
    """
    before, after = found["sizes"]["seed"]["ms"], found["latency"][0]
    verdict = "meets" if found["met"] else "misses"
    return FitResult(
        bundle=bundle,
        report=report,
        budget_ms=found["budget_ms"],
        met=found["met"],
        latency=tuple(found["latency"]),
        metrics=found["metrics"],
        spec=NetSpec.from_json(found["spec"]),
        forecast_s=forecast_s,
        actual_s=actual_s,
        candidates=candidates,
        summary=(
            f"{winner}, narrowed by NetAdapt from {before:.2f} ms, {verdict} {found['budget_ms']:.3g} ms on "
            f"{after['device']}: {after['ms']:.2f} ms ({after['low_ms']:.2f} to {after['high_ms']:.2f})",
            f"accuracy: {figure_words(found['metrics'])}",
        ),
    )
