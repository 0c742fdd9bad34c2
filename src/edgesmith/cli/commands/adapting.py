"""``netadapt``: a network narrowed until it meets a budget."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesmith.cli import arguments as arg
from edgesmith.cli.commands.job import Effort, Teacher, Time
from edgesmith.data.ignored import with_ignored

Budget = Annotated[str, typer.Option(help="Latency such as 3ms, or a share of the network's own, such as 0.8x.")]
Rule = Annotated[str, typer.Option(help="Which proposal wins: slope (MobileNetV3) or accuracy (the original).")]
Schedule = Annotated[str, typer.Option(help="What steps must save: paper (fixed) or original (decaying).")]
Delta = Annotated[float | None, typer.Option(help="What a step must save, as a share of the network's latency: 0.01.")]
Pictures = Annotated[int | None, typer.Option(help="Pictures that each proposal is fine-tuned on.")]
Multiple = Annotated[int, typer.Option(help="Widths become multiples of this many channels.")]
Scratch = Annotated[bool, typer.Option("--from-scratch", help="Train the final network anew, as the paper does.")]


def netadapt(
    model: arg.Model,
    data: arg.Data,
    *,
    budget: Budget,
    device: arg.Device = "onnxruntime",
    effort: Effort = "standard",
    time: Time = None,
    weights: arg.Weights = "auto",
    rule: Rule = "slope",
    schedule: Schedule = "paper",
    delta: Delta = None,
    steps_pictures: Pictures = None,
    multiple: Multiple = 8,
    from_scratch: Scratch = False,
    recipe: arg.Recipe = None,
    settings: arg.Settings = [],  # noqa: B006 (typer reads the default, nobody changes it)
    resolution: arg.Resolution = None,
    teacher: Teacher = None,
    workers: arg.Workers = None,
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    ignore_index: arg.IgnoreIndex = None,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Narrow a network width by width until it meets a latency budget, with the least loss for each millisecond.

    Started again on the same folder, it goes on where it was.

    Example: edgesmith netadapt runs/v3-small flowers.zip --budget 0.8x --resolution 128 --effort quick
    """
    from pathlib import Path

    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.extras import require

    require("torch", extra="train")
    from edgesmith.recipes.netadapt.config import NetAdaptConfig
    from edgesmith.recipes.netadapt.run import netadapt as run
    from edgesmith.recipes.search_wishes import SearchWishes
    from edgesmith.search.executors.table import make_executor

    data = with_ignored(data, ignore_index)
    config = NetAdaptConfig(
        model=model,
        data=data,
        budget=budget,
        device=device,
        effort=effort,
        time=time,
        weights=weights,
        rule=rule,
        schedule=schedule,
        delta=delta,
        steps_pictures=steps_pictures,
        multiple=multiple,
        from_scratch=from_scratch,
        recipe=recipe,
        settings=tuple(settings),
        resolution=resolution,
        teacher=teacher,
        seed=seed,
    )
    folder = arg.run_folder(out, "netadapt", f"{Path(model).name}-{Path(data).name}")
    executor = make_executor(SearchWishes(workers=workers).executor)
    try:
        with watch() as progress:
            result = run(config, out=folder, overwrite=overwrite, executor=executor, progress=progress)
    finally:
        executor.close()
    if json:
        print_json(result.to_json())
    else:
        print("\n".join(result.summary))
        print(f"bundle  {result.bundle}\nreport  {result.report}\nsteps   {folder / 'steps'}")
    if not result.met:
        raise typer.Exit(1)
