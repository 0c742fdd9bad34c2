"""Arguments and options that several verbs share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesmith.cli import completion

Model = Annotated[
    str,
    typer.Argument(
        help="Zoo name with options, spec JSON, bundle, run folder, or model file.", autocompletion=completion.models
    ),
]
Models = Annotated[
    list[str],
    typer.Argument(help="One or more models; the same one twice makes an A/A test.", autocompletion=completion.models),
]
Data = Annotated[
    str,
    typer.Argument(
        help="Pictures in a folder, an archive or shards: a folder per class, boxes (COCO, VOC, YOLO), or masks."
    ),
]
IgnoreIndex = Annotated[
    str | None,
    typer.Option(
        help="Values of masks that count in nothing, beside those of the set: 11, or 11,255.", metavar="VALUE"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Seed = Annotated[int, typer.Option(help="Decides splits, weights, order and augmentation.")]
Out = Annotated[Path | None, typer.Option(help="Run folder; runs/VERB-NAME by default.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Throw away what an earlier run left in the folder.")]
Device = Annotated[
    str,
    typer.Option(help="Device with options, such as onnxruntime:threads=2.", autocompletion=completion.devices),
]
Devices = Annotated[
    str,
    typer.Option(
        help="Device with options, such as onnxruntime:threads=2; or several: a,b.", autocompletion=completion.devices
    ),
]
Resolution = Annotated[str | None, typer.Option(help="Input size in pixels: 160, or 128x192 (height x width).")]
Recipe = Annotated[
    str | None,
    typer.Option(
        help="Training recipe: small, finetune, paper, torchvision or timm; dense and boxes, also with _finetune, for "
        "masks and boxes; by default what suits data and weights."
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        help="What training begins with: none, torchvision, timm, torchvision:NAME, timm:NAME, a bundle or a file; "
        "auto takes the owner's weights if they can be reached."
    ),
]
Workers = Annotated[
    str | None,
    typer.Option(help="Processes that train side by side, such as 4; or here, ray, ray:ADDRESS, ray:ADDRESS,gpus=0.5."),
]
Settings = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Setting of the recipe; may be given several times.")
]


def run_folder(out: Path | None, verb: str, name: str) -> Path:
    """``--out``, or ``runs/VERB-NAME``."""
    stem = Path(name).name.partition("#")[0].partition(".")[0] or "data"
    return out if out is not None else Path("runs") / f"{verb}-{stem.replace('@', '-').replace('=', '')}"
