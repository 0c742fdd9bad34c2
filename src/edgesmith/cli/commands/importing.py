"""``import``: somebody's weights into a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesmith.cli import arguments as arg


def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="torchvision:NAME, timm:NAME, or a file: .tflite, .h5, .keras, .index, .safetensors, .pth."
        ),
    ],
    *,
    model: Annotated[
        str | None, typer.Option(help="Zoo name, for a bare state dict that fits several or none as it is.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Class names, one a line, where the source has none.")] = None,
    data: Annotated[str | None, typer.Option(help="Pictures to compare the export on; noise by default.")] = None,
    out: arg.Out = None,
    overwrite: arg.Overwrite = False,
    json: arg.Json = False,
) -> None:
    """Turn somebody's weights into a bundle, with the preprocessing that they were trained with.

    Example: edgesmith import torchvision:mobilenet_v3_small
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.extras import require

    require("torch", extra="train")
    from edgesmith.recipes.imports import import_weights
    from edgesmith.recipes.run_folder import DEFAULT_FOLDER

    folder = out if out is not None else DEFAULT_FOLDER / f"import-{_stem(source)}"
    with watch() as progress:
        done = import_weights(
            source, out=folder, model=model, labels=labels, data=data, overwrite=overwrite, progress=progress
        )
    if json:
        print_json(done)
        return
    rule = done["preprocessing"]
    print(f"{done['source']}: {done['parameters']:,} parameters, {done['num_classes']} classes")
    size = f"{rule['height']}x{rule['width']}"
    cut = f"short side {rule['resize_short']}, crop {size}" if rule["resize_short"] else f"whole, resized to {size}"
    print(f"pictures: {cut}, {rule['interpolation']}")
    mean, std = (", ".join(f"{value:.6g}" for value in rule[key]) for key in ("mean", "std"))
    print(f"scaling: (value * {rule['scale']:.6g} - ({mean})) / ({std})")
    print(f"the exported file differs from PyTorch by {done['parity']['relative']:.1e}")
    print(f"bundle  {done['bundle']}")


def _stem(source: str) -> str:
    return Path(source).name.replace(":", "-").replace("/", "-")
