"""``check``, ``pack``, ``train`` and ``evaluate``: one task each."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from edgesmith.cli import arguments as arg
from edgesmith.data.ignored import with_ignored
from edgesmith.tasks.figures import figure_words

Teacher = Annotated[
    str | None,
    typer.Option(help="A trained net to learn from beside the labels: a bundle, torchvision:NAME or timm:NAME."),
]


def check(
    data: arg.Data,
    *,
    fix: Annotated[
        Path | None, typer.Option(help="Write a cleaned copy into this new folder, with a list of what was left out.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a contact sheet, some pictures of each class with labels: FILE.png.")
    ] = None,
    ignore_index: arg.IgnoreIndex = None,
    json: arg.Json = False,
    seed: arg.Seed = 0,
) -> None:
    """Find what is wrong with pictures and labels before any training; exit 1 if anything is.

    Example: edgesmith check flowers.zip --sheet flowers.png
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.data import dataset as datasets
    from edgesmith.data.check import check as run
    from edgesmith.data.check_text import as_json, lines
    from edgesmith.data.fix import fix as clean
    from edgesmith.data.sheet import write_sheet

    data = with_ignored(data, ignore_index)
    dataset = datasets.open(data, seed=seed)
    with watch() as progress:
        report = run(dataset, progress=progress)
        fixed = None if fix is None else clean(dataset, report, fix, progress=progress)
    if sheet is not None:
        write_sheet(dataset, sheet, seed=seed)
    if json:
        print_json(as_json(report, fixed))
    else:
        print("\n".join(lines(dataset, report, fixed)))
    if not report.ok:
        raise typer.Exit(1)


def pack(
    data: arg.Data,
    *,
    out: Annotated[Path, typer.Option(help="New folder for the shards.")],
    shard_size: Annotated[str, typer.Option(help="Size of a shard, about, with a unit.")] = "256MB",
    ignore_index: arg.IgnoreIndex = None,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Pack pictures into WebDataset shards, which are DATA like a folder, here or behind an address.

    Example: edgesmith pack flowers.zip --out flowers-shards
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.units import parse_bytes
    from edgesmith.data import dataset as datasets
    from edgesmith.data.pack import describe
    from edgesmith.data.pack import pack as run

    data = with_ignored(data, ignore_index)
    dataset = datasets.open(data, seed=seed)
    with watch() as progress:
        packed = run(
            dataset, out, shard_bytes=parse_bytes(shard_size, what="--shard-size"), seed=seed, progress=progress
        )
    if json:
        print_json({"path": str(packed.path), "shards": dict(packed.shards), "num_images": packed.num_images})
    else:
        print("\n".join((*dataset.notes, *describe(packed))))


def train(
    model: arg.Model,
    data: arg.Data,
    *,
    recipe: arg.Recipe = None,
    settings: arg.Settings = [],  # noqa: B006 (typer reads the default, nobody changes it)
    weights: arg.Weights = "auto",
    teacher: Teacher = None,
    resolution: arg.Resolution = None,
    time: Annotated[str | None, typer.Option(help="Limit of time, such as 20m, in place of --set pictures.")] = None,
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes on the CPU, that train together here.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines that train together; the same command on each.")] = 1,
    node_rank: Annotated[int, typer.Option(help="Which of them this one is; 0 writes the run folder.")] = 0,
    main: Annotated[str | None, typer.Option(help="Where they meet: HOST:PORT of the machine 0.")] = None,
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    ignore_index: arg.IgnoreIndex = None,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Train one net on your pictures and write its bundle; started again it goes on.

    Example: edgesmith train mobilenet_v3_small@resolution=128 flowers.zip --set pictures=100000
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.extras import require
    from edgesmith.recipes.models import resolve
    from edgesmith.recipes.together import parse_machines, run_together

    require("torch", extra="train")
    machines = parse_machines(nodes, node_rank, main)
    if devices * nodes > 1 and "RANK" not in os.environ:
        raise typer.Exit(run_together(sys.argv[1:], devices, machines=machines))
    from edgesmith.recipes.train import train_model

    data = with_ignored(data, ignore_index)
    with watch() as progress:
        done = train_model(
            resolve(model),
            data,
            out=arg.run_folder(out, "train", f"{Path(model).name}-{Path(data).name}"),
            recipe=recipe,
            settings=settings,
            weights=weights,
            teacher=teacher,
            resolution=resolution,
            time=time,
            seed=seed,
            overwrite=overwrite,
            progress=progress,
        )
    metrics = done.score.metrics()
    if json:
        print_json({"bundle": str(done.bundle.folder), "metrics": metrics, "pictures": done.result.pictures})
        return
    print(figure_words(metrics))
    print(f"bundle  {done.bundle.folder}")


def evaluate(
    model: arg.Model,
    data: arg.Data,
    *,
    device: Annotated[str | None, typer.Option(help="Score the file that this device runs.")] = None,
    split: Annotated[str | None, typer.Option(help="Split to score; test, else val, by default.")] = None,
    emulate_ranges: Annotated[
        bool,
        typer.Option("--emulate-ranges", help="Hold activations as the quantized file did that was imported."),
    ] = False,
    resize: Annotated[
        str | None,
        typer.Option(help="Score once more under another resize than the model's, such as plain: as most apps resize."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Another bundle, run folder or file of one: the difference on the same pictures, or a tie."),
    ] = None,
    ignore_index: arg.IgnoreIndex = None,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Score a bundle on a set of pictures, with intervals, per class too, and against another.

    Example: edgesmith evaluate runs/fit-flowers flowers.zip --device onnxruntime
    """
    from edgesmith.cli.terminal import print_json, print_table, watch
    from edgesmith.core.extras import require
    from edgesmith.recipes.models import resolve

    require("torch", extra="train")
    from edgesmith.recipes.evaluate import evaluate_model

    data = with_ignored(data, ignore_index)
    resolved, other = resolve(model), None if against is None else resolve(against)
    with watch() as progress:
        result = evaluate_model(
            resolved,
            data,
            device=device,
            split=split,
            seed=seed,
            with_ranges=emulate_ranges,
            resize=resize,
            against=other,
            progress=progress,
        )
    if json:
        print_json(result)
        return
    print(figure_words(result["metrics"] | {"split": result["split"], "num_images": result["num_images"]}))
    if "second_rule" in result:
        print(f"resized by the rule {resize}: {figure_words(result['second_rule']['metrics'])}")
    if "against" in result:
        print(_apart(result["against"], result["num_images"]))
    columns = {key: label for key, label in _COLUMNS.items() if key in result["metrics"]["per_class"][0]}
    rows = [[_shown(row[key]) for key in columns] for row in result["metrics"]["per_class"][:50]]
    print_table(list(columns.values()), rows)


_COLUMNS: Final = {
    "class": "class",
    "num_images": "pictures",
    "num_pixels": "pixels",
    "recall": "found",
    "precision": "right of predicted",
    "iou": "intersection over union",
    "num_boxes": "boxes",
    "ap": "average precision",
}


def _apart(against: Mapping[str, Any], num_images: int) -> str:
    """``against NAME, top-1 84.0%: 0.5 points apart (-1.5 to 2.5), a tie on these 400 pictures``."""
    points = [100 * against[name] for name in ("difference", "low", "high")]
    verdict = against["verdict"] if against["verdict"] != "tie" else "a tie"
    return (
        f"against {against['name']}, {figure_words(against['metrics'])}: {points[0]:+.1f} points "
        f"({points[1]:+.1f} to {points[2]:+.1f}), {verdict} on these {num_images} pictures"
    )


def _shown(value: str | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1%}" if isinstance(value, float) else str(value)
