"""``measure``: latency with intervals, and verdicts."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesmith.cli import arguments as arg

Limit = Annotated[float | None, typer.Option(min=1, help="Seconds for the session; the plan's own by default.")]


def measure(
    models: arg.Models,
    *,
    device: arg.Device = "onnxruntime",
    resolution: arg.Resolution = None,
    limit: Limit = None,
    blocks: Annotated[bool, typer.Option("--blocks", help="Time every block by itself too; show the slowest.")] = False,
    sustained: Annotated[
        str | None,
        typer.Option(help="Then run each file for so long without a pause, such as 5m, and say if it slows down."),
    ] = None,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Measure latency with intervals, and say which model is faster, or that one cannot tell.

    Example: edgesmith measure mobilenet_v3_small runs/fit-flowers other.onnx
    """
    from dataclasses import replace

    from edgesmith.cli.latency_text import print_measurement
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.units import parse_seconds
    from edgesmith.devices.measure import DEFAULT_PLAN
    from edgesmith.devices.sustained import Stretch
    from edgesmith.recipes.measure import measure_models
    from edgesmith.recipes.models import resolve

    resolved = [resolve(model) if _is_fixed(model) else resolve(model, resolution=resolution) for model in models]
    plan = replace(DEFAULT_PLAN, seed=seed)
    if limit is not None:
        plan = replace(plan, limit_s=limit)
    stretch = (
        Stretch(seconds=parse_seconds(sustained, what="--sustained"), seed=seed) if sustained is not None else None
    )
    with watch() as progress:
        found = measure_models(resolved, device, plan=plan, blocks=blocks, stretch=stretch, progress=progress)
    if json:
        print_json(found.to_dict())
        return
    print_measurement(found)


def _is_fixed(model: str) -> bool:
    """Whether the model is a file or folder, whose input size cannot be changed."""
    from pathlib import Path

    return Path(model).expanduser().exists()
