"""``quickstart`` and ``fit``: the main job."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesmith.cli import arguments as arg
from edgesmith.cli import completion
from edgesmith.data.ignored import with_ignored

Budget = Annotated[str, typer.Option(help="Latency of one picture, with a unit, such as 5ms.")]
Across = Annotated[str, typer.Option(help="What counts of several devices: worst or mean.")]
Effort = Annotated[
    str,
    typer.Option(
        help="quick (25 minutes), standard (2 hours) or thorough (8 hours) on 2 cores.",
        autocompletion=completion.efforts,
    ),
]
Time = Annotated[str | None, typer.Option(help="Another limit of time, such as 40m.")]
MaxSize = Annotated[str | None, typer.Option(help="Most bytes of weights, with a unit, such as 2MB.")]
MaxMemory = Annotated[str | None, typer.Option(help="Most bytes of activations at the peak, such as 5MB.")]
Search = Annotated[
    bool | None,
    typer.Option(
        "--search/--no-search", help="Look beyond the zoo; by default in time that 200 epochs of training leave over."
    ),
]
Adapt = Annotated[
    bool | None,
    typer.Option(
        "--adapt/--no-adapt",
        help="Let the winner be a little too slow and narrow it by NetAdapt; by default where there are 90 minutes.",
    ),
]
Int8 = Annotated[
    bool | None,
    typer.Option(
        "--int8/--no-int8", help="Make an int8 file too, kept where it pays; by default where there are 90 minutes."
    ),
]
Preset = Annotated[
    str | None, typer.Option(help="The paper's way instead: paper-large or paper-small, each stage a bundle.")
]
Teacher = Annotated[
    str | None,
    typer.Option(
        help="A trained net that the last training learns from beside the labels: a bundle, torchvision:NAME, "
        "timm:NAME; none is made where none is named."
    ),
]
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
    show(result, as_json=json)


def fit(
    data: arg.Data,
    *,
    budget: Budget,
    device: arg.Devices = "onnxruntime",
    across: Across = "worst",
    effort: Effort = "standard",
    time: Time = None,
    recipe: arg.Recipe = None,
    settings: arg.Settings = [],  # noqa: B006 (typer reads the default, nobody changes it)
    weights: arg.Weights = "auto",
    resolution: Pixels = None,
    max_size: MaxSize = None,
    max_memory: MaxMemory = None,
    search: Search = None,
    adapt: Adapt = None,
    int8: Int8 = None,
    workers: arg.Workers = None,
    preset: Preset = None,
    teacher: Teacher = None,
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    ignore_index: arg.IgnoreIndex = None,
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
    from edgesmith.recipes.api import fit as run

    data = with_ignored(data, ignore_index)
    with watch() as progress:
        result = run(
            data,
            budget=budget,
            out=arg.run_folder(out, preset or "fit", data),
            device=device,
            across=across,
            effort=effort,
            time=time,
            recipe=recipe,
            settings=settings,
            weights=weights,
            resolution=resolution,
            seed=seed,
            search=search,
            adapt=adapt,
            int8=int8,
            max_size=max_size,
            max_memory=max_memory,
            workers=workers,
            preset=preset,
            teacher=teacher,
            overwrite=overwrite,
            progress=progress,
        )
    show(result, as_json=json)


def show(result: object, *, as_json: bool) -> None:
    """Print what a fit came to; exit 1 where the budget was missed."""
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
