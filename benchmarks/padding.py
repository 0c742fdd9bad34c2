"""What symmetric padding costs in LiteRT, whose convolutions know TensorFlow's SAME padding only.

    python benchmarks/padding.py --out padding.jsonl

MobileNetV3 with PyTorch's padding, where each stride of 2 needs a padding operator, takes turns with the same network
padded as TensorFlow does. Weights are random.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Final

from rows import find_rows, read_commit

from edgesmith.core.files import append_line
from edgesmith.devices.measure import DEFAULT_PLAN
from edgesmith.recipes.measure import measure_models
from edgesmith.recipes.models import resolve

NETS: Final = ("mobilenet_v3_large", "mobilenet_v3_small")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time symmetric against SAME padding in LiteRT.")
    parser.add_argument("--device", default="litert")
    parser.add_argument("--limit", type=float, default=30.0, help="seconds of measuring for each network")
    parser.add_argument("--out", type=Path, default=Path("padding.jsonl"))
    options = parser.parse_args()
    for name in NETS:
        key = {"commit": read_commit(), "device": options.device, "network": name}
        if not find_rows(options.out, key):
            models = [resolve(name), resolve(f"{name}@padding=same")]
            found = measure_models(models, options.device, plan=replace(DEFAULT_PLAN, limit_s=options.limit)).to_dict()
            row = {"latency": found["latency"], "comparison": found["comparisons"][0]}
            append_line(options.out, json.dumps(key | row))
        row = find_rows(options.out, key)[-1]
        pair = row["comparison"]
        print(f"{name}: {pair['ratio']:.3f} ({pair['low']:.3f} to {pair['high']:.3f}) of the SAME-padded net's time")


if __name__ == "__main__":
    main()
