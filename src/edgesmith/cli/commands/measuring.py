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
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Measure latency with intervals, and say which model is faster, or that one cannot tell.

    Example: edgesmith measure mobilenet_v3_small runs/fit-flowers other.onnx
    """
    from dataclasses import replace

    from edgesmith.cli.terminal import print_json, print_table, watch
    from edgesmith.devices.measure import DEFAULT_PLAN
    from edgesmith.recipes.measure import measure_models
    from edgesmith.recipes.models import resolve

    resolved = [resolve(model) if _is_fixed(model) else resolve(model, resolution=resolution) for model in models]
    plan = replace(DEFAULT_PLAN, seed=seed)
    if limit is not None:
        plan = replace(plan, limit_s=limit)
    with watch() as progress:
        found = measure_models(resolved, device, plan=plan, progress=progress)
    if json:
        print_json(found.to_dict())
        return
    print_table(
        ["model", "device", "ms", "95 % interval", "p90", "first run", "note"],
        [
            [
                each.name,
                each.device,
                f"{each.ms:.3f}",
                f"{each.low_ms:.3f} to {each.high_ms:.3f}",
                f"{each.p90_ms:.3f}",
                f"{each.first_run_ms:.1f}",
                "contended" if each.contended else "",
            ]
            for each in found.latency
        ],
    )
    for pair in found.comparisons:
        a, b = (f"{name} on {device}" for name, device in zip((pair.a, pair.b), pair.devices, strict=True))
        words = f"is {pair.verdict} than" if pair.verdict != "cannot tell" else "against"
        tail = ": cannot tell" if pair.verdict == "cannot tell" else ""
        print(f"{a} {words} {b}{tail} (ratio {pair.ratio:.3f}, 99 % {pair.low:.3f} to {pair.high:.3f})")


def _is_fixed(model: str) -> bool:
    """Whether the model is a file or folder, whose input size cannot be changed."""
    from pathlib import Path

    return Path(model).expanduser().exists()
