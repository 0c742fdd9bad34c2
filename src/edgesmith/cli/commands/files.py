"""``export``: model files, each compared with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from edgesmith.cli import arguments as arg
from edgesmith.cli import completion


def export(
    model: arg.Model,
    *,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            help="Formats, by commas: onnx, litert, executorch, openvino, ncnn, coreml.",
            autocompletion=completion.formats,
        ),
    ] = "onnx",
    batch: Annotated[
        str | None, typer.Option(help="Pictures in one run, or any; by default any where the format can, else 1.")
    ] = None,
    opset: Annotated[int | None, typer.Option(help="Version of the ONNX operators, 13 to 25.")] = None,
    preprocessing_inside: Annotated[
        bool, typer.Option("--preprocessing-inside", help="The file takes uint8 pictures (N, H, W, 3).")
    ] = False,
    with_nms: Annotated[
        bool, typer.Option("--with-nms", help="A detector's ONNX file suppresses overlapping boxes itself.")
    ] = False,
    without_upsampling: Annotated[
        bool, typer.Option("--without-upsampling", help="A segmenter's file leaves its last resize to others.")
    ] = False,
    data: Annotated[str | None, typer.Option(help="Pictures to compare on; noise by default.")] = None,
    resolution: arg.Resolution = None,
    out: arg.Out = None,
    json: arg.Json = False,
) -> None:
    """Export a bundle's weights, or an untrained zoo net, to a file that was run and compared with PyTorch.

    Example: edgesmith export runs/fit-flowers --format onnx,litert --data flowers.zip
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.extras import require
    from edgesmith.recipes.models import resolve

    resolved = resolve(model, resolution=resolution)
    require("torch", extra="train")
    from edgesmith.recipes.export import export_model

    with watch() as progress:
        result = export_model(
            resolved,
            format,
            out=arg.run_folder(out, "export", model),
            batch=batch,
            opset=opset,
            preprocessing_inside=preprocessing_inside,
            with_nms=with_nms,
            upsampling=not without_upsampling,
            data=data,
            progress=progress,
        )
    if json:
        print_json(result)
        return
    for file in result["files"]:
        print(_line(file))
        for note in file["notes"]:
            print(f"  {note}")


def _line(file: Mapping[str, Any]) -> str:
    parity, outside = file["parity"], file["outside"]
    batch = "any number of pictures" if file["batch"] is None else f"batch {file['batch']}"
    facts = [f"{file['bytes'] / 1e6:.2f} MB", file["precision"], file["layout"], batch]
    if parity is not None:
        on = f"{parity['num_pictures']} pictures" + " of noise" * (parity["pictures"] == "noise")
        source = "the boxes without suppression" if parity["judged_by"] == "boxes" else "PyTorch"
        facts.append(f"differs from {source} by {parity['relative']:.1e} on {on}")
    if outside:
        facts.append("outside the fast kernels: " + ", ".join(f"{count} {name}" for name, count in outside.items()))
    return f"{file['path']}: {', '.join(facts)}"
