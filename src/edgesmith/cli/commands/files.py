"""``export``: model files, each compared with PyTorch."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesmith.cli import arguments as arg


def export(
    model: arg.Model,
    *,
    format: Annotated[str, typer.Option("--format", help="Format of the file: onnx.")] = "onnx",
    batch: Annotated[int | None, typer.Option(help="Pictures in one run; any number by default.")] = None,
    opset: Annotated[int | None, typer.Option(help="Version of the ONNX operators, 13 to 25.")] = None,
    preprocessing_inside: Annotated[
        bool, typer.Option("--preprocessing-inside", help="The file takes uint8 pictures (N, H, W, 3).")
    ] = False,
    data: Annotated[str | None, typer.Option(help="Pictures to compare on; noise by default.")] = None,
    resolution: arg.Resolution = None,
    out: arg.Out = None,
    json: arg.Json = False,
) -> None:
    """Export a bundle's weights, or an untrained zoo net, to a file that was run and compared with PyTorch.

    Example: edgesmith export runs/fit-flowers --preprocessing-inside --data flowers.zip
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
            data=data,
            progress=progress,
        )
    if json:
        print_json(result)
        return
    for file in result["files"]:
        parity = file["parity"]
        print(f"{file['path']}: {file['bytes'] / 1e6:.2f} MB, differs from PyTorch by {parity['relative']:.1e}")
