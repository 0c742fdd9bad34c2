"""``check``, ``train``, ``evaluate`` and ``predict``: one task each."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from edgesmith.deploy.bundle import Bundle
    from edgesmith.runtimes.base import Loaded

from edgesmith.cli import arguments as arg
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
    devices: Annotated[
        int, typer.Option(min=1, help="GPUs, or processes on the CPU, that train together; several machines: torchrun.")
    ] = 1,
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Train one net on your pictures and write its bundle; started again it goes on.

    Example: edgesmith train mobilenet_v3_small@resolution=128 flowers.zip --set pictures=100000
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.extras import require
    from edgesmith.recipes.models import resolve
    from edgesmith.recipes.together import run_together

    require("torch", extra="train")
    if devices > 1 and "RANK" not in os.environ:
        raise typer.Exit(run_together(sys.argv[1:], devices))
    from edgesmith.recipes.train import train_model

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
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Score a bundle on a set of pictures, with intervals, per class too.

    Example: edgesmith evaluate runs/fit-flowers flowers.zip --device onnxruntime
    """
    from edgesmith.cli.terminal import print_json, print_table, watch
    from edgesmith.core.extras import require
    from edgesmith.recipes.models import resolve

    require("torch", extra="train")
    from edgesmith.recipes.evaluate import evaluate_model

    resolved = resolve(model)
    with watch() as progress:
        result = evaluate_model(
            resolved, data, device=device, split=split, seed=seed, with_ranges=emulate_ranges, progress=progress
        )
    if json:
        print_json(result)
        return
    print(figure_words(result["metrics"] | {"split": result["split"], "num_images": result["num_images"]}))
    columns = {key: label for key, label in _COLUMNS.items() if key in result["metrics"]["per_class"][0]}
    rows = [[_shown(row[key]) for key in columns] for row in result["metrics"]["per_class"][:50]]
    print_table(list(columns.values()), rows)


def predict(
    model: arg.Model,
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, folders or archives.")],
    *,
    device: arg.Device = "onnxruntime",
    top: Annotated[int, typer.Option(min=1, help="Classes to show for each picture.")] = 5,
    out: Annotated[Path, typer.Option(help="Folder for masks and overlays, where there are any.")] = Path(
        "runs/predict"
    ),
    score: Annotated[float, typer.Option(min=0, max=1, help="Least score of a box, where the bundle detects.")] = 0.5,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Pass over pictures that cannot be read.")] = False,
    json: arg.Json = False,
) -> None:
    """Classify or segment pictures, or find objects in them, with a file of a bundle; needs no PyTorch.

    Example: edgesmith predict runs/fit-flowers picture.jpg
    """
    from edgesmith.cli.terminal import fail, print_json, watch
    from edgesmith.core.config import to_dict
    from edgesmith.deploy.predict import Predictor, predict_files
    from edgesmith.recipes.model_files import open_file
    from edgesmith.recipes.models import resolve

    bundle = resolve(model).require_bundle()
    with watch() as progress:
        loaded = open_file(bundle, device, progress=progress)
    if bundle.manifest.task == "segmentation":
        _predict_masks(bundle, loaded, pictures, out=out, skip_bad=skip_bad, json=json)
        return
    if bundle.manifest.task == "detection":
        _predict_boxes(bundle, loaded, pictures, out=out, score=score, skip_bad=skip_bad, json=json)
        return
    predictor = Predictor.of(bundle, loaded)
    with watch() as progress:
        found = predict_files(
            predictor, pictures, top=top, bad_pictures="skip" if skip_bad else "error", progress=progress
        )
    for problem in found.problems:
        fail(f"passed over: {problem.detail}")
    if json:
        print_json([to_dict(prediction) for prediction in found.pictures])
        return
    for prediction in found.pictures:
        best = ", ".join(f"{each.name} {each.score:.1%}" for each in prediction.classes)
        print(f"{prediction.image}: {best}")


def _predict_masks(
    bundle: Bundle, loaded: Loaded, pictures: list[Path], *, out: Path, skip_bad: bool, json: bool
) -> None:
    from edgesmith.cli.terminal import fail, print_json, watch
    from edgesmith.core.config import to_dict
    from edgesmith.deploy.predict_masks import MaskPredictor, predict_masks

    with watch() as progress:
        found = predict_masks(
            MaskPredictor.of(bundle, loaded),
            pictures,
            out=out,
            bad_pictures="skip" if skip_bad else "error",
            progress=progress,
        )
    for problem in found.problems:
        fail(f"passed over: {problem.detail}")
    if json:
        print_json([to_dict(p) | {"mask": str(p.mask), "overlay": str(p.overlay)} for p in found.pictures])
        return
    for prediction in found.pictures:
        seen = ", ".join(f"{name} {share:.0%}" for name, share in list(prediction.shares.items())[:_SHARES])
        print(f"{prediction.image}: {seen}; {prediction.overlay}")


def _predict_boxes(
    bundle: Bundle, loaded: Loaded, pictures: list[Path], *, out: Path, score: float, skip_bad: bool, json: bool
) -> None:
    from edgesmith.cli.terminal import fail, print_json, watch
    from edgesmith.core.config import to_dict
    from edgesmith.deploy.predict_boxes import BoxPredictor, predict_boxes

    with watch() as progress:
        found = predict_boxes(
            BoxPredictor.of(bundle, loaded),
            pictures,
            out=out,
            least_score=score,
            bad_pictures="skip" if skip_bad else "error",
            progress=progress,
        )
    for problem in found.problems:
        fail(f"passed over: {problem.detail}")
    if json:
        print_json([to_dict(each) | {"overlay": str(each.overlay)} for each in found.pictures])
        return
    for prediction in found.pictures:
        counts = Counter(box.name for box in prediction.boxes)
        seen = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
        print(f"{prediction.image}: {seen}; {prediction.overlay}")


_SHARES: Final = 5
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


def _shown(value: str | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1%}" if isinstance(value, float) else str(value)
