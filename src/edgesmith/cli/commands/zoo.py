"""``models`` and ``inspect``: what there is, and one net block by block."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgesmith.cli import arguments as arg


def models(*, json: arg.Json = False) -> None:
    """List the zoo.

    Example: edgesmith models --json
    """
    from edgesmith.cli.terminal import print_json, print_table
    from edgesmith.recipes.inspect import list_models

    rows = list_models()
    if json:
        print_json(rows)
        return
    print_table(
        ["name", "family", "pixels", "parameters", "multiply-adds", "published", "on"],
        [
            [
                row["name"],
                row["family"],
                "x".join(str(side) for side in dict.fromkeys(row["input"])),
                f"{row['parameters']:,}",
                f"{row['madds']:,}",
                _published(row["published"]),
                row["published"]["data"],
            ]
            for row in rows
        ],
    )
    print(
        "\noptions: NAME@resolution=160,classes=10,padding=same,preset=timm, and those of the family, like width=0.5;"
    )
    print("a wrong one lists them all")


def _published(figures: dict[str, Any]) -> str:
    labels = {"top1": "top-1", "miou": "mIoU", "map": "mAP"}
    return ", ".join(f"{figures[key]:.1%} {label}" for key, label in labels.items() if figures[key] is not None)


def inspect(
    model: arg.Model,
    *,
    resolution: arg.Resolution = None,
    device: Annotated[
        str | None, typer.Option(help="Add the milliseconds of each block on this device, such as onnxruntime.")
    ] = None,
    json: arg.Json = False,
) -> None:
    """Show one net block by block: shapes, parameters, multiply-adds, and what a bundle recorded.

    Example: edgesmith inspect mobilenet_v3_small@width=0.75,resolution=160
    """
    from edgesmith.cli.terminal import print_json, print_table, watch
    from edgesmith.recipes.inspect import inspect_model
    from edgesmith.recipes.models import resolve

    with watch() as progress:
        facts = inspect_model(resolve(model, resolution=resolution), device=device, progress=progress)
    if json:
        print_json(facts)
        return
    print(f"{facts['name']}  spec {facts['spec_hash']}  model {facts['model_hash']}")
    print(f"{facts['parameters']:,} parameters, {facts['madds']:,} multiply-adds, ", end="")
    print(f"{facts['peak_bytes'] / 1e6:.1f} MB of activations at the peak\n")
    print_table(
        ["block", "kind", "in", "out", "parameters", "multiply-adds", *(["ms"] if device else [])],
        [
            [
                str(row["index"]),
                row["kind"],
                "x".join(map(str, row["in_shape"])),
                "x".join(map(str, row["out_shape"])),
                f"{row['parameters']:,}",
                f"{row['madds']:,}",
                *([_milliseconds(row["ms"])] if device else []),
            ]
            for row in facts["blocks"]
        ],
    )
    if "timed" in facts:
        told = facts["timed"]
        print(f"\nhead {told['head_ms']:.4f} ms; each timed by itself on {told['device']}, ", end="")
        print(f"{told['sum_ms']:.3f} ms in sum; for a prediction of the whole: edgesmith devices profile {device}")
    if "predicted" in facts:
        told = facts["predicted"]
        print(f"\nhead {told['head_ms']:.4f} ms, any network {told['fixed_ms']:.4f} ms; by the block table of ", end="")
        print(f"{told['device']} {told['ms']:.3f} ms (95 % {told['low_ms']:.3f} to {told['high_ms']:.3f})")
    for file in facts.get("files", []):
        parity = f", differs from PyTorch by {file['parity']['relative']:.1e}" if file["parity"] else ""
        print(f"\n{file['path']}: {file['format']}, {file['bytes'] / 1e6:.2f} MB{parity}")
    for record in facts.get("latency", []):
        print(f"{record['device']}: {record['ms']:.3f} ms ({record['low_ms']:.3f} to {record['high_ms']:.3f})")


def _milliseconds(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.4f}"
