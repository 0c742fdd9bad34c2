"""The paper's hand edits one by one: accuracy on a set of pictures against measured milliseconds.

    python benchmarks/ablation.py ../shared/data/flowers/flowers.zip --out benchmarks/results/ablation.jsonl

Each edit is taken back, alone, from the published network; every net is trained from scratch by the same recipe on as
many pictures, once a seed, and its exported file is scored. Latency is that of the exported files in one session. A
training, and the session, is a row; rows that are there are not made again, and no training is begun that would not end
within ``--minutes`` if it takes as long as the longest before it, so the script goes on where it stopped, slice by
slice. At the end it prints a table beside what the paper says of each edit on ImageNet and a Pixel 1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from arms import spread
from marked import markdown
from rows import find_rows, read_commit

from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.ablation import hswish_from, last_stage, no_se, relu_only, se, stem
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.files import append_line
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.library import open_files
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.table import get_device
from edgesmith.recipes.models import Model
from edgesmith.recipes.train import train_model

AS_PUBLISHED: Final = "as published"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The published network with one decision taken another way.

    Attributes:
        edit: Makes it.
        paper: What the paper says of it against the published network; empty where it says nothing in numbers.
    """

    edit: Callable[[NetSpec], NetSpec]
    paper: str = ""


# Blocks are Large's: 1 is the first of 16 channels, 7 of 80, 11 of 112. The paper's are its table 5 and section 5.
VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType(
    {
        AS_PUBLISHED: Variant(edit=lambda spec: spec, paper="75.2 %, 51.4 ms"),
        "ReLU only": Variant(edit=relu_only, paper="-0.7 points, -1 % ms"),
        "h-swish from 16 channels": Variant(edit=lambda spec: hswish_from(spec, 1), paper="+0.2 points, +4 % ms"),
        "h-swish from 112 channels": Variant(edit=lambda spec: hswish_from(spec, 11), paper="-0.3 points, -0.5 % ms"),
        "SE none": Variant(edit=no_se, paper="lower; no discernible ms"),
        "SE a quarter of the input": Variant(edit=lambda spec: se(spec, 0.25, of="input"), paper="lower"),
        "stem 32": Variant(edit=lambda spec: stem(spec, 32), paper="as accurate, +2 ms"),
        "last stage original": Variant(edit=lambda spec: last_stage(spec, "original"), paper="as accurate, +7 ms"),
    }
)


def main() -> None:
    options = parse_options()
    until = time.monotonic() + 60 * options.minutes
    names = options.variants.split(";") if options.variants else list(VARIANTS)
    key = {"model": options.model, "resolution": options.resolution, "recipe": options.recipe}
    key |= {"wanted_pictures": options.pictures}
    for seed in range(options.seeds):
        for name in names:
            row = key | {"variant": name, "seed": seed}
            if find_rows(options.out, row):
                continue
            if time.monotonic() + max((each["seconds"] for each in find_rows(options.out, key)), default=0) > until:
                print(f"the next training does not end within {options.minutes:g} minutes; run it again to go on")
                return
            append_line(options.out, json.dumps(row | {"commit": read_commit()} | run(name, seed, options)))
    timed = {"model": options.model, "resolution": options.resolution, "device": options.device}
    if any(not find_rows(options.out, timed | {"variant": name}) for name in names):
        for row in time_all(names, options):
            append_line(options.out, json.dumps(timed | {"commit": read_commit()} | row))
    print("\n".join(describe(find_rows(options.out, key), find_rows(options.out, timed), names)))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Take the paper's hand edits back one by one.")
    parser.add_argument("data", help="as DATA of the command line")
    parser.add_argument("--model", default="mobilenet_v3_large")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--classes", type=int, default=5, help="of the set, for the session's files")
    parser.add_argument("--recipe", default="small")
    parser.add_argument("--pictures", type=int, default=30_000, help="that each network is trained on")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variants", default="", help="some names, with semicolons between")
    parser.add_argument("--device", default="onnxruntime")
    parser.add_argument("--minutes", type=float, default=20, help="of this slice")
    parser.add_argument("--work", type=Path, default=Path("runs/ablation"), help="folder of trainings and files")
    parser.add_argument("--out", type=Path, default=Path("ablation.jsonl"))
    return parser.parse_args()


def variant_of(name: str, options: argparse.Namespace) -> NetSpec:
    """The edited network at the resolution of all."""
    spec = VARIANTS[name].edit(find(options.model)).with_resolution(options.resolution)
    return replace(spec, name=name, num_classes=options.classes)


def run(name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One training from scratch; the exported file's score."""
    spec, begun = variant_of(name, options), time.monotonic()
    outcome = train_model(
        Model(name=name, spec=spec),
        options.data,
        out=options.work / f"{name.replace(' ', '-')}-{seed}",
        recipe=options.recipe,
        weights="none",
        settings=(f"pictures={options.pictures}",),
        seed=seed,
    )
    return {
        "top1": outcome.score.metrics()["top1"],
        "pictures": outcome.result.pictures,
        "seconds": round(time.monotonic() - begun),
    }


def time_all(names: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """All variants in one session; weights do not matter to latency."""
    device = get_device(options.device)
    files = open_files(maker_for(device.format), options.work)
    specs = [variant_of(name, options) for name in names]
    files.make(specs)
    subjects = [
        Subject(name=name, files={device.format: files.path(spec)}) for name, spec in zip(names, specs, strict=True)
    ]
    rows = []
    for spec, latency in zip(specs, measure(subjects, [device]).latency, strict=True):
        total = count_total(spec)
        row = {"variant": latency.name, "ms": latency.ms, "low_ms": latency.low_ms, "high_ms": latency.high_ms}
        rows.append(row | {"contended": latency.contended, "madds": total.madds, "parameters": total.parameters})
    return rows


def describe(
    trained: Sequence[Mapping[str, Any]], timed: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[str]:
    """A line a variant: accuracy, its difference to the published net seed by seed, latency, the paper's words."""
    scores = {name: {row["seed"]: row["top1"] for row in trained if row["variant"] == name} for name in names}
    times = {row["variant"]: row for row in timed}
    lines = []
    for name in names:
        values = list(scores[name].values())
        shared = [seed for seed in scores[name] if seed in scores.get(AS_PUBLISHED, {})]
        apart = [100 * (scores[name][seed] - scores[AS_PUBLISHED][seed]) for seed in shared]
        row = times.get(name)
        lines.append(
            [
                name,
                f"{np.mean(values):.1%}" if values else "-",
                "" if name == AS_PUBLISHED else spread(apart),
                f"{row['ms']:.2f} ({row['low_ms']:.2f} to {row['high_ms']:.2f}){'*' * row['contended']}"
                if row
                else "-",
                VARIANTS[name].paper,
            ]
        )
    return markdown(["variant", "top-1", "points apart, 95 % interval", "ms, 95 % interval", "the paper"], lines)


if __name__ == "__main__":
    main()
