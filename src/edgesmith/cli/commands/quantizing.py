"""``quantize``: int8 files, planned by measuring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from edgesmith.cli import arguments as arg
from edgesmith.data.ignored import with_ignored
from edgesmith.tasks.figures import figure_of


def quantize(
    model: arg.Model,
    data: arg.Data,
    *,
    device: Annotated[
        str, typer.Option(help="Devices of this machine, by commas: onnxruntime, litert, executorch, openvino.")
    ] = "onnxruntime",
    calibration: Annotated[int, typer.Option(help="Pictures that set the ranges and choose the plan.")] = 200,
    ranges: Annotated[str, typer.Option(help="How ranges are found: minmax, percentile or error.")] = "minmax",
    whole: Annotated[
        bool, typer.Option("--whole", help="Everything in int8, without looking for what is better left in float.")
    ] = False,
    keep_slow: Annotated[
        bool, typer.Option("--keep-slow", help="Keep an int8 file that is not faster than the float file.")
    ] = False,
    input: Annotated[
        str, typer.Option(help="What the files take: float32 (scaled), uint8 (pixels) or int8 (scaled, in steps).")
    ] = "float32",
    max_loss: Annotated[
        float | None,
        typer.Option(help="Points of top-1, mIoU or mAP; a file that loses more is not kept, and the exit code is 1."),
    ] = None,
    reduce_range: Annotated[
        str, typer.Option(help="Weights of seven bits, for x86 without VNNI: auto, on or off.")
    ] = "auto",
    dynamic: Annotated[bool, typer.Option("--dynamic", hidden=True)] = False,
    train: Annotated[
        bool, typer.Option("--train", help="First train the weights to bear rounding, into a bundle of their own.")
    ] = False,
    time: Annotated[str | None, typer.Option(help="Limit of time of --train, in place of --set pictures.")] = None,
    settings: arg.Settings = [],  # noqa: B006 (typer reads the default, nobody changes it)
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    ignore_index: arg.IgnoreIndex = None,
    seed: arg.Seed = 0,
    json: arg.Json = False,
) -> None:
    """Make int8 files of a bundle: find by measuring what should stay in float, and score what comes out.

    Example: edgesmith quantize runs/fit-flowers flowers.zip --device litert,openvino

    With training: edgesmith quantize runs/fit-flowers flowers.zip --device executorch --train --time 20m
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.errors import UsageError
    from edgesmith.core.extras import require
    from edgesmith.recipes.models import resolve

    data = with_ignored(data, ignore_index)
    if dynamic:
        raise UsageError(
            "dynamic int8 finds ranges at every run, and no runtime has fast convolutions for it: nets of convolutions "
            "become slower and less accurate; leave --dynamic out, ranges are then found once on your pictures"
        )
    given = {"--time": time, "--set": settings, "--out": out, "--overwrite": overwrite}
    alone = [name for name, value in given.items() if value]
    if alone and not train:
        raise UsageError(f"{alone[0]} is of the training for int8; add --train, or leave {alone[0]} out")
    resolved = resolve(model)
    require("torch", extra="train")
    from edgesmith.recipes.int8_wishes import Wishes
    from edgesmith.recipes.quantize import quantize_model
    from edgesmith.recipes.quantize_training import Training, train_and_quantize

    wishes = Wishes(input=input, max_loss=max_loss, reduce_range=reduce_range)
    make = quantize_model
    if train:
        folder = arg.run_folder(out, "quantize", f"{Path(model).name}-{Path(data).name}")
        training = Training(out=folder, settings=settings, time=time, overwrite=overwrite)
        make = partial(train_and_quantize, training=training)
    with watch() as progress:
        result = make(
            resolved,
            data,
            device,
            calibration=calibration,
            ranges=ranges,
            mixed=not whole,
            keep_slow=keep_slow,
            wishes=wishes,
            seed=seed,
            progress=progress,
        )
    if json:
        print_json(result)
    else:
        _print_lines(result)
    if any(file["refused"] for file in result["files"]):
        raise typer.Exit(1)


def _print_lines(result: Mapping[str, Any]) -> None:
    if "training" in result:
        print(_training_line(result["training"]))
    for file in result["files"]:
        print(_line(file, result["num_images"]))
        for note in file["notes"]:
            print(f"  {note}")


def _training_line(training: Mapping[str, Any]) -> str:
    figure = figure_of(training["metrics"])
    assert figure is not None, "a trained net was scored"
    return (
        f"trained on {training['pictures']} pictures for int8: {figure.label} in float "
        f"{training['metrics'][figure.key]:.1%} (before {training[f'{figure.key}_before']:.1%}); "
        f"bundle {training['bundle']}"
    )


def _line(file: Mapping[str, Any], pictures: int) -> str:
    score, (float_latency, int8_latency) = file["metrics"], file["latency"]
    figure = figure_of(score)
    assert figure is not None, "a file was scored"
    return (
        f"{file['device']}: {int8_latency['ms']:.2f} ms (float {float_latency['ms']:.2f} ms), "
        f"{file['bytes'] / 1e6:.2f} MB, {figure.label} {score[figure.key]:.1%} (float "
        f"{score[f'{figure.key}_float']:.1%}; loss "
        f"{100 * score['loss']:.1f} points, 95 % interval {100 * score['loss_low']:.1f} to "
        f"{100 * score['loss_high']:.1f}) on {pictures} pictures; {file['path'] or 'not kept'}"
    )
