"""What benchmarks of two arms share: a verb run for a limited time, the width of equal latency, scores in a row."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgesmith.arch.spec import NetSpec
from edgesmith.recipes.measure import measure_models
from edgesmith.recipes.models import Model, resolve

# Student's t of 95 %, both sides, by degrees of freedom.
_STUDENT: Final = (math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def run(arguments: Sequence[str], out: Path, ends_at: float) -> None:
    """A verb in a process of its own, until it is done or the time is over: then this script ends too.

    Args:
        arguments: Of ``edgesmith``.
        out: Its run folder; a finished one is not run again.
        ends_at: By the monotonic clock.
    """
    if (out / "result.json").is_file():
        return
    command = [sys.executable, "-m", "edgesmith", *arguments]
    try:
        subprocess.run(command, check=False, timeout=max(1.0, ends_at - time.monotonic()), env=dict(os.environ))
    except subprocess.TimeoutExpired:
        sys.exit("the time of this call is over; the same command goes on where it was")
    if not (out / "result.json").is_file():
        sys.exit(f"{out} did not come to an end")


def nearest_width(spec: NetSpec, name: str, resolution: str, widths: Iterable[float]) -> dict[str, float]:
    """The width of a zoo net whose untrained file takes about as long as a network's, measured side by side.

    Args:
        spec: The network.
        name: Of the zoo net.
        resolution: Of the scaled ones, in pixels: ``128``, or ``144x192``.
        widths: To choose from.

    Returns:
        ``width``, and ``ratio``: its time to the network's.
    """
    ours, models = Model(name="ours", spec=spec), {}
    for width in widths:
        scaled = resolve(f"{name}@width={width:g},resolution={resolution}").require_spec()
        scaled = replace(scaled.with_num_classes(spec.num_classes), padding=spec.padding, preset=spec.preset)
        models[width] = Model(name=scaled.name, spec=scaled)
    found = measure_models([ours, *models.values()], "onnxruntime").latency
    times = {width: latency.ms / found[0].ms for width, latency in zip(models, found[1:], strict=True)}
    width = min(times, key=lambda each: abs(times[each] - 1))
    return {"width": width, "ratio": times[width]}


def figures(metrics: dict[str, Any], score: str = "top1") -> dict[str, Any]:
    """What a row says of a score."""
    return {name: metrics[name] for name in (score, f"{score}_low", f"{score}_high", "num_images", "split")}


def spread(values: Sequence[float], form: str = "+.1f") -> str:
    """Mean and Student's 95 % interval of a few values; of differences, unless another form is asked for."""
    if len(values) < 2:
        return f"{values[0]:{form}}" if values else "-"
    half = _STUDENT[min(len(values) - 1, len(_STUDENT) - 1)] * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    mean = float(np.mean(values))
    return f"{mean:{form}} ({mean - half:{form}} to {mean + half:{form}})"
