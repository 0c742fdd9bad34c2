"""``quickstart`` and ``fit``: the main job."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesmith.cli import arguments as arg

Budget = Annotated[str, typer.Option(help="Latency of one picture, with a unit, such as 5ms.")]
Effort = Annotated[str, typer.Option(help="quick (25 minutes), standard (2 hours) or thorough (8 hours) on 2 cores.")]
Time = Annotated[str | None, typer.Option(help="Another limit of time, such as 40m.")]
Pixels = Annotated[int | None, typer.Option(help="Only this input size in pixels; several are tried by default.")]


def quickstart(
    *,
    budget: Budget = "1ms",
    time: Time = "4m",
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Run the main job on 1,797 handwritten digits that come with scikit-learn.

    Example: edgesmith quickstart
    """
    from edgesmith.cli.terminal import watch
    from edgesmith.core.extras import require

    require("torch", extra="train")
    from edgesmith.recipes.quickstart import quickstart as run

    folder = arg.run_folder(out, "quickstart", "digits")
    with watch() as progress:
        result = run(budget=budget, time=time or "4m", seed=seed, out=folder, overwrite=overwrite, progress=progress)
    _show(result, as_json=json)


def fit(
    data: arg.Data,
    *,
    budget: Budget,
    device: arg.Device = "onnxruntime",
    effort: Effort = "standard",
    time: Time = None,
    recipe: arg.Recipe = None,
    settings: arg.Settings = [],  # noqa: B006 (typer reads the default, nobody changes it)
    weights: arg.Weights = "auto",
    resolution: Pixels = None,
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """From pictures, a device and a millisecond budget to a measured model file.

    Started again on the same folder, it goes on where it was.

    Example: edgesmith fit flowers.zip --budget 1.5ms --effort quick
    """
    from edgesmith.cli.terminal import watch
    from edgesmith.core.extras import require

    require("torch", extra="train")
    from edgesmith.recipes.fit import fit as run
    from edgesmith.recipes.fit_config import FitConfig

    config = FitConfig(
        data=data,
        budget=budget,
        device=device,
        effort=effort,
        time=time,
        recipe=recipe,
        settings=tuple(settings),
        weights=weights,
        resolution=resolution,
        seed=seed,
    )
    with watch() as progress:
        result = run(config, out=arg.run_folder(out, "fit", data), overwrite=overwrite, progress=progress)
    _show(result, as_json=json)


def _show(result: object, *, as_json: bool) -> None:
    from edgesmith.cli.terminal import print_json
    from edgesmith.recipes.fit_result import FitResult

    assert isinstance(result, FitResult)
    if as_json:
        print_json(result.to_json())
    else:
        print("\n".join(result.summary))
        print(f"bundle  {result.bundle}\nreport  {result.report}")
    if not result.met:
        raise typer.Exit(1)
