"""``search``: networks nobody has drawn, within a budget on a device."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesmith.cli import arguments as arg
from edgesmith.cli import completion
from edgesmith.cli.commands.job import Across, Budget, Effort, MaxMemory, MaxSize, Pixels, Time, show
from edgesmith.data.ignored import with_ignored

Space = Annotated[
    str,
    typer.Option(
        help="Search space: mobilenet_v3_small, mobilenet_v3_large, ...; auto: around what does best of the zoo.",
        autocompletion=completion.spaces,
    ),
]
Strategy = Annotated[
    str,
    typer.Option(
        help="surrogate, predicted, random, local, evolution, tpe, nsga2, controller (the paper's) or reinforce.",
        autocompletion=completion.strategies,
    ),
]
Reward = Annotated[
    str,
    typer.Option(
        help="accuracy (the budget is a limit), absolute (TuNAS', slope -0.30) and absolute-tunas (-0.10), or "
        "MnasNet's soft, soft-small (w = -0.15) and hard."
    ),
]
Scoring = Annotated[
    str,
    typer.Option(
        help="proxy: a short training for each candidate; supernet: shared weights, trained once; "
        "oneshot: these with a policy beside them (TuNAS)."
    ),
]
Objectives = Annotated[
    str,
    typer.Option(
        "--objective",
        help="What is raised: accuracy, or a front of accuracy and some of latency, parameters, memory, madds: "
        "accuracy,latency. The most accurate of the front is trained.",
    ),
]
ProxySettings = Annotated[
    list[str],
    typer.Option(
        "--proxy",
        metavar="KEY=VALUE",
        help="A candidate's short training: pictures=3000, scale=0.7 (of its resolution), subset=0.5 (of the pictures "
        "to draw from), inherit=false (no weights of a parent trained first). Repeatable.",
    ),
]
Trials = Annotated[int | None, typer.Option(help="Candidates to try; by default what the time buys.")]
Batch = Annotated[int | None, typer.Option(help="Candidates proposed at a time; by default two for each of --workers.")]
Random = Annotated[
    bool, typer.Option("--random/--no-random", help="Try as many random candidates beside it, for comparison.")
]
Study = Annotated[
    str | None,
    typer.Option(help="Where the study lives: sqlite:///FILE or postgresql://...; a file in the run folder."),
]


def search(
    data: arg.Data,
    *,
    budget: Budget,
    space: Space = "auto",
    strategy: Strategy = "surrogate",
    scoring: Scoring = "proxy",
    reward: Reward = "accuracy",
    objectives: Objectives = "accuracy",
    proxy: ProxySettings = [],  # noqa: B006 (typer reads the default, nobody changes it)
    trials: Trials = None,
    batch: Batch = None,
    random: Random = True,
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
    study: Study = None,
    workers: arg.Workers = None,
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    ignore_index: arg.IgnoreIndex = None,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Search for networks within a budget on a device, and train the best one.

    Started again on the same folder, it goes on where it was.

    Example: edgesmith search flowers.zip --budget 1ms --time 40m
    """
    from edgesmith.cli.terminal import watch
    from edgesmith.core.extras import require

    require("torch", extra="train")
    from edgesmith.recipes.api import search as run

    data = with_ignored(data, ignore_index)
    with watch() as progress:
        result = run(
            data,
            budget=budget,
            out=arg.run_folder(out, "search", data),
            space=space,
            strategy=strategy,
            scoring=scoring,
            reward=reward,
            objectives=[name.strip() for name in objectives.split(",")],
            proxy=proxy,
            trials=trials,
            batch=batch,
            random=random,
            study=study,
            workers=workers,
            device=device,
            across=across,
            effort=effort,
            time=time,
            recipe=recipe,
            settings=settings,
            weights=weights,
            resolution=resolution,
            seed=seed,
            max_size=max_size,
            max_memory=max_memory,
            overwrite=overwrite,
            progress=progress,
        )
    show(result, as_json=json)
